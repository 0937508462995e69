package wherry

import "unsafe"

// A box is how Go represents an any that is no pointer: by its type, and where the
// value is. To make it by hand is what it takes to allocate many values at once;
// TestBox holds it to what Go makes.
type box struct{ kind, at unsafe.Pointer }

// boxOf returns v to be written as a box.
func boxOf(v *any) *box { return (*box)(unsafe.Pointer(v)) }

// any returns what a box is to others.
func (b *box) any() *any { return (*any)(unsafe.Pointer(b)) }

// kindOf returns what the boxes of values of v's type have.
func kindOf(v any) unsafe.Pointer { return boxOf(&v).kind }

// The kinds of boxes.
var (
	kindInt    = kindOf(int64(0))
	kindFloat  = kindOf(float64(0))
	kindString = kindOf("")
	kindArray  = kindOf([]any(nil))
	kindObject = kindOf(Object(nil))
)

// What containers are that are empty.
var emptyArray, emptyObject any = []any{}, Object{}

// slabs are where the values of a text are allocated, many at a time.
type slabs struct {
	strings []string
	arrays  [][]any
	objects []Object
	items   []any    // of arrays that are complete
	members []Member // of objects that are complete
	ints    []int64
	floats  []float64
}

// A slab has room for so many values, but those of first.
const leastSlab, mostSlab = 8, 128

// first is what begins with a text, in one allocation: enough for a small one.
type first struct {
	strings [6]string
	arrays  [2][]any
	objects [2]Object
	items   [4]any
	members [4]Member
	text    [128]byte
}

func (s *slabs) begin(f *first) {
	s.strings, s.arrays, s.objects = f.strings[:0], f.arrays[:0], f.objects[:0]
	s.items, s.members = f.items[:0], f.members[:0]
	s.ints, s.floats = room(s.ints), room(s.floats)
}

// forget drops all that has pointers. Numbers have none: what is left of their slabs
// is for the next text.
func (s *slabs) forget() { *s = slabs{ints: s.ints, floats: s.floats} }

// room returns slab, or one that is larger if that is full.
func room[T any](slab []T) []T {
	if len(slab) < cap(slab) {
		return slab
	}
	return make([]T, 0, min(max(2*cap(slab), leastSlab), mostSlab))
}

// run returns room for n values behind each other, and the slab to go on with.
func run[T any](slab []T, n int) (values, rest []T) {
	if n <= cap(slab)-len(slab) {
		end := len(slab) + n
		return slab[len(slab):end:end], slab[:end]
	}
	if n > mostSlab/4 {
		return make([]T, n), slab
	}
	slab = make([]T, min(max(2*cap(slab), 2*n, leastSlab), mostSlab))
	return slab[:n:n], slab[:n]
}

func (s *slabs) putInt(to *box, n int64) {
	s.ints = append(room(s.ints), n)
	*to = box{kindInt, unsafe.Pointer(&s.ints[len(s.ints)-1])}
}

func (s *slabs) putFloat(to *box, f float64) {
	s.floats = append(room(s.floats), f)
	*to = box{kindFloat, unsafe.Pointer(&s.floats[len(s.floats)-1])}
}

func (s *slabs) putString(to *box, text string) {
	s.strings = append(room(s.strings), text)
	*to = box{kindString, unsafe.Pointer(&s.strings[len(s.strings)-1])}
}

// putArray puts a copy of items.
func (s *slabs) putArray(to *box, items []any) {
	i, j, n := len(s.items), len(s.arrays), len(items)
	if n <= cap(s.items)-i && j < cap(s.arrays) {
		s.items, s.arrays = s.items[:i+n], s.arrays[:j+1]
		s.arrays[j] = s.items[i : i+n : i+n]
		copy(s.items[i:], items)
		*to = box{kindArray, unsafe.Pointer(&s.arrays[j])}
		return
	}
	var own []any
	own, s.items = run(s.items, n)
	copy(own, items)
	s.arrays = append(room(s.arrays), own)
	*to = box{kindArray, unsafe.Pointer(&s.arrays[len(s.arrays)-1])}
}

// putObject puts a copy of members.
func (s *slabs) putObject(to *box, members Object) {
	i, j, n := len(s.members), len(s.objects), len(members)
	if n <= cap(s.members)-i && j < cap(s.objects) {
		s.members, s.objects = s.members[:i+n], s.objects[:j+1]
		s.objects[j] = s.members[i : i+n : i+n]
		copy(s.members[i:], members)
		*to = box{kindObject, unsafe.Pointer(&s.objects[j])}
		return
	}
	var own []Member
	own, s.members = run(s.members, n)
	copy(own, members)
	s.objects = append(room(s.objects), own)
	*to = box{kindObject, unsafe.Pointer(&s.objects[len(s.objects)-1])}
}
