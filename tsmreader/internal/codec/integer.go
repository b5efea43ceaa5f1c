// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"slices"
)

// zigzag maps the stored form back: 0, 1, 2, 3 → 0, -1, 1, -2.
func zigzag(u uint64) uint64 { return u>>1 ^ -(u & 1) }

// Integers appends the n values of src to dst. Unsigned blocks hold the same with
// the bits of a uint64. Another number of values is ErrCount.
func Integers(dst []int64, src []byte, n int) ([]int64, error) {
	if len(src) == 0 {
		if n == 0 {
			return dst, nil
		}
		return dst, ErrShort
	}
	body := src[1:]
	switch src[0] >> 4 {
	case encRaw:
		return rawIntegers(dst, body, n)
	case encPacked:
		return packedIntegers(dst, body, n)
	case encRun:
		return runIntegers(dst, body, n)
	}
	return dst, ErrEncoding
}

func rawIntegers(dst []int64, src []byte, n int) ([]int64, error) {
	if len(src)%8 != 0 {
		return dst, ErrRagged
	}
	if len(src)/8 != n {
		return dst, ErrCount
	}
	dst = slices.Grow(dst, n)
	v := uint64(0)
	for ; len(src) >= 8; src = src[8:] {
		v += zigzag(word(src))
		dst = append(dst, int64(v)) //nolint:gosec // values wrap by design
	}
	return dst, nil
}

func packedIntegers(dst []int64, src []byte, n int) ([]int64, error) {
	if len(src) < 8 {
		return dst, ErrShort
	}
	v := zigzag(word(src))
	src = src[8:]
	packed, err := packedCount(src)
	if err != nil {
		return dst, err
	}
	if packed+1 != n {
		return dst, ErrCount
	}
	at := len(dst)
	dst = slices.Grow(dst, n)[:at+n]
	out := dst[at:]
	out[0] = int64(v) //nolint:gosec // values wrap by design
	out = out[1:]
	for ; len(src) >= 8; src = src[8:] {
		w := word(src)
		p := packing[w>>60]
		run := out[:p.count] // packedCount added these up
		out = out[p.count:]
		if p.width == 0 { // ones only: each a delta of -1
			for i := range run {
				v--
				run[i] = int64(v) //nolint:gosec // values wrap by design
			}
			continue
		}
		width := p.width & 63
		mask := uint64(1)<<width - 1
		for i := range run {
			v += zigzag(w & mask)
			w >>= width
			run[i] = int64(v) //nolint:gosec // values wrap by design
		}
	}
	return dst, nil
}

// runIntegers decodes a first value, a delta and the number of deltas.
func runIntegers(dst []int64, src []byte, n int) ([]int64, error) {
	if len(src) < 8 {
		return dst, ErrShort
	}
	v := zigzag(word(src))
	src = src[8:]
	delta, w := binary.Uvarint(src)
	if w <= 0 {
		return dst, ErrShort
	}
	count, c := binary.Uvarint(src[w:])
	if c <= 0 {
		return dst, ErrShort
	}
	if w+c != len(src) {
		return dst, ErrTrailing
	}
	if n == 0 || count != uint64(n-1) { //nolint:gosec // n > 0 here
		return dst, ErrCount
	}
	delta = zigzag(delta)
	dst = slices.Grow(dst, n)
	for range n {
		dst = append(dst, int64(v)) //nolint:gosec // values wrap by design
		v += delta
	}
	return dst, nil
}
