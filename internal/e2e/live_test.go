// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shardlift/shardlift/internal/influxdtest"
)

// ledger is what is certain of the points of a live server: round n of the writer is
// acknowledged, its deletions too.
type ledger struct {
	mu      sync.Mutex
	rounds  int            // rounds whose points were all acknowledged
	deleted map[int]bool   // rounds whose "gone" points were deleted, acknowledged
	files   map[string]int // what the exports met, to show that files did change
}

const (
	livePointsARound = 400
	liveFor          = 8 * time.Second
)

// round gives the points of round n: "kept" ones that nobody touches again, "gone"
// ones that are deleted later, and one that every round overwrites.
func round(n int) string {
	var b strings.Builder
	for i := range livePointsARound {
		at := int64(n*livePointsARound+i)*1e9 + 1_600_000_000_000_000_000
		fmt.Fprintf(&b, "kept,host=h%d v=%di,w=%d.5 %d\n", i%40, n, i, at)
		fmt.Fprintf(&b, "gone,round=r%d v=%di %d\n", n, i, at)
		fmt.Fprintf(&b, "over,host=h%d v=%di 1600000000000000000\n", i%40, n)
	}
	return b.String()
}

// A server writes, overwrites, deletes, flushes and compacts while its directory is
// exported again and again. No export may fail or report a fault, miss what was
// acknowledged before it began, or bring back what was deleted before.
func TestLiveDirectory(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{
		SnapshotMemory: 64 << 10, SnapshotCold: time.Second, CompactCold: time.Second,
	})
	s.Exec(`CREATE DATABASE "live"`)
	ctx, stop := context.WithTimeout(t.Context(), liveFor)
	defer stop()
	l := &ledger{deleted: map[int]bool{}, files: map[string]int{}}
	failed := make(chan error, 2)
	var writers sync.WaitGroup
	writers.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			if err := s.TryWrite("live", "", round(n)); err != nil {
				failed <- fmt.Errorf("round %d: %w", n, err)
				return
			}
			l.mu.Lock()
			l.rounds = n + 1
			l.mu.Unlock()
			if n%3 == 2 {
				if err := s.TryExec(fmt.Sprintf(`DROP SERIES FROM "gone" WHERE "round" = 'r%d'`, n-2), "live"); err != nil {
					failed <- err
					return
				}
				l.mu.Lock()
				l.deleted[n-2] = true
				l.mu.Unlock()
			}
		}
	})
	writers.Go(func() { // many small generations for the compactor
		for ctx.Err() == nil {
			s.Flush("live")
			time.Sleep(100 * time.Millisecond)
		}
	})
	exports := 0
	for ; ctx.Err() == nil; exports++ {
		l.mu.Lock()
		rounds := l.rounds
		gone := make(map[int]bool, len(l.deleted))
		for n := range l.deleted {
			gone[n] = true
		}
		l.mu.Unlock()
		exportLive(t, s.Dir, rounds, gone, l)
	}
	writers.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	if exports < 3 || len(l.files) < 5 || l.rounds < 10 {
		t.Errorf("%d exports met %d files in %d rounds: too little happened to call it live", exports, len(l.files), l.rounds)
	}
	t.Logf("%d exports met %d files while %d rounds were written", exports, len(l.files), l.rounds)
}

// exportLive exports the directory and looks for what was certain when it began.
func exportLive(t *testing.T, dir string, rounds int, gone map[int]bool, l *ledger) {
	t.Helper()
	values, sum := exported(t, dir)
	noFaults(t, sum)
	kept := make([]int, rounds)
	for _, v := range values {
		switch {
		case strings.HasPrefix(v.Series, "kept,") && v.Field == "v":
			n := int((v.Time - 1_600_000_000_000_000_000) / 1e9 / livePointsARound)
			if v.Val != strconv.Itoa(n) {
				t.Fatalf("a point of round %d has the value %s", n, v.Val)
			}
			if n < rounds {
				kept[n]++
			}
		case strings.HasPrefix(v.Series, "gone,round=r"):
			n, err := strconv.Atoi(strings.TrimPrefix(v.Series, "gone,round=r"))
			if err != nil {
				t.Fatal(err)
			}
			if gone[n] {
				t.Fatalf("a point of round %d came back after it was deleted", n)
			}
		case strings.HasPrefix(v.Series, "over,"):
			if n, err := strconv.Atoi(v.Val); err != nil || n < rounds-1 {
				t.Fatalf("an overwritten value is that of round %s, %d rounds were acknowledged", v.Val, rounds)
			}
		}
	}
	for n, have := range kept {
		if have != livePointsARound {
			t.Fatalf("%d of the %d points of round %d are there", have, livePointsARound, n)
		}
	}
	l.meet(t, dir)
}

// meet notes which TSM files there are.
func (l *ledger) meet(t *testing.T, dir string) {
	t.Helper()
	for _, name := range tsmFiles(t, dir) {
		l.files[name]++
	}
}

func tsmFiles(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "data", "live", "*", "*", "*.tsm"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}
