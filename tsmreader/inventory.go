// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/shardlift/shardlift/point"
)

// TSMFile is one TSM file of a shard, as its name and its index say.
type TSMFile struct {
	Path    string
	Replica int   // which of the sources it belongs to
	Bytes   int64 // size
	// Generation and Sequence are the numbers in its name; Named is false where a file
	// that was named itself has none.
	Generation, Sequence uint64
	Named                bool

	Range      point.TimeRange // of all blocks
	Columns    int
	Blocks     int
	Tombstones bool // some of it is deleted
}

// TSMFiles gives the TSM files of all replicas, in order of precedence.
func (s *Shard) TSMFiles() []TSMFile {
	var out []TSMFile
	for i, r := range s.replicas {
		for _, f := range r.files {
			t := TSMFile{
				Path: f.Path, Replica: i, Bytes: f.size, Range: f.Range,
				Columns: f.Columns, Blocks: f.Blocks, Tombstones: f.stone.r != nil,
			}
			t.Generation, t.Sequence, t.Named = generationOf(filepath.Base(f.Path))
			out = append(out, t)
		}
	}
	return out
}

// generationOf reads the numbers in the name of a TSM file.
func generationOf(name string) (generation, sequence uint64, ok bool) {
	if !isGeneration(name) {
		return 0, 0, false
	}
	stem, _, _ := strings.Cut(name, ".")
	gen, seq, _ := strings.Cut(stem, "-")
	generation, err := strconv.ParseUint(gen, 10, 32)
	if err != nil {
		return 0, 0, false
	}
	sequence, err = strconv.ParseUint(seq, 10, 32)
	return generation, sequence, err == nil
}

// Segments counts the WAL segments of all replicas, and their bytes.
func (s *Shard) Segments() (segments int, bytes int64) {
	for _, r := range s.replicas {
		for _, g := range r.segments {
			bytes += g.Size
		}
		segments += len(r.segments)
	}
	return segments, bytes
}

// Deletes counts what the section's tombstones delete: for each TSM file and column the
// stretches of time, those that touch as one.
func (sec *Section) Deletes() int64 {
	n := int64(0)
	for _, m := range sec.over.stones {
		for _, d := range m {
			n += int64(len(d))
		}
	}
	return n
}
