// SPDX-License-Identifier: Apache-2.0

package shardtest

import "encoding/binary"

// maxSimple8b is the largest value that a simple8b word holds.
const maxSimple8b = 1<<60 - 1

// simple8bWords lists, by selector, how many values of how many bits a word holds.
// The first two hold ones only and spend no bits on them.
var simple8bWords = [16]struct{ n, bits int }{
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

// AppendSimple8b appends values as simple8b words, each word taking as many of the
// values left as it can. It panics on a value above 2^60-1.
func AppendSimple8b(dst []byte, values []uint64) []byte {
	for len(values) > 0 {
		word, n := packSimple8b(values)
		dst = binary.BigEndian.AppendUint64(dst, word)
		values = values[n:]
	}
	return dst
}

// packSimple8b fills one word from the front of values and returns how many went in.
func packSimple8b(values []uint64) (word uint64, n int) {
	for selector, w := range simple8bWords {
		if len(values) < w.n || !fitSimple8b(values[:w.n], w.bits) {
			continue
		}
		word = uint64(selector) << 60
		for i, v := range values[:w.n] {
			if w.bits > 0 {
				word |= v << (i * w.bits)
			}
		}
		return word, w.n
	}
	panic("shardtest: value above 2^60-1 in simple8b")
}

func fitSimple8b(values []uint64, bits int) bool {
	for _, v := range values {
		if bits == 0 && v != 1 || bits > 0 && v>>bits != 0 {
			return false
		}
	}
	return true
}
