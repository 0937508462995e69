package runtime_test

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/runtime"
)

// TestAddressConns: a client's address may have so many connections, on all loops
// and routes together; others are not concerned, and one that goes makes room.
func TestAddressConns(t *testing.T) {
	config := echoConfig()
	config.AddressConns = 2
	s := serve(t, config)
	c1, c2 := s.dial(t, "/echo"), s.dial(t, "/rooms/a")
	r := s.ask(t, upgradeRequest("/rooms/b")+"\r\n")
	body, _ := io.ReadAll(r.Body)
	if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || string(body) != "Your address has as many connections as one may have.\n" {
		t.Errorf("a third is answered with %s, %q, Retry-After %q", r.Status, body, r.Header.Get("Retry-After"))
	}
	c1.echoes(ws.OpText, []byte("still here"))

	elsewhere := ws.Dialer{NetDial: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext}
	if conn, err := elsewhere.NetDial(t.Context(), "tcp", s.addr); err == nil { // Linux has all of 127.0.0.0/8
		conn.Close()
		dialWith(t, elsewhere, "ws://"+s.addr+"/echo").echoes(ws.OpText, []byte("another address"))
	}

	c2.closes(1000, "")
	for deadline := time.Now().Add(patience); ; { // its end comes to its loop in time
		if r := s.ask(t, upgradeRequest("/echo")+"\r\n"); r.StatusCode == 101 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a connection that has gone makes no room")
		}
	}
	if s.logged("error=address_full status=503") == 0 {
		t.Error("the log does not say so")
	}
}

// TestAddressConnsBehindProxy: it is the client's address that counts, and of an
// IPv6 address the first 64 bits. A proxy that does not say for whom is not
// limited.
func TestAddressConnsBehindProxy(t *testing.T) {
	config := whoIsConfig("127.0.0.0/8")
	config.AddressConns = 2
	s := serve(t, config)
	begin := func(client string) *client {
		fields := ""
		if client != "" {
			fields = "X-Forwarded-For: " + client + "\r\n"
		}
		return s.begin(t, upgradeRequest("/else")+fields+"\r\n")
	}
	for i := range 3 { // each fills a network of its own
		for range 2 {
			begin(fmt.Sprintf("2001:db8:0:%d::%d", i, i)).readHead(t)
		}
	}
	for range 5 {
		begin("").readHead(t)
	}
	for _, full := range []string{"2001:db8:0:1::77", "2001:db8:0:2::77"} {
		r := s.ask(t, upgradeRequest("/third")+"X-Forwarded-For: "+full+"\r\n\r\n")
		if r.StatusCode != 503 {
			t.Errorf("%s is answered with %s", full, r.Status)
		}
	}
	if n := s.logged("error=address_full status=503 peer=[2001:db8:0:1::77]:0"); n != 1 {
		t.Errorf("%d lines in the log, want 1", n)
	}
}

// TestAddressConnsOff: a negative limit is none.
func TestAddressConnsOff(t *testing.T) {
	config := echoConfig()
	config.AddressConns = -1
	s := serve(t, config)
	for range 5 {
		s.dial(t, "/echo")
	}
}

// TestRetryAfter: each 503 for which there is no room, or no program, says when to
// come back.
func TestRetryAfter(t *testing.T) {
	full := echoConfig()
	full.Conns = 1
	tenantFull := echoConfig()
	tenantFull.Tenants[0].Limits.Conns = 1
	addressFull := echoConfig()
	addressFull.AddressConns = 1
	down := runtime.Config{
		Tenants: []runtime.Tenant{{Name: "echo", Handler: func() runtime.Handler { panic("no handler") }}},
		Routes:  []runtime.Route{{Pattern: "/echo", Tenant: "echo"}},
	}
	for name, config := range map[string]runtime.Config{"full": full, "tenant full": tenantFull, "address full": addressFull, "down": down} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, config)
			if name != "down" {
				s.dial(t, "/echo")
			}
			r := s.ask(t, upgradeRequest("/echo")+"\r\n")
			if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
				t.Errorf("answered with %s, Retry-After %q", r.Status, r.Header.Get("Retry-After"))
			}
		})
	}
}
