package main

import (
	_ "embed"
	"html"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-c6589352/wherry/runtime"
)

// devPage tries any path in a browser. Its style is that of page.
//
//go:embed dev.html
var devPage string

// devPath is where the page is: at /, unless the guest has that.
func devPath(routes []runtime.Route) string {
	if slices.ContainsFunc(routes, func(r runtime.Route) bool { return r.Pattern == "/" }) {
		return "/wherry"
	}
	return "/"
}

// devHandler serves the page of "wherry dev", which proposes the routes to connect to.
func devHandler(routes []runtime.Route) http.Handler {
	var options strings.Builder
	for _, r := range routes {
		options.WriteString(`<option value="` + html.EscapeString(r.Pattern) + `">`)
	}
	first := ""
	if len(routes) > 0 {
		first = html.EscapeString(routes[0].Pattern)
	}
	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	text := strings.NewReplacer("@style", style, "@options", options.String(), "@first", first).Replace(devPage)
	return servePage(devPath(routes), text)
}
