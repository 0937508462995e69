package conformance_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/internal/conformance"
	"github.com/seed-c6589352/wherry/runtime"
)

const (
	noOrigins = "a route has no list of allowed origins yet"
	noDeflate = "permessage-deflate is not negotiated yet"
)

// handshakesExcluded lists the cases that cannot pass, and why.
var handshakesExcluded = map[string]string{
	"line-dotdot":            "paths are matched as they are sent: dot segments are not resolved, and nothing is at this one (the case allows 404)",
	"origin-null":            noOrigins,
	"origin-prefix":          noOrigins,
	"origin-userinfo":        noOrigins,
	"origin-scheme":          noOrigins,
	"origin-port":            noOrigins,
	"origin-empty":           noOrigins,
	"origin-multi":           noOrigins,
	"origin-pct-path":        noOrigins,
	"origin-hdr-case-bypass": noOrigins,
	"ext-pmd-cmwb":           noDeflate,
	"ext-pmd-cmwb10":         noDeflate,
	"ext-pmd-quoted":         noDeflate,
	"ext-pmd-snct":           noDeflate,
	"ext-pmd-fallback":       noDeflate,
	"ext-pmd-two-lines":      noDeflate,
}

// TestHandshakes plays every case of handshake.json, whole, bytewise, cut at
// random and as it asks itself.
func TestHandshakes(t *testing.T) {
	serveWith := func(deadline time.Duration) (*runtime.Server, string) {
		const echo = "connect: accept\nmessage: echo"
		config := recorderConfig(map[string]string{
			"/ws":         echo,
			"/ws-origin":  echo,
			"/ws-proto":   "connect: pick chat superchat\nmessage: echo",
			"/ws-deflate": echo,
		}, runtime.Limits{})
		config.HeadTimeout = deadline
		config.HTTP = http.HandlerFunc(plain)
		return serve(t, config)
	}
	server, addr := serveWith(5 * time.Second)
	_, hurried := serveWith(conformance.HeadDeadline)
	seed := seed(t)
	var jobs []*job
	for _, h := range conformance.Handshakes(t) {
		at := addr
		if h.Timed() {
			at = hurried
		}
		for _, d := range once(handshakesExcluded[h.ID], h.Deliveries(seed)) {
			d.Settle = settle(server)
			jobs = append(jobs, &job{id: h.ID, delivery: d.Name, play: func() (bool, error) { return h.Play(at, d) }})
		}
	}
	playAll(jobs)
	judge(t, jobs, handshakesExcluded)
	logStats(t, server)
}
