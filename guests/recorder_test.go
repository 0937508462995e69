package guests

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// TestRecorderScripts plays rules and compares the commands. What the recorder
// publishes of the event is the first command of each.
func TestRecorderScripts(t *testing.T) {
	type record = abi.Record
	message := event{record{Kind: abi.Message, Flags: abi.Text}, "hi"}
	tests := []struct {
		script string
		then   []event
		want   []string // kind, code and data
	}{
		{"connect: accept", nil, []string{"2 0 "}},
		{"connect lacks q: close 4001\nconnect has q: close 4002 two words", nil, []string{"4 4002 two words"}},
		{"connect has cookie: accept", nil, nil},
		{"connect: accept; close $q", nil, []string{"2 0 ", "4 7 "}},
		{"connect: join $room", nil, []string{"8 0 blue"}},
		{"connect: after 250", nil, []string{"7 250 "}},
		{"connect: blobs 2 3", nil, []string{"3 0 \x00\x00\x00", "3 0 \x00\x00\x00"}},
		{"text: send $sent: $data", []event{message, message}, []string{"3 0 0: hi", "3 0 1: hi"}},
		{"message: echo", []event{message}, []string{"3 0 hi"}},
		{"binary: echo", []event{message}, nil},
		{"text: publish x", []event{message}, []string{"10 1 xhi"}},
		{"close: send late", []event{{record{Kind: abi.Close, Code: 1000}, ""}}, []string{"3 0 late"}},
	}
	for _, tc := range tests {
		h := boot(t, Recorder())
		config := abi.AppendField(nil, abi.FieldConfig+"/{room}", tc.script)
		h.turn(event{record{Kind: abi.Start}, string(config)})
		head := abi.AppendField(nil, abi.FieldQuery, "a=1&q=7&id=me")
		head = abi.AppendField(head, abi.FieldRoute, "/{room}")
		head = abi.AppendField(head, abi.FieldParam+"room", "blue")
		events := append([]event{{record{Kind: abi.Connect}, string(head)}}, tc.then...)
		var got []string
		for _, e := range events {
			e.Conn = 99
			for i, c := range h.turn(e) {
				if told := c.Kind == abi.Publish && strings.HasPrefix(c.text, "me{"); told != (i == 0) {
					t.Errorf("%s: command %d is %s", tc.script, i, describe(c))
				}
				if i > 0 {
					got = append(got, describe(c))
				}
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: commands %q, want %q", tc.script, got, tc.want)
		}
	}
}

// TestRecorderRequests: a request is answered by the rules of its route, and told
// of; where there are none it is answered as a host does.
func TestRecorderRequests(t *testing.T) {
	fields := func(method, route string) string {
		b := abi.AppendField(nil, abi.FieldMethod, method)
		b = abi.AppendField(b, abi.FieldPath, "/p")
		b = abi.AppendField(b, abi.FieldQuery, "id=me")
		return string(abi.AppendField(b, abi.FieldRoute, route))
	}
	body := func(name, value string) string { return string(abi.AppendField(nil, name, value)) }
	h := boot(t, Recorder())
	config := abi.AppendField(nil, abi.FieldConfig+"/a", "connect: accept\nrequest: respond 200 :body=home")
	h.turn(event{abi.Record{Kind: abi.Start}, string(config)})
	for _, tc := range []struct {
		method, route string
		want          []string
	}{
		{"GET", "/a", []string{"14 200 " + body(":body", "home"), `10 2 me{"conn":0,"type":"http","method":"GET","path":"/p"}`}},
		{"GET", "/b", []string{"14 426 " + body(":body", "WebSocket")}},
		{"HEAD", "/b", []string{"14 426 " + body(":body", "WebSocket")}},
		{"POST", "/b", []string{"14 405 " + body("allow", "GET")}},
	} {
		var got []string
		for _, c := range h.turn(event{abi.Record{Kind: abi.Request, Conn: 99}, fields(tc.method, tc.route)}) {
			got = append(got, describe(c))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s %s: commands %q, want %q", tc.method, tc.route, got, tc.want)
		}
	}
}

// describe is a command's kind, code and data.
func describe(c command) string { return fmt.Sprintf("%d %d %s", c.Kind, c.Code, c.text) }

// TestRecorderTells compares what is published of each event.
func TestRecorderTells(t *testing.T) {
	h := boot(t, Recorder())
	head := abi.AppendField(abi.AppendField(nil, abi.FieldQuery, "id=me"), abi.FieldProtocols, `a, "b`)
	tests := []struct {
		event event
		want  string
	}{
		{event{abi.Record{Kind: abi.Connect}, string(head)}, `{"conn":1,"type":"connect","protocols":"a, \"b"}`},
		{event{abi.Record{Kind: abi.Message, Flags: abi.Text}, "a\nb"}, `{"conn":1,"type":"receive","kind":"text","len":3,"data":"a\u000ab"}`},
		{event{abi.Record{Kind: abi.Message}, "\x00\xff"}, `{"conn":1,"type":"receive","kind":"binary","len":2,"data":"00ff"}`},
		{event{abi.Record{Kind: abi.Message}, strings.Repeat("x", 300)}, `{"conn":1,"type":"receive","kind":"binary","len":300}`},
		{
			event{abi.Record{Kind: abi.Close, Code: 4000, Flags: abi.ByPeer | abi.Clean | abi.Opened}, "why"},
			`{"conn":1,"type":"disconnect","code":4000,"reason":"why","by":"peer","clean":1,"opened":1}`,
		},
		{event{abi.Record{Kind: abi.Fault, Flags: abi.Flags(abi.Message), Code: 1, Token: 1}, ""}, `{"conn":1,"type":"fault","command":3,"status":1,"sent":0}`},
	}
	for _, tc := range tests {
		tc.event.Conn = 99
		commands := h.turn(tc.event)
		if len(commands) != 1 || commands[0].text != "me"+tc.want {
			t.Errorf("told %v, want %s", commands, tc.want)
		}
	}
}
