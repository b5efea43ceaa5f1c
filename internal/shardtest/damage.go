// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// Flip gives a copy of data with one bit inverted. Bit 0 is the highest bit of the
// first byte.
func Flip(data []byte, bit int64) []byte {
	c := slices.Clone(data)
	c[bit/8] ^= 0x80 >> (bit % 8)
	return c
}

// Chop gives a copy of the first n bytes of data.
func Chop(data []byte, n int64) []byte { return slices.Clone(data[:n]) }

// Patch gives a copy of data with the bytes at offset overwritten. It grows the copy
// when they reach beyond its end.
func Patch(data []byte, offset int64, with []byte) []byte {
	c := slices.Clone(data)
	if n := offset + int64(len(with)) - int64(len(c)); n > 0 {
		c = append(c, make([]byte, n)...)
	}
	copy(c[offset:], with)
	return c
}

// Cut gives a copy of data without the bytes of s.
func Cut(data []byte, s Span) []byte {
	return append(slices.Clone(data[:s.Offset]), data[s.End():]...)
}

// Reseal gives a copy of a TSM file with the checksum of b put right, for damage
// that the checksum must not show.
func Reseal(file []byte, b BlockPlace) []byte {
	c := slices.Clone(file)
	putChecksum(c[b.Offset:b.End()])
	return c
}

// putChecksum sets the checksum at the start of a block as it lies in a file.
func putChecksum(block []byte) {
	binary.BigEndian.PutUint32(block, crc32.ChecksumIEEE(block[4:]))
}
