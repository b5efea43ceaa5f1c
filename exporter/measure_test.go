// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"errors"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// wholes gives a unit for each selected shard.
func wholes(o Options) (units []Unit) {
	for _, sh := range Selected(o.Catalog, o.Selection) {
		units = append(units, Unit{Shard: sh})
	}
	return units
}

// Whole shards come to what an export of them writes.
func TestMeasureWholeShards(t *testing.T) {
	dir := devops(t, 6, 3)
	for name, spec := range map[string]filter.Spec{
		"all": {}, "one measurement": {Measurements: []string{"mem"}}, "a window": {Start: "2019-05-01T00:20:00Z", End: "2019-05-02T00:10:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, spec, dir)
			o.Format.Bare = true
			plain, sum := text(t, o)
			var got Totals
			gz, zs, done := int64(0), int64(0), int64(0)
			span := point.NoTime
			o.Workers = 1
			units, err := Measure(t.Context(), o, wholes(o), true, func(bytes int64, t Totals) { done += t.Points })
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range units {
				got.add(m.Totals)
				gz, zs = gz+m.GzipBytes, zs+m.ZstdBytes
				span = span.Union(m.Span)
				if m.Cost.Text <= 0 || m.Cost.Gzip <= 0 || m.Cost.Zstd <= 0 {
					t.Errorf("cost %+v", m.Cost)
				}
			}
			want := sum.Totals
			want.Shards = 0
			if diff := cmp.Diff(want, got); diff != "" || got.Bytes != int64(len(plain)) || done != got.Points {
				t.Errorf("%d points told; totals (-want +got):\n%s", done, diff)
			}
			if start, end := span.Texts(); start != sum.Start || end != sum.End {
				t.Errorf("from %s to %s, want %s to %s", start, end, sum.Start, sum.End)
			}
			for c, size := range map[Compression]int64{Gzip: gz, Zstd: zs} {
				o.Format.Compression = c
				if _, s := text(t, o); math.Abs(float64(size-s.OutputBytes)) > .01*float64(s.OutputBytes) {
					t.Errorf("%s: %d bytes, an export has %d", c, size, s.OutputBytes)
				}
			}
		})
	}
}

// Of a piece not all is rendered, but what it weighs is: all pieces of a shard together
// weigh and hold what the shard does, about.
func TestMeasurePieces(t *testing.T) {
	dir := devops(t, 12, 1)
	o := options(t, filter.Spec{}, dir)
	all := wholes(o)
	whole, err := Measure(t.Context(), o, all, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	open, err := tsmreader.Open(t.Context(), Sources(all[0].Shard), ReaderOptions(&o))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close() //nolint:errcheck // read only
	sec, err := open.Section("")
	if err != nil {
		t.Fatal(err)
	}
	var units []Unit
	weight := int64(0)
	c := sec.Cursor(tsmreader.Range{}, nil)
	for i := 0; c.Next(t.Context()); i++ {
		weight += Weigh(c.Columns(nil))
		key := string(c.Series())
		u := Unit{Shard: all[0].Shard, From: key + "#!~#", To: key + "#!~$", Row: math.Mod(float64(i)*.618, 1)}
		if i%2 == 0 {
			u.Share, u.At = .3, math.Mod(float64(i)*.37, 1)
		}
		units = append(units, u)
	}
	var first []Measured
	for _, workers := range []int{1, 3} {
		o.Workers = workers
		got, err := Measure(t.Context(), o, units, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			got[i].Cost = Cost{}
		}
		if first == nil {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("%d workers (-1 +got):\n%s", workers, diff)
		}
	}
	var points, text, gz, read, weighed float64
	for _, m := range first {
		if m.Weight <= 0 || m.Points <= 0 {
			t.Fatalf("a piece came to %+v", m)
		}
		points += float64(m.Points) / float64(m.Weight)
		text += float64(m.Bytes) / float64(m.Weight)
		gz += float64(m.GzipBytes) / float64(m.Weight)
		read += float64(m.Points)
		weighed += float64(m.Weight)
	}
	if read > .8*float64(whole[0].Points) {
		t.Errorf("%.0f points of %d were rendered", read, whole[0].Points)
	}
	if a, b := read/float64(whole[0].Points), weighed/float64(weight); math.Abs(a-b) > .1*b {
		t.Errorf("%.3f of the points are said to be %.3f of the weight", a, b)
	}
	// Series weigh much the same within a measurement only, so that this is rough.
	for what, x := range map[string][2]float64{
		"text for a point": {text / points, float64(whole[0].Bytes) / float64(whole[0].Points)},
		"gzip of text":     {gz / text, float64(whole[0].GzipBytes) / float64(whole[0].Bytes)},
	} {
		if math.Abs(x[0]-x[1]) > .3*x[1] {
			t.Errorf("%s: %.3f, of the shard %.3f", what, x[0], x[1])
		}
	}
}

// Each block has the chance to be read that its size gives it.
func TestChoose(t *testing.T) {
	at := func(min, max, bytes int64) tsmreader.Stretch {
		return tsmreader.Stretch{Range: point.TimeRange{Min: min, Max: max}, Bytes: bytes}
	}
	all := []tsmreader.Stretch{at(0, 9, 60), at(10, 19, 10), at(20, 29, 10), at(30, 39, 15), at(50, 59, 5)}
	hits := map[point.TimeRange]int{}
	for i := range 1000 {
		hits[choose(all, .2, float64(i)/1000)]++
	}
	want := map[point.TimeRange]int{{Min: 0, Max: 9}: 600, {Min: 10, Max: 29}: 200, {Min: 30, Max: 59}: 200}
	if diff := cmp.Diff(want, hits); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, at := range []float64{0, .5, 1} {
		if r := choose(all, 1, at); r != (point.TimeRange{Min: 0, Max: 59}) {
			t.Errorf("all of it at %v is %v", at, r)
		}
		if r := choose(nil, .5, at); r != (point.TimeRange{}) {
			t.Errorf("of nothing at %v: %v", at, r)
		}
	}
}

// What is unreadable is told, and the other units are measured.
func TestMeasureFaults(t *testing.T) {
	dir := t.TempDir()
	v := shardtest.NewVolume(t, dir)
	var f shardtest.TSM
	f.Add("m#!~#f", shardtest.Floats(shardtest.Every(0, 1, 10), make([]float64, 10)...))
	whole := f.Bytes()
	layout, err := shardtest.LayoutOf(whole)
	if err != nil {
		t.Fatal(err)
	}
	for id := range uint64(3) {
		v.Shard("db", "rp", id+1).DataFile(shardtest.TSMName(1, 1), whole)
	}
	v.Shard("db", "rp", 1).DataFile(shardtest.TSMName(1, 1), shardtest.Flip(whole, layout.Keys[0].Blocks[0].Values.Offset*8))
	gone := v.Shard("db", "rp", 2)
	o := options(t, filter.Spec{}, dir)
	for _, d := range []string{gone.DataDir(), gone.WALDir()} {
		if err := os.RemoveAll(d); err != nil {
			t.Fatal(err)
		}
	}
	units := wholes(o)
	for _, sh := range Selected(o.Catalog, o.Selection) {
		units = append(units, Unit{Shard: sh, From: "m#!~#", To: "m#!~$"})
	}
	got, err := Measure(t.Context(), o, units, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range got {
		switch bad, none := i%3 == 0, i%3 == 1; {
		case bad && (len(m.Faults) != 1 || m.Faults[0].Part != "block" || m.Points != 0):
			t.Errorf("damaged unit %d: %+v", i, m)
		case none && (m.Note == "" || len(m.Faults) != 0):
			t.Errorf("unit %d of nothing: %+v", i, m)
		case !bad && !none && (m.Points != 10 || len(m.Faults) != 0):
			t.Errorf("sound unit %d: %+v", i, m)
		}
	}
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := Measure(ctx, o, units, true, nil); !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
}
