//go:build linux

package loadgen

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lxzan/gws"
)

// echo is a WebSocket server that we did not write.
type echo struct{ gws.BuiltinEventHandler }

func (echo) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	_ = conn.WriteMessage(message.Opcode, message.Bytes())
}

// listen returns a loopback listener that the test's end closes.
func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// serveRaw hands every accepted connection to serve, on a goroutine of its own.
func serveRaw(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener := listen(t)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return listener.Addr().String()
}

func TestRunMeasures(t *testing.T) {
	listener := listen(t)
	server := gws.NewServer(echo{}, nil)
	server.OnError = func(net.Conn, error) {}
	go server.RunListener(listener)
	wsAddr := listener.Addr().String()
	rawAddr := serveRaw(t, func(conn net.Conn) { io.Copy(conn, conn) })

	for _, tc := range []struct {
		name string
		cfg  Config
	}{
		{"ws empty", Config{Addr: wsAddr, Conns: 2, Size: 0}},
		{"ws pipelined", Config{Addr: wsAddr, Conns: 10, Size: 128, Depth: 16}},
		{"ws large", Config{Addr: wsAddr, Conns: 2, Size: 1 << 20, Depth: 3}},
		{"raw small", Config{Addr: rawAddr, Mode: Raw, Conns: 10, Size: 64}},
		{"raw large", Config{Addr: rawAddr, Mode: Raw, Conns: 2, Size: 1 << 20, Depth: 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.cfg.Duration, tc.cfg.PID = 50*time.Millisecond, os.Getpid()
			got, err := Run(tc.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got.Messages == 0 || got.ServerCPUNanos <= 0 || got.LatencyP99Micros < got.LatencyP50Micros {
				t.Errorf("implausible result %+v", got)
			}
		})
	}
}

// A load generator that accepts anything measures nothing.
func TestRunRefuses(t *testing.T) {
	corrupt := func(conn net.Conn) {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			buf[n-1] ^= 1
			conn.Write(buf[:n])
		}
	}
	answer := func(head string) func(net.Conn) {
		return func(conn net.Conn) {
			conn.Read(make([]byte, 4096))
			io.WriteString(conn, head)
		}
	}
	for _, tc := range []struct {
		name  string
		mode  Mode
		serve func(net.Conn)
		want  string // in the error
	}{
		{"corrupt echo", Raw, corrupt, "echo differs: message 0, frame byte 69"},
		{"hang up", Raw, func(conn net.Conn) { conn.Read(make([]byte, 4096)); conn.Close() }, "EOF"},
		{"refused", WebSocket, answer("HTTP/1.1 403 Forbidden\r\n\r\n"), "403"},
		{"wrong accept", WebSocket, answer("HTTP/1.1 101 X\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"), "Sec-WebSocket-Accept"},
		{"speaks first", WebSocket, answer("HTTP/1.1 101 X\r\n\r\n\x82\x00"), "2 unexpected bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Run(Config{Addr: serveRaw(t, tc.serve), Mode: tc.mode, Conns: 1, Size: 64, Duration: 5 * time.Second})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestConfigChecked(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no connections": {Addr: "127.0.0.1:1"},
		"unknown mode":   {Conns: 1, Mode: "udp"},
		"negative size":  {Conns: 1, Size: -1},
		"negative depth": {Conns: 1, Depth: -1},
	} {
		if _, err := cfg.checked(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	got, err := Config{Conns: 1}.checked()
	if err != nil || got.Path != "/" || got.Mode != WebSocket || got.Depth != 1 || got.Duration != time.Second {
		t.Errorf("defaults: got %+v, %v", got, err)
	}
}
