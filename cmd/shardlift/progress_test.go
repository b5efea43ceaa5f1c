// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
)

func TestStateOf(t *testing.T) {
	type counts struct{ shards, allShards, bytes, allBytes, points int64 }
	cases := map[string]struct {
		counts
		elapsed time.Duration
		want    state
	}{
		"nothing yet": {counts{0, 0, 0, 0, 0}, 0, state{left: -1}},
		"no byte yet": {counts{1, 4, 0, 100, 0}, time.Second, state{shards: 1, allShards: 4, allBytes: 100, left: -1}},
		"a quarter": {
			counts{1, 4, 25, 100, 500},
			2 * time.Second,
			state{shards: 1, allShards: 4, bytes: 25, allBytes: 100, points: 500, rate: 250, left: 6 * time.Second},
		},
		"the source grew": {counts{4, 4, 110, 100, 500}, time.Second, state{shards: 4, allShards: 4, bytes: 110, allBytes: 110, points: 500, rate: 500}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var p exporter.Progress
			p.ShardsDone.Store(c.shards)
			p.Shards.Store(c.allShards)
			p.DoneBytes.Store(c.bytes)
			p.TotalBytes.Store(c.allBytes)
			p.Points.Store(c.points)
			if diff := cmp.Diff(c.want, stateOf(&p, c.elapsed), cmp.AllowUnexported(state{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLines(t *testing.T) {
	cases := map[string]struct {
		state state
		want  string
	}{
		"start": {state{allShards: 4, allBytes: 29e6, left: -1}, "shardlift: 0 % of 29 MB, shard 0 of 4, 0 points, 0 points/s\n"},
		"empty": {state{left: -1}, "shardlift: 0 % of 0 B, shard 0 of 0, 0 points, 0 points/s\n"},
		"middle": {
			state{shards: 2, allShards: 4, bytes: 10e6, allBytes: 29e6, points: 1_234_567, rate: 246_913.4, left: 9_499 * time.Millisecond},
			"shardlift: 34 % of 29 MB, shard 2 of 4, 1,234,567 points, 246,913 points/s, about 9s left\n",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			(&lines{&b}).show(c.state)
			if diff := cmp.Diff(c.want, b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The bar shows what a line does, on one line of the terminal, and is gone at the end.
func TestBar(t *testing.T) {
	var b bytes.Buffer
	d := newBar(&b)
	d.show(state{shards: 2, allShards: 40, bytes: 10e6, allBytes: 40e6, points: 1e6, rate: 250_000, left: 9 * time.Second})
	text := b.String()
	for _, want := range []string{"shard 2/40 250k pt/s", " 25% |███"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %q", want, text)
		}
	}
	d.show(state{shards: 40, allShards: 40, bytes: 40e6, allBytes: 40e6, points: 1e6, rate: 250_000})
	d.finish()
	if strings.Contains(b.String(), "\n") {
		t.Errorf("the bar leaves its line: %q", b.String())
	}
	screen := b.String()[strings.LastIndex(b.String(), "%")+1:]
	if last := screen[strings.LastIndex(screen, "\r")+1:]; strings.TrimSpace(last) != "" {
		t.Errorf("%q is left of the bar", last)
	}
}

// recorder is a display that counts.
type recorder struct {
	mu              sync.Mutex
	shown, finished int
}

func (r *recorder) show(state) { r.mu.Lock(); r.shown++; r.mu.Unlock() }
func (r *recorder) finish()    { r.mu.Lock(); r.finished++; r.mu.Unlock() }

func (r *recorder) counts() (shown, finished int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shown, r.finished
}

// Nothing is shown any more once stop has returned, so that the summary stands alone.
func TestWatchStops(t *testing.T) {
	var r recorder
	stop := watch(&r, &exporter.Progress{}, time.Millisecond)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if shown, _ := r.counts(); shown > 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was shown")
		}
	}
	stop()
	shown, finished := r.counts()
	time.Sleep(10 * time.Millisecond)
	stop() // twice is harmless
	if later, again := r.counts(); later != shown || finished != 1 || again != 1 {
		t.Errorf("shown %d, then %d times; finished %d, then %d times", shown, later, finished, again)
	}
}
