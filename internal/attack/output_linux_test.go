package attack_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/runtime"
)

// Output, protocol and hostcalls: G43 to G55.

func outputAttacks() []attack {
	const backlogs = attackerConns * 5 << 20 / 4
	impatient := runtime.Limits{ConnectTimeout: 300 * time.Millisecond}
	return []attack{
		{id: "G43", name: "send_flood", quota: backlogs, run: poisonedAll("out_of_", 'F', 60_000)},
		{id: "G44", name: "amplification", quota: backlogs, run: amplification},
		{id: "G45", name: "text_not_utf8", guest: "puppet", run: textNotUTF8},
		{id: "G46", name: "close_codes", guest: "puppet", run: closeCodes},
		{id: "G47", name: "send_after_close", guest: "puppet", run: sendAfterClose},
		{id: "G48", name: "response_splitting", guest: "puppet-eager", run: responseSplitting},
		{id: "G49", name: "not_offered", guest: "puppet", run: notOffered},
		{id: "G50", name: "huge_response", run: hugeResponse},
		{id: "G51", name: "no_answer", limits: impatient, run: noAnswer},
		{id: "G52", name: "log_flood", run: logFlood},
		{id: "G53", name: "metric_labels", absent: "the ABI has no metrics"},
		{id: "G54", name: "timer_flood", run: timerFlood},
		{id: "G55", name: "connect_storm", run: connectStorm},
	}
}

// poisonedAll has every connection poison the guest, with clients that do not read
// before they are told.
func poisonedAll(reason string, letter byte, numbers ...uint32) func(*arena) string {
	return func(a *arena) string {
		mark := a.logs.mark()
		killed := 0
		for end := time.Now().Add(a.window); time.Now().Before(end); {
			conns := a.connectAll()
			if len(conns) == 0 {
				time.Sleep(20 * time.Millisecond) // the back-off is not ended by asking
				continue
			}
			for _, c := range conns {
				a.illegalOnly(c.send(ws.OpBinary, order(letter, numbers...)))
			}
			// That the log has it is the sign: they must not read yet.
			a.loggedTrap(mark, reason)
			killed++
			for i, c := range conns {
				code, err := c.awaitClose(patience)
				if err != nil || code != 1011 && code != 1008 {
					a.problem("connection %d: closed with %d, %v", i, code, err)
				}
			}
			a.leave()
		}
		return fmt.Sprintf("killed %d times", killed)
	}
}

// amplification publishes 20 messages of 60 kB to 50 connections for each that it
// gets, which is not too much for a turn, and asks for 500 of those in a second.
func amplification(a *arena) string {
	conns := a.connectAll()
	c := conns[0]
	var read atomic.Int64
	var readers sync.WaitGroup
	for _, c := range conns[:len(conns)/2] { // the others do not read
		readers.Go(func() {
			n, _ := io.Copy(io.Discard, c.r)
			read.Add(n)
		})
	}
	for end := time.Now().Add(a.window); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if c.send(ws.OpBinary, order('b', 20, 60_000)) != nil {
			break
		}
	}
	for _, c := range conns {
		c.SetDeadline(time.Now())
	}
	readers.Wait()
	return fmt.Sprintf("%.0f MiB/s were read", float64(read.Load())/(1<<20)/a.window.Seconds())
}

func textNotUTF8(a *arena) string {
	p := a.puppeteer()
	c := p.must("")
	conn := p.seesKind(abi.Connect).conn
	var commands []command
	for _, text := range []string{"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80", "cut \xe2\x82", strings.Repeat("x", 65000) + "\xc3"} {
		commands = append(commands, command{Record: abi.Record{Kind: abi.Message, Flags: abi.Text, Conn: conn}, payload: text})
	}
	p.expect("text", abi.Invalid, commands...)
	a.survives(c) // and nothing before it
	return fmt.Sprintf("%d texts invalid", len(commands))
}

func closeCodes(a *arena) string {
	p := a.puppeteer()
	c := p.must("")
	conn := p.seesKind(abi.Connect).conn
	var commands []command
	for _, code := range []uint32{0, 1, 999, 1004, 1005, 1006, 1010, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65535, 65536, 65536 + 1000, 1<<32 - 1} {
		commands = append(commands, command{Record: abi.Record{Kind: abi.Close, Conn: conn, Code: code}})
	}
	p.expect("close code", abi.Invalid, commands...)
	p.expect("reason", abi.Invalid, command{Record: abi.Record{Kind: abi.Close, Conn: conn, Code: 1000}, payload: "\xff"})
	a.survives(c)
	// A reason that is too long is cut, between two characters.
	p.expect("long reason", abi.OK, command{Record: abi.Record{Kind: abi.Close, Conn: conn, Code: 1000}, payload: strings.Repeat("€", 100)})
	if code, err := c.awaitClose(patience); code != 1000 || err != nil {
		a.problem("closed with %d, %v", code, err)
	}
	for _, code := range []uint32{1000, 1003, 1007, 1009, 1011, 1014, 3000, 4999} {
		c := p.must("")
		conn := p.seesKind(abi.Connect).conn
		p.expect("good code", abi.OK, command{Record: abi.Record{Kind: abi.Close, Conn: conn, Code: code}})
		if got, err := c.awaitClose(patience); got != ws.StatusCode(code) || err != nil {
			a.problem("closed with %d, %v; want %d", got, err, code)
		}
		c.Close()
	}
	return fmt.Sprintf("%d codes invalid", len(commands))
}

func sendAfterClose(a *arena) string {
	p := a.puppeteer()
	rounds := 0
	for end := time.Now().Add(a.window); time.Now().Before(end); rounds++ {
		c := p.must("")
		conn := p.seesKind(abi.Connect).conn
		got := p.statuses(
			command{Record: abi.Record{Kind: abi.Message, Conn: conn}, payload: "before"},
			command{Record: abi.Record{Kind: abi.Close, Conn: conn, Code: 1000}},
			command{Record: abi.Record{Kind: abi.Message, Conn: conn}, payload: "after"},
			command{Record: abi.Record{Kind: abi.Close, Conn: conn, Code: 1001}},
			command{Record: abi.Record{Kind: abi.Message, Conn: conn, Flags: abi.Text}, payload: "after"})
		if want := fmt.Sprint([]abi.Status{0, 0, abi.Closed, abi.Closed, abi.Closed}); fmt.Sprint(got) != want {
			a.problem("statuses %v, want %v", got, want)
		}
		if b, err := c.message(); err != nil || string(b) != "before" {
			a.problem("received %q, %v", b, err)
		}
		if code, err := c.awaitClose(patience); err != nil || code != 1000 {
			a.problem("closed with %d, %v", code, err)
		}
		c.send(ws.OpClose, []byte{3, 232})
		if _, _, err := c.next(); !errors.Is(err, io.EOF) {
			a.problem("behind the close frame: %v", err)
		}
		c.Close()
	}
	return fmt.Sprintf("%d connections, nothing behind the close frame", rounds)
}

// ruined are blocks of fields that must not reach the wire, and the status that
// each gets.
func ruined() (blocks []string, statuses []abi.Status) {
	add := func(status abi.Status, pairs ...string) {
		blocks, statuses = append(blocks, fields(pairs...)), append(statuses, status)
	}
	for _, bad := range []string{"a\r\nset-cookie: x", "\r\n\r\nHTTP/1.1 200 OK", "a\n", "a\rb", "\x00", "\x1b[2J", "\x7f", " padded", "padded "} {
		add(abi.Invalid, "x-value", bad)
	}
	for _, bad := range []string{"", "a b", "a:", "a\r\nb", "\x00", "Upper", "é", "a\x7f", "(", "a\n"} {
		add(abi.Invalid, bad, "value")
	}
	for _, host := range []string{"connection", "upgrade", "sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-protocol",
		"sec-websocket-anything", "content-length", "transfer-encoding", "host", "date"} {
		add(abi.Denied, host, "x")
	}
	add(abi.Invalid, ":unknown", "x")
	add(abi.TooBig, "x-a", strings.Repeat("x", 8000), "x-b", strings.Repeat("x", 8000), "x-c", strings.Repeat("x", 8000))
	blocks = append(blocks, "\x05", "\xff\xff\x00\x00\xff\xff\xff\xff", "\x01\x00\x01\x00\x01\x00\x00\x00ab")
	statuses = append(statuses, abi.Invalid, abi.Invalid, abi.Invalid)
	return blocks, statuses
}

func responseSplitting(a *arena) string {
	p := a.puppeteer()
	conn, answer := p.waiting("")
	asked := make(chan error, 1)
	go func() { asked <- p.request() }()
	request := p.seesKind(abi.Request).conn
	blocks, statuses := ruined()
	for _, kind := range []abi.Kind{abi.Accept, abi.Reject, abi.Respond} {
		conn := conn
		if kind == abi.Respond {
			conn = request
		}
		var commands []command
		for _, block := range blocks {
			commands = append(commands, command{Record: abi.Record{Kind: kind, Conn: conn, Code: 403}, payload: block})
		}
		for i, got := range p.statuses(commands...) {
			if got != statuses[i] {
				a.problem("kind %d, fields %.60q: status %d, want %d", kind, blocks[i], got, statuses[i])
			}
		}
	}
	p.expect("status", abi.Invalid,
		command{Record: abi.Record{Kind: abi.Reject, Conn: conn, Code: 101}},
		command{Record: abi.Record{Kind: abi.Reject, Conn: conn, Code: 199}},
		command{Record: abi.Record{Kind: abi.Reject, Conn: conn, Code: 600}},
		command{Record: abi.Record{Kind: abi.Reject, Conn: conn, Code: 65536 + 200}})
	// The handshake still waits, and gets one response.
	p.expect("reject", abi.OK, command{Record: abi.Record{Kind: abi.Reject, Conn: conn, Code: 403}, payload: fields("x-fine", "a\tb", ":body", "no\r\n\r\nHTTP/1.1 200 OK")})
	var r *refusedError
	switch got := <-answer; {
	case errors.As(got.err, &r):
		if r.StatusCode != 403 || r.Header.Get("X-Fine") != "a\tb" || len(r.Header["Set-Cookie"]) != 0 || r.body != "no\r\n\r\nHTTP/1.1 200 OK" {
			a.problem("answered with %v %q", r.Response, r.body)
		}
	case got.err != nil:
		a.problem("answered with %v", got.err)
	default:
		a.problem("accepted with %v", got.head.Header)
		got.Close()
	}
	p.expect("respond", abi.OK, command{Record: abi.Record{Kind: abi.Respond, Conn: request, Code: 403}, payload: fields("x-fine", "a\tb")})
	if err := <-asked; !errors.As(err, &r) || r.StatusCode != 403 || r.Header.Get("X-Fine") != "a\tb" {
		a.problem("the request was answered with %v", err)
	}
	return fmt.Sprintf("%d blocks refused", 3*len(blocks))
}

func notOffered(a *arena) string {
	p := a.puppeteer()
	conn, answer := p.waiting("Sec-WebSocket-Protocol: one, two\r\nSec-WebSocket-Extensions: permessage-deflate\r\n")
	p.expect("protocol", abi.Invalid,
		command{Record: abi.Record{Kind: abi.Accept, Conn: conn}, payload: fields(":protocol", "three")},
		command{Record: abi.Record{Kind: abi.Accept, Conn: conn}, payload: fields(":protocol", "one, two")},
		command{Record: abi.Record{Kind: abi.Accept, Conn: conn}, payload: fields(":protocol", "One")})
	p.expect("extension", abi.Denied,
		command{Record: abi.Record{Kind: abi.Accept, Conn: conn}, payload: fields("sec-websocket-extensions", "x-own")})
	p.expect("accept", abi.OK,
		command{Record: abi.Record{Kind: abi.Accept, Conn: conn}, payload: fields(":protocol", "two")})
	got := <-answer
	if got.err == nil {
		defer got.Close()
		if h := got.head.Header; h.Get("Sec-WebSocket-Protocol") != "two" || len(h["Sec-Websocket-Extensions"]) != 0 {
			a.problem("accepted with %v", h)
		}
	} else {
		a.problem("answered with %v", got.err)
	}
	return "4 accepts refused"
}

// hugeResponse answers with 100 000 fields, and with a body of 10 MB.
func hugeResponse(a *arena) string {
	hand := a.must("")
	answer := make(chan error, 1)
	go func() {
		_, err := a.dial("/"+a.tenant+"?wait", "")
		answer <- err
	}()
	for { // until the handshake waits
		counts, err := hand.tell('n')
		a.check("count", err)
		if counts[1] == 2 {
			break
		}
	}
	faults := uint32(0)
	for _, numbers := range [][]uint32{
		{uint32(abi.Accept), 100_000, 0}, {uint32(abi.Reject), 100_000, 0}, {uint32(abi.Reject), 10_000_000, 1},
	} {
		a.check("order", hand.send(ws.OpBinary, order('H', numbers...)))
		faults++
		for {
			counts, err := hand.tell('n')
			a.check("count", err)
			if counts[3] == faults {
				if got := abi.Status(counts[5]); got != abi.TooBig {
					a.problem("%v: status %d, want too_big", numbers, got)
				}
				break
			}
		}
	}
	a.check("order", hand.send(ws.OpBinary, order('H', uint32(abi.Reject), 0, 1)))
	var refused *refusedError
	if err := <-answer; !errors.As(err, &refused) || refused.StatusCode != 200 {
		a.problem("answered with %v", err)
	}
	return "too_big"
}

// noAnswer leaves every handshake unanswered.
func noAnswer(a *arena) string {
	var wg sync.WaitGroup
	start := time.Now()
	longest := make([]time.Duration, attackerConns)
	for i := range attackerConns {
		wg.Go(func() {
			want, err := http.StatusServiceUnavailable, error(nil)
			if i%2 == 0 {
				_, err = a.dial("/"+a.tenant+"?wait", "")
			} else {
				want, err = http.StatusGatewayTimeout, a.request()
			}
			longest[i] = time.Since(start)
			var refused *refusedError
			if !errors.As(err, &refused) || refused.StatusCode != want {
				a.Errorf("request %d was answered with %v, want %d", i, err, want)
			}
		})
	}
	wg.Wait()
	return fmt.Sprintf("503 after %.0f ms, 504 after %.0f ms", ms(longest[0]), ms(longest[1]))
}

// logFlood writes lines that are long, forged and many, also when nobody reads the
// log.
func logFlood(a *arena) string {
	c := a.must("")
	mark, start := a.logs.mark(), time.Now()
	for end := start.Add(a.window); time.Now().Before(end); {
		_, err := c.tell('l', 100, 60_000)
		a.check("log", err)
	}
	log := a.logs.since(mark)
	seconds := time.Since(start).Seconds() + 1 // of the limit's, the first of which may begin anywhere
	if most := int(seconds * 100 * (2 << 10)); len(log) > most {
		a.problem("%d bytes were logged, the limit is %d", len(log), most)
	}
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "time=") || strings.ContainsAny(line, "\x1b\x00\r") || len(line) > 4<<10 {
			a.problem("in the log: %.200q", line)
			break
		}
	}
	lines := strings.Count(log, "msg=guest ")
	if most := int(seconds+1) * 100; lines > most {
		a.problem("%d lines were logged, the limit is %d", lines, most)
	}
	// Nobody reads: the loop goes on.
	goOn := a.logs.pause()
	defer goOn()
	for end := time.Now().Add(a.window); time.Now().Before(end); {
		_, err := c.tell('l', 100, 60_000)
		a.check("log, unread", err)
	}
	return fmt.Sprintf("%d lines of %d bytes", lines, len(log)/max(lines, 1))
}

// timerFlood arms more timers than there may be, each as soon as may be, and again
// whenever one fires.
func timerFlood(a *arena) string {
	const armed, most = 20_000, 10_000
	c := a.must("")
	for range armed / 2_000 {
		_, err := c.tell('m', 2_000)
		a.check("arm", err)
	}
	// One token names one timer: these are all of those above, moved.
	counts, err := c.tell('n')
	a.check("count", err)
	if counts[3] != 0 {
		a.problem("%d timers were refused, though they are armed already", counts[3])
	}
	for first := uint32(0); first < armed; first += 2_000 {
		_, err := c.tell('m', 2_000, first)
		a.check("arm", err)
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		counts, err = c.tell('n')
		a.check("count", err)
		if counts[3] >= armed-most {
			break
		}
	}
	if counts[3] < armed-most || abi.Status(counts[5]) != abi.Busy {
		a.problem("%d timers were refused, the last with status %d; want %d with busy", counts[3], counts[5], armed-most)
	}
	start, before := time.Now(), counts[6]
	for left := a.window; left > 0; left = a.window - time.Since(start) { // while they fire
		time.Sleep(min(left, 5*time.Second)) // who does not answer pings for longer is dropped
		counts, err = c.tell('n')
		a.check("count", err)
	}
	fired := float64(counts[6]-before) / time.Since(start).Seconds()
	if limit := most * 1000.0 / 10 * 1.1; fired > limit {
		a.problem("%.0f timers fired in a second, no more than %.0f may", fired, limit)
	}
	// They would fire on, with nobody there.
	a.check("end", c.send(ws.OpBinary, order('T')))
	if _, err := c.awaitClose(toldWithin); err != nil {
		a.problem("%v", err)
	}
	return fmt.Sprintf("%d refused, %.0f k/s fire", counts[3], fired/1000)
}

// connectStorm has the guest throw its clients out as soon as they come, while
// others of the victim's come too.
func connectStorm(a *arena) string {
	var came, refused, victims atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(a.window)
	for range 8 {
		wg.Go(func() {
			for time.Now().Before(end) {
				c, err := a.dial("/"+a.tenant+"?leave", "")
				var no *refusedError
				switch {
				case errors.As(err, &no):
					refused.Add(1)
					continue
				case err != nil:
					continue // the ports of the attacker's
				}
				came.Add(1)
				c.Conn.(*net.TCPConn).SetLinger(0)
				c.Close()
			}
		})
	}
	wg.Go(func() {
		for time.Now().Before(end) {
			c, err := a.dial("/victim", "")
			if err != nil {
				a.problem("the victim cannot connect: %v", err)
				return
			}
			victims.Add(1)
			if err := c.echoes("hello"); err != nil {
				a.problem("the victim's new connection: %v", err)
			}
			c.Close()
		}
	})
	wg.Wait()
	return fmt.Sprintf("%.0f/s came, %.0f/s refused, %d of the victim's", float64(came.Load())/a.window.Seconds(), float64(refused.Load())/a.window.Seconds(), victims.Load())
}
