package wasmhost

import (
	"context"
	"errors"

	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// An image is the state of an instance that has initialised: what is in its
// memory and in its globals, and where its mailbox is. Other instances of the
// module start from a copy of it, and run none of its code to do so.
type image struct {
	memory  []byte // up to the last byte that is not zero
	size    int    // bytes of memory that the instance had
	globals []uint64
	mailAt  uint32
	file    imageFile // memory again, for mapping it, where that is better than to copy it
}

// mapFrom is the size in bytes from which on an image is mapped. A page that is
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
	im.memory = append([]byte(nil), in.memory.bytes[:n]...)
	if n >= mapFrom {
		// Without it the image is copied, which is slower and otherwise the same.
		if im.file.open(im.memory) {
			im.memory = nil
		}
	}
	return im, nil
}

// restore gives in, which has no state yet, that of the image.
func (im *image) restore(in *Instance) error {
	if grow := im.size - len(in.memory.bytes); grow > 0 {
		if _, ok := in.module.Memory().Grow(uint32(grow / pageBytes)); !ok {
			return errors.New("wasmhost: no memory for a copy of an instance")
		}
	}
	copy(in.memory.bytes, im.memory) // nothing where it is mapped
	if len(im.globals) == 0 {
		return nil
	}
	globals := append([]uint64(nil), im.globals...)
	return in.module.ExportedFunction(meter.ExportLoad).CallWithStack(context.Background(), globals)
}

func (im *image) free() { im.file.close() }
