package runtime

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// Bounds of a request that a program is given. That of the head is what the
// server's own port has; somebody else's may let more through.
const (
	maxHeadBytes    = 16 << 10
	maxRequestBytes = 64 << 10 // the body
)

// ask has the route's program answer a request that is no upgrade. It reports
// false, and has written nothing, if the program does not want requests.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, route *route) bool {
	t := route.tenant
	if t.edition.Load() != nil && t.wants()&abi.Request.Bit() == 0 {
		return false // and no instance is started to find that out
	}
	settings := t.limits.settings()
	var refusal *wshead.Refusal
	var body []byte
	switch {
	case !route.allows(r.Header.Get("Origin"), r.Header["Origin"] != nil):
		refusal = wshead.OriginRefused
	case headBytes(r) > maxHeadBytes:
		refusal = wshead.HeadTooLarge
	default:
		body, refusal = readBody(w, r, settings.ConnectTimeout)
	}
	// It counts until it is written: what is held for clients that do not read
	// is bounded by that too.
	defer t.requests.Add(-1)
	if t.requests.Add(1) > int64(t.limits.Requests) && refusal == nil {
		refusal = wshead.TooManyRequests
	}
	a := answer{refusal: refusal}
	if refusal == nil {
		a = s.exchange(r, route, body, settings.ConnectTimeout)
	}
	switch {
	case a.unwanted:
		return false
	case a.refusal != nil:
		s.logger.Info("request refused", slog.String("error", a.refusal.Name),
			slog.Int("status", a.refusal.Status), slog.String("peer", r.RemoteAddr))
		writeRefusal(w, a.refusal)
	default:
		a.write(w, settings.StallTimeout)
	}
	return true
}

// headBytes returns about how long the request's head was.
func headBytes(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			n += len(name) + len(value) + len(": \r\n")
		}
	}
	return n
}

// readBody reads what the request brings, within a time; 0 is any.
func readBody(w http.ResponseWriter, r *http.Request, within time.Duration) ([]byte, *wshead.Refusal) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > maxRequestBytes {
		return nil, wshead.BodyTooLarge // before a client that asks is told to go on
	}
	// What cannot have a deadline is somebody else's server, which has its own.
	control := http.NewResponseController(w)
	if within > 0 {
		_ = control.SetReadDeadline(time.Now().Add(within))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	var tooLarge *http.MaxBytesError
	var late net.Error
	switch {
	case errors.As(err, &tooLarge):
		return nil, wshead.BodyTooLarge
	case errors.As(err, &late) && late.Timeout():
		return nil, wshead.BodyTimeout
	case err != nil:
		return nil, wshead.BadBody
	}
	_ = control.SetReadDeadline(time.Time{})
	return body, nil
}

// exchange gets an answer to a request, within a time; 0 is any.
func (s *Server) exchange(r *http.Request, route *route, body []byte, within time.Duration) answer {
	x := &exchange{fields: requestFields(r, route, body), answer: make(chan answer, 1), within: within}
	h := route.homeFor(int(s.arrivals.Add(1)) % len(s.shards))
	if !h.shard.loop.Post(func() { h.request(x) }) {
		return answer{refusal: wshead.ShuttingDown}
	}
	var late <-chan time.Time
	if s.virtual == nil && within > 0 { // a stepped server looks after it by itself
		timer := time.NewTimer(within)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case a := <-x.answer:
		return a
	case <-late:
	case <-r.Context().Done(): // nobody reads the answer
	}
	h.shard.loop.Post(func() { h.requests.remove(x) })
	return noResponse()
}

// noResponse is the answer to a request that a program has left too long.
func noResponse() answer { return answer{refusal: wshead.NoResponse} }

// requestFields returns the fields of a request event. The names are in
// alphabetical order, since net/http does not keep theirs.
func requestFields(r *http.Request, route *route, body []byte) []byte {
	var b []byte
	add := func(name, value string) { b = abi.AppendField(b, name, value) }
	add(abi.FieldMethod, r.Method)
	if r.TLS == nil {
		add(abi.FieldScheme, "http")
	} else {
		add(abi.FieldScheme, "https")
	}
	add(abi.FieldAuthority, r.Host)
	add(abi.FieldPath, r.URL.EscapedPath())
	add(abi.FieldQuery, r.URL.RawQuery)
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		add(abi.FieldPeer, peer.String())
	}
	add(abi.FieldRoute, route.pattern.text)
	route.pattern.match(r.Host, r.URL.EscapedPath(), func(name, value string) { add(abi.FieldParam+name, value) })
	add("host", r.Host)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			add(strings.ToLower(name), value)
		}
	}
	if len(body) > 0 {
		add(abi.FieldBody, string(body))
	}
	return b
}

// write writes a program's response, within a time; 0 is any. The fields are the
// program's own and no others, but for those that frame the response.
func (a *answer) write(w http.ResponseWriter, within time.Duration) {
	control, header := http.NewResponseController(w), w.Header()
	header["Content-Type"] = nil // and none that is guessed
	addLines(header, string(a.lines))
	if a.status == http.StatusUpgradeRequired { // which has to say to what
		addLines(header, wshead.UpgradeRequired.Fields)
	}
	mayHaveBody := a.status != http.StatusNoContent && a.status != http.StatusNotModified
	if mayHaveBody {
		header.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	if within > 0 {
		_ = control.SetWriteDeadline(time.Now().Add(within))
	}
	w.WriteHeader(a.status)
	if mayHaveBody {
		_, _ = w.Write(a.body) // that the client has gone is seen by net/http
	}
	_ = control.Flush()
	if within > 0 {
		_ = control.SetWriteDeadline(time.Time{})
	}
}

// addLines adds "Name: value\r\n" lines to header.
func addLines(header http.Header, lines string) {
	for line := range strings.SplitSeq(lines, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			header.Add(name, value)
		}
	}
}
