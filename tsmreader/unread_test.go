// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/tsmreader"
)

// halves gives a shard with values at 10, 20 and 30. In its file there is one at 5, too, which
// a tombstone deletes; the WAL holds 9 for 20, 30, and 40, which it deletes in its second segment.
func halves(t *testing.T) (s *shardtest.Shard, stone, segment string) {
	s = shardOf(t)
	var f shardtest.TSM
	f.Add("m#!~#f", ints(1, 5, 10, 20))
	s.TSM(1, 1, &f)
	stone = s.Tombstone(1, 1, shardtest.TombstoneV2(shardtest.Tombstone{Key: "m#!~#f", Min: 5, Max: 5}))
	var first, second shardtest.WAL
	first.Write(col("m", 9, 20))
	first.Write(col("m", 4, 30))
	first.Write(col("m", 5, 40))
	second.DeleteRange(40, 40, "m#!~#f")
	s.WAL(1, &first)
	return s, stone, s.WAL(2, &second)
}

// blocked puts something in the place of path that cannot be read as a file or directory.
func blocked(t *testing.T, path string) {
	t.Helper()
	plain := filepath.Join(t.TempDir(), "plain")
	writeFile(t, plain, nil)
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(plain, "below"), path); err != nil {
		t.Fatal(err)
	}
}

// What cannot be read of a shard costs itself, and says so, and nothing else.
func TestUnreadParts(t *testing.T) {
	for name, c := range map[string]struct {
		block func(s *shardtest.Shard, stone, segment string) string
		part  tsmreader.Part
		want  shardtest.Contents
		lost  string
	}{
		"WAL directory": {
			func(s *shardtest.Shard, _, _ string) string { return s.WALDir() }, "wal",
			contents(col("m", 2, 10, 20)), "what only the WAL holds is not taken, so that values may be missing, or older than they should be: ",
		},
		"data directory": {
			func(s *shardtest.Shard, _, _ string) string { return s.DataDir() }, "shard",
			contents(col("m", 9, 20), col("m", 4, 30)), "its TSM files and tombstones are not taken, only what the WAL holds: ",
		},
		"segment": {
			func(_ *shardtest.Shard, _, segment string) string { return segment }, "wal",
			contents(col("m", 2, 10), col("m", 9, 20), col("m", 4, 30), col("m", 5, 40)),
			"its writes and deletes are not taken, so that values may be missing, older than they should be, or back though deleted: ",
		},
		"tombstone": {
			func(_ *shardtest.Shard, stone, _ string) string { return stone }, "tombstone",
			contents(col("m", 1, 5, 10), col("m", 9, 20), col("m", 4, 30)), "its deletes are not taken, so that deleted values may be back: ",
		},
		"file": {
			func(s *shardtest.Shard, _, _ string) string {
				return filepath.Join(s.DataDir(), shardtest.TSMName(1, 1))
			}, "shard",
			contents(col("m", 9, 20), col("m", 4, 30)), "its values are not taken: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, stone, segment := halves(t)
			path := c.block(s, stone, segment)
			blocked(t, path)
			shard := open(t, tsmreader.Options{}, source(s))
			defer closeShard(t, shard)
			got := read(t, shard, 1)
			got.want(t, c.want)
			if len(got.faults) != 1 {
				t.Fatalf("faults:\n%s", faultText(got.faults))
			}
			f := got.faults[0]
			if f.File != path || f.Part != c.part || !f.Lost || !errors.Is(f.Err, syscall.ENOTDIR) || !strings.HasPrefix(f.Err.Error(), c.lost) {
				t.Errorf("fault %v of %s, lost %v, want %s", f.Err, f.File, f.Lost, path)
			}
			files, err := tsmreader.Stat([]tsmreader.Source{source(s)})
			if diff := cmp.Diff(shard.Files(), files); diff != "" || !errors.Is(err, syscall.ENOTDIR) {
				t.Errorf("Stat: %v\n%s", err, diff)
			}
		})
	}
}

// A replica that cannot be read at all does not take the other one with it.
func TestUnreadReplica(t *testing.T) {
	bad, _, _ := halves(t)
	blocked(t, bad.DataDir())
	blocked(t, bad.WALDir())
	if _, err := tsmreader.Open(t.Context(), []tsmreader.Source{source(bad)}, tsmreader.Options{}); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("alone: %v", err)
	}
	good, _, _ := halves(t)
	shard := open(t, tsmreader.Options{}, source(bad), source(good))
	defer closeShard(t, shard)
	got := read(t, shard, 1)
	got.want(t, contents(col("m", 2, 10), col("m", 9, 20), col("m", 4, 30)))
	if len(got.faults) != 2 || len(got.lost()) != 2 {
		t.Errorf("faults:\n%s", faultText(got.faults))
	}
}
