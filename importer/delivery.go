// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/target"
)

// How a request is sent again.
const (
	maxBackoff  = 30 * time.Second
	poisonTries = 5         // plain 500s before a point is held for their cause
	cutTries    = 3         // timeouts and broken connections before the batch is cut
	cutBytes    = 128 << 10 // batches that small are not cut for that
)

// GaveUpError says that a batch did not get through for as long as the budget lasts.
type GaveUpError struct {
	Place Place
	After time.Duration
	Tries int
	Err   error // the last answer
}

// Error tells the budget and the last answer.
func (e *GaveUpError) Error() string {
	return fmt.Sprintf("write to %s: nothing got through for %s (%d tries): %v", strings.TrimSuffix(e.Place.String(), "."), e.After.Round(time.Second), e.Tries, e.Err)
}

// Unwrap gives the last answer.
func (e *GaveUpError) Unwrap() error { return e.Err }

// errCut asks for the batch in smaller pieces, errPutOff for the other points first.
var (
	errCut    = errors.New("cut the batch")
	errPutOff = errors.New("put the point off")
)

// delivery brings one batch to its end: every point is acknowledged or refused.
type delivery struct {
	run   *run
	batch *Batch
	seq   int64   // its number in the feed
	all   []int32 // indices of the points; made when the batch has to be cut
	ends  []int   // of the points in the text, likewise
	text  []byte  // of points that do not stand together

	rejects []refusal
	putOff  []int32   // points that seem to make the server fail, until it is seen that others do not
	poison  []byte    // the series of the last point that was seen to make the server fail
	tries   int       // since the last success
	since   time.Time // of the first of them
}

// refusal is a refused point of the batch.
type refusal struct {
	index  int32
	reason string
}

// deliver sends the batch.
func (d *delivery) deliver(ctx context.Context) error {
	if err := d.first(ctx); err != nil {
		return err
	}
	return d.settle(ctx)
}

// first sends the batch, whole if it may be.
func (d *delivery) first(ctx context.Context) error {
	b := d.batch
	if len(b.Text) <= d.run.bodyLimit() || b.Points == 1 {
		err := d.attempt(ctx, b.Text, b.Points)
		if err == nil {
			return nil
		}
		if err := d.cut(); err != nil {
			return err
		}
		return d.failed(ctx, d.all, err)
	}
	if err := d.cut(); err != nil {
		return err
	}
	return d.send(ctx, d.all)
}

// cut finds the points of the text.
func (d *delivery) cut() error {
	d.ends = lineprotocol.AppendEnds(d.ends[:0], d.batch.Text)
	if len(d.ends) != d.batch.Points {
		return fmt.Errorf("cut a batch of %s: %d points were read and %d are found", d.batch.Place, d.batch.Points, len(d.ends))
	}
	d.all = d.all[:0]
	for i := range d.ends {
		d.all = append(d.all, int32(i))
	}
	return nil
}

// point gives the line of a point.
func (d *delivery) point(i int32) []byte {
	from := 0
	if i > 0 {
		from = d.ends[i-1]
	}
	return d.batch.Text[from:d.ends[i]]
}

// lines gives the text of a set of points, in order. It is valid until the next call.
func (d *delivery) lines(set []int32) []byte {
	first, last := set[0], set[len(set)-1]
	if int(last-first) == len(set)-1 {
		from := 0
		if first > 0 {
			from = d.ends[first-1]
		}
		return d.batch.Text[from:d.ends[last]]
	}
	d.text = d.text[:0]
	for _, i := range set {
		d.text = append(d.text, d.point(i)...)
	}
	return d.text
}

// send brings a set of the batch's points to its end.
func (d *delivery) send(ctx context.Context, set []int32) error {
	if len(set) == 0 {
		return nil
	}
	text := d.lines(set)
	if len(text) > d.run.bodyLimit() && len(set) > 1 {
		return d.halves(ctx, set)
	}
	err := d.attempt(ctx, text, len(set))
	if err == nil {
		return nil
	}
	return d.failed(ctx, set, err)
}

// halves sends a set in two, one after the other: points of a series keep their order,
// also where a part of them was stored by a request before.
func (d *delivery) halves(ctx context.Context, set []int32) error {
	mid := len(set) / 2
	if err := d.send(ctx, set[:mid]); err != nil {
		return err
	}
	return d.send(ctx, set[mid:])
}

// failed decides what to do with a set that was not acknowledged.
func (d *delivery) failed(ctx context.Context, set []int32, err error) error {
	te, ok := errors.AsType[*target.Error](err)
	switch {
	case errors.Is(err, errCut):
		if len(set) > 1 {
			return d.halves(ctx, set)
		}
		if ok && te.Poison {
			d.reject(set[0], poisonReason(d.point(set[0]), te))
			d.poison = seriesOf(d.point(set[0]))
			return nil
		}
		return err
	case errors.Is(err, errPutOff):
		d.putOff = append(d.putOff, set[0])
		return nil
	case !ok:
		return err
	case te.Class == target.TooLarge:
		if len(set) > 1 {
			d.run.limitBody(len(d.lines(set)) / 2)
			return d.halves(ctx, set)
		}
		d.reject(set[0], "the point is too large for the server: "+te.Message)
		return nil
	case te.Class == target.Refused:
		return d.refused(ctx, set, te)
	default:
		return err
	}
}

// attempt sends lines until they are acknowledged, or until it is clear that sending
// them again is no use, which the error says.
func (d *delivery) attempt(ctx context.Context, lines []byte, points int) error {
	began, poisoned := time.Now(), 0
	if err := d.tooMany(); err != nil {
		return err
	}
	for tries := 1; ; tries++ {
		err := d.once(ctx, lines, points)
		if err == nil {
			d.tries = 0
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err() // not its cause, which may be another batch's error
		}
		if !target.Retryable(err) {
			d.tries = 0 // the target answers
			return err
		}
		if d.tries == 0 {
			d.since = time.Now()
		}
		d.tries++
		te, ok := errors.AsType[*target.Error](err)
		if !ok || te.Status == 0 {
			d.run.shards.forget()
		}
		if ok && te.Poison {
			poisoned++
		} else {
			poisoned, began = 0, time.Now()
		}
		if v := d.verdict(ctx, err, tries, poisoned, began, lines, points); v != nil {
			return v
		}
		if d.pause(ctx, err, tries) != nil {
			return ctx.Err()
		}
		d.run.progress.Retries.Add(1)
		d.run.retries.Add(1)
	}
}

// verdict says whether a temporary error is worth another try, by its error.
func (d *delivery) verdict(ctx context.Context, err error, tries, poisoned int, began time.Time, lines []byte, points int) error {
	te, ok := errors.AsType[*target.Error](err)
	if !ok {
		return nil
	}
	if time.Since(d.since) >= d.run.opts.RetryFor {
		return &GaveUpError{Place: d.batch.Place, After: time.Since(d.since), Tries: d.tries, Err: te}
	}
	if poisoned > 0 {
		if points == 1 && d.poison != nil && bytes.Equal(d.poison, seriesOf(lines)) {
			poisoned = poisonTries // its series was the cause before
		}
		if err := d.blame(ctx, te, poisoned, began, lines, points); err != nil {
			return err
		}
	}
	hung := te.Status == 0 || te.Status == 408 || te.Status == 504 || te.Class == target.Overloaded && te.Status == 500
	if hung && tries >= cutTries && points > 1 && len(lines) > cutBytes {
		return errors.Join(errCut, te)
	}
	return nil
}

// pause waits before the next try, but no longer than the budget lasts.
func (d *delivery) pause(ctx context.Context, err error, tries int) error {
	left := max(0, d.run.opts.RetryFor-time.Since(d.since))
	if te, ok := errors.AsType[*target.Error](err); ok && te.Class == target.Overloaded {
		d.run.limit.overloaded(min(te.RetryAfter, left))
	}
	d.run.progress.Waiting.Add(1)
	defer d.run.progress.Waiting.Add(-1)
	return target.Pause(ctx, min(target.Backoff(err, tries, maxBackoff), left))
}

// once sends lines one time, when load and limits allow it.
func (d *delivery) once(ctx context.Context, lines []byte, points int) error {
	if err := d.run.pace.wait(ctx, points, len(lines)); err != nil {
		return err
	}
	if err := d.run.limit.acquire(ctx); err != nil {
		return err
	}
	defer d.run.limit.release()
	err := d.run.write(ctx, d.seq, d.batch.Place, lines)
	if err == nil {
		d.run.limit.answered(len(lines))
	}
	return err
}

// reject notes a refused point.
func (d *delivery) reject(i int32, reason string) {
	d.rejects = append(d.rejects, refusal{index: i, reason: reason})
	d.run.refused.Add(1)
}

// refusedBeyond is how many points more than may be refused a batch is brought to its end
// for, so that they come into the rejects file.
const refusedBeyond = 100

// tooMany ends a batch of which the server seems to refuse all, one by one.
func (d *delivery) tooMany() error {
	n, most := len(d.rejects), d.run.opts.MaxRejects
	if n == 0 || most < 0 || d.run.refused.Load()-refusedBeyond <= most {
		return nil
	}
	last := d.rejects[n-1]
	at := Reject{Input: d.batch.Input}
	if len(d.batch.Lines) == d.batch.Points {
		at.Line = d.batch.Lines[last.index]
	}
	return fmt.Errorf("%w: --max-rejects is %d, and the last one was %s: %s", ErrTooManyRejects, most, at.Origin(), last.reason)
}
