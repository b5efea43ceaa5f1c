// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
	"github.com/shardlift/shardlift/tsmreader/internal/tombstone"
	"github.com/shardlift/shardlift/tsmreader/internal/walfile"
)

// overlay holds what is not sorted on disk, for one stretch of keys: the replayed WAL
// and the tombstones of a shard. When it outgrows its budget it gives up the upper
// half of its keys; they come with the next overlay, which starts where this one ends.
type overlay struct {
	from   string // first key
	to     string // first key beyond it; "" is the end
	budget int64
	used   int64
	entry  int64                  // counts WAL entries
	logs   []*walTable            // one for each replica
	stones []map[string]deletions // one for each TSM file, in the order of the inputs

	counts    LogCounts
	conflicts map[string]*Fault // WAL values of another type than their column's, by key
}

// deletions are the deleted windows of one column in one file.
type deletions []point.TimeRange

// What a key and a value cost beside their bytes: map cells, headers, slack of slices.
const (
	keyCost    = 160
	valueCost  = 24
	stringCost = 40
	stoneCost  = 24
)

// overlap reports whether any of the deletions shares a time with r.
func (d deletions) overlap(r point.TimeRange) bool {
	for _, x := range d {
		if x.Overlaps(r) {
			return true
		}
	}
	return false
}

// settle sorts the windows and joins those that touch.
func (d deletions) settle() deletions {
	if len(d) < 2 {
		return d
	}
	slices.SortFunc(d, func(a, b point.TimeRange) int { return cmp.Compare(a.Min, b.Min) })
	out := d[:1]
	for _, r := range d[1:] {
		if last := &out[len(out)-1]; r.Min <= last.Max {
			last.Max = max(last.Max, r.Max)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// covers reports whether the overlay holds key.
func (o *overlay) covers(key []byte) bool {
	return string(key) >= o.from && (o.to == "" || string(key) < o.to)
}

// load replays the WAL and reads the tombstones of the shard. What is wrong with
// the files is reported by the first overlay only, what is wrong with a column by the
// one that holds it.
func (s *Shard) load(from string) (*overlay, []Fault) {
	o := &overlay{from: from, budget: s.opts.Memory, conflicts: map[string]*Fault{}}
	var faults []Fault
	for _, r := range s.replicas {
		for _, f := range r.files {
			stones := map[string]deletions{}
			o.stones = append(o.stones, stones)
			if f.stone.r == nil {
				continue
			}
			faults = append(faults, tombstone.Decode(f.stone.path, f.stone.r, f.stone.size, func(key []byte, t point.TimeRange) {
				o.counts.Tombstones++
				o.addStone(stones, key, t)
			})...)
		}
		t := &walTable{columns: map[string]*walColumn{}}
		o.logs = append(o.logs, t)
		faults = append(faults, o.replay(t, r.segments, s.opts.Salvage)...)
	}
	for _, t := range o.logs {
		t.settle(o)
	}
	for _, m := range o.stones {
		for k, d := range m {
			m[k] = d.settle()
		}
	}
	if from != "" {
		faults = nil
	}
	for _, k := range slices.Sorted(maps.Keys(o.conflicts)) {
		if o.covers([]byte(k)) {
			faults = append(faults, *o.conflicts[k])
		}
	}
	return o, faults
}

func (o *overlay) addStone(stones map[string]deletions, key []byte, t point.TimeRange) {
	if !o.covers(key) {
		return
	}
	have, ok := stones[string(key)]
	if !ok {
		o.used += int64(len(key)) + keyCost
	}
	if n := len(have); n > 0 && have[n-1].Overlaps(t) {
		have[n-1] = have[n-1].Union(t)
		return
	}
	stones[string(key)] = append(have, t)
	o.used += stoneCost
	o.shrink()
}

// replay applies the entries of segments in order.
func (o *overlay) replay(t *walTable, segments []walfile.Segment, salvage bool) []Fault {
	var faults []Fault
	rd := walfile.Reader{Salvage: salvage}
	for _, seg := range segments {
		rd.Reset(seg)
		t.segments = append(t.segments, seg.Path)
		for rd.Next() {
			off := rd.Offset()
			o.entry++
			o.counts.Entries++
			var err error
			if rd.Type() == walfile.Write {
				err = rd.EachWrite(func(v walfile.Values) {
					o.counts.Values += int64(v.Count)
					if !o.covers(v.Key) {
						return
					}
					if !o.write(t, v) {
						o.conflict(seg.Path, off, v)
					}
				})
				o.shrink()
			} else {
				err = rd.EachDelete(func(key []byte, r point.TimeRange) {
					o.counts.Deletes++
					if c := t.columns[string(key)]; c != nil {
						o.used -= c.remove(r)
					}
				})
			}
			if err != nil { // Next checked the body
				faults = append(faults, fault.New(seg.Path, fault.WAL, off, 0, true, err))
			}
		}
		faults = append(faults, rd.Faults()...)
	}
	return faults
}

// conflict notes values that a column does not take. All of one column are one fault,
// at the place of the first.
func (o *overlay) conflict(path string, off int64, v walfile.Values) {
	f := o.conflicts[string(v.Key)]
	if f == nil {
		n := fault.New(path, fault.WAL, off, 0, true, fmt.Errorf("%w: %v", errConflict, v.Kind))
		n.Key = string(v.Key)
		f = &n
		o.conflicts[n.Key] = f
	}
	v.Times(func(t int64) { f.Range = f.Range.Union(point.TimeRange{Min: t, Max: t}) })
}

// write appends the values of one column; false is another type than its first.
func (o *overlay) write(t *walTable, v walfile.Values) bool {
	c := t.columns[string(v.Key)]
	if c == nil {
		c = &walColumn{kind: v.Kind}
		t.columns[string(v.Key)] = c
		o.used += int64(len(v.Key)) + keyCost
	}
	if c.entry == o.entry { // a key that comes twice in one entry: the last list counts
		c.truncate(c.before)
	}
	if len(c.times) == 0 {
		c.kind = v.Kind
	}
	if c.kind != v.Kind {
		return false
	}
	c.entry, c.before, c.segment = o.entry, len(c.times), len(t.segments)-1
	if v.Kind == point.String {
		v.Strings(func(at int64, s []byte) {
			c.times = append(c.times, at)
			c.strings = append(c.strings, string(s))
			o.used += stringCost + int64(len(s))
		})
		return true
	}
	v.Numbers(func(at int64, bits uint64) {
		c.times = append(c.times, at)
		c.bits = append(c.bits, bits)
	})
	o.used += int64(v.Count) * valueCost
	return true
}

// shrink gives up the upper half of the keys when the budget is used up. One series
// alone is never given up: it must be held to be merged.
func (o *overlay) shrink() {
	if o.used <= o.budget {
		return
	}
	var keys []string
	for _, t := range o.logs {
		for k := range t.columns {
			keys = append(keys, k)
		}
	}
	for _, m := range o.stones {
		for k := range m {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	if len(keys) == 0 {
		return
	}
	pivot := seriesStart(keys[len(keys)/2])
	if pivot <= seriesStart(keys[0]) {
		i := sort.Search(len(keys), func(i int) bool { return seriesStart(keys[i]) > pivot })
		if i == len(keys) {
			o.budget = 2 * o.used // nothing to give up: do not look again too soon
			return
		}
		pivot = seriesStart(keys[i])
	}
	o.to = pivot
	for _, t := range o.logs {
		for k, c := range t.columns {
			if k >= pivot {
				o.used -= int64(len(k)) + keyCost + c.remove(point.AllTime)
				delete(t.columns, k)
			}
		}
	}
	for _, m := range o.stones {
		for k, d := range m {
			if k >= pivot {
				o.used -= int64(len(k)) + keyCost + int64(len(d))*stoneCost
				delete(m, k)
			}
		}
	}
}

// seriesStart gives the lowest composite key of the series that key belongs to.
func seriesStart(key string) string {
	if i := strings.Index(key, point.KeySeparator); i >= 0 {
		return key[:i+len(point.KeySeparator)]
	}
	return key
}
