package abi

// A Kind says what a record is. It means the same thing in both directions,
// seen from the other side: a message in was received, a message out is sent.
type Kind uint16

// The kinds of version 1. Where the event and the command have different names,
// both are given for the same number.
const (
	Start  Kind = 1 // event: the first record that an instance sees
	Ready  Kind = 1 // command: the instance has started; optional
	Accept Kind = 2 // command: answer a connect with 101

	Connect     Kind = 2  // event: a handshake waits for accept or reject
	Message     Kind = 3  // event: a message arrived; command: send one
	Close       Kind = 4  // event: the connection ended; command: close it
	Reject      Kind = 5  // command: refuse the handshake with an HTTP status
	Writable    Kind = 6  // event: the backlog has drained
	Timer       Kind = 7  // event: a timer fired; command: arm or cancel one
	Subscribe   Kind = 8  // command: the connection joins a topic
	Unsubscribe Kind = 9  // command: the connection leaves a topic
	Publish     Kind = 10 // command: send to every subscriber of a topic
	Attach      Kind = 11 // command: leave bytes with the connection
	Resume      Kind = 12 // event: a live connection that this instance has not met
	Fault       Kind = 13 // event: a command was refused
	Request     Kind = 14 // event: an HTTP request
	Respond     Kind = 14 // command: its response
	Call        Kind = 15 // command: ask for an asynchronous host operation
	Reply       Kind = 15 // event: the answer to a call
	Stop        Kind = 16 // event: this instance is being retired
)

// Flags qualify a record. Every bit has one meaning, whatever the kind; only in a
// [Fault] the number is not made of bits but is the refused command's kind.
type Flags uint16

const (
	Text    Flags = 1 << 0 // message, publish: UTF-8 text; binary where it is not set
	Clean   Flags = 1 << 1 // close event: the closing handshake was completed
	ByPeer  Flags = 1 << 2 // close event: the peer began it or vanished
	ByGuest Flags = 1 << 3 // close event: the guest began it
	ByHost  Flags = 1 << 4 // close event: the host began it
	Opened  Flags = 1 << 5 // close event: the handshake had been accepted before
	Except  Flags = 1 << 6 // publish: skip the connection that the record names
)

// A Status is the result of a command or a hostcall.
type Status uint32

const (
	OK          Status = 0 // done, or queued to be done
	Closed      Status = 1 // the connection is closed or closing, or the handle is stale
	WouldBlock  Status = 2 // the backlog is over its high-water mark; a writable event follows
	TooBig      Status = 3 // a limit on a length or a count was exceeded
	Invalid     Status = 4 // the record or what it points to is malformed
	Denied      Status = 5 // not this guest's to do, such as a handle that was never its own
	NotFound    Status = 6 // the thing that was named does not exist
	Busy        Status = 7 // the host is over a quota; the same command may succeed later
	Unsupported Status = 8 // this host does not know or does not grant the kind
)

// Bit returns the bit that stands for k in the mailbox's wants and grants. Kinds
// from 32 on, of which version 1 has none, would share them.
func (k Kind) Bit() uint32 { return 1 << (k & 31) }

// A Name is a row of one of the tables that SDKs are generated from.
type Name struct {
	Name  string // in snake case, as in SPEC.md
	Value uint32
	Doc   string // one line
}

// Kinds returns every kind, by name, in the order of the numbers. A number that
// has one name as an event and another as a command has two rows.
func Kinds() []Name {
	return []Name{
		{"start", uint32(Start), "event: the first record that an instance sees"},
		{"ready", uint32(Ready), "command: the instance has started; optional"},
		{"connect", uint32(Connect), "event: a handshake waits for accept or reject"},
		{"accept", uint32(Accept), "command: answer a connect with 101"},
		{"message", uint32(Message), "event: a message arrived; command: send one"},
		{"close", uint32(Close), "event: the connection ended; command: close it"},
		{"reject", uint32(Reject), "command: refuse the handshake with an HTTP status"},
		{"writable", uint32(Writable), "event: the backlog has drained (wants)"},
		{"timer", uint32(Timer), "event: a timer fired (wants); command: arm or cancel one"},
		{"subscribe", uint32(Subscribe), "command: the connection joins a topic"},
		{"unsubscribe", uint32(Unsubscribe), "command: the connection leaves a topic"},
		{"publish", uint32(Publish), "command: send to every subscriber of a topic"},
		{"attach", uint32(Attach), "command: leave bytes with the connection"},
		{"resume", uint32(Resume), "event: a live connection that this instance has not met (wants)"},
		{"fault", uint32(Fault), "event: a command was refused"},
		{"request", uint32(Request), "event: an HTTP request (wants)"},
		{"respond", uint32(Respond), "command: the response to a request"},
		{"call", uint32(Call), "command: ask for an asynchronous host operation"},
		{"reply", uint32(Reply), "event: the answer to a call (wants)"},
		{"stop", uint32(Stop), "event: this instance is being retired (wants)"},
	}
}

// FlagBits returns every flag, by name, in the order of the bits.
func FlagBits() []Name {
	return []Name{
		{"text", uint32(Text), "message, publish: UTF-8 text; binary where it is not set"},
		{"clean", uint32(Clean), "close event: the closing handshake was completed"},
		{"by_peer", uint32(ByPeer), "close event: the peer began it or vanished"},
		{"by_guest", uint32(ByGuest), "close event: the guest began it"},
		{"by_host", uint32(ByHost), "close event: the host began it"},
		{"opened", uint32(Opened), "close event: the handshake had been accepted before"},
		{"except", uint32(Except), "publish: skip the connection that the record names"},
	}
}

// Statuses returns every status, by name, in the order of the numbers.
func Statuses() []Name {
	return []Name{
		{"ok", uint32(OK), "done, or queued to be done"},
		{"closed", uint32(Closed), "the connection is closed or closing, or the handle is stale"},
		{"would_block", uint32(WouldBlock), "the backlog is over its high-water mark; a writable event follows"},
		{"too_big", uint32(TooBig), "a limit on a length or a count was exceeded"},
		{"invalid", uint32(Invalid), "the record or what it points to is malformed"},
		{"denied", uint32(Denied), "not this guest's to do, such as a handle that was never its own"},
		{"not_found", uint32(NotFound), "the thing that was named does not exist"},
		{"busy", uint32(Busy), "the host is over a quota; the same command may succeed later"},
		{"unsupported", uint32(Unsupported), "this host does not know or does not grant the kind"},
	}
}

// String returns the status's name as SPEC.md has it, and "unknown" for a number
// that has none.
func (s Status) String() string {
	switch s {
	case OK:
		return "ok"
	case Closed:
		return "closed"
	case WouldBlock:
		return "would_block"
	case TooBig:
		return "too_big"
	case Invalid:
		return "invalid"
	case Denied:
		return "denied"
	case NotFound:
		return "not_found"
	case Busy:
		return "busy"
	case Unsupported:
		return "unsupported"
	}
	return "unknown"
}

// Error makes a status other than [OK] usable as an error by native handlers.
func (s Status) Error() string { return "wherry: " + s.String() }
