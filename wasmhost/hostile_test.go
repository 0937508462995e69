package wasmhost

import (
	"strings"
	"testing"
)

// TestImageOfMore: a module that has taken more memory in its trial than another
// instance may have starts there by itself.
func TestImageOfMore(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "image/grower"))
	if m.code.image == nil {
		t.Fatal("no image of it was kept")
	}
	for _, tc := range []struct{ limit, pages uint32 }{{16, 16}, {4, 1}, {15, 1}, {0, 16}} {
		in, err := m.Instantiate(InstanceConfig{MemoryPages: tc.limit})
		if err != nil {
			t.Fatalf("of at most %d pages: %v", tc.limit, err)
		}
		if got := uint32(len(in.memory.bytes)) / pageBytes; got != tc.pages {
			t.Errorf("of at most %d pages, it has %d; want %d", tc.limit, got, tc.pages)
		}
		in.Close()
	}
}

// TestInstantiateOfFreedCode: a module that is closed while an instance of it is
// about to start has no code to start it from.
func TestInstantiateOfFreedCode(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "image/large"))
	m.Close()
	if in, err := m.code.instantiate(InstanceConfig{}); err == nil {
		in.Close()
		t.Error("it started")
	} else if !strings.Contains(err.Error(), "is closed") {
		t.Errorf("got %v; want that it is closed", err)
	}
	if h := m.code.host; h.instances != 0 || m.code.refs != 0 {
		t.Errorf("%d instances, %d holds", h.instances, m.code.refs)
	}
}
