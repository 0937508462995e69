package runtime

import (
	"net/url"
	"strings"
)

// A pattern is a parsed Route.Pattern.
type pattern struct {
	text     string
	host     string // lower case, without port; empty: any
	segments []segment
}

// A segment is one part of a path: a literal, or a parameter.
type segment struct {
	text string // percent-decoded literal, or the parameter's name
	kind convertor
}

// parsePatterns returns the patterns of all routes, and what is wrong with each:
// errs[i] is about texts[i], and so is parsed[i] where that is nil.
func parsePatterns(texts []string) (parsed []pattern, errs []error) {
	parsed, errs = make([]pattern, len(texts)), make([]error, len(texts))
	seen := make(map[string]string)
	for i, text := range texts {
		if parsed[i], errs[i] = parsePattern(text); errs[i] != nil {
			continue
		}
		key := parsed[i].matches()
		if other, ok := seen[key]; ok {
			errs[i] = configError("routes %q and %q match the same requests; remove one", other, text)
			continue
		}
		seen[key] = text
	}
	return parsed, errs
}

func parsePattern(text string) (pattern, error) {
	host, path, ok := strings.Cut(text, "/")
	if !ok {
		return pattern{}, configError("route %q does not begin with a slash, or with a host and a slash", text)
	}
	p := pattern{text: text, host: strings.ToLower(host)}
	if strings.ContainsAny(host, "{} \t:") {
		return pattern{}, configError("route %q: a host is a name, without port or parameters", text)
	}
	parts := strings.Split(path, "/")
	names := make(map[string]bool)
	for i, part := range parts {
		s := segment{text: part}
		if strings.HasPrefix(part, "{") {
			if s, ok = parseParam(part); !ok || names[strings.ToLower(s.text)] || s.kind == convertRest && i < len(parts)-1 {
				return pattern{}, configError("route %q: %q is no parameter; write {name} or {name:int}, :float, :uuid or :str, or {name...} or {name:path} at the end, each name once", text, part)
			}
			names[strings.ToLower(s.text)] = true // as the guest will see it
		} else if strings.ContainsAny(part, "{}?#%") || !isPrintable(part) {
			return pattern{}, configError("route %q: %q has a character that a path segment cannot have here", text, part)
		}
		p.segments = append(p.segments, s)
	}
	return p, nil
}

// parseParam parses a segment in braces.
func parseParam(part string) (s segment, ok bool) {
	name, ok := strings.CutSuffix(part[len("{"):], "}")
	if !ok {
		return s, false
	}
	s.kind = convertText
	if before, isRest := strings.CutSuffix(name, "..."); isRest {
		name, s.kind = before, convertRest
	} else if before, word, named := strings.Cut(name, ":"); named {
		name, s.kind = before, convertors[word]
	}
	s.text = name
	return s, s.kind != literal && isName(name)
}

func isName(s string) bool {
	for _, c := range []byte(s) {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func isPrintable(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// less reports whether p is more specific than q: with a host before without,
// then at the first difference literals before parameters, of which those that
// match less come first, before the rest.
func (p *pattern) less(q *pattern) bool {
	if (p.host == "") != (q.host == "") {
		return p.host != ""
	}
	for i := range min(len(p.segments), len(q.segments)) {
		if a, b := p.segments[i].kind, q.segments[i].kind; a != b {
			return a < b
		}
	}
	return len(p.segments) > len(q.segments)
}

// matches returns a text that two patterns have in common if they match exactly the
// same requests: their names do not matter.
func (p *pattern) matches() string {
	var b strings.Builder
	b.WriteString(p.host)
	for _, s := range p.segments {
		b.WriteByte('/')
		if s.kind == literal {
			b.WriteString(s.text)
		} else {
			b.WriteByte('{') // which no literal has
			b.WriteByte('0' + byte(s.kind))
		}
	}
	return b.String()
}

// match reports whether p matches the request. yield, which may be nil, is
// called with the name and the decoded value of every parameter.
func (p *pattern) match(host, path string, yield func(name, value string)) bool {
	if p.host != "" && !strings.EqualFold(p.host, hostname(host)) {
		return false
	}
	path, ok := strings.CutPrefix(path, "/")
	if !ok {
		return false
	}
	for i, s := range p.segments {
		last := i == len(p.segments)-1
		part, after, more := strings.Cut(path, "/")
		if s.kind == convertRest { // the last one
			part, more = path, false
		}
		if more == last {
			return false
		}
		value, ok := unescape(part)
		if !ok {
			return false
		}
		switch {
		case s.kind == literal && value != s.text, !s.kind.accepts(value):
			return false
		case s.kind != literal && yield != nil:
			yield(s.text, value)
		}
		path = after
	}
	return true
}

// unescape decodes what is percent-encoded in a part of a path.
func unescape(part string) (string, bool) {
	if !strings.Contains(part, "%") {
		return part, true
	}
	value, err := url.PathUnescape(part)
	return value, err == nil
}

// hostname cuts the port off a Host field.
func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}
