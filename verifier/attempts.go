// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/shardlift/shardlift/target"
)

const (
	attempts   = 6
	lessAfter  = 3 // of them
	firstPause = time.Second
)

// errTooMuch says that a query has to ask for less.
var errTooMuch = errors.New("the target does not count as much at a time")

// errTooManySeries is an errTooMuch that shorter times cure only as far as shards differ.
var errTooManySeries = fmt.Errorf("%w: of series", errTooMuch)

// errTooSlow is an errTooMuch that shorter times may not cure: a query goes through all its
// series for each of its columns, however short the time.
var errTooSlow = fmt.Errorf("%w: in time", errTooMuch)

// columnsFirst reports whether what was too much is better cut by its columns than by time.
func columnsFirst(err error) bool {
	return errors.Is(err, errTooManySeries) || errors.Is(err, errTooSlow)
}

// question is one query. least asks for the least part of it, one field at one time; it is
// "" where the query cannot be split.
type question struct{ database, statement, least string }

// nothing costs a target nothing.
const nothing = "SHOW DATABASES"

// GaveUpError says that a target did not answer, however often it was asked.
type GaveUpError struct {
	Queries int64         // that were sent
	After   time.Duration // since the first of them
	Only    string        // the least that it was asked for at last; "" where that was the same
	Err     error         // the last answer
}

// Error tells how often the target was asked, and the last answer.
func (e *GaveUpError) Error() string {
	only := ""
	if e.Only != "" {
		only = ", at last only for " + e.Only
	}
	return fmt.Sprintf("asked %d times in %s%s: %v", e.Queries, e.After.Round(time.Second), only, e.Err)
}

// Unwrap gives the last answer.
func (e *GaveUpError) Unwrap() error { return e.Err }

// try runs a query until it is answered, or gives up. start is called before each
// attempt. errTooMuch comes only for what can be split.
func (q *Paced) try(ctx context.Context, ask question, start func(), query func() error) error {
	began, before, only := time.Now(), q.queries, ""
	for n := 1; ; n++ {
		err := q.once(ctx, start, query)
		e, ok := errors.AsType[*target.Error](err)
		switch {
		case !ok || ctx.Err() != nil:
			return err
		case strings.Contains(e.Message, "max-select-series"):
			return errTooManySeries
		case strings.Contains(e.Message, "max-select-"):
			return errTooMuch
		case !target.Retryable(err):
			return err
		case e.Class == target.Overloaded && ask.least != "" && n >= q.lessAfter(e):
			only, err = q.less(ctx, ask, n)
			q.slow = q.slow || e.Status == 0 && errors.Is(err, errTooSlow)
		case n < attempts:
			if err := pause(ctx, e, n); err != nil {
				return err
			}
			continue
		}
		if target.Retryable(err) {
			err = &GaveUpError{Queries: q.queries - before, After: time.Since(began), Only: only, Err: err}
		}
		return err
	}
}

// lessAfter says after how many failures less is tried. A target that once did not answer
// in time for no other reason than the size of a query is not given as long to show it again.
func (q *Paced) lessAfter(e *target.Error) int {
	if q.slow && e.Status == 0 {
		return 1
	}
	return lessAfter
}

// once runs a query when its time has come.
func (q *Paced) once(ctx context.Context, start func(), query func() error) error {
	if err := q.limiter.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	start()
	q.queries++
	return query()
}

// pause waits after the n-th failure. All attempts give a server 15 to 46 seconds to come
// back; with target.Backoff, which is for writes that go on for minutes, it were 0 to 6.
func pause(ctx context.Context, e *target.Error, n int) error {
	half := firstPause << n / 4
	return target.Pause(ctx, max(e.RetryAfter, half+rand.N(2*half)))
}

// less decides about a query that a target was too busy for n times, or too slow. Where it
// answers what costs it least, that is errTooSlow: parts may be answered. Else it is down,
// and each part would take as long to fail: that is the last answer, and to what it was.
func (q *Paced) less(ctx context.Context, ask question, n int) (only string, err error) {
	for ; ; n++ {
		only, err = q.probe(ctx, ask)
		e, ok := errors.AsType[*target.Error](err)
		switch {
		case err == nil:
			return "", errTooSlow
		case !ok || ctx.Err() != nil || n >= attempts:
			return only, err
		}
		if err := pause(ctx, e, n); err != nil {
			return "", err
		}
	}
}

// probe asks for nothing, and then for the least part of a query. A refusal is an answer.
func (q *Paced) probe(ctx context.Context, ask question) (what string, err error) {
	for _, part := range []struct{ statement, what string }{{nothing, nothing}, {ask.least, "one field at one time"}} {
		err := q.once(ctx, func() {}, func() error {
			return q.t.Each(ctx, ask.database, part.statement, func(target.Series) error { return nil })
		})
		if e, ok := errors.AsType[*target.Error](err); err != nil && (!ok || target.Retryable(e) || ctx.Err() != nil) {
			return part.what, err
		}
	}
	return "", nil
}
