// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/shardlift/shardlift/point"
)

// ErrTooManyRejects says that more points were refused than MaxRejects.
var ErrTooManyRejects = errors.New("too many points were refused")

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
		e.Origin, time.Unix(0, e.Oldest).UTC().Format(time.RFC3339Nano), e.Place, e.Limits.Policy)
}

// saveInterval is how often the checkpoint is written, while there is progress.
const saveInterval = time.Second

// window is how many batches may be open at a time beyond those on their way: read and
// waiting, or done behind one that is not.
const window = 64

// waiting is how many batches with text may wait for their turn.
const waiting = 4

// Run replays all batches of feed. Where it stops early, by an error or because ctx
// ended, the checkpoint holds what is done, the Summary tells it, and the same call
// with Resume carries on. When all is done the checkpoint is removed.
func Run(ctx context.Context, feed Feed, opts Options) (*Summary, error) {
	r, err := newRun(opts)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	before := r.state.Done.Seconds
	err = r.replay(ctx, feed)
	if cerr := r.rejects.close(); err == nil {
		err = cerr
	}
	r.state.Done.Seconds = before + time.Since(began).Seconds()
	switch {
	case err == nil:
		err = r.forget()
	case (r.saved || r.dirty) && r.rejects.err == nil: // else the last one is right
		if serr := r.books(); serr != nil {
			err = errors.Join(err, serr)
		}
	}
	return r.summary(), err
}

// run is one call of Run.
type run struct {
	opts     Options
	progress *Progress
	limit    *limiter
	pace     pace
	latency  latencies
	rejects  rejects

	retries, requests atomic.Int64
	maxBody           atomic.Int64
	lastSuccess       atomic.Int64 // when the server last took a look at points, in Unix nanoseconds
	prober            prober

	mu     sync.Mutex
	limits map[Place]knownLimits

	state   Checkpoint
	reasons map[string]*Reason
	dirty   bool // the state is newer than the file
	saved   bool // there is a file
	savedAt time.Time

	queue   []*entry // open batches, in order
	seq     int64    // of the last one
	active  int      // of them, on their way
	texts   int      // of them, with text
	free    chan *Batch
	done    chan *entry
	feedEnd bool
	feedErr error
}

// knownLimits are limits and when they were asked for: the oldest time moves on.
type knownLimits struct {
	Limits
	at time.Time
}

// entry is a batch from when it is read until all before it are done.
type entry struct {
	seq     int64  // its number in the feed
	batch   *Batch // nil once it is done
	item    Item
	started bool
	done    bool
	err     error

	points, bytes int64
	place         Place
	span          point.TimeRange
	mark          any
	rejects       []Reject
}

func newRun(opts Options) (*run, error) {
	if opts.MaxConcurrency <= 0 {
		opts.MaxConcurrency = 8
	}
	if opts.Concurrency > 0 {
		opts.MaxConcurrency = opts.Concurrency
	}
	if opts.RetryFor <= 0 {
		opts.RetryFor = 10 * time.Minute
	}
	if opts.Progress == nil {
		opts.Progress = &Progress{}
	}
	r := &run{
		opts: opts, progress: opts.Progress,
		limit:  newLimiter(opts.Concurrency, opts.MaxConcurrency, opts.Progress),
		pace:   newPace(opts.PointsPerSec, opts.BytesPerSec),
		limits: map[Place]knownLimits{}, reasons: map[string]*Reason{},
		free: make(chan *Batch, opts.MaxConcurrency+waiting+2),
		done: make(chan *entry, opts.MaxConcurrency),
		state: Checkpoint{
			Format: checkpointFormat, Tool: "shardlift " + opts.Version, Identity: opts.Identity, Mark: json.RawMessage("null"),
			Span: [2]int64{point.NoTime.Min, point.NoTime.Max},
		},
	}
	if len(opts.Identity) == 0 {
		r.state.Identity = json.RawMessage("null")
	}
	r.maxBody.Store(math.MaxInt64)
	r.prober.turn = semaphore.NewWeighted(probeTurn)
	if c := opts.Resume; c != nil {
		if !c.Matches(r.state.Identity) {
			return nil, ErrChanged
		}
		r.resume(c)
	}
	r.rejects = rejects{path: opts.RejectsPath, state: r.state.Rejects}
	return r, nil
}

// resume takes over what an earlier start has done.
func (r *run) resume(c *Checkpoint) {
	r.state.Mark, r.state.Done, r.state.Span, r.state.Rejects = c.Mark, c.Done, c.Span, c.Rejects
	r.state.Done.Resumed = true
	r.prober.restore(c.Probe)
	r.saved = true
	for _, reason := range c.Done.Reasons {
		r.reasons[reason.Reason] = &reason
	}
	r.requests.Store(c.Done.Requests)
	r.retries.Store(c.Done.Retries)
	r.progress.Points.Add(c.Done.Points)
	r.progress.Stored.Add(c.Done.Stored)
	r.progress.Rejected.Add(c.Done.Rejected)
}

// incoming is what the reading goroutine hands over.
type incoming struct {
	batch *Batch
	item  Item
	err   error
}

// replay reads, sends and commits until all is done or something ends it. When it
// returns, nothing of it runs any more and what was done is committed.
func (r *run) replay(ctx context.Context, feed Feed) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	read := make(chan incoming)
	all.Go(func() { r.read(ctx, feed, read) })
	err := r.dispatch(ctx, &all, read)
	cancel(err)
	all.Wait()
	close(r.done)
	for e := range r.done {
		r.finish(e)
	}
	if cerr := r.commit(); err == nil {
		err = cerr
	}
	return err
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
	for !r.feedEnd || len(r.queue) > 0 {
		r.start(ctx, all)
		from := read
		if r.feedEnd || len(r.queue) >= window || r.texts >= r.opts.MaxConcurrency+waiting {
			from = nil
		}
		select {
		case in, ok := <-from:
			if !ok {
				return context.Cause(ctx)
			}
			if err := r.admit(ctx, in); err != nil {
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
	}
	b := in.batch
	e := &entry{item: in.item, mark: b.Mark, done: b.Points == 0, place: b.Place, span: b.Span}
	if !e.done {
		if err := r.check(ctx, b); err != nil {
			return err
		}
		e.batch, e.points, e.bytes = b, int64(b.Points), int64(len(b.Text))
		r.texts++
	} else {
		r.recycle(b)
	}
	r.seq++
	e.seq = r.seq
	r.queue = append(r.queue, e)
	return nil
}

// check asks the guard about a place once, and refuses points that it does not keep.
func (r *run) check(ctx context.Context, b *Batch) error {
	if r.opts.Guard == nil {
		return nil
	}
	r.mu.Lock()
	known, ok := r.limits[b.Place]
	r.mu.Unlock()
	if !ok {
		l, err := r.opts.Guard.Place(ctx, b.Place)
		if err != nil {
			return err
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
		return &TooOldError{Place: b.Place, Limits: known.Limits, Oldest: b.Span.Min, Origin: origin.Origin()}
	}
	return nil
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

// mustWait reports whether an earlier batch that is not done may write the same values.
func (r *run) mustWait(i int) bool {
	for _, earlier := range r.queue[:i] {
		if !earlier.done && conflicts(earlier.batch, r.queue[i].batch) {
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
		r.recycle(e.batch)
		e.batch = nil
		r.texts--
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
		e := r.queue[0]
		r.queue = slices.Delete(r.queue, 0, 1)
		if err := r.count(e); err != nil {
			return err
		}
	}
	if !r.dirty || time.Since(r.savedAt) < saveInterval {
		return nil
	}
	return r.save()
}

// save brings the rejects to the disk and then writes the checkpoint.
func (r *run) save() error {
	if err := r.rejects.save(); err != nil {
		return err
	}
	return r.books()
}

// books writes the checkpoint.
func (r *run) books() error {
	if r.opts.CheckpointPath == "" {
		return nil
	}
	r.state.Rejects, r.state.Probe = r.rejects.state, r.prober.state()
	r.state.Done = *r.summary()
	if err := r.state.save(r.opts.CheckpointPath); err != nil {
		return err
	}
	r.dirty, r.saved, r.savedAt = false, true, time.Now()
	return nil
}

// forget removes the checkpoint of a run that is over.
func (r *run) forget() error {
	if !r.saved {
		return nil
	}
	if err := os.Remove(r.opts.CheckpointPath); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the checkpoint: %w", err)
	}
	return nil
}

func (r *run) bodyLimit() int { return int(r.maxBody.Load()) }

// limitBody remembers that bodies longer than n bytes are too large.
func (r *run) limitBody(n int) {
	for {
		old := r.maxBody.Load()
		if int64(n) >= old || r.maxBody.CompareAndSwap(old, int64(n)) {
			return
		}
	}
}

func (r *run) succeededSince(t time.Time) bool { return r.lastSuccess.Load() > t.UnixNano() }
