// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// Blocks of one column that overlap inside one file, with times that repeat and do not
// ascend inside a block: of equal times the later block of the index wins, and inside a
// block the later position.
func TestOverlappingBlocks(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		choose := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }
		want := shardtest.Contents{}
		s, dir := saved(t, base, shardtest.NewHistory())
		defer removeAll(t, dir)
		for generation := range 1 + choose(3) {
			file := shardtest.TSM{AsAdded: true, Shuffle: uint64(choose(2))}
			for _, key := range []string{"m#!~#a", "m#!~#b", "n#!~#a"} {
				for range 1 + choose(4) {
					var run shardtest.Run
					for range 1 + choose(5) {
						run.Append(1600000000e9+int64(choose(12))*10e9, shardtest.Value{Kind: point.Integer, Bits: uint64(choose(1000))})
					}
					file.AddBlock(key, run, shardtest.Encoding{Times: shardtest.Raw})
					want.Set(shardtest.Column{Key: key, Run: run})
				}
			}
			s.TSM(generation+1, 1, &file)
		}
		w, take := chooseWay(choose)
		for key, values := range want {
			series, field, _ := strings.Cut(key, "#!~#")
			for at := range values {
				if !take(series, field, at) {
					delete(values, at)
				}
			}
			if len(values) == 0 {
				delete(want, key)
			}
		}
		shard := open(t, w.opts, source(s))
		defer closeShard(t, shard)
		shard.Lower(w.limits)
		got := read(t, shard, w.weight)
		got.want(t, want)
		got.sound(t)
	})
}

// ints makes a run of integers at times.
func ints(from int64, times ...int64) shardtest.Run {
	run := shardtest.Run{Times: times, Kind: point.Integer}
	for i := range times {
		run.Ints = append(run.Ints, from+int64(i))
	}
	return run
}

// wantFaults fails the test unless r has just these faults, given by their reason, in
// any order.
func (r *result) wantFaults(t failer, texts ...string) {
	t.Helper()
	left := slices.Clone(r.faults)
	for _, text := range texts {
		i := slices.IndexFunc(left, func(f tsmreader.Fault) bool { return strings.Contains(f.Error(), text) })
		if i < 0 {
			t.Errorf("no fault says %q", text)
			continue
		}
		if !errors.Is(&left[i], tsmreader.ErrCorrupt) {
			t.Errorf("%v is not ErrCorrupt", &left[i])
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 || len(texts) != len(r.faults) {
		t.Errorf("faults:\n%s", faultText(r.faults))
	}
}

// Values of two types in one column of a shard: what fields.idx says goes, or else the
// newest type; the others are left out and reported, wherever they lie.
func TestMixedKinds(t *testing.T) {
	const key = "m,t=1#!~#f"
	floats := shardtest.Floats([]int64{10, 20}, 1, 2)
	integers := ints(5, 20, 30)
	texts := shardtest.Strings([]int64{5, 30}, "a", "b")
	const conflict, listed = "type differs from the column's", "another type than fields.idx"
	cases := map[string]struct {
		files  []shardtest.Run // by generation
		wal    *shardtest.Run
		listed *point.Kind
		want   shardtest.Run
		faults []string
	}{
		"newest wins":            {files: []shardtest.Run{floats, integers}, want: integers, faults: []string{conflict}},
		"fields.idx says float":  {files: []shardtest.Run{floats, integers}, listed: new(point.Float), want: floats, faults: []string{conflict}},
		"fields.idx says int":    {files: []shardtest.Run{integers, floats}, listed: new(point.Integer), want: integers, faults: []string{conflict}},
		"fields.idx says string": {files: []shardtest.Run{floats, integers}, listed: new(point.String), want: integers, faults: []string{conflict, listed}},
		"wal is the newest":      {files: []shardtest.Run{floats}, wal: &integers, want: integers, faults: []string{conflict}},
		"wal is not listed":      {files: []shardtest.Run{floats}, wal: &integers, listed: new(point.Float), want: floats, faults: []string{conflict}},
		"string in the wal":      {files: []shardtest.Run{floats}, wal: &texts, listed: new(point.Float), want: floats, faults: []string{conflict}},
		"strings in a file":      {files: []shardtest.Run{texts}, wal: &integers, listed: new(point.Integer), want: integers, faults: []string{conflict}},
		"nothing fits the list":  {files: []shardtest.Run{floats}, listed: new(point.Integer), want: floats, faults: []string{listed}},
		"wal does not fit":       {wal: &integers, listed: new(point.Float), want: integers, faults: []string{listed}},
	}
	for name, c := range cases {
		for i, limits := range lows {
			t.Run(fmt.Sprint(name, i), func(t *testing.T) {
				s := shardOf(t)
				other := shardtest.Column{Key: "n#!~#f", Run: ints(1, 1)}
				want := contents(shardtest.Column{Key: key, Run: c.want}, other)
				for i, run := range c.files {
					var file shardtest.TSM
					file.Add(key, run)
					file.Add(other.Key, other.Run)
					s.TSM(i+1, 1, &file)
				}
				var wal shardtest.WAL
				wal.Write(other)
				if c.wal != nil {
					wal.Write(shardtest.Column{Key: key, Run: *c.wal})
				}
				s.WAL(1, &wal)
				if c.listed != nil {
					s.Fields(shardtest.MeasurementFields{Name: "m", Fields: []shardtest.Field{{Name: "f", Kind: *c.listed}}},
						shardtest.MeasurementFields{Name: "n", Fields: []shardtest.Field{{Name: "f", Kind: point.Integer}}})
				}
				shard := open(t, tsmreader.Options{}, source(s))
				defer closeShard(t, shard)
				shard.Lower(limits)
				got := read(t, shard, 1)
				got.want(t, want)
				got.wantFaults(t, c.faults...)
			})
		}
	}
}

// Keys whose field cannot be told are left out and reported, from files and from the WAL.
func TestNoSeparator(t *testing.T) {
	s := shardOf(t)
	var file shardtest.TSM
	file.Add("bare", ints(1, 1, 2))
	file.Add("m#!~#f", ints(1, 1))
	file.Add("m#!~", ints(1, 1))
	path := s.TSM(1, 1, &file)
	var wal shardtest.WAL
	wal.Write(shardtest.Column{Key: "bare", Run: ints(1, 3)}, shardtest.Column{Key: "z", Run: ints(1, 7)})
	walPath := s.WAL(1, &wal)
	got := readAll(t, tsmreader.Options{}, source(s))
	got.want(t, contents(shardtest.Column{Key: "m#!~#f", Run: ints(1, 1)}))
	got.wantFaults(t, `of "bare"`, `of "bare"`, `of "m#!~"`, `of "z"`)
	for _, f := range got.faults {
		if !f.Lost || f.File != path && f.File != walPath {
			t.Errorf("fault %+v", f)
		}
		if f.Key == "bare" && f.File == path && f.Range != (point.TimeRange{Min: 1, Max: 2}) {
			t.Errorf("range %+v", f.Range)
		}
	}
}

// A measurement or tag that holds the separator is told from a field that does by fields.idx.
func TestSecondSeparator(t *testing.T) {
	const key = "a#!~#b#!~#c"
	list := func(name string, field string) shardtest.MeasurementFields {
		return shardtest.MeasurementFields{Name: name, Fields: []shardtest.Field{{Name: field, Kind: point.Integer}}}
	}
	cases := map[string]struct {
		fields []shardtest.MeasurementFields
		series string
	}{
		"no fields.idx":      {nil, "a"},
		"in the field":       {[]shardtest.MeasurementFields{list("a", "b#!~#c")}, "a"},
		"in the measurement": {[]shardtest.MeasurementFields{list("a#!~#b", "c")}, "a#!~#b"},
		"listed both ways":   {[]shardtest.MeasurementFields{list("a", "b#!~#c"), list("a#!~#b", "c")}, "a"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := shardOf(t)
			var file shardtest.TSM
			file.Add(key, ints(1, 1, 2))
			s.TSM(1, 1, &file)
			if c.fields != nil {
				s.Fields(c.fields...)
			}
			got := readAll(t, tsmreader.Options{}, source(s))
			got.want(t, contents(shardtest.Column{Key: key, Run: ints(1, 1, 2)}))
			if got.split[key] != c.series {
				t.Errorf("series %q, want %q", got.split[key], c.series)
			}
			got.sound(t)
			none := readAll(t, tsmreader.Options{TakeSeries: func(k []byte) bool { return string(k) != c.series }}, source(s))
			none.want(t, shardtest.Contents{})
		})
	}
}

// Numbers and keys that line protocol cannot carry are read as they are.
func TestExtremes(t *testing.T) {
	s := shardOf(t)
	nan := math.Float64frombits(0x7FF8000000000002)
	all := []shardtest.Column{
		{Key: "m#!~#f", Run: shardtest.Floats([]int64{math.MinInt64, -1, 0, math.MaxInt64}, nan, math.Inf(1), math.Inf(-1), math.Copysign(0, -1))},
		{Key: "m#!~#i", Run: shardtest.Ints([]int64{math.MinInt64, math.MaxInt64}, math.MinInt64, math.MaxInt64)},
		{Key: "\xff\x00#!~#\xfe", Run: shardtest.Uints([]int64{0}, math.MaxUint64)},
		{Key: strings.Repeat("k", 65535-5) + "#!~#f", Run: shardtest.Bools([]int64{7}, true)},
		{Key: "m#!~#" + strings.Repeat("f", 65535-5), Run: shardtest.Strings([]int64{7, 8}, strings.Repeat("s", 1<<20), "")},
		{Key: "n#!~#", Run: shardtest.Ints([]int64{1}, 1)},
	}
	var file shardtest.TSM
	var wal shardtest.WAL
	for i, c := range all {
		file.Add(c.Key, c.Run)
		if i != 0 {
			wal.Write(c)
		}
	}
	s.TSM(1, 1, &file)
	s.WAL(1, &wal)
	for _, w := range []int64{1, math.MaxInt64} {
		for _, memory := range []int64{1, 0} {
			shard := open(t, tsmreader.Options{Memory: memory}, source(s))
			got := read(t, shard, w)
			got.want(t, contents(all...))
			got.sound(t)
			closeShard(t, shard)
		}
	}
}

// What is wrong with a column in the WAL is reported once, by whichever section has it.
func TestConflictsInSections(t *testing.T) {
	s := shardOf(t)
	var wal shardtest.WAL
	want := shardtest.Contents{}
	var texts []string
	for i := range 40 {
		c := shardtest.Column{Key: fmt.Sprintf("m,t=%02d#!~#f", i), Run: ints(1, 10, 20)}
		wal.Write(c)
		want.Set(c)
		wal.Write(shardtest.Column{Key: c.Key, Run: shardtest.Floats([]int64{30}, 1)})
		wal.Write(shardtest.Column{Key: c.Key, Run: shardtest.Floats([]int64{5}, 1)})
		texts = append(texts, fmt.Sprintf("%q: type differs", c.Key))
	}
	wal.Tail([]byte{1})
	texts = append(texts, "torn")
	s.WAL(1, &wal)
	got := readAll(t, tsmreader.Options{Memory: 1000}, source(s))
	if got.sections < 3 {
		t.Fatalf("%d sections", got.sections)
	}
	got.want(t, want)
	got.wantFaults(t, texts...)
	if r := got.faults[len(got.faults)-1].Range; r != (point.TimeRange{Min: 5, Max: 30}) {
		t.Errorf("range %+v", r)
	}
}

// Two files whose blocks end at other times keep each other from running empty; what a
// cursor holds must not grow with the length of the series.
func TestLongSeriesStaysSmall(t *testing.T) {
	for _, kind := range []point.Kind{point.Integer, point.String} {
		s := shardOf(t)
		const points, perBlock = 40_000, 1000
		runs := [2]shardtest.Run{{Kind: kind}, {Kind: kind}}
		for i := range points {
			v := shardtest.Value{Kind: kind, Bits: uint64(i)}
			if kind == point.String {
				v = shardtest.Value{Kind: kind, Text: fmt.Sprint(i)}
			}
			runs[0].Append(int64(i), v)
			if i >= 100 {
				runs[1].Append(int64(i), v)
			}
		}
		want := shardtest.Contents{}
		for i, run := range runs {
			var file shardtest.TSM
			file.Add("m#!~#f", run)
			s.TSM(i+1, 1, &file)
			want.Set(shardtest.Column{Key: "m#!~#f", Run: run})
		}
		shard := open(t, tsmreader.Options{}, source(s))
		sec, err := shard.Section("")
		if err != nil {
			t.Fatal(err)
		}
		c := sec.Cursor(sec.Ranges(math.MaxInt64)[0], nil)
		r := &result{contents: shardtest.Contents{}, split: map[string]string{}}
		r.drain(t, c)
		r.want(t, want)
		r.sound(t)
		if n := c.Held(); n < perBlock || n > 4*perBlock {
			t.Errorf("%v: a slot held %d values", kind, n)
		}
		closeShard(t, shard)
	}
}
