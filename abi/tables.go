package abi

// The tables in this file, and [Kinds], [FlagBits] and [Statuses], are what the
// constants of every SDK are generated from (see the program in gen) and what
// SPEC.md is tested against. They are functions so that nobody can change them.

// A Slot is a row of a layout: one number in a record, a mailbox or the header
// of a field.
type Slot struct {
	Name   string // in snake case, as in SPEC.md
	Offset uint32 // bytes from the front
	Bytes  uint32 // 2, 4 or 8
	Doc    string // one line
}

// RecordLayout returns the numbers of a record, in the order of their offsets.
func RecordLayout() []Slot {
	return []Slot{
		{"kind", 0, 2, "what the record is"},
		{"flags", 2, 2, "qualifies the kind"},
		{"code", 4, 4, "close code, HTTP status, topic length, milliseconds: as the kind says"},
		{"conn", 8, 8, "the connection's handle; 0 where the record is about none"},
		{"data", 16, 4, "address in guest memory"},
		{"len", 20, 4, "bytes at data"},
		{"token", 24, 8, "a command's token comes back in its fault or reply"},
	}
}

// MailboxLayout returns the numbers of a mailbox, in the order of their
// offsets. The bytes between the last of them and [MailboxSize] are zero.
func MailboxLayout() []Slot {
	return []Slot{
		{"inbox", 0, 4, "address, a multiple of 8"},
		{"inbox_bytes", 4, 4, "size of the inbox in bytes"},
		{"outbox", 8, 4, "address, a multiple of 8"},
		{"outbox_records", 12, 4, "size of the outbox in records"},
		{"cursor", CursorOffset, 4, "guest: index of the event it is handling; advisory"},
		{"wants", WantsOffset, 4, "guest: bits of the optional events that it handles"},
		{"grants", GrantsOffset, 4, "host: bits of the kinds that the guest may use"},
		{"minor", MinorOffset, 4, "host: its minor version"},
	}
}

// FieldLayout returns the numbers of a field's header, in the order of their
// offsets. The name and the value follow the header.
func FieldLayout() []Slot {
	return []Slot{
		{"name_len", 0, 2, "bytes of the name"},
		{"zero", 2, 2, "zero"},
		{"value_len", 4, 4, "bytes of the value"},
	}
}

// Limits returns the sizes and limits of the contract, by name.
func Limits() []Name {
	return []Name{
		{"version", Version, "the major version, part of every imported and exported name"},
		{"minor", Minor, "the minor version that these constants were generated from"},
		{"record_size", RecordSize, "bytes of a record"},
		{"mailbox_size", MailboxSize, "bytes of the mailbox"},
		{"field_header_size", FieldHeader, "bytes of a field in front of its name"},
		{"min_inbox_bytes", MinInboxBytes, "the smallest inbox"},
		{"max_inbox_bytes", MaxInboxBytes, "the host leaves alone what lies beyond this"},
		{"min_outbox_records", MinOutboxRecords, "the smallest outbox"},
		{"max_outbox_records", MaxOutboxRecords, "the host leaves alone what lies beyond this"},
		{"max_attachment", MaxAttachment, "the most bytes that attach can leave with a connection"},
		{"max_reason", MaxReason, "the longest reason of a close, in bytes; more is cut off"},
		{"max_topic", MaxTopic, "the longest name of a topic, in bytes"},
	}
}

// A FieldName is a row of the table of pseudo-fields.
type FieldName struct {
	Name string // in snake case, for the constants of SDKs
	Text string // as in a record's fields
	Doc  string // one line
}

// PseudoFields returns the pseudo-fields of version 1, in the order of SPEC.md.
// A text that ends with a dot is a prefix.
func PseudoFields() []FieldName {
	return []FieldName{
		{"method", FieldMethod, "connect, resume, request: the method, GET for a handshake"},
		{"path", FieldPath, "connect, resume, request: the target's path as it was sent"},
		{"query", FieldQuery, "connect, resume, request: what follows the question mark, as it was sent"},
		{"authority", FieldAuthority, "connect, resume, request: host and port that the client asked for"},
		{"scheme", FieldScheme, "connect, resume, request: ws, wss, http or https"},
		{"peer", FieldPeer, "connect, resume, request: the client's address and port"},
		{"protocols", FieldProtocols, "connect, resume: the subprotocols offered, separated by commas"},
		{"protocol", FieldProtocol, "accept: the subprotocol that the guest picks; resume: the one picked"},
		{"route", FieldRoute, "connect, resume, request: the pattern of the route that matched"},
		{"param", FieldParam, "connect, resume, request: prefix; a parameter of the route"},
		{"body", FieldBody, "request, respond, reject: the body"},
		{"attachment", FieldAttachment, "resume: what attach left"},
		{"tenant", FieldTenant, "start: the tenant's name"},
		{"instance", FieldInstance, "start: the instance's name, unique in the process"},
		{"config", FieldConfig, "start: prefix; a value of the tenant's configuration"},
		{"max_message", FieldMaxMessage, "start: the largest message in bytes, in decimal"},
	}
}
