package guests

import (
	"context"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// What the SDK for C does where a table or a buffer is full. The guest is
// sdk/c/testdata/limits.c, in which all of them are small.

//go:embed sdk/c/testdata/limits.wasm
var limitsWasm string

func bootLimits(t *testing.T) *host {
	h := boot(t, []byte(limitsWasm))
	h.turn(event{Record: abi.Record{Kind: abi.Start}, payload: fields(":config.long", strings.Repeat("x", 64), ":config.short", "y")})
	want := []string{"over the 64 bytes of WHERRY_CONFIG_BYTES: :config.long is left out"}
	if !slices.Equal(h.logged, want) {
		t.Errorf("logged %q, want %q", h.logged, want)
	}
	h.logged = nil
	return h
}

// brief is a command's kind, code and data; of a response the body, of an accept
// the subprotocol.
func brief(t *testing.T, c command) string {
	t.Helper()
	switch c.Kind {
	case abi.Accept, abi.Reject, abi.Respond:
		text := c.text
		c.text = ""
		for rest := []byte(text); ; {
			name, value, next, ok, err := abi.NextField(rest)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return describe(c)
			}
			if string(name) == abi.FieldBody || string(name) == abi.FieldProtocol {
				c.text = string(value)
			}
			rest = next
		}
	}
	return describe(c)
}

func request(conn uint64, route string) event {
	return event{Record: abi.Record{Kind: abi.Request, Conn: conn}, payload: fields(abi.FieldRoute, route)}
}

func timer(token uint64) event {
	return event{Record: abi.Record{Kind: abi.Timer, Token: token}}
}

func resume(conn uint64, pairs ...string) event {
	return event{Record: abi.Record{Kind: abi.Resume, Conn: conn}, payload: fields(pairs...)}
}

func TestLimitsOfTables(t *testing.T) {
	const route = abi.FieldRoute
	type turn struct {
		events []event
		want   []string // kind, code and data
		logged []string
	}
	one := func(e event, want ...string) turn { return turn{events: []event{e}, want: want} }
	logs := func(tn turn, lines ...string) turn { tn.logged = lines; return tn }
	tests := []struct {
		name  string
		turns []turn
	}{
		{"connections", []turn{
			{events: []event{connect(1, route, "large"), connect(2, route, "large"), connect(3, route, "large"), connect(4, route, "large")}, want: []string{"2 0 ", "2 0 ", "2 0 ", "2 0 "}},
			logs(one(connect(5, route, "large"), `5 503 {"detail":"Service Unavailable"}`), "over the 4 connections of WHERRY_CONNS: a handshake is refused"),
			logs(one(resume(6, route, "attach"), "4 1013 "), "over the 4 connections of WHERRY_CONNS: one is closed"),
			{events: []event{closed(5), text(5, "x"), closed(2), connect(7, route, "large")}, want: []string{"2 0 "}},
			logs(one(connect(7, route, "large"), `5 503 {"detail":"Service Unavailable"}`), "over the 4 connections of WHERRY_CONNS: a handshake is refused"),
		}},
		{"a message over the stage", []turn{
			one(connect(1, route, "large"), "2 0 "),
			one(text(1, ""), "3 0 "+strings.Repeat("a", 2000), "3 0 "+strings.Repeat("b", 2000)),
		}},
		{"a broadcast over the stage", []turn{
			one(connect(1, route, "broadcast"), "2 0 "),
			one(text(1, strings.Repeat("x", 1020)), "10 4 room"+strings.Repeat("x", 1020)),
			logs(one(text(1, strings.Repeat("x", 1021)), "4 1011 internal error"), "broadcast on_receive: broadcast: over the 1024 bytes of WHERRY_STAGE_BYTES"),
		}},
		{"an attachment", []turn{
			one(connect(1, route, "attach"), "2 0 "),
			one(text(1, "12345678"), "11 0 12345678"),
			logs(one(text(1, "123456789"), "4 1011 internal error"), "attach on_receive: attach: over the 8 bytes of WHERRY_ATTACHMENT_BYTES"),
			one(resume(2, route, "attach", abi.FieldAttachment, "87654321"), "3 0 87654321"),
			logs(one(resume(3, route, "attach", abi.FieldAttachment, "123456789"), "3 0 "), "an attachment is over the 8 bytes of WHERRY_ATTACHMENT_BYTES: it reads as empty"),
		}},
		{"scratch", []turn{
			one(connect(1, route, "format"), "2 0 "),
			one(text(1, strings.Repeat("é", 600)), "3 0 "+strings.Repeat("é", 600), "3 0 "+strings.Repeat("é", 424)),
			one(text(1, strings.Repeat("é", 2000)), "3 0 "+strings.Repeat("é", 1024), "3 0 "),
		}},
		{"timers", []turn{
			{events: []event{connect(1, route, "wait", ":protocols", "a,b"), connect(2, route, "wait", ":protocols", "a, bc")}, want: []string{"7 1 ", "7 1 "}},
			one(connect(3, route, "wait"), `5 503 {"detail":"no timer"}`),
			one(timer(1), "2 0 b"),
			// Longer than what is kept: as if nothing had been offered.
			logs(one(timer(2), `5 500 {"detail":"Internal Server Error"}`), "wait on_timer: accept: subprotocol b was not offered"),
			one(timer(2)),
			one(connect(4, route, "wait"), "7 1 "),
			// A timer that the host refuses is not armed.
			logs(one(event{Record: abi.Record{Kind: abi.Fault, Flags: abi.Flags(abi.Timer), Code: uint32(abi.Busy), Token: 3}}), "timer refused: busy"),
			{events: []event{closed(1), closed(2), closed(3), closed(4)}},
			{events: []event{connect(5, route, "wait"), connect(6, route, "wait")}, want: []string{"7 1 ", "7 1 "}},
			one(closed(5)),
			one(timer(4)),
		}},
		{"requests", []turn{
			one(request(11, "hold")),
			one(request(12, "hold")),
			one(request(13, "hold"), "14 503 "),
			one(connect(1, route, "hold"), "2 0 "),
			one(text(1, "done"), "14 200 done"),
			// A state error in the state closed is nothing to talk about.
			one(text(1, "again")),
			one(request(14, "hold")),
			one(request(15, "hold"), "14 503 "),
		}},
		{"routes in the log", []turn{
			{events: []event{connect(1, route, "/a"), connect(2, route, "/bb"), connect(3, route, "/c"), connect(4, route, "/a")}, want: []string{"2 0 ", "2 0 ", "2 0 ", "2 0 "}},
			{events: []event{text(1, ""), text(2, ""), text(3, ""), text(4, "")}, want: []string{"4 1011 internal error", "4 1011 internal error", "4 1011 internal error", "4 1011 internal error"},
				logged: []string{"/a on_receive: boom", "/bb on_receive: boom", "* on_receive: boom", "/a on_receive: boom"}},
		}},
		{"answers that cannot be given", []turn{
			logs(one(connect(1, route, "odd", ":query", "status"), `5 500 {"detail":"Internal Server Error"}`), "odd on_connect: deny: status 600 is not from 200 to 599"),
			logs(one(connect(2, route, "odd", ":query", "code"), `5 500 {"detail":"Internal Server Error"}`), "odd on_connect: close: code 65536 cannot be sent"),
			logs(one(connect(3, route, "odd", ":query", "body", ":path", strings.Repeat("x", 1024)), `5 500 {"detail":"Internal Server Error"}`), "odd on_connect: deny: over the 1024 bytes of WHERRY_STAGE_BYTES"),
			logs(one(connect(4, route, "odd", ":query", "both"), `5 400 `), "odd on_connect: close 1008: too late"),
		}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			h := bootLimits(t)
			for i, turn := range tc.turns {
				var got []string
				for _, c := range h.turn(turn.events...) {
					got = append(got, brief(t, c))
				}
				if !slices.Equal(got, turn.want) {
					t.Errorf("turn %d: commands %.300q, want %.300q", i, got, turn.want)
				}
				if !slices.Equal(h.logged, turn.logged) {
					t.Errorf("turn %d: logged %q, want %q", i, h.logged, turn.logged)
				}
				h.logged = nil
			}
		})
	}
}

// TestLimitsOfCommands: what is sent from the same place again and again arrives as it
// was, whenever the stage or the outbox is full.
func TestLimitsOfCommands(t *testing.T) {
	h := bootLimits(t)
	h.turn(connect(1, abi.FieldRoute, "many"))
	commands := h.turn(text(1, ""))
	if len(commands) != 40 {
		t.Fatalf("%d commands", len(commands))
	}
	for i, c := range commands {
		if want := strings.Repeat(string(rune('0'+i)), 100); c.text != want {
			t.Errorf("command %d: %q, want %q", i, c.text, want)
		}
	}
}

// TestLimitsAtCompileTime: what can be known then does not compile.
func TestLimitsAtCompileTime(t *testing.T) {
	clang := buildLine(t, "sdk/c/README.md", "clang", strings.NewReplacer())[0]
	const handler = "static wherry_error f(wherry_conn c, const wherry_message *m) { (void)c, (void)m; %s return WHERRY_OK; }\n"
	param := "{.from = WHERRY_QUERY, .name = \"a\", .type = WHERRY_INT}"
	for _, tc := range []struct{ source, complaint string }{
		{strings.Replace(handler, "%s", "", 1), ""},
		{strings.Replace(handler, "%s", "struct big { char b[65]; }; WHERRY_STATE(c, struct big)->b[0] = 1;", 1), "the state is over WHERRY_STATE_BYTES"},
		{strings.Replace(handler, "%s", "wherry_after(1, c, 0, 0);", 1), "define WHERRY_TIMERS before the #include"},
		{strings.Replace(handler, "%s", "wherry_logf(0, \"%d\", m->data);", 1), "format specifies type"},
		{"WHERRY_GUEST(WHERRY_ENDPOINTS({WHERRY_PARAMS(" + strings.Repeat(param+", ", 15) + param + ")}))", ""},
		{"WHERRY_GUEST(WHERRY_ENDPOINTS({WHERRY_PARAMS(" + strings.Repeat(param+", ", 16) + param + ")}))", "more parameters than WHERRY_MAX_PARAMS"},
	} {
		compile := exec.Command(clang, "--target=wasm32", "-std=c11", "-ffreestanding", "-fsyntax-only", "-Werror=format", "-I", "sdk/c", "-x", "c", "-")
		compile.Stdin = strings.NewReader("#include \"wherry_app.h\"\n" + tc.source)
		out, err := compile.CombinedOutput()
		if tc.complaint == "" && err != nil || tc.complaint != "" && (err == nil || !strings.Contains(string(out), tc.complaint)) {
			t.Errorf("%s\n%v, want a complaint with %q:\n%s", tc.source, err, tc.complaint, out)
		}
	}
}

// TestMistakesOfC: what a guest registers wrongly ends it before it is admitted, and the
// log says why.
func TestMistakesOfC(t *testing.T) {
	for _, tc := range []struct{ endpoints, want string }{
		{`{.route = "a"}, {.route = "b"}, {.encoding = WHERRY_TEXT}`, ""},
		{`{.route = "a"}, {.route = "b"}, {.route = "a"}`, "the endpoint a: there are two of it"},
		{`{.encoding = WHERRY_TEXT}, {.route = "b"}, {.encoding = WHERRY_JSON}`, "the endpoint without a route: there are two of it"},
		{`{.route = "a", WHERRY_PARAMS({.name = "n", .type = WHERRY_INT, .fallback = "x"})}`, "the endpoint a: a default that is not of its type: n"},
		{`{.route = "a", WHERRY_PARAMS({.name = "n", .type = WHERRY_ENUM})}`, "the endpoint a: choices belong to an enum, and to nothing else: n"},
		{`{.route = "a", WHERRY_PARAMS({.type = WHERRY_INT})}`, "the endpoint a: a parameter without a name"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "my.c"), []byte("#include \"wherry_app.h\"\nWHERRY_GUEST(WHERRY_ENDPOINTS("+tc.endpoints+"))"), 0o666); err != nil {
			t.Fatal(err)
		}
		here := strings.NewReplacer("my.", filepath.Join(dir, "my."), "guests/sdk/c", "sdk/c", "-O2", "-O0")
		runTool(t, buildLine(t, "sdk/c/README.md", "clang", here))
		runTool(t, buildLine(t, "sdk/c/README.md", "wasm-ld", here))
		wasm, err := os.ReadFile(filepath.Join(dir, "my.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		h := load(t, wasm)
		_, err = h.module.ExportedFunction(abi.ExportMailbox).Call(context.Background())
		if got := strings.Join(h.logged, ","); got != tc.want || (err == nil) != (tc.want == "") {
			t.Errorf("%s: logged %q, error %v; want %q", tc.endpoints, got, err, tc.want)
		}
	}
}
