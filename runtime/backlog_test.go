package runtime_test

import (
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/runtime"
)

// overfill has the puppet send to a client that does not read more than there is
// room for.
func overfill(t *testing.T, guest string) (*client, observer) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, guest), Limits: runtime.Limits{SendBytes: 64 << 10}}, 1)
	o := s.observe(t, "/")
	c := s.dial(t, "/")
	o.seesKind(abi.Connect)
	// The kernel takes a few MiB.
	c.command(command{Record: abi.Record{Kind: puppetRepeat, Code: 500}}, command{Record: abi.Record{Kind: abi.Message, Len: 60_000, Token: 8}})
	return c, o
}

// TestWritable: a guest that wants to know is told when a backlog has drained,
// and its connection stays.
func TestWritable(t *testing.T) {
	c, o := overfill(t, "puppet-small")
	fault := o.seesKind(abi.Fault)
	if fault.Code != uint32(abi.WouldBlock) || fault.Flags != abi.Flags(abi.Message) || fault.Token != 8 {
		t.Fatalf("the guest sees %v, want would_block", fault)
	}
	for range 100 {
		if e := o.sees(); e.Kind != abi.Fault {
			t.Fatalf("the guest sees %v; nothing has drained", e)
		}
	}
	go func() {
		for {
			if _, err := ws.ReadFrame(c); err != nil {
				return
			}
		}
	}()
	if e := o.seesKind(abi.Writable); e.Conn != fault.Conn {
		t.Errorf("the guest sees %v, want writable of %x", e, fault.Conn)
	}
	c.command(command{Record: abi.Record{Kind: abi.Unsubscribe, Token: 9}, payload: "marker"})
	if e := o.seesKind(abi.Fault); e.Token != 9 {
		t.Errorf("the guest sees %v, want the marker's fault", e)
	}
}

// TestNotWritable: a guest that would not know of the gap loses the connection.
func TestNotWritable(t *testing.T) {
	c, o := overfill(t, "puppet")
	e := o.seesKind(abi.Fault)
	for ; e.Kind == abi.Fault; e = o.sees() { // the refusals first: the close is last
		if e.Code != uint32(abi.WouldBlock) {
			t.Errorf("the guest sees %v, want would_block", e)
		}
	}
	if e.Kind != abi.Close || e.Code != 1008 || e.Flags != abi.ByHost|abi.Opened {
		t.Errorf("the guest sees %v, want a close with 1008 by the host", e)
	}
	c.readClose(1008, "too slow: backlog over its limit")
}
