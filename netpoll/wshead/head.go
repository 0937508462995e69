package wshead

// A Field is one field line, as sent, its value without the white space around
// it. Both parts are views into the bytes that Parse was given.
type Field struct{ Name, Value []byte }

// A Head is a request line and its fields, as views into the bytes that Parse
// was given. One Head serves any number of connections in turn: a loop has one.
type Head struct {
	Method []byte // as sent; a token, compared with regard to case
	Target []byte // as sent
	Path   []byte // still percent-encoded; begins with '/', or is "*" for OPTIONS
	Query  []byte // what follows '?', still encoded; nil if there is no '?'
	Host   []byte // host[:port] that the request is for; empty only in HTTP/1.0
	Minor  int    // x of HTTP/1.x; above 1 means the same as 1 (RFC 9110, 2.5)
	Lead   int    // bytes of the empty line before the request line: 0 or 2; net/http wants them cut
	Fields []Field

	asksWebSocket  bool // Upgrade lists "websocket"
	asksConnection bool // Connection lists "upgrade"
	known          [fieldKinds]knownField
}

// A knownField is what a Head remembers of a field that the handshake is about.
type knownField struct {
	count int
	first []byte // value of the first such field
}

// A fieldKind is a field that the handshake is about.
type fieldKind uint8

const (
	otherField fieldKind = iota
	hostField
	originField
	upgradeField
	connectionField
	lengthField
	encodingField
	keyField
	versionField
	protocolField
	extensionsField
	fieldKinds
)

// kindOf names the field. The length decides before any byte is compared.
func kindOf(name []byte) fieldKind {
	var kind fieldKind
	var want string
	switch len(name) {
	case 4:
		kind, want = hostField, "host"
	case 6:
		kind, want = originField, "origin"
	case 7:
		kind, want = upgradeField, "upgrade"
	case 10:
		kind, want = connectionField, "connection"
	case 14:
		kind, want = lengthField, "content-length"
	case 17:
		kind, want = keyField, "sec-websocket-key"
		if lower(name[0]) == 't' {
			kind, want = encodingField, "transfer-encoding"
		}
	case 21:
		kind, want = versionField, "sec-websocket-version"
	case 22:
		kind, want = protocolField, "sec-websocket-protocol"
	case 24:
		kind, want = extensionsField, "sec-websocket-extensions"
	}
	if kind == otherField || !equalFold(name, want) {
		return otherField
	}
	return kind
}

// Get returns the value of the first field called name, ignoring the case of
// ASCII letters, and whether there is one. The value is a view, as in Fields.
func (h *Head) Get(name string) ([]byte, bool) {
	for i := range h.Fields {
		if equalFold(h.Fields[i].Name, name) {
			return h.Fields[i].Value, true
		}
	}
	return nil, false
}

func (h *Head) reset() {
	*h = Head{Fields: h.Fields[:0]}
}

// finish takes the lines of a complete head for what they mean, and refuses
// those on which two parsers could disagree.
func (h *Head) finish() *Refusal {
	for i := range h.Fields {
		h.note(h.Fields[i])
	}
	authority, refusal := h.splitTarget()
	if refusal != nil {
		return refusal
	}
	if refusal := h.settleHost(authority); refusal != nil {
		return refusal
	}
	return h.checkFraming()
}

// note remembers f if the handshake is about it.
func (h *Head) note(f Field) {
	kind := kindOf(f.Name)
	switch kind {
	case otherField:
		return
	case upgradeField:
		h.asksWebSocket = h.asksWebSocket || listHas(f.Value, "websocket")
	case connectionField:
		h.asksConnection = h.asksConnection || listHas(f.Value, "upgrade")
	}
	k := &h.known[kind]
	if k.count == 0 {
		k.first = f.Value
	}
	k.count++
}

// settleHost decides who the request is for. RFC 9112, section 3.2: exactly one
// valid Host field, which an absolute target then overrides; HTTP/1.0 may leave
// it out.
func (h *Head) settleHost(authority []byte) *Refusal {
	host := &h.known[hostField]
	switch {
	case host.count > 1:
		return HostDuplicate
	case host.count == 0 && h.Minor > 0:
		return HostMissing
	case host.count == 1 && !validHost(host.first):
		return BadHost
	case authority != nil && !validHost(authority):
		return BadHost
	}
	h.Host = host.first
	if authority != nil {
		h.Host = authority
	}
	return nil
}

// checkFraming refuses what leaves the length of the body open to opinion
// (RFC 9112, 6.1 and 6.3): that is how requests are smuggled past a parser.
func (h *Head) checkFraming() *Refusal {
	length, encoding := &h.known[lengthField], &h.known[encodingField]
	switch {
	case length.count > 1 || length.count == 1 && !validLength(length.first):
		return BadContentLength
	case encoding.count > 1 || encoding.count == 1 && (length.count > 0 || h.Minor == 0):
		return BadTransferEncoding
	}
	return nil
}

// validLength reports whether v is a body length in bytes below 10^18, which
// fits 63 bits.
func validLength(v []byte) bool {
	return 0 < len(v) && len(v) <= 18 && all(v, digitByte)
}
