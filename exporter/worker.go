// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"fmt"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// Sizes of buffers, in bytes: text is handed on in pieces that stay in the cache, and
// what is written comes in chunks that have room for a piece and its last line.
const (
	textPiece = 64 << 10
	chunkSize = 80 << 10
)

// task is a run of series, or a piece of header, that becomes one member of a file.
type task struct {
	run    *shardRun // nil for a header alone
	sec    *tsmreader.Section
	rng    tsmreader.Range
	prefix []byte
	weight int64 // bytes of the source that it stands for

	// A task without work is a mark in the writer's queue.
	begin, end *file
	kept       bool             // with begin: from a run before
	opened     *tsmreader.Shard // a shard's first
	note       string

	chunks chan chunk // closed when all is said below
	totals Totals
	span   point.TimeRange
	faults []Fault
	err    error
}

// worker turns tasks into chunks, with buffers of its own.
type worker struct {
	opts   *Options
	free   chan []byte // chunks to use again
	comp   compressor
	enc    lineprotocol.Encoder
	cursor *tsmreader.Cursor
	batch  point.Batch
	text   []byte
	chunk  []byte
	ctx    context.Context //nolint:containedctx // of the run; Write, called by a compressor, cannot take one
	task   *task
	open   bool // a member was begun
	pieces pieces
}

func newWorker(opts *Options, free chan []byte) (*worker, error) {
	comp, err := newCompressor(opts.Format)
	if err != nil {
		return nil, err
	}
	return &worker{
		opts: opts, free: free, comp: comp, pieces: newPieces(opts),
		enc:  lineprotocol.Encoder{Unsigned: opts.Format.Unsigned},
		text: make([]byte, 0, chunkSize),
	}, nil
}

// run does one task and closes its chunks.
func (w *worker) run(ctx context.Context, t *task) {
	w.ctx, w.task, w.open = ctx, t, false
	w.pieces.reset()
	t.span = point.NoTime
	w.text = append(w.text[:0], t.prefix...)
	var err error
	if t.sec != nil {
		err = w.series(ctx, t)
	}
	for i := range t.faults {
		t.faults[i].span = point.TimeRange{} // nothing more is joined: equal faults are equal
	}
	if err == nil {
		err = w.finish()
	}
	t.err = err
	close(t.chunks)
}

// series writes every series of the task's range.
func (w *worker) series(ctx context.Context, t *task) error {
	c := t.sec.Cursor(t.rng, w.cursor)
	w.cursor = c
	for c.Next(ctx) {
		w.pieces.onto(c.Series(), len(t.faults)+len(c.Faults()) == 0)
		if err := lineprotocol.CheckSeries(c.Series()); err != nil {
			w.refuseSeries(c, err)
			continue
		}
		before := t.totals.Points
		w.enc.Series(c.Series())
		for c.Read(&w.batch) {
			if err := w.rows(t); err != nil {
				return err
			}
			w.refusals(string(c.Series()))
		}
		if t.totals.Points > before {
			t.totals.Series++
		}
	}
	for _, f := range c.Faults() {
		t.faults = append(t.faults, t.run.fault(&f))
	}
	return c.Err()
}

// rows writes the batch.
func (w *worker) rows(t *task) error {
	for row := 0; row < len(w.batch.Times); {
		w.text, row = w.enc.Append(w.text, w.pieces.part(&w.batch, row), row, w.pieces.bytes)
		w.count(t)
		if len(w.text) >= w.pieces.bytes || w.pieces.full() {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// count adds up what was written since the last time.
func (w *worker) count(t *task) {
	span := w.enc.Span()
	points, values := w.enc.Counts()
	t.totals.Points += points
	t.totals.Values += values
	t.span = t.span.Union(span)
	w.pieces.count(points, values, span)
	w.opts.Progress.Points.Add(points)
	w.opts.Progress.Values.Add(values)
}

// refusals reports values of the series that line protocol cannot carry.
func (w *worker) refusals(series string) {
	for _, r := range w.enc.Refusals() {
		key, part := series, "value"
		if r.Field != nil {
			key += point.KeySeparator + string(r.Field)
		}
		w.task.refuse(key, part, r.Err, int64(r.Values), r.Range, !r.Kept)
	}
}

// refuseSeries counts a series whose key cannot be written.
func (w *worker) refuseSeries(c *tsmreader.Cursor, why error) {
	values, span := int64(0), point.NoTime
	for c.Read(&w.batch) {
		values += int64(w.batch.Values())
		span = span.Union(point.TimeRange{Min: w.batch.Times[0], Max: w.batch.Times[len(w.batch.Times)-1]})
	}
	if values > 0 {
		w.task.refuse(string(c.Series()), "key", why, values, span, true)
	}
}

// refuse notes values that were not written, joined with those like them before.
func (t *task) refuse(key, part string, why error, values int64, span point.TimeRange, lost bool) {
	f := Fault{
		Database: t.run.shard.Database, Policy: t.run.shard.Policy, Shard: t.run.shard.ID,
		Offset: -1, Part: part, Key: key, Values: values, Lost: lost, Reason: why.Error(), span: span,
	}
	if n := len(t.faults); n > 0 {
		if last := &t.faults[n-1]; last.Part == part && last.Key == key && last.Reason == f.Reason {
			last.Values += values
			last.span = last.span.Union(span)
			last.Start, last.End = last.span.Texts()
			return
		}
	}
	f.Start, f.End = span.Texts()
	t.faults = append(t.faults, f)
}

// flush hands the text over: as a chunk of its own, or through the compressor.
func (w *worker) flush() error {
	if len(w.text) == 0 {
		return nil
	}
	w.task.totals.Bytes += int64(len(w.text))
	w.opts.Progress.TextBytes.Add(int64(len(w.text)))
	if w.comp == nil {
		err := w.send(chunk{text: w.text, piece: w.pieces.take()})
		w.text = w.buffer()
		return err
	}
	if !w.open {
		w.comp.Reset(w)
		w.open = true
	}
	_, err := w.comp.Write(w.text)
	w.text = w.text[:0]
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	return nil
}

// finish ends the member and hands out the last chunk.
func (w *worker) finish() error {
	if err := w.flush(); err != nil || !w.open {
		return err
	}
	if err := w.comp.Close(); err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	last := w.chunk
	w.chunk = nil
	return w.send(chunk{text: last})
}

// buffer gives an empty chunk.
func (w *worker) buffer() []byte {
	select {
	case b := <-w.free:
		return b
	default:
		return make([]byte, 0, chunkSize)
	}
}

// Write takes finished bytes into chunks; it is what a compressor writes to.
func (w *worker) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if w.chunk == nil {
			w.chunk = w.buffer()
		}
		room := min(len(p), cap(w.chunk)-len(w.chunk))
		w.chunk = append(w.chunk, p[:room]...)
		p = p[room:]
		if len(w.chunk) == cap(w.chunk) {
			full := w.chunk
			w.chunk = nil
			if err := w.send(chunk{text: full}); err != nil {
				return n - len(p), err
			}
		}
	}
	return n, nil
}

// send hands a chunk to the sink.
func (w *worker) send(c chunk) error {
	if len(c.text) == 0 {
		return nil
	}
	select {
	case w.task.chunks <- c:
		return nil
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	}
}
