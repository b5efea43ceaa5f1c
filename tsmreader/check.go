// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/codec"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
	"github.com/shardlift/shardlift/tsmreader/internal/tsmfile"
)

var (
	errUnsorted = errors.New("times do not ascend; they are sorted, and of equal times the last value counts")
	errReaches  = errors.New("the block before reaches into this one, which the index does not say: values may come too late to be merged")
)

// CheckOptions say how Check looks at blocks.
type CheckOptions struct {
	Checksums bool // checksums and types only: blocks are not decoded
	Subset    Subset
	// Some reads the first block of all that a cursor comes upon, though it is not of the subset.
	Some bool
}

// Checked counts what Check looked at.
type Checked struct {
	Series, Columns int64
	Blocks          int64 // that were read
	Skipped         int64 // that are not of the subset, or of which nothing is wanted
	Values          int64 // that were decoded
	Bytes           int64 // of the blocks that were read

	// Values that are sound, and that line protocol has no form for.
	NotNumbers Uncarried // NaN and infinities
	OutOfTime  Uncarried // with a time that no server takes
}

// Add adds the counts of o.
func (n *Checked) Add(o Checked) {
	n.Series += o.Series
	n.Columns += o.Columns
	n.Blocks += o.Blocks
	n.Skipped += o.Skipped
	n.Values += o.Values
	n.Bytes += o.Bytes
	n.NotNumbers.Add(o.NotNumbers)
	n.OutOfTime.Add(o.OutOfTime)
}

// Check stands in for Read: it gives no rows, but looks at each block of the current
// series by itself, those too whose values are deleted or overwritten, in the order of
// their files. Checksums must hold, blocks decode, hold as many times as values, in
// ascending order, and begin and end when the index says. Faults has what is wrong: all
// that Read would report, and more. n is added to.
//
// Blocks are decoded into memory that is used again: none is taken for another one.
func (c *Cursor) Check(o *CheckOptions, n *Checked) {
	n.Series++
	n.Columns += int64(len(c.columns))
	for i := range c.columns {
		col := &c.columns[i]
		for j := range c.chains[col.first : col.first+col.n] {
			c.checkChain(col, &c.chains[col.first+j], o, n)
		}
	}
}

// checkChain looks at the blocks of a chain. Where there is a doubt about the column, its
// blocks are read until one shows that the column has values.
func (c *Cursor) checkChain(col *column, ch *chain, o *CheckOptions, n *Checked) {
	if ch.slot != nil { // values of the WAL, which were checked when they were loaded
		if ch.slot.left() > 0 {
			c.given(col)
			times := ch.slot.times[ch.slot.pos:]
			span := point.TimeRange{Min: times[0], Max: times[len(times)-1]}
			c.countUncarried(col, n, span, times, ch.slot.floats)
		}
		return
	}
	before := ch.next
	read := n.Blocks
	stretch := o.Subset.of(ch.in)
	c.bare.before = math.MinInt64
	for e, ok := c.head(ch); ok; e, ok = c.head(ch) {
		number := ch.rec.Before + ch.next
		ch.next++
		if col.doubt == nil && !stretch.has(e.Offset, number) && (!o.Some || n.Blocks > 0) {
			continue
		}
		c.checkBlock(col, ch, e, o, n)
	}
	n.Skipped += int64(ch.count-before) - (n.Blocks - read)
}

func (c *Cursor) checkBlock(col *column, ch *chain, e tsmfile.Entry, o *CheckOptions, n *Checked) {
	block, err := ch.in.blocks.Block(e)
	if errors.Is(err, tsmfile.ErrOutside) { // reported when the file was opened
		return
	}
	n.Blocks++
	n.Bytes += int64(e.Size)
	if err != nil {
		c.lostBlock(col, ch, e, nil, err)
		return
	}
	kind, times, values, err := codec.Split(block)
	if err == nil && kind == col.kind && o.Checksums && col.doubt == nil {
		return
	}
	b := &c.bare
	if err == nil {
		err = b.decodeTimes(times)
	}
	switch {
	case err != nil:
		c.lostBlock(col, ch, e, nil, err)
		return
	case kind != col.kind:
		c.lostBlock(col, ch, e, b.times, fmt.Errorf("%w: %v, not %v", errConflict, kind, col.kind))
		return
	case len(b.times) == 0:
		err = errEmptyBlock
	default:
		err = b.decodeValues(kind, values)
	}
	if err != nil {
		c.lostBlock(col, ch, e, nil, err)
		c.faults[len(c.faults)-1].Values = int64(len(b.times))
		return
	}
	n.Values += int64(len(b.times))
	c.checkSpan(col, ch, e)
	c.countUncarried(col, n, b.span, b.times, b.floats)
}

// checkSpan compares the times of the block at hand with what the index says, and takes
// note that the column has values, where that matters.
func (c *Cursor) checkSpan(col *column, ch *chain, e tsmfile.Entry) {
	b := &c.bare
	if b.span != e.Range() {
		c.report(ch.source(), fault.Index, e.Offset, int64(e.Size), c.keyOf(col), b.span, false, errIndexTimes)
	}
	if !b.ascend {
		c.report(ch.source(), fault.Block, e.Offset, int64(e.Size), c.keyOf(col), b.span, false, errUnsorted)
	}
	if b.span.Min <= b.before && b.before > math.MinInt64 {
		r := point.TimeRange{Min: b.span.Min, Max: min(b.span.Max, b.before)}
		c.report(ch.source(), fault.Index, e.Offset, int64(e.Size), c.keyOf(col), r, true, errReaches)
	}
	b.before = max(b.before, b.span.Max)
	if col.doubt != nil && !c.alive(b.times, ch.stones).Empty() {
		c.given(col)
	}
}

// bareBlock is one decoded block, in memory that the next one uses again. Columns of one
// series mostly share their times, which then are decoded once.
type bareBlock struct {
	raw    []byte // section that times was decoded from
	times  []int64
	span   point.TimeRange
	ascend bool
	before int64 // last time of the blocks before, of the same chain

	floats  []float64 // of a block that holds what is no number; else empty
	ints    []int64
	bools   []bool
	strings [][]byte
	text    []byte
}

func (b *bareBlock) decodeTimes(section []byte) error {
	if len(section) > 0 && bytes.Equal(section, b.raw) {
		return nil
	}
	b.raw = b.raw[:0]
	var err error
	if b.times, err = codec.Times(b.times[:0], section); err != nil || len(b.times) == 0 {
		return err
	}
	b.raw = append(b.raw, section...)
	b.ascend = true
	for i := 1; i < len(b.times); i++ {
		if b.times[i] <= b.times[i-1] {
			b.ascend = false
		}
	}
	b.span = point.TimeRange{Min: b.times[0], Max: b.times[len(b.times)-1]}
	if !b.ascend {
		b.span = point.TimeRange{Min: slices.Min(b.times), Max: slices.Max(b.times)}
	}
	return nil
}

// decodeValues decodes as many values as there are times.
func (b *bareBlock) decodeValues(kind point.Kind, section []byte) (err error) {
	n := len(b.times)
	b.floats = b.floats[:0]
	switch kind {
	case point.Float:
		var finite bool
		if b.floats, finite, err = codec.FloatsFinite(b.floats, section, n); finite { // then nobody need look at them
			b.floats = b.floats[:0]
		}
	case point.Integer, point.Unsigned:
		b.ints, err = codec.Integers(b.ints[:0], section, n)
	case point.Boolean:
		b.bools, err = codec.Booleans(b.bools[:0], section, n)
	case point.String:
		b.strings, b.text, err = codec.Strings(b.strings[:0], b.text, section, n)
	}
	return err
}
