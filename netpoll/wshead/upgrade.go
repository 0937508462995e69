package wshead

// WantsUpgrade reports whether the request asks for a WebSocket, well or badly:
// it offers that upgrade, or has a field that only a WebSocket client sends.
// Then CheckUpgrade decides; any other request is net/http's.
func (h *Head) WantsUpgrade() bool {
	return h.asksWebSocket || h.known[keyField].count > 0 || h.known[versionField].count > 0
}

// CheckUpgrade returns nil if h is a valid opening handshake of RFC 6455,
// section 4.2.1, and otherwise what to answer. It does not judge the Origin's
// value, nor choose among protocols and extensions.
func (h *Head) CheckUpgrade() *Refusal {
	key, version := &h.known[keyField], &h.known[versionField]
	switch {
	case string(h.Method) != "GET":
		return refuseMethod(h.Method)
	case h.Minor == 0:
		return HTTP10
	case !h.asksWebSocket:
		return UpgradeRequired
	case !h.asksConnection:
		return BadConnection

	// A body would come where frames are expected: the two must not be confused.
	case h.announcesBody():
		return BodyOnUpgrade

	case key.count == 0:
		return KeyMissing
	case key.count > 1: // RFC 6455, 11.3.1
		return KeyDuplicate
	case !validKey(key.first):
		return BadKey

	case version.count > 1: // RFC 6455, 11.3.5
		return VersionDuplicate
	case string(version.first) != "13":
		return BadVersion

	case h.known[originField].count > 1:
		return OriginDuplicate
	case !h.validProtocols():
		return BadProtocol
	case !h.validExtensions():
		return BadExtensions
	}
	return nil
}

// Key returns the Sec-WebSocket-Key, a view of 24 bytes if CheckUpgrade passed.
func (h *Head) Key() []byte { return h.known[keyField].first }

// refuseMethod tells a method that is wrong here from one that is none
// (RFC 9110, 9.1).
func refuseMethod(method []byte) *Refusal {
	switch string(method) {
	case "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH":
		return MethodNotAllowed
	}
	return UnknownMethod
}

// announcesBody reports whether anything but frames may follow the head.
// Zeros in Content-Length are harmless.
func (h *Head) announcesBody() bool {
	for _, c := range h.known[lengthField].first {
		if c != '0' {
			return true
		}
	}
	return h.known[encodingField].count > 0
}

// validKey reports whether key is 16 bytes in base64: 22 letters and "==".
// The 22nd has four bits to spare; RFC 4648, section 3.5, lets us ignore them.
func validKey(key []byte) bool {
	return len(key) == 24 && string(key[22:]) == "==" && all(key[:22], base64Byte)
}

// Protocols yields the elements of all Sec-WebSocket-Protocol fields in order,
// the client's favourite first. They are views, and tokens if CheckUpgrade
// passed. Use it as "for protocol := range h.Protocols".
func (h *Head) Protocols(yield func(protocol []byte) bool) {
	if h.known[protocolField].count == 0 {
		return
	}
	for i := range h.Fields {
		if kindOf(h.Fields[i].Name) != protocolField {
			continue
		}
		for list := h.Fields[i].Value; len(list) > 0; {
			var element []byte
			element, list = cutElement(list)
			if len(element) > 0 && !yield(element) {
				return
			}
		}
	}
}

// validProtocols reports whether the Sec-WebSocket-Protocol fields, if there
// are any, hold tokens and at least one (1#token, RFC 6455, 4.1).
func (h *Head) validProtocols() bool {
	tokens := 0
	for protocol := range h.Protocols {
		if !IsToken(protocol) {
			return false
		}
		tokens++
	}
	return tokens > 0 || h.known[protocolField].count == 0
}
