// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/codec"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
	"github.com/shardlift/shardlift/tsmreader/internal/tsmfile"
)

var errEmptyBlock = errors.New("block holds no points")

func floatOf(bits uint64) float64 { return math.Float64frombits(bits) }

// takeSlot gives an empty slot.
func (c *Cursor) takeSlot() *slot {
	if n := len(c.slots); n > 0 {
		s := c.slots[n-1]
		c.slots = c.slots[:n-1]
		s.reset()
		return s
	}
	return &slot{}
}

// head gives the entry of the block that ch loads next, passing over those outside
// the window; ok is false behind the last.
func (c *Cursor) head(ch *chain) (e tsmfile.Entry, ok bool) {
	for ; ch.next < ch.count; ch.next++ {
		i := ch.next - ch.from
		if i >= len(ch.entries) {
			if !c.moreEntries(ch) {
				return e, false
			}
			i = 0
		}
		e = ch.entries[i]
		if e.Min > c.window.Max {
			if ch.beyond == 0 {
				ch.beyond = ch.next + 1
			}
			if ch.next+1 == ch.beyond && !c.believes(ch) {
				return e, true
			}
			break
		}
		if e.Max >= c.window.Min {
			return e, true
		}
		if sure := i+1 < len(ch.entries) && ch.entries[i+1].Max < c.window.Min; !sure && !c.believes(ch) {
			return e, true
		}
	}
	ch.next = ch.count
	return e, false
}

// believes reports whether blocks that by the index lie outside the window may be
// passed over unread. Nothing but the blocks proves the index right, so the last one
// before the window and the first one behind it are looked at: of the others the
// neighbours tell that they are far.
func (c *Cursor) believes(ch *chain) bool {
	return ch.trusted || ch.in.file == nil || !ch.in.file.Range.Overlaps(c.window)
}

// moreEntries reads the next run of entries of a chain.
func (c *Cursor) moreEntries(ch *chain) bool {
	n := min(c.limits.entries, ch.count-ch.next)
	var err error
	if cap(ch.entries) < n {
		ch.entries = make([]tsmfile.Entry, 0, c.limits.entries)
	}
	if ch.entries, err = ch.in.lookups.Entries(ch.entries[:0], &ch.rec, ch.next, n); err != nil {
		c.report(ch.source(), fault.Index, -1, 0, string(c.series), ch.rec.Range(), true, fmt.Errorf("read entries: %w", err))
		ch.count = ch.next
		return false
	}
	ch.from = ch.next
	return true
}

// block reads the raw block of e. Where the blocks of the series do not fit the file's
// buffer together, a chain of several reads ahead with a buffer of its own, so that
// columns that lie far apart do not push each other out.
func (c *Cursor) block(ch *chain, e tsmfile.Entry) ([]byte, error) {
	r := ch.in.blocks
	if ch.count > 1 && !c.wide && !ch.in.near() {
		if ch.reader == nil {
			ch.reader = c.takeReader(ch.in.file)
		}
		r = ch.reader
	}
	return r.Block(e)
}

func (c *Cursor) takeReader(f *tsmfile.File) *tsmfile.BlockReader {
	if c.used == len(c.readers) {
		c.readers = append(c.readers, f.NewBlockReader(columnBuffer))
	}
	r := c.readers[c.used]
	c.used++
	r.Reset(f)
	return r
}

// load decodes the next block of ch into s, behind what s holds. False: there is no
// block left. Blocks that cannot be read are reported and passed over, as are those
// of which nothing is wanted.
func (c *Cursor) load(col *column, ch *chain, s *slot) bool {
	for {
		e, ok := c.head(ch)
		if !ok {
			return false
		}
		ch.next++
		again := ch.next <= ch.seen
		ch.seen = max(ch.seen, ch.next)
		at, err := c.decode(col, ch, e, s)
		if err != nil {
			if !again {
				c.lostBlock(col, ch, e, c.spare, err)
			}
			continue
		}
		s.order(col.kind, at)
		span := point.TimeRange{Min: s.times[at], Max: s.last()}
		s.drop(col.kind, at, c.window, ch.stones)
		some := len(s.times) > at
		c.checkTimes(col, ch, e, s, at, span, again)
		if some && s.left() > 0 {
			return true
		}
	}
}

func (c *Cursor) decode(col *column, ch *chain, e tsmfile.Entry, s *slot) (at int, err error) {
	block, err := c.block(ch, e)
	if err != nil {
		return 0, err
	}
	kind, times, values, err := codec.Split(block)
	if err != nil {
		return 0, err
	}
	if kind != col.kind {
		if c.spare, err = codec.Times(c.spare[:0], times); err != nil {
			return 0, err
		}
		return 0, fmt.Errorf("%w: %v, not %v", errConflict, kind, col.kind)
	}
	if at, err = s.decode(kind, times, values); err == nil && len(s.times) == at {
		err = errEmptyBlock
	}
	return at, err
}

// checkTimes compares the times that were decoded, those of span, with those of the
// index, and leaves out values that come too late to be merged. What a slot held already
// is brought in order with them. Of a block that was decoded before nothing is said.
func (c *Cursor) checkTimes(col *column, ch *chain, e tsmfile.Entry, s *slot, at int, span point.TimeRange, again bool) {
	late := 0
	if c.started {
		late = sort.Search(len(s.times)-at, func(i int) bool { return s.times[at+i] > c.done })
	}
	switch {
	case again:
	case late > 0:
		r := point.TimeRange{Min: s.times[at], Max: s.times[at+late-1]}
		c.report(ch.source(), fault.Index, e.Offset, int64(e.Size), c.keyOf(col), r, true, errLate)
	case span != e.Range():
		c.report(ch.source(), fault.Index, e.Offset, int64(e.Size), c.keyOf(col), span, false, errIndexTimes)
	}
	if late > 0 {
		s.remove(col.kind, at, late)
	}
	if at > s.pos && len(s.times) > at && s.times[at] <= s.times[at-1] {
		s.order(col.kind, s.pos)
		for i := range s.starts { // which value aliases which buffer is no longer known
			s.starts[i] = max(s.starts[i], len(s.times))
		}
	}
}

// lostBlock reports a block that gave nothing, unless there was nothing to give. Of one of
// another type times are the times.
func (c *Cursor) lostBlock(col *column, ch *chain, e tsmfile.Entry, times []int64, err error) {
	switch {
	case errors.Is(err, tsmfile.ErrOutside): // reported when the file was opened
	case errors.Is(err, errConflict):
		// Values of a type that the field had before it was deleted are no conflict.
		if r := c.alive(times, ch.stones); !r.Empty() {
			e.Min, e.Max = r.Min, r.Max
			c.blockFault(ch, e, c.keyOf(col), err)
		}
	default:
		c.blockFault(ch, e, c.keyOf(col), err)
	}
}

// alive gives the window of the times that are wanted and not deleted.
func (c *Cursor) alive(times []int64, deleted deletions) point.TimeRange {
	r := point.NoTime
	for _, t := range times {
		if at := (point.TimeRange{Min: t, Max: t}); c.window.Contains(t) && !deleted.overlap(at) {
			r = r.Union(at)
		}
	}
	return r
}

func (c *Cursor) blockFault(ch *chain, e tsmfile.Entry, key string, err error) {
	c.report(ch.source(), fault.Block, e.Offset, int64(e.Size), key, e.Range(), true, err)
}
