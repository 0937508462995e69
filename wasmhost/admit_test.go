package wasmhost

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
)

// refusals are the modules of testdata/refuse, each with the rule that it
// breaks and what the detail has to name.
var refusals = []struct {
	name   string
	rule   Rule
	detail string
}{
	{"import_env", RuleImportNotAllowed, `"abort" of module "env"`},
	{"import_name", RuleImportNotAllowed, `"open" of module "wherry_v1"`},
	{"import_case", RuleImportNotAllowed, `"Wherry_v1"`},
	{"import_neighbour", RuleImportNotAllowed, `"guest"`},
	{"import_memory", RuleImportNotAllowed, `memory "memory" of module "env"`},
	{"import_table", RuleImportNotAllowed, `table "table" of module "wherry_v1"`},
	{"import_global", RuleImportNotAllowed, `global "__stack_pointer"`},
	{"import_signature", RuleImportSignature, "wherry_v1.now is (i32) -> i64, not (i32, i32) -> i64"},
	{"import_wasi_signature", RuleImportSignature, "wasi_snapshot_preview1.fd_close is (i32) -> i32, not (i32) -> ()"},
	{"memory_none", RuleExportMissing, `memory "memory"`},
	{"memory_hidden", RuleExportMissing, `memory "memory"`},
	{"memory_name", RuleExportMissing, `memory "memory"`},
	{"memory_limit", RuleMemoryLimit, "65536 pages, the limit is 256"},
	{"memory_two", RuleMemoryCount, "2 memories"},
	{"threads", RuleFeatureOff, "threads"},
	{"tail_call", RuleFeatureOff, "tail calls"},
	{"export_turn", RuleExportMissing, "wherry_v1_turn"},
	{"export_mailbox", RuleExportMissing, "wherry_v1_mailbox"},
	{"export_global", RuleExportMissing, "wherry_v1_turn"},
	{"signature_turn", RuleExportSignature, "wherry_v1_turn must be (i32) -> i32, not (i64) -> i32"},
	{"signature_mailbox", RuleExportSignature, "() -> (i32, i32)"},
	{"signature_alloc", RuleExportSignature, "wherry_v1_alloc"},
	{"signature_initialize", RuleExportSignature, "_initialize must be () -> ()"},
	{"init_trapped", RuleInitTrapped, ".boom()"},
	{"init_initialize", RuleInitTrapped, "proc_exit(3)"},
	{"init_data", RuleInitTrapped, "out of bounds"},
	{"init_element", RuleInvalidModule, "element segment 0 is out of bounds: it ends at 3, table 0 has 2 entries"},
	{"init_mailbox", RuleInitTrapped, "unreachable"},
	{"init_endless", RuleInitTrapped, "out_of_fuel"},
	{"turn_trapped", RuleTurnTrapped, ".handle()"},
	{"turn_count", RuleTurnTrapped, "17 commands, the outbox holds 16"},
	{"mailbox_outside", RuleMailboxInvalid, "inside the memory"},
	{"mailbox_negative", RuleMailboxInvalid, "inside the memory"},
	{"mailbox_unaligned", RuleMailboxInvalid, "aligned"},
	{"mailbox_zero", RuleMailboxInvalid, "smaller"},
	{"mailbox_wrap", RuleMailboxInvalid, "inbox is not inside"},
	{"mailbox_overlap", RuleMailboxInvalid, "overlaps the inbox"},
	{"mailbox_outbox_wrap", RuleMailboxInvalid, "outbox is not inside"},
}

func TestRefusals(t *testing.T) {
	h := newHost(t, Config{})
	for _, tc := range refusals {
		t.Run(tc.name, func(t *testing.T) {
			_, err := h.Compile(readGuest(t, "refuse/"+tc.name))
			wantRefusal(t, err, tc.rule, tc.detail)
		})
	}
	if len(h.codes) != 0 {
		t.Errorf("%d refused modules were kept", len(h.codes))
	}
}

// TestEveryRefusalIsListed keeps the directory and the table the same.
func TestEveryRefusalIsListed(t *testing.T) {
	files, err := filepath.Glob("testdata/refuse/*.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(refusals) {
		t.Errorf("%d modules in testdata/refuse, %d in the table", len(files), len(refusals))
	}
}

func wantRefusal(t *testing.T, err error, rule Rule, detail string) {
	t.Helper()
	var refused *AdmissionError
	if !errors.As(err, &refused) {
		t.Fatalf("got %v; want a refusal by %s", err, rule)
	}
	if refused.Rule != rule || !strings.Contains(refused.Detail, detail) {
		t.Errorf("got %s: %s\nwant %s: … %s …", refused.Rule, refused.Detail, rule, detail)
	}
}

func TestRefuseBySize(t *testing.T) {
	echo := readGuest(t, "echo")
	h := newHost(t, Config{MaxModuleBytes: len(echo)})
	compile(t, h, echo)
	_, err := h.Compile(append(echo, 0))
	wantRefusal(t, err, RuleModuleTooBig, "157 bytes, the limit is 156")
}

// TestRefuseLocalsBomb is 2^32-1 locals in a module that is otherwise fine.
func TestRefuseLocalsBomb(t *testing.T) {
	h := newHost(t, Config{})
	bomb := []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x04\x01\x60\x00\x00" + // one type, () -> ()
		"\x03\x02\x01\x00" + // one function
		"\x0a\x0a\x01\x08\x01\xff\xff\xff\xff\x0f\x7f\x0b") // and its body
	_, err := h.Compile(bomb)
	wantRefusal(t, err, RuleLocalsLimit, "4294967295 locals")
}

// TestRefuseTruncated feeds every prefix of a good module.
func TestRefuseTruncated(t *testing.T) {
	h := newHost(t, Config{})
	for _, name := range []string{"minimal", "echo"} {
		wasm := readGuest(t, name)
		for n := range wasm {
			var refused *AdmissionError
			if m, err := h.Compile(wasm[:n:n]); !errors.As(err, &refused) {
				// The custom section of names comes last; a module is whole without it.
				if m == nil || !bytes.Contains(wasm[n:], []byte("name")) {
					t.Errorf("%s cut to %d bytes: %v; want a refusal", name, n, err)
				}
				if m != nil {
					m.Close()
				}
			}
		}
	}
}

func TestInfo(t *testing.T) {
	m := compile(t, newHost(t, Config{MemoryPages: 8}), readGuest(t, "behave"))
	info := m.Info()
	if got := info.Digest.String(); len(got) != 64 {
		t.Errorf("digest %q", got)
	}
	info.Digest = Digest{}
	if n := len(info.Imports); n != 13 || info.Imports[0] != "wherry_v1.flush" {
		t.Errorf("imports %v", info.Imports)
	}
	want := []string{"memory", "wherry_v1_alloc", "wherry_v1_mailbox", "wherry_v1_turn"}
	if !slices.Equal(info.Exports, want) {
		t.Errorf("exports %v; want %v", info.Exports, want)
	}
	if info.ABIVersion != 1 || info.MemoryMinPages != 4 || info.MemoryMaxPages != 8 ||
		info.InboxBytes != 64<<10 || info.OutboxRecords != 1024 || !info.HasAlloc || info.Wants != abi.Writable.Bit() {
		t.Errorf("got %+v", info)
	}
}

func TestLargestMessage(t *testing.T) {
	const inbox = 4096 + 7 // of which the last 7 bytes are of no use
	for _, tc := range []struct {
		alloc       bool
		limit, want int
	}{
		{false, 1 << 20, 4096 - abi.RecordSize},
		{false, 100, 100},
		{true, 1 << 20, 1 << 20},
	} {
		info := Info{InboxBytes: inbox, HasAlloc: tc.alloc}
		if got := info.LargestMessage(tc.limit); got != tc.want {
			t.Errorf("alloc %v, limit %d: got %d; want %d", tc.alloc, tc.limit, got, tc.want)
		}
	}
}

// TestCompileShares has many goroutines compile the same bytes at once.
func TestCompileShares(t *testing.T) {
	h := newHost(t, Config{})
	wasm := guests.Echo()
	modules := make([]*Module, 8)
	var wg sync.WaitGroup
	for i := range modules {
		wg.Go(func() {
			m, err := h.Compile(bytes.Clone(wasm))
			if err != nil {
				t.Error(err)
				return
			}
			modules[i] = m
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	in := instantiate(t, modules[0], InstanceConfig{})
	for _, m := range modules {
		if m.code != modules[0].code {
			t.Error("equal bytes were compiled twice")
		}
		m.Close()
		m.Close()
	}
	if _, err := modules[0].Instantiate(InstanceConfig{}); err == nil {
		t.Error("a closed module was instantiated")
	}
	if len(h.codes) != 1 {
		t.Error("the code of a live instance was let go")
	}
	if _, err := in.Turn(Clock{}, testFuel); err != nil {
		t.Error(err)
	}
	in.Close()
	if len(h.codes) != 0 {
		t.Error("code outlives its last instance")
	}
}

func TestHostClose(t *testing.T) {
	h, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := h.Compile(readGuest(t, "echo"))
	if err != nil {
		t.Fatal(err)
	}
	in, err := m.Instantiate(InstanceConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); !errors.Is(err, ErrHostInUse) {
		t.Errorf("close with a live instance: %v; want ErrHostInUse", err)
	}
	in.Close()
	for range 2 {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := h.Compile(readGuest(t, "echo")); !errors.Is(err, ErrHostClosed) {
		t.Errorf("compile after close: %v; want ErrHostClosed", err)
	}
	if _, err := m.Instantiate(InstanceConfig{}); !errors.Is(err, ErrHostClosed) {
		t.Errorf("instantiate after close: %v; want ErrHostClosed", err)
	}
	m.Close()
}

func TestNewRefusesLimits(t *testing.T) {
	for _, cfg := range []Config{{MaxModuleBytes: -1}, {MemoryPages: maxPages + 1}, {CacheDir: "/dev/null/cache"}} {
		if h, err := New(cfg); err == nil {
			h.Close()
			t.Errorf("%+v was taken", cfg)
		}
	}
}

func TestCacheDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	for range 2 { // the second finds what the first has left
		h := newHost(t, Config{CacheDir: dir})
		in := instantiate(t, compile(t, h, guests.Echo()), InstanceConfig{})
		if _, err := in.Turn(Clock{}, testFuel); err != nil {
			t.Error(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) == 0 {
			t.Errorf("cache directory has %d entries, %v", len(entries), err)
		}
	}
}

// TestNameHijack has a guest call itself wherry_v1 and export the names of
// hostcalls; others still reach the host.
func TestNameHijack(t *testing.T) {
	h := newHost(t, Config{})
	m := compile(t, h, readGuest(t, "hijack"))
	for range 2 { // names do not clash either
		instantiate(t, m, InstanceConfig{})
	}
	victim := instantiate(t, compile(t, h, readGuest(t, "behave")), InstanceConfig{})
	r, err := behave(t, victim, 11, 0, "")
	if err != nil || r.Conn != 1_000 {
		t.Errorf("the victim's clock shows %d, %v; want the host's 1000", r.Conn, err)
	}
}
