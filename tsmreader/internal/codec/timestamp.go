// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"slices"
)

// The high nibble of the first byte of a section.
const (
	encRaw    = 0
	encPacked = 1
	encRun    = 2
)

// powersOfTen are the scales of time deltas; the low nibble picks one.
var powersOfTen = [13]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12}

// Times appends the timestamps of src to dst. They need not ascend: very old engines
// stored them unsorted. Sums wrap as in the engine.
func Times(dst []int64, src []byte) ([]int64, error) {
	if len(src) == 0 {
		return dst, nil
	}
	exponent := src[0] & 0x0f
	if int(exponent) >= len(powersOfTen) {
		return dst, ErrEncoding
	}
	scale := powersOfTen[exponent]
	body := src[1:]
	switch src[0] >> 4 {
	case encRaw:
		if exponent != 0 {
			return dst, ErrEncoding
		}
		return rawTimes(dst, body)
	case encPacked:
		return packedTimes(dst, body, scale)
	case encRun:
		return runTimes(dst, body, scale)
	}
	return dst, ErrEncoding
}

func rawTimes(dst []int64, src []byte) ([]int64, error) {
	if len(src)%8 != 0 || len(src) == 0 {
		return dst, ErrRagged
	}
	if len(src)/8 > MaxPoints {
		return dst, ErrTooMany
	}
	dst = slices.Grow(dst, len(src)/8)
	t := uint64(0)
	for ; len(src) >= 8; src = src[8:] {
		t += word(src)
		dst = append(dst, int64(t)) //nolint:gosec // times wrap by design
	}
	return dst, nil
}

func packedTimes(dst []int64, src []byte, scale uint64) ([]int64, error) {
	if len(src) < 8 {
		return dst, ErrShort
	}
	t := word(src)
	src = src[8:]
	n, err := packedCount(src)
	if err != nil {
		return dst, err
	}
	dst = slices.Grow(dst, n+1)
	dst = append(dst, int64(t)) //nolint:gosec // times wrap by design
	for ; len(src) >= 8; src = src[8:] {
		w := word(src)
		p := packing[w>>60]
		if p.width == 0 {
			for range p.count {
				t += scale
				dst = append(dst, int64(t)) //nolint:gosec // times wrap by design
			}
			continue
		}
		mask := uint64(1)<<p.width - 1
		for range p.count {
			t += w & mask * scale
			w >>= p.width
			dst = append(dst, int64(t)) //nolint:gosec // times wrap by design
		}
	}
	return dst, nil
}

// runTimes decodes a first time, a delta and the number of times, the first included.
func runTimes(dst []int64, src []byte, scale uint64) ([]int64, error) {
	if len(src) < 8 {
		return dst, ErrShort
	}
	t := word(src)
	src = src[8:]
	delta, w := binary.Uvarint(src)
	if w <= 0 {
		return dst, ErrShort
	}
	count, v := binary.Uvarint(src[w:])
	if v <= 0 {
		return dst, ErrShort
	}
	if w+v != len(src) {
		return dst, ErrTrailing
	}
	if count > MaxPoints {
		return dst, ErrTooMany
	}
	delta *= scale
	dst = slices.Grow(dst, int(count))
	for range count {
		dst = append(dst, int64(t)) //nolint:gosec // times wrap by design
		t += delta
	}
	return dst, nil
}
