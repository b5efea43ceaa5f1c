// SPDX-License-Identifier: Apache-2.0

package checker_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// What is sound and line protocol cannot carry is no fault. It is told of each shard, and it is
// what an export reports.
func TestWhatCannotBeCarried(t *testing.T) {
	odd := math.Float64frombits(0x7ff8000000000002)
	floats := func(from int64, values ...float64) shardtest.Run {
		return shardtest.Floats(shardtest.Every(from, 1, len(values)), values...)
	}
	for name, c := range map[string]struct {
		put  func(f *shardtest.TSM, w *shardtest.WAL)
		want string // of the note
		part string // of the export's fault
	}{
		"NaN": {func(f *shardtest.TSM, _ *shardtest.WAL) {
			f.Add("m,t=1#!~#f", floats(10, 1, odd, 2, math.Inf(1)))
		}, `shard 7 of db.rp: 2 values, first "m,t=1#!~#f" (NaN`, "value"},
		"infinity in the WAL": {func(_ *shardtest.TSM, w *shardtest.WAL) {
			w.Write(shardtest.Column{Key: "m,t=1#!~#f", Run: floats(10, math.Inf(-1))})
		}, `shard 7 of db.rp: 1 value, first "m,t=1#!~#f" (NaN`, "value"},
		"tag": {func(f *shardtest.TSM, _ *shardtest.WAL) {
			f.Add("m,t=a\\#!~#f", floats(10, 1))
			f.Add("m,t=a\\#!~#g", floats(10, 1))
		}, `shard 7 of db.rp: 2 columns by their names, first "m,t=a\\#!~#f" (a backslash`, "key"},
		"field": {func(_ *shardtest.TSM, w *shardtest.WAL) {
			w.Write(shardtest.Column{Key: "m,t=1#!~#time", Run: floats(10, 1)})
		}, `shard 7 of db.rp: 1 column by its name, first "m,t=1#!~#time" (a field named time`, "value"},
		"time": {func(f *shardtest.TSM, _ *shardtest.WAL) {
			f.Add("m,t=1#!~#f", floats(math.MinInt64, 1, 2, 3))
		}, `shard 7 of db.rp: 2 values, first "m,t=1#!~#f" (time is outside`, "value"},
	} {
		t.Run(name, func(t *testing.T) {
			v := shardtest.NewVolume(t, t.TempDir())
			f, w := shardtest.TSM{PerBlock: 4}, &shardtest.WAL{}
			f.Add("a#!~#f", floats(1, 1, -0.5, math.MaxFloat64))
			c.put(&f, w)
			v.Shard("db", "rp", 7).TSM(1, 1, &f)
			v.Shard("db", "rp", 7).WAL(1, w)
			o := options(t, v.Dir)
			got := check(t, o)
			if len(got.Faults) > 0 || len(got.Notes) != 1 || !strings.HasPrefix(got.Notes[0], c.want) {
				t.Errorf("notes %q, faults %s", got.Notes, list(got.Faults))
			}
			if _, sum, refused := exportAll(t, o); len(sum.Faults) > 0 || len(refused) == 0 || refused[0].Part != c.part {
				t.Errorf("an export reports %s%s", list(sum.Faults), list(refused))
			}
		})
	}
}

// Many shards with the same trouble do not make a note each, and copies are told apart.
func TestManyThatCannotBeCarried(t *testing.T) {
	var f shardtest.TSM
	f.Add("m#!~#f", shardtest.Floats([]int64{1, 2}, math.Inf(1), 1))
	a, b := shardtest.NewVolume(t, t.TempDir()), shardtest.NewVolume(t, t.TempDir())
	a.Shard("db", "rp", 1).TSM(1, 1, &f)
	b.Shard("db", "rp", 1).TSM(1, 1, &f)
	got := check(t, options(t, a.Dir, b.Dir))
	if len(got.Notes) != 2 || !strings.Contains(got.Notes[1], fmt.Sprintf("shard 1 of db.rp in %s: 1 value,", b.Shard("db", "rp", 1).DataDir())) {
		t.Errorf("notes %q", got.Notes)
	}
	for id := range uint64(150) {
		a.Shard("db", "rp", id+1).TSM(1, 1, &f)
	}
	got = check(t, options(t, a.Dir))
	if n := len(got.Notes); n != 101 || got.Notes[100] != "50 more shards hold what line protocol cannot carry" {
		t.Errorf("%d notes: %q", n, got.Notes[n-1])
	}
	o := options(t, a.Dir)
	o.Checksums = true
	if got := check(t, o); len(got.Notes) != 0 {
		t.Errorf("without a look at values: %q", got.Notes)
	}
}

// A column whose share is left out is not looked at, its name is.
func TestNamesOfASubset(t *testing.T) {
	v := shardtest.NewVolume(t, t.TempDir())
	var f shardtest.TSM
	f.Add("m#!~#a", shardtest.Sample(point.Integer, begin, 3))
	f.Add("m#!~#time", shardtest.Sample(point.Integer, begin, 3))
	v.Shard("db", "rp", 1).TSM(1, 1, &f)
	o := options(t, v.Dir)
	o.Subset, o.Checksums = tsmreader.Subset{Part: 1, Parts: 1000}, true
	if got := check(t, o); len(got.Notes) != 1 || !strings.Contains(got.Notes[0], `"m#!~#time"`) {
		t.Errorf("%q", got.Notes)
	}
}
