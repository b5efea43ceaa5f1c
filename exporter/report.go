// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// Fault is something that was not exported, or is to be doubted, as the summary and
// the manifest give it.
type Fault struct {
	Database string `json:"database,omitempty"`
	Policy   string `json:"policy,omitempty"`
	Shard    uint64 `json:"shard,omitempty"`
	File     string `json:"file,omitempty"`
	Offset   int64  `json:"offset"`         // first damaged byte of File; -1: not known
	Size     int64  `json:"size,omitempty"` // bytes of File
	Line     int64  `json:"line,omitempty"` // of a text that was checked, from 1; Offset is one in the text, too
	Part     string `json:"part"`           // header, footer, index, block, tombstone, wal, fields.idx, shard, key, value, source
	Key      string `json:"key,omitempty"`  // series or column, as stored
	Values   int64  `json:"values,omitempty"`
	Start    string `json:"start,omitempty"` // RFC 3339: times that may be lost
	End      string `json:"end,omitempty"`
	Lost     bool   `json:"lost"` // false: everything was taken, but something is wrong
	Reason   string `json:"reason"`

	span point.TimeRange // of values that were refused, to be joined with more
}

// String tells place and reason in one line.
func (f *Fault) String() string {
	var b strings.Builder
	if f.Database != "" {
		fmt.Fprintf(&b, "%s.%s shard %d: ", f.Database, f.Policy, f.Shard)
	}
	if f.File != "" {
		fmt.Fprintf(&b, "%s: ", f.File)
	}
	b.WriteString(f.Part)
	if f.Offset >= 0 {
		fmt.Fprintf(&b, " at byte %d", f.Offset)
	}
	if f.Line > 0 {
		fmt.Fprintf(&b, ", line %d", f.Line)
	}
	if f.Key != "" {
		fmt.Fprintf(&b, " of %q", f.Key)
	}
	switch {
	case f.Values == 1:
		b.WriteString(", 1 value")
	case f.Values > 1:
		fmt.Fprintf(&b, ", %d values", f.Values)
	}
	if f.Start != "" {
		fmt.Fprintf(&b, ", %s to %s", f.Start, f.End)
	}
	fmt.Fprintf(&b, ": %s", f.Reason)
	return b.String()
}

// FromReader turns a fault of the reader into one of the report.
func FromReader(db, policy string, id uint64, r *tsmreader.Fault) Fault {
	f := Fault{
		Database: db, Policy: policy, Shard: id, File: r.File, Offset: r.Offset, Size: r.Size,
		Part: string(r.Part), Key: r.Key, Values: r.Values, Lost: r.Lost, Reason: r.Err.Error(),
	}
	f.Start, f.End = r.Range.Texts()
	return f
}

// Unopened gives the fault of a shard that could not be opened.
func Unopened(sh *volume.Shard, err error) Fault {
	return Fault{
		Database: sh.Database, Policy: sh.Policy, Shard: sh.ID,
		File: sh.Replicas[0].Path(), Offset: -1, Part: "shard", Lost: true, Reason: err.Error(),
	}
}

// CountLost counts the faults that lost something.
func CountLost(faults []Fault) int {
	n := 0
	for i := range faults {
		if faults[i].Lost {
			n++
		}
	}
	return n
}

// LeftOut is something that lay in a source and was not read.
type LeftOut struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Totals count what was exported.
type Totals struct {
	Shards int64 `json:"shards"`
	Series int64 `json:"series"` // in each shard anew
	Points int64 `json:"points"`
	Values int64 `json:"values"`
	Bytes  int64 `json:"bytes"` // of text
}

func (t *Totals) add(o Totals) {
	t.Shards += o.Shards
	t.Series += o.Series
	t.Points += o.Points
	t.Values += o.Values
	t.Bytes += o.Bytes
}

// Summary is the outcome of an export.
type Summary struct {
	Totals
	OutputBytes int64     `json:"outputBytes"`
	Start       string    `json:"start,omitempty"` // first and last point
	End         string    `json:"end,omitempty"`
	Files       []string  `json:"files,omitempty"` // written, or kept from a run before
	Kept        int       `json:"kept"`            // how many of them
	Faults      []Fault   `json:"faults"`
	LeftOut     []LeftOut `json:"leftOut"`
	Notes       []string  `json:"notes,omitempty"` // worth knowing, and no fault
	Seconds     float64   `json:"seconds"`
}

// SortFaults puts faults in an order that depends on the sources alone.
func SortFaults(faults []Fault) {
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(a.Database, b.Database), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.Shard, b.Shard),
			cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Reason, b.Reason),
		)
	})
}

// dedupe drops faults that say the same, as those that concern a whole measurement
// do when several runs of series come upon them. The faults must be sorted.
func dedupe(faults []Fault) []Fault { return slices.Compact(faults) }

// parseTime reads what point.FormatTime wrote.
func parseTime(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s) // always well formed
	return t
}
