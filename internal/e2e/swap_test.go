// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// A shard whose files are swapped all the time, as flushes, deletes and compactions do,
// but that holds the same points at any moment, is read whole each time.
func TestOpenWhileFilesAreSwapped(t *testing.T) {
	s := newSwapped(t)
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := s.cycle(); err != nil {
				done <- err
				return
			}
		}
	}()
	reads := 0
	for began := time.Now(); (time.Since(began) < 3*time.Second || reads < 20 || s.cycles.Load() < 20) && time.Since(began) < endless && !t.Failed(); {
		if s.read(t) {
			reads++
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Logf("%d reads, %d cycles", reads, s.cycles.Load())
	if reads < 20 || s.cycles.Load() < 20 {
		t.Error("too little has happened to mean anything")
	}
}

// swapped is a shard that always holds the points 0 to swappedPoints-1 of "m#!~#f", and
// none of "gone#!~#f".
type swapped struct {
	data, wal  string
	generation int
	cycles     atomic.Int64
	segment    int
	rng        *rand.Rand
}

const swappedPoints = 3000

func newSwapped(t *testing.T) *swapped {
	t.Helper()
	v := shardtest.NewVolume(t, t.TempDir())
	sh := v.Shard("db", "autogen", 1)
	s := &swapped{data: sh.DataDir(), wal: sh.WALDir(), rng: rand.New(rand.NewPCG(1, 1))}
	if err := s.put(filepath.Join(s.data, shardtest.TSMName(1, 1)), swappedFile(0, swappedPoints)); err != nil {
		t.Fatal(err)
	}
	s.generation = 1
	return s
}

func swappedRun(from, to int) shardtest.Run {
	var r shardtest.Run
	for i := from; i < to; i++ {
		r.Append(int64(i), shardtest.Value{Kind: point.Integer, Bits: uint64(i)})
	}
	return r
}

func swappedFile(from, to int) []byte {
	var f shardtest.TSM
	f.Add("m#!~#f", swappedRun(from, to))
	return f.Bytes()
}

// put writes a file as the engine does: under another name first.
func (s *swapped) put(path string, content []byte) error {
	if err := os.WriteFile(path+".tmp", content, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func (s *swapped) tsm(generation, sequence int) string {
	return filepath.Join(s.data, shardtest.TSMName(generation, sequence))
}

// cycle starts from one TSM file of generation g and nothing else, and ends with one.
func (s *swapped) cycle() error {
	g := s.generation
	mid := 1 + s.rng.IntN(swappedPoints-2)
	s.segment++
	segment := filepath.Join(s.wal, shardtest.SegmentName(s.segment))
	// Something that is to be deleted comes with points that are there already: in the
	// WAL, where the delete follows in the same write.
	var w shardtest.WAL
	w.Write(shardtest.Column{Key: "gone#!~#f", Run: swappedRun(0, 10)}, shardtest.Column{Key: "m#!~#f", Run: swappedRun(mid, swappedPoints)})
	w.DeleteRange(0, 20, "gone#!~#f")
	half := swappedFile(0, mid)
	both := shardtest.TSM{}
	both.Add("gone#!~#f", swappedRun(0, 10))
	both.Add("m#!~#f", swappedRun(mid, swappedPoints))
	stone := shardtest.TombstoneV4([]shardtest.Tombstone{shardtest.WholeColumn("gone#!~#f")})
	steps := []func() error{
		func() error { return os.WriteFile(segment, w.Bytes(), 0o644) },
		// A compaction rewrites the old file without what the WAL has. (No engine does, but
		// so every moment depends on the files that are there.)
		func() error { return s.put(s.tsm(g+1, 1), half) },
		func() error { return os.Remove(s.tsm(g, 1)) },
		// A flush: the tombstone is there before its file, since there is no moment at which
		// the engine would show the deleted points.
		func() error { return s.put(filepath.Join(s.data, shardtest.TombstoneName(g+2, 1)), stone) },
		func() error { return s.put(s.tsm(g+2, 1), both.Bytes()) },
		func() error { return os.Remove(segment) },
		// A full compaction.
		func() error { return s.put(s.tsm(g+2, 2), swappedFile(0, swappedPoints)) },
		func() error { return os.Remove(s.tsm(g+1, 1)) },
		func() error { return os.Remove(s.tsm(g+2, 1)) },
		func() error { return os.Remove(filepath.Join(s.data, shardtest.TombstoneName(g+2, 1))) },
		func() error { return s.put(s.tsm(g+4, 1), swappedFile(0, swappedPoints)) },
		func() error { return os.Remove(s.tsm(g+2, 2)) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
		if s.rng.IntN(3) == 0 {
			time.Sleep(time.Duration(s.rng.IntN(4000)) * time.Microsecond)
		}
	}
	s.generation = g + 4
	s.cycles.Add(1)
	return nil
}

// read reads the shard and fails unless it is whole. It is false where the files changed each
// time they were opened, which a busy machine makes likely.
func (s *swapped) read(t *testing.T) bool {
	t.Helper()
	sh, err := tsmreader.Open(t.Context(), []tsmreader.Source{{DataDir: s.data, WALDir: s.wal}}, tsmreader.Options{Parallel: 2})
	if errors.Is(err, tsmreader.ErrUnsettled) {
		return false
	}
	if err != nil {
		t.Error(err)
		return true
	}
	defer sh.Close() //nolint:errcheck // was only read
	sec, err := sh.Section("")
	if err != nil {
		t.Error(err)
		return true
	}
	faults := append(sh.Faults(), sec.Faults()...)
	c := sec.Cursor(tsmreader.Range{}, nil)
	next := int64(0)
	var b point.Batch
	for c.Next(t.Context()) {
		for c.Read(&b) {
			if series := string(c.Series()); series != "m" {
				t.Errorf("%d rows of %s, which is deleted", len(b.Times), series)
			}
			for i, at := range b.Times {
				if at != next || b.Columns[0].Ints[i] != next {
					t.Errorf("point %d is %d at %d", next, b.Columns[0].Ints[i], at)
					return true
				}
				next++
			}
		}
	}
	if faults = append(faults, c.Faults()...); c.Err() != nil || len(faults) > 0 || next != swappedPoints {
		t.Errorf("%d points, %v, faults %v, files %s", next, c.Err(), faults, fmt.Sprint(sh.Files()))
	}
	return true
}
