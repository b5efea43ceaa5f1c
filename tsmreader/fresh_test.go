// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/tsmreader"
)

// Values of the WAL are fresh at times that no file spans, and once where replicas have them.
func TestFresh(t *testing.T) {
	file := func(s *shardtest.Shard, generation int, times ...int64) {
		var f shardtest.TSM
		f.Add("m#!~#f", ints(1, times...))
		s.TSM(generation, 1, &f)
	}
	wal := func(s *shardtest.Shard, times ...int64) {
		var w shardtest.WAL
		w.Write(col("m", 1, times...))
		s.WAL(1, &w)
	}
	for name, c := range map[string]struct {
		write func(first, second *shardtest.Shard)
		want  int
	}{
		"WAL only":             {func(s, _ *shardtest.Shard) { wal(s, 1, 2, 3) }, 3},
		"flushed":              {func(s, _ *shardtest.Shard) { file(s, 1, 1, 2, 3); wal(s, 1, 2, 3) }, 0},
		"flushed and more":     {func(s, _ *shardtest.Shard) { file(s, 1, 1, 2, 3); wal(s, 2, 3, 4, 5) }, 2},
		"before, between":      {func(s, _ *shardtest.Shard) { file(s, 1, 10, 20); file(s, 2, 40, 50); wal(s, 5, 15, 30, 50, 51) }, 3},
		"late file":            {func(s, _ *shardtest.Shard) { file(s, 1, 40, 50); file(s, 2, 10, 45); wal(s, 5, 15, 30, 50, 51) }, 2},
		"in both replicas":     {func(a, b *shardtest.Shard) { wal(a, 1, 2); wal(b, 1, 2, 3) }, 3},
		"flushed by the other": {func(a, b *shardtest.Shard) { file(a, 1, 1, 2); wal(b, 1, 2, 3) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := shardOf(t), shardOf(t)
			c.write(first, second)
			shard := open(t, tsmreader.Options{}, source(first), source(second))
			defer closeShard(t, shard)
			sec, err := shard.Section("")
			if err != nil {
				t.Fatal(err)
			}
			cursor := sec.Cursor(sec.Ranges(1 << 20)[0], nil)
			if !cursor.Next(t.Context()) {
				t.Fatal("no series")
			}
			if columns := cursor.Columns(nil); len(columns) != 1 || columns[0].Fresh != c.want {
				t.Errorf("columns %+v, want %d fresh", columns, c.want)
			}
		})
	}
}
