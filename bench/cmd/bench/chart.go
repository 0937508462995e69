//go:build linux

package main

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"
)

// Charts are SVG, written with a fixed width that the page scales. They have classes
// for colours, which are the page's, and a title for each mark, which a pointer or a
// screen reader finds.

const (
	chartWidth = 760
	labelWidth = 150 // of names, on the left
	valueWidth = 150 // of numbers, on the right
	plotWidth  = chartWidth - labelWidth - valueWidth
	barHeight  = 16
	rowHeight  = 24
)

// A bar is a peer in a chart.
type bar struct {
	label       string
	class       string // ours, floor or other
	value       float64
	least, most float64 // over the rounds
	note        string  // beside the value
}

// mostTimes is how many times the smallest value a chart has room for. Longer bars end
// in an arrow: one slow peer would make all others look alike.
const mostTimes = 8

// bars draws a bar for each peer, from zero.
func bars(all []bar) template.HTML {
	limit := barLimit(all)
	b := &strings.Builder{}
	height := rowHeight * len(all)
	fmt.Fprintf(b, `<svg class="bars" viewBox="0 0 %d %d" role="img">`, chartWidth, height+4)
	for i, one := range all {
		drawBar(b, one, i*rowHeight, limit)
	}
	fmt.Fprintf(b, `<line class="axis" x1="%d" y1="0" x2="%d" y2="%d"/></svg>`, labelWidth, labelWidth, height)
	return template.HTML(b.String())
}

// barLimit is the value that a bar of full width has.
func barLimit(all []bar) float64 {
	smallest, largest := math.Inf(1), 0.0
	for _, one := range all {
		if one.value > 0 {
			smallest = min(smallest, one.value)
		}
		largest = max(largest, one.value)
	}
	if largest == 0 {
		return 1
	}
	return min(largest, mostTimes*smallest)
}

func drawBar(b *strings.Builder, one bar, y int, limit float64) {
	x := func(v float64) float64 { return labelWidth + plotWidth*min(max(v, 0)/limit, 1) }
	text := y + rowHeight/2 + 4
	top := y + (rowHeight-barHeight)/2
	label := html.EscapeString(one.label)
	fmt.Fprintf(b, `<g class="%s"><title>%s: %s, %s to %s</title>`, one.class, label, compact(one.value), compact(one.least), compact(one.most))
	fmt.Fprintf(b, `<text class="label" x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-8, text, label)
	fmt.Fprintf(b, `<rect class="mark" x="%d" y="%d" width="%.1f" height="%d"/>`, labelWidth, top, x(one.value)-labelWidth, barHeight)
	if one.value > limit {
		fmt.Fprintf(b, `<path class="mark more" d="M%d %d l10 %d l-10 %d z"/>`, labelWidth+plotWidth, top, barHeight/2, barHeight/2)
	}
	if one.most > one.least && one.least < limit {
		fmt.Fprintf(b, `<line class="whisker" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, x(one.least), top+barHeight/2, x(one.most), top+barHeight/2)
	}
	fmt.Fprintf(b, `<text class="value" x="%d" y="%d">%s %s</text></g>`, labelWidth+plotWidth+16, text, compact(one.value), html.EscapeString(one.note))
}

// A dot is a peer in a row of an overview.
type dot struct {
	label, class string
	ratio        float64
}

// A dotRow is a scenario in an overview.
type dotRow struct {
	label string
	dots  []dot
}

// dots draws a row for each scenario, and in it each peer at its ratio, on a
// logarithmic scale.
func dots(rows []dotRow) template.HTML {
	low, high := dotRange(rows)
	x := func(v float64) float64 {
		return labelWidth + (chartWidth-labelWidth-20)*(math.Log2(v)-low)/(high-low)
	}
	b := &strings.Builder{}
	height := rowHeight * len(rows)
	fmt.Fprintf(b, `<svg class="dots" viewBox="0 0 %d %d" role="img">`, chartWidth, height+24)
	for power := low; power <= high; power++ {
		class := "grid"
		if power == 0 {
			class = "axis"
		}
		fmt.Fprintf(b, `<line class="%s" x1="%.1f" y1="0" x2="%.1f" y2="%d"/>`, class, x(math.Exp2(power)), x(math.Exp2(power)), height)
		fmt.Fprintf(b, `<text class="label" x="%.1f" y="%d" text-anchor="middle">%s×</text>`, x(math.Exp2(power)), height+16, compact(math.Exp2(power)))
	}
	for i, row := range rows {
		y := i*rowHeight + rowHeight/2
		fmt.Fprintf(b, `<text class="label" x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-8, y+4, html.EscapeString(row.label))
		for _, d := range oursLast(row.dots) {
			fmt.Fprintf(b, `<circle class="mark %s" cx="%.1f" cy="%d" r="5"><title>%s: %s×</title></circle>`,
				d.class, x(d.ratio), y, html.EscapeString(d.label), compact(d.ratio))
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// dotRange returns the powers of two that all ratios are between.
func dotRange(rows []dotRow) (low, high float64) {
	high = 1
	for _, row := range rows {
		for _, d := range row.dots {
			low = min(low, math.Floor(math.Log2(d.ratio)))
			high = max(high, math.Ceil(math.Log2(d.ratio)))
		}
	}
	return low, high
}

// oursLast draws what the page is about on top of the others.
func oursLast(all []dot) []dot {
	isOurs := func(d dot) bool { return d.class == classOurs }
	isOther := func(d dot) bool { return !isOurs(d) }
	return append(slices.DeleteFunc(slices.Clone(all), isOurs), slices.DeleteFunc(slices.Clone(all), isOther)...)
}
