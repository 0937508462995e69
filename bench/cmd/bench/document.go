//go:build linux

package main

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A document is everything that a run found. Reports are made of it and of nothing
// else; its JSON is the raw data.
type document struct {
	Command      string            `json:"command"`
	Date         string            `json:"date"`
	Machine      map[string]string `json:"machine"`
	Settings     settings          `json:"settings"`
	Base         string            `json:"base"` // peer that ratios are against
	Peers        []described       `json:"peers"`
	Scenarios    []scenario        `json:"scenarios"`
	Measurements []measurement     `json:"measurements"`
	Skipped      []skip            `json:"skipped,omitempty"`
	Failures     []failure         `json:"failures,omitempty"`
}

// settings are how long things took.
type settings struct {
	Rounds   int    `json:"rounds"`
	Warmup   string `json:"warmup"`
	Duration string `json:"duration"`
	Quick    bool   `json:"quick,omitempty"` // says that it works, and not how fast
}

// A described peer is one that was there.
type described struct {
	Name    string `json:"name"`
	About   string `json:"about"`
	Version string `json:"version,omitempty"`
	Ours    bool   `json:"ours,omitempty"`
	Go      bool   `json:"go_peer,omitempty"`
}

// A skip is what was not measured, and why: a peer, a scenario, or a peer in a scenario.
type skip struct {
	Peer     string `json:"peer,omitempty"`
	Scenario string `json:"scenario,omitempty"`
	Reason   string `json:"reason"`
}

// What says what a skip is of.
func (s skip) What() string {
	if s.Peer != "" && s.Scenario != "" {
		return s.Peer + " in " + s.Scenario
	}
	return s.Peer + s.Scenario
}

// A failure is a measurement that there is not.
type failure struct {
	Scenario string `json:"scenario"`
	Round    int    `json:"round"`
	Peer     string `json:"peer"`
	Error    string `json:"error"`
}

func newDocument(o *options) *document {
	return &document{
		Command:   "go run ./cmd/bench " + strings.Join(o.args, " "),
		Date:      time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		Machine:   machine(),
		Settings:  settings{o.rounds, o.warmup.String(), o.duration.String(), o.quick},
		Base:      o.base,
		Scenarios: o.scenarios,
	}
}

// describe notes which peers there are.
func (d *document) describe(ctx context.Context, b *builder, ready []peer) {
	for _, p := range ready {
		d.Peers = append(d.Peers, described{p.name, p.about, p.version(ctx, b), p.ours(), p.goes})
	}
}

// readDocument reads the raw data of an earlier run.
func readDocument(name string) (*document, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	d := new(document)
	return d, json.Unmarshal(text, d)
}

func (d *document) json() ([]byte, error) {
	out, err := json.MarshalIndent(d, "", " ")
	return append(out, '\n'), err
}

// machine describes where the figures were taken, as far as the system tells.
func machine() map[string]string {
	facts := map[string]string{
		"cores": strconv.Itoa(runtime.NumCPU()),
		"go":    runtime.Version(),
		"arch":  runtime.GOARCH,
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		facts["kernel"] = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
	}
	info, err := os.ReadFile("/proc/cpuinfo")
	if model := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(info); err == nil && model != nil {
		facts["cpu"] = string(model[1])
	}
	memory, err := os.ReadFile("/proc/meminfo")
	if total := regexp.MustCompile(`MemTotal:\s*(.*)`).FindSubmatch(memory); err == nil && total != nil {
		facts["memory"] = string(total[1])
	}
	return facts
}
