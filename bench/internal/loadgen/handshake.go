//go:build linux

package loadgen

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

const headBytes = 8 << 10 // longest handshake answer

// handshake upgrades the blocking socket fd as connection number serial.
func handshake(fd int, cfg *Config, serial int) error {
	key := handshakeKey(serial)
	request := appendRequest(nil, cfg, cfg.target(serial), key)
	if n, err := waitWrite(fd, request); err != nil || n < len(request) {
		return fmt.Errorf("handshake: sent %d of %d bytes: %w", n, len(request), err)
	}
	head, err := readHead(fd)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	return checkAnswer(head, key, cfg.Deflate)
}

// handshakeKey is unlike that of any other serial, so that an answer cannot have been
// prepared or mixed up.
func handshakeKey(serial int) string {
	var nonce [16]byte
	binary.BigEndian.PutUint64(nonce[8:], uint64(serial))
	return base64.StdEncoding.EncodeToString(nonce[:])
}

func appendRequest(dst []byte, cfg *Config, path, key string) []byte {
	dst = append(append(dst, "GET "...), path...)
	dst = append(append(dst, " HTTP/1.1\r\nHost: "...), cfg.Addr...)
	dst = append(dst, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "...)
	dst = append(append(dst, key...), "\r\n"...)
	if cfg.Deflate {
		dst = append(dst, "Sec-WebSocket-Extensions: "+deflateOffer+"\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// readHead reads until the blank line that ends an HTTP head and returns the head.
// A byte behind it is an error: no server may speak before it is spoken to here.
func readHead(fd int) ([]byte, error) {
	head := make([]byte, 0, headBytes)
	for len(head) < cap(head) {
		n, err := waitRead(fd, head[len(head):cap(head)])
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, fmt.Errorf("server hung up after %q", head)
		}
		head = head[:len(head)+n]
		if complete, err := headComplete(head); complete || err != nil {
			return head, err
		}
	}
	return nil, errors.New("answer is too long")
}

// headComplete reports whether b ends with the blank line that ends an HTTP head.
func headComplete(b []byte) (bool, error) {
	switch end := bytes.Index(b, []byte("\r\n\r\n")); {
	case end < 0 && len(b) == headBytes:
		return false, errors.New("answer is too long")
	case end < 0:
		return false, nil
	case end < len(b)-4:
		return false, fmt.Errorf("%d unexpected bytes behind the head", len(b)-end-4)
	}
	return true, nil
}

// checkAnswer checks status and Sec-WebSocket-Accept (RFC 6455 section 4.1), and that
// compression was agreed on exactly if it was asked for.
func checkAnswer(head []byte, key string, deflate bool) error {
	status, fields, _ := bytes.Cut(head, []byte("\r\n"))
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 101 ")) {
		return fmt.Errorf("handshake: status %q", status)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	var want [28]byte
	base64.StdEncoding.Encode(want[:], sum[:])
	if got := headerField(fields, "sec-websocket-accept"); !bytes.Equal(got, want[:]) {
		return fmt.Errorf("handshake: Sec-WebSocket-Accept is %q, want %q", got, want)
	}
	agreed := headerField(fields, "sec-websocket-extensions")
	if deflate != (len(agreed) > 0) || deflate && !bytes.Contains(agreed, []byte("server_no_context_takeover")) {
		return fmt.Errorf("handshake: Sec-WebSocket-Extensions is %q", agreed)
	}
	return nil
}

// headerField returns the value of the first field called name, in lower case, in the
// lines of a head. It allocates nothing: a run that only connects does this for each
// of its operations, and collects no garbage.
func headerField(lines []byte, name string) []byte {
	for len(lines) > 0 {
		var line []byte
		line, lines, _ = bytes.Cut(lines, []byte("\r\n"))
		if len(line) > len(name) && line[len(name)] == ':' && asciiEqualFold(line[:len(name)], name) {
			return bytes.TrimSpace(line[len(name)+1:])
		}
	}
	return nil
}

// asciiEqualFold reports whether b is lower but for the case of its letters.
func asciiEqualFold(b []byte, lower string) bool {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// ping waits for the answer to a ping on the blocking socket fd: behind it, the server
// has done all that it does about a new connection, such as to make it a receiver of
// broadcasts.
func ping(fd int) error {
	const pingFrame, pongFrame = 0x89, 0x8a
	payload := []byte("here")
	got, err := exchange(fd, appendMasked(nil, pingFrame, payload))
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if want := append(appendHeader(nil, pongFrame, len(payload), 0), payload...); !bytes.Equal(got, want) {
		return fmt.Errorf("ping: answered with %x", got)
	}
	return nil
}
