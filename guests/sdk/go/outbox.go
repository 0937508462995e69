package wherry

import "github.com/seed-c6589352/wherry/abi"

// outbox is how far mem.outbox and mem.stage are filled.
var outbox struct {
	used     uint32
	staged   int
	kept     [][]byte // payloads too large for the stage
	keptSize int
	returned bool // the host has had all of it, and may have it again
}

// command queues a record. Its data is 0, or from hold or place since the last
// flush.
func command(r abi.Record) {
	if outbox.used == outboxRecords {
		flush()
	}
	mem.outbox[outbox.used] = r
	outbox.used++
}

// flush has the host apply the commands so far. Those that it refuses come back as
// faults.
func flush() {
	hostFlush(int(outbox.used))
	forgetCommands()
}

// forgetCommands empties the outbox and the stage.
func forgetCommands() {
	outbox.used, outbox.staged = 0, 0
	if outbox.keptSize != 0 {
		clear(outbox.kept)
		outbox.kept, outbox.keptSize = outbox.kept[:0], 0
	}
}

// place returns n bytes for the next command to point to. They are to be filled,
// and that command queued, before place is called again.
func place(n int) []byte {
	// Also when only the outbox is full: the command must not flush its own bytes away.
	if outbox.used == outboxRecords || n <= stageBytes && n > stageBytes-outbox.staged || n > stageBytes && outbox.keptSize > keptBytes {
		flush()
	}
	if n > stageBytes {
		b := make([]byte, n)
		outbox.kept = append(outbox.kept, b)
		outbox.keptSize += n
		return b
	}
	at := outbox.staged
	outbox.staged += n
	return mem.stage[at : at+n : at+n]
}

// hold returns b, or a copy where b is the developer's and may change until the
// turn is over.
func hold(b []byte) []byte {
	if isPayload(b) {
		return b
	}
	p := place(len(b))
	copy(p, b)
	return p
}

// A Field is a header field. Names are made lower case where they are sent.
type Field struct{ Name, Value string }

// A Header is header fields in their order; a name may be there more than once.
type Header []Field

// Get returns the value of the first field with that name, in any case, "" if there
// is none.
func (h Header) Get(name string) string {
	for _, f := range h {
		if equalFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// placeFields places the data of an answer: a pseudo-field in front, the header
// and a body; what is empty is left out. It returns nil if there is nothing.
func placeFields(protocol string, header Header, body []byte) []byte {
	size := 0
	if protocol != "" {
		size += abi.FieldSize(len(abi.FieldProtocol), len(protocol))
	}
	for _, f := range header {
		size += abi.FieldSize(len(f.Name), len(f.Value))
	}
	if len(body) != 0 {
		size += abi.FieldSize(len(abi.FieldBody), len(body))
	}
	if size == 0 {
		return nil
	}
	p := place(size)
	n := 0
	if protocol != "" {
		n += abi.PutField(p, abi.FieldProtocol, protocol)
	}
	for _, f := range header {
		n += abi.PutField(p[n:], lower(f.Name), f.Value)
	}
	if len(body) != 0 {
		abi.PutField(p[n:], abi.FieldBody, body)
	}
	return p
}

// longField returns the size of the first name in header that no field can have, 0
// if all are possible.
func longField(header Header) int {
	for _, f := range header {
		if len(f.Name) > 1<<16-1 {
			return len(f.Name)
		}
	}
	return 0
}

// span returns a record that points to b.
func span(kind abi.Kind, conn uint64, b []byte) abi.Record {
	r := abi.Record{Kind: kind, Conn: conn}
	if len(b) != 0 {
		r.Data, r.Len = address(b), uint32(len(b))
	}
	return r
}
