// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/shardlift/shardlift/target"
)

const (
	defaultRetryFor = 10 * time.Minute
	firstWait       = 200 * time.Millisecond
	longestWait     = 10 * time.Second
)

// query asks the target, again and again while what keeps it from answering may pass.
func (c *Checker) query(ctx context.Context, statement string) (series []target.Series, err error) {
	err = c.patiently(ctx, secret(statement), func() (err error) {
		series, err = c.target.Query(ctx, "", statement)
		return err
	})
	return series, err
}

// touch sends an empty write, which tests credentials and place.
func (c *Checker) touch(ctx context.Context, database, policy string) error {
	return c.patiently(ctx, false, func() error {
		return c.target.Write(ctx, database, policy, nil)
	})
}

// patiently calls f until it ends well, its error is one that stays, or it took too long.
// With secret, what the target says meanwhile is not shown.
func (c *Checker) patiently(ctx context.Context, secret bool, f func() error) error {
	deadline := time.Now().Add(c.retryFor())
	for limit := firstWait; ; limit = min(2*limit, longestWait) {
		err := f()
		if err == nil || noDatabase(err) || noPolicy(err) || !target.Retryable(err) {
			return err
		}
		wait := rand.N(limit)
		if e, ok := errors.AsType[*target.Error](err); ok {
			wait = max(wait, e.RetryAfter)
		}
		if time.Now().Add(wait).After(deadline) {
			return err
		}
		if secret {
			c.note("waiting for the target")
		} else {
			c.note("waiting for the target: %v", err)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (c *Checker) retryFor() time.Duration {
	if c.opts.RetryFor == 0 {
		return defaultRetryFor
	}
	return c.opts.RetryFor
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
