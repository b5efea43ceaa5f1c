// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/shardtest"
)

// twice is a volume whose WAL holds points of its last shard that are in a TSM file, too: a
// server was flushing it, or died before it removed the segments.
type twice struct {
	shards, series, points int // points of each series and shard
	before                 int // points that were flushed earlier
	constant               bool
	late                   int // of so many series one got points between those of the files
}

// want is how many points there are in all, and in the last shard.
func (v *twice) want() (all, last int64) {
	n := v.series * v.points
	added := 0
	if v.late > 0 {
		added = (v.series + v.late - 1) / v.late * v.points
	}
	return int64(n*v.shards + added), int64(n + added)
}

func (v *twice) write(t *testing.T, dir string) {
	t.Helper()
	volume := shardtest.NewVolume(t, dir)
	rng := rand.New(rand.NewPCG(1, 2))
	for shard := range v.shards {
		var early, flushed shardtest.TSM
		var w shardtest.WAL
		for i := range v.series {
			for f := range 3 {
				key := fmt.Sprintf("cpu,host=h%03d#!~#f%d", i, f)
				times, between, values := make([]int64, v.points), make([]int64, v.points), make([]float64, v.points)
				for j := range times {
					times[j] = int64(shard*v.points+j) * 10e9
					between[j] = times[j] + 5e9
					if !v.constant {
						values[j] = float64(rng.IntN(1000)) / 10
					}
				}
				v.file(&early, key, times[:v.before], values)
				rest := values[v.before:]
				v.file(&flushed, key, times[v.before:], rest)
				if shard == v.shards-1 {
					w.Write(shardtest.Column{Key: key, Run: shardtest.Floats(times[v.before:], rest...)})
					if v.late > 0 && i%v.late == 0 {
						w.Write(shardtest.Column{Key: key, Run: shardtest.Floats(between, values...)})
					}
				}
			}
		}
		sh := volume.Shard("db", "rp", uint64(shard+1))
		if v.before > 0 {
			sh.TSM(1, 1, &early)
		}
		sh.TSM(2, 1, &flushed)
		if shard == v.shards-1 {
			sh.WAL(1, &w)
		}
	}
}

// file adds values in blocks of a thousand.
func (v *twice) file(f *shardtest.TSM, key string, times []int64, values []float64) {
	for from := 0; from < len(times); from += 1000 {
		to := min(from+1000, len(times))
		f.Add(key, shardtest.Floats(times[from:to], values[from:to]...))
	}
}

// What is in the files and in the WAL counts once, in all and in its shard.
func TestFlushedTwice(t *testing.T) {
	for name, c := range map[string]struct {
		v      twice
		within float64
	}{
		"one shard":           {twice{1, 20, 1440, 1000, false, 0}, .02},
		"all of it":           {twice{2, 10, 1440, 0, false, 0}, .02},
		"one series":          {twice{1, 1, 28800, 14000, false, 0}, .02},
		"compresses well":     {twice{1, 10, 28800, 14000, true, 0}, .02},
		"one of many":         {twice{10, 100, 288, 0, true, 0}, .02},
		"many noisy ones":     {twice{10, 100, 288, 0, false, 0}, .02},
		"late points, too":    {twice{1, 20, 1440, 1000, false, 1}, .05},
		"late points of some": {twice{1, 40, 1440, 1000, false, 4}, .1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.v.write(t, dir)
			r := inspect(t, options(t, filter.Spec{}, dir))
			if r.Totals.Points.Exact {
				t.Fatal("nothing was estimated")
			}
			shards := r.Databases[0].Policies[0].Shards
			all, last := c.v.want()
			for what, n := range map[string][2]int64{
				"all": {r.Totals.Points.N, all}, "the last shard": {shards[len(shards)-1].Stats.Points.N, last},
			} {
				if off := float64(n[0])/float64(n[1]) - 1; math.Abs(off) > c.within {
					t.Errorf("%d points in %s, want %d: %+.1f %%", n[0], what, n[1], 100*off)
				}
			}
		})
	}
}
