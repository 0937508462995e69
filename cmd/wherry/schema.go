package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A value is what a document has at a path.
type value struct {
	doc  *document
	path path
	any  any // string, int64, float64, bool, []any, map[string]any, or a date or time
}

// A reader takes over a value, or notes what is wrong with it.
type reader func(v value)

// A key is what may be in a table, and what takes it.
type key struct {
	name     string
	required bool
	read     reader
}

// fail notes a problem with v.
func (v value) fail(format string, args ...any) { v.doc.fail(v.path, format, args...) }

// expected notes that v is not what it has to be.
func (v value) expected(what string) {
	v.fail("%s is %s; write %s", v.name(), describe(v.any), what)
}

// name returns what v is called in the file, without an index.
func (v value) name() string {
	for i := len(v.path) - 1; i > 0; i-- {
		if !isIndex(v.path[i]) {
			return v.path[i]
		}
	}
	return v.path[0]
}

// header returns v, a table, as the file writes it above its keys.
func (v value) header() string {
	names := slices.DeleteFunc(slices.Clone(v.path), isIndex)
	switch {
	case len(names) == 0:
		return "the file"
	case isIndex(v.path[len(v.path)-1]):
		return "[[" + strings.Join(names, ".") + "]]"
	}
	return "[" + strings.Join(names, ".") + "]"
}

// isIndex reports whether an element of a path is one of an array. No table
// above another has a key that looks like it.
func isIndex(element string) bool {
	_, err := strconv.Atoi(element)
	return err == nil
}

// describe says what a value is, in a few words.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%.60q", v)
	case int64, float64, bool:
		return fmt.Sprint(v)
	case []any:
		return "an array"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}

// readTable hands what is in v to keys, in their order. It notes what is not
// among them, and what has to be there and is not.
func (v value) readTable(keys []key) {
	table, ok := v.any.(map[string]any)
	if !ok {
		v.expected("a table, as in " + v.header())
		return
	}
	var known []string
	for _, k := range keys {
		known = append(known, k.name)
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if !slices.Contains(known, name) {
			v.doc.fail(v.path.with(name), "unknown key %.60q in %s; %s", name, v.header(), suggest(name, known))
		}
	}
	for _, k := range keys {
		switch item, there := table[k.name]; {
		case there:
			k.read(value{v.doc, v.path.with(k.name), item})
		case k.required:
			v.fail("%s has no %s", v.header(), k.name)
		}
	}
}

// inTable reads a table.
func inTable(keys []key) reader {
	return func(v value) { v.readTable(keys) }
}

// inTables calls each with every table of an array of them.
func inTables(each reader) reader {
	return func(v value) {
		tables, ok := v.any.([]any)
		if !ok {
			v.expected("an array of tables, each under [[" + v.name() + "]]")
			return
		}
		for i, table := range tables {
			each(value{v.doc, v.path.with(strconv.Itoa(i)), table})
		}
	}
}

// suggest says which of known is meant by an unknown name.
func suggest(name string, known []string) string {
	if best, ok := nearest(name, known); ok {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) == 0 {
		return "there is none"
	}
	return "known are " + strings.Join(known, ", ")
}
