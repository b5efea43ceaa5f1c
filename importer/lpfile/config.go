// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"fmt"
	"io"
	"sync/atomic"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
)

// Defaults of Config.
const (
	DefaultBatchPoints = 10000
	DefaultBatchBytes  = 1 << 20
)

// Config says what to read and what to make of it.
type Config struct {
	// Inputs are files, directories, and "-" for Stdin, read one after the other.
	Inputs []string
	Stdin  io.Reader

	// Database and Policy are where points belong of which the input says nothing.
	Database, Policy string
	Mapping          *importer.Mapping // renames places; nil changes none

	// Selection takes points by time, series and field; nil takes all. What it says
	// of databases, policies and shards does not count here.
	Selection *filter.Selection

	// Precision is the unit of the times in the inputs: ns (the default), us, ms, s, m, h.
	Precision string

	// Now is the time of points that have none, in Unix nanoseconds. It is cut to the
	// precision, as a server does. A run that is carried on must use the first one's.
	Now int64

	// A batch has at most BatchPoints points and BatchBytes bytes of text, but for a
	// single point that is longer. It ends where the place changes, and with its input.
	BatchPoints, BatchBytes int

	Progress *importer.Progress // Read, Total and Points are kept here; may be nil

	// Surveyed counts the bytes that Survey reads: for checksums, and for a deep one; may
	// be nil.
	Surveyed *atomic.Int64

	// Check parses every point in full and makes a reject of what does not parse.
	// Without it that is left to the target: only the borders of points, their times,
	// and what the filters need are looked at.
	Check bool
}

// unitNano gives the nanoseconds of a unit of time.
func unitNano(precision string) (int64, error) {
	switch precision {
	case "", "ns", "n":
		return 1, nil
	case "us", "u", "µs":
		return 1e3, nil
	case "ms":
		return 1e6, nil
	case "s":
		return 1e9, nil
	case "m":
		return 60e9, nil
	case "h":
		return 3600e9, nil
	}
	return 0, fmt.Errorf("precision %q is not one of ns, us, ms, s, m, h", precision)
}

// Skipped counts what was read and is no point, no statement and no reject.
type Skipped struct {
	OutsideWindow int64 `json:"outsideWindow"` // points before the start or after the end
	OtherSeries   int64 `json:"otherSeries"`   // points of series that were not selected
	NoField       int64 `json:"noField"`       // points without a field that was selected
	CutPoints     int64 `json:"cutPoints"`     // points that were taken without some of their fields
	Comments      int64 `json:"comments"`      // lines, context lines among them
}
