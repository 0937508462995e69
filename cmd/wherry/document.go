package main

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A document is a TOML file: its values, the lines on which they stand, and what
// is wrong with them.
type document struct {
	name     string
	root     map[string]any
	lines    map[string]int // by the key of a path
	problems []problem
}

// A path leads to a value: names of keys, and indices in arrays as numbers.
type path []string

// with returns p and what comes after it, in memory of its own.
func (p path) with(elements ...string) path {
	return append(p[:len(p):len(p)], elements...)
}

// key returns a string that is p's own, as far as line numbers are concerned.
func (p path) key() string {
	if len(p) == 0 {
		return ""
	}
	return "\x00" + strings.Join(p, "\x00")
}

// parseDocument reads TOML. What is no TOML is the one problem of the document;
// the parser cannot go on behind it.
func parseDocument(name string, toTOML []byte) *document {
	d := &document{name: name, lines: make(map[string]int)}
	if err := toml.Unmarshal(toTOML, &d.root); err != nil {
		line := 0
		var at *toml.DecodeError
		if errors.As(err, &at) {
			line, _ = at.Position()
		}
		d.problems = append(d.problems, problem{line, strings.TrimPrefix(err.Error(), "toml: ")})
		return d
	}
	newLineFinder(toTOML, d.lines).find()
	return d
}

// line returns the line of the value at p, or of what it is a part of; 0 if it
// is a part of nothing but the file.
func (d *document) line(p path) int {
	for ; len(p) > 0; p = p[:len(p)-1] {
		if line := d.lines[p.key()]; line > 0 {
			return line
		}
	}
	return 0
}

// fail notes a problem with the value at p.
func (d *document) fail(p path, format string, args ...any) {
	d.problems = append(d.problems, problem{d.line(p), fmt.Sprintf(format, args...)})
}

// err returns all problems, in the order of their lines, or nil.
func (d *document) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	sort.SliceStable(d.problems, func(i, j int) bool { return d.problems[i].line < d.problems[j].line })
	return &problemsError{file: d.name, problems: d.problems}
}

// A problem is one thing that is wrong with a file.
type problem struct {
	line int // from 1; 0 if it is about no line
	text string
}

// A problemsError is all that is wrong with a file.
type problemsError struct {
	file     string
	problems []problem
	more     []*problemsError // of other files
}

// add takes over what is wrong with another file.
func (e *problemsError) add(other *problemsError) { e.more = append(e.more, other) }

// lines returns a line for each problem.
func (e *problemsError) lines() (lines []string) {
	for _, p := range e.problems {
		place := e.file
		if p.line > 0 {
			place += ":" + strconv.Itoa(p.line)
		}
		lines = append(lines, place+": "+firstLine(p.text))
	}
	for _, other := range e.more {
		lines = append(lines, other.lines()...)
	}
	return lines
}

func (e *problemsError) Error() string { return strings.Join(e.lines(), "\n") }

// linesDepth is how long a path can be to get a line of its own. The longest one
// that means anything is as long: a field of the limits of a tenant.
const linesDepth = 4

// A lineFinder finds the lines of a document's values. The decoder tells them
// only for what it does not accept, so the file is parsed once more.
type lineFinder struct {
	parser   unstable.Parser
	newlines []int          // offsets
	lines    map[string]int // by the key of a path: where the value begins
	tables   map[string]int // by the key of a path: how many tables an array has so far
}

func newLineFinder(text []byte, lines map[string]int) *lineFinder {
	f := &lineFinder{lines: lines, tables: make(map[string]int)}
	for i, c := range text {
		if c == '\n' {
			f.newlines = append(f.newlines, i)
		}
	}
	f.parser.Reset(text)
	return f
}

// find fills in f.lines.
func (f *lineFinder) find() {
	var table path // that the keys belong to
	for f.parser.NextExpression() {
		switch node := f.parser.Expression(); node.Kind {
		case unstable.Table:
			table = f.walkKey(nil, node.Key())
		case unstable.ArrayTable:
			table = f.walkKey(nil, node.Key())
			f.tables[table.key()]++
			first := node.Key()
			first.Next()
			f.note(f.newest(table), first.Node())
		case unstable.KeyValue:
			f.walkPair(table, node)
		}
	}
}

// newest returns the path of the last table so far in the array at p, or p if
// there is no such array.
func (f *lineFinder) newest(p path) path {
	if n := f.tables[p.key()]; n > 0 {
		return p.with(strconv.Itoa(n - 1))
	}
	return p
}

// walkKey notes every step of a key below p, and returns where it leads. It
// stops at linesDepth.
func (f *lineFinder) walkKey(p path, parts unstable.Iterator) path {
	for parts.Next() {
		if p = f.newest(p); len(p) >= linesDepth {
			break
		}
		p = p.with(string(parts.Node().Data))
		f.note(p, parts.Node())
	}
	return p
}

func (f *lineFinder) walkPair(p path, pair *unstable.Node) {
	f.walkValue(f.walkKey(p, pair.Key()), pair.Value())
}

// walkValue notes what is in the array or table at p.
func (f *lineFinder) walkValue(p path, value *unstable.Node) {
	if len(p) >= linesDepth {
		return
	}
	parts := value.Children()
	switch value.Kind {
	case unstable.Array:
		for i := 0; parts.Next(); i++ {
			item := p.with(strconv.Itoa(i))
			f.note(item, parts.Node())
			f.walkValue(item, parts.Node())
		}
	case unstable.InlineTable:
		for parts.Next() {
			f.walkPair(p, parts.Node())
		}
	}
}

// note keeps the line of node for p, unless p has one, or the parser does not
// tell where node is.
func (f *lineFinder) note(p path, node *unstable.Node) {
	if node.Raw.Length > 0 && f.lines[p.key()] == 0 {
		f.lines[p.key()] = sort.SearchInts(f.newlines, int(node.Raw.Offset)) + 1
	}
}
