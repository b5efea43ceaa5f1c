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
	r := newRun(opts)
	o := newOutputs(r)
	r.out = o
	return r.run(ctx, o.prepare)
}

func newRun(opts Options) *run {
	return &run{
		opts: opts, plan: newPlan(opts),
		work: make(chan *task), done: make(chan *task, queueLength(opts)),
		free: make(chan []byte, freeChunks(opts)),
	}
}

// run does everything; prepare makes the sink ready.
func (r *run) run(ctx context.Context, prepare func() error) (*Summary, error) {
	began := time.Now()
	r.notes()
	err := prepare()
	if err == nil {
		r.expect()
		err = r.opts.strict(r.summary.Faults)
	}
	if err == nil {
		err = r.pipeline(ctx)
	}
	if cerr := r.out.close(err == nil); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	r.summary.Seconds = time.Since(began).Seconds()
	return &r.summary, nil
}

// notes puts what the catalog says of the sources as a whole into the summary.
func (r *run) notes() {
	s, sel, cat := &r.summary, r.opts.Selection, r.opts.Catalog
	faults, left := OfCatalog(cat, sel)
	s.Faults = append(append([]Fault{}, r.plan.faults...), faults...)
	s.LeftOut = append([]LeftOut{}, left...)
	s.Notes = NotesOf(cat, sel)
	SortFaults(s.Faults)
}

// expect counts what there is to read, for the progress.
func (r *run) expect() {
	for _, f := range r.plan.files {
		for _, sh := range f.shards {
			r.opts.Progress.Shards.Add(1)
			r.opts.Progress.TotalBytes.Add(tsmreader.SizeOf(Sources(sh)))
		}
	}
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
	out     sink
	summary Summary
	place   place // that the last context lines named, in the file at hand
	start   start // of a stream
}

// sink takes what the tasks give, one task after the other. It belongs to the writer of
// the pipeline, but for keep, which the producer calls.
type sink interface {
	// keep reports whether a file of a run before is what this one would write.
	keep(f *file) (bool, error)
	// begin starts a file; kept is one that keep was true for.
	begin(f *file, kept bool) error
	// write takes over a chunk of t.
	write(ctx context.Context, t *task, c chunk) error
	// report books what t found, after its last chunk.
	report(ctx context.Context, t *task) error
	end(f *file) error
	// close ends everything; ok says that all of it was written.
	close(ok bool) error
}

// chunk is a stretch of a task's output.
type chunk struct {
	text  []byte
	piece *Piece // what is in it, for streams
}

// place is where points belong.
type place struct{ database, policy string }

// shardRun is a shard while it is read.
type shardRun struct {
	shard *volume.Shard
	open  *tsmreader.Shard
	refs  atomic.Int64

	// For the positions of a stream.
	index   int    // among the shards of the file
	name    string // for people
	sources string // fingerprint of the files of all shards up to this one
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
	return FromReader(s.shard.Database, s.shard.Policy, s.shard.ID, f)
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
		return r.out.begin(t.begin, t.kept)
	}
	if t.end != nil {
		return r.out.end(t.end)
	}
	for open := true; open; {
		var c chunk
		select {
		case c, open = <-t.chunks:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		n := int64(len(c.text))
		if n == 0 {
			continue
		}
		if err := r.out.write(ctx, t, c); err != nil {
			return err
		}
		r.opts.Progress.OutputBytes.Add(n)
	}
	if t.err != nil {
		return t.err
	}
	r.opts.Progress.DoneBytes.Add(t.weight)
	r.opts.Progress.Faults.Add(int64(len(t.faults)))
	if err := r.out.report(ctx, t); err != nil {
		return err
	}
	return r.opts.strict(t.faults)
}

// strict is an error if there is a fault and none is wanted.
func (o *Options) strict(faults []Fault) error {
	if !o.Strict || len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrFault, faults[0].String())
}
