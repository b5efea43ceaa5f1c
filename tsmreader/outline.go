// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/codec"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
	"github.com/shardlift/shardlift/tsmreader/internal/tsmfile"
)

// ColumnInfo is what indexes, tombstones and WAL say of one field of a series. Without
// Options.Exact what only the blocks know is not in it: a column whose points were all
// deleted, but piece by piece, still has a Range.
type ColumnInfo struct {
	Field []byte // as stored: unescaped; valid until Next
	Kind  point.Kind
	// Hidden: these values have another type than the column has in this shard, so a
	// query does not see them. The column itself stands before them.
	Hidden bool

	Range  point.TimeRange // of what is in the window and not deleted; empty: nothing is
	Blocks int             // that have a part in the window, deleted or not
	// Bytes of blocks, as far as they are in the window and not deleted: of those that are
	// in part, the share of their time.
	Bytes  int64
	Values int // of the WAL, in the window
	// Fresh are those of Values at times before and behind those of the files. The others may
	// be in the files, too: a server that flushes, or died while it did, has them twice. Of
	// replicas that of the longest WAL counts.
	Fresh int
}

// Columns appends to dst what is known of the columns of the current series, without
// reading a block, but for Options.Exact. They are in the order of their fields. It is
// called between Next and the first Read.
func (c *Cursor) Columns(dst []ColumnInfo) []ColumnInfo {
	for i := range c.columns {
		col := &c.columns[i]
		if !col.kind.Valid() || col.n == 0 {
			continue // of its blocks none can be read: Read gives nothing
		}
		var kinds [point.NumKinds]ColumnInfo
		var found [point.NumKinds]bool
		sure := false
		c.spans = c.spans[:0]
		for j := range c.chains[col.first : col.first+col.n] {
			ch := &c.chains[col.first+j]
			if !ch.kind.Valid() {
				continue
			}
			k := &kinds[ch.kind]
			if !found[ch.kind] {
				k.Range, found[ch.kind] = point.NoTime, true
			}
			r, certain := c.outline(ch, k)
			k.Range = k.Range.Union(r)
			if ch.kind == col.kind {
				sure = sure || certain
			}
		}
		c.markOverlaps()
		kinds[col.kind].Fresh = c.fresh(col)
		if sure {
			c.given(col)
		}
		found[col.kind] = true
		dst = append(dst, kinds[col.kind])
		main := &dst[len(dst)-1]
		main.Field, main.Kind = col.field, col.kind
		for k := range kinds {
			if kind := point.Kind(k); found[k] && kind != col.kind {
				kinds[k].Field, kinds[k].Kind, kinds[k].Hidden = col.field, kind, true
				dst = append(dst, kinds[k])
			}
		}
	}
	return dst
}

// outline adds what a chain holds to k and gives the times of what is neither deleted nor
// outside the window. certain: one of these times is surely a point's.
func (c *Cursor) outline(ch *chain, k *ColumnInfo) (live point.TimeRange, certain bool) {
	if ch.in.file == nil {
		if ch.hidden > 0 {
			k.Values += ch.hidden
			return ch.hiddenR, true
		}
		n := 0
		if ch.slot != nil {
			n = ch.slot.left()
		}
		if n == 0 {
			return point.NoTime, false
		}
		k.Values += n
		return point.TimeRange{Min: ch.slot.times[ch.slot.pos], Max: ch.slot.last()}, true
	}
	if r := ch.rec.Range(); !ch.rec.Suspect && c.window.Covers(r) && !ch.stones.overlap(r) {
		k.Blocks += ch.count
		k.Bytes += ch.rec.Bytes
		live, certain = r, true
	} else {
		live, certain = c.outlineBlocks(ch, k)
	}
	if !live.Empty() {
		c.addSpan(ch.in, live)
	}
	return live, certain
}

// outlineBlocks is outline for a chain of which the window or a tombstone takes a part.
func (c *Cursor) outlineBlocks(ch *chain, k *ColumnInfo) (live point.TimeRange, certain bool) {
	live = point.NoTime
	c.eachEntry(ch, func(e tsmfile.Entry) {
		if !e.Range().Overlaps(c.window) {
			return
		}
		k.Blocks++
		r := ch.stones.trim(e.Range().Intersect(c.window))
		k.Bytes += ch.stones.share(e, r)
		if !r.Empty() && r != e.Range() && c.sec.shard.opts.Exact {
			r = c.exact(ch, e, r)
		}
		certain = certain || !r.Empty() && (r.Min == e.Min || r.Max == e.Max)
		live = live.Union(r)
	})
	return live, certain
}

// exact gives the window of the points of a block that are wanted, or r, if it cannot be
// read: that is said when it is read for its values.
func (c *Cursor) exact(ch *chain, e tsmfile.Entry, r point.TimeRange) point.TimeRange {
	block, err := ch.in.blocks.Block(e)
	if err != nil {
		return r
	}
	_, times, _, err := codec.Split(block)
	if err != nil {
		return r
	}
	if c.spare, err = codec.Times(c.spare[:0], times); err != nil {
		return r
	}
	return c.alive(c.spare, ch.stones)
}

// eachEntry calls f for all entries of a chain, also for those that are not in memory.
func (c *Cursor) eachEntry(ch *chain, f func(e tsmfile.Entry)) {
	for _, e := range ch.entries {
		f(e)
	}
	for at := ch.from + len(ch.entries); at < ch.count; {
		n := min(c.limits.entries, ch.count-at)
		var err error
		if c.looked, err = ch.in.lookups.Entries(c.looked[:0], &ch.rec, at, n); err != nil {
			c.report(ch.source(), fault.Index, -1, 0, string(c.series), ch.rec.Range(), true, fmt.Errorf("read entries: %w", err))
			return
		}
		for _, e := range c.looked {
			f(e)
		}
		at += n
	}
}

// trim gives what is left of r when the deletions are taken off its ends. The ends of a
// block are times of points, so nothing is left if all is deleted in one piece.
func (d deletions) trim(r point.TimeRange) point.TimeRange {
	for _, x := range d {
		if x.Min > r.Min {
			break
		}
		if x.Max >= r.Max {
			return point.NoTime
		}
		if x.Max >= r.Min {
			r.Min = x.Max + 1
		}
	}
	for _, x := range slices.Backward(d) {
		if x.Max < r.Max {
			break
		}
		if x.Min <= r.Max {
			r.Max = x.Min - 1
		}
	}
	return r
}

// share gives how many of a block's bytes stand for the times in r that are not deleted.
func (d deletions) share(e tsmfile.Entry, r point.TimeRange) int64 {
	if r.Empty() || e.Min > e.Max {
		return 0
	}
	left := length(r)
	for _, x := range d {
		if x.Overlaps(r) {
			left -= length(x.Intersect(r))
		}
	}
	return int64(float64(e.Size) * max(left, 0) / length(e.Range()))
}

// length counts the nanoseconds of a window that is not empty.
func length(r point.TimeRange) float64 {
	return float64(uint64(r.Max)-uint64(r.Min)) + 1 //nolint:gosec // the difference fits
}

// Stretch is a run of time of the current series, and what lies in it: bytes of blocks, and
// 8 for each value of the WAL.
type Stretch struct {
	Range point.TimeRange
	Bytes int64
}

// logStretch is how many values of the WAL make a Stretch.
const logStretch = 1000

// Stretches appends to dst how the current series is cut into blocks, in the order of time,
// as far as they are in the window: the blocks of its longest column, those that overlap
// together, for the other columns are mostly cut alike. It is called between Next and the
// first Read.
func (c *Cursor) Stretches(dst []Stretch) []Stretch {
	start, longest, most := len(dst), 0, 0
	for i := range c.columns {
		n := 0
		c.eachOwn(&c.columns[i], func(r point.TimeRange, _ int64) { n++ })
		if n > most {
			longest, most = i, n
		}
	}
	if most == 0 {
		return dst
	}
	c.eachOwn(&c.columns[longest], func(r point.TimeRange, _ int64) { dst = append(dst, Stretch{Range: r}) })
	out := joinStretches(dst[start:])
	for i := range c.columns {
		c.eachOwn(&c.columns[i], func(r point.TimeRange, size int64) {
			at := sort.Search(len(out), func(i int) bool { return out[i].Range.Max >= r.Min })
			out[min(at, len(out)-1)].Bytes += size
		})
	}
	return dst[:start+len(out)]
}

// joinStretches sorts stretches and joins those that overlap.
func joinStretches(all []Stretch) []Stretch {
	slices.SortFunc(all, func(a, b Stretch) int { return cmp.Compare(a.Range.Min, b.Range.Min) })
	out := all[:1]
	for _, s := range all[1:] {
		if last := &out[len(out)-1]; s.Range.Min <= last.Range.Max {
			last.Range = last.Range.Union(s.Range)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// eachOwn calls f for the blocks of a column, and for runs of its values in the WAL, that
// have its type, are not deleted and in the window.
func (c *Cursor) eachOwn(col *column, f func(r point.TimeRange, size int64)) {
	for j := range c.chains[col.first : col.first+col.n] {
		ch := &c.chains[col.first+j]
		if ch.kind != col.kind {
			continue
		}
		if ch.in.file != nil {
			c.eachEntry(ch, func(e tsmfile.Entry) {
				if e.Range().Overlaps(c.window) && e.Min <= e.Max && !ch.stones.trim(e.Range()).Empty() {
					f(e.Range(), int64(e.Size))
				}
			})
			continue
		}
		if ch.slot == nil {
			continue
		}
		for times := ch.slot.times[ch.slot.pos:]; len(times) > 0; {
			n := min(len(times), logStretch)
			f(point.TimeRange{Min: times[0], Max: times[n-1]}, int64(n)*8)
			times = times[n:]
		}
	}
}
