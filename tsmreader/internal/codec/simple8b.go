// SPDX-License-Identifier: Apache-2.0

package codec

import "encoding/binary"

// packing says for each selector of a simple8b word how many values it holds and
// how wide each is. Selectors 0 and 1 hold nothing but ones.
var packing = [16]struct {
	count int
	width uint
}{
	{240, 0},
	{120, 0},
	{60, 1},
	{30, 2},
	{20, 3},
	{15, 4},
	{12, 5},
	{10, 6},
	{8, 7},
	{7, 8},
	{6, 10},
	{5, 12},
	{4, 15},
	{3, 20},
	{2, 30},
	{1, 60},
}

// packedCount adds up how many values the words of src hold.
func packedCount(src []byte) (int, error) {
	if len(src)%8 != 0 {
		return 0, ErrRagged
	}
	n := 0
	for i := 0; i < len(src); i += 8 {
		n += packing[src[i]>>4].count
	}
	if n > MaxPoints {
		return 0, ErrTooMany
	}
	return n, nil
}

// word reads the big-endian word at the start of b.
func word(b []byte) uint64 { return binary.BigEndian.Uint64(b) }
