package main

import (
	"fmt"
	"maps"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// text reads a string that is not empty.
func text(to *string) reader {
	return func(v value) {
		s, ok := v.any.(string)
		if !ok || s == "" {
			v.expected("a text, in quotes")
			return
		}
		*to = s
	}
}

// An option is a word of the file, and what it stands for.
type option[T any] struct {
	word  string
	value T
}

// choice reads one of a few words.
func choice[T any](to *T, options ...option[T]) reader {
	return func(v value) {
		i := slices.IndexFunc(options, func(o option[T]) bool { return v.any == o.word })
		if i < 0 {
			var words []string
			for _, o := range options {
				words = append(words, strconv.Quote(o.word))
			}
			v.expected("one of " + strings.Join(words, ", "))
			return
		}
		*to = options[i].value
	}
}

// plainWords returns options that stand for themselves.
func plainWords(words []string) (options []option[string]) {
	for _, w := range words {
		options = append(options, option[string]{w, w})
	}
	return options
}

// yes reads true or false.
func yes(to *bool) reader {
	return func(v value) {
		b, ok := v.any.(bool)
		if !ok {
			v.expected("true or false")
			return
		}
		*to = b
	}
}

// number reads an integer from low to high.
func number[T int | int64 | uint32 | uint64](to *T, low, high int64) reader {
	return func(v value) {
		n, ok := v.any.(int64)
		if !ok || n < low || n > high {
			v.expected(fmt.Sprintf("a whole number from %d to %d", low, high))
			return
		}
		*to = T(n)
	}
}

// oneNumber reads one of a few numbers.
func oneNumber(to *int, numbers ...int) reader {
	return func(v value) {
		n, ok := v.any.(int64)
		if !ok || n > math.MaxInt32 || !slices.Contains(numbers, int(n)) {
			v.expected("one of " + strings.Trim(fmt.Sprint(numbers), "[]"))
			return
		}
		*to = int(n)
	}
}

// numberOrOff reads a number, or "off", which becomes a negative one.
func numberOrOff(to *int, low, high int64) reader {
	return func(v value) {
		if n, ok := v.any.(int64); ok && n >= low && n <= high {
			*to = int(n)
		} else if v.any == "off" {
			*to = -1
		} else {
			v.expected(fmt.Sprintf(`a whole number from %d to %d, or "off"`, low, high))
		}
	}
}

// size reads a number of bytes from 1 to high, such as 65536 or "64KiB".
func size(to *int, high int64) reader {
	return func(v value) {
		n, ok := v.any.(int64)
		if s, isText := v.any.(string); isText {
			n, ok = parseSize(s)
		}
		if !ok || n < 1 || n > high {
			v.expected(fmt.Sprintf(`a size from 1 byte to %s, such as 65536, "64KiB" or "1MiB"`, formatSize(high)))
			return
		}
		*to = int(n)
	}
}

// sizeUnits are what may stand behind the number of a size, the largest first.
func sizeUnits() []struct {
	name  string
	shift uint
} {
	return []struct {
		name  string
		shift uint
	}{{"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}}
}

// parseSize reads digits and a unit, with nothing else around them.
func parseSize(s string) (bytes int64, ok bool) {
	for _, unit := range sizeUnits() {
		digits, ok := strings.CutSuffix(s, unit.name)
		if !ok {
			continue
		}
		// 32 bits, so that the largest unit does not overflow.
		n, err := strconv.ParseUint(digits, 10, 32)
		return int64(n << unit.shift), err == nil
	}
	return 0, false
}

// formatSize writes a size in the largest unit of which it is a whole number.
func formatSize(bytes int64) string {
	for _, unit := range sizeUnits() {
		if bytes>>unit.shift<<unit.shift == bytes {
			return strconv.FormatInt(bytes>>unit.shift, 10) + unit.name
		}
	}
	return "" // a byte is a unit
}

// The shortest and the longest time that a file can ask for. What is shorter is
// a mistake in the unit.
const (
	shortest = time.Millisecond
	longest  = 365 * 24 * time.Hour
)

// duration reads a time such as "1m30s".
func duration(to *time.Duration) reader {
	return func(v value) {
		d, ok := parseTime(v.any)
		if !ok {
			v.expected(`a time from "1ms" to "8760h", such as "10s" or "1m30s"`)
			return
		}
		*to = d
	}
}

// timeout reads a duration, or "off", which becomes a negative one.
func timeout(to *time.Duration) reader {
	return func(v value) {
		d, ok := parseTime(v.any)
		switch {
		case v.any == "off":
			*to = -1
		case !ok:
			v.expected(`a time from "1ms" to "8760h", such as "10s" or "1m30s", or "off"`)
		default:
			*to = d
		}
	}
}

func parseTime(v any) (d time.Duration, ok bool) {
	s, _ := v.(string)
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= shortest && d <= longest
}

// list reads an array of strings that valid accepts, at least as many as least,
// none twice. What it accepts is what the array has to hold.
func list(to *[]string, least int, what string, valid func(string) bool) reader {
	return func(v value) {
		items, ok := v.any.([]any)
		if !ok || len(items) < least {
			v.expected("an array of " + what)
			return
		}
		*to = make([]string, 0, len(items)) // an empty one says something else than none
		for i, item := range items {
			at := value{v.doc, v.path.with(strconv.Itoa(i)), item}
			s, _ := item.(string)
			switch {
			case !valid(s):
				at.expected("an array of " + what)
			case slices.Contains(*to, s):
				at.fail("%s has %.60q twice; remove one", v.name(), s)
			default:
				*to = append(*to, s)
			}
		}
	}
}

// addresses reads where to listen.
func addresses(to *[]string) reader {
	return list(to, 1, `addresses such as "127.0.0.1:8080", with a port from 0 to 65535`, isAddress)
}

func isAddress(s string) bool {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// prefixes reads networks and single addresses.
func prefixes(to *[]netip.Prefix) reader {
	return func(v value) {
		var texts []string
		list(&texts, 0, `addresses or networks such as "192.0.2.1", "10.0.0.0/8" or "fd00::/8"`, isPrefix)(v)
		for _, s := range texts {
			p, _ := parsePrefix(s)
			*to = append(*to, p)
		}
	}
}

func isPrefix(s string) bool {
	_, ok := parsePrefix(s)
	return ok
}

// parsePrefix reads a network of which all bits behind the length are 0, or one
// address.
func parsePrefix(s string) (p netip.Prefix, ok bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), a.Zone() == ""
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil && p == p.Masked() && !p.Addr().Is4In6()
}

// origins reads where pages may come from, if from anywhere.
func origins(to *[]string) reader {
	return list(to, 0, `origins such as "https://app.example.com", without a path`, isOrigin)
}

// isOrigin reports whether s is what browsers send: scheme, host, and a port if
// it is not the scheme's; or null for a page that has none (RFC 6454, section 6).
func isOrigin(s string) bool {
	if s == "null" {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != "" && strings.EqualFold(u.Scheme+"://"+u.Host, s)
}

// texts reads a table of strings, whose keys are a guest's names.
func texts(to *map[string]string) reader {
	return func(v value) {
		table, ok := v.any.(map[string]any)
		if !ok {
			v.expected("a table, as in " + v.header())
			return
		}
		*to = make(map[string]string)
		for _, name := range slices.Sorted(maps.Keys(table)) {
			at := value{v.doc, v.path.with(name), table[name]}
			s, ok := table[name].(string)
			switch {
			case !isConfigName(name):
				at.fail("%.60q cannot name a value for a guest; write 1 to 100 of a-z, 0-9, _, - and .", name)
			case !ok:
				at.expected("a text, in quotes; the guest gets it as it is")
			default:
				(*to)[name] = s
			}
		}
	}
}

// isConfigName reports whether a guest can be given a value of this name: what
// the ABI gives it is a field, and names of fields are lower case.
func isConfigName(s string) bool {
	return len(s) > 0 && len(s) <= 100 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == ""
}
