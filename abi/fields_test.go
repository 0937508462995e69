package abi

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

type fieldsVector struct {
	Name      string
	Hex       wire
	Fields    [][2]string
	Malformed bool
	Canonical *bool
}

// readFields reads a block to its end or to its first error.
func readFields(b []byte) (fields [][2]string, err error) {
	for {
		name, value, rest, ok, err := NextField(b)
		if !ok {
			return fields, err
		}
		fields = append(fields, [2]string{string(name), string(value)})
		b = rest
	}
}

func TestFieldsGolden(t *testing.T) {
	for _, v := range golden[fieldsVector](t, "fields.json") {
		got, err := readFields(v.Hex)
		if !slices.Equal(got, v.Fields) || errors.Is(err, ErrFields) != v.Malformed {
			t.Errorf("%s: read %q, %v; want %q, malformed %v", v.Name, got, err, v.Fields, v.Malformed)
		}
		if v.Canonical != nil && !*v.Canonical {
			continue
		}
		var appended []byte
		put, intact := guarded(len(v.Hex))
		at := 0
		for _, f := range v.Fields {
			appended = AppendField(appended, f[0], []byte(f[1]))
			at += PutField(put[at:], []byte(f[0]), f[1])
		}
		if !bytes.Equal(appended, v.Hex) {
			t.Errorf("%s: appended %x; want %x", v.Name, appended, v.Hex)
		}
		if at != len(v.Hex) || !bytes.Equal(put, v.Hex) || !intact() {
			t.Errorf("%s: put %x; want %x", v.Name, put, v.Hex)
		}
	}
}

// TestFieldsTruncated cuts every vector at every byte: what is read is a prefix
// of the fields, and what is missing is an error, unless a whole number of
// fields is left or only padding is gone.
func TestFieldsTruncated(t *testing.T) {
	for _, v := range golden[fieldsVector](t, "fields.json") {
		if v.Malformed {
			continue
		}
		ends := map[int]bool{0: true} // where a block may end
		at := 0
		for _, f := range v.Fields {
			for n := at + FieldHeader + len(f[0]) + len(f[1]); n <= at+FieldSize(len(f[0]), len(f[1])); n++ {
				ends[n] = true
			}
			at += FieldSize(len(f[0]), len(f[1]))
		}
		for n := range len(v.Hex) {
			got, err := readFields(v.Hex[:n:n])
			if len(got) > len(v.Fields) || !slices.Equal(got, v.Fields[:len(got)]) {
				t.Errorf("%s, %d bytes: read %q", v.Name, n, got)
			}
			if (err == nil) != ends[n] {
				t.Errorf("%s, %d bytes: error %v", v.Name, n, err)
			}
		}
	}
}

func TestNextFieldClips(t *testing.T) {
	b := AppendField(AppendField(nil, "a", "1"), "b", "2")
	name, value, _, _, _ := NextField(b)
	_, _ = append(name, 'x'), append(value, 'x')
	if got, err := readFields(b); err != nil || !slices.Equal(got, [][2]string{{"a", "1"}, {"b", "2"}}) {
		t.Errorf("an append to a view changed the block: %q, %v", got, err)
	}
}

func TestPutFieldNoRoom(t *testing.T) {
	const name, value = ":path", "/rooms"
	for size := range FieldSize(len(name), len(value)) {
		dst, intact := guarded(size)
		if n := PutField(dst, name, value); n != 0 || !intact() || bytes.Count(dst, []byte{canary}) != size {
			t.Errorf("%d bytes: PutField = %d, wrote %x; want nothing", size, n, dst)
		}
	}
}

func TestFieldNameTooLong(t *testing.T) {
	name := strings.Repeat("n", 1<<16)
	if n := PutField(make([]byte, 1<<17), name, ""); n != 0 {
		t.Errorf("PutField = %d; want 0", n)
	}
	defer func() {
		if recover() == nil {
			t.Error("AppendField: want a panic")
		}
	}()
	AppendField(nil, name, "")
}

// TestAppendFieldClears appends into memory that was used before.
func TestAppendFieldClears(t *testing.T) {
	dirty := bytes.Repeat([]byte{canary}, 64)
	if got, want := AppendField(dirty[:0], "a", ""), AppendField(nil, "a", ""); !bytes.Equal(got, want) {
		t.Errorf("got %x; want %x", got, want)
	}
}

func TestFieldsBudget(t *testing.T) {
	dst := make([]byte, 0, 64)
	n := testing.AllocsPerRun(100, func() {
		b := AppendField(dst, ":path", "/rooms")
		PutField(b, ":path", "/rooms")
		for b, ok := b, true; ok; {
			_, _, b, ok, _ = NextField(b)
		}
	})
	if n != 0 {
		t.Errorf("AppendField, PutField and NextField allocate %v times; their budget is 0", n)
	}
}

// FuzzFields: a guest's block is read without a panic, every view lies inside
// it, and what was read survives being written and read again.
func FuzzFields(f *testing.F) {
	for _, v := range golden[fieldsVector](f, "fields.json") {
		f.Add([]byte(v.Hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = slices.Clip(b)
		fields, err := readFields(b)
		total := 0
		var again []byte
		for _, field := range fields {
			total += FieldHeader + len(field[0]) + len(field[1])
			again = AppendField(again, field[0], field[1])
		}
		if total > len(b) {
			t.Fatalf("%d bytes of fields in %d bytes", total, len(b))
		}
		if got, err := readFields(again); err != nil || !slices.Equal(got, fields) {
			t.Errorf("wrote %q, read %q, %v", fields, got, err)
		}
		if err != nil && !errors.Is(err, ErrFields) {
			t.Errorf("error %v", err)
		}
	})
}
