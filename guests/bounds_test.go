package guests

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// boundsInputs are those of the other tests, cut at every place, and bent at random.
func boundsInputs() (inputs []string) {
	heads := []string{
		fields(":query", "a=%41&a+b=%4", "cookie", `a=1; b="2"`, "host", "x", ":param.room", "r", "cookie", "a"),
		fields("", "", ":query", "", ":param.", "", "x", strings.Repeat("y", 300)),
	}
	seeds := append(append(append(heads, jsonInputs()...), doubleInputs()...), queryInputs()...)
	random := rand.New(rand.NewPCG(1, 2))
	const odd = "\x00\"\\{}[],:%+=&;uU09.eE-\x80\xc3\xe2\xf0\xff"
	for _, s := range seeds {
		inputs = append(inputs, s)
		if len(s) > 500 {
			continue
		}
		for i := range s {
			inputs = append(inputs, s[:i], s[i:])
		}
		for range 60 {
			other := seeds[random.IntN(len(seeds))]
			bent := []byte(s + other[:min(len(other), 40)])
			for range 1 + random.IntN(3) {
				if len(bent) > 0 {
					bent[random.IntN(len(bent))] = odd[random.IntN(len(odd))]
				}
			}
			inputs = append(inputs, string(bent[random.IntN(len(bent)+1):]))
		}
	}
	return inputs
}

// TestBounds runs the readers of the SDK for C natively, each on a buffer of exactly
// its input, where a sanitizer sees what a guest's memory hides: a read beyond the
// end, an overflow, a shift that has no meaning.
func TestBounds(t *testing.T) {
	const source = "sdk/c/testdata/bounds.c"
	program := filepath.Join(t.TempDir(), "bounds")
	build := func(source string, stdin string) error {
		words := strings.Fields("-std=c11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -Wno-int-to-pointer-cast -x c -o")
		compile := exec.Command("gcc", append(words, program, source)...)
		compile.Stdin = strings.NewReader(stdin)
		if out, err := compile.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	}
	if err := build("-", "int main(void) { return 0; }"); err != nil {
		t.Skip("there is no gcc with its sanitizers: ", err)
	}
	if err := build(source, ""); err != nil {
		t.Fatal(err)
	}
	inputs := boundsInputs()
	var stdin bytes.Buffer
	for _, input := range inputs {
		stdin.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(input))))
		stdin.WriteString(input)
	}
	run := exec.Command(program)
	run.Stdin = &stdin
	out, err := run.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), fmt.Sprint(len(inputs), " inputs")) {
		t.Fatalf("%v\n%s", err, out)
	}
}
