package wshead

// Extensions yields the offers in all Sec-WebSocket-Extensions fields in order,
// each with its parameters and as sent, such as "permessage-deflate; a=1". They
// are views, and well-formed if CheckUpgrade passed. Use it as
// "for offer := range h.Extensions".
func (h *Head) Extensions(yield func(offer []byte) bool) {
	h.walkExtensions(yield)
}

// validExtensions reports whether the Sec-WebSocket-Extensions fields, if there
// are any, follow the grammar of RFC 6455, section 9.1.
func (h *Head) validExtensions() bool {
	return h.walkExtensions(func([]byte) bool { return true })
}

// walkExtensions yields offers up to the first that is malformed, and reports
// whether there was none.
func (h *Head) walkExtensions(yield func(offer []byte) bool) bool {
	if h.known[extensionsField].count == 0 {
		return true
	}
	for i := range h.Fields {
		if kindOf(h.Fields[i].Name) != extensionsField {
			continue
		}
		for list := h.Fields[i].Value; len(list) > 0; {
			offer, rest, ok := cutOffer(list)
			if !ok {
				return false
			}
			if len(offer) > 0 && !yield(offer) {
				return true
			}
			list = rest
		}
	}
	return true
}

// cutOffer splits list behind its first element, which may be empty, and the
// comma that follows. It looks at each byte once.
//
//	offer     = token *( ";" parameter )
//	parameter = token [ "=" ( token / quoted token ) ]
func cutOffer(list []byte) (offer, rest []byte, ok bool) {
	list = skipSpace(list)
	if len(list) == 0 || list[0] == ',' {
		return nil, list[min(1, len(list)):], true
	}
	rest, ok = cutToken(list)
	for ok {
		rest = skipSpace(rest)
		end := len(list) - len(rest)
		switch {
		case len(rest) == 0:
			return trimSpace(list[:end]), nil, true
		case rest[0] == ',':
			return trimSpace(list[:end]), rest[1:], true
		case rest[0] != ';':
			return nil, nil, false
		}
		rest, ok = cutParameter(skipSpace(rest[1:]))
	}
	return nil, nil, false
}

// cutParameter cuts a parameter from the front of b.
func cutParameter(b []byte) (rest []byte, ok bool) {
	if b, ok = cutToken(b); !ok {
		return nil, false
	}
	rest = skipSpace(b)
	if len(rest) == 0 || rest[0] != '=' {
		return rest, true
	}
	rest = skipSpace(rest[1:])
	if len(rest) > 0 && rest[0] == '"' {
		return cutQuoted(rest[1:])
	}
	return cutToken(rest)
}

// cutQuoted cuts the rest of a quoted string whose content, without its
// backslashes, is a token.
func cutQuoted(b []byte) (rest []byte, ok bool) {
	content := 0
	for i := 0; i < len(b); i++ {
		if b[i] == '"' {
			return b[i+1:], content > 0
		}
		if b[i] == '\\' {
			i++
		}
		if i == len(b) || classes[b[i]]&tokenByte == 0 {
			return nil, false
		}
		content++
	}
	return nil, false
}

// cutToken cuts a token from the front of b.
func cutToken(b []byte) (rest []byte, ok bool) {
	n := 0
	for n < len(b) && classes[b[n]]&tokenByte != 0 {
		n++
	}
	return b[n:], n > 0
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}
