// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
	"github.com/shardlift/shardlift/tsmreader/internal/tsmfile"
)

// Cursor gives the series of a range in key order, and of each its rows in time
// order, every point once.
//
//	for c.Next(ctx) {
//		for c.Read(&b) { … }
//	}
//	err := c.Err()
//
// It belongs to one goroutine; several cursors read a shard in parallel.
type Cursor struct {
	sec    *Section
	limits limits
	window point.TimeRange
	rng    Range
	inputs []*input
	heap   heap
	fields measurementFields

	series  []byte
	columns []column
	chains  []chain
	entries []tsmfile.Entry // what the chains of the series hold of their entries
	names   []byte          // field keys of the series
	pending []pendingSeries // further series that the same key prefix held
	done    int64           // times up to here were given
	started bool            // something was given: done holds
	rows    int             // rows of a batch at the most
	wide    bool            // too many chains or values to hold them all decoded
	held    int             // values in the slots of the series
	slots   []*slot
	scratch slot
	union   []int64
	spare   []int64
	raw     []byte
	picks   []pick
	gaps    [][]uint64
	text    [][]byte // of the string columns of a batch
	readers []*tsmfile.BlockReader
	used    int // readers handed out for this series
	arena   arena
	bare    bareBlock // for Check

	overlaps []bool // by input: see Overlapping
	spans    []fileSpan
	looked   []tsmfile.Entry

	faults []Fault
	err    error
	ended  bool
}

// pendingSeries is a series whose key holds the separator itself.
type pendingSeries struct {
	key     []byte
	columns []column
}

// Buffers of a cursor, in bytes: for the index and the blocks of each file, shrunk
// where there are many; and for one column with several blocks.
const (
	indexBuffer  = 32 << 10
	blockBuffer  = 128 << 10
	buffersTotal = 2 << 20
	columnBuffer = 16 << 10
	lookupBuffer = 4 << 10
)

// Cursor gives a cursor for r. An old cursor, of this section or another, or nil, lends
// its buffers and must not be used any more.
func (sec *Section) Cursor(r Range, old *Cursor) *Cursor {
	c := old
	if c == nil {
		c = &Cursor{}
	}
	if c.sec != sec {
		c.release()
		c.sec, c.limits = sec, sec.shard.limits
		c.fields = measurementFields{set: sec.shard.fields}
		sec.addInputs(c)
	}
	c.rng, c.faults, c.err, c.ended = r, nil, nil, false
	c.window = sec.shard.opts.Window
	if r.Window != (point.TimeRange{}) {
		c.window = c.window.Intersect(r.Window)
	}
	c.overlaps = append(c.overlaps[:0], make([]bool, len(c.inputs))...)
	c.series, c.pending = c.series[:0], nil
	c.heap = c.heap[:0]
	for _, in := range c.inputs {
		if in.seek(r) {
			c.heap = append(c.heap, in)
		}
	}
	c.heap.build()
	return c
}

// addInputs gives c the files of the section, with the readers of the files it had.
func (sec *Section) addInputs(c *Cursor) {
	files := 0
	for _, r := range sec.shard.replicas {
		files += len(r.files)
	}
	buffer := cmp.Or(sec.shard.opts.Buffer, blockBuffer)
	share := min(1, float64(buffersTotal)/float64(max(1, files)*(indexBuffer+buffer)))
	index, blocks := max(lookupBuffer, int(share*indexBuffer)), max(lookupBuffer, int(share*float64(buffer)))
	had := slices.DeleteFunc(c.inputs, func(in *input) bool { return in.file == nil })
	c.inputs = nil
	n, before := 0, int64(0)
	for i, r := range sec.shard.replicas {
		for _, f := range r.files {
			in := &input{}
			if n < len(had) {
				in = had[n]
			}
			in.rank, in.replica, in.number, in.before = len(c.inputs), i, n, before
			before += stretchesOf(f.File)
			in.file, in.stones = f.File, sec.over.stones[n]
			in.index, in.lookups = in.index.Reset(f.File, index), in.lookups.Reset(f.File, lookupBuffer)
			if in.blocks == nil || in.size != blocks {
				in.blocks, in.size = f.NewBlockReader(blocks), blocks
			}
			in.blocks.Reset(f.File)
			c.inputs = append(c.inputs, in)
			n++
		}
		if t := sec.over.logs[i]; len(t.keys) > 0 {
			c.inputs = append(c.inputs, &input{rank: len(c.inputs), log: t})
		}
	}
}

// seek puts the input at the first column of r.
func (in *input) seek(r Range) bool {
	if in.log != nil {
		in.next, _ = slices.BinarySearch(in.log.keys, r.From)
		return in.advance(r.To)
	}
	if in.file.Columns == 0 || !in.index.Seek(r.From, &in.rec) || r.To != "" && string(in.rec.Key) >= r.To {
		return false
	}
	in.key = in.rec.Key
	return true
}

// Series is the stored, escaped key of the current series; valid until Next.
func (c *Cursor) Series() []byte { return c.series }

// Faults gives what was passed over so far, but for what TakeFaults gave.
func (c *Cursor) Faults() []Fault { return c.faults }

// TakeFaults gives what Faults does and forgets it, for those who do not want all faults in
// memory. They are valid until Next.
func (c *Cursor) TakeFaults() []Fault {
	taken := c.faults
	c.faults = c.faults[:0]
	return taken
}

// Err says why Next stopped early, or is nil.
func (c *Cursor) Err() error { return c.err }

func (c *Cursor) report(file string, part Part, off, size int64, key string, r point.TimeRange, lost bool, err error) {
	f := fault.New(file, part, off, size, lost, err)
	f.Key, f.Range = key, r
	c.faults = append(c.faults, f)
}

// Next moves to the next series of which a column is wanted. It may turn out to hold
// no rows, where all are deleted or outside the window.
func (c *Cursor) Next(ctx context.Context) bool {
	if c.err != nil {
		return false
	}
	if c.err = context.Cause(ctx); c.err != nil {
		return false
	}
	c.release()
	if len(c.pending) > 0 {
		c.series, c.columns = c.pending[0].key, c.pending[0].columns
		c.pending = c.pending[1:]
		c.begin()
		return true
	}
	for len(c.heap) > 0 {
		if c.group() {
			c.begin()
			return true
		}
	}
	for _, in := range c.inputs {
		if in.file == nil || c.ended {
			continue
		}
		if err := in.index.Err(); err != nil {
			c.report(in.file.Path, fault.Index, -1, 0, "", point.NoTime, true, fmt.Errorf("read index: %w", err))
		}
	}
	c.ended = true
	return false
}

// begin readies the merge of the columns at hand.
func (c *Cursor) begin() {
	c.started = false
	n := 0
	for i := range c.columns {
		n += c.columns[i].n
	}
	c.wide = n > c.limits.chains
	c.rows = min(max(c.limits.cells/max(1, len(c.columns)), 16), c.limits.rows)
}

// release gives the memory of the last series back.
func (c *Cursor) release() {
	for i := range c.columns {
		col := &c.columns[i]
		for j := range c.chains[col.first : col.first+col.n] {
			c.free(&c.chains[col.first+j])
		}
	}
	c.columns = c.columns[:0]
	c.used = 0
	if len(c.pending) == 0 {
		c.chains, c.entries, c.names = c.chains[:0], c.entries[:0], c.names[:0]
	}
}

// free takes a chain's slot back.
func (c *Cursor) free(ch *chain) {
	if ch.slot != nil {
		c.slots = append(c.slots, ch.slot)
		ch.slot = nil
	}
}

// group collects the columns of the series that comes next, by the first separator
// in its keys. False: nothing of it is wanted.
func (c *Cursor) group() bool {
	first := c.heap[0].key
	series, _, ok := point.SplitKey(first)
	if !ok {
		c.noSeparator(first)
		return false
	}
	c.series = append(c.series[:0], series...)
	prefix := len(series) + len(point.KeySeparator)
	take := c.sec.shard.opts.TakeSeries
	// A key with a second separator may belong to another series: decide when it is split.
	wanted := take == nil || take(c.series)
	odd := false
	for _, in := range c.inputs {
		in.begin()
	}
	for len(c.heap) > 0 {
		in := c.heap[0]
		if c.sec.shard.opts.ByColumn && len(c.columns) > 0 && !bytes.Equal(in.key[min(prefix, len(in.key)):], c.names) {
			break
		}
		if len(in.key) < prefix || !bytes.Equal(in.key[:len(c.series)], c.series) ||
			string(in.key[len(c.series):prefix]) != point.KeySeparator {
			break
		}
		field := in.key[prefix:]
		double := c.fields.set != nil && bytes.Contains(field, []byte(point.KeySeparator))
		odd = odd || double
		if double || c.wants(field) && (wanted || odd) {
			c.add(in, field)
			in.note()
		}
		c.heap.step(c.rng.To)
	}
	c.settleColumns()
	if odd {
		return c.splitOdd(take)
	}
	return wanted && c.ready()
}

// wants reports whether values of field are to be given.
func (c *Cursor) wants(field []byte) bool {
	take := c.sec.shard.opts.TakeField
	return take == nil || take(field)
}

// noSeparator reports a column whose key has no field part, and passes over it.
func (c *Cursor) noSeparator(key []byte) {
	k := string(key)
	for len(c.heap) > 0 && string(c.heap[0].key) == k {
		in := c.heap[0]
		if in.file != nil {
			c.report(in.file.Path, fault.Index, -1, 0, k, in.rec.Range(), true, errNoSeparator)
		} else {
			w := in.log.columns[k]
			r := point.TimeRange{Min: w.times[0], Max: w.times[len(w.times)-1]}
			c.report(in.log.segments[w.segment], fault.WAL, -1, 0, k, r, true, errNoSeparator)
		}
		c.heap.step(c.rng.To)
	}
}

// splitOdd tells apart the series that share a prefix because a measurement or tag
// holds the separator: fields.idx knows which pairs of measurement and field exist.
func (c *Cursor) splitOdd(take func([]byte) bool) bool {
	groups := map[string][]column{}
	var order []string
	for _, col := range c.columns {
		series, field := c.resolve(col.field)
		if !c.wants(field) {
			continue
		}
		if _, ok := groups[series]; !ok {
			order = append(order, series)
		}
		col.field = field
		groups[series] = append(groups[series], col)
	}
	slices.SortFunc(order, func(a, b string) int { // as their composite keys are
		return cmp.Compare(a+point.KeySeparator, b+point.KeySeparator)
	})
	var all []pendingSeries
	for _, k := range order {
		if take != nil && !take([]byte(k)) {
			continue
		}
		c.series, c.columns = []byte(k), groups[k]
		if c.ready() {
			all = append(all, pendingSeries{key: []byte(k), columns: c.columns})
		}
	}
	c.columns = nil
	if len(all) == 0 {
		return false
	}
	c.series, c.columns = all[0].key, all[0].columns
	c.pending = all[1:]
	return true
}

// resolve finds the split of a key whose field part holds the separator.
func (c *Cursor) resolve(field []byte) (string, []byte) {
	whole := strings.Join([]string{string(c.series), string(field)}, point.KeySeparator)
	for nth := 0; ; nth++ {
		series, f, ok := point.SplitKeyAt([]byte(whole), nth)
		if !ok {
			return string(c.series), field
		}
		name, _ := point.SplitSeries(series)
		if _, listed := c.fields.set.of(name)[string(f)]; listed {
			return string(series), f
		}
	}
}
