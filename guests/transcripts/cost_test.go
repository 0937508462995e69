package transcripts

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/abi"
)

// A shape is a JSON text, and how many units of fuel for each of its bytes the programs
// may spend on reading it and writing it again: some one and a half times what they do.
type shape struct {
	name, text              string
	inGo, c, rust, assembly float64
}

// most returns the bound for a language.
func (s *shape) most(language string) float64 {
	return map[string]float64{"go": s.inGo, "c": s.c, "rust": s.rust, "assemblyscript": s.assembly}[language]
}

// shapes are texts of a kibibyte, but for one call of a method.
func shapes() []shape {
	repeat := func(open, piece, end string) string {
		return open + strings.Repeat(piece+",", 1024/(len(piece)+1)) + piece + end
	}
	var objects, floats strings.Builder
	for i := 0; objects.Len() < 1000; i++ {
		n := strconv.Itoa(i)
		objects.WriteString(`{"id":` + strconv.Itoa(1000+i*7919) + `,"name":"user ` + n + `","email":"user` + n +
			`@example.org","active":true,"score":` + strconv.Itoa(i*37) + `.25,"tags":["a","bc"],"ref":null},`)
	}
	for i := 0; floats.Len() < 1000; i++ {
		floats.WriteString(strconv.FormatFloat(1/float64(i+3), 'g', -1, 64) + ",")
	}
	return []shape{
		{"call", `{"jsonrpc":"2.0","method":"echo","id":1,"params":[]}`, 1700, 900, 600, 2000},
		{"digits", repeat("[", "1", "]"), 800, 600, 360, 4600},
		{"integers", repeat("[", "-1234567", "]"), 280, 340, 150, 900},
		{"prices", repeat("[", "-12.75", "]"), 800, 400, 350, 1700},
		{"floats", "[" + strings.TrimSuffix(floats.String(), ",") + "]", 3000, 400, 520, 1300},
		{"arrays", repeat("[", "[[]]", "]"), 3200, 430, 1000, 4700},
		{"members", repeat(`[`, `{"a":{}}`, `]`), 2200, 450, 850, 4700},
		{"words", repeat("[", `"word"`, "]"), 800, 550, 500, 1400},
		{"objects", "[" + strings.TrimSuffix(objects.String(), ",") + "]", 1000, 480, 430, 1300},
		{"string", `"` + strings.Repeat("long text ", 102) + `"`, 140, 480, 50, 510},
		{"unicode", `"` + strings.Repeat("длинный текст ", 40) + `"`, 380, 700, 50, 530},
		{"escapes", `"` + strings.Repeat(`a\n\"\u00e9`, 90) + `"`, 830, 580, 410, 850},
	}
}

// jsonCost holds a program to what JSON costs, and prints it. It is the turn in the
// middle that counts: in Go and AssemblyScript there are dearer ones, that collect
// garbage.
func jsonCost(t *testing.T, h *host, language string) {
	h.turn([]event{{Record: abi.Record{Kind: abi.Connect, Conn: 1}, payload: string(abi.AppendField(nil, abi.FieldRoute, "/json"))}})
	for _, s := range shapes() {
		spent, sum := make([]int64, 100), int64(0)
		began := time.Now()
		for i := range spent {
			h.turn([]event{{Record: abi.Record{Kind: abi.Message, Flags: abi.Text, Conn: 1}, payload: s.text}})
			if len(h.said) != 1 || h.said[0][0] != "text" {
				t.Fatalf("%s: %v %s", s.name, h.said, h.trap)
			}
			spent[i] = h.instance.Spent()
			sum += spent[i]
		}
		took := time.Since(began) / time.Duration(len(spent))
		slices.Sort(spent)
		middle := spent[len(spent)/2]
		each := float64(middle) / float64(len(s.text))
		t.Logf("%-8s %4d bytes: %8d units (mean %8d, at most %8d), %6.1f a byte; %v",
			s.name, len(s.text), middle, sum/int64(len(spent)), spent[len(spent)-1], each, took.Round(100*time.Nanosecond))
		if most := s.most(language); each > most {
			t.Errorf("%s: %.1f units a byte, more than %.0f", s.name, each, most)
		}
	}
}
