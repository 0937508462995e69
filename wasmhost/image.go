package wasmhost

import (
	"bytes"
	"context"
	"errors"

	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// An image is the state of an instance that has initialised: what is in its
// memory and in its globals, and where its mailbox is. Other instances of the
// module start from a copy of it, and run none of its code to do so.
type image struct {
	extents []extent
	size    int // bytes of memory that the instance had
	globals []uint64
	mailAt  uint32
	file    imageFile // instead of extents, where mapping is better than to copy
}

// An extent is a part of a memory that is not all zeros. What is zeros is there
// already, and to write it would cost a page.
type extent struct {
	at    int
	bytes []byte
}

// extentBytes is a page of the system, or less.
const extentBytes = 4 << 10

// newExtents copies what is not zero of memory.
func newExtents(memory []byte) (list []extent) {
	var zeros [extentBytes]byte
	for at := 0; at < len(memory); at += extentBytes {
		b := memory[at:min(at+extentBytes, len(memory))]
		if bytes.Equal(b, zeros[:len(b)]) {
			continue
		}
		if last := len(list) - 1; last >= 0 && list[last].at+len(list[last].bytes) == at {
			list[last].bytes = append(list[last].bytes, b...)
		} else {
			list = append(list, extent{at, bytes.Clone(b)})
		}
	}
	return list
}

// mapFrom is how many bytes of an image are not in pages of zeros when it is mapped. A page that is
// written costs a fault of some two microseconds then, and a copy of 64 KiB about
// as much: small images are cheaper to copy, and few pages of a large one are
// ever written.
const mapFrom = 256 << 10

// newImage copies the state of in, whose code has run and whose mailbox is at
// mailAt. It returns nil where there is more to an instance than can be copied.
func (in *Instance) newImage(mailAt uint32) (*image, error) {
	p := &in.code.program
	if !p.Snapshots {
		return nil, nil
	}
	im := &image{size: len(in.memory.bytes), mailAt: mailAt, globals: make([]uint64, p.Globals)}
	if p.Globals > 0 {
		if err := in.module.ExportedFunction(meter.ExportSave).CallWithStack(context.Background(), im.globals); err != nil {
			return nil, err
		}
	}
	n := len(in.memory.bytes)
	for n > 0 && in.memory.bytes[n-1] == 0 {
		n--
	}
	im.extents = newExtents(in.memory.bytes[:n])
	full := 0
	for _, e := range im.extents {
		full += len(e.bytes)
	}
	// Where mapping does not work the image is copied, which is slower and
	// otherwise the same.
	if full >= mapFrom && im.file.open(in.memory.bytes[:n]) {
		im.extents = nil
	}
	return im, nil
}

// fits reports whether a memory of so many pages has room for the image.
func (im *image) fits(pages uint32) bool { return uint64(im.size) <= uint64(pages)*pageBytes }

// restore gives in, which has no state yet, that of the image.
func (im *image) restore(in *Instance) error {
	if grow := im.size - len(in.memory.bytes); grow > 0 {
		if _, ok := in.module.Memory().Grow(uint32(grow / pageBytes)); !ok {
			return errors.New("wasmhost: no memory for a copy of an instance")
		}
	}
	for _, e := range im.extents {
		copy(in.memory.bytes[e.at:], e.bytes)
	}
	if len(im.globals) == 0 {
		return nil
	}
	globals := append([]uint64(nil), im.globals...)
	return in.module.ExportedFunction(meter.ExportLoad).CallWithStack(context.Background(), globals)
}

func (im *image) free() { im.file.close() }
