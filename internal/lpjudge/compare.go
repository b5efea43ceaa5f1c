// SPDX-License-Identifier: Apache-2.0

package lpjudge

import (
	"fmt"
	"hash/fnv"
	"math/bits"
	"slices"
	"strings"
)

// Sum is a count and a hash of values that does not depend on their order, for sets
// too large to hold. Two sums may be compared with ==.
type Sum struct {
	Count  uint64
	hi, lo uint64
}

// Add takes a value in.
func (s *Sum) Add(v Value) {
	h := fnv.New128a()
	_, _ = h.Write(v.append(make([]byte, 0, 256)))
	var sum [16]byte
	h.Sum(sum[:0])
	var hi, lo uint64
	for i := range 8 {
		hi = hi<<8 | uint64(sum[i])
		lo = lo<<8 | uint64(sum[8+i])
	}
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi, _ = bits.Add64(s.hi, hi, carry)
	s.Count++
}

// String is the count and the hash.
func (s Sum) String() string { return fmt.Sprintf("%d %016x%016x", s.Count, s.hi, s.lo) }

// SumOf sums a list.
func SumOf(values []Value) Sum {
	var s Sum
	for _, v := range values {
		s.Add(v)
	}
	return s
}

// Diff says how got differs from want, a line for each value that is missing, extra,
// different or there twice, in the order of the normal form; nil where nothing is. Of
// more than n lines the rest is only counted.
func Diff(want, got []Value, n int) []string {
	expected := make(map[place]Value, len(want))
	for _, v := range want {
		expected[v.place()] = v
	}
	var lines []string
	seen := make(map[place]bool, len(got))
	for _, v := range got {
		at := v.place()
		w, ok := expected[at]
		switch {
		case seen[at]:
			lines = append(lines, v.String()+"\ttwice")
		case !ok:
			lines = append(lines, v.String()+"\textra")
		case w != v:
			lines = append(lines, fmt.Sprintf("%s\tdiffers: want %c %s", v, w.Type, appendEscaped(nil, w.Val, "")))
		}
		seen[at] = true
	}
	for at, v := range expected {
		if !seen[at] {
			lines = append(lines, v.String()+"\tmissing")
		}
	}
	slices.Sort(lines)
	for i, line := range lines {
		cut := strings.LastIndexByte(line, '\t')
		lines[i] = line[cut+1:] + "\t" + line[:cut]
	}
	if len(lines) > n {
		lines = append(lines[:n:n], fmt.Sprintf("... and %d more", len(lines)-n))
	}
	return lines
}
