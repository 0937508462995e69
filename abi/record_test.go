package abi

import (
	"bytes"
	"strconv"
	"testing"
)

type recordVector struct {
	Name        string
	Hex         wire
	Kind        Kind
	Flags       Flags
	Code        uint32
	Conn, Token string
	Data, Len   uint32
}

// record returns what the vector says in words.
func (v recordVector) record(t testing.TB) Record {
	t.Helper()
	conn, err1 := strconv.ParseUint(v.Conn, 0, 64)
	token, err2 := strconv.ParseUint(v.Token, 0, 64)
	if err1 != nil || err2 != nil {
		t.Fatalf("%s: conn %q, token %q", v.Name, v.Conn, v.Token)
	}
	return Record{Kind: v.Kind, Flags: v.Flags, Code: v.Code, Conn: conn, Data: v.Data, Len: v.Len, Token: token}
}

func TestRecordGolden(t *testing.T) {
	for _, v := range golden[recordVector](t, "records.json") {
		want := v.record(t)
		var got Record
		if !got.Get(v.Hex) || got != want {
			t.Errorf("%s: read %+v; want %+v", v.Name, got, want)
		}
		dst, intact := guarded(RecordSize)
		want.Put(dst)
		if !bytes.Equal(dst, v.Hex) {
			t.Errorf("%s: wrote %x; want %x", v.Name, dst, v.Hex)
		}
		if !intact() {
			t.Errorf("%s: wrote past the record", v.Name)
		}
	}
}

func TestRecordGetShort(t *testing.T) {
	whole := bytes.Repeat([]byte{0xff}, RecordSize)
	for n := range whole {
		r := Record{Kind: Stop}
		if r.Get(whole[:n]) || r != (Record{Kind: Stop}) {
			t.Errorf("%d bytes: read %+v; want nothing", n, r)
		}
	}
}

func TestRecordPutShort(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Put to 31 bytes: want a panic")
		}
	}()
	new(Record).Put(make([]byte, RecordSize-1))
}

func TestRefused(t *testing.T) {
	command := Record{Kind: Publish, Flags: Text | Except, Code: 4, Conn: 7, Data: 1024, Len: 9, Token: 42}
	want := Record{Kind: Fault, Flags: Flags(Publish), Code: uint32(TooBig), Conn: 7, Token: 42}
	if got := command.Refused(TooBig); got != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
}

func TestRecordBudget(t *testing.T) {
	dst := make([]byte, RecordSize)
	r := Record{Kind: Message, Conn: 7}
	if n := testing.AllocsPerRun(100, func() { r.Put(dst); r.Get(dst) }); n != 0 {
		t.Errorf("Put and Get allocate %v times; their budget is 0", n)
	}
}

func TestView(t *testing.T) {
	mem := []byte{0, 1, 2, 3, 4, 5, 6, 7}
	const top = 1<<32 - 1
	for _, tc := range []struct {
		addr, n uint32
		want    []byte
		ok      bool
	}{
		{0, 0, []byte{}, true},
		{0, 8, mem, true},
		{2, 3, []byte{2, 3, 4}, true},
		{8, 0, []byte{}, true},
		{0, 9, nil, false},
		{8, 1, nil, false},
		{9, 0, nil, false},
		{7, top, nil, false}, // would wrap around in 32 bits
		{top, 1, nil, false},
		{top, top, nil, false},
	} {
		got, ok := View(mem, tc.addr, tc.n)
		if ok != tc.ok || !bytes.Equal(got, tc.want) || cap(got) != len(got) {
			t.Errorf("View(%d, %d) = %v of capacity %d, %v; want %v, %v", tc.addr, tc.n, got, cap(got), ok, tc.want, tc.ok)
		}
	}
}

// FuzzRecord: whatever a guest leaves in its outbox, reading it and writing it
// again gives the same bytes.
func FuzzRecord(f *testing.F) {
	for _, v := range golden[recordVector](f, "records.json") {
		f.Add([]byte(v.Hex))
	}
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Record
		if ok := r.Get(b); ok != (len(b) >= RecordSize) {
			t.Fatalf("Get of %d bytes: %v", len(b), ok)
		} else if !ok {
			return
		}
		dst := make([]byte, RecordSize)
		r.Put(dst)
		if !bytes.Equal(dst, b[:RecordSize]) {
			t.Errorf("read %x, wrote %x", b[:RecordSize], dst)
		}
	})
}

// FuzzView: a view is inside the memory, at the address, or refused.
func FuzzView(f *testing.F) {
	f.Add([]byte("memory"), uint32(2), uint32(3))
	f.Add([]byte("memory"), uint32(6), uint32(1<<32-1))
	f.Fuzz(func(t *testing.T, mem []byte, addr, n uint32) {
		view, ok := View(mem, addr, n)
		if inside := uint64(addr)+uint64(n) <= uint64(len(mem)); ok != inside {
			t.Fatalf("ok is %v", ok)
		}
		if ok && (len(view) != int(n) || cap(view) != int(n) || n > 0 && &view[0] != &mem[addr]) {
			t.Errorf("view of %d bytes, capacity %d", len(view), cap(view))
		}
	})
}
