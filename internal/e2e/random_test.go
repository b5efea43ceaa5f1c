// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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

// agree compares what a server shows of some databases with the values got from an
// export of dir, a copy of its directories, and fails where they differ. It gives the
// databases for which they do.
//
// A server is not always right about what lies on its disk, so where the two differ,
// another one is started on the copy and asked. Causes that were seen with influxd 1.6.7:
//
//   - After DROP RETENTION POLICY the index forgets series that are written again. They
//     are on the disk, and there again when the server is restarted.
//   - A WAL segment that was reopened after a restart counts as empty, so the next flush
//     leaves it there. A delete then strikes the TSM file only, and what the segment holds
//     is back after the next restart. Nothing on the disk tells this from a write after
//     the delete. The same goes for a delete while a flush is running.
//   - Blocks of a column are sorted by file where they overlap and by time where they do
//     not, which is no order at all when A overlaps B, B overlaps C, and A and C are apart.
//     An older file's value of a time can come last then, and win, in one of some thousand
//     columns. A restart does not help, but a full compaction merges in another way and
//     leaves one file to answer from.
//
// So what the restarted server says counts, or else what it says after a full compaction.
func agree(t *testing.T, s *influxdtest.Server, dir string, dbs []string, got map[string][]lpjudge.Value) (failed []string) {
	t.Helper()
	doubtful := differing(t, "the server", s, dbs, got)
	if len(doubtful) == 0 {
		return nil
	}
	again := influxdtest.Start(t, influxdtest.Options{Dir: copyOf(t, dir, doubtful), CompactCold: time.Second})
	defer again.Kill()
	if doubtful = differing(t, "the server on the copy", again, doubtful, got); len(doubtful) == 0 {
		return nil
	}
	for _, db := range doubtful {
		compactFully(t, again, db)
		values := dump(t, again, db)
		if !same(values, got[db]) {
			compare(t, db, values, got[db])
			failed = append(failed, db)
		}
	}
	return failed
}

// same reports whether two lists hold the same values. A value may come twice: where shard
// groups overlap in time, two shards can have one each, and a server shows both.
func same(a, b []lpjudge.Value) bool { return lpjudge.SumOf(a) == lpjudge.SumOf(b) }

// differing gives the databases of which a server does not show the values got. It logs
// them.
func differing(t *testing.T, who string, s *influxdtest.Server, dbs []string, got map[string][]lpjudge.Value) (doubtful []string) {
	t.Helper()
	for _, db := range dbs {
		shown := dump(t, s, db)
		if same(shown, got[db]) {
			continue
		}
		t.Logf("%s has its own opinion of %q:\n%.2000s", who, db, strings.Join(lpjudge.Diff(shown, got[db], 3), "\n"))
		doubtful = append(doubtful, db)
	}
	return doubtful
}

// copyOf copies some of the databases of dir.
func copyOf(t *testing.T, dir string, dbs []string) string {
	t.Helper()
	parts := []string{"meta"}
	for _, db := range dbs {
		parts = append(parts, filepath.Join("data", db), filepath.Join("wal", db))
	}
	to := filepath.Join(t.TempDir(), "copy")
	for _, part := range parts {
		if err := influxdtest.CopyDir(filepath.Join(to, part), filepath.Join(dir, part)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return to
}

// dump asks a server for everything it shows of a database that it can show.
func dump(t *testing.T, s *influxdtest.Server, db string) []lpjudge.Value {
	t.Helper()
	values, err := lpjudge.Dump(t.Context(), lpjudge.Server{URL: s.URL}, db)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(values, func(v lpjudge.Value) bool { return !shown(v) })
}

// dumpAs is dump for a server with authentication.
func dumpAs(t *testing.T, s *influxdtest.Server, db string) []lpjudge.Value {
	t.Helper()
	values, err := lpjudge.Dump(t.Context(), lpjudge.Server{URL: s.URL, User: influxdtest.User, Password: influxdtest.Password}, db)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// compactFully has a server that compacts cold shards write all caches, and returns when
// every shard of the database is one generation without tombstones.
func compactFully(t *testing.T, s *influxdtest.Server, db string) {
	t.Helper()
	s.Flush(db)
	for deadline := time.Now().Add(endless); !compact(t, s, db); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s is not compacted after %v", db, endless)
		}
	}
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
