// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// load runs requests through a limiter for a while: each takes as long as took says of
// how many are on their way. It gives how many were allowed in the end.
func load(t *testing.T, l *limiter, d time.Duration, took func(busy int) time.Duration) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for l.acquire(ctx) == nil {
				time.Sleep(took(int(l.progress.InFlight.Load())))
				l.answered(1 << 20)
				l.release()
			}
		})
	}
	all.Wait()
	return int(l.progress.Allowed.Load())
}

func TestLimiterGrowsWhileFlat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(0, 12, &Progress{})
		if got := load(t, l, time.Minute, func(int) time.Duration { return 10 * time.Millisecond }); got != 12 {
			t.Errorf("allowed %d, want the most, 12", got)
		}
	})
}

func TestLimiterStaysWhereLatencyGrows(t *testing.T) {
	// Two at a time are served side by side, more wait for each other.
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(0, 12, &Progress{})
		got := load(t, l, time.Minute, func(busy int) time.Duration { return 10 * time.Millisecond * time.Duration(max(busy, 2)) / 2 })
		if got < 1 || got > 3 {
			t.Errorf("allowed %d, want about 2", got)
		}
	})
}

func TestLimiterHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(0, 12, &Progress{})
		load(t, l, time.Minute, func(int) time.Duration { return 10 * time.Millisecond })
		l.overloaded(0)
		l.overloaded(0) // of the same moment
		if got := l.progress.Allowed.Load(); got != 6 {
			t.Errorf("allowed %d, want 6", got)
		}
		time.Sleep(2 * time.Second)
		for range 10 {
			l.overloaded(0)
			time.Sleep(2 * time.Second)
		}
		if got := l.progress.Allowed.Load(); got != 1 {
			t.Errorf("allowed %d, want 1", got)
		}
	})
}

func TestLimiterPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(3, 3, &Progress{})
		began := time.Now()
		l.overloaded(7 * time.Second)
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("waited %v, want 7s", took)
		}
		if got := l.progress.Allowed.Load(); got != 3 {
			t.Errorf("a fixed limit became %d", got)
		}
	})
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1000, 0)
		began := time.Now()
		for range 10 {
			if err := p.wait(t.Context(), 1000, 1<<20); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 9*time.Second || took > 10*time.Second {
			t.Errorf("10,000 points at 1,000 a second took %v", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if p.wait(ctx, 1000, 1) == nil {
			t.Error("waits although the context has ended")
		}
	})
}

func TestLatency(t *testing.T) {
	var l latencies
	for i := range 1000 {
		l.add(time.Duration(i+1) * time.Millisecond)
	}
	got := l.summary()
	for name, c := range map[string][2]float64{"p50": {got.P50, 0.5}, "p90": {got.P90, 0.9}, "p99": {got.P99, 0.99}, "max": {got.Max, 1}} {
		if c[0] < c[1] || c[0] > c[1]*1.06 {
			t.Errorf("%s is %v, want %v or a little more", name, c[0], c[1])
		}
	}
}
