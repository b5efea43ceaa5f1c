// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// random gives the first seed of a test with random histories, and how many it is to
// make; both can be set in the environment. The seed is printed.
func random(t *testing.T, usual int) (seed uint64, count int) {
	t.Helper()
	seed, count = rand.Uint64()>>12, usual
	for name, set := range map[string]func(n uint64){
		"SHARDLIFT_SEED":      func(n uint64) { seed = n },
		"SHARDLIFT_HISTORIES": func(n uint64) { count = int(n) },
	} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			set(n)
		}
	}
	t.Logf("SHARDLIFT_SEED=%d SHARDLIFT_HISTORIES=%d", seed, count)
	return seed, count
}

// agree compares what a server shows of a database with the values got from an export of
// dir, a copy of its directories, and fails where they differ.
//
// The server may be wrong. It sorts the blocks of a column by file where they overlap and
// by time where they do not, which is no order at all when A overlaps B, B overlaps C, and
// A and C are apart: then an older file's value of a time can come last and win. influxd
// 1.6.7 shows that in one of some thousand histories. So where the two differ, another
// server compacts a copy fully, by another way of merging and with one file left to
// answer from, and what that one says counts. It is logged.
func agree(t *testing.T, s *influxdtest.Server, dir, db string, got []lpjudge.Value) bool {
	t.Helper()
	want := dump(t, s, db)
	diff := lpjudge.Diff(want, got, 20)
	if diff == nil {
		return true
	}
	settled := dump(t, compactedFully(t, dir, db), db)
	if taken := lpjudge.Diff(want, settled, 20); taken != nil {
		t.Logf("%s: a full compaction changes the server's answers:\n%s", db, strings.Join(taken, "\n"))
	}
	compare(t, db, settled, got)
	return lpjudge.Diff(settled, got, 1) == nil
}

// dump asks a server for everything it shows of a database.
func dump(t *testing.T, s *influxdtest.Server, db string) []lpjudge.Value {
	t.Helper()
	values, err := lpjudge.Dump(t.Context(), lpjudge.Server{URL: s.URL}, db)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// compactedFully starts a server on a copy of dir, has it write all caches, and returns
// when every shard of the database is one generation without tombstones.
func compactedFully(t *testing.T, dir, db string) *influxdtest.Server {
	t.Helper()
	own := filepath.Join(t.TempDir(), "compacted")
	for _, part := range []string{filepath.Join("data", db), filepath.Join("wal", db), "meta"} {
		if err := influxdtest.CopyDir(filepath.Join(own, part), filepath.Join(dir, part)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	s := influxdtest.Start(t, influxdtest.Options{Dir: own, CompactCold: time.Second})
	s.Flush(db)
	for deadline := time.Now().Add(time.Minute); !compact(t, s, db); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s is not compacted after a minute", db)
		}
	}
	return s
}

// compact reports whether every shard of the database is one generation and no more.
func compact(t *testing.T, s *influxdtest.Server, db string) bool {
	t.Helper()
	for _, sh := range s.Shards(db) {
		generations := map[string]bool{}
		for _, name := range names(t, s.ShardDir(sh)) {
			generation, _, _ := strings.Cut(name, "-")
			switch filepath.Ext(name) {
			case ".tsm":
				generations[generation] = true
			case ".tombstone", ".tmp":
				return false
			}
		}
		if len(generations) > 1 {
			return false
		}
	}
	return true
}

// names lists a directory, which may be missing.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
