package main

import (
	"bytes"
	"fmt"
	"go/format"
	"slices"
	"strings"

	"github.com/seed-c6589352/wherry/abi"
)

// goFile returns the file of the SDK for Go, which has everything else from
// package abi itself.
func goFile() []byte {
	var b bytes.Buffer
	b.WriteString(banner)
	b.WriteString("\npackage wherry\n\n// Close codes, as IANA's registry names them.\nconst (\n")
	for _, row := range abi.CloseCodes() {
		fmt.Fprintf(&b, "Close%s = %d // %s\n", goName(row.Name), row.Value, row.Doc)
	}
	b.WriteString(")\n\n// HTTP statuses, as IANA's registry names them.\nconst (\n")
	for _, s := range abi.HTTPStatuses() {
		fmt.Fprintf(&b, "Status%s = %d\n", goName(s.Name), s.Value)
	}
	b.WriteString(")\n\n// StatusText returns the standard phrase of an HTTP status, \"\" if it has none.\n")
	b.WriteString("func StatusText(status int) string {\nswitch status {\n")
	for _, s := range abi.HTTPStatuses() {
		fmt.Fprintf(&b, "case Status%s:\nreturn %q\n", goName(s.Name), s.Phrase)
	}
	b.WriteString("}\nreturn \"\"\n}\n")
	source, err := format.Source(b.Bytes())
	if err != nil {
		panic(err) // what is written above is no Go
	}
	return source
}

// goName turns snake case into Go's way of writing a name.
func goName(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words {
		if slices.Contains([]string{"ok", "im", "uri", "http", "tls"}, w) && name != "im_a_teapot" {
			words[i] = strings.ToUpper(w)
			continue
		}
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}
