package conformance_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/internal/conformance"
	"github.com/seed-c6589352/wherry/runtime"
)

// handshakesExcluded lists the cases that cannot pass, and why.
var handshakesExcluded = map[string]string{
	"line-dotdot": "paths are matched as they are sent: dot segments are not resolved, and nothing is at this one (the case allows 404)",
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
		for i := range config.Routes {
			switch r := &config.Routes[i]; r.Pattern {
			case "/ws-origin":
				r.Origins = []string{"https://app.example.com"}
			case "/ws-deflate":
				r.Deflate = &runtime.Deflate{}
			}
		}
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
