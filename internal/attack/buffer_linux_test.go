package attack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/runtime"
)

// Pointers, shared buffers, and what changes between check and use: G30 to G42.

func bufferAttacks() []attack {
	talkative := runtime.Limits{SendRate: 1 << 40} // what is refused tells nothing here
	return []attack{
		{id: "G30", name: "bad_pointers", guest: "puppet", run: badPointers},
		{id: "G31a", name: "bad_alloc", run: badAlloc},
		{id: "G31b", name: "bad_alloc_overlap", run: badAllocOverlap},
		{id: "G32", name: "rewrite_after_send", limits: talkative, run: rewriteAfterSend},
		{id: "G33", name: "write_while_validated", absent: "a guest has no threads, and the host touches its memory only while it does not run; G32 holds the text frames"},
		{id: "G34", name: "grow_after_send", limits: talkative, run: growAfterSend},
		{id: "G35", name: "reuse_before_the_end", limits: talkative, run: reuseBeforeTheEnd},
		{id: "G36", name: "killed_with_a_backlog", quota: attackerConns << 20, limits: talkative, run: killedWithBacklog},
		{id: "G37", name: "slack", limits: talkative, run: slackOfBuffers},
		{id: "G38", name: "memory_of_others", run: memoryOfOthers},
		{id: "G39", name: "stale_handles", guest: "puppet", run: staleHandles},
		{id: "G40", name: "foreign_handles", run: foreignHandles},
		{id: "G41", name: "commands_on_close", run: commandsOnClose},
		{id: "G42", name: "not_a_number", run: poisoned("arithmetic", 'N')},
	}
}

func badPointers(a *arena) string {
	p := a.puppeteer()
	target := p.must("")
	conn := p.seesKind(abi.Connect).conn
	const pages = 1 << 24
	var spans []command
	for _, s := range [][2]uint32{
		{pages - 1, 2}, {pages, 1}, {1 << 31, 1}, {1<<32 - 8, 16}, {1<<32 - 1, 1}, {1<<32 - 1, 1<<32 - 1},
		{0, 1<<32 - 1}, {8, 1<<32 - 8}, {1<<32 - 1, 0}, {pages + 1, 0}, {1<<32 - 2, 3},
	} {
		for _, kind := range []abi.Kind{abi.Message, abi.Close, abi.Subscribe, abi.Unsubscribe, abi.Attach, abi.Publish} {
			if kind == abi.Message || s[0] != dataHere { // the puppet has its own idea of that address
				spans = append(spans, command{Record: abi.Record{Kind: kind, Conn: conn, Data: s[0], Len: s[1]}})
			}
		}
	}
	spans = slices.DeleteFunc(spans, func(c command) bool { return c.Data == dataHere })
	p.expect("span", abi.Invalid, spans...)
	// Unknown flags have no meaning, and mean no harm.
	p.expect("flags", abi.OK, command{Record: abi.Record{Kind: abi.Message, Conn: conn, Flags: 0xfffe}, payload: "flags"})
	if b, err := target.message(); err != nil || string(b) != "flags" {
		a.problem("got %q, %v", b, err)
	}
	// A length of a topic that is longer than what it is in.
	p.expect("topic", abi.Invalid,
		command{Record: abi.Record{Kind: abi.Publish, Code: 6}, payload: "topic"},
		command{Record: abi.Record{Kind: abi.Publish, Code: 1<<32 - 1}, payload: "topic"},
		command{Record: abi.Record{Kind: abi.Publish}, payload: "topic"})
	// Nothing of it moved the guest, and it may go on for as long as it likes, but not without end.
	for range 4 {
		p.expect("span", abi.Invalid, spans...)
	}
	a.survives(target)
	return fmt.Sprintf("%d spans invalid", 5*len(spans))
}

// badAlloc returns addresses that are not the guest's to give. Each is a trap, and
// there may be five until the guest is backed off.
func badAlloc(a *arena) string {
	return a.badAllocs(map[uint32]ws.StatusCode{
		allocNull: 1013, allocLeak: 0, allocMinusOne: 1011, allocOdd: 1011, allocEnd: 1011, allocTrap: 1011,
	})
}

// badAllocOverlap returns addresses that are in use.
func badAllocOverlap(a *arena) string {
	a.badAllocs(map[uint32]ws.StatusCode{allocInbox: 1011, allocMailbox: 1011})
	first, second := a.must(""), a.must("")
	_, err := first.tell('a', allocSame)
	a.check("mode", err)
	frame := clientFrame(ws.OpText, large)
	for _, c := range []*client{first, second} {
		_, err := c.Write(frame[:len(frame)/6]) // an eighth is asked for, and this comes in one piece
		a.check("the beginning of a message", err)
	}
	// Whichever is read second is the one for whom the guest gave the buffer again.
	codes := make(chan ws.StatusCode, 2)
	for _, c := range []*client{first, second} {
		go func() {
			code, _ := c.awaitClose(toldWithin)
			codes <- code
		}()
	}
	if one, other := <-codes, <-codes; one != 1011 && other != 1011 {
		a.problem("the same buffer twice: closed with %d and %d", one, other)
	}
	return "1011 each"
}

// badAllocs has the villain answer alloc in each way, and expects the code, or for
// 0 that it works.
func (a *arena) badAllocs(modes map[uint32]ws.StatusCode) string {
	for mode, want := range modes {
		c := a.must("")
		_, err := c.tell('a', mode)
		a.check("mode", err)
		if err := c.send(ws.OpText, large); err != nil {
			a.illegalOnly(err)
		}
		if want == 0 {
			if b, err := c.message(); err != nil || !bytes.Equal(b, large) {
				a.problem("mode %d: %d bytes back, %v", mode, len(b), err)
			}
			continue
		}
		if code, err := c.awaitClose(toldWithin); err != nil || code != want {
			a.problem("mode %d: closed with %d, %v; want %d", mode, code, err, want)
		}
	}
	return "1011 each, 1013 for none"
}

// counted is what the villain's pattern is.
func counted(first, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + (first+i)%26)
	}
	return b
}

// patterns asks for messages of a pattern, by an order that has the villain write
// over them, and compares what comes.
func (a *arena) patterns(letter byte, each int) string {
	// One that reads nothing for longer is dropped, with all that waits for it.
	const round = 5 * time.Second
	prompt, late := 0, 0
	for end := time.Now().Add(a.window); time.Now().Before(end); {
		n, m := a.patternsFor(min(a.window, round), letter, each)
		if len(a.problems) > 0 {
			return "rewritten"
		}
		prompt, late = prompt+n, late+m
	}
	return fmt.Sprintf("%d messages intact, %d of them late", prompt+late, late)
}

// patternsFor is a round of patterns. It returns how many messages were read at once,
// and how many late.
func (a *arena) patternsFor(d time.Duration, letter byte, each int) (prompt, late int) {
	c := a.must("")
	defer c.Close()
	// One that reads when all is over: its messages wait in the kernel, and then
	// with the host, until there are too many.
	slow := a.must("")
	defer slow.Close()
	slow.Conn.(*net.TCPConn).SetReadBuffer(64 << 10)
	const queued, queuedSize = 250, 30_000
	for i := range queued {
		a.check("send", slow.send(ws.OpBinary, order(letter, uint32(i), queuedSize)))
		if i%10 == 0 { // a turn is not to do too many of them
			_, err := c.tell('n')
			a.check("count", err)
		}
	}
	for end := time.Now().Add(d); time.Now().Before(end); {
		c.SetDeadline(time.Now().Add(patience))
		first := prompt / each
		size := 1 + first*7919%60_000
		a.check("send", c.send(ws.OpBinary, order(letter, uint32(first), uint32(size))))
		for range each {
			b, err := c.message()
			a.check("a pattern", err)
			if !bytes.Equal(b, counted(first%26, size)) {
				a.problem("message %d of %d bytes is not what was sent", first, size)
				return prompt, late
			}
			prompt++
		}
	}
	slow.SetDeadline(time.Now().Add(patience))
	for ; late < queued*each; late++ {
		b, err := slow.message()
		var closed *closedError
		if errors.As(err, &closed) && closed.code == 1008 {
			break // too slow, and told so behind what was queued
		}
		a.check("a pattern, slowly", err)
		if !bytes.Equal(b, counted(late/each, queuedSize)) {
			a.problem("message %d of the slow reader is not what was sent", late)
			return prompt, late
		}
	}
	return prompt, late
}

func rewriteAfterSend(a *arena) string { return a.patterns('r', 1) }
func growAfterSend(a *arena) string    { return a.patterns('G', 2) }

// reuseBeforeTheEnd: what a command points to is what it is when it is applied.
// Text that is no longer text is not sent, and the frames are whole.
func reuseBeforeTheEnd(a *arena) string {
	c := a.must("")
	n := 0
	for end := time.Now().Add(a.window); time.Now().Before(end); n++ {
		c.SetDeadline(time.Now().Add(patience))
		size := 2 + n*7919%60_000
		a.check("send", c.send(ws.OpBinary, order('u', uint32(n), uint32(size))))
		op, b, err := c.next()
		a.check("the binary one", err)
		want := append(counted(n%26, size/2), bytes.Repeat([]byte{0xff}, size-size/2)...)
		if op != ws.OpBinary || !bytes.Equal(b, want) {
			a.problem("message %d: %v of %d bytes is not what lay there", n, op, len(b))
			return "mixed up"
		}
	}
	counts, err := c.tell('n')
	a.check("count", err)
	if counts[3] != uint32(n) || abi.Status(counts[5]) != abi.Invalid {
		a.problem("%d faults, the last of them %d; want %d of invalid", counts[3], counts[5], n)
	}
	return fmt.Sprintf("%d texts refused, as many messages whole", n)
}

// killedWithBacklog: what was queued comes out whole, whatever became of the
// instance and of its memory.
func killedWithBacklog(a *arena) string {
	rounds, received := 0, 0
	for end := time.Now().Add(a.window); time.Now().Before(end); {
		c, err := a.connect("")
		if err != nil {
			time.Sleep(20 * time.Millisecond) // the back-off is not ended by asking
			continue
		}
		poisoner, err := a.connect("")
		if err != nil {
			continue // it was backed off in between
		}
		c.Conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		const queued = 60
		for i := range queued { // more than the sockets hold
			a.check("send", c.send(ws.OpBinary, order('p', uint32(i), 60_000)))
			if i%10 == 0 { // a turn is not to do too many of them
				_, err := poisoner.tell('n')
				a.check("count", err)
			}
		}
		_, err = poisoner.tell('n')
		a.check("count", err)
		rounds++
		a.check("poison", poisoner.send(ws.OpBinary, order('T')))
		if _, err := poisoner.awaitClose(toldWithin); err != nil {
			a.problem("%v", err)
		}
		// Somebody else's memory takes the place of the dead instance's.
		if other, err := a.connect(""); err == nil {
			other.tell('g')
		}
		for i := range queued {
			b, err := c.message()
			if err != nil {
				a.illegalOnly(err)
				break
			}
			received++
			if !bytes.Equal(b, counted(i, len(b))) {
				a.problem("message %d of the backlog is not what was sent", i)
				return "mixed up"
			}
		}
		a.leave()
	}
	if received == 0 {
		a.problem("nothing was received")
	}
	return fmt.Sprintf("%d rounds, %d messages intact", rounds, received)
}

// slackOfBuffers: what lies in the inbox beside its messages is nobody else's.
func slackOfBuffers(a *arena) string {
	c := a.must("")
	scanned := 0
	for end := time.Now().Add(a.window); time.Now().Before(end); {
		c.SetDeadline(time.Now().Add(patience))
		a.check("send", c.send(ws.OpBinary, order('d')))
		for range 8 {
			b, err := c.message()
			a.check("the inbox", err)
			scanned += len(b)
			if bytes.Contains(b, []byte(victimSecret)) {
				a.problem("the victim's secret is in the attacker's inbox")
			}
		}
	}
	return fmt.Sprintf("%s of inbox, no secret", mib(scanned))
}

// memoryOfOthers has one instance after the other look through all of its memory,
// which was another's before: first for what the victim says, then for what it
// was given itself in an earlier life.
func memoryOfOthers(a *arena) string {
	secret := binary.LittleEndian.Uint64([]byte(victimSecret))
	const own = 0x5ec4e75ec4e7a11a
	instances, scanned := 0, 0
	for end := time.Now().Add(a.window); time.Now().Before(end); {
		c, err := a.connect("")
		if err != nil {
			time.Sleep(20 * time.Millisecond) // the back-off is not ended by asking
			continue
		}
		instances++
		_, err = c.tell('g')
		a.check("grow", err)
		for _, needle := range []uint64{secret, own} {
			const step = 128 << 10 // an event may not do much more
			for at := uint32(0); at < 16<<20; at += step {
				hits, err := c.tell('S', uint32(^needle), uint32(^needle>>32), at, step)
				a.check("scan", err)
				scanned += step
				if hits[0] != 0 {
					a.problem("instance %d found %d of %x", instances, hits[0], needle)
				}
			}
		}
		// Leave something for the next one, everywhere in the inbox.
		mine := bytes.Repeat(binary.LittleEndian.AppendUint64(nil, own), 20_000)
		a.check("echo", c.echoes(string(mine[:0])+"x"))
		a.check("leave", c.send(ws.OpBinary, append([]byte{'?'}, mine...)))
		a.check("poison", c.send(ws.OpBinary, order('T')))
		if _, err := c.awaitClose(toldWithin); err != nil {
			a.problem("%v", err)
		}
		a.leave()
	}
	return fmt.Sprintf("%d instances, %s scanned, nothing found", instances, mib(scanned))
}

// staleHandles: a handle whose connection has gone reaches nobody, whoever has its
// slot now.
func staleHandles(a *arena) string {
	p := a.puppeteer()
	var stale []uint64
	rounds := 0
	for end := time.Now().Add(a.window); time.Now().Before(end); rounds++ {
		c := p.must("")
		conn := p.seesKind(abi.Connect).conn
		if slices.Contains(stale, conn) {
			a.problem("handle %x was given twice", conn)
		}
		var commands []command
		for _, old := range stale[max(0, len(stale)-50):] {
			commands = append(commands,
				command{Record: abi.Record{Kind: abi.Message, Conn: old}, payload: "stale"},
				command{Record: abi.Record{Kind: abi.Close, Conn: old, Code: 1000}},
				command{Record: abi.Record{Kind: abi.Subscribe, Conn: old}, payload: "topic"})
		}
		p.expect("stale", abi.Closed, commands...)
		if err := c.echoes("mine"); err != nil { // and nothing before it
			a.problem("the new connection: %v", err)
		}
		c.Close()
		p.seesKind(abi.Close)
		stale = append(stale, conn)
	}
	return fmt.Sprintf("%d connections, stale handles closed", rounds)
}

// foreignHandles: the victim's connections are not to be reached by guessing, and
// who guesses without end is stopped.
func foreignHandles(a *arena) string {
	c := a.must("")
	guessed := 0
	for from := uint32(0); from < 100_000 && guessed < 100_000; from += 1000 {
		_, err := c.tell('x', from, 1, 1000) // slots, of generation 0
		a.check("guess", err)
		guessed += 1000
		if _, err := c.tell('n'); err != nil { // so that the faults are told
			a.check("count", err)
		}
	}
	counts, err := c.tell('n')
	a.check("count", err)
	if counts[3] < uint32(guessed)*9/10 {
		a.problem("%d faults for %d guesses", counts[3], guessed)
	}
	a.survives(c)
	return fmt.Sprintf("%d guesses refused", guessed)
}

// commandsOnClose: what a guest does in a close event calls nobody back.
func commandsOnClose(a *arena) string {
	witness := a.must("")
	_, err := witness.tell('c', 2)
	a.check("mode", err)
	var counts []uint32
	rounds := 0
	for end := time.Now().Add(a.window); time.Now().Before(end); rounds++ {
		c := a.must("")
		a.check("echo", c.echoes("hello"))
		c.Close()
		if rounds%1000 == 0 { // a witness that never reads does not answer pings
			_, err = witness.tell('n')
			a.check("count", err)
		}
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		counts, err = witness.tell('n')
		a.check("count", err)
		if counts[2] == uint32(rounds) {
			break
		}
	}
	if counts[1] != uint32(rounds+1) || counts[2] != uint32(rounds) || counts[4] != 0 {
		a.problem("%d connects, %d closes, %d of them twice; want %d and %d", counts[1], counts[2], counts[4], rounds+1, rounds)
	}
	return fmt.Sprintf("%d closes, one event each", rounds)
}
