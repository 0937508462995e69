package runtime_test

import (
	"bytes"
	"compress/flate"
	"io"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/runtime"
)

// TestPublishDeflated: members of all kinds on all loops get a publication, those
// that agreed on compression in a few bytes.
func TestPublishDeflated(t *testing.T) {
	s := serve(t, runtime.Config{
		Tenants: []runtime.Tenant{{Name: "chat", Handler: chatHandler.handle}},
		Routes: []runtime.Route{
			{Pattern: "/", Tenant: "chat", Placement: runtime.PerLoop, Deflate: &runtime.Deflate{}},
			{Pattern: "/takeover", Tenant: "chat", Placement: runtime.PerLoop, Deflate: &runtime.Deflate{ServerContextTakeover: true}},
			{Pattern: "/plain", Tenant: "chat", Placement: runtime.PerLoop},
		},
		Loops: 2,
	})
	offer := "Sec-WebSocket-Extensions: permessage-deflate\r\n"
	members := map[*client]*inflating{}
	for _, path := range []string{"/", "/", "/", "/takeover", "/takeover", "/takeover", "/plain", "/plain"} {
		c := s.begin(t, upgradeRequest(path)+offer+"\r\n")
		agreed := strings.Contains(c.readHead(t), "permessage-deflate")
		if agreed != (path != "/plain") {
			t.Fatalf("%s: agreed on compression: %v", path, agreed)
		}
		c.say("join a")
		c.expect("ok") // small: as it is
		members[c] = &inflating{agreed: agreed, takeover: path == "/takeover"}
	}
	speaker := s.join(t, "b", 1)[0]
	for _, line := range []string{strings.Repeat("who rows? ", 100), strings.Repeat("you do. ", 50_000), "short"} {
		for range 2 { // the second refers to the first, where that may be
			speaker.say("say a " + line)
			for c, m := range members {
				if got, size := m.receive(t, c); got != line || m.agreed && len(line) > 500 && size > len(line)/5 {
					t.Fatalf("a member gets %.40q of %d bytes in %d bytes, want %.40q of %d", got, len(got), size, line, len(line))
				}
			}
		}
	}
}

// inflating is what a client remembers of what came compressed.
type inflating struct {
	agreed, takeover bool
	seen             []byte
}

// receive returns the next message, and how many bytes it took.
func (m *inflating) receive(t *testing.T, c *client) (text string, size int) {
	t.Helper()
	header, err := ws.ReadHeader(c)
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, header.Length)
	if _, err := io.ReadFull(c, payload); err != nil {
		t.Fatal(err)
	}
	if !header.Rsv1() {
		return string(payload), len(payload)
	}
	if !m.agreed {
		t.Fatal("compressed, and that was not agreed on")
	}
	if !m.takeover {
		m.seen = nil
	}
	tail := strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff") // RFC 7692, section 7.2.2, and an end
	plain, err := io.ReadAll(flate.NewReaderDict(io.MultiReader(bytes.NewReader(payload), tail), m.seen))
	if err != nil {
		t.Fatal(err)
	}
	m.seen = append(m.seen, plain...)
	m.seen = m.seen[max(0, len(m.seen)-32<<10):]
	return string(plain), len(payload)
}
