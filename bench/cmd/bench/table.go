//go:build linux

package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// compact formats v with three digits or all before the point.
func compact(v float64) string {
	switch magnitude := math.Abs(v); {
	case magnitude >= 100 || v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case magnitude >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func percent(v float64) string { return fmt.Sprintf("%.0f%%", 100*v) }

// columns of the tables of scenarios, and a row's cells.
func (d *document) columns() []string {
	return []string{"peer", "median", "least", "spread", "× " + d.Base, "CPU ns", "server", "client", "p50 µs", "p99 µs",
		"syscalls", "reads", "writes", "waits", "switches", "RSS KiB"}
}

func (r *row) cells() []string {
	cells := []string{r.Peer, compact(r.Median), compact(r.Least), percent(r.spread()), ratio(r.Ratio), compact(r.CPU),
		percent(r.ServerBusy), percent(r.ClientBusy), compact(r.P50), compact(r.P99)}
	if r.Counted {
		cells = append(cells, compact(r.Syscalls.All), compact(r.Syscalls.Reads), compact(r.Syscalls.Writes), compact(r.Syscalls.Waits))
	} else {
		cells = append(cells, "", "", "", "")
	}
	return append(cells, compact(r.Switches), compact(r.RSSKiB))
}

// ratio is empty where there is none.
func ratio(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", v)
}

// printTables writes all scenarios for a terminal.
func (d *document) printTables(w io.Writer) error {
	for i := range d.Scenarios {
		s := &d.Scenarios[i]
		rows := d.rows(s)
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s: %s (%s)\n", s.Name, s.About, s.figure().unit)
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(table, strings.Join(d.columns(), "\t")+"\t")
		for _, r := range rows {
			fmt.Fprintln(table, strings.Join(r.cells(), "\t")+"\t")
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// markdown is the report that is committed.
func (d *document) markdown(w io.Writer) error {
	b := &strings.Builder{}
	fmt.Fprintf(b, "# Results\n\nWritten by a program: `%s` in `bench/`, %s. What it measures, and how to read it, is in\n[README.md](README.md); the page with charts and the raw data have the same name.\n\n", d.Command, d.Date)
	for _, name := range slices.Sorted(maps.Keys(d.Machine)) {
		fmt.Fprintf(b, "- %s: %s\n", name, d.Machine[name])
	}
	fmt.Fprintf(b, "- rounds: %d of %s each, after %s of warming up; ratios are against %s\n", d.Settings.Rounds, d.Settings.Duration, d.Settings.Warmup, d.Base)
	if d.Settings.Quick {
		b.WriteString("- **quick: this shows that it works, and not how fast**\n")
	}
	d.markdownPeers(b)
	d.markdownOverview(b)
	d.markdownGoals(b)
	d.markdownScenarios(b)
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownTable writes one table; the first column is text, the others are numbers.
func markdownTable(b *strings.Builder, columns []string, rows [][]string) {
	fmt.Fprintf(b, "| %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("--:|", len(columns)-1))
	for _, cells := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
}

func (d *document) markdownPeers(b *strings.Builder) {
	b.WriteString("\n## Peers\n\n| peer | is | version |\n|---|---|---|\n")
	for _, p := range d.Peers {
		fmt.Fprintf(b, "| %s | %s | %s |\n", p.Name, p.About, p.Version)
	}
	for _, s := range d.Skipped {
		reason, _, _ := strings.Cut(s.Reason, "\n")
		fmt.Fprintf(b, "\nNot measured: %s (%s).\n", s.What(), reason)
	}
	for _, f := range d.Failures {
		reason, _, _ := strings.Cut(f.Error, "\n")
		fmt.Fprintf(b, "\nFailed: %s in %s, round %d (%s).\n", f.Peer, f.Scenario, f.Round+1, reason)
	}
}

// markdownOverview has the median figure of everybody.
func (d *document) markdownOverview(b *strings.Builder) {
	b.WriteString("\n## Overview\n\nMedian over the rounds, of what each scenario is there to show.\n\n")
	columns := []string{"scenario", "unit"}
	for _, p := range d.Peers {
		columns = append(columns, p.Name)
	}
	var rows [][]string
	for i := range d.Scenarios {
		s := &d.Scenarios[i]
		cells := []string{s.Name, s.figure().unit}
		for _, p := range d.Peers {
			cell := ""
			if r := d.row(s, p.Name); r.Rounds > 0 {
				cell = compact(r.Median)
			}
			cells = append(cells, cell)
		}
		rows = append(rows, cells)
	}
	markdownTable(b, columns, rows)
}

func (d *document) markdownGoals(b *strings.Builder) {
	verdicts := d.verdicts()
	if len(verdicts) == 0 {
		return
	}
	b.WriteString("\n## Goals\n\nAgainst Go it is the peer that comes closest in each scenario.\n\n")
	var rows [][]string
	for _, v := range verdicts {
		rows = append(rows, []string{v.what(), "≤ " + v.number(v.most), v.number(v.found),
			v.number(v.values[0]) + " to " + v.number(v.values[len(v.values)-1]), v.reached()})
	}
	markdownTable(b, []string{"what", "asked", "found", "in rounds", "reached"}, rows)
}

func (d *document) markdownScenarios(b *strings.Builder) {
	b.WriteString("\n## Scenarios\n")
	for i := range d.Scenarios {
		s := &d.Scenarios[i]
		rows := d.rows(s)
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n### %s\n\n%s; %s.\n\n", s.Name, capital(s.About), s.figure().unit)
		var cells [][]string
		for _, r := range rows {
			cells = append(cells, r.cells())
		}
		markdownTable(b, d.columns(), cells)
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
