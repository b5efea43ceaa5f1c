// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"errors"
	"fmt"
	"slices"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/codec"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
	"github.com/shardlift/shardlift/tsmreader/internal/tsmfile"
)

// column is one field of the current series with all that the inputs hold of it.
type column struct {
	field      []byte
	start, end int // of the field in names, until it is settled
	kind       point.Kind
	first, n   int   // its chains, in order of precedence
	doubt      error // to be reported with its first value
}

// chain is what one input holds of one column: blocks that follow one another in
// time. A record whose blocks overlap is several chains.
type chain struct {
	in      *input
	kind    point.Kind // of its blocks, as far as is known
	count   int        // blocks
	next    int        // block to load next
	seen    int        // blocks that were decoded once: nothing of them is reported again
	beyond  int        // one more than the first block behind the window, once it was met
	first   int        // block that the values in slot begin with
	from    int        // block of entries[0]
	entries []tsmfile.Entry
	rec     tsmfile.Record // to read further entries with; no key
	times   uint64
	trusted bool // the times in its entries are borne out by a neighbour's
	stones  deletions
	reader  *tsmfile.BlockReader
	slot    *slot
	file    string // segment, of a chain from the WAL
	hidden  int    // values of the WAL that were left out for their type, and their times
	hiddenR point.TimeRange
}

// add appends what in holds of a column of the current series.
func (c *Cursor) add(in *input, field []byte) {
	if n := len(c.columns); n == 0 || string(c.names[c.columns[n-1].start:c.columns[n-1].end]) != string(field) {
		at := len(c.names)
		c.names = append(c.names, field...)
		c.columns = append(c.columns, column{start: at, end: len(c.names), first: len(c.chains)})
	}
	col := &c.columns[len(c.columns)-1]
	before := len(c.chains)
	if in.log != nil {
		c.addLog(in)
	} else {
		c.addRecord(in)
	}
	col.n += len(c.chains) - before
}

// addLog adds the values that the WAL holds of a column.
func (c *Cursor) addLog(in *input) {
	w := in.log.columns[string(in.key)]
	c.chains = append(c.chains, chain{in: in, kind: w.kind, trusted: true, slot: c.logSlot(w), file: in.log.segments[w.segment]})
}

// logSlot copies the values of a WAL column into a slot.
func (c *Cursor) logSlot(w *walColumn) *slot {
	s := c.takeSlot()
	s.times = append(s.times, w.times...)
	for _, b := range w.bits {
		switch w.kind {
		case point.Float:
			s.floats = append(s.floats, floatOf(b))
		case point.Boolean:
			s.bools = append(s.bools, b != 0)
		default:
			s.ints = append(s.ints, int64(b)) //nolint:gosec // bits of the value
		}
	}
	for _, v := range w.strings {
		s.strings = append(s.strings, []byte(v))
	}
	s.drop(w.kind, 0, c.window, nil)
	return s
}

// addRecord adds the blocks that a TSM file holds of a column.
func (c *Cursor) addRecord(in *input) {
	ch := chain{in: in, kind: in.rec.Kind, count: in.rec.Count, rec: in.rec, times: in.rec.Times, stones: in.stones[string(in.key)]}
	ch.rec.Key = nil
	at := len(c.entries)
	if in.rec.Count == 1 {
		c.entries = append(c.entries, in.rec.First)
	} else {
		var err error
		if c.entries, err = in.index.Entries(c.entries, &in.rec, 0, min(in.rec.Count, c.limits.entries)); err != nil {
			c.report(in.file.Path, fault.Index, -1, 0, string(in.key), in.rec.Range(), true, fmt.Errorf("read entries: %w", err))
			return
		}
	}
	ch.entries = c.entries[at:len(c.entries):len(c.entries)]
	if in.last >= 0 {
		if prev := &c.chains[in.last]; prev.times == ch.times && prev.count == ch.count {
			prev.trusted, ch.trusted = true, true
		}
	}
	in.last = len(c.chains)
	if in.rec.Suspect {
		in.last = -1
		c.addSuspect(ch)
		return
	}
	c.chains = append(c.chains, ch)
}

// addSuspect adds a record whose entries' times do not ascend: its blocks overlap,
// or the index is damaged. Every block is looked at for its real times, and the
// blocks are laid into chains that do ascend; a block that stands later wins.
func (c *Cursor) addSuspect(ch chain) {
	all, err := ch.in.index.Entries(nil, &ch.in.rec, 0, ch.count)
	if err != nil {
		c.report(ch.in.file.Path, fault.Index, -1, 0, string(ch.in.key), ch.in.rec.Range(), true, fmt.Errorf("read entries: %w", err))
		return
	}
	var rows [][]tsmfile.Entry
	for _, e := range all {
		e, ok := c.realTimes(&ch, e)
		if !ok {
			continue
		}
		row := 0
		for i, r := range rows {
			if slices.ContainsFunc(r, func(o tsmfile.Entry) bool { return o.Range().Overlaps(e.Range()) }) {
				row = i + 1
			}
		}
		for row < len(rows) && rows[row][len(rows[row])-1].Min > e.Min {
			row++
		}
		if row == len(rows) {
			rows = append(rows, nil)
		}
		rows[row] = append(rows[row], e)
	}
	for _, r := range rows {
		part := ch
		part.entries, part.count, part.trusted = r, len(r), true
		c.chains = append(c.chains, part)
	}
}

// realTimes reads a block for its first and last time. A block that cannot be read
// is reported and left out.
func (c *Cursor) realTimes(ch *chain, e tsmfile.Entry) (tsmfile.Entry, bool) {
	block, err := ch.in.blocks.Block(e)
	var times []byte
	if err == nil {
		_, times, _, err = codec.Split(block)
	}
	if err == nil {
		c.spare, err = codec.Times(c.spare[:0], times)
	}
	if err == nil && len(c.spare) == 0 {
		err = errEmptyBlock
	}
	if err != nil {
		if !errors.Is(err, tsmfile.ErrOutside) { // reported when the file was opened
			c.blockFault(ch, e, string(ch.in.key), err)
		}
		return e, false
	}
	lo, hi := slices.Min(c.spare), slices.Max(c.spare)
	if lo != e.Min || hi != e.Max {
		c.report(ch.in.file.Path, fault.Index, e.Offset, int64(e.Size), string(ch.in.key), e.Range(), false, errIndexTimes)
		e.Min, e.Max = lo, hi
	}
	return e, true
}

// settleColumns gives the columns their names, which moved while they were added.
func (c *Cursor) settleColumns() {
	for i := range c.columns {
		col := &c.columns[i]
		col.field = c.names[col.start:col.end:col.end]
	}
}

// ready settles the kinds of the columns; false where there are none.
func (c *Cursor) ready() bool {
	var listed map[string]point.Kind
	if c.fields.set != nil {
		listed = c.fields.find(c.series)
	}
	for i := range c.columns {
		c.settleKind(&c.columns[i], listed)
	}
	return len(c.columns) > 0
}

// settleKind decides of what kind a column is. Where the index, the WAL and
// fields.idx agree it is that; otherwise the blocks themselves are asked, and if they
// differ, too, the type that fields.idx gives goes, or else the newest one.
func (c *Cursor) settleKind(col *column, listed map[string]point.Kind) {
	chains := c.chains[col.first : col.first+col.n]
	if len(chains) == 0 {
		return
	}
	want, has := listed[string(col.field)]
	col.kind = chains[len(chains)-1].kind
	agree, fromFile := true, false
	for i := range chains {
		agree = agree && chains[i].kind == col.kind
		fromFile = fromFile || chains[i].in.file != nil
	}
	if has && want == col.kind && agree {
		return
	}
	if !has && c.fields.set != nil && fromFile {
		col.doubt = errUnlisted
		if len(c.fields.set) == 0 {
			col.doubt = errListsNone
		}
	}
	fits := false
	for i := range chains {
		c.askBlocks(col, &chains[i])
		fits = fits || chains[i].kind == want
	}
	col.kind = chains[len(chains)-1].kind
	switch {
	case has && fits:
		col.kind = want
	case has:
		col.doubt = fmt.Errorf("%w: %v, not %v", errListedKind, col.kind, want)
	}
	for i := range chains {
		if ch := &chains[i]; ch.kind != col.kind && ch.slot != nil {
			c.leaveOut(col, ch)
		}
	}
}

// askBlocks gives ch the kind that its blocks have, if none of those at hand has the
// kind that the index gives.
func (c *Cursor) askBlocks(col *column, ch *chain) {
	if ch.in.file == nil {
		return
	}
	var first point.Kind
	some := false
	for _, e := range ch.entries {
		k, ok := ch.in.blocks.Kind(e)
		if ok && k == ch.kind {
			return
		}
		if ok && !some {
			first, some = k, true
		}
	}
	if some {
		c.report(ch.source(), fault.Index, -1, 0, c.keyOf(col), ch.rec.Range(), false, errIndexType)
		ch.kind = first
	}
}

// leaveOut empties the slot of a WAL column of another type.
func (c *Cursor) leaveOut(col *column, ch *chain) {
	s := ch.slot
	if s.left() > 0 {
		r := point.TimeRange{Min: s.times[0], Max: s.last()}
		ch.hidden, ch.hiddenR = s.left(), r
		c.report(ch.source(), fault.WAL, -1, 0, c.keyOf(col), r, true, fmt.Errorf("%w: %v, not %v", errConflict, ch.kind, col.kind))
	}
	s.reset()
}

// source names the file that a chain reads.
func (ch *chain) source() string {
	if ch.in.file != nil {
		return ch.in.file.Path
	}
	return ch.file
}

// keyOf gives the composite key of a column, for reports.
func (c *Cursor) keyOf(col *column) string {
	return string(c.series) + point.KeySeparator + string(col.field)
}

// given notes that a column has values. Only then do doubts about it matter: a field
// that was dropped stands in the index, but not in fields.idx, until the next compaction.
func (c *Cursor) given(col *column) {
	if col.doubt == nil {
		return
	}
	if errors.Is(col.doubt, errListsNone) { // the same of all columns
		if sh := c.sec.shard; sh.listsNone.CompareAndSwap(false, true) {
			c.report(sh.fieldsPath, fault.Fields, 0, 0, "", point.NoTime, false, col.doubt)
		}
		col.doubt = nil
		return
	}
	first := &c.chains[col.first]
	for i := 1; i < col.n && first.in.file == nil; i++ {
		first = &c.chains[col.first+i]
	}
	part := fault.Index
	if first.in.file == nil {
		part = fault.WAL
	}
	c.report(first.source(), part, -1, 0, c.keyOf(col), point.NoTime, false, col.doubt)
	col.doubt = nil
}
