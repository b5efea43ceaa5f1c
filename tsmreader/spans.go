// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/shardlift/shardlift/point"
)

// fileSpan is the times that a file has of the column at hand.
type fileSpan struct {
	in *input
	r  point.TimeRange
}

// addSpan notes that a file has times of the column; of a record that is several chains
// all are one span.
func (c *Cursor) addSpan(in *input, r point.TimeRange) {
	if n := len(c.spans); n > 0 && c.spans[n-1].in == in {
		c.spans[n-1].r = c.spans[n-1].r.Union(r)
		return
	}
	c.spans = append(c.spans, fileSpan{in, r})
}

// markOverlaps marks the files that share times of the column with another one of their
// replica. Copies of one file in two replicas are no overlap.
func (c *Cursor) markOverlaps() {
	if len(c.spans) < 2 {
		return
	}
	order := func(a, b fileSpan) int {
		return cmp.Or(cmp.Compare(a.in.replica, b.in.replica), cmp.Compare(a.r.Min, b.r.Min))
	}
	if !slices.IsSortedFunc(c.spans, order) {
		slices.SortFunc(c.spans, order)
	}
	replica, last, reach := -1, 0, int64(math.MinInt64)
	for i := range c.spans {
		s := &c.spans[i]
		if s.in.replica != replica {
			replica, last, reach = s.in.replica, i, s.r.Max
			continue
		}
		if s.r.Min <= reach {
			c.overlaps[s.in.number], c.overlaps[c.spans[last].in.number] = true, true
		}
		if s.r.Max > reach {
			last, reach = i, s.r.Max
		}
	}
}

// Overlapping marks in dst, by their places in Shard.TSMFiles, the files that Columns
// found to share times of a column with another one of the same replica: points were
// overwritten there, or came late.
func (c *Cursor) Overlapping(dst []bool) {
	for i, o := range c.overlaps {
		if o && i < len(dst) {
			dst[i] = true
		}
	}
}

// fresh counts the values of the column's WAL at times that lie in the span of no file.
func (c *Cursor) fresh(col *column) int {
	most, sorted := 0, false
	for j := range c.chains[col.first : col.first+col.n] {
		ch := &c.chains[col.first+j]
		if ch.in.file != nil || ch.kind != col.kind || ch.slot == nil {
			continue
		}
		if !sorted {
			slices.SortFunc(c.spans, func(a, b fileSpan) int { return cmp.Compare(a.r.Min, b.r.Min) })
			sorted = true
		}
		most = max(most, c.outsideSpans(ch.slot.times[ch.slot.pos:])) // a replica has one
	}
	return most
}

// outsideSpans counts the times, which ascend, in none of the spans, which are sorted.
func (c *Cursor) outsideSpans(times []int64) int {
	n := len(times)
	for i := 0; i < len(c.spans); {
		r := c.spans[i].r
		for i++; i < len(c.spans) && c.spans[i].r.Min <= r.Max; i++ {
			r = r.Union(c.spans[i].r)
		}
		n -= sort.Search(len(times), func(i int) bool { return times[i] > r.Max }) -
			sort.Search(len(times), func(i int) bool { return times[i] >= r.Min })
	}
	return n
}
