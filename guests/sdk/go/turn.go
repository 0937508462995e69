package wherry

import (
	"unsafe"

	"github.com/seed-c6589352/wherry/abi"
)

// openMailbox fills in the mailbox and returns its address.
func openMailbox() uint32 {
	guest.open = true
	box := memory()[:abi.MailboxSize]
	m := abi.Mailbox{
		Inbox:         boxAddress() + uint32(unsafe.Offsetof(mem.inbox)),
		InboxBytes:    inboxBytes,
		Outbox:        boxAddress() + uint32(unsafe.Offsetof(mem.outbox)),
		OutboxRecords: outboxRecords,
		Wants:         wants(),
	}
	m.Put(box)
	return address(box)
}

// turn handles the events in the inbox and returns how many commands are in the
// outbox. What func init commanded is still there in the first turn.
//
// Budget: 0 allocations for a message in bytes that is answered with bytes
// (TestEchoBudget).
func turn(events uint32) int32 {
	if outbox.returned {
		forgetCommands()
	}
	if len(loans.delivered) != 0 {
		clear(loans.delivered)
		loans.delivered = loans.delivered[:0]
	}
	cursor := (*uint32)(unsafe.Pointer(&mem.box[abi.CursorOffset/8]))
	for i := range events {
		*cursor = i
		r := event(i)
		// What follows is all there is for most messages. The compiler for WebAssembly
		// makes calls and branches that are taken dear, so nothing else is asked here.
		c := conns.entries[conns.home(r.Conn)]
		if r.Kind != abi.Message || c.handle != r.Conn || c.takes>>(r.Flags&abi.Text)&1 == 0 || !isShared(r) {
			handle(r)
			continue
		}
		if err := c.site.receive(c, Message{r}); err != nil {
			c.check("on_receive", err)
		}
	}
	outbox.returned = true
	return int32(outbox.used)
}

// handle handles any event. Kinds that are not known are ignored.
func handle(r *abi.Record) {
	if !isShared(r) {
		takeBack(r)
	}
	switch r.Kind {
	case abi.Message:
		receive(r)
	case abi.Start:
		configure(payload(r))
		if guest.onStart != nil {
			logFailure("on_start", guest.onStart())
		}
	case abi.Connect:
		connect(r)
	case abi.Close:
		disconnect(r)
	case abi.Writable:
		if c := conns.find(r.Conn); c != nil && c.phase == Open && c.site.OnWritable != nil {
			c.check("on_writable", c.site.OnWritable(c))
		}
	case abi.Timer:
		ring(r.Token)
	case abi.Resume:
		resume(r)
	case abi.Fault:
		fault(r)
	case abi.Request:
		request(r)
	case abi.Stop:
		if guest.onStop != nil {
			logFailure("on_stop", guest.onStop(StopReason(r.Code)))
		}
	}
}

// logFailure logs an error that nobody can answer.
func logFailure(where string, err error) {
	if err != nil {
		Log(LevelError, where+": "+err.Error())
	}
}

// connect has a handshake answered.
func connect(r *abi.Record) {
	head := payload(r)
	s := siteOf(field(head, abi.FieldRoute))
	if s == nil {
		answer(abi.Reject, r.Conn, StatusNotFound, jsonHeader(nil), detailBody("Not Found"))
		return
	}
	c := &Conn{handle: r.Conn, site: s}
	conns.put(c)
	begin(head, c)
	c.shakeHands()
	if c.phase == Connecting {
		c.offered = string(field(head, abi.FieldProtocols))
	}
	current.end()
}

// shakeHands calls the handlers of a handshake.
func (c *Conn) shakeHands() {
	problems := current.readParams(c.site.Params)
	switch {
	case len(problems) != 0 && c.site.OnInvalid != nil:
		c.check("on_invalid", c.site.OnInvalid(c, problems))
	case len(problems) != 0:
		c.refuse(problems)
	case c.site.OnConnect != nil:
		c.met = true
		c.check("on_connect", c.site.OnConnect(c))
	default:
		c.met = true
		c.answer("", nil)
	}
}

// resume takes over a connection of an instance that is gone.
func resume(r *abi.Record) {
	head := payload(r)
	s := siteOf(field(head, abi.FieldRoute))
	if s == nil || s.OnResume == nil {
		command(abi.Record{Kind: abi.Close, Code: CloseServiceRestart, Conn: r.Conn})
		return
	}
	c := &Conn{handle: r.Conn, site: s, met: true, attachment: string(field(head, abi.FieldAttachment))}
	c.become(Open)
	conns.put(c)
	begin(head, c)
	c.check("on_resume", s.OnResume(c))
	current.end()
}

// receive delivers a message to an endpoint that takes its kind.
func receive(r *abi.Record) {
	c := conns.find(r.Conn)
	if c == nil || c.phase != Open || !c.suits(r) || c.site.receive == nil {
		return
	}
	c.check("on_receive", c.site.receive(c, Message{r}))
	received = nil
}

// suits reports whether a message is what the endpoint's encoding says, and closes the
// connection if it is not.
func (c *Conn) suits(r *abi.Record) bool {
	reason := ""
	switch c.site.Encoding {
	case Text:
		if r.Flags&abi.Text == 0 {
			reason = "text expected"
		}
	case Bytes:
		if r.Flags&abi.Text != 0 {
			reason = "bytes expected"
		}
	case JSON:
		var err error
		if r.Flags&abi.Text == 0 {
			reason = "json expected"
		} else if received, err = ParseJSON(payload(r)); err != nil {
			reason = "malformed json"
		}
	}
	if reason == "" {
		return true
	}
	c.shut(CloseUnsupportedData, reason)
	return false
}

// disconnect tells of the end of a connection and forgets it.
func disconnect(r *abi.Record) {
	c := conns.take(r.Conn)
	if c == nil {
		return
	}
	c.become(Closed)
	if (c.met || r.Flags&abi.Opened != 0) && c.site.OnDisconnect != nil {
		err := c.site.OnDisconnect(c, Disconnect{
			Code:    int(r.Code),
			Reason:  string(payload(r)),
			Clean:   r.Flags&abi.Clean != 0,
			ByPeer:  r.Flags&abi.ByPeer != 0,
			ByGuest: r.Flags&abi.ByGuest != 0,
			ByHost:  r.Flags&abi.ByHost != 0,
			Opened:  r.Flags&abi.Opened != 0,
		})
		if state, late := find[*StateError](err); !late || state.Phase < Closing {
			logFailure(c.site.route+" on_disconnect", err)
		}
	}
	c.State, c.attachment = nil, ""
}

// fault tells of a command that was refused.
func fault(r *abi.Record) {
	f := Fault{abi.Kind(r.Flags), abi.Status(r.Code), conns.find(r.Conn)}
	switch {
	case guest.onFault != nil:
		guest.onFault(f)
	case f.Status != abi.Closed:
		Log(LevelWarn, f.String())
	}
}
