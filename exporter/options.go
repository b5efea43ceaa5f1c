// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"io"
	"runtime"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/volume"
)

// Compression is how outputs are compressed.
type Compression string

// The compressions.
const (
	None Compression = "none"
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

// Split says what goes into one file.
type Split string

// The ways to split. A stream and a single file are never split.
const (
	SplitNone     Split = "none"
	SplitDatabase Split = "database"
	SplitShard    Split = "shard"
)

// Output is where the text goes: exactly one of the three is set.
type Output struct {
	File   string    // one file, whole or absent
	Dir    string    // files and a manifest; a killed run is carried on
	Stream io.Writer // as it comes
}

// Format is what the text looks like.
type Format struct {
	Compression Compression             `json:"compression"`
	Level       int                     `json:"level"` // 0 is the compression's own default
	Split       Split                   `json:"split"`
	OneField    bool                    `json:"oneFieldPerLine"` // a line for each value, column by column
	Bare        bool                    `json:"lineProtocolOnly"`
	Unsigned    lineprotocol.UnsignedAs `json:"unsigned"`
}

// Options say what to export, how and to where.
type Options struct {
	Catalog   *volume.Catalog
	Selection *filter.Selection
	Output    Output
	Format    Format

	Workers int   // 0: one for each processor
	Memory  int64 // bytes that a shard's WAL and tombstones may take at a time; 0: 16 MiB
	Strict  bool  // stop at the first fault
	Salvage bool  // take WAL entries behind a damaged one

	// For Stream: a piece has no more points and about no more bytes than these, and tells
	// its series if Series is set. 0: what the workers find good.
	PiecePoints, PieceBytes int
	PieceSeries             bool

	Version  string    // of the tool, for the manifest
	Progress *Progress // may be nil

	stream bool // Stream, and not Run
}

func (o Options) withDefaults() Options {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Format.Compression == "" {
		o.Format.Compression = None
	}
	if o.Format.Split == "" {
		o.Format.Split = SplitNone
	}
	if o.Output.Dir == "" {
		o.Format.Split = SplitNone
	}
	if o.Format.Compression == Gzip && o.Format.Level == 0 {
		o.Format.Level = 1
	}
	if o.Format.Compression == Zstd && o.Format.Level == 0 {
		o.Format.Level = 1
	}
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	return o
}
