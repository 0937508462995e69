//go:build linux

package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
)

//go:embed page.html
var pageText string

// Classes of marks; the page has their colours.
const (
	classOurs  = "ours"  // wherry
	classKin   = "kin"   // the same in other ways
	classFloor = "floor" // what nobody can be below
	classOther = "other"
)

// A pageData is what the page's template sees.
type pageData struct {
	*document
	Facts     []string
	Overview  template.HTML
	Goals     []goalData
	Scenarios []scenarioData
}

type goalData struct{ What, Asked, Found, Rounds, Reached string }

type scenarioData struct {
	Name, About, Unit string
	Chart             template.HTML
	Columns           []string
	Rows              [][]string
}

// page writes one HTML file with everything in it.
func (d *document) page(w io.Writer) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	data := pageData{document: d, Overview: d.overview(), Scenarios: d.pageScenarios()}
	for _, name := range slices.Sorted(maps.Keys(d.Machine)) {
		data.Facts = append(data.Facts, name+": "+d.Machine[name])
	}
	for _, v := range d.verdicts() {
		data.Goals = append(data.Goals, goalData{v.what(), "≤ " + v.number(v.most), v.number(v.found),
			v.number(v.values[0]) + " to " + v.number(v.values[len(v.values)-1]), v.reached()})
	}
	return t.Execute(w, data)
}

// class is the colour of a peer.
func (d *document) class(peer string) string {
	switch peer {
	case "wherry":
		return classOurs
	case "wsc", "rawc":
		return classFloor
	}
	for _, p := range d.Peers {
		if p.Name == peer && p.Ours {
			return classKin
		}
	}
	return classOther
}

func (d *document) pageScenarios() (all []scenarioData) {
	for i := range d.Scenarios {
		s := &d.Scenarios[i]
		rows := d.rows(s)
		if len(rows) == 0 {
			continue
		}
		one := scenarioData{Name: s.Name, About: capital(s.About), Unit: s.figure().unit, Columns: d.columns()}
		var chart []bar
		for _, r := range rows {
			note := ""
			if r.Ratio > 0 && r.Peer != d.Base {
				note = fmt.Sprintf("(%.2f×)", r.Ratio)
			}
			chart = append(chart, bar{r.Peer, d.class(r.Peer), r.Median, r.Least, r.Most, note})
			one.Rows = append(one.Rows, r.cells())
		}
		one.Chart = bars(chart)
		all = append(all, one)
	}
	return all
}

// overview has every peer's ratio to the base in every scenario that is about cost.
func (d *document) overview() template.HTML {
	var all []dotRow
	for i := range d.Scenarios {
		s := &d.Scenarios[i]
		if s.figure().more {
			continue
		}
		row := dotRow{label: s.Name}
		for _, r := range d.rows(s) {
			if r.Ratio > 0 && r.Peer != d.Base {
				row.dots = append(row.dots, dot{r.Peer, d.class(r.Peer), r.Ratio})
			}
		}
		if len(row.dots) > 0 {
			all = append(all, row)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return dots(all)
}
