package wsdeflate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
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

// The grammar of an offer (RFC 6455, section 9.1), as patterns.
const (
	tokenPattern  = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
	quotedPattern = `"((?:\\?[!#$%&'*+.^_` + "`" + `|~0-9A-Za-z-])+)"`
)

var (
	parameterPattern = regexp.MustCompile(`[ \t]*;[ \t]*(` + tokenPattern + `)([ \t]*=[ \t]*(?:(` + tokenPattern + `)|` + quotedPattern + `))?`)
	offerPattern     = regexp.MustCompile(`^[ \t]*(` + tokenPattern + `)((?:` + parameterPattern.String() + `)*)[ \t]*$`)
	bitsPattern      = regexp.MustCompile(`^(?:[89]|1[0-5])$`)
)

// offerByGrammar reads an offer with regular expressions, as RFC 7692, section 7.1,
// has it, and reports whether it is legal.
func offerByGrammar(b []byte) (o offer, legal bool) {
	whole := offerPattern.FindSubmatch(b)
	if whole == nil || !strings.EqualFold(string(whole[1]), extensionName) {
		return offer{}, false
	}
	seen := make(map[string]bool)
	for _, p := range parameterPattern.FindAllSubmatch(whole[2], -1) {
		name := strings.ToLower(string(p[1]))
		if seen[name] {
			return offer{}, false
		}
		seen[name] = true
		hasValue := len(p[2]) > 0
		value := strings.ReplaceAll(string(p[3])+string(p[4]), `\`, "") // none in a token
		bits, _ := strconv.Atoi(value)
		if hasValue != bitsPattern.MatchString(value) {
			return offer{}, false
		}
		switch {
		case name == serverNoTakeoverName && !hasValue:
			o.serverNoTakeover = true
		case name == clientNoTakeoverName && !hasValue:
			o.clientNoTakeover = true
		case name == serverBitsName && hasValue:
			o.serverBits = bits
		case name == clientBitsName:
			o.clientBits = cmp.Or(bits, maxWindowBits)
		default:
			return offer{}, false
		}
	}
	return o, true
}

// FuzzNegotiate checks that exactly what the grammar allows is accepted, that
// nothing is agreed on but what was offered and allowed, and that the answer is
// itself a legal offer that says the same.
func FuzzNegotiate(f *testing.F) {
	f.Add([]byte(`permessage-deflate; client_max_window_bits="1\0"; server_max_window_bits=9`), 0, 0, true, true)
	f.Add([]byte("permessage-deflate; server_no_context_takeover; client_no_context_takeover"), 8, 15, false, true)
	f.Add([]byte("permessage-deflate; client_max_window_bits ; client_max_window_bits"), 9, 8, true, false)
	f.Add([]byte("Permessage-Deflate;server_max_window_bits = \"15\"\t"), 9, 8, true, false)
	f.Add([]byte("permessage-deflate; server_max_window_bits; x=08"), 9, 8, true, false)
	f.Fuzz(func(t *testing.T, b []byte, serverBits, clientBits int, server, client bool) {
		before := bytes.Clone(b)
		cfg := Config{ServerContextTakeover: server, ClientContextTakeover: client, ServerWindowBits: serverBits, ClientWindowBits: clientBits}
		p, ok := Negotiate(func(yield func([]byte) bool) { yield(b) }, cfg)
		if !bytes.Equal(b, before) {
			t.Fatal("changed the offer")
		}
		offered, legal := offerByGrammar(b)
		if ok != legal {
			t.Fatalf("%q: accepted: %v, legal: %v", b, ok, legal)
		}
		if !ok {
			return
		}
		switch {
		case p.ServerWindowBits < minWindowBits || p.ServerWindowBits > cmp.Or(offered.serverBits, maxWindowBits),
			p.ClientWindowBits < minWindowBits || p.ClientWindowBits > cmp.Or(offered.clientBits, maxWindowBits),
			offered.clientBits == 0 && p.ClientWindowBits != maxWindowBits:
			t.Fatalf("%q: bits out of range: %+v", b, p)
		case p.ServerNoContextTakeover != (offered.serverNoTakeover || !server),
			p.ClientNoContextTakeover != (offered.clientNoTakeover || !client):
			t.Fatalf("%q: takeover against offer or policy: %+v", b, p)
		}
		answer := p.Append(nil)
		again, ok := offerByGrammar(answer)
		if !ok || again.serverNoTakeover != p.ServerNoContextTakeover || again.clientNoTakeover != p.ClientNoContextTakeover ||
			cmp.Or(again.serverBits, maxWindowBits) != p.ServerWindowBits ||
			cmp.Or(again.clientBits, maxWindowBits) != p.ClientWindowBits {
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
