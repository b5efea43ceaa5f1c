// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"math"
	"strings"

	"github.com/shardlift/shardlift/tsmreader/internal/tsmfile"
)

// Subset chooses blocks for a spot check: those of whole stretches of a file, so that
// disks are read in runs and not block by block. The zero value is all of them.
type Subset struct {
	// Part of Parts equal parts, from 1 on: each block is in one of them, always the same.
	// Parts of 0 is no division.
	Part, Parts int
	// Share of all stretches, above 0, chosen by Seed; 0 is all.
	Share float64
	Seed  uint64
}

// All reports whether nothing is left out.
func (s Subset) All() bool { return s.Parts <= 1 && (s.Share <= 0 || s.Share >= 1) }

// Sizes of stretches: 256 of them in a file, as far as that makes them neither too short
// to be worth a seek nor too long for a choice.
const (
	stretches   = 256
	leastSpan   = 12 // 4 KiB
	longestSpan = 22 // 4 MiB
)

// stretch tells for one file which of its stretches are chosen.
type stretch struct {
	Subset
	all   bool
	shift uint   // an offset, shifted, is the number of its stretch
	phase uint64 // of the file
}

// of gives the choice for f. It goes by the last four names in the path (database, policy,
// shard and file), so that it is the same wherever a volume is mounted.
func (s Subset) of(f *tsmfile.File) stretch {
	if s.All() {
		return stretch{all: true}
	}
	st := stretch{Subset: s, shift: leastSpan, phase: hashPath(f.Path)}
	for st.shift < longestSpan && f.Size>>st.shift > stretches {
		st.shift++
	}
	return st
}

// hashPath is FNV-1a of the last four names of a path.
func hashPath(path string) uint64 {
	from := len(path)
	for range 4 {
		if from = strings.LastIndexByte(path[:max(from, 0)], '/'); from < 0 {
			break
		}
	}
	h := uint64(14695981039346656037)
	for i := from + 1; i < len(path); i++ {
		h = (h ^ uint64(path[i])) * 1099511628211
	}
	return h
}

// has reports whether the block at offset is chosen.
func (s *stretch) has(offset int64) bool {
	if s.all {
		return true
	}
	n := uint64(offset) >> s.shift                                      //nolint:gosec // offsets in a file
	if s.Parts > 1 && (s.phase+n)%uint64(s.Parts) != uint64(s.Part-1) { //nolint:gosec // 1 <= Part <= Parts
		return false
	}
	return s.Share <= 0 || float64(scramble(s.Seed^scramble(s.phase+n))) < s.Share*math.MaxUint64
}

// scramble spreads a number over all 64 bits: the last step of splitmix64.
func scramble(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
