// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// recording is how one volume is made.
type recording struct {
	name  string
	about string // for PROVENANCE.md
	opts  influxdtest.Options
	// archive commits the volume as volume.tar.gz, for names that not every file
	// system can hold.
	archive bool
	steps   func(*rig)
	// needs are globs below the volume that must find at least so many files, or the
	// recording has missed its point.
	needs map[string]int
	// walDeletes is how many delete entries the WAL must hold.
	walDeletes int
}

// rig is the server under recording.
type rig struct {
	*influxdtest.Server
	tb     *recorderTB
	volume string // where the copy goes
	copied bool   // the steps have made the copy themselves
}

// delete runs DELETE and DROP statements in a database.
func (r *rig) delete(db string, statements ...string) {
	for _, q := range statements {
		r.Query(db, q)
	}
}

// snapshot makes the copy now.
func (r *rig) snapshot() {
	r.CopyBare(r.volume)
	r.copied = true
}

// errMissed is a copy without what it should show, because the server was quicker or
// slower than the steps: a compaction has taken the tombstones away, say.
var errMissed = errors.New("the copy misses its point")

// run records into the directory dir. What depends on timing gets several tries.
func (rec recording) run(dir string) error {
	for try := 1; ; try++ {
		err := rec.try(dir)
		if !errors.Is(err, errMissed) || try == 5 {
			return err
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
}

func (rec recording) try(dir string) (err error) {
	tb := &recorderTB{}
	defer func() { err = errors.Join(err, tb.finish(recover())) }()
	r := &rig{Server: influxdtest.Start(tb, rec.opts), tb: tb, volume: filepath.Join(dir, "volume")}
	rec.steps(r)
	if !r.copied {
		r.snapshot()
	}
	if err := rec.check(r.volume); err != nil {
		return err
	}
	want, err := answers(r.Server)
	if err != nil {
		return err
	}
	if err := verify(tb, r.volume, want); err != nil {
		return err
	}
	if err := writeWant(dir, want); err != nil {
		return err
	}
	if err := writeMeta(dir, r.Server); err != nil {
		return err
	}
	if rec.archive {
		return archive(r.volume)
	}
	return nil
}

// check reports what the copy should hold and does not.
func (rec recording) check(volume string) error {
	for pattern, least := range rec.needs {
		names, err := filepath.Glob(filepath.Join(volume, pattern))
		if err != nil {
			return err
		}
		if len(names) < least {
			return fmt.Errorf("%w: %d of %s, want %d", errMissed, len(names), pattern, least)
		}
	}
	segments, err := filepath.Glob(filepath.Join(volume, "wal/*/*/*/_*.wal"))
	if err != nil {
		return err
	}
	deletes := 0
	for _, name := range segments {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		deletes += countDeletes(b)
	}
	if deletes < rec.walDeletes {
		return fmt.Errorf("%w: %d deletes in the WAL, want %d", errMissed, deletes, rec.walDeletes)
	}
	return nil
}

// countDeletes counts the entries of type 3 (delete range) of a WAL segment.
func countDeletes(b []byte) int {
	n := 0
	for len(b) >= 5 {
		if b[0] == 3 {
			n++
		}
		size := binary.BigEndian.Uint32(b[1:])
		if uint64(size) > uint64(len(b)-5) {
			return n
		}
		b = b[5+size:]
	}
	return n
}

// answers asks for everything, _internal too.
func answers(s *influxdtest.Server) ([]lpjudge.Value, error) {
	ctx := context.Background()
	judge := lpjudge.Server{URL: s.URL}
	dbs, err := judge.Databases(ctx)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(s.Query("", "SHOW DATABASES")[0].Values, func(row []any) bool { return row[0] == "_internal" }) {
		dbs = append(dbs, "_internal")
	}
	return lpjudge.Dump(ctx, judge, dbs...)
}

// verify starts another server on the copy and compares its answers. It has to make
// the index that the copy is without, so it uses inmem.
func verify(tb *recorderTB, volume string, want []lpjudge.Value) error {
	dir := filepath.Join(tb.TempDir(), "again")
	if err := influxdtest.CopyDir(dir, volume); err != nil {
		return err
	}
	again := influxdtest.Start(tb, influxdtest.Options{Dir: dir, Index: "inmem"})
	defer again.Kill()
	got, err := answers(again)
	if err != nil {
		return err
	}
	if diff := lpjudge.Diff(want, got, 10); diff != nil {
		return fmt.Errorf("a server on the copy answers otherwise:\n%s", strings.Join(diff, "\n"))
	}
	return nil
}

// recorderTB stands in for a test.
type recorderTB struct {
	cleanups []func()
}

// failure is what Fatalf panics with.
type failure struct{ error }

func (tb *recorderTB) Helper() {}

func (tb *recorderTB) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (tb *recorderTB) Fatalf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

func (tb *recorderTB) Cleanup(f func()) { tb.cleanups = append(tb.cleanups, f) }

func (tb *recorderTB) TempDir() string {
	dir, err := os.MkdirTemp("", "record")
	if err != nil {
		tb.Fatalf("%v", err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// finish runs the cleanups, last one first, and gives the failure that was recovered.
// Any other panic goes on.
func (tb *recorderTB) finish(recovered any) error {
	for _, f := range slices.Backward(tb.cleanups) {
		f()
	}
	if recovered == nil {
		return nil
	}
	if f, ok := recovered.(failure); ok {
		return f.error
	}
	panic(recovered)
}
