// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// checked is what Check gave of a shard.
type checked struct {
	tsmreader.Checked
	faults []tsmreader.Fault
}

// check takes every section of s, cut into ranges of about weight bytes.
func check(t failer, s *tsmreader.Shard, weight int64, o tsmreader.CheckOptions) *checked {
	t.Helper()
	r := &checked{faults: s.Faults()[:len(s.Faults()):len(s.Faults())]}
	var c *tsmreader.Cursor
	for from, more := "", true; more; {
		sec, err := s.Section(from)
		if err != nil {
			t.Fatalf("load section %q: %v", from, err)
		}
		r.faults = append(r.faults, sec.Faults()...)
		for _, rng := range sec.Ranges(weight) {
			c = sec.Cursor(rng, c)
			for c.Next(context.Background()) {
				c.Check(&o, &r.Checked)
			}
			if err := c.Err(); err != nil {
				t.Errorf("cursor: %v", err)
			}
			r.faults = append(r.faults, c.Faults()...)
		}
		from, more = sec.Next()
	}
	return r
}

// place is where a fault is, whatever is said about it.
type place struct {
	file   string
	part   tsmreader.Part
	offset int64
	key    string
}

func placeOf(f *tsmreader.Fault) place { return place{f.File, f.Part, f.Offset, f.Key} }

// checkToo fails the test unless Check finds all faults that reading s came upon, at the
// same places, and calls lost what was lost. Every test that reads a shard comes here.
func checkToo(t failer, s *tsmreader.Shard, weight int64, read *result) {
	t.Helper()
	got := check(t, s, weight, tsmreader.CheckOptions{})
	there := map[place]bool{}
	for i := range got.faults {
		p := placeOf(&got.faults[i])
		there[p] = there[p] || got.faults[i].Lost
	}
	for i := range read.faults {
		f := &read.faults[i]
		lost, ok := there[placeOf(f)]
		if !ok || f.Lost && !lost {
			t.Errorf("Check does not report %v\nbut:\n%s", f, faultText(got.faults))
		}
	}
}

// Blocks that decode and hold what the index says, in whatever files, are no fault, and
// each of them is counted once.
func TestCheckCounts(t *testing.T) {
	var w shardtest.WAL
	w.Write(shardtest.Column{Key: "cpu,host=1#!~#f1", Run: ints(1, 15e9, 25e9)})
	w.Delete("cpu,host=1#!~#f1", "cpu,host=2#!~#f1")
	m := tsmreader.Bytes(hosts(0), hosts(5e9))
	m.WAL = [][]byte{w.Bytes()}
	m.Tombstones = [][]byte{shardtest.TombstoneV4([]shardtest.Tombstone{{Key: "cpu,host=2#!~#f3", Min: 0, Max: 50_000e9}})}
	for name, c := range map[string]struct {
		o    tsmreader.CheckOptions
		want tsmreader.Checked
	}{
		"decoded":   {tsmreader.CheckOptions{}, tsmreader.Checked{Series: 4, Columns: 28, Blocks: 280, Values: 280_000}},
		"checksums": {tsmreader.CheckOptions{Checksums: true}, tsmreader.Checked{Series: 4, Columns: 28, Blocks: 280}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, weight := range []int64{1, math.MaxInt64} {
				s := tsmreader.OpenMemory(tsmreader.Options{}, m)
				got := check(t, s, weight, c.o)
				if len(got.faults) > 0 {
					t.Errorf("faults:\n%s", faultText(got.faults))
				}
				if want := s.Bytes() / 2; got.Bytes < want || got.Bytes > s.Bytes() {
					t.Errorf("%d bytes of blocks in %d", got.Bytes, s.Bytes())
				}
				got.Bytes = 0
				if d := cmp.Diff(c.want, got.Checked); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			}
			sec, err := tsmreader.OpenMemory(tsmreader.Options{}, m).Section("")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tsmreader.LogCounts{Entries: 2, Values: 2, Deletes: 2, Tombstones: 1}, sec.Counts()); d != "" {
				t.Errorf("log (-want +got):\n%s", d)
			}
		})
	}
}

// All parts together are everything, each block in one of them, whatever the path above
// the database is; shares are about as large as asked for, and the same for the same seed.
func TestSubsets(t *testing.T) {
	dir := t.TempDir()
	var sources []tsmreader.Source
	for _, mount := range []string{"a", "some/where/else"} {
		s := shardtest.NewVolume(t, filepath.Join(dir, mount)).Shard("db", "autogen", 1)
		for i := range 3 {
			f := shardtest.TSM{PerBlock: 300}
			for n := range 700 {
				f.Add(fmt.Sprintf("m,n=%03d#!~#s", n), shardtest.Strings(shardtest.Every(0, 1, 600), slices.Repeat([]string{fmt.Sprint(n)}, 600)...))
			}
			s.TSM(i+1, 1, &f)
		}
		sources = append(sources, source(s))
	}
	blocks := func(sub tsmreader.Subset, src tsmreader.Source) tsmreader.Checked {
		s := open(t, tsmreader.Options{}, src)
		defer closeShard(t, s)
		return check(t, s, math.MaxInt64, tsmreader.CheckOptions{Subset: sub}).Checked
	}
	all := blocks(tsmreader.Subset{}, sources[0])
	if all.Blocks != 4200 || all.Skipped != 0 {
		t.Fatalf("%+v", all)
	}
	for _, parts := range []int{1, 2, 3, 10} {
		var sum tsmreader.Checked
		for part := range parts {
			sub := tsmreader.Subset{Part: part + 1, Parts: parts}
			one := blocks(sub, sources[0])
			if d := cmp.Diff(one, blocks(sub, sources[1])); d != "" {
				t.Errorf("part %d of %d of another mount:\n%s", part+1, parts, d)
			}
			if one.Blocks+one.Skipped != all.Blocks || one.Blocks == 0 {
				t.Errorf("part %d of %d: %d blocks and %d left out", part+1, parts, one.Blocks, one.Skipped)
			}
			sum.Add(one)
		}
		if sum.Blocks != all.Blocks || sum.Values != all.Values || sum.Bytes != all.Bytes {
			t.Errorf("%d parts: %+v, want %+v", parts, sum, all)
		}
	}
	for _, share := range []float64{0.05, 0.3, 0.7} {
		for seed := range uint64(20) {
			sub := tsmreader.Subset{Share: share, Seed: seed}
			one := blocks(sub, sources[0])
			if d := cmp.Diff(one, blocks(sub, sources[1])); d != "" {
				t.Errorf("seed %d of another mount:\n%s", seed, d)
			}
			if got := float64(one.Blocks) / float64(all.Blocks); got < 0.85*share || got > 1.15*share {
				t.Errorf("seed %d: %.2f %% of the blocks for %.0f %%", seed, 100*got, 100*share)
			}
		}
	}
}

// Once a cursor is warm a check takes no memory for any block.
func TestCheckDoesNotAllocate(t *testing.T) {
	fields := shardtest.MeasurementFields{Name: "cpu"}
	for i, kind := range []point.Kind{point.Float, point.Integer, point.Boolean, point.String, point.Unsigned, point.Integer, point.Float} {
		fields.Fields = append(fields.Fields, shardtest.Field{Name: fmt.Sprintf("f%d", i), Kind: kind})
	}
	m := tsmreader.Bytes(hosts(0), hosts(5e9))
	m.Fields = shardtest.FieldsIndex(fields)
	m.Tombstones = [][]byte{shardtest.TombstoneV4([]shardtest.Tombstone{{Key: "cpu,host=2#!~#f3", Min: 0, Max: 50_000e9}})}
	for name, o := range map[string]tsmreader.CheckOptions{
		"decoded": {}, "checksums": {Checksums: true}, "subset": {Subset: tsmreader.Subset{Part: 1, Parts: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			sec, err := tsmreader.OpenMemory(tsmreader.Options{}, m).Section("")
			if err != nil {
				t.Fatal(err)
			}
			rng := sec.Ranges(math.MaxInt64)[0]
			var cur *tsmreader.Cursor
			var n tsmreader.Checked
			run := func() {
				cur = sec.Cursor(rng, cur)
				for cur.Next(t.Context()) {
					cur.Check(&o, &n)
				}
			}
			run()
			if n.Blocks == 0 || len(cur.Faults()) > 0 {
				t.Errorf("%d blocks; faults:\n%s", n.Blocks, faultText(cur.Faults()))
			}
			if allocs := testing.AllocsPerRun(5, run); allocs > 0 {
				t.Errorf("%v allocations for %d blocks", allocs, n.Blocks)
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	m := tsmreader.Bytes(hosts(0), hosts(50_000e9))
	for name, o := range map[string]tsmreader.CheckOptions{"decoded": {}, "checksums": {Checksums: true}} {
		b.Run(name, func(b *testing.B) {
			sec, err := tsmreader.OpenMemory(tsmreader.Options{}, m).Section("")
			if err != nil {
				b.Fatal(err)
			}
			rng := sec.Ranges(math.MaxInt64)[0]
			b.SetBytes(m.Sizes[0] + m.Sizes[1])
			var cur *tsmreader.Cursor
			var n tsmreader.Checked
			for b.Loop() {
				cur = sec.Cursor(rng, cur)
				for cur.Next(b.Context()) {
					cur.Check(&o, &n)
				}
			}
			b.ReportMetric(float64(n.Values)/b.Elapsed().Seconds(), "values/s")
		})
	}
}
