//go:build linux

package loadgen

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
)

// deflateOffer asks for compression in which no message refers to another, so that
// the same message is always answered with the same bytes: a reply is inflated once,
// and afterwards compared like any other.
const deflateOffer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

const (
	compressed = 0x40 // RSV1 (RFC 7692 section 6)
	textFrame  = 0x81 // FIN and the text opcode: some servers compress nothing else
)

// deflateTail is what a sender cuts off and a receiver puts back (RFC 7692 section 7.2).
var deflateTail = []byte{0x00, 0x00, 0xff, 0xff}

// texts are messages of size bytes such as services send each other: records of the
// same keys with other values.
func texts(size int) [][]byte {
	all := make([][]byte, maxCycleMessages)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range all {
		var b []byte
		for len(b) < size {
			b = fmt.Appendf(b, `{"id":%d,"room":"lobby-%d","kind":"moved","x":%d,"y":%d,"seen":true},`,
				random.IntN(1e6), random.IntN(16), random.IntN(4096), random.IntN(4096))
		}
		all[i] = b[:size]
	}
	return all
}

// deflatedStreams builds what a client sends, and learns from the server what it gets
// back: fd is an open connection on which each message is sent once, and its reply
// inflated and compared.
func deflatedStreams(fd, size, depth int) (send, expect *stream, err error) {
	var sent, echoed [][]byte
	for i, payload := range texts(size) {
		frame := appendMasked(nil, textFrame|compressed, deflate(payload))
		reply, err := exchange(fd, frame)
		if err != nil {
			return nil, nil, fmt.Errorf("learning message %d: %w", i, err)
		}
		if err := checkReply(reply, payload); err != nil {
			return nil, nil, fmt.Errorf("learning message %d: %w", i, err)
		}
		sent, echoed = append(sent, frame), append(echoed, reply)
	}
	return newStream(sent, depth), newStream(echoed, depth), nil
}

// deflate compresses one message.
func deflate(payload []byte) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err == nil {
		_, err = w.Write(payload)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err) // the level is right, and a buffer takes everything
	}
	return bytes.TrimSuffix(out.Bytes(), deflateTail)
}

// exchange sends a frame on a blocking connection and returns the next one that comes.
func exchange(fd int, frame []byte) ([]byte, error) {
	if n, err := waitWrite(fd, frame); err != nil || n < len(frame) {
		return nil, fmt.Errorf("sent %d of %d bytes: %w", n, len(frame), err)
	}
	reply := make([]byte, 0, 2*len(frame)+64)
	for {
		if size, ok := frameSize(reply); ok && len(reply) >= size {
			if len(reply) > size {
				return nil, fmt.Errorf("%d bytes behind the reply", len(reply)-size)
			}
			return reply, nil
		}
		if len(reply) == cap(reply) {
			reply = append(reply, 0)[:len(reply)]
		}
		n, err := waitRead(fd, reply[len(reply):cap(reply)])
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		reply = reply[:len(reply)+n]
	}
}

// headerSize returns the size of a server's frame header, if b has the byte that says.
func headerSize(b []byte) (size int, ok bool) {
	if len(b) < 2 {
		return 0, false
	}
	switch b[1] & 0x7f {
	case 126:
		return 4, true
	case 127:
		return 10, true
	}
	return 2, true
}

// frameSize returns the size of the server's frame at the front of b, header
// included, if b has the whole header.
func frameSize(b []byte) (size int, ok bool) {
	head, ok := headerSize(b)
	if !ok || len(b) < head {
		return 0, false
	}
	switch head {
	case 4:
		return head + int(binary.BigEndian.Uint16(b[2:])), true
	case 10:
		return head + int(binary.BigEndian.Uint64(b[2:])), true
	}
	return head + int(b[1]&0x7f), true
}

// checkReply compares the message in a server's frame, inflated, with payload. One
// that came back as it is would compare compression with none.
func checkReply(frame, payload []byte) error {
	if frame[0] != textFrame|compressed {
		return fmt.Errorf("first byte of the reply is %#02x, want %#02x: a compressed text", frame[0], textFrame|compressed)
	}
	head, _ := headerSize(frame)
	r := flate.NewReader(io.MultiReader(bytes.NewReader(frame[head:]), bytes.NewReader(deflateTail)))
	got, err := io.ReadAll(io.LimitReader(r, int64(len(payload))+1))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // there is no last block, and there need not be
		return err
	}
	if !bytes.Equal(got, payload) {
		return fmt.Errorf("inflated reply of %d bytes differs", len(got))
	}
	return nil
}
