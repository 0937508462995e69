//go:build linux

package loadgen

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/sys/unix"
)

const headBytes = 8 << 10 // longest handshake answer

// handshake upgrades the blocking socket fd. serial makes its key unlike any other's,
// so that an answer cannot have been prepared or mixed up.
func handshake(fd int, addr, path string, serial int) error {
	var nonce [16]byte
	binary.BigEndian.PutUint64(nonce[8:], uint64(serial))
	key := base64.StdEncoding.EncodeToString(nonce[:])
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n", path, addr, key)
	if n, err := unix.Write(fd, request); err != nil || n < len(request) {
		return fmt.Errorf("handshake: sent %d of %d bytes: %w", n, len(request), err)
	}
	head, err := readHead(fd)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	return checkAnswer(head, key)
}

// readHead reads until the blank line that ends an HTTP head and returns the head.
// A byte behind it is an error: no server may speak before it is spoken to here.
func readHead(fd int) ([]byte, error) {
	head := make([]byte, 0, headBytes)
	for len(head) < cap(head) {
		n, err := unix.Read(fd, head[len(head):cap(head)])
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, fmt.Errorf("server hung up after %q", head)
		}
		head = head[:len(head)+n]
		switch end := bytes.Index(head, []byte("\r\n\r\n")); {
		case end == len(head)-4:
			return head, nil
		case end >= 0:
			return nil, fmt.Errorf("%d unexpected bytes behind the head", len(head)-end-4)
		}
	}
	return nil, errors.New("answer is too long")
}

// checkAnswer checks status and Sec-WebSocket-Accept (RFC 6455 section 4.1).
func checkAnswer(head []byte, key string) error {
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), nil)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("handshake: status %s", response.Status)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	want := base64.StdEncoding.EncodeToString(sum[:])
	if got := response.Header.Get("Sec-WebSocket-Accept"); got != want {
		return fmt.Errorf("handshake: Sec-WebSocket-Accept is %q, want %q", got, want)
	}
	return nil
}
