// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
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
	for tries := 1; ; tries++ {
		err := f()
		if err == nil || noDatabase(err) || noPolicy(err) || !target.Retryable(err) {
			return err
		}
		wait := target.Backoff(err, tries, longestWait)
		if time.Now().Add(wait).After(deadline) {
			return err
		}
		if secret {
			c.note("waiting for the target")
		} else {
			c.note("waiting for the target: %v", err)
		}
		if err := target.Pause(ctx, wait); err != nil {
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
