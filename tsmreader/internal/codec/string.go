// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"slices"

	"github.com/golang/snappy"
)

// Strings appends the n values of src to dst. They alias the returned buffer, which
// is buf where that is large enough; both are valid until buf is used again.
func Strings(dst [][]byte, buf, src []byte, n int) ([][]byte, []byte, error) {
	if len(src) == 0 {
		if n == 0 {
			return dst, buf, nil
		}
		return dst, buf, ErrShort
	}
	if src[0]>>4 != encPacked {
		return dst, buf, ErrEncoding
	}
	buf, err := Unsnap(buf, src[1:])
	if err != nil {
		return dst, buf, err
	}
	if n > len(buf) { // a string takes at least its length byte
		return dst, buf, ErrCount
	}
	dst = slices.Grow(dst, n)
	rest := buf
	for range n {
		var s []byte
		if s, rest, err = cut(rest); err != nil {
			return dst, buf, err
		}
		dst = append(dst, slices.Clip(s))
	}
	if len(rest) != 0 {
		return dst, buf, ErrCount
	}
	return dst, buf, nil
}

// maxExpansion is how many bytes one byte of snappy can stand for, rounded up: a
// copy element of 3 bytes gives at most 64.
const maxExpansion = 22

// Unsnap decodes one snappy block into buf, or into new memory where buf is too
// small. What the input claims to hold is checked before anything is allocated.
func Unsnap(buf, src []byte) ([]byte, error) {
	n, err := snappy.DecodedLen(src)
	if err != nil || n > maxExpansion*len(src) {
		return buf, ErrSnappy
	}
	if cap(buf) < n {
		buf = make([]byte, n+n/4)
	}
	out, err := snappy.Decode(buf[:cap(buf)], src)
	if err != nil {
		return buf, ErrSnappy
	}
	return out, nil
}
