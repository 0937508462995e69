//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"text/tabwriter"

	"golang.org/x/sys/unix"
)

// A row sums up one peer in one scenario. CPU times are nanoseconds a message.
type row struct {
	Scenario   string  `json:"scenario"`
	Peer       string  `json:"peer"`
	Rounds     int     `json:"rounds"` // that succeeded
	Median     float64 `json:"median_ns"`
	Best       float64 `json:"best_ns"`
	Spread     float64 `json:"spread"` // (worst - best) / median
	Ratio      float64 `json:"ratio"`  // median over rounds of this peer / the first one; 0 if they share none
	ServerBusy float64 `json:"server_utilisation"`
	ClientBusy float64 `json:"client_utilisation"`
	P50        float64 `json:"latency_p50_us"`
	P99        float64 `json:"latency_p99_us"`
}

// report prints the table and writes the JSON file.
func report(stdout io.Writer, opts options, ready []built, all []measurement) error {
	var rows []row
	for _, s := range opts.scenarios {
		for _, p := range ready {
			rows = append(rows, summarise(s.Name, p.name, ready[0].name, all))
		}
	}
	if err := printTable(stdout, ready[0].name, rows); err != nil || opts.jsonFile == "" {
		return err
	}
	out, err := json.MarshalIndent(map[string]any{
		"machine": machine(), "scenarios": opts.scenarios, "measurements": all, "rows": rows,
	}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(opts.jsonFile, append(out, '\n'), 0o644)
}

// summarise reduces the measurements of one peer in one scenario to medians. Ratios
// are taken within a round, where both peers met the same weather.
func summarise(scenario, peer, base string, all []measurement) row {
	r := row{Scenario: scenario, Peer: peer}
	baseOf := make(map[int]float64) // by round
	for _, m := range all {
		if m.Scenario == scenario && m.Peer == base {
			baseOf[m.Round] = m.ServerCPUNanos
		}
	}
	var cpu, ratios, server, client, p50, p99 []float64
	for _, m := range all {
		if m.Scenario != scenario || m.Peer != peer {
			continue
		}
		cpu = append(cpu, m.ServerCPUNanos)
		if b := baseOf[m.Round]; b > 0 {
			ratios = append(ratios, m.ServerCPUNanos/b)
		}
		server, client = append(server, m.ServerUtilisation), append(client, m.ClientUtilisation)
		p50, p99 = append(p50, m.LatencyP50Micros), append(p99, m.LatencyP99Micros)
	}
	r.Rounds = len(cpu)
	if r.Rounds == 0 {
		return r
	}
	r.Median, r.Best = median(cpu), slices.Min(cpu)
	r.Spread = (slices.Max(cpu) - r.Best) / r.Median
	r.Ratio = median(ratios)
	r.ServerBusy, r.ClientBusy = median(server), median(client)
	r.P50, r.P99 = median(p50), median(p99)
	return r
}

// median sorts values and returns the middle one, the mean of the middle two, or 0
// if there are none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	slices.Sort(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

func printTable(w io.Writer, base string, rows []row) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "scenario\tpeer\tmedian ns\tbest ns\tspread\tx %s\tserver\tclient\tp50 us\tp99 us\t\n", base)
	for _, r := range rows {
		if r.Rounds == 0 {
			fmt.Fprintf(table, "%s\t%s\tfailed\t\t\t\t\t\t\t\t\n", r.Scenario, r.Peer)
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%.0f\t%.0f\t%.0f%%\t%.2f\t%.0f%%\t%.0f%%\t%.0f\t%.0f\t\n", r.Scenario, r.Peer,
			r.Median, r.Best, 100*r.Spread, r.Ratio, 100*r.ServerBusy, 100*r.ClientBusy, r.P50, r.P99)
	}
	return table.Flush()
}

// machine describes where the figures were taken, as far as the system tells.
func machine() map[string]any {
	facts := map[string]any{"cores": runtime.NumCPU(), "go": runtime.Version(), "arch": runtime.GOARCH}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		facts["kernel"] = unix.ByteSliceToString(name.Release[:])
	}
	info, err := os.ReadFile("/proc/cpuinfo")
	if model := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(info); err == nil && model != nil {
		facts["cpu"] = string(model[1])
	}
	return facts
}
