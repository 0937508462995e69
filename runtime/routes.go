package runtime

import (
	"math"
	"sort"
	"strings"

	"github.com/seed-c6589352/wherry/netpoll/wsdeflate"
)

// A route is a Route that was understood.
type route struct {
	pattern   pattern
	tenant    *tenant
	placement Placement
	homes     []*home // PerLoop: one for every loop; Single: the only one
	index     uint16  // of the route in routes
	deflate   *wsdeflate.Config
	origins   []string
	slow      SlowPolicy
	disabled  bool
}

// routes are all routes, the most specific first. Set by New, never changed.
type routes []*route

func newRoutes(config []Route, tenants map[string]*tenant) (routes, error) {
	if len(config) > math.MaxUint16 {
		return nil, configError("%d routes; there can be %d", len(config), math.MaxUint16)
	}
	texts := make([]string, len(config))
	for i, r := range config {
		texts[i] = r.Pattern
	}
	patterns, errs := parsePatterns(texts)
	var rs routes
	for i, r := range config {
		if errs[i] != nil {
			return nil, errs[i]
		}
		rs = append(rs, &route{
			pattern: patterns[i], tenant: tenants[r.Tenant], placement: r.Placement,
			deflate: r.Deflate.config(), origins: r.Origins, slow: r.Slow, disabled: r.Disabled,
		})
	}
	sort.SliceStable(rs, func(i, j int) bool { return rs[i].pattern.less(&rs[j].pattern) })
	for i, r := range rs {
		r.index = uint16(i)
	}
	return rs, nil
}

// A routeIndex finds the route of a request among thousands. Where a pattern begins
// with a literal, only those that begin with the request's are looked at. Set by
// New, never changed.
type routeIndex struct {
	any    *hostRoutes            // patterns without a host
	byHost map[string]*hostRoutes // by host, in lower case
}

// hostRoutes are patterns with the same host, or with none: the most specific first.
type hostRoutes struct {
	literal map[string][]*route // by the first segment
	rest    []*route            // those that begin with a parameter: less specific than the others
}

func (rs routes) finder() routeIndex {
	x := routeIndex{&hostRoutes{}, make(map[string]*hostRoutes)}
	for _, r := range rs {
		h := x.any
		if host := r.pattern.host; host != "" {
			if h = x.byHost[host]; h == nil {
				h = &hostRoutes{}
				x.byHost[host] = h
			}
		}
		h.add(r)
	}
	return x
}

func (h *hostRoutes) add(r *route) {
	first := r.pattern.segments[0]
	if first.kind != literal {
		h.rest = append(h.rest, r)
		return
	}
	if h.literal == nil {
		h.literal = make(map[string][]*route)
	}
	h.literal[first.text] = append(h.literal[first.text], r)
}

// match returns the route of a request, or nil. Those with a host come first, as they
// are more specific.
func (x *routeIndex) match(host, path string) *route {
	if len(x.byHost) > 0 {
		if h := x.byHost[strings.ToLower(hostname(host))]; h != nil {
			if r := h.match(host, path); r != nil {
				return r
			}
		}
	}
	return x.any.match(host, path)
}

func (h *hostRoutes) match(host, path string) *route {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	first, ok := unescape(first)
	if !ok {
		return nil
	}
	for _, candidates := range [...][]*route{h.literal[first], h.rest} {
		for _, r := range candidates {
			if r.pattern.match(host, path, nil) {
				return r
			}
		}
	}
	return nil
}

// allows reports whether a handshake with that Origin, if it has one, may connect.
func (r *route) allows(origin string, has bool) bool {
	if !has || r.origins == nil {
		return true
	}
	for _, o := range r.origins {
		if strings.EqualFold(o, origin) {
			return true
		}
	}
	return false
}

// homeFor returns where a connection that was routed on loop i is at home: with
// PerLoop on the loop that has the fewest, which is its own unless that has
// clearly more.
func (r *route) homeFor(i int) *home {
	if r.placement == Single {
		return r.homes[0]
	}
	best := r.homes[i]
	slack := best.load.Load()/8 + 1
	for _, h := range r.homes {
		if h.load.Load()+slack < best.load.Load() {
			best = h
		}
	}
	return best
}
