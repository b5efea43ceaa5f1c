// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/shardlift/shardlift/point"
)

// window is how many batches may be open at a time beyond those on their way: read and
// waiting, or done behind one that is not.
const window = 64

// mostHeld is how many rejects may wait for a batch before them, about.
const mostHeld = 100_000

// waiting is how many batches with text may wait for their turn.
const waiting = 4

// TooOldError says that points are older than their policy keeps, so that the target
// would drop them. Nothing of the batch was sent.
type TooOldError struct {
	Place  Place
	Limits Limits
	Oldest int64  // the first time in the batch
	Origin string // of the batch
}

// Error tells place, time and limit.
func (e *TooOldError) Error() string {
	return fmt.Sprintf("%s: points of %s are older than %s keeps (%s), and the target would drop them",
		e.Origin, point.FormatTime(e.Oldest), e.Place, e.Limits.Policy)
}

// incoming is what the reading goroutine hands over.
type incoming struct {
	batch *Batch
	item  Item
	err   error
}

// read hands out what the feed gives, until its end.
func (r *run) read(ctx context.Context, feed Feed, to chan<- incoming) {
	defer close(to)
	for {
		b := r.buffer()
		b.Reset()
		item, err := feed.Next(ctx, b)
		select {
		case to <- incoming{batch: b, item: item, err: err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// buffer gives a batch to fill.
func (r *run) buffer() *Batch {
	select {
	case b := <-r.free:
		return b
	default:
		return &Batch{}
	}
}

// dispatch is the heart: it admits batches, starts those that may go, and commits those
// that are done, in order.
func (r *run) dispatch(ctx context.Context, all *sync.WaitGroup, read <-chan incoming) error {
	var next *incoming // has statements, which wait until all before them is done
	for !r.feedEnd || len(r.queue) > 0 || next != nil {
		if next != nil && len(r.queue) == 0 {
			if err := r.admitLate(ctx, *next); err != nil {
				return err
			}
			next = nil
			continue
		}
		r.start(ctx, all)
		from := read
		if next != nil || r.feedEnd || len(r.queue) >= window || r.held >= mostHeld || r.texts >= r.opts.MaxConcurrency+waiting {
			from = nil
		}
		select {
		case in, ok := <-from:
			if !ok {
				return context.Cause(ctx)
			}
			if len(in.item.Statements) > 0 && len(r.queue) > 0 {
				next = &in
			} else if err := r.admit(ctx, in); err != nil {
				return err
			}
		case e := <-r.done:
			r.active--
			r.finish(e)
			if e.err != nil {
				return e.err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := r.commit(); err != nil {
			return err
		}
	}
	return r.feedErr
}

// admitLate takes in what had to wait. What was done before is written down first: where
// the statements say anew where points belong, it must not come again.
func (r *run) admitLate(ctx context.Context, in incoming) error {
	if err := r.save(); err != nil {
		return err
	}
	if err := r.admit(ctx, in); err != nil {
		return err
	}
	return r.commit()
}

// admit takes a batch into the queue, after what has to be done before it.
func (r *run) admit(ctx context.Context, in incoming) error {
	if in.err != nil {
		r.feedEnd = true
		if !errors.Is(in.err, io.EOF) {
			r.feedErr = in.err // what came before it is still brought to its end
		}
	}
	if len(in.item.Statements) > 0 && r.opts.Guard != nil {
		if err := r.opts.Guard.Statements(ctx, in.item.Statements); err != nil {
			return err
		}
		r.forgetLimits() // the default policy may be another one now
	}
	r.refused.Add(int64(len(in.item.Rejects)))
	b := in.batch
	e := &entry{item: in.item, mark: b.Mark, done: b.Points == 0, place: b.Place, span: b.Span}
	if !e.done {
		known, err := r.check(ctx, b)
		if err != nil {
			return err
		}
		e.shards = shardsOf(b, known.Shard)
		if r.opts.Home != nil {
			b.home = r.opts.Home(b.Place)
		}
		e.batch, e.points, e.bytes = b, int64(b.Points), int64(len(b.Text))
		r.texts++
	} else {
		r.recycle(b)
	}
	r.held += len(e.item.Rejects)
	r.seq++
	e.seq = r.seq
	r.queue = append(r.queue, e)
	return nil
}

func (r *run) forgetLimits() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.limits)
}

// check asks the guard about a place once, and refuses points that it does not keep.
func (r *run) check(ctx context.Context, b *Batch) (Limits, error) {
	if r.opts.Guard == nil {
		return Limits{}, nil
	}
	r.mu.Lock()
	known, ok := r.limits[b.Place]
	r.mu.Unlock()
	if !ok {
		l, err := r.opts.Guard.Place(ctx, b.Place)
		if err != nil {
			return Limits{}, err
		}
		known = knownLimits{Limits: l, at: time.Now()}
		r.mu.Lock()
		r.limits[b.Place] = known
		r.mu.Unlock()
	}
	if b.Span.Min < known.Oldest && !r.opts.Force {
		origin := Reject{Input: b.Input}
		if len(b.Lines) > 0 {
			origin.Line = b.Lines[0]
		}
		return Limits{}, &TooOldError{Place: b.Place, Limits: known.Limits, Oldest: b.Span.Min, Origin: origin.Origin()}
	}
	return known.Limits, nil
}

// oldest gives the first time that a place keeps at a moment.
func (r *run) oldest(p Place, now time.Time) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.limits[p]
	if !ok || known.Oldest == math.MinInt64 {
		return math.MinInt64
	}
	return known.Oldest + int64(now.Sub(known.at))
}

// start sends off every batch that may go.
func (r *run) start(ctx context.Context, all *sync.WaitGroup) {
	for i, e := range r.queue {
		if r.active >= r.opts.MaxConcurrency {
			return
		}
		if e.started || e.done || r.mustWait(i) {
			continue
		}
		e.started = true
		r.active++
		all.Go(func() { r.deliver(ctx, e) })
	}
}

// mustWait reports whether an earlier batch that is not done may write the same values, or
// one on its way may be the first in a shard of both.
func (r *run) mustWait(i int) bool {
	e := r.queue[i]
	for j, other := range r.queue {
		if other.done || j == i {
			continue
		}
		if j < i && conflicts(other.batch, e.batch) || other.started && r.shards.apart(other, e) {
			return true
		}
	}
	return false
}

// deliver brings the entry's batch to its end.
func (r *run) deliver(ctx context.Context, e *entry) {
	d := &delivery{run: r, batch: e.batch, seq: e.seq}
	e.err = d.deliver(ctx)
	if e.err == nil {
		e.rejects = d.refusals()
	}
	r.done <- e // has room for all
}

// finish takes an entry's batch back.
func (r *run) finish(e *entry) {
	e.done = e.err == nil
	if e.done {
		if int64(len(e.rejects)) < e.points {
			r.shards.took(e)
		}
		r.recycle(e.batch)
		e.batch = nil
		r.texts--
		r.held += len(e.rejects)
	}
}

func (r *run) recycle(b *Batch) {
	select {
	case r.free <- b:
	default:
	}
}

// commit counts the batches at the front of the queue that are done, and saves the
// state from time to time.
func (r *run) commit() error {
	for len(r.queue) > 0 && r.queue[0].done {
		if err := r.count(r.queue[0]); err != nil {
			return err // it stays in front: nothing behind it may be counted
		}
		r.held -= len(r.queue[0].item.Rejects) + len(r.queue[0].rejects)
		r.queue = slices.Delete(r.queue, 0, 1)
		if n := r.state.Done.Rejected; r.opts.MaxRejects >= 0 && n > r.opts.MaxRejects {
			return fmt.Errorf("%w: %d, and --max-rejects is %d", ErrTooManyRejects, n, r.opts.MaxRejects)
		}
	}
	if !r.dirty || time.Since(r.savedAt) < saveInterval {
		return nil
	}
	return r.save()
}
