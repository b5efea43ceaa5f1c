// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"math"
	"strings"

	"github.com/shardlift/shardlift/tsmreader/internal/tsmfile"
)

// Subset chooses blocks for a spot check: those of whole stretches of a file, so that
// disks are read in runs and not block by block. A part is of the bytes of a file, a share
// of its blocks. The zero value is all of them.
type Subset struct {
	// Part of Parts equal parts, from 1 on: each block is in one of them, always the same.
	// Parts of 0 is no division.
	Part, Parts int
	// Share of all stretches, above 0, chosen by Seed; 0 is all.
	Share float64
	Seed  uint64
	// Before is how many stretches were to choose from in the shards before: those of all
	// are one sequence, so that small files do not make the share too large or too small.
	Before int64
}

// All reports whether nothing is left out.
func (s Subset) All() bool { return s.Parts <= 1 && (s.Share <= 0 || s.Share >= 1) }

// Sizes of stretches: 256 of them in a file, as far as that makes those of bytes neither too
// short to be worth a seek nor too long for a choice.
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
	run   int    // blocks of a stretch
	phase uint64 // number of the first stretch
}

// of gives the choice for a file. Parts go by the last four names in its path (database,
// policy, shard and file), so that they are the same wherever a volume is mounted, and
// whatever else is in it; shares go by what was before it.
func (s Subset) of(in *input) stretch {
	if s.All() {
		return stretch{all: true}
	}
	st := stretch{Subset: s}
	if s.Parts > 1 {
		st.shift, st.phase = leastSpan, hashPath(in.file.Path)
		for st.shift < longestSpan && in.file.Size>>st.shift > stretches {
			st.shift++
		}
	} else {
		st.run, st.phase = runOf(in.file), uint64(s.Before+in.before) //nolint:gosec // counts
	}
	return st
}

func runOf(f *tsmfile.File) int { return f.Blocks/stretches + 1 }

func stretchesOf(f *tsmfile.File) int64 { return int64((f.Blocks + runOf(f) - 1) / runOf(f)) }

// Stretches is how many a share of the shard's blocks is chosen from.
func (s *Shard) Stretches() int64 {
	n := int64(0)
	for _, r := range s.replicas {
		for _, f := range r.files {
			n += stretchesOf(f.File)
		}
	}
	return n
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

// has reports whether a block is chosen, by its offset and its number in the file.
func (s *stretch) has(offset int64, number int) bool {
	if s.all {
		return true
	}
	if s.Parts > 1 {
		n := s.phase + uint64(offset)>>s.shift       //nolint:gosec // offsets in a file
		return n%uint64(s.Parts) == uint64(s.Part-1) //nolint:gosec // 1 <= Part <= Parts
	}
	n := s.phase + uint64(number/s.run) //nolint:gosec // counts
	if s.Share > 0.5 {                  // what is left out is chosen, of which there is less
		return !s.picks(n, 1-s.Share)
	}
	return s.picks(n, s.Share)
}

// picks reports whether n is one of those that make a share of all numbers. They are
// chosen one in each run of 1/share numbers, at random within it: as many as they should
// be, and without a rhythm that the data may have, too.
func (s *stretch) picks(n uint64, share float64) bool {
	from, to := float64(n)*share, float64(n+1)*share // in runs
	for run := math.Floor(from); run < to; run++ {
		at := run + float64(scramble(s.Seed^scramble(uint64(run)))>>11)/(1<<53)
		if from <= at && at < to {
			return true
		}
	}
	return false
}

// scramble spreads a number over all 64 bits: the last step of splitmix64.
func scramble(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
