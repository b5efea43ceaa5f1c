// SPDX-License-Identifier: Apache-2.0

package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/internal/atomicfile"
	"github.com/shardlift/shardlift/target"
)

// resumed loads the checkpoint into the options and puts the feed behind it.
func resumed(t *testing.T, f *feed, opts *importer.Options) {
	t.Helper()
	var err error
	if opts.Resume, err = importer.LoadCheckpoint(opts.CheckpointPath); err != nil {
		t.Fatal(err)
	}
	f.resume(nil)
	if opts.Resume != nil {
		f.resume(opts.Resume.Mark)
	}
}

// TestRejectsFileCannotBeMade ends a run because there is no room for the first reject,
// while a batch behind it is acknowledged already: the checkpoint must not pass over the
// reject.
func TestRejectsFileCannotBeMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		s.delay = func() time.Duration { return 10 * time.Millisecond }
		f := newFeed([]string{conflictLine + " f=1 1", goodLine + " f=1 2", goodLine + ",t=1 f=1 3", goodLine + ",t=2 f=1 4"}, 2)
		opts := setup(t, s)
		opts.Concurrency = 2
		good := opts.RejectsPath
		opts.RejectsPath = filepath.Join(t.TempDir(), "no such directory", "rejects.lp")
		if _, err := importer.Run(t.Context(), f, opts); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("Run: %v", err)
		}
		opts.RejectsPath = good
		resumed(t, f, &opts)
		sum, err := importer.Run(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		checkRun(t, f, s, opts, sum)
	})
}

// TestProbeIsNotOld makes a server fail on a point when the last point that could be sent
// to try it was overwritten since: it must not come back.
func TestProbeIsNotOld(t *testing.T) {
	for name, last := range map[string]string{
		"string":   goodLine + `,t=1 s="x" 6`,
		"too long": goodLine + ",t=" + strings.Repeat("x", 70<<10) + " f=1 6",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(1)
				s.maxBody = 1 << 20
				f := newFeed([]string{
					goodLine + ",t=0 f=1 5", goodLine + ",t=0 f=1 4",
					goodLine + ",t=0 f=2 4", last,
					poisonLine + " f=1 7", poisonLine + " f=1 8",
				}, 2)
				opts := setup(t, s)
				opts.Concurrency = 1
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // where nothing can be tried it goes on for long
				defer cancel()
				_, err := importer.Run(ctx, f, opts)
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal(err)
				}
				if got := s.values["db.good,t=0f4"]; got != "2" {
					t.Errorf("the value is %q, want 2", got)
				}
			})
		})
	}
}

// TestRestartForgets begins anew where there is a checkpoint, and is stopped at once: what
// comes then must not carry on from the old one.
func TestRestartForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		s.answer = func(n int) error {
			if n > 2 {
				return &target.Error{Status: 401, Class: target.Fatal}
			}
			return nil
		}
		f := newFeed([]string{goodLine + " f=1 1", goodLine + " f=1 2", goodLine + " f=1 3"}, 1)
		opts := setup(t, s)
		opts.Concurrency = 1
		if _, err := importer.Run(t.Context(), f, opts); err == nil {
			t.Fatal("no error")
		}
		resumed(t, f, &opts)
		if f.next != 2 {
			t.Fatalf("goes on at line %d, want 2", f.next)
		}
		f.resume(nil)
		opts.Resume = nil
		if _, err := importer.Run(t.Context(), f, opts); err == nil {
			t.Fatal("no error")
		}
		resumed(t, f, &opts)
		if f.next != 0 {
			t.Errorf("goes on at line %d, want 0", f.next)
		}
	})
}

// TestCheckpointThatIsNoFile leaves a device where it is.
func TestCheckpointThatIsNoFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := setup(t, newServer(1))
		link := filepath.Join(t.TempDir(), "null")
		if err := os.Symlink(os.DevNull, link); err != nil {
			t.Fatal(err)
		}
		opts.CheckpointPath = link
		if _, err := importer.Run(t.Context(), newFeed([]string{goodLine + " f=1 1"}, 1), opts); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(link); err != nil {
			t.Error(err)
		}
	})
}

// TestRejectsTakenBack carries on a run that was killed behind the first rejects, when the
// server takes them by now: they must not stand in the file any more.
func TestRejectsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		s.delay = func() time.Duration { return time.Second }
		refuse := func(int) error {
			return &target.Error{Status: 400, Class: target.Refused, Message: "max-series-per-database limit exceeded"}
		}
		s.answer = refuse
		f := newFeed([]string{goodLine + " f=1 1", goodLine + " f=1 2"}, 1)
		opts := setup(t, s)
		opts.Concurrency = 1
		ctx, cancel := context.WithCancel(t.Context())
		var killed []byte
		s.onWrite = func(n int) {
			if n == 2 { // the reject of the first is on the disk or is about to be
				killed, _ = os.ReadFile(opts.CheckpointPath)
			}
		}
		_, err := importer.Run(ctx, f, opts)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		// The disk as a kill leaves it that comes between rejects and checkpoint.
		var c importer.Checkpoint
		if err := json.Unmarshal(killed, &c); err != nil {
			t.Fatal(err)
		}
		c.Mark, c.Done, c.Rejects.Bytes = json.RawMessage("null"), importer.Summary{}, 0
		s.answer, s.onWrite = nil, nil
		opts.Resume = &c
		f.resume(nil)
		sum, err := importer.Run(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		checkRun(t, f, s, opts, sum)
	})
}

// TestMaxRejectsWithinBatch does not ask a server about each of thousands of points that
// refuses all of them for a reason that says nothing of the others.
func TestMaxRejectsWithinBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		s.maxBody = 1 << 20
		s.answer = func(int) error {
			return &target.Error{Status: 400, Class: target.Refused, Dropped: -1, Message: "no"}
		}
		var lines []string
		for i := range 5000 {
			lines = append(lines, fmt.Sprintf("%s f=1 %d", goodLine, i))
		}
		f := newFeed(lines, 5000)
		opts := setup(t, s)
		opts.MaxRejects = 10
		sum, err := importer.Run(t.Context(), f, opts)
		if !errors.Is(err, importer.ErrTooManyRejects) || !strings.Contains(err.Error(), "in:") || !strings.HasSuffix(err.Error(), ": no") {
			t.Fatalf("Run: %v", err)
		}
		if s.writes > 500 || sum.Rejected != 0 || len(rejectedLines(t, opts.RejectsPath)) != 0 {
			t.Errorf("%d requests, %d rejected", s.writes, sum.Rejected)
		}
		s.answer = nil
		resumed(t, f, &opts)
		sum, err = importer.Run(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		checkRun(t, f, s, opts, sum)
	})
}

// oneBucket takes all places for one.
type oneBucket struct{ *server }

func (s oneBucket) Write(ctx context.Context, _, _ string, lines []byte) error {
	return s.server.Write(ctx, "db", "one", lines)
}

// TestPlacesThatAreOne writes two policies into what is one bucket: of points that are
// there in both, the later ones win.
func TestPlacesThatAreOne(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(seed)
			s.delay = func() time.Duration { return rand.N(50 * time.Millisecond) }
			f := newFeed(randomLines(rand.New(rand.NewPCG(seed, 3)), 400, 0), 20)
			f.place = func(i int) importer.Place {
				return importer.Place{Database: "db", Policy: []string{"a", "b"}[i/20%2]}
			}
			opts := setup(t, oneBucket{s})
			opts.Concurrency = 4
			opts.Home = func(importer.Place) importer.Place { return importer.Place{Policy: "one"} }
			if _, err := importer.Run(t.Context(), f, opts); err != nil {
				t.Fatal(err)
			}
			f.place = func(int) importer.Place { return importer.Place{Database: "db", Policy: "one"} }
			values, _ := expected(f)
			if d := cmp.Diff(values, s.values); d != "" {
				t.Errorf("stored (-want +got):\n%s", d)
			}
		})
	}
}

// ddlFeed has a statement in front of a line.
type ddlFeed struct {
	*feed
	at int
}

func (f ddlFeed) Next(ctx context.Context, b *importer.Batch) (importer.Item, error) {
	before := f.next
	item, err := f.feed.Next(ctx, b)
	if before == f.at {
		item.Statements = []string{"CREATE RETENTION POLICY p ON db DURATION 1d REPLICATION 1 DEFAULT"}
	}
	return item, err
}

// ddlGuard notes what was stored when statements came, and keeps less behind them.
type ddlGuard struct {
	s      *server
	stored []int
	asked  int
}

func (g *ddlGuard) Statements(context.Context, []string) error {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	g.stored = append(g.stored, len(g.s.values))
	return nil
}

func (g *ddlGuard) Place(context.Context, importer.Place) (importer.Limits, error) {
	g.asked++
	return importer.Limits{Oldest: int64(1000 * len(g.stored)), Policy: "p"}, nil
}

// TestStatementsInOrder runs DDL when all in front of it is stored, for it may say anew which
// policy is the default one, and asks then what that keeps.
func TestStatementsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		s.delay = func() time.Duration { return rand.N(50 * time.Millisecond) }
		var lines []string
		for i := range 40 {
			lines = append(lines, fmt.Sprintf("%s f=1 %d", goodLine, i))
		}
		f := newFeed(lines, 2)
		opts := setup(t, s)
		opts.Concurrency = 4
		g := &ddlGuard{s: s}
		opts.Guard = g
		_, err := importer.Run(t.Context(), ddlFeed{f, 20}, opts)
		if _, ok := errors.AsType[*importer.TooOldError](err); !ok {
			t.Errorf("Run: %v", err)
		}
		if d := cmp.Diff([]int{20}, g.stored); d != "" || g.asked != 2 {
			t.Errorf("asked %d times, stored when the statement came (-want +got):\n%s", g.asked, d)
		}
		if len(s.values) != 20 {
			t.Errorf("%d points are stored, want 20", len(s.values))
		}
	})
}

// TestRefusalsAreAnswers takes longer than the budget to find what is refused, with a
// failure before and behind: that is no reason to give up.
func TestRefusalsAreAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		s.delay = func() time.Duration { return time.Second }
		s.answer = func(n int) error {
			if n == 1 || n == 150 {
				return &target.Error{Status: 502, Class: target.Temporary}
			}
			return nil
		}
		var lines []string
		for i := range 100 {
			lines = append(lines, fmt.Sprintf("%s,t=%d f=x %d", conflictLine, i, 100*i)) // each in a shard of its own
		}
		f := newFeed(lines, 100)
		opts := setup(t, s)
		opts.RetryFor = time.Minute
		sum, err := importer.Run(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		checkRun(t, f, s, opts, sum)
	})
}

// stuck takes good lines after a minute only, and refuses all others.
type stuck struct {
	mu      sync.Mutex
	began   time.Time
	refused int // until then
	over    bool
}

func (s *stuck) Write(_ context.Context, _, _ string, lines []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := bytes.Count(lines, []byte{'\n'})
	switch {
	case !bytes.HasPrefix(lines, []byte(goodLine)):
		if !s.over {
			s.refused += n
		}
		return &target.Error{Status: 400, Class: target.Refused, Partial: true, Dropped: n, Message: fmt.Sprintf("partial write: full dropped=%d", n)}
	case time.Since(s.began) < time.Minute:
		return &target.Error{Status: 503, Class: target.Overloaded}
	}
	s.over = true
	return nil
}

// TestRejectsThatWait does not take in more and more that is refused behind a batch that
// does not get through.
func TestRejectsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const per = 5000
		var lines []string
		for i := range 50 * per {
			m := "other"
			if i < per {
				m = goodLine
			}
			lines = append(lines, fmt.Sprintf("%s f=1 %d", m, i))
		}
		s := &stuck{began: time.Now()}
		opts := setup(t, s)
		opts.Concurrency = 4
		sum, err := importer.Run(t.Context(), newFeed(lines, per), opts)
		if err != nil || sum.Stored != per || sum.Rejected != 49*per {
			t.Fatalf("Run: %v, %d stored, %d rejected", err, sum.Stored, sum.Rejected)
		}
		if s.refused > 100_000+(4+4)*per {
			t.Errorf("%d rejects were held", s.refused)
		}
	})
}

// TestCarriedOnTwice carries on a run that goes on still: the second one ends, and leaves the
// checkpoint of the first as it is.
func TestCarriedOnTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		s.delay = func() time.Duration { return time.Second }
		f := newFeed(randomLines(rand.New(rand.NewPCG(1, 1)), 200, 0.3), 10)
		opts := setup(t, s)
		opts.Concurrency = 1
		var early, late snapshot
		s.onWrite = func(n int) {
			left := take(opts.CheckpointPath)
			switch n {
			case 30:
				early = left
			case 60:
				second := opts
				second.Resume = &importer.Checkpoint{}
				if err := json.Unmarshal(early[opts.CheckpointPath], second.Resume); err != nil {
					panic(err)
				}
				_, err := importer.Run(t.Context(), newFeed(nil, 1), second)
				if !errors.Is(err, atomicfile.ErrLocked) {
					t.Errorf("the second run: %v", err)
				}
				late = take(opts.CheckpointPath)
				if cmp.Diff(left, late) != "" {
					t.Error("the second run changed the checkpoint")
				}
			}
		}
		sum, err := importer.Run(t.Context(), f, opts)
		if err != nil || late == nil {
			t.Fatalf("Run: %v", err)
		}
		checkRun(t, f, s, opts, sum)
	})
}
