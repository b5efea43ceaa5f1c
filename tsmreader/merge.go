// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"math"
	"slices"
	"sort"

	"github.com/shardlift/shardlift/point"
)

// Read fills b with the next rows of the series. Its memory is the cursor's and valid
// until the next call of Read or Next. False is the end of the series; columns
// without a value in these rows are not in b.
func (c *Cursor) Read(b *point.Batch) bool {
	return c.fast(b) || c.merge(b)
}

// merge gives rows that several blocks, files or the WAL have a part in.
func (c *Cursor) merge(b *point.Batch) bool {
	for {
		hi, ok := c.bound()
		if !ok {
			return false
		}
		hi = c.unite(hi)
		if len(c.union) > 0 {
			c.emit(b, hi)
			c.done, c.started = hi, true
			return true
		}
		if c.wide {
			return false
		}
	}
}

// each calls f for every chain of the series.
func (c *Cursor) each(f func(col *column, ch *chain)) {
	for i := range c.columns {
		col := &c.columns[i]
		for j := range c.chains[col.first : col.first+col.n] {
			f(col, &c.chains[col.first+j])
		}
	}
}

// bound loads what the next rows may come from and says up to which time all of it is
// at hand. ok is false when nothing is left.
func (c *Cursor) bound() (hi int64, ok bool) {
	if c.wide {
		return c.boundWide()
	}
	start := int64(math.MaxInt64)
	c.held = 0
	c.each(func(_ *column, ch *chain) {
		if ch.slot != nil && ch.slot.left() == 0 {
			c.free(ch)
		}
		if ch.slot != nil {
			start, ok = min(start, ch.slot.times[ch.slot.pos]), true
			c.held += ch.slot.weight()
		} else if e, more := c.head(ch); more {
			start, ok = min(start, e.Min), true
		}
	})
	if !ok {
		return 0, false
	}
	c.each(func(col *column, ch *chain) {
		if e, more := c.head(ch); more && ch.slot == nil && (e.Min <= start || !ch.trusted) && c.held <= c.limits.values {
			c.fetch(col, ch)
		}
	})
	if c.held > c.limits.values {
		c.goWide()
		return c.boundWide()
	}
	for {
		hi, rows := c.reach()
		if rows >= c.limits.fewRows || hi == math.MaxInt64 || c.held > c.limits.values || !c.extend(hi) {
			return hi, true
		}
	}
}

// fetch loads the next block of a chain behind what it holds.
func (c *Cursor) fetch(col *column, ch *chain) {
	if ch.slot == nil {
		ch.slot, ch.first = c.takeSlot(), ch.next
	}
	c.held -= ch.slot.weight()
	ch.slot.forget(col.kind)
	if !c.load(col, ch, ch.slot) && ch.slot.left() == 0 {
		c.free(ch)
		return
	}
	// A block that reaches further than the index said may hold times of the next one.
	for e, more := c.head(ch); more && e.Min <= ch.slot.last() && ch.slot.weight() <= c.limits.values; e, more = c.head(ch) {
		if !c.load(col, ch, ch.slot) {
			break
		}
	}
	c.held += ch.slot.weight()
}

// goWide goes over to merging with one slot, in the middle of a series.
func (c *Cursor) goWide() {
	c.wide = true
	c.each(func(_ *column, ch *chain) {
		if ch.in.file == nil || ch.slot == nil {
			return
		}
		c.free(ch)
		ch.next = ch.first
		if ch.next < ch.from { // its entries have gone on
			ch.entries, ch.from = ch.entries[:0], ch.next
		}
	})
}

// reach says up to which time everything is loaded, and how many rows at least that gives.
func (c *Cursor) reach() (hi int64, rows int) {
	hi = math.MaxInt64
	c.each(func(_ *column, ch *chain) {
		if e, more := c.head(ch); more {
			if ch.slot != nil && ch.slot.left() > 0 {
				hi = min(hi, ch.slot.last())
			} else {
				hi = min(hi, e.Min-1)
			}
		}
	})
	c.each(func(_ *column, ch *chain) {
		if ch.slot != nil {
			rows = max(rows, ch.slot.upTo(hi))
		}
	})
	return hi, rows
}

// extend loads one more block of the chains that keep the reach at hi.
func (c *Cursor) extend(hi int64) (grown bool) {
	c.each(func(col *column, ch *chain) {
		e, more := c.head(ch)
		if !more {
			return
		}
		if ch.slot != nil && ch.slot.left() > 0 {
			if ch.slot.last() != hi {
				return
			}
		} else if e.Min-1 != hi {
			return
		}
		c.fetch(col, ch)
		grown = true
	})
	return grown
}

// boundWide is bound for a series with too many chains to hold their blocks.
func (c *Cursor) boundWide() (hi int64, ok bool) {
	hi = math.MaxInt64
	c.each(func(col *column, ch *chain) {
		s := c.view(col, ch)
		if s == nil {
			return
		}
		ok = true
		if ch.next+1 < ch.count {
			hi = min(hi, s.last())
		}
	})
	return hi, ok
}

// view gives what a chain holds of the rows to come, or nil. In a wide series that is
// decoded anew each time, into the one scratch slot.
func (c *Cursor) view(col *column, ch *chain) *slot {
	if !c.wide || ch.slot != nil {
		if ch.slot == nil || ch.slot.left() == 0 {
			return nil
		}
		return ch.slot
	}
	for {
		s := &c.scratch
		s.reset()
		if !c.load(col, ch, s) {
			return nil
		}
		if c.started {
			s.pos = sort.Search(len(s.times), func(i int) bool { return s.times[i] > c.done })
		}
		if s.left() > 0 {
			ch.next-- // to be decoded again
			return s
		}
	}
}

// unite collects the times of the next rows, as many as a batch takes, and gives the
// time up to which they go.
func (c *Cursor) unite(hi int64) int64 {
	c.union = c.union[:0]
	c.each(func(col *column, ch *chain) {
		s := c.view(col, ch)
		if s == nil {
			return
		}
		ts := s.times[s.pos : s.pos+s.upTo(hi)]
		if len(ts) > c.rows {
			ts = ts[:c.rows]
			hi = ts[len(ts)-1]
		}
		switch {
		case len(ts) == 0 || slices.Equal(c.union, ts):
			return
		case len(c.union) == 0:
			c.union = append(c.union, ts...)
		case c.union[len(c.union)-1] < ts[0]:
			c.union = append(c.union, ts...)
		default:
			c.spare = mergeTimes(c.spare[:0], c.union, ts)
			c.union, c.spare = c.spare, c.union
		}
		if len(c.union) > c.rows {
			c.union = c.union[:c.rows]
			hi = min(hi, c.union[c.rows-1])
		}
	})
	n := len(c.union)
	for n > 0 && c.union[n-1] > hi {
		n--
	}
	c.union = c.union[:n]
	return hi
}

// mergeTimes appends the ascending union of a and b to dst.
func mergeTimes(dst, a, b []int64) []int64 {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			dst = append(dst, a[0])
			a = a[1:]
		case a[0] > b[0]:
			dst = append(dst, b[0])
			b = b[1:]
		default:
			dst = append(dst, a[0])
			a, b = a[1:], b[1:]
		}
	}
	return append(append(dst, a...), b...)
}

// emit writes the rows of the united times to b, up to hi. Of several values of one
// column at one time the chain with the highest precedence, which comes last, wins.
func (c *Cursor) emit(b *point.Batch, hi int64) {
	b.Times = append(b.Times[:0], c.union...)
	b.Columns = b.Columns[:0]
	c.arena.reset()
	for i := range c.columns {
		col := &c.columns[i]
		var out *point.Column
		filled := 0
		var gaps []uint64
		for j := range c.chains[col.first : col.first+col.n] {
			ch := &c.chains[col.first+j]
			s := c.view(col, ch)
			if s == nil {
				continue
			}
			n := s.upTo(hi)
			if n == 0 {
				continue
			}
			if out == nil {
				out = nextColumn(b, col)
				gaps = c.openColumn(out, len(b.Columns)-1, len(b.Times))
			}
			filled += c.place(out, gaps, b.Times, s, n)
			s.pos += n
			if !c.wide && s.left() == 0 {
				c.free(ch)
			}
		}
		if out == nil {
			continue
		}
		c.given(col)
		if filled < len(b.Times) {
			out.Gaps = gaps
		}
	}
}

// openColumn sizes the values of a column for rows and gives its gaps, all marked.
func (c *Cursor) openColumn(out *point.Column, i, rows int) []uint64 {
	switch out.Kind {
	case point.Float:
		out.Floats = slices.Grow(out.Floats[:0], rows)[:rows]
	case point.Integer, point.Unsigned:
		out.Ints = slices.Grow(out.Ints[:0], rows)[:rows]
	case point.Boolean:
		out.Bools = slices.Grow(out.Bools[:0], rows)[:rows]
	case point.String:
		out.Strings = slices.Grow(out.Strings[:0], rows)[:rows]
	}
	for len(c.gaps) <= i {
		c.gaps = append(c.gaps, nil)
	}
	words := point.GapWords(rows)
	c.gaps[i] = slices.Grow(c.gaps[i][:0], words)[:words]
	for w := range c.gaps[i] {
		c.gaps[i][w] = math.MaxUint64
	}
	return c.gaps[i]
}

// place writes the next n values of s to their rows and says how many rows that
// had none they fill.
func (c *Cursor) place(out *point.Column, gaps []uint64, rows []int64, s *slot, n int) (filled int) {
	row := 0
	for i := s.pos; i < s.pos+n; i++ {
		for rows[row] < s.times[i] {
			row++
		}
		if gaps[row>>6]&(1<<(uint(row)&63)) != 0 {
			point.ClearGap(gaps, row)
			filled++
		}
		switch out.Kind {
		case point.Float:
			out.Floats[row] = s.floats[i]
		case point.Integer, point.Unsigned:
			out.Ints[row] = s.ints[i]
		case point.Boolean:
			out.Bools[row] = s.bools[i]
		case point.String:
			out.Strings[row] = s.strings[i]
			if c.wide {
				out.Strings[row] = c.arena.copy(s.strings[i])
			}
		}
	}
	return filled
}
