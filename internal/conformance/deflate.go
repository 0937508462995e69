package conformance

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	deflateTail   = "\x00\x00\xff\xff"     // that every message ends in, and that is left out (RFC 7692, section 7.2.1)
	deflateEnd    = "\x01\x00\x00\xff\xff" // an empty block that is the last
	maxWindowBits = 15
)

// A deflation is a client's half of permessage-deflate, on the standard library.
type deflation struct {
	serverForgets, clientForgets bool // no context takeover
	serverBits, clientBits       int  // of the windows

	sent, seen []byte // what later messages of either direction may refer to
}

// agreed reads the server's answer to the first of the offers, and makes sure that
// it is one: RFC 7692, section 7.1.
func agreed(offers, answer string) (*deflation, error) {
	offer, _, _ := strings.Cut(offers, ",")
	d := &deflation{serverBits: maxWindowBits, clientBits: maxWindowBits}
	asked := parameters(offer)
	name, rest, _ := strings.Cut(answer, ";")
	if strings.TrimSpace(name) != "permessage-deflate" || strings.Contains(answer, ",") {
		return nil, fmt.Errorf("the answer to %q is %q", offer, answer)
	}
	given := parameters(";" + rest)
	for name, value := range given {
		bits, _ := strconv.Atoi(value)
		limit, isAsked := asked[name]
		most := maxWindowBits
		if limit != "" {
			most, _ = strconv.Atoi(limit)
		}
		switch {
		case name == "":
		case name == "server_no_context_takeover" && value == "":
			d.serverForgets = true
		case name == "client_no_context_takeover" && value == "":
			d.clientForgets = true
		case name == "server_max_window_bits" && 8 <= bits && bits <= most:
			d.serverBits = bits
		case name == "client_max_window_bits" && isAsked && 8 <= bits && bits <= most:
			d.clientBits = bits
		default:
			return nil, fmt.Errorf("%s in the answer %q to %q", name, answer, offer)
		}
	}
	for _, name := range []string{"server_no_context_takeover", "server_max_window_bits"} {
		_, isAsked := asked[name]
		if _, isGiven := given[name]; isAsked && !isGiven {
			return nil, fmt.Errorf("%s is missing in the answer %q to %q", name, answer, offer)
		}
	}
	return d, nil
}

// parameters splits what follows the extension's name, by the parameters' names.
func parameters(extension string) map[string]string {
	all := make(map[string]string)
	for _, p := range strings.Split(extension, ";")[1:] {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		all[name] = value
	}
	return all
}

// deflate returns the payload of a compressed message. A window that is smaller
// than the standard library's is kept to by halves: no block is longer than half of
// it, and none refers to more than the half before.
func (d *deflation) deflate(payload []byte) []byte {
	half := 1 << d.clientBits / 2
	if d.clientBits == maxWindowBits {
		half = max(len(payload), 1<<maxWindowBits)
	}
	before := d.sent
	if d.clientForgets {
		before = nil
	}
	var out bytes.Buffer
	for first := true; first || len(payload) > 0; first = false {
		n := min(half, len(payload))
		w, err := flate.NewWriterDict(&out, flate.DefaultCompression, before)
		if err != nil {
			panic("conformance: " + err.Error()) // the level is legal
		}
		w.Write(payload[:n])
		w.Flush()
		before = lastBytes(before, payload[:n], min(half, 1<<maxWindowBits))
		payload = payload[n:]
	}
	d.sent = before
	return bytes.TrimSuffix(out.Bytes(), []byte(deflateTail))
}

// inflate returns what the payload of a compressed message stands for.
func (d *deflation) inflate(payload []byte) ([]byte, error) {
	before := d.seen
	if d.serverForgets {
		before = nil
	}
	r := flate.NewReaderDict(io.MultiReader(bytes.NewReader(payload), strings.NewReader(deflateTail+deflateEnd)), before)
	plain, err := io.ReadAll(r)
	d.seen = lastBytes(before, plain, 1<<d.serverBits)
	return plain, err
}

// lastBytes returns a copy of the last n bytes of a and b together.
func lastBytes(a, b []byte, n int) []byte {
	b = b[max(len(b)-n, 0):]
	a = a[max(len(a)+len(b)-n, 0):]
	return append(bytes.Clone(a), b...)
}
