// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"

	"github.com/shardlift/shardlift/point"
)

// Place is where points belong on the target. An empty policy is the default one of
// the database.
type Place struct{ Database, Policy string }

// String gives "database.policy".
func (p Place) String() string { return p.Database + "." + p.Policy }

// Batch is a run of points of one place, in the order of the input.
type Batch struct {
	Place  Place
	Text   []byte          // lines of points, each with its line feed; times are nanoseconds
	Points int             // how many
	Span   point.TimeRange // of the first and the last of their times

	// Stretches says what the batch writes, so that no batch overtakes an earlier one that
	// writes the same values. With Unique set it is empty: no two batches of the feed
	// write one value.
	Stretches []Stretch
	Unique    bool

	// Input names the input that the points come from, for people. Lines holds the
	// number of each point's first line there, or nothing where the input has no lines.
	Input string
	Lines []int64

	// Mark is where the feed goes on behind this batch. It goes into the checkpoint as
	// JSON, and comes back to whoever opens the feed again.
	Mark any

	home Place // Options.Home of the place, or nothing
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	*b = Batch{Text: b.Text[:0], Stretches: b.Stretches[:0], Lines: b.Lines[:0], Span: point.NoTime}
}

// Stretch is a run of consecutive points of one series.
type Stretch struct {
	Series uint64          // hash of the series key
	Field  uint64          // hash of the only field of all its points; 0 if they have more
	Span   point.TimeRange // of its times
}

// A Feed hands out batches, in order. It belongs to one goroutine.
type Feed interface {
	// Next fills b, which the caller owns, and which was reset. It is io.EOF at the end.
	// Lines that are no points come as rejects, not as an error; see Batch and Reject.
	Next(ctx context.Context, b *Batch) (Item, error)
}

// Item is what a Feed gave beside the batch's points, to be done before they are sent.
// An item may come without any point.
type Item struct {
	// Statements are DDL that stands in the input before these points.
	Statements []string
	// Rejects are lines that stand before or among these points and are none.
	Rejects []Reject
}

// Reject is a point that was refused, or a line that is none.
type Reject struct {
	Place  Place
	Input  string
	Line   int64 // its first line; 0 where the input has none
	Text   []byte
	Reason string
}
