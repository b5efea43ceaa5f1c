// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// rangeWeight is about how many bytes of blocks become one task: little enough that
// workers finish together and that plain text can wait for its turn; and where each
// task is a member, some megabytes of text, so that a member's start costs nothing.
func rangeWeight(c Compression) int64 {
	if c == None {
		return 48 << 10
	}
	return 192 << 10
}

// ErrFault is why a strict export stopped.
var ErrFault = errors.New("stopped at the first fault")

// Run exports the selected shards. Faults are in the Summary and are no error, unless
// Strict is set. On an error, or when ctx ends, no output that looks whole is left; in
// a directory the files that were finished stay, and the same call carries on.
func Run(ctx context.Context, opts Options) (*Summary, error) {
	opts = opts.withDefaults()
	if err := CheckLevel(opts.Format.Compression, opts.Format.Level); err != nil {
		return nil, err
	}
	began := time.Now()
	r := &run{
		opts: opts, plan: newPlan(opts),
		work: make(chan *task), done: make(chan *task, queueLength(opts)),
		free: make(chan []byte, freeChunks(opts)),
	}
	err := r.prepare()
	if err == nil {
		err = r.strict(r.summary.Faults)
	}
	if err == nil {
		err = r.pipeline(ctx)
	}
	if cerr := r.close(err == nil); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	r.summary.Seconds = time.Since(began).Seconds()
	return &r.summary, nil
}

// queueLength is how many tasks may be finished, or in work, ahead of the one that is
// written. Plain text takes more room than compressed.
func queueLength(o Options) int {
	if o.Format.Compression == None {
		return o.Workers
	}
	return 2 * o.Workers
}

// freeChunks is how many chunks are kept to be used again. Plain text goes through
// thousands a second, as many at a time as the queues take, and each that is not kept
// is garbage; compressed text needs few.
func freeChunks(o Options) int {
	if o.Format.Compression == None {
		return chunksAhead * (o.Workers + queueLength(o))
	}
	return 16
}

// chunksAhead is how many chunks of a task wait at the most until its turn comes.
const chunksAhead = 32

// run is one export.
type run struct {
	opts    Options
	plan    *plan
	work    chan *task // for the workers
	done    chan *task // the same, in order, for the writer
	free    chan []byte
	out     *outputs
	summary Summary
	place   place // that the last context lines named, in the file at hand
}

// place is where points belong.
type place struct{ database, policy string }

// shardRun is a shard while it is read.
type shardRun struct {
	shard *volume.Shard
	open  *tsmreader.Shard
	refs  atomic.Int64
}

// release closes the shard when nobody reads it any more.
func (s *shardRun) release() error {
	if s.refs.Add(-1) > 0 || s.open == nil {
		return nil
	}
	return s.open.Close()
}

// fault gives a fault of the reader with the shard's name.
func (s *shardRun) fault(f *tsmreader.Fault) Fault {
	return fromReader(s.shard.Database, s.shard.Policy, s.shard.ID, f)
}

// pipeline runs producer, workers and writer until all is written.
func (r *run) pipeline(ctx context.Context) error {
	workers := make([]*worker, r.opts.Workers)
	for i := range workers {
		var err error
		if workers[i], err = newWorker(&r.opts, r.free); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(r.work)
		defer close(r.done)
		return r.produce(ctx)
	})
	for _, w := range workers {
		g.Go(func() error {
			for t := range r.work {
				w.run(ctx, t)
				if t.run == nil {
					continue
				}
				if err := t.run.release(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error { return r.consume(ctx) })
	return g.Wait()
}

// emit hands a task to the writer's queue and to the workers.
func (r *run) emit(ctx context.Context, t *task) error {
	t.chunks = make(chan []byte, chunksAhead)
	if t.run != nil {
		t.run.refs.Add(1)
	}
	for _, to := range []chan *task{r.done, r.work} {
		select {
		case to <- t:
		case <-ctx.Done():
			if t.run != nil { // no worker will do it
				return errors.Join(context.Cause(ctx), t.run.release())
			}
			return context.Cause(ctx)
		}
	}
	return nil
}

// produce cuts the shards of all files into tasks, in order.
func (r *run) produce(ctx context.Context) error {
	for _, f := range r.plan.files {
		kept, err := r.out.keep(f)
		if err != nil {
			return err
		}
		if kept {
			if err := r.mark(ctx, &task{begin: f, kept: true}); err != nil {
				return err
			}
			continue
		}
		if err := r.mark(ctx, &task{begin: f}); err != nil {
			return err
		}
		if err := r.emit(ctx, &task{prefix: r.plan.header(f)}); err != nil {
			return err
		}
		r.place = place{}
		for _, sh := range f.shards {
			if err := r.shard(ctx, sh); err != nil {
				return err
			}
		}
		if err := r.mark(ctx, &task{end: f}); err != nil {
			return err
		}
	}
	return nil
}

// mark puts a task without work into the writer's queue.
func (r *run) mark(ctx context.Context, t *task) error {
	t.chunks = make(chan []byte)
	close(t.chunks)
	select {
	case r.done <- t:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// shard opens a shard and cuts it into tasks. What keeps it from being opened is a
// fault like any other; the next shard may be sound.
func (r *run) shard(ctx context.Context, sh *volume.Shard) (err error) {
	s := &shardRun{shard: sh}
	s.refs.Add(1)
	defer func() { err = errors.Join(err, s.release()) }()
	w := r.opts.Selection
	ropts := tsmreader.Options{
		Window: w.Window(), Memory: r.opts.Memory, Salvage: r.opts.Salvage, Parallel: r.opts.Workers, ByColumn: r.opts.Format.OneField,
	}
	if w.HasSeriesFilter() {
		ropts.TakeSeries = w.Series
	}
	if w.HasFieldFilter() {
		ropts.TakeField = w.Field
	}
	open, err := tsmreader.Open(ctx, sources(sh), ropts)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return r.mark(ctx, r.unopened(s, err))
	}
	s.open = open
	first := &task{run: s, opened: open}
	for _, f := range open.Faults() {
		first.faults = append(first.faults, s.fault(&f))
	}
	if err := r.mark(ctx, first); err != nil {
		return err
	}
	return r.sections(ctx, s)
}

// unopened gives the task that reports a shard which could not be opened.
func (r *run) unopened(s *shardRun, err error) *task {
	t := &task{run: s}
	if errors.Is(err, tsmreader.ErrGone) {
		t.note = fmt.Sprintf("shard %d of %s.%s was dropped while the export ran", s.shard.ID, s.shard.Database, s.shard.Policy)
		return t
	}
	t.faults = []Fault{{
		Database: s.shard.Database, Policy: s.shard.Policy, Shard: s.shard.ID,
		File: s.shard.Replicas[0].Path(), Offset: -1, Part: "shard", Lost: true, Reason: err.Error(),
	}}
	return t
}

// sections emits the ranges of every section of an open shard.
func (r *run) sections(ctx context.Context, s *shardRun) error {
	for from, more := "", true; more; {
		sec, err := s.open.Section(from)
		if err != nil {
			return r.mark(ctx, r.unopened(s, err))
		}
		if len(sec.Faults()) > 0 {
			t := &task{run: s}
			for _, f := range sec.Faults() {
				t.faults = append(t.faults, s.fault(&f))
			}
			if err := r.mark(ctx, t); err != nil {
				return err
			}
		}
		from, more = sec.Next()
		ranges := sec.Ranges(rangeWeight(r.opts.Format.Compression))
		for _, rng := range ranges {
			t := &task{run: s, sec: sec, rng: rng, weight: s.open.Bytes() / int64(len(ranges))}
			if here := (place{s.shard.Database, s.shard.Policy}); r.place != here {
				t.prefix = r.plan.context(here.database, here.policy)
				r.place = here
			}
			if err := r.emit(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// consume writes the chunks of every task in order and adds up what they report.
func (r *run) consume(ctx context.Context) error {
	for {
		var t *task
		var ok bool
		select {
		case t, ok = <-r.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if !ok {
			// The producer may have been stopped by an error of its own.
			return context.Cause(ctx)
		}
		if err := r.take(ctx, t); err != nil {
			return err
		}
	}
}

// take writes one task.
func (r *run) take(ctx context.Context, t *task) error {
	if t.begin != nil {
		if t.kept {
			if err := r.strict(r.out.previous[t.begin.name].Faults); err != nil {
				return err
			}
		}
		return r.out.begin(t.begin, t.kept)
	}
	if t.end != nil {
		return r.out.end(t.end)
	}
	for open := true; open; {
		var chunk []byte
		select {
		case chunk, open = <-t.chunks:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if len(chunk) == 0 {
			continue
		}
		if err := r.out.write(chunk); err != nil {
			return err
		}
		r.opts.Progress.OutputBytes.Add(int64(len(chunk)))
		select {
		case r.free <- chunk[:0]:
		default:
		}
	}
	if t.err != nil {
		return t.err
	}
	r.opts.Progress.DoneBytes.Add(t.weight)
	r.opts.Progress.Faults.Add(int64(len(t.faults)))
	r.out.report(t)
	return r.strict(t.faults)
}

// strict is an error if there is a fault and none is wanted.
func (r *run) strict(faults []Fault) error {
	if !r.opts.Strict || len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrFault, faults[0].String())
}
