// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"math"

	"golang.org/x/time/rate"
)

// pace holds the run back to so many points and bytes a second.
type pace struct{ points, bytes *rate.Limiter }

func newPace(points, bytes float64) pace {
	return pace{points: newRate(points), bytes: newRate(bytes)}
}

// newRate makes a limiter that lets a quarter of a second's worth out at once; nil for
// no limit.
func newRate(perSec float64) *rate.Limiter {
	if perSec <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSec), int(max(1, min(perSec/4, math.MaxInt32))))
}

// wait returns when a request of that size may go.
func (p pace) wait(ctx context.Context, points, bytes int) error {
	if err := take(ctx, p.points, points); err != nil {
		return err
	}
	return take(ctx, p.bytes, bytes)
}

// take waits for n, in pieces that the limiter can give.
func take(ctx context.Context, l *rate.Limiter, n int) error {
	if l == nil {
		return nil
	}
	for n > 0 {
		piece := min(n, l.Burst())
		if err := l.WaitN(ctx, piece); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
		n -= piece
	}
	return nil
}
