// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"bytes"
	"math"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/codec"
	"github.com/shardlift/shardlift/tsmreader/internal/tsmfile"
)

// pick is a block that is given as it is.
type pick struct {
	col   *column
	chain *chain
	entry tsmfile.Entry
}

// fast gives the next rows without merging: where the columns' next blocks cover the
// same times, no other block, deletion or WAL value reaches into them, and their
// sections of times are the same bytes. It changes nothing when that is not so, and
// leaves damage for the careful way to report.
func (c *Cursor) fast(b *point.Batch) bool {
	if c.wide || !c.pickBlocks() {
		return false
	}
	span := c.picks[0].entry.Range()
	b.Columns = b.Columns[:0]
	for i, p := range c.picks {
		block, err := c.block(p.chain, p.entry)
		if err != nil {
			return false
		}
		kind, times, values, err := codec.Split(block)
		if err != nil || kind != p.col.kind {
			return false
		}
		if i == 0 {
			if !c.firstTimes(b, times, span) {
				return false
			}
		} else if !bytes.Equal(times, c.raw) {
			return false
		}
		if !c.whole(b, p.col, values) {
			return false
		}
	}
	for _, p := range c.picks {
		p.chain.next++
		c.given(p.col)
	}
	c.done, c.started = span.Max, true
	return true
}

// pickBlocks finds the blocks that come next, if they can be given as they are.
func (c *Cursor) pickBlocks() bool {
	c.picks = c.picks[:0]
	first, others := int64(math.MaxInt64), int64(math.MaxInt64)
	for i := range c.columns {
		col := &c.columns[i]
		for j := range c.chains[col.first : col.first+col.n] {
			ch := &c.chains[col.first+j]
			if ch.slot != nil {
				if ch.slot.left() > 0 {
					others = min(others, ch.slot.times[ch.slot.pos])
				}
				continue
			}
			e, ok := c.head(ch)
			if !ok {
				continue
			}
			if e.Min < first {
				for _, p := range c.picks {
					others = min(others, p.entry.Min)
					if !p.chain.trusted {
						return false
					}
				}
				first, c.picks = e.Min, c.picks[:0]
			}
			switch {
			case e.Min > first:
				if !ch.trusted {
					return false
				}
				others = min(others, e.Min)
			default:
				c.picks = append(c.picks, pick{col, ch, e})
			}
		}
	}
	if len(c.picks) == 0 {
		return false
	}
	span := c.picks[0].entry.Range()
	if others <= span.Max || !c.window.Covers(span) || c.started && span.Min <= c.done {
		return false
	}
	for i, p := range c.picks {
		if p.entry.Max != span.Max || p.chain.stones.overlap(span) || i > 0 && p.col == c.picks[i-1].col {
			return false
		}
	}
	return true
}

// firstTimes decodes the times that all columns share.
func (c *Cursor) firstTimes(b *point.Batch, times []byte, span point.TimeRange) bool {
	var err error
	if b.Times, err = codec.Times(b.Times[:0], times); err != nil {
		return false
	}
	n := len(b.Times)
	if n == 0 || n*len(c.picks) > c.limits.cells || b.Times[0] != span.Min || b.Times[n-1] != span.Max {
		return false
	}
	for i := 1; i < n; i++ {
		if b.Times[i] <= b.Times[i-1] {
			return false
		}
	}
	c.raw = append(c.raw[:0], times...)
	return true
}

// whole decodes a block straight into the next column of b.
func (c *Cursor) whole(b *point.Batch, col *column, values []byte) bool {
	n := len(b.Times)
	i := len(b.Columns)
	out := nextColumn(b, col)
	var err error
	switch col.kind {
	case point.Float:
		out.Floats, err = codec.Floats(out.Floats[:0], values, n)
	case point.Integer, point.Unsigned:
		out.Ints, err = codec.Integers(out.Ints[:0], values, n)
	case point.Boolean:
		out.Bools, err = codec.Booleans(out.Bools[:0], values, n)
	case point.String:
		for len(c.text) <= i {
			c.text = append(c.text, nil)
		}
		out.Strings, c.text[i], err = codec.Strings(out.Strings[:0], c.text[i], values, n)
	}
	return err == nil
}

// nextColumn appends a column to b, with the slices that were there before.
func nextColumn(b *point.Batch, col *column) *point.Column {
	if n := len(b.Columns); n < cap(b.Columns) {
		b.Columns = b.Columns[:n+1]
	} else {
		b.Columns = append(b.Columns, point.Column{})
	}
	out := &b.Columns[len(b.Columns)-1]
	out.Field, out.Kind, out.Gaps = col.field, col.kind, nil
	return out
}
