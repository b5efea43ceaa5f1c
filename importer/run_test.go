// SPDX-License-Identifier: Apache-2.0

package importer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/target"
)

// setup gives options with files below a fresh directory.
func setup(t *testing.T, s importer.Sender) importer.Options {
	t.Helper()
	dir := t.TempDir()
	return importer.Options{
		Sender: s, MaxRejects: -1, RejectsPath: filepath.Join(dir, "rejects.lp"),
		CheckpointPath: filepath.Join(dir, "checkpoint"), Identity: json.RawMessage(`{"input": 1}`),
	}
}

// rejectedLines gives the points of a rejects file, and fails where one has no comment.
func rejectedLines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	comment := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			comment = line
			continue
		}
		if !strings.HasPrefix(comment, "# in:") {
			t.Errorf("the point %.40q stands behind %q", line, comment)
		}
		comment = ""
		out = append(out, line)
	}
	return out
}

// TestRandomRuns replays random lines into a server that fails, refuses, and overtakes,
// with runs that are stopped and carried on. What it holds in the end, and the rejects
// file, must be as if each line had been sent once, in order.
func TestRandomRuns(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomRun(t, seed) })
		})
	}
}

func randomRun(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 2))
	s := newServer(seed)
	s.faults = rnd.Float64() * 0.2
	s.delay = func() time.Duration { return rand.N(50 * time.Millisecond) }
	f := newFeed(randomLines(rnd, 200+rnd.IntN(1500), []float64{0, 0.01, 0.1, 0.5}[seed%4]), 1+rnd.IntN(200))
	f.place = func(i int) importer.Place {
		return importer.Place{Database: "db", Policy: []string{"", "a", "b"}[i/500%3]}
	}
	if seed%3 == 0 { // with policies that may be one and the same the order between places counts too
		f.place = func(int) importer.Place { return importer.Place{Database: "db"} }
	}
	opts := setup(t, s)
	opts.RetryFor = 24 * time.Hour
	opts.Concurrency = rnd.IntN(6)
	stops := rnd.IntN(4)
	for {
		ctx, cancel := context.WithCancel(t.Context())
		if stops--; stops >= 0 {
			stopAt := s.writes + 1 + rnd.IntN(60)
			s.onWrite = func(n int) {
				if n == stopAt {
					cancel()
				}
			}
		}
		resumed(t, f, &opts)
		sum, err := importer.Run(ctx, f, opts)
		cancel()
		if err == nil {
			checkRun(t, f, s, opts, sum)
			return
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("Run: %v", err)
		}
	}
}

// checkRun compares server, rejects and summary with what they must be.
func checkRun(t *testing.T, f *feed, s *server, opts importer.Options, sum *importer.Summary) {
	t.Helper()
	values, want := expected(f)
	if d := cmp.Diff(values, s.values); d != "" {
		t.Errorf("stored (-want +got):\n%s", d)
	}
	for _, r := range f.rejects {
		want = append(want, string(r.Text))
	}
	got := rejectedLines(t, opts.RejectsPath)
	if len(f.rejects) > 0 { // those of one batch stand behind those among its lines
		slices.Sort(want)
		slices.Sort(got)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rejects (-want +got):\n%s", d)
	}
	all := int64(len(f.lines) + len(f.rejects))
	if sum.Points != all || sum.Rejected != int64(len(want)) || sum.Stored != all-sum.Rejected {
		t.Errorf("points %d, stored %d, rejected %d; want %d, %d rejected", sum.Points, sum.Stored, sum.Rejected, all, len(want))
	}
	if _, err := os.Stat(opts.CheckpointPath); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the checkpoint is there after the end: %v", err)
	}
}

func TestFatalStopsWithCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		s.answer = func(n int) error {
			if n > 5 {
				return &target.Error{Status: 401, Class: target.Fatal, Message: "authorization failed"}
			}
			return nil
		}
		f := newFeed(randomLines(rand.New(rand.NewPCG(1, 1)), 1000, 0), 50)
		opts := setup(t, s)
		opts.Concurrency = 1
		sum, err := importer.Run(t.Context(), f, opts)
		if te, ok := errors.AsType[*target.Error](err); !ok || te.Status != 401 {
			t.Fatalf("Run: %v", err)
		}
		if sum.Stored != 250 || s.writes != 6 {
			t.Errorf("stored %d after %d requests, want 250 after 6", sum.Stored, s.writes)
		}
		s.answer = nil
		checkpoint, err := importer.LoadCheckpoint(opts.CheckpointPath)
		if err != nil || checkpoint == nil {
			t.Fatalf("checkpoint: %v", err)
		}
		opts.Resume = checkpoint
		f.resume(checkpoint.Mark)
		if f.next != 250 {
			t.Errorf("goes on at line %d, want 250", f.next)
		}
		sum, err = importer.Run(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		if !sum.Resumed {
			t.Error("the summary does not say that the run was carried on")
		}
		checkRun(t, f, s, opts, sum)
	})
}

// A run that is carried on knows names that are no UTF-8: it counts on below the same place,
// and a probe goes where the point that it sends again came from.
func TestCarriesOnBelowAnyName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		s.answer = func(n int) error {
			if n > 2 {
				return &target.Error{Status: 401, Class: target.Fatal, Message: "authorization failed"}
			}
			return nil
		}
		lines := []string{goodLine + " f=1 1", goodLine + " f=1 2", poisonLine + " f=1 3", goodLine + " f=1 4"}
		f := newFeed(lines, 1)
		f.place = func(int) importer.Place { return importer.Place{Database: "caf\xe9", Policy: `a\xff`} }
		opts := setup(t, s)
		opts.Concurrency = 1
		if _, err := importer.Run(t.Context(), f, opts); err == nil {
			t.Fatal("the first run ended well")
		}
		var err error
		if opts.Resume, err = importer.LoadCheckpoint(opts.CheckpointPath); err != nil || opts.Resume == nil {
			t.Fatalf("checkpoint: %v", err)
		}
		f.resume(opts.Resume.Mark)
		s.answer = nil
		sum, err := importer.Run(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int64{"caf\xe9." + `a\xff`: 3}, sum.Places); diff != "" {
			t.Errorf("places (-want +got):\n%s", diff)
		}
		checkRun(t, f, s, opts, sum)
	})
}

func TestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		s.answer = func(int) error { return &target.Error{Message: "connection refused", Class: target.Temporary} }
		f := newFeed(randomLines(rand.New(rand.NewPCG(1, 1)), 100, 0), 10)
		opts := setup(t, s)
		opts.RetryFor = time.Minute
		began := time.Now()
		_, err := importer.Run(t.Context(), f, opts)
		if _, ok := errors.AsType[*importer.GaveUpError](err); !ok {
			t.Fatalf("Run: %v", err)
		}
		if took := time.Since(began); took < time.Minute || took > 2*time.Minute {
			t.Errorf("gave up after %v", took)
		}
	})
}

func TestPoisonAlone(t *testing.T) {
	// A server that fails on everything is no reason to call any point bad.
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		s.answer = func(int) error {
			return &target.Error{Status: 500, Message: "Internal Server Error", Class: target.Temporary, Poison: true}
		}
		f := newFeed(randomLines(rand.New(rand.NewPCG(1, 1)), 20, 0), 10)
		opts := setup(t, s)
		sum, err := importer.Run(t.Context(), f, opts)
		if _, ok := errors.AsType[*importer.GaveUpError](err); !ok || sum.Rejected != 0 {
			t.Fatalf("Run: %v, %d rejected", err, sum.Rejected)
		}
	})
}

func TestPoisonPassing(t *testing.T) {
	// For some minutes the server fails on everything, then it does not.
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		began := time.Now()
		s.answer = func(int) error {
			if time.Since(began) > 3*time.Minute {
				return nil
			}
			return &target.Error{Status: 500, Message: "Internal Server Error", Class: target.Temporary, Poison: true}
		}
		f := newFeed(append(randomLines(rand.New(rand.NewPCG(1, 1)), 100, 0), poisonLine+" f=1 1"), 30)
		opts := setup(t, s)
		sum, err := importer.Run(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		checkRun(t, f, s, opts, sum)
	})
}

func TestMaxRejects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		lines := randomLines(rand.New(rand.NewPCG(1, 1)), 100, 0)
		for i := range 30 {
			lines[10+i] = fmt.Sprintf("%s f=1i %d", conflictLine, i)
		}
		f := newFeed(lines, 10)
		opts := setup(t, s)
		opts.MaxRejects = 15
		if _, err := importer.Run(t.Context(), f, opts); !errors.Is(err, importer.ErrTooManyRejects) {
			t.Fatalf("Run: %v", err)
		}
		checkpoint, err := importer.LoadCheckpoint(opts.CheckpointPath)
		if err != nil || checkpoint == nil {
			t.Fatalf("checkpoint: %v, %v", checkpoint, err)
		}
		opts.Resume, opts.MaxRejects = checkpoint, 30
		f.resume(checkpoint.Mark)
		sum, err := importer.Run(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		checkRun(t, f, s, opts, sum)
	})
}

func TestOtherIdentity(t *testing.T) {
	s := newServer(1)
	opts := setup(t, s)
	opts.Resume = &importer.Checkpoint{Format: 1, Identity: json.RawMessage(`{"input":2}`)}
	if _, err := importer.Run(t.Context(), newFeed([]string{"good f=1 1"}, 1), opts); !errors.Is(err, importer.ErrChanged) {
		t.Fatalf("Run: %v", err)
	}
	if s.writes != 0 {
		t.Errorf("%d requests were sent", s.writes)
	}
}

func TestFeedErrorComesLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		f := newFeed(randomLines(rand.New(rand.NewPCG(1, 1)), 100, 0), 10)
		torn := errors.New("unexpected end")
		opts := setup(t, s)
		sum, err := importer.Run(t.Context(), tornFeed{f, torn}, opts)
		if !errors.Is(err, torn) || sum.Stored != 100 {
			t.Fatalf("Run: %v, stored %d", err, sum.Stored)
		}
	})
}

// tornFeed ends with an error.
type tornFeed struct {
	*feed
	err error
}

func (f tornFeed) Next(ctx context.Context, b *importer.Batch) (importer.Item, error) {
	item, err := f.feed.Next(ctx, b)
	if err != nil {
		err = f.err
	}
	return item, err
}

// TestKilledBeforeFirstCheckpoint starts anew from what a kill right behind the first
// rejects leaves: each of them must stand in the file once.
func TestKilledBeforeFirstCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		f := newFeed(randomLines(rand.New(rand.NewPCG(1, 1)), 100, 0.5), 10)
		opts := setup(t, s)
		// What the disk holds when the first request after the rejects' first write is sent.
		var left *importer.Checkpoint
		if _, err := importer.Run(t.Context(), f, opts); err != nil {
			t.Fatal(err)
		}
		all := rejectedLines(t, opts.RejectsPath)
		if err := os.Remove(opts.RejectsPath); err != nil {
			t.Fatal(err)
		}
		f.resume(nil)
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		s.onWrite = func(int) {
			if left == nil {
				left, _ = importer.LoadCheckpoint(opts.CheckpointPath)
			}
			if left != nil {
				if seen++; seen == 20 {
					cancel()
				}
			}
		}
		if _, err := importer.Run(ctx, f, opts); !errors.Is(err, context.Canceled) {
			t.Fatalf("Run: %v", err)
		}
		cancel()
		s.onWrite = nil
		if len(rejectedLines(t, opts.RejectsPath)) == 0 {
			t.Fatal("the run was stopped before it wrote rejects")
		}
		// The later checkpoints did not make it.
		opts.Resume = left
		f.resume(left.Mark)
		sum, err := importer.Run(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(all, rejectedLines(t, opts.RejectsPath)); d != "" {
			t.Errorf("rejects (-want +got):\n%s", d)
		}
		checkRun(t, f, s, opts, sum)
	})
}

// TestFullDisk runs where no reject can be written: the checkpoint must not count any.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		f := newFeed(randomLines(rand.New(rand.NewPCG(1, 1)), 100, 0.5), 10)
		opts := setup(t, s)
		good := opts.RejectsPath
		opts.RejectsPath = "/dev/full"
		if _, err := importer.Run(t.Context(), f, opts); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("Run: %v", err)
		}
		var err error
		if opts.Resume, err = importer.LoadCheckpoint(opts.CheckpointPath); err != nil {
			t.Fatal(err)
		}
		opts.RejectsPath = good
		f.resume(nil)
		if opts.Resume != nil {
			f.resume(opts.Resume.Mark)
		}
		sum, err := importer.Run(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		checkRun(t, f, s, opts, sum)
	})
}
