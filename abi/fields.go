package abi

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// Fields are name and value pairs, one after the other, order and duplicates
// kept:
//
//	├─ name_len u16 ─┼─ zero u16 ─┼─ value_len u32 ─┼─ name ─┼─ value ─┼─ zeros to 4 ─┤
//
// Names are lower case; a name that starts with a colon is a pseudo-field.

// FieldHeader is the size of what is in front of a field's name, in bytes.
const FieldHeader = 8

// Names of pseudo-fields. FieldParam is a prefix: ":param.room".
const (
	FieldMethod     = ":method"
	FieldPath       = ":path"
	FieldQuery      = ":query"
	FieldAuthority  = ":authority"
	FieldScheme     = ":scheme"
	FieldPeer       = ":peer"
	FieldProtocols  = ":protocols" // what the client offered, comma separated
	FieldProtocol   = ":protocol"  // accept: the one that the guest picks
	FieldRoute      = ":route"
	FieldParam      = ":param."
	FieldBody       = ":body"
	FieldAttachment = ":attachment"
	FieldTenant     = ":tenant"
	FieldInstance   = ":instance"
	FieldConfig     = ":config."
	FieldMaxMessage = ":limit.message" // decimal, bytes
)

// ErrFields is returned for a block of fields that is cut short or malformed.
var ErrFields = errors.New("abi: malformed fields")

// FieldSize returns the size of a field in bytes, padding included.
func FieldSize(name, value int) int { return (FieldHeader + name + value + 3) &^ 3 }

// PutField writes one field to the front of dst and returns its padded size, or
// 0 if dst is too small, the name is longer than 65535 bytes or the value is
// longer than 32 bits can say. It never allocates and never writes past dst.
func PutField[N, V []byte | string](dst []byte, name N, value V) int {
	size := FieldSize(len(name), len(value))
	if len(dst) < size || len(name) > math.MaxUint16 || uint64(len(value)) > math.MaxUint32 {
		return 0
	}
	binary.LittleEndian.PutUint16(dst[0:], uint16(len(name)))
	binary.LittleEndian.PutUint16(dst[2:], 0)
	binary.LittleEndian.PutUint32(dst[4:], uint32(len(value)))
	end := FieldHeader
	end += copy(dst[end:], name)
	end += copy(dst[end:], value)
	clear(dst[end:size]) // padding must not leak what was there before
	return size
}

// AppendField appends one field to dst. It panics if the name is longer than
// 65535 bytes or the value longer than 32 bits can say: the host bounds both
// long before.
func AppendField[N, V []byte | string](dst []byte, name N, value V) []byte {
	start, size := len(dst), FieldSize(len(name), len(value))
	dst = slices.Grow(dst, size)[:start+size]
	if PutField(dst[start:], name, value) == 0 {
		panic("abi: field is too long")
	}
	return dst
}

// NextField reads the field at the front of b and returns it with what follows.
// Name and value are views into b. ok is false at the end, where err is nil,
// and for a field that is cut short, where err is [ErrFields].
func NextField(b []byte) (name, value, rest []byte, ok bool, err error) {
	if len(b) == 0 {
		return nil, nil, nil, false, nil
	}
	if len(b) < FieldHeader {
		return nil, nil, nil, false, ErrFields
	}
	n := uint64(binary.LittleEndian.Uint16(b[0:]))
	v := uint64(binary.LittleEndian.Uint32(b[4:]))
	end := FieldHeader + n + v
	if end > uint64(len(b)) || binary.LittleEndian.Uint16(b[2:]) != 0 {
		return nil, nil, nil, false, ErrFields
	}
	name = b[FieldHeader : FieldHeader+n : FieldHeader+n]
	value = b[FieldHeader+n : end : end]
	// The last field's padding may be cut off with the block.
	rest = b[min((end+3)&^3, uint64(len(b))):]
	return name, value, rest, true, nil
}
