// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// lows are limits under which a few points take the ways that otherwise take millions.
var lows = []tsmreader.Limits{
	{},
	{Rows: 1, FewRows: 1},
	{Rows: 3, FewRows: 2, Entries: 1, Cells: 4},
	{Chains: 1, Rows: 2, Entries: 2}, // wide
	{Chains: 2, Rows: 5, FewRows: 4, Entries: 3, Cells: 8},
	{FewRows: 1000, Entries: 1},
	{Values: 1, Rows: 3},
	{Values: 12, Rows: 4, FewRows: 3, Entries: 1},
}

// way is one of the many ways to read the same shard.
type way struct {
	opts   tsmreader.Options
	limits tsmreader.Limits
	weight int64
}

func (w way) String() string {
	return fmt.Sprintf("window %v, memory %d, limits %+v, weight %d", w.opts.Window, w.opts.Memory, w.limits, w.weight)
}

// chooseWay picks one; take says what it leaves of the contents.
func chooseWay(choose shardtest.Chooser) (w way, take func(series, field string, at int64) bool) {
	w.limits = lows[choose(len(lows))]
	w.weight = []int64{1, 100, math.MaxInt64}[choose(3)]
	w.opts.Memory = []int64{1, 1000, 0}[choose(3)]
	w.opts.Parallel = choose(3)
	window := point.AllTime
	if choose(2) == 1 {
		at := func() int64 { return 1600000000e9 + int64(choose(40))*5e9 }
		a, b := at(), at()
		window = point.TimeRange{Min: min(a, b), Max: max(a, b)}
		w.opts.Window = window
	}
	takeSeries, takeField := choose(3) == 2, choose(3) == 2
	bySeries := func(series []byte) bool { return !takeSeries || len(series)%2 == 0 }
	byField := func(field []byte) bool { return !takeField || len(field)%2 == 1 }
	if takeSeries {
		w.opts.TakeSeries = bySeries
	}
	if takeField {
		w.opts.TakeField = byField
	}
	return w, func(series, field string, at int64) bool {
		return window.Contains(at) && bySeries([]byte(series)) && byField([]byte(field))
	}
}

// column names the parts of composite keys of a history.
type column struct{ series, field string }

func columnsOf(h *shardtest.History) map[string]column {
	out := map[string]column{}
	for _, op := range h.Ops {
		for _, w := range op.Writes {
			out[shardtest.Key(w.Series, w.Field)] = column{w.Series, w.Field}
		}
	}
	return out
}

// checkHistory reads what h left on the disk in many ways.
func checkHistory(t failer, h *shardtest.History, choose shardtest.Chooser, sources ...tsmreader.Source) {
	t.Helper()
	torn := 0
	if n := len(h.Ops); n > 0 && h.Ops[n-1].Name == "Tear" {
		torn = len(sources)
	}
	columns := columnsOf(h)
	for range 4 {
		w, take := chooseWay(choose)
		want := shardtest.Contents{}
		for key, values := range h.Seen {
			c := columns[key]
			for at, v := range values {
				if !take(c.series, c.field, at) {
					continue
				}
				if want[key] == nil {
					want[key] = map[int64]shardtest.Value{}
				}
				want[key][at] = v
			}
		}
		s := open(t, w.opts, sources...)
		s.Lower(w.limits)
		got := read(t, s, w.weight)
		closeShard(t, s)
		got.want(t, want)
		for key, series := range got.split {
			if series != columns[key].series {
				t.Errorf("key %q is of series %q, want %q", key, series, columns[key].series)
			}
		}
		if len(got.faults) != torn {
			t.Errorf("want %d faults:\n%s", torn, faultText(got.faults))
		}
		if r, ok := t.(interface{ Failed() bool }); ok && r.Failed() {
			t.Fatalf("read with %v\n%v", w, h)
		}
	}
}

// saved writes the files of h to a directory of their own, which the caller removes.
func saved(t failer, base string, h *shardtest.History) (s *shardtest.Shard, dir string) {
	t.Helper()
	dir, err := os.MkdirTemp(base, "")
	if err != nil {
		t.Fatalf("make directory: %v", err)
	}
	s = shardtest.NewVolume(t, dir).Shard("db", "autogen", 1)
	h.Save(s)
	return s, dir
}

func chooseKinks(choose shardtest.Chooser) shardtest.Kinks {
	return shardtest.Kinks{Odd: choose(2) == 1, Unsigned: choose(2) == 1, OldTombstones: choose(2) == 1, Crashes: choose(2) == 1}
}

// Whatever happened to a shard, the reader gives what a query would show.
func TestHistories(t *testing.T) {
	base := t.TempDir()
	for seed := uint64(1); seed <= 120; seed++ {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			choose := shardtest.Seeded(seed)
			h := shardtest.RandomHistory(choose, 10+choose(70), chooseKinks(choose))
			s, dir := saved(t, base, h)
			checkHistory(t, h, choose, source(s))
			removeAll(t, dir)
		})
	}
}

func removeAll(t failer, dir string) {
	if err := os.RemoveAll(dir); err != nil {
		t.Fatalf("remove directory: %v", err)
	}
}

// The same with small counterexamples.
func TestHistoryProperty(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		choose := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }
		h := shardtest.RandomHistory(choose, 25, chooseKinks(choose))
		s, dir := saved(t, base, h)
		defer removeAll(t, dir)
		checkHistory(t, h, choose, source(s))
	})
}

// Two replicas with histories of their own: where they disagree the one named later
// wins, and what only one has is given.
func TestReplicaHistories(t *testing.T) {
	base := t.TempDir()
	compared := 0
	for seed := uint64(1); seed <= 60; seed++ {
		choose := shardtest.Seeded(seed)
		kinks := chooseKinks(choose)
		kinks.Crashes = false
		first, second := shardtest.RandomHistory(choose, 30, kinks), shardtest.RandomHistory(choose, 30, kinks)
		if !overlay(first, second) {
			continue // a column has two types: no server would hold both
		}
		compared++
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			a, dirA := saved(t, base, first)
			b, dirB := saved(t, base, second)
			both := &shardtest.History{Seen: first.Seen, Ops: slices.Concat(first.Ops, second.Ops)}
			checkHistory(t, both, choose, source(a), source(b))
			removeAll(t, dirA)
			removeAll(t, dirB)
		})
	}
	if compared < 15 {
		t.Errorf("%d pairs compared", compared)
	}
}

// overlay sets what second shows over what first shows. False: their types differ.
func overlay(first, second *shardtest.History) bool {
	kinds := map[column]point.Kind{}
	for _, h := range []*shardtest.History{first, second} {
		for _, op := range h.Ops {
			for _, w := range op.Writes {
				measurement, _ := point.SplitSeries([]byte(w.Series))
				c := column{string(measurement), w.Field}
				if k, ok := kinds[c]; ok && k != w.Kind {
					return false
				}
				kinds[c] = w.Kind
			}
		}
	}
	first.Seen.Set(second.Seen.Columns()...)
	return true
}
