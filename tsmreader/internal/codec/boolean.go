// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"slices"
)

// Booleans appends the n values of src to dst. Unused bits of the last byte may be
// anything; a count other than n is ErrCount.
func Booleans(dst []bool, src []byte, n int) ([]bool, error) {
	if len(src) == 0 {
		if n == 0 {
			return dst, nil
		}
		return dst, ErrShort
	}
	if src[0]>>4 != encPacked {
		return dst, ErrEncoding
	}
	count, w := binary.Uvarint(src[1:])
	if w <= 0 {
		return dst, ErrShort
	}
	if count != uint64(n) { //nolint:gosec // n is a length
		return dst, ErrCount
	}
	bits := src[1+w:]
	if len(bits) < (n+7)/8 {
		return dst, ErrShort
	}
	dst = slices.Grow(dst, n)
	for i := range n {
		dst = append(dst, bits[i>>3]&(0x80>>(uint(i)&7)) != 0)
	}
	return dst, nil
}
