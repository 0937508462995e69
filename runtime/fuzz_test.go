package runtime_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// FuzzCommands has the puppet issue whatever the fuzzer makes up. Whatever it is,
// the host lives, what the client gets is legal, and the other tenant on the loop
// is served.
func FuzzCommands(f *testing.F) {
	for _, b := range append(badCommands(), waitingCommands()...) {
		f.Add(script(b.command, command{abi.Record{Kind: abi.Publish, Code: 1}, "tx"}))
	}
	f.Add(trapScript)
	modules := map[string][]byte{"puppet": readGuest(f, "puppet"), "eager": readGuest(f, "puppet-eager")}
	s := serve(f, runtime.Config{
		Tenants: []runtime.Tenant{
			{Name: "puppet", Module: modules["puppet"]},
			{Name: "eager", Module: modules["eager"]}, // for whom more is allowed
			{Name: "victim", Module: guests.Echo()},
		},
		Routes: []runtime.Route{{Pattern: "/puppet", Tenant: "puppet"}, {Pattern: "/eager", Tenant: "eager"}, {Pattern: "/victim", Tenant: "victim"}},
		Loops:  1,
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		tame(b)
		for path, tenant := range map[string]string{"/puppet": "puppet", "/eager": "eager"} {
			s.forgive(t, path, tenant, modules[tenant])
			c := s.dial(t, path)
			c.send(ws.OpBinary, b)
			s.dial(t, "/victim").echoes(ws.OpText, []byte("untouched"))
			c.send(ws.OpText, []byte("the last"))
			c.sendClose(1000, "")
			c.readsLegal()
		}
	})
}

// forgive ends the back-off of a tenant that has trapped too often, by a new module.
func (s *testServer) forgive(t *testing.T, path, tenant string, wasm []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, _, err := ws.Dial(ctx, "ws://"+s.addr+path)
	if err == nil {
		conn.Close()
		return
	}
	if status := ws.StatusError(0); !errors.As(err, &status) || status != 503 {
		t.Fatal(err)
	}
	if err := s.Reload(tenant, wasm); err != nil {
		t.Fatal(err)
	}
}

// readsLegal reads to the end, and fails the test at what a server must not send.
func (c *client) readsLegal() {
	c.t.Helper()
	for {
		frame, err := ws.ReadFrame(c)
		if err == io.EOF {
			return
		}
		if err != nil {
			return // a reset: the close frame crossed the server's own
		}
		if err := ws.CheckHeader(frame.Header, ws.StateClientSide); err != nil {
			c.t.Fatalf("an illegal frame %+v: %v", frame.Header, err)
		}
		if frame.Header.OpCode != ws.OpClose {
			continue
		}
		code, reason := ws.ParseCloseFrameData(frame.Payload)
		// gobwas/ws does not know the codes that IANA has added to the RFC's.
		if 1012 <= code && code <= 1014 {
			code = ws.StatusNormalClosure
		}
		if err := ws.CheckCloseFrameData(code, reason); err != nil {
			c.t.Fatalf("an illegal close frame: %d %q: %v", code, reason, err)
		}
		return
	}
}

// tame takes from a script what would keep the puppet busy for ever.
func tame(b []byte) {
	for at := 0; at+abi.RecordSize <= len(b); at += 8 {
		var r abi.Record
		r.Get(b[at:])
		if r.Kind == puppetRepeat {
			r.Code %= 1000
		}
		if r.Token == ^uint64(1) {
			r.Token = 0
		}
		if r.Data == dataHere { // the puppet adds in 32 bits, and would stand still
			r.Len &= 1<<31 - 1
		}
		r.Put(b[at:])
	}
}
