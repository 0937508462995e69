package wasmhost

import (
	"bytes"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
)

// TestImage: an instance that starts from a copy is the same as one that has
// initialised, and nothing that one does is in the next.
func TestImage(t *testing.T) {
	modules := map[string][]byte{"echo.c": guests.Echo(), "chat.c": guests.Chat()}
	files, err := filepath.Glob("testdata/*.wasm")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if name != "spender.wasm" { // which grows its table
			modules[name] = readGuest(t, name[:len(name)-len(".wasm")])
		}
	}
	copying, initialising := newHost(t, Config{}), newHost(t, Config{noImage: true})
	for name, wasm := range modules {
		t.Run(name, func(t *testing.T) {
			m := compile(t, copying, wasm)
			if m.code.image == nil {
				t.Fatal("no image of it was kept")
			}
			want := instantiate(t, compile(t, initialising, wasm), InstanceConfig{})
			for range 2 {
				got := instantiate(t, m, InstanceConfig{})
				if !bytes.Equal(got.memory.bytes, want.memory.bytes) || got.mailbox != want.mailbox || got.mailAt != want.mailAt {
					t.Fatalf("memory of %d bytes, mailbox %+v at %#x; want %d, %+v at %#x", len(got.memory.bytes), got.mailbox, got.mailAt,
						len(want.memory.bytes), want.mailbox, want.mailAt)
				}
				for i := range got.memory.bytes {
					got.memory.bytes[i] = 0xaa
				}
			}
		})
	}
}

// TestImageOfGlobals: globals that the guest's start has set are in the copy, and
// so is what it grew its memory to. Its tables are not: a module that changes
// them has no image.
func TestImageOfGlobals(t *testing.T) {
	h := newHost(t, Config{})
	for _, tc := range []struct {
		name  string
		image bool
	}{{"starter", true}, {"tables", false}} {
		m := compile(t, h, readGuest(t, "image/"+tc.name))
		if (m.code.image != nil) != tc.image {
			t.Errorf("%s: image %v, want %v", tc.name, m.code.image != nil, tc.image)
		}
		for range 3 {
			in := instantiate(t, m, InstanceConfig{})
			push(t, in, abi.Record{Kind: abi.Message}, "")
			n, err := in.Turn(Clock{}, testFuel)
			if n != 1 || err != nil {
				t.Fatalf("%s: %d commands, %v", tc.name, n, err)
			}
			var r abi.Record
			in.Command(0, &r)
			// The start function added 40 to a counter of 2; every turn adds one.
			if r.Token != 43 {
				t.Errorf("%s: the counter is %d, want 43", tc.name, r.Token)
			}
			if got := len(in.memory.bytes); got != 3*pageBytes {
				t.Errorf("%s: %d bytes of memory, want 3 pages", tc.name, got)
			}
		}
	}
}

// TestLargeImage: one that is mapped is copied page by page, and never shared.
func TestLargeImage(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "image/large"))
	im := m.code.image
	if im == nil {
		t.Fatal("no image of it was kept")
	}
	if mapped := im.extents == nil; mapped != (runtime.GOOS == "linux") {
		t.Errorf("mapped: %v", mapped)
	}
	a, b := instantiate(t, m, InstanceConfig{}), instantiate(t, m, InstanceConfig{})
	const at = 0x50000
	for _, in := range []*Instance{a, b} {
		p, ok := in.View(at, 8)
		if !ok || string(p) != "the end!" {
			t.Fatalf("%q, %v at the end of the image", p, ok)
		}
		copy(p, "changed!")
		if q, _ := in.View(at+8, 1<<16-8); len(bytes.Trim(q, "\x00")) != 0 {
			t.Error("there is something behind the image")
		}
	}
	m.Close() // its code lives on in the instances
	if c, _ := instantiate(t, compile(t, a.code.host, readGuest(t, "image/large")), InstanceConfig{}).View(at, 8); string(c) != "the end!" {
		t.Errorf("a third instance has %q", c)
	}
}

// TestHostCloseFreesImages: a host that is closed gives back the files of modules that
// nobody has closed.
func TestHostCloseFreesImages(t *testing.T) {
	h, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := h.Compile(readGuest(t, "image/large"))
	if err != nil {
		t.Fatal(err)
	}
	if m.code.image == nil {
		t.Fatal("the module has no image")
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if m.code.image != nil {
		t.Error("its image is still there")
	}
	m.Close()
}
