// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"math/rand/v2"
	"time"
)

// firstBackoff is the longest wait after the first try.
const firstBackoff = 200 * time.Millisecond

// Backoff says how long to wait before a request is sent again that got a Retryable error
// for the tries-th time, from 1: a random time up to one that doubles from try to try, as
// far as longest. Where the target says when to come back it is as long as that and a little
// more, lest all who wait come at once.
func Backoff(err error, tries int, longest time.Duration) time.Duration {
	most := longest
	if shift := tries - 1; shift < 16 { // behind that nothing is longer
		most = min(most, firstBackoff<<shift)
	}
	wait := rand.N(most)
	if e, ok := asError(err); ok && e.RetryAfter > 0 {
		wait = e.RetryAfter + min(wait, e.RetryAfter/5)
	}
	return wait
}

// Pause waits for d, or ends with the cause of ctx.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
