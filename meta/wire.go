// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"errors"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of a protobuf message.
type field struct {
	num protowire.Number
	typ protowire.Type

	value uint64 // VarintType
	bytes []byte // BytesType; aliases the input
	off   int    // where bytes begins in the input
}

// message is a protobuf message and its place in the input.
type message struct {
	name  string // for errors
	bytes []byte
	off   int
}

// fields calls take for each field of the message, in stored order. Errors of take
// are given the place of the field, but for those that have one.
func (m message) fields(take func(field) error) error {
	for pos := 0; pos < len(m.bytes); {
		f, n, err := m.next(pos)
		if err != nil {
			return corrupt(m.off+pos, m.name, err)
		}
		if err := take(f); err != nil {
			if placed := (*CorruptError)(nil); errors.As(err, &placed) {
				return err
			}
			return corrupt(m.off+pos, fmt.Sprintf("%s, field %d", m.name, f.num), err)
		}
		pos += n
	}
	return nil
}

// next reads the field at pos and gives its length.
func (m message) next(pos int) (f field, length int, err error) {
	b := m.bytes[pos:]
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return field{}, 0, reason(n)
	}
	f = field{num: num, typ: typ}
	size := 0
	switch typ {
	case protowire.VarintType:
		f.value, size = protowire.ConsumeVarint(b[n:])
	case protowire.BytesType:
		f.bytes, size = protowire.ConsumeBytes(b[n:])
		f.off = m.off + pos + n + size - len(f.bytes)
	default:
		size = protowire.ConsumeFieldValue(num, typ, b[n:])
	}
	if size < 0 {
		return field{}, 0, fmt.Errorf("field %d: %w", num, reason(size))
	}
	return f, n + size, nil
}

// reason gives the meaning of a negative length in our own words where it matters.
func reason(n int) error {
	err := protowire.ParseError(n)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errShort
	}
	return err
}

func (f field) want(typ protowire.Type) error {
	if f.typ != typ {
		return fmt.Errorf("wire type %d, want %d", f.typ, typ)
	}
	return nil
}

func (f field) number(dst *uint64) error {
	*dst = f.value
	return f.want(protowire.VarintType)
}

// signed is for int64, int32 and bool alike: plain varints in two's complement.
func signed[T ~int64 | ~int32](f field, dst *T) error {
	*dst = T(f.value)
	if uint64(int64(*dst)) != f.value { //nolint:gosec // the bits are what is compared
		return fmt.Errorf("%d does not fit", f.value)
	}
	return f.want(protowire.VarintType)
}

func (f field) number32(dst *uint32) error {
	if f.value > math.MaxUint32 {
		return fmt.Errorf("%d does not fit", f.value)
	}
	*dst = uint32(f.value)
	return f.want(protowire.VarintType)
}

func (f field) flag(dst *bool) error {
	*dst = f.value != 0
	return f.want(protowire.VarintType)
}

func (f field) text(dst *string) error {
	*dst = string(f.bytes)
	return f.want(protowire.BytesType)
}

// numbers appends a repeated number, which may also come packed.
func (f field) numbers(dst *[]uint64) error {
	if f.typ == protowire.VarintType {
		*dst = append(*dst, f.value)
		return nil
	}
	for b := f.bytes; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return reason(n)
		}
		*dst = append(*dst, v)
		b = b[n:]
	}
	return f.want(protowire.BytesType)
}

// add decodes an embedded message and appends it to a list.
func add[T any](f field, name string, dst *[]T, decode func(message) (T, error)) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	v, err := decode(message{name: name, bytes: f.bytes, off: f.off})
	if err != nil {
		return err
	}
	*dst = append(*dst, v)
	return nil
}
