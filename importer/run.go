// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/shardlift/shardlift/point"
)

// ErrTooManyRejects says that more points were refused than MaxRejects.
var ErrTooManyRejects = errors.New("too many points were refused")

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
	if err := r.takeUp(); err != nil { // the checkpoint may be that of a run that goes on
		return r.summary(), errors.Join(err, r.rejects.close())
	}
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
	refused           atomic.Int64 // points, those of batches that are not done among them
	maxBody           atomic.Int64
	lastSuccess       atomic.Int64 // when the server last took a look at points, in Unix nanoseconds
	prober            prober

	mu     sync.Mutex
	limits map[Place]knownLimits
	shards shards

	state   Checkpoint
	reasons map[string]*Reason
	dirty   bool // the state is newer than the file
	saved   bool // there is a file
	begun   bool // it knows where the run's rejects begin
	savedAt time.Time

	queue   []*entry // open batches, in order
	seq     int64    // of the last one
	active  int      // of them, on their way
	texts   int      // of them, with text
	held    int      // rejects of them
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
	shards  []int64 // that it writes to, see shardsOf
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
	r.refused.Store(c.Done.Rejected)
	r.requests.Store(c.Done.Requests)
	r.retries.Store(c.Done.Retries)
	r.progress.Points.Add(c.Done.Points)
	r.progress.Stored.Add(c.Done.Stored)
	r.progress.Rejected.Add(c.Done.Rejected)
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
