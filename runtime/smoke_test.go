package runtime

import (
	"context"
	"testing"
	"time"
	"bytes"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/seed-c6589352/wherry/guests"
)

func TestSmoke(t *testing.T) {
	s, err := New(Config{Tenants: []Tenant{{Name: "e", Module: guests.Echo()}}, Routes: []Route{{Pattern: "/ws", Tenant: "e"}}, Loops: 2})
	if err != nil { t.Fatal(err) }
	addr, err := s.Listen("tcp", "127.0.0.1:0")
	if err != nil { t.Fatal(err) }
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for range 4 {
	c, _, _, err := ws.Dial(ctx, "ws://"+addr.String()+"/ws")
	if err != nil { t.Fatal(err) }
	for _, n := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
		c.SetDeadline(time.Now().Add(3*time.Second))
		msg := bytes.Repeat([]byte("x"), n)
		go wsutil.WriteClientText(c, msg)
		got, op, err := wsutil.ReadServerData(c)
		if err != nil || op != ws.OpText || !bytes.Equal(got, msg) { t.Fatal(n, len(got), op, err) }
	}
	}
	t.Log(s.Stats())
	if err := s.Shutdown(ctx); err != nil { t.Fatal(err) }
}
