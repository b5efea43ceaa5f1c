// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"sync"
	"time"

	"github.com/shardlift/shardlift/target"
)

// How the number of requests under way follows the target.
const (
	firstAllowed = 2                      // requests at the start
	epoch        = 500 * time.Millisecond // the load is not changed more often
	cutPause     = time.Second            // between two halvings: what is on its way is answered late too
	restEpochs   = 8                      // before a step that did not help is tried again
	restAfterCut = 20                     // before the load grows again after a halving
)

// limiter says how many requests may be on their way. Left to itself it takes steps, and
// looks what they do to the throughput. One more request is kept where it brings at least
// half of what it would bring if answers came as quickly as before; one less where it
// costs nothing. It halves when the target says that it is too much.
type limiter struct {
	mu       sync.Mutex
	fixed    bool
	allowed  int
	most     int
	busy     int
	waiters  []chan struct{}
	lastCut  time.Time
	notUntil time.Time // what the target asked for

	// The epoch at hand.
	began   time.Time
	answers int
	bytes   int
	wanted  bool // somebody had to wait for a place

	step int     // the last change of allowed, on trial: 1, -1 or 0
	rate float64 // bytes a second before it
	rest int     // epochs to go before the next one
	down bool    // which is to be one less

	progress *Progress
}

func newLimiter(fixed, most int, p *Progress) *limiter {
	l := &limiter{most: most, allowed: min(firstAllowed, most), progress: p}
	if fixed > 0 {
		l.fixed, l.allowed, l.most = true, fixed, fixed
	}
	p.Allowed.Store(int64(l.allowed))
	return l
}

// acquire waits for a place and for the end of a pause that the target asked for.
func (l *limiter) acquire(ctx context.Context) error {
	for {
		l.mu.Lock()
		wait := time.Until(l.notUntil)
		if wait <= 0 && l.busy < l.allowed {
			l.busy++
			l.progress.InFlight.Store(int64(l.busy))
			l.mu.Unlock()
			return context.Cause(ctx)
		}
		var turn chan struct{}
		if wait <= 0 {
			turn = make(chan struct{})
			l.wanted = true
			l.waiters = append(l.waiters, turn)
		}
		l.mu.Unlock()
		if turn == nil {
			if err := target.Pause(ctx, wait); err != nil {
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
	for free := l.allowed - l.busy; free > 0 && len(l.waiters) > 0; free-- {
		close(l.waiters[0])
		l.waiters = l.waiters[1:]
	}
}

// answered counts an acknowledged request of that many bytes, and ends the epoch when it
// has seen enough.
func (l *limiter) answered(bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.began.IsZero() {
		l.restart(now)
		return
	}
	l.answers++
	l.bytes += bytes
	took := now.Sub(l.began)
	if l.fixed || took < epoch || l.answers < 4*l.allowed {
		return
	}
	l.judge(float64(l.bytes) / took.Seconds())
	l.restart(now)
	l.progress.Allowed.Store(int64(l.allowed))
	l.wake()
}

// restart begins an epoch.
func (l *limiter) restart(now time.Time) { l.began, l.answers, l.bytes, l.wanted = now, 0, 0, false }

// judge keeps or takes back the step on trial, by the rate since, and takes the next.
func (l *limiter) judge(rate float64) {
	before := l.allowed - l.step
	switch {
	case l.step > 0 && rate >= l.rate*(1+0.5/float64(before)), l.step < 0 && rate >= l.rate*0.97:
		l.rest = 0 // on in this direction
	case l.step != 0:
		l.allowed = before
		l.down = l.step > 0
		l.rest = restEpochs
	default:
		l.rest--
	}
	l.step = 0
	if l.rest > 0 || !l.wanted {
		return // where nobody waits for a place the rate says nothing
	}
	l.rate = rate
	switch {
	case l.down && l.allowed > 1:
		l.step = -1
	case !l.down && l.allowed < l.most:
		l.step = 1
	default:
		l.down = !l.down
	}
	l.allowed += l.step
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
	l.step, l.down, l.rest = 0, false, restAfterCut
	l.restart(now)
	l.progress.Allowed.Store(int64(l.allowed))
}
