package attack_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
)

// The puppet of runtime/testdata/puppet.c issues any record that it is sent, and
// tells an observer of its events.

const (
	puppetTrap = abi.Kind(0xff00)
	dataHere   = ^uint32(0) // the payload that follows
	noConn     = ^uint64(0) // no connection; 0 is the one that sends the script
)

// A command is a record for the puppet to issue. Without an address, payload
// becomes its data.
type command struct {
	abi.Record
	payload string
}

// script encodes commands for the puppet.
func script(commands ...command) (b []byte) {
	for _, c := range commands {
		if c.Data == 0 && c.Len == 0 {
			c.Data, c.Len = dataHere, uint32(len(c.payload))
		}
		at := len(b)
		b = append(b, make([]byte, abi.RecordSize)...)
		c.Put(b[at:])
		b = append(b, c.payload...)
		for len(b)%8 != 0 {
			b = append(b, 0)
		}
	}
	return b
}

// A puppeteer is a connection that the puppet tells of its events, and one that
// tells the puppet what to do.
type puppeteer struct {
	*arena
	observer, hand *client
}

// A sighting is an event that the puppet saw.
type sighting struct{ kind, flags, code, conn, token, len uint64 }

func (a *arena) puppeteer() *puppeteer {
	p := &puppeteer{arena: a}
	p.observer = a.must("?observe")
	p.hand = a.must("")
	p.seesKind(abi.Connect)
	return p
}

// sees reads the next event.
func (p *puppeteer) sees() (s sighting) {
	p.observer.SetDeadline(time.Now().Add(patience))
	b, err := p.observer.message()
	p.check("the puppet", err)
	if _, err := fmt.Sscan(string(b), &s.kind, &s.flags, &s.code, &s.conn, &s.token, &s.len); err != nil && !strings.Contains(err.Error(), "EOF") {
		p.check("what the puppet reports", err)
	}
	return s
}

func (p *puppeteer) seesKind(kind abi.Kind) sighting {
	for {
		if s := p.sees(); s.kind == uint64(kind) {
			return s
		}
	}
}

// statuses issues commands, which get their index as token, and returns the status
// of each. A last one that is known to fail marks the end.
func (p *puppeteer) statuses(commands ...command) []abi.Status {
	for i := range commands {
		commands[i].Token = uint64(i + 1)
	}
	end := command{Record: abi.Record{Kind: 999, Token: uint64(len(commands) + 1)}}
	p.hand.SetDeadline(time.Now().Add(patience))
	p.check("script", p.hand.send(ws.OpBinary, script(append(commands, end)...)))
	statuses := make([]abi.Status, len(commands))
	for {
		s := p.seesKind(abi.Fault)
		if s.token == end.Token {
			return statuses
		}
		statuses[s.token-1] = abi.Status(s.code)
	}
}

// expect issues commands that are all to have one status.
func (p *puppeteer) expect(what string, want abi.Status, commands ...command) {
	p.Helper()
	for i, got := range p.statuses(commands...) {
		if got != want {
			p.problem("%s: command %d has status %d, want %d", what, i, got, want)
		}
	}
}

// An outcome is what came of a handshake.
type outcome struct {
	*client
	err error
}

// waiting opens a handshake that the puppet does not answer, and returns its
// handle and what comes of it.
func (p *puppeteer) waiting(lines string) (conn uint64, answer chan outcome) {
	answer = make(chan outcome, 1)
	go func() {
		c, err := p.dial("/"+p.tenant+"?wait", lines)
		answer <- outcome{c, err}
	}()
	return p.seesKind(abi.Connect).conn, answer
}

// fields encodes a block of names and values.
func fields(pairs ...string) string {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		b = abi.AppendField(b, pairs[i], pairs[i+1])
	}
	return string(b)
}
