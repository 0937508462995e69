// Package proxyhead is the PROXY protocol, versions 1 and 2: a header in front of
// a connection's bytes by which a load balancer says whose connection it is. Bytes
// go in, an address and a size come out. It does no I/O and keeps nothing.
//
// https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
package proxyhead

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
)

// Why there is no address. The connection cannot go on.
var (
	ErrMissing   = errors.New("the connection does not begin with a PROXY header")
	ErrMalformed = errors.New("the PROXY header is malformed")
	ErrTooLong   = errors.New("the PROXY header is too long")
	ErrTransport = errors.New("the PROXY header is about something else than TCP")
)

const (
	signature1 = "PROXY "
	signature2 = "\r\n\r\n\x00\r\nQUIT\n"

	most1  = 107 // bytes of a header of version 1, by the specification
	fixed2 = 16  // bytes of a header of version 2 before its addresses
)

// MaxBytes is the most that a header can have: one of version 2 with extensions,
// which are skipped.
const MaxBytes = 4096

// Parse looks at b, all bytes received so far on a connection. Size 0 and no error
// mean "more, please". Otherwise size is the header's, and client the address that
// it names, which is not valid where the proxy speaks for itself or does not know.
//
// The result does not depend on how the bytes were cut into calls, nor on what
// follows the header.
func Parse(b []byte) (size int, client netip.AddrPort, err error) {
	switch {
	case begins(b, signature2):
		return parse2(b)
	case begins(b, signature1):
		return parse1(b)
	}
	return 0, client, ErrMissing
}

// begins reports whether b begins with s, as far as it goes.
func begins(b []byte, s string) bool {
	n := min(len(b), len(s))
	return string(b[:n]) == s[:n]
}

// parse1 parses a line such as "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n".
func parse1(b []byte) (size int, client netip.AddrPort, err error) {
	end := bytes.IndexByte(b[:min(len(b), most1)], '\n')
	switch {
	case end < 0 && len(b) < most1:
		return 0, client, nil
	case end < 0:
		return 0, client, ErrTooLong
	case b[end-1] != '\r': // the signature is in front of it
		return 0, client, ErrMalformed
	}
	line, size := b[len(signature1):end-1], end+1
	parts := bytes.Split(line, []byte(" "))
	if string(parts[0]) == "UNKNOWN" {
		return size, client, nil
	}
	if len(parts) != 5 {
		return 0, client, ErrMalformed
	}
	bits := 0
	switch string(parts[0]) {
	case "TCP4":
		bits = 32
	case "TCP6":
		bits = 128
	default:
		return 0, client, ErrTransport
	}
	from, to := address(parts[1], parts[3], bits), address(parts[2], parts[4], bits)
	if !from.IsValid() || !to.IsValid() {
		return 0, client, ErrMalformed
	}
	return size, unmapped(from), nil
}

// address makes one of its two parts, or one that is not valid.
func address(ip, port []byte, bits int) netip.AddrPort {
	a, err := netip.ParseAddr(string(ip))
	if err != nil || a.BitLen() != bits || a.Zone() != "" {
		return netip.AddrPort{}
	}
	n, err := strconv.ParseUint(string(port), 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != string(port) {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, uint16(n))
}

// parse2 parses a header of version 2:
//
//	0           12        13       14       16
//	├ signature ┼ version ┼ family ┼ length ┼ addresses, extensions
//	              command   protocol
func parse2(b []byte) (size int, client netip.AddrPort, err error) {
	if len(b) < fixed2 {
		return 0, client, nil
	}
	version, family := b[12], b[13]
	rest := int(binary.BigEndian.Uint16(b[14:]))
	switch {
	case version != 0x20 && version != 0x21:
		return 0, client, ErrMalformed
	case rest > MaxBytes-fixed2:
		return 0, client, ErrTooLong
	case len(b) < fixed2+rest:
		return 0, client, nil
	}
	size = fixed2 + rest
	if version == 0x20 { // LOCAL: the proxy's own, to see whether we live
		return size, client, nil
	}
	b = b[fixed2:size]
	bytesEach := 0
	switch family {
	case 0x00, 0x31: // not told; a stream on its own machine
		return size, client, nil
	case 0x11:
		bytesEach = 4
	case 0x21:
		bytesEach = 16
	default:
		return 0, client, ErrTransport
	}
	if len(b) < 2*bytesEach+4 {
		return 0, client, ErrMalformed
	}
	ip, _ := netip.AddrFromSlice(b[:bytesEach])
	return size, unmapped(netip.AddrPortFrom(ip, binary.BigEndian.Uint16(b[2*bytesEach:]))), nil
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
