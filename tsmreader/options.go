// SPDX-License-Identifier: Apache-2.0

package tsmreader

import "github.com/shardlift/shardlift/point"

// Source is one replica of a shard on disk. Each of the directories may be missing;
// a single TSM file can stand for the data directory.
type Source struct {
	DataDir string
	WALDir  string
	TSMFile string
}

// Options say what of a shard to read, and with how much memory.
type Options struct {
	// Window is what times to give; the zero value is all of them.
	Window point.TimeRange
	// TakeSeries and TakeField choose series, by stored key, and fields; nil takes all.
	// They are called from several goroutines.
	TakeSeries func(series []byte) bool
	TakeField  func(field []byte) bool
	// ByColumn gives each column as a series of its own.
	ByColumn bool
	// Memory is what the WAL and the tombstones of a shard may take, in bytes; more of
	// them is read in several passes. 0 is 16 MiB.
	Memory int64
	// Salvage takes WAL entries behind a damaged one, which the engine drops.
	Salvage bool
	// Buffer is how many bytes of a file's blocks a cursor reads at a time, where there are
	// not too many files; 0 is 128 KiB.
	Buffer int
	// Exact makes Columns read the blocks of which the window or a tombstone takes a part, so
	// that Range is that of points.
	Exact bool
	// Parallel is how many files are opened at a time; 0 is 1.
	Parallel int
}

func (o Options) withDefaults() Options {
	if o.Window == (point.TimeRange{}) {
		o.Window = point.AllTime
	}
	if o.Memory <= 0 {
		o.Memory = 16 << 20
	}
	if o.Parallel <= 0 {
		o.Parallel = 1
	}
	return o
}
