package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// page tries both built-in guests in a browser. It needs nothing but itself.
//
//go:embed page.html
var page string

// pageHandler serves the page at / and nothing elsewhere.
func pageHandler() http.Handler { return servePage("/", page) }

// servePage serves a page at a path and nothing elsewhere. Only its own script and
// style count in it.
func servePage(at, page string) http.Handler {
	policy := fmt.Sprintf("default-src 'none'; connect-src 'self'; img-src data:; style-src %s; script-src %s; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		hashSource(page, "style"), hashSource(page, "script"))
	if at == "/" {
		at = "/{$}" // and not all that begins with it
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+at, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		io.WriteString(w, page)
	})
	return mux
}

// hashSource returns the source expression that allows the one inline element
// called tag, and no other: 'sha256-' and the digest of what is between its tags.
func hashSource(html, tag string) string {
	_, body, _ := strings.Cut(html, "<"+tag+">")
	body, _, _ = strings.Cut(body, "</"+tag+">")
	digest := sha256.Sum256([]byte(body))
	return "'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"
}
