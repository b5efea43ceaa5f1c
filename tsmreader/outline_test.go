// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// outlined is a column as Columns gives it, by its composite key.
type outlined struct {
	Kind   point.Kind
	Hidden bool
	Range  point.TimeRange
	Blocks int
	Values int
	Bytes  int64
}

// outline walks all columns of s and then reads them, which must still give everything.
func outline(t failer, s *tsmreader.Shard, weight int64) (columns map[string][]outlined, read *result) {
	t.Helper()
	columns = map[string][]outlined{}
	read = &result{contents: shardtest.Contents{}, split: map[string]string{}}
	var c *tsmreader.Cursor
	var infos []tsmreader.ColumnInfo
	var stretches []tsmreader.Stretch
	var b point.Batch
	for from, more := "", true; more; {
		sec, err := s.Section(from)
		if err != nil {
			t.Fatalf("load section: %v", err)
		}
		for _, rng := range sec.Ranges(weight) {
			c = sec.Cursor(rng, c)
			for c.Next(context.Background()) {
				series := string(c.Series())
				infos = c.Columns(infos[:0])
				for _, i := range infos {
					key := shardtest.Key(series, string(i.Field))
					columns[key] = append(columns[key], outlined{i.Kind, i.Hidden, i.Range, i.Blocks, i.Values, i.Bytes})
				}
				stretches = c.Stretches(stretches[:0])
				for i := 1; i < len(stretches); i++ {
					if stretches[i].Range.Min <= stretches[i-1].Range.Max {
						t.Errorf("series %q: stretches %v overlap", series, stretches)
					}
				}
				for c.Read(&b) {
					read.add(t, series, &b)
				}
			}
			if err := c.Err(); err != nil {
				t.Fatalf("walk: %v", err)
			}
		}
		from, more = sec.Next()
	}
	return columns, read
}

// Every column that has values is told, with its type and times around them; and where
// nothing was deleted, or blocks are looked at, no other.
func TestColumnsOfHistories(t *testing.T) {
	base := t.TempDir()
	exact := 0
	for seed := uint64(1); seed <= 150; seed++ {
		choose := shardtest.Seeded(seed)
		operations := 5 + choose(50)
		if seed%3 == 0 {
			operations = 6 // few of these have a delete
		}
		h := shardtest.RandomHistory(choose, operations, chooseKinks(choose))
		s, dir := saved(t, base, h)
		w, take := chooseWay(choose)
		w.opts.Exact = choose(2) == 1
		open := open(t, w.opts, source(s))
		open.Lower(w.limits)
		columns, read := outline(t, open, w.weight)
		closeShard(t, open)
		removeAll(t, dir)

		parts := columnsOf(h)
		want := shardtest.Contents{}
		for key, values := range h.Seen {
			for at, v := range values {
				if take(parts[key].series, parts[key].field, at) {
					want.Set(shardtest.Column{Key: key, Run: one(at, v)})
				}
			}
		}
		read.want(t, want)
		deleted := slices.ContainsFunc(h.Ops, func(o shardtest.Op) bool { return o.Name == "Delete" })
		all := w.opts.Exact || !deleted && w.opts.Window == (point.TimeRange{})
		checkColumns(t, columns, want, all)
		if all {
			exact++
		}
		if t.Failed() {
			t.Fatalf("seed %d, walked with %v\n%v", seed, w, h)
		}
	}
	if exact < 10 {
		t.Errorf("only %d histories without deletes", exact)
	}
}

func one(at int64, v shardtest.Value) (r shardtest.Run) {
	r.Append(at, v)
	return r
}

// checkColumns compares what was told with what there is; exact says that nothing else may
// be told.
func checkColumns(t *testing.T, columns map[string][]outlined, want shardtest.Contents, exact bool) {
	t.Helper()
	for key, values := range want {
		got := columns[key]
		if len(got) == 0 || got[0].Hidden {
			t.Errorf("column %q is not told: %+v", key, got)
			continue
		}
		span := point.NoTime
		for at, v := range values {
			span = span.Union(point.TimeRange{Min: at, Max: at})
			if v.Kind != got[0].Kind {
				t.Errorf("column %q is %v, told as %v", key, v.Kind, got[0].Kind)
			}
		}
		if !got[0].Range.Covers(span) || exact && got[0].Range != span {
			t.Errorf("column %q has times %v, told as %v", key, span, got[0].Range)
		}
		if got[0].Blocks+got[0].Values == 0 {
			t.Errorf("column %q has no block and no value", key)
		}
	}
	for key, got := range columns {
		if exact && len(want[key]) == 0 && !got[0].Range.Empty() {
			t.Errorf("column %q is told and has no values: %+v", key, got)
		}
	}
}

// tenths is a file of one column with ten blocks of ten points each, at 0 to 99.
func tenths(key string, from int64) []byte {
	f := shardtest.TSM{PerBlock: 10}
	f.Add(key, ints(from, shardtest.Every(from, 1, 100)...))
	return f.Bytes()
}

// What a window or tombstones leave of a column.
func TestColumnsInPart(t *testing.T) {
	const key = "m#!~#f"
	file := tenths(key, 0)
	whole := func() outlined {
		columns, _ := outline(t, tsmreader.OpenMemory(tsmreader.Options{}, tsmreader.Bytes(file)), math.MaxInt64)
		return columns[key][0]
	}()
	if whole.Blocks != 10 || whole.Range != (point.TimeRange{Min: 0, Max: 99}) || whole.Bytes <= 0 || whole.Bytes >= int64(len(file)) {
		t.Fatalf("all of it is %+v", whole)
	}
	delete := func(windows ...point.TimeRange) []byte {
		var stones []shardtest.Tombstone
		for _, w := range windows {
			stones = append(stones, shardtest.Tombstone{Key: key, Min: w.Min, Max: w.Max})
		}
		return shardtest.TombstoneV4(stones)
	}
	gone := point.NoTime
	cases := map[string]struct {
		stones []byte
		window point.TimeRange
		want   point.TimeRange
		blocks int
		share  float64 // of the bytes
	}{
		"all deleted":           {delete(point.AllTime), point.TimeRange{}, gone, 10, 0},
		"just all deleted":      {delete(point.TimeRange{Min: 0, Max: 99}), point.TimeRange{}, gone, 10, 0},
		"deleted in two pieces": {delete(point.TimeRange{Min: 0, Max: 49}, point.TimeRange{Min: 50, Max: 99}), point.TimeRange{}, gone, 10, 0},
		"start deleted":         {delete(point.TimeRange{Min: -5, Max: 24}), point.TimeRange{}, point.TimeRange{Min: 25, Max: 99}, 10, .75},
		"end deleted":           {delete(point.TimeRange{Min: 95, Max: 200}), point.TimeRange{}, point.TimeRange{Min: 0, Max: 94}, 10, .95},
		"middle deleted":        {delete(point.TimeRange{Min: 30, Max: 69}), point.TimeRange{}, point.TimeRange{Min: 0, Max: 99}, 10, .6},
		"hole in a block":       {delete(point.TimeRange{Min: 3, Max: 6}), point.TimeRange{}, point.TimeRange{Min: 0, Max: 99}, 10, .96},
		"nothing deleted":       {delete(point.TimeRange{Min: 100, Max: 200}), point.TimeRange{}, point.TimeRange{Min: 0, Max: 99}, 10, 1},
		"both ends deleted":     {delete(point.TimeRange{Min: 0, Max: 0}, point.TimeRange{Min: 99, Max: 99}), point.TimeRange{}, point.TimeRange{Min: 1, Max: 98}, 10, .98},
		"window":                {nil, point.TimeRange{Min: 15, Max: 34}, point.TimeRange{Min: 15, Max: 34}, 3, .2},
		"window of all":         {nil, point.TimeRange{Min: 0, Max: 99}, point.TimeRange{Min: 0, Max: 99}, 10, 1},
		"window beside":         {nil, point.TimeRange{Min: 100, Max: 200}, gone, 0, 0},
		"window on what is deleted": {
			delete(point.TimeRange{Min: 10, Max: 39}), point.TimeRange{Min: 15, Max: 34}, gone, 3, 0,
		},
	}
	for name, c := range cases {
		for _, entries := range []int{0, 1, 3} {
			t.Run(fmt.Sprint(name, entries), func(t *testing.T) {
				m := tsmreader.Bytes(file)
				m.Tombstones = [][]byte{c.stones}
				s := tsmreader.OpenMemory(tsmreader.Options{Window: c.window}, m)
				s.Lower(tsmreader.Limits{Entries: entries})
				columns, _ := outline(t, s, math.MaxInt64)
				got := columns[key][0]
				if got.Range != c.want && (!got.Range.Empty() || !c.want.Empty()) || got.Blocks != c.blocks {
					t.Errorf("told as %+v, want %v in %d blocks", got, c.want, c.blocks)
				}
				if want := c.share * float64(whole.Bytes); math.Abs(float64(got.Bytes)-want) > 10 {
					t.Errorf("%d bytes, want %.0f", got.Bytes, want)
				}
			})
		}
	}
}

// A file overlaps another one of its replica if they share times of a column.
func TestOverlapping(t *testing.T) {
	const a, b = "m#!~#a", "m#!~#b"
	stone := shardtest.TombstoneV4([]shardtest.Tombstone{{Key: a, Min: 50, Max: 99}})
	var wal shardtest.WAL
	wal.Write(shardtest.Column{Key: a, Run: ints(1, 10, 20)})
	cases := map[string]struct {
		replicas []tsmreader.Memory
		window   point.TimeRange
		want     []bool
	}{
		"one":             {[]tsmreader.Memory{tsmreader.Bytes(tenths(a, 0))}, point.TimeRange{}, []bool{false}},
		"in turn":         {[]tsmreader.Memory{tsmreader.Bytes(tenths(a, 0), tenths(a, 100), tenths(a, 200))}, point.TimeRange{}, []bool{false, false, false}},
		"one time shared": {[]tsmreader.Memory{tsmreader.Bytes(tenths(a, 0), tenths(a, 99))}, point.TimeRange{}, []bool{true, true}},
		"late":            {[]tsmreader.Memory{tsmreader.Bytes(tenths(a, 0), tenths(a, 200), tenths(a, 50))}, point.TimeRange{}, []bool{true, false, true}},
		"around others": {
			[]tsmreader.Memory{tsmreader.Bytes(tenths(a, 110), long(a, 0, 1000), tenths(a, 400), tenths(a, 1001))},
			point.TimeRange{},
			[]bool{true, true, true, false},
		},
		"other columns": {[]tsmreader.Memory{tsmreader.Bytes(tenths(a, 0), tenths(b, 0))}, point.TimeRange{}, []bool{false, false}},
		"replicas":      {[]tsmreader.Memory{tsmreader.Bytes(tenths(a, 0)), tsmreader.Bytes(tenths(a, 0))}, point.TimeRange{}, []bool{false, false}},
		"deleted":       {[]tsmreader.Memory{with(tsmreader.Bytes(tenths(a, 0), tenths(a, 50)), stone)}, point.TimeRange{}, []bool{false, false}},
		"outside":       {[]tsmreader.Memory{tsmreader.Bytes(tenths(a, 0), tenths(a, 50))}, point.TimeRange{Min: 0, Max: 40}, []bool{false, false}},
		"WAL":           {[]tsmreader.Memory{{TSM: tsmreader.Bytes(tenths(a, 0)).TSM, Sizes: tsmreader.Bytes(tenths(a, 0)).Sizes, WAL: [][]byte{wal.Bytes()}}}, point.TimeRange{}, []bool{false}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := tsmreader.OpenMemory(tsmreader.Options{Window: c.window}, c.replicas...)
			sec, err := s.Section("")
			if err != nil {
				t.Fatal(err)
			}
			cur := sec.Cursor(tsmreader.Range{}, nil)
			for range 2 { // a cursor that is used again begins anew
				cur = sec.Cursor(tsmreader.Range{}, cur)
				for cur.Next(t.Context()) {
					cur.Columns(nil)
				}
				got := make([]bool, len(s.TSMFiles()))
				cur.Overlapping(got)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// long is a file of one column with two points.
func long(key string, from, to int64) []byte {
	var f shardtest.TSM
	f.Add(key, ints(1, from, to))
	return f.Bytes()
}

func with(m tsmreader.Memory, stones ...[]byte) tsmreader.Memory {
	m.Tombstones = stones
	return m
}

// Values of another type than the column's are told behind it, whatever holds them.
func TestHiddenTypes(t *testing.T) {
	const key = "m#!~#f"
	var ints5, floats9 shardtest.TSM
	ints5.Add(key, ints(1, 1, 5))
	floats9.Add(key, shardtest.Floats([]int64{7, 9}, 1, 2))
	var wal shardtest.WAL
	wal.Write(shardtest.Column{Key: key, Run: shardtest.Bools([]int64{20, 21, 22}, true, false, true)})
	m := tsmreader.Bytes(ints5.Bytes(), floats9.Bytes())
	m.WAL = [][]byte{wal.Bytes()}
	m.Fields = shardtest.FieldsIndex(shardtest.MeasurementFields{Name: "m", Fields: []shardtest.Field{{Name: "f", Kind: point.Float}}})
	columns, _ := outline(t, tsmreader.OpenMemory(tsmreader.Options{}, m), math.MaxInt64)
	got := columns[key]
	for i := range got {
		if got[i].Bytes > 0 != (got[i].Blocks > 0) {
			t.Errorf("%d blocks of %d bytes", got[i].Blocks, got[i].Bytes)
		}
		got[i].Bytes = 0
	}
	want := []outlined{
		{Kind: point.Float, Range: point.TimeRange{Min: 7, Max: 9}, Blocks: 1},
		{Kind: point.Integer, Hidden: true, Range: point.TimeRange{Min: 1, Max: 5}, Blocks: 1},
		{Kind: point.Boolean, Hidden: true, Range: point.TimeRange{Min: 20, Max: 22}, Values: 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Stretches follow the blocks of the longest column and count the bytes of all.
func TestStretches(t *testing.T) {
	f := shardtest.TSM{PerBlock: 10}
	f.Add("m#!~#a", ints(0, 5))
	f.Add("m#!~#b", ints(0, shardtest.Every(0, 1, 25)...))
	f.Add("m#!~#c", ints(0, shardtest.Every(0, 1, 25)...))
	var late shardtest.TSM
	late.Add("m#!~#c", ints(0, 22, 40))
	s := tsmreader.OpenMemory(tsmreader.Options{}, tsmreader.Bytes(f.Bytes(), late.Bytes()))
	sec, err := s.Section("")
	if err != nil {
		t.Fatal(err)
	}
	c := sec.Cursor(tsmreader.Range{}, nil)
	if !c.Next(t.Context()) {
		t.Fatal("no series")
	}
	all := int64(0)
	for _, i := range c.Columns(nil) {
		all += i.Bytes
	}
	var ranges []point.TimeRange
	for _, st := range c.Stretches(nil) {
		ranges = append(ranges, st.Range)
		all -= st.Bytes
	}
	if diff := cmp.Diff([]point.TimeRange{{Min: 0, Max: 9}, {Min: 10, Max: 19}, {Min: 20, Max: 40}}, ranges); diff != "" || all != 0 {
		t.Errorf("%d bytes are not in a stretch; stretches (-want +got):\n%s", all, diff)
	}
	c = sec.Cursor(tsmreader.Range{Window: ranges[1]}, c)
	var b point.Batch
	rows := 0
	for c.Next(t.Context()) {
		for c.Read(&b) {
			rows += len(b.Times)
		}
	}
	if rows != 10 {
		t.Errorf("the second stretch has %d rows", rows)
	}
}

// What a shard is made of.
func TestInventory(t *testing.T) {
	v := shardtest.NewVolume(t, t.TempDir())
	sh := v.Shard("db", "rp", 7)
	var file shardtest.TSM
	file.Add("m#!~#a", ints(1, 10, 20))
	file.Add("m#!~#b", ints(1, 10, 20))
	first := sh.TSM(3, 2, &file)
	second := sh.TSM(4, 1, &file)
	sh.Tombstone(4, 1, shardtest.TombstoneV4([]shardtest.Tombstone{
		{Key: "m#!~#a", Min: 1, Max: 5}, {Key: "m#!~#a", Min: 4, Max: 11}, {Key: "m#!~#a", Min: 30, Max: 31}, {Key: "m#!~#b", Min: 1, Max: 2},
	}))
	var wal shardtest.WAL
	wal.Write(shardtest.Column{Key: "m#!~#a", Run: ints(1, 50)})
	sh.WAL(1, &wal)
	sh.WAL(2, &wal)
	s := open(t, tsmreader.Options{}, source(sh))
	defer closeShard(t, s)
	size := int64(len(file.Bytes()))
	want := []tsmreader.TSMFile{
		{Path: first, Bytes: size, Generation: 3, Sequence: 2, Named: true, Range: point.TimeRange{Min: 10, Max: 20}, Columns: 2, Blocks: 2},
		{Path: second, Bytes: size, Generation: 4, Sequence: 1, Named: true, Range: point.TimeRange{Min: 10, Max: 20}, Columns: 2, Blocks: 2, Tombstones: true},
	}
	if diff := cmp.Diff(want, s.TSMFiles()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if n, bytes := s.Segments(); n != 2 || bytes != 2*int64(len(wal.Bytes())) {
		t.Errorf("%d segments of %d bytes", n, bytes)
	}
	sec, err := s.Section("")
	if err != nil {
		t.Fatal(err)
	}
	if n := sec.Deletes(); n != 3 {
		t.Errorf("%d deletes, want 3", n)
	}
}

// Walking columns allocates nothing once the cursor is warm.
func TestColumnsAllocateNothing(t *testing.T) {
	var w shardtest.WAL
	w.Write(shardtest.Column{Key: "cpu,host=1#!~#f1", Run: ints(1, 15e9, 25e9)})
	m := tsmreader.Bytes(hosts(0), hosts(5e9))
	m.WAL = [][]byte{w.Bytes()}
	m.Tombstones = [][]byte{shardtest.TombstoneV4([]shardtest.Tombstone{{Key: "cpu,host=2#!~#f3", Min: 1000e9, Max: 2000e9}})}
	for name, window := range map[string]point.TimeRange{"all": {}, "window": {Min: 100e9, Max: 30_000e9}} {
		t.Run(name, func(t *testing.T) {
			s := tsmreader.OpenMemory(tsmreader.Options{Window: window}, m)
			sec, err := s.Section("")
			if err != nil {
				t.Fatal(err)
			}
			var c *tsmreader.Cursor
			var columns []tsmreader.ColumnInfo
			n := 0
			run := func() {
				n = 0
				c = sec.Cursor(tsmreader.Range{}, c)
				for c.Next(t.Context()) {
					columns = c.Columns(columns[:0])
					n += len(columns)
				}
			}
			run()
			if allocs := testing.AllocsPerRun(5, run); allocs > 0 || n != 28 {
				t.Errorf("%v allocations for %d columns", allocs, n)
			}
		})
	}
}
