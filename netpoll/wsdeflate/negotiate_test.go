package wsdeflate

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// takeover is a policy that lets both sides keep their context.
var takeover = Config{ServerContextTakeover: true, ClientContextTakeover: true}

// negotiate is Negotiate with strings; "" for no answer.
func negotiate(cfg Config, offers ...string) string {
	p, ok := Negotiate(func(yield func([]byte) bool) {
		for _, o := range offers {
			if !yield([]byte(o)) {
				return
			}
		}
	}, cfg)
	if !ok {
		return ""
	}
	return string(p.Append(nil))
}

func TestNegotiate(t *testing.T) {
	const name = "permessage-deflate"
	const both = "; server_no_context_takeover; client_no_context_takeover"
	for _, tc := range []struct {
		name, offers string // offers are cut at commas
		cfg          Config
		want         string
	}{
		{"nothing to say", name, takeover, name},
		{"policy forbids both takeovers", name, Config{}, name + both},
		{"policy forbids the server's", name, Config{ClientContextTakeover: true}, name + "; server_no_context_takeover"},
		{"policy forbids the client's", name, Config{ServerContextTakeover: true}, name + "; client_no_context_takeover"},
		{"server_no_context_takeover", name + "; server_no_context_takeover", takeover, name + "; server_no_context_takeover"},
		{"client_no_context_takeover", name + ";client_no_context_takeover", takeover, name + "; client_no_context_takeover"},
		{"all four", name + "; client_max_window_bits=9; server_max_window_bits=10" + both, takeover,
			name + both + "; server_max_window_bits=10; client_max_window_bits=9"},

		{"server bits, offered", name + "; server_max_window_bits=10", takeover, name + "; server_max_window_bits=10"},
		{"server bits, the least", name + "; server_max_window_bits=8", takeover, name + "; server_max_window_bits=8"},
		{"server bits, the most", name + "; server_max_window_bits=15", takeover, name + "; server_max_window_bits=15"},
		{"server bits, policy has less", name + "; server_max_window_bits=12", Config{ServerContextTakeover: true, ClientContextTakeover: true, ServerWindowBits: 9}, name + "; server_max_window_bits=9"},
		{"server bits, policy only", name, Config{ServerContextTakeover: true, ClientContextTakeover: true, ServerWindowBits: 9}, name + "; server_max_window_bits=9"},
		{"client bits without value", name + "; client_max_window_bits", takeover, name},
		{"client bits without value, policy has less", name + "; client_max_window_bits", Config{ClientContextTakeover: true, ServerContextTakeover: true, ClientWindowBits: 11}, name + "; client_max_window_bits=11"},
		{"client bits with value", name + "; client_max_window_bits=10", takeover, name + "; client_max_window_bits=10"},
		{"client bits, policy has less", name + "; client_max_window_bits=10", Config{ClientContextTakeover: true, ServerContextTakeover: true, ClientWindowBits: 9}, name + "; client_max_window_bits=9"},
		{"client bits not offered are not answered", name, Config{ClientContextTakeover: true, ServerContextTakeover: true, ClientWindowBits: 9}, name},
		{"policy out of range", name, Config{ClientContextTakeover: true, ServerContextTakeover: true, ServerWindowBits: 3, ClientWindowBits: 99}, name + "; server_max_window_bits=8"},

		{"quoted", name + `; client_max_window_bits="10"`, takeover, name + "; client_max_window_bits=10"},
		{"quoted with backslash", name + `; client_max_window_bits="1\0"`, takeover, name + "; client_max_window_bits=10"},
		{"white space", " \t" + name + " ;\tclient_max_window_bits = 10 ", takeover, name + "; client_max_window_bits=10"},
		{"capitals", "Permessage-Deflate; Server_No_Context_Takeover", takeover, name + "; server_no_context_takeover"},

		{"second offer", name + "; server_max_window_bits=77, " + name, takeover, name},
		{"first good offer", name + "; client_max_window_bits, " + name + "; server_max_window_bits=9", takeover, name},
		{"behind another extension", "x-webkit-deflate-frame, " + name, takeover, name},
		{"no offer", "", takeover, ""},
		{"another extension", "permessage-bzip2", takeover, ""},
		{"longer name", name + "x", takeover, ""},
		{"unknown parameter", name + "; foo", takeover, ""},
		{"unknown parameter with value", name + "; foo=bar", takeover, ""},
		{"duplicate flag", name + "; server_no_context_takeover; server_no_context_takeover", takeover, ""},
		{"duplicate bits", name + "; client_max_window_bits; client_max_window_bits=10", takeover, ""},
		{"flag with value", name + "; server_no_context_takeover=1", takeover, ""},
		{"flag with quoted value", name + `; client_no_context_takeover="1"`, takeover, ""},
		{"server bits without value", name + "; server_max_window_bits", takeover, ""},
		{"7 bits", name + "; server_max_window_bits=7", takeover, ""},
		{"16 bits", name + "; client_max_window_bits=16", takeover, ""},
		{"0 bits", name + "; client_max_window_bits=0", takeover, ""},
		{"leading zero", name + "; server_max_window_bits=08", takeover, ""},
		{"leading zeros", name + "; server_max_window_bits=010", takeover, ""},
		{"sign", name + "; server_max_window_bits=+9", takeover, ""},
		{"wraps around", name + "; server_max_window_bits=4294967306", takeover, ""},
		{"starts well", name + "; server_max_window_bits=10x", takeover, ""},
		{"empty value", name + "; client_max_window_bits=", takeover, ""},
		{"empty quotes", name + `; client_max_window_bits=""`, takeover, ""},
		{"open quotes", name + `; client_max_window_bits="10`, takeover, ""},
		{"ends in a backslash", name + `; client_max_window_bits="10\`, takeover, ""},
		{"space in quotes", name + `; client_max_window_bits="1 0"`, takeover, ""},
		{"no parameter behind semicolon", name + ";", takeover, ""},
		{"no semicolon", name + " client_max_window_bits", takeover, ""},
	} {
		if got := negotiate(tc.cfg, strings.Split(tc.offers, ",")...); got != tc.want {
			t.Errorf("%s: answered %q to %q, want %q", tc.name, got, tc.offers, tc.want)
		}
	}
}

// TestNegotiateConformance answers the requests of the handshake cases that
// have to do with extensions.
func TestNegotiateConformance(t *testing.T) {
	file, err := os.ReadFile("../../testdata/conformance/handshake.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Cases []struct {
			ID, Raw        string
			Expect         int
			RequireHeaders map[string]string `json:"require_headers"`
			ForbidHeaders  []string          `json:"forbid_headers"`
		}
	}
	if err := json.Unmarshal(file, &all); err != nil {
		t.Fatal(err)
	}
	const field = "Sec-WebSocket-Extensions"
	ran := 0
	for _, tc := range all.Cases {
		want, required := tc.RequireHeaders[field]
		forbidden := slices.Contains(tc.ForbidHeaders, field)
		if !required && !forbidden {
			continue
		}
		ran++
		var h wshead.Head
		if _, refusal := new(wshead.Parser).Parse([]byte(tc.Raw), &wshead.Limits{}, &h); refusal != nil {
			t.Fatalf("%s: %v", tc.ID, refusal)
		}
		for _, cfg := range []Config{{}, takeover} {
			p, ok := Negotiate(h.Extensions, cfg)
			switch got := p.Append(nil); {
			case ok && forbidden:
				t.Errorf("%s: answered %q, want nothing", tc.ID, got)
			case required && (!ok || !regexp.MustCompile(want).Match(got)):
				t.Errorf("%s: answered %v %q, want %q", tc.ID, ok, got, want)
			}
		}
	}
	if ran < 20 {
		t.Errorf("only %d cases concern extensions", ran)
	}
}

// FuzzNegotiate checks that what is accepted is what was offered and allowed,
// and that the answer is itself a legal offer that says the same.
func FuzzNegotiate(f *testing.F) {
	f.Add([]byte(`permessage-deflate; client_max_window_bits="1\0"; server_max_window_bits=9`), 0, 0, true, true)
	f.Add([]byte("permessage-deflate; server_no_context_takeover; client_no_context_takeover"), 8, 15, false, true)
	f.Fuzz(func(t *testing.T, b []byte, serverBits, clientBits int, server, client bool) {
		before := bytes.Clone(b)
		cfg := Config{ServerContextTakeover: server, ClientContextTakeover: client, ServerWindowBits: serverBits, ClientWindowBits: clientBits}
		p, ok := Negotiate(func(yield func([]byte) bool) { yield(b) }, cfg)
		if !bytes.Equal(b, before) {
			t.Fatal("changed the offer")
		}
		if !ok {
			return
		}
		switch {
		case !bytes.Contains(bytes.ToLower(b), []byte(extensionName)):
			t.Fatalf("accepted %q", b)
		case p.ServerWindowBits < minWindowBits || p.ServerWindowBits > maxWindowBits,
			p.ClientWindowBits < minWindowBits || p.ClientWindowBits > maxWindowBits:
			t.Fatalf("%q: bits out of range: %+v", b, p)
		case !server && !p.ServerNoContextTakeover, !client && !p.ClientNoContextTakeover:
			t.Fatalf("%q: takeover against the policy: %+v", b, p)
		}
		answer := p.Append(nil)
		again, ok := parseOffer(answer)
		if !ok || again.serverNoTakeover != p.ServerNoContextTakeover || again.clientNoTakeover != p.ClientNoContextTakeover ||
			again.serverBits != 0 && again.serverBits != p.ServerWindowBits ||
			again.clientBits != 0 && again.clientBits != p.ClientWindowBits {
			t.Fatalf("%q: answered %q for %+v", b, answer, p)
		}
	})
}

func TestNegotiateBudget(t *testing.T) {
	offers := [][]byte{[]byte("permessage-deflate; foo"), []byte("permessage-deflate; server_max_window_bits=77")}
	each := func(yield func([]byte) bool) {
		for _, o := range offers {
			if !yield(o) {
				return
			}
		}
	}
	var ok bool
	if n := testing.AllocsPerRun(100, func() { _, ok = Negotiate(each, takeover) }); n > 0 || ok {
		t.Errorf("declining allocates %v times; its budget is 0 (accepted: %v)", n, ok)
	}
	offers = append(offers, []byte("permessage-deflate; client_max_window_bits"))
	dst := make([]byte, 0, 256)
	n := testing.AllocsPerRun(100, func() {
		var p Params
		p, ok = Negotiate(each, takeover)
		dst = p.Append(dst[:0])
	})
	if n > 0 || !ok {
		t.Errorf("accepting allocates %v times; its budget is 0 (accepted: %v)", n, ok)
	}
}
