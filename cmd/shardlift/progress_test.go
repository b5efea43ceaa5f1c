// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/importer"
)

func TestExportGauge(t *testing.T) {
	type counts struct{ shards, allShards, bytes, allBytes, points int64 }
	cases := map[string]struct {
		counts
		elapsed time.Duration
		want    string
	}{
		"nothing yet": {counts{0, 0, 0, 0, 0}, 0, "0 % of 1 B, shard 0 of 0, 0 points, 0 points/s"},
		"no byte yet": {counts{1, 4, 0, 100e6, 0}, time.Second, "0 % of 100 MB, shard 1 of 4, 0 points, 0 points/s"},
		"a quarter":   {counts{1, 4, 25, 100, 500}, 2 * time.Second, "25 % of 100 B, shard 1 of 4, 500 points, 250 points/s, about 6s left"},
		"the source grew": {
			counts{4, 4, 110, 100, 1_234_567},
			time.Second,
			"100 % of 110 B, shard 4 of 4, 1,234,567 points, 1,234,567 points/s, about 0s left",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var p exporter.Progress
			p.ShardsDone.Store(c.shards)
			p.Shards.Store(c.allShards)
			p.DoneBytes.Store(c.bytes)
			p.TotalBytes.Store(c.allBytes)
			p.Points.Store(c.points)
			shown(t, exportGauge(&p)(c.elapsed), c.want)
		})
	}
}

// shown compares the line for a state.
func shown(t *testing.T, s state, want string) {
	t.Helper()
	var b bytes.Buffer
	(&lines{&b}).show(s)
	if diff := cmp.Diff("shardlift: "+want+"\n", b.String()); diff != "" {
		t.Error(diff)
	}
}

// Before the first answer nobody knows how many queries there will be.
func TestQueryGauge(t *testing.T) {
	var done, all atomic.Int64
	g := queryGauge(&done, &all)
	shown(t, g(0), "asking the target what fields it has, and for the first values")
	done.Store(1)
	all.Store(4)
	shown(t, g(time.Second), "1 of 4 queries answered, about 3s left")
}

// The rate and the time left are those of this run; all else counts what a run before did.
func TestImportGauge(t *testing.T) {
	var p importer.Progress
	p.Read.Store(40)
	p.Total.Store(100)
	p.Stored.Store(1000)
	read := importGauge(&p, 1000)
	shown(t, read(0), "40 % of 100 B, 1,000 points stored, 0 points/s, 0 of 0 requests on their way")
	p.Read.Store(60)
	p.Stored.Store(1500)
	p.InFlight.Store(2)
	p.Allowed.Store(4)
	shown(t, read(2*time.Second), "60 % of 100 B, 1,500 points stored, 250 points/s, 2 of 4 requests on their way, about 4s left")
	p.Read.Store(100)
	shown(t, read(2*time.Second), "100 % of 100 B, 1,500 points stored, 250 points/s, 2 of 4 requests on their way")
	p.Read.Store(60)
	p.Retries.Store(3)
	p.Waiting.Store(1)
	p.Rejected.Store(1200)
	p.Total.Store(0) // a pipe
	s := read(2 * time.Second)
	shown(t, s, "60 B read, 1,500 points stored, 250 points/s, 2 of 4 requests on their way, 3 sent again, 1 waiting to be sent again, 1,200 rejected")
	if want := "250 pt/s 2/4 wait 1 rej 1.2k"; s.brief != want {
		t.Errorf("the bar says %q, want %q", s.brief, want)
	}
}

// The bar shows what a line does, on one line of the terminal, and is gone at the end.
func TestBar(t *testing.T) {
	cases := map[string]struct {
		states []state
		want   []string
	}{
		"volume": {
			[]state{{bytes: 10e6, allBytes: 40e6, brief: "shard 2/40 250k pt/s", left: 9 * time.Second}, {bytes: 40e6, allBytes: 40e6}},
			[]string{"shard 2/40 250k pt/s", " 25% |███"},
		},
		"pipe": {
			[]state{{bytes: 10e6, brief: "250k pt/s 2/4", left: -1}, {bytes: 40e6, left: -1}},
			[]string{"10 MB 250k pt/s 2/4"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			d := newBar(&b)
			d.show(c.states[0])
			text := b.String()
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing in %q", want, text)
				}
			}
			for _, s := range c.states[1:] {
				d.show(s)
			}
			d.finish()
			if strings.Contains(b.String(), "\n") {
				t.Errorf("the bar leaves its line: %q", b.String())
			}
			if last := b.String()[strings.LastIndex(b.String(), "\r")+1:]; strings.TrimSpace(last) != "" {
				t.Errorf("%q is left of the bar", last)
			}
		})
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
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		stop := watch(&r, exportGauge(&exporter.Progress{}), time.Second)
		time.Sleep(3500 * time.Millisecond)
		stop()
		time.Sleep(time.Minute)
		stop() // twice is harmless
		if shown, finished := r.counts(); shown != 3 || finished != 1 {
			t.Errorf("shown %d times, finished %d times", shown, finished)
		}
	})
}
