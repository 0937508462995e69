package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/internal/conformance"
	"github.com/seed-c6589352/wherry/runtime"
)

const (
	noBusyGuest = "a guest handles events, on its loop: it cannot be busy for seconds and not receive"
)

// scenariosExcluded lists the scenarios that cannot pass, and why.
var scenariosExcluded = map[string]string{
	"EX-04": "a guest handles events and does not return: its connection stays open (the scenario says so itself)",
	"KA-03": noBusyGuest,
	"BP-01": "the recorder tells what it saw by its log, and the faults of three thousand refused sends use up the lines that a guest may log in a second; TestNotWritable of package runtime sees the order",
	"BP-02": noBusyGuest,
}

// echoScript is the handler of most scenarios.
const echoScript = "connect: accept\nmessage: echo"

// scripts are what the scenarios' paths lead to, by the patterns of their routes:
// the handlers that they describe in words.
var scripts = map[string]string{
	"/echo":                         echoScript,
	"/proto":                        "connect: accept",
	"/subproto":                     "connect: accept :protocol=$p; close 1000",
	"/hdrs":                         "connect: accept x-a=1 set-cookie=a=b set-cookie=c=d; close 1000",
	"/seed1560":                     "connect: close 1000",
	"/close_before":                 "connect: close $c nope",
	"/fa/items/{item}/ws":           "connect lacks cookie: close 1008 Session cookie missing\nconnect has cookie: accept\ntext: send Message text was: $data, for item ID: $item",
	"/denial":                       `connect: reject 401 www-authenticate=Bearer content-type=application/json :body={"e":"unauth"}`,
	"/raise_before":                 "connect: trap",
	"/fa/q":                         `connect lacks q: reject 422 content-type=application/json :body={"detail":[{"loc":["query","q"],"type":"missing"}]}`,
	"/slowaccept":                   "connect: after 500\ntimer: accept",
	"/close/{code}":                 "connect: accept; close $code $r",
	"/raise_after":                  "connect: accept; trap",
	"/httpexc_after":                "connect: accept; trap",
	"/farewell":                     "connect: accept\ntext: send Echo: $data\nclose: send Goodbye",
	"/push":                         "connect: accept; after 100\ntimer: send m$sent; after 100\nfault: after 0",
	"/":                             "request: respond 200 :body=home",
	"/ep/text":                      "connect: accept\nbinary: close 1003",
	"/flood":                        "connect: accept; blobs $n 65536",
	"/room":                         "connect: accept; join room\ntext: publish room",
	"/info/{a}/{b:int}/{rest:path}": `connect: accept; send {"client":"$client","scheme":"$scheme"}; close 1000`,
	"/httpexc_before":               "connect: reject 401 x-h=1 :body=no",
	"/send_before":                  "connect: send early\nfault: trap", // what an SDK does with an error that nobody handles
	"/double_close":                 "connect: accept; close 4001 one; close 4002 two",
	"/return_after":                 "connect: accept",
	"/fa/raise/ws":                  "connect: accept\ntext: close 4003 forbidden",
}

// adapt changes what a scenario wants where the design decided otherwise. It says
// what and why, or returns "".
func adapt(s *conformance.Scenario) string {
	disconnect := func(code int) {
		for i := range s.Expect.Events {
			if e := &s.Expect.Events[i]; e.Type == "disconnect" {
				e.Code, e.Reason = &code, nil
			}
		}
	}
	switch s.ID {
	case "DN-01":
		disconnect(1000)
		return "who closes before the accept sees its own code, here the default, and not 1006"
	case "DN-02":
		disconnect(4001)
		return "who closes before the accept sees its own code and not 1006"
	case "DN-10":
		s.Expect.Events = []conformance.WantedEvent{{Type: "connect"}}
		return "a guest validates its own parameters, and so it sees the handshake"
	case "RL-01":
		s.Expect.Events = append(s.Expect.Events[:1:1], s.Expect.Events[2:]...)
		return "an instance that is replaced is told that it stops, and not of the end of each connection"
	case "EX-06":
		e := s.Expect.Events
		e[1], e[2] = e[2], e[1]
		return "the guest is told of the drop at once, and so before a send can fail"
	}
	return ""
}

// TestScenarios plays every scenario of semantics.json, each on a server of its
// own, whole, bytewise and cut at random.
func TestScenarios(t *testing.T) {
	seed := seed(t)
	cache := t.TempDir()
	var jobs []*job
	for _, s := range conformance.Scenarios(t) {
		if why := adapt(&s); why != "" {
			t.Logf("%s is adapted: %s", s.ID, why)
		}
		for _, d := range once(scenariosExcluded[s.ID], s.Deliveries(seed)) {
			jobs = append(jobs, &job{
				id: s.ID, delivery: d.Name, alone: s.MeasuresMemory(),
				play: func() (bool, error) { return false, playScenario(&s, nil, cache, d) },
			})
		}
	}
	playAll(jobs)
	judge(t, jobs, scenariosExcluded)
}

// scenarioConfig is the server that s asks for, as far as it can be configured. Its
// guest is module, or the recorder if there is none.
func scenarioConfig(s *conformance.Scenario, module []byte, cache string) (runtime.Config, error) {
	limits := runtime.Limits{}
	var origins []string
	disabled := false
	var proxies []netip.Prefix
	ms := func(v any) time.Duration { return time.Duration(v.(float64)) * time.Millisecond }
	for name, value := range s.Server {
		switch name {
		case "ws_max_size":
			limits.MessageBytes = int(value.(float64))
		case "send_queue_max_bytes":
			limits.SendBytes = int(value.(float64))
		case "close_timeout_ms":
			limits.CloseTimeout = ms(value)
		case "ws_ping_interval_ms":
			limits.PingInterval = ms(value)
		case "ws_ping_timeout_ms":
			limits.PingTimeout = ms(value)
		case "allowed_origins":
			origins = []string{}
			for _, o := range value.([]any) {
				origins = append(origins, o.(string))
			}
		case "max_connections":
			limits.Conns = int(value.(float64))
		case "forwarded_allow_ips":
			a := netip.MustParseAddr(value.(string))
			proxies = append(proxies, netip.PrefixFrom(a, a.BitLen()))
		case "ws":
			disabled = value == "off"
		case "ws_per_message_deflate":
			// Off, as it is by default.
		case "reload":
			// There is nothing to switch on.
		default:
			return runtime.Config{}, fmt.Errorf("the server has no option %s", name)
		}
	}
	all := make(map[string]string)
	for pattern, script := range scripts {
		all[pattern] = script
	}
	if s.ID == "SC-03" { // its reason is a length
		all["/close/{code}"] = "connect: accept; close 1000 " + strings.Repeat("x", 124)
	}
	config := recorderConfig(all, limits)
	if module != nil {
		config.Tenants[0].Module, config.Tenants[0].Config = module, nil
	}
	for i := range config.Routes {
		config.Routes[i].Origins, config.Routes[i].Disabled = origins, disabled
	}
	config.TrustedProxies = proxies
	config.DrainCode = 1012 // what the scenarios call a stop is a restart
	config.HTTP = http.HandlerFunc(plain)
	config.CacheDir = cache
	return config, nil
}

// playScenario plays s on a new server with a guest as in scenarioConfig.
func playScenario(s *conformance.Scenario, module []byte, cache string, d conformance.Delivery) error {
	config, err := scenarioConfig(s, module, cache)
	if err != nil {
		return err
	}
	log := conformance.NewLog()
	config.Logger = logger(log)
	server, addr, err := start(config)
	if err != nil {
		return err
	}
	defer stop(server)
	d.Settle = settle(server)
	exited := make(chan error, 1)
	target := conformance.Target{
		Addr: addr,
		Signal: func(name string) error {
			switch name {
			case "SIGTERM":
				go func() { exited <- server.Shutdown(context.Background()) }()
				return nil
			case "touch":
				for _, t := range config.Tenants {
					if err := server.Reload(t.Name, t.Module); err != nil {
						return err
					}
				}
				return nil
			}
			return errors.New("the server cannot do this: " + name)
		},
		Exited: func(within time.Duration) error {
			select {
			case err := <-exited:
				return err
			case <-time.After(within):
				return fmt.Errorf("the server still runs after %v", within)
			}
		},
	}
	if err := s.Play(target, d); err != nil {
		return err
	}
	return s.CheckEvents(log.Until(s.Enough))
}
