// SPDX-License-Identifier: Apache-2.0

package lpjudge

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// unpacker reads MessagePack. Servers answer in it on request, and unlike JSON it keeps
// the bits of floats, all 64 bits of integers, and strings that are not UTF-8.
type unpacker struct {
	r *bufio.Reader
}

// maxLength bounds what a length may claim; answers come in chunks far below it.
const maxLength = 1 << 30

// value reads one value: nil, bool, int64, uint64, float64, string, []any or
// map[string]any. Numbers keep the signedness under which they were sent, except that
// those below 128 are int64. io.EOF is a clean end.
func (u *unpacker) value() (any, error) {
	c, err := u.r.ReadByte()
	if err != nil {
		return nil, err
	}
	v, err := u.tagged(c)
	if err == io.EOF { //nolint:errorlint // bufio gives it bare
		err = io.ErrUnexpectedEOF
	}
	return v, err
}

func (u *unpacker) tagged(c byte) (any, error) {
	switch {
	case c < 0x80:
		return int64(c), nil
	case c < 0x90:
		return u.object(uint64(c & 0x0f))
	case c < 0xa0:
		return u.array(uint64(c & 0x0f))
	case c < 0xc0:
		return u.text(uint64(c & 0x1f))
	case c >= 0xe0:
		return int64(c) - 256, nil
	}
	switch c {
	case 0xc0:
		return nil, nil
	case 0xc2, 0xc3:
		return c == 0xc3, nil
	case 0xca:
		n, err := u.number(4)
		return float64(math.Float32frombits(uint32(n))), err
	case 0xcb:
		n, err := u.number(8)
		return math.Float64frombits(n), err
	case 0xcc, 0xcd, 0xce, 0xcf:
		return u.number(1 << (c - 0xcc))
	case 0xd0, 0xd1, 0xd2, 0xd3:
		return u.signed(1 << (c - 0xd0))
	}
	return u.sized(c)
}

// sized reads the kinds that have a length in front.
func (u *unpacker) sized(c byte) (any, error) {
	kinds := map[byte]struct {
		width int
		read  func(uint64) (any, error)
	}{
		0xc4: {1, u.text}, 0xc5: {2, u.text}, 0xc6: {4, u.text}, // binary
		0xd9: {1, u.text}, 0xda: {2, u.text}, 0xdb: {4, u.text},
		0xdc: {2, u.array}, 0xdd: {4, u.array},
		0xde: {2, u.object}, 0xdf: {4, u.object},
	}
	kind, ok := kinds[c]
	if !ok {
		return nil, fmt.Errorf("byte %#x in MessagePack", c)
	}
	n, err := u.number(kind.width)
	if err != nil {
		return nil, err
	}
	if n > maxLength {
		return nil, fmt.Errorf("length %d in MessagePack", n)
	}
	return kind.read(n)
}

// number reads a big-endian number of width bytes.
func (u *unpacker) number(width int) (uint64, error) {
	var b [8]byte
	if _, err := io.ReadFull(u.r, b[8-width:]); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(b[:]), nil
}

func (u *unpacker) signed(width int) (any, error) {
	n, err := u.number(width)
	shift := 64 - 8*width
	return int64(n<<shift) >> shift, err
}

func (u *unpacker) text(n uint64) (any, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(u.r, b)
	return string(b), err
}

func (u *unpacker) array(n uint64) (any, error) {
	var list []any
	for range n {
		v, err := u.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (u *unpacker) object(n uint64) (any, error) {
	m := map[string]any{}
	for range n {
		k, err := u.value()
		if err != nil {
			return nil, err
		}
		key, ok := k.(string)
		if !ok {
			return nil, fmt.Errorf("key %v in MessagePack", k)
		}
		if m[key], err = u.value(); err != nil {
			return nil, err
		}
	}
	return m, nil
}
