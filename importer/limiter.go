// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"sync"
	"time"
)

// How the number of requests under way follows the target.
const (
	firstAllowed = 2   // requests at the start
	flat         = 2.0 // an answer may take this many times as long as the quickest lately, and the load still grows
	drift        = 1.002
	cutPause     = time.Second // between two halvings: what is on its way is answered late too
)

// limiter says how many requests may be on their way. Left to itself it grows by one
// for each round of answers while they come as quickly as before, shrinks slowly when
// they take longer, and halves when the target says that it is too much.
type limiter struct {
	mu       sync.Mutex
	fixed    bool
	allowed  float64
	most     float64
	busy     int
	waiters  []chan struct{}
	best     float64 // seconds per unit of the quickest answers, drifting up
	lastCut  time.Time
	notUntil time.Time // what the target asked for

	progress *Progress
}

func newLimiter(fixed, most int, p *Progress) *limiter {
	l := &limiter{most: float64(most), allowed: min(firstAllowed, float64(most)), progress: p}
	if fixed > 0 {
		l.fixed, l.allowed, l.most = true, float64(fixed), float64(fixed)
	}
	p.Allowed.Store(int64(l.allowed))
	return l
}

// acquire waits for a place and for the end of a pause that the target asked for.
func (l *limiter) acquire(ctx context.Context) error {
	for {
		l.mu.Lock()
		wait := time.Until(l.notUntil)
		if wait <= 0 && l.busy < int(l.allowed) {
			l.busy++
			l.progress.InFlight.Store(int64(l.busy))
			l.mu.Unlock()
			return context.Cause(ctx)
		}
		var turn chan struct{}
		if wait <= 0 {
			turn = make(chan struct{})
			l.waiters = append(l.waiters, turn)
		}
		l.mu.Unlock()
		if turn == nil {
			if err := sleep(ctx, wait); err != nil {
				return err
			}
			continue
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// release gives the place back and lets others look again.
func (l *limiter) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	l.progress.InFlight.Store(int64(l.busy))
	l.wake()
}

// wake lets as many go on as there is room for; they look again for themselves, so that
// one who has left meanwhile takes nobody's turn for long.
func (l *limiter) wake() {
	for free := int(l.allowed) - l.busy; free > 0 && len(l.waiters) > 0; free-- {
		close(l.waiters[0])
		l.waiters = l.waiters[1:]
	}
}

// unit is the size, in bytes, that answers are compared by: below it a request costs what
// every request costs.
const unit = 64 << 10

// answered learns from an acknowledged request of that many bytes.
func (l *limiter) answered(took time.Duration, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fixed {
		return
	}
	per := took.Seconds() / max(1, float64(bytes)/unit)
	if l.best == 0 || per < l.best {
		l.best = per
	} else {
		l.best *= drift
	}
	if per <= flat*l.best {
		l.allowed = min(l.most, l.allowed+1/l.allowed)
	} else {
		l.allowed = max(1, l.allowed-0.2/l.allowed)
	}
	l.progress.Allowed.Store(int64(l.allowed))
	l.wake()
}

// overloaded halves the load, and lets nothing out before the pause is over that the
// target asked for.
func (l *limiter) overloaded(pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if until := now.Add(pause); pause > 0 && until.After(l.notUntil) {
		l.notUntil = until
	}
	if l.fixed || now.Sub(l.lastCut) < cutPause {
		return
	}
	l.lastCut = now
	l.allowed = max(1, l.allowed/2)
	l.progress.Allowed.Store(int64(l.allowed))
}

// sleep waits, or ends with ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
