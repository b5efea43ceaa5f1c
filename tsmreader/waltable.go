// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"slices"
	"sort"

	"github.com/shardlift/shardlift/point"
)

// walTable is the replayed WAL of one replica.
type walTable struct {
	columns  map[string]*walColumn
	keys     []string // sorted, once the replay is done
	segments []string // paths
}

// walColumn holds the values of one column in the order they came, and after settle
// in time order, each time once.
type walColumn struct {
	kind    point.Kind
	times   []int64
	bits    []uint64 // values of every kind but String
	strings []string
	segment int   // that wrote last
	entry   int64 // the WAL entry that wrote last, and how many values there were before
	before  int
}

// truncate keeps the first n values.
func (c *walColumn) truncate(n int) {
	c.times = c.times[:n]
	if c.kind == point.String {
		c.strings = c.strings[:n]
	} else {
		c.bits = c.bits[:n]
	}
}

// remove drops the values in r and says what memory that gives back.
func (c *walColumn) remove(r point.TimeRange) (freed int64) {
	keep := 0
	for i, t := range c.times {
		if r.Contains(t) {
			if c.kind == point.String {
				freed += stringCost + int64(len(c.strings[i]))
			} else {
				freed += valueCost
			}
			continue
		}
		c.times[keep] = t
		if c.kind == point.String {
			c.strings[keep] = c.strings[i]
		} else {
			c.bits[keep] = c.bits[i]
		}
		keep++
	}
	c.times = c.times[:keep]
	if c.kind == point.String {
		clear(c.strings[keep:])
		c.strings = c.strings[:keep]
	} else {
		c.bits = c.bits[:keep]
	}
	return freed
}

// settle sorts the columns of t by time, keeping the last of equal times, and its
// keys; columns without values, or given up, go.
func (t *walTable) settle(o *overlay) {
	for k, c := range t.columns {
		if len(c.times) == 0 || o.to != "" && k >= o.to {
			delete(t.columns, k)
			continue
		}
		c.settle()
		t.keys = append(t.keys, k)
	}
	sort.Strings(t.keys)
}

func (c *walColumn) settle() {
	sorted := true
	for i := 1; i < len(c.times) && sorted; i++ {
		sorted = c.times[i-1] < c.times[i]
	}
	if sorted {
		return
	}
	order := make([]int, len(c.times))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case c.times[a] < c.times[b]:
			return -1
		case c.times[a] > c.times[b]:
			return 1
		}
		return 0
	})
	n := walColumn{kind: c.kind, segment: c.segment, times: make([]int64, 0, len(order))}
	for i, j := range order {
		if i+1 < len(order) && c.times[order[i+1]] == c.times[j] {
			continue // a later value of the same time follows
		}
		n.times = append(n.times, c.times[j])
		if c.kind == point.String {
			n.strings = append(n.strings, c.strings[j])
		} else {
			n.bits = append(n.bits, c.bits[j])
		}
	}
	*c = n
}
