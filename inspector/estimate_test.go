// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
)

// exported runs a real export and gives its summary and the size of its output.
func exported(t *testing.T, o Options, c exporter.Compression) *exporter.Summary {
	t.Helper()
	s, err := exporter.Run(t.Context(), exporter.Options{
		Catalog: o.Catalog, Selection: o.Selection, Output: exporter.Output{Stream: io.Discard},
		Format: exporter.Format{Compression: c, Bare: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// steady is a series whose blocks are a few bytes for a thousand values.
func steady(t *testing.T, dir string) {
	t.Helper()
	sh := shardtest.NewVolume(t, dir).Shard("db", "rp", 1)
	var f shardtest.TSM
	for series := range 100 {
		for field := range 6 {
			r := shardtest.Run{Times: shardtest.Every(at(1, 0), int64(time.Second), 10_000), Kind: point.Integer}
			r.Ints = make([]int64, len(r.Times))
			f.Add(fmt.Sprintf("steady,h=%03d#!~#f%d", series, field), r)
		}
	}
	sh.TSM(1, 1, &f)
}

// logged is a volume whose values are all in the WAL.
func logged(t *testing.T, dir string) {
	t.Helper()
	sh := shardtest.NewVolume(t, dir).Shard("db", "rp", 1)
	random := rand.New(rand.NewPCG(1, 1))
	for segment := range 4 {
		var w shardtest.WAL
		for batch := range 100 {
			var columns []shardtest.Column
			for series := range 30 {
				r := shardtest.Run{Kind: point.Float}
				for i := range 20 {
					r.Times = append(r.Times, at(1, 0)+int64((segment*100+batch)*20+i)*int64(time.Second))
					r.Floats = append(r.Floats, math.Round(random.Float64()*1e4)/100)
				}
				columns = append(columns, shardtest.Column{Key: fmt.Sprintf("log,h=%02d#!~#f", series), Run: r})
			}
			w.Write(columns...)
		}
		sh.WAL(segment+1, &w)
	}
}

// mixed is measurements that have little in common.
func mixed(t *testing.T, dir string) {
	t.Helper()
	v := shardtest.NewVolume(t, dir)
	random := rand.New(rand.NewPCG(2, 2))
	for day := 1; day <= 4; day++ {
		var f shardtest.TSM
		for series := range 60 {
			n := 400 * day
			noise, words := shardtest.Run{Kind: point.Float}, shardtest.Run{Kind: point.String}
			for i := range n {
				at := at(day, 0) + int64(i)*int64(time.Minute) + random.Int64N(1e9)
				noise.Times, noise.Floats = append(noise.Times, at), append(noise.Floats, random.NormFloat64())
				words.Times, words.Strings = append(words.Times, at), append(words.Strings, fmt.Appendf(nil, "request %d of user %d done", i, random.IntN(50)))
			}
			f.Add(fmt.Sprintf("noise,h=%02d#!~#f", series), noise)
			f.Add(fmt.Sprintf("words,h=%02d#!~#f", series), words)
			f.Add(fmt.Sprintf("words,h=%02d#!~#n", series), shardtest.Ints(words.Times, make([]int64, n)...))
		}
		v.Shard("db", "rp", uint64(day)).TSM(1, 1, &f)
	}
}

// uneven is a measurement with shards of a few bytes that hold more points than large ones.
func uneven(t *testing.T, dir string) {
	t.Helper()
	v := shardtest.NewVolume(t, dir)
	random := rand.New(rand.NewPCG(3, 3))
	for day := 1; day <= 30; day++ {
		var f shardtest.TSM
		if day%3 == 0 {
			r := shardtest.Run{Times: shardtest.Every(at(day, 0), int64(time.Second), 1000), Kind: point.Integer, Ints: make([]int64, 1000)}
			f.Add("m,h=0#!~#i", r)
		} else {
			for series := range 30 {
				r := shardtest.Run{Kind: point.Float}
				for i := range 60 {
					r.Times = append(r.Times, at(day, 0)+int64(i)*int64(time.Minute)+random.Int64N(1e9))
					r.Floats = append(r.Floats, random.NormFloat64())
				}
				f.Add(fmt.Sprintf("m,h=%02d#!~#f", series), r)
			}
		}
		v.Shard("db", "rp", uint64(day)).TSM(1, 1, &f)
	}
}

// What is estimated is near to what an export comes to, and does not depend on the
// number of workers.
func TestEstimates(t *testing.T) {
	devops := func(t *testing.T, dir string) {
		d := shardtest.Devops{Hosts: 12, Duration: 90 * time.Minute, Step: 10 * time.Second, Shards: 3, Seed: 1}
		if _, err := d.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	many := func(t *testing.T, dir string) {
		if _, err := (shardtest.ManyColumns{Series: 10_000, Seed: 1}).Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	daily := func(t *testing.T, dir string) {
		d := shardtest.DailyShards{Shards: 50, Series: 200, Fields: 5, Measurements: 3, Distinct: true, Seed: 1}
		if _, err := d.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]struct {
		write func(t *testing.T, dir string)
		spec  filter.Spec
		text  float64 // by how much, of one, text, points and values may be off
		small float64 // and what is compressed
	}{
		"devops":               {devops, filter.Spec{}, .04, .08},
		"devops, one of them":  {devops, filter.Spec{Measurements: []string{"redis"}, Fields: []string{"used*", "uptime*"}}, .04, .10},
		"devops, a window":     {devops, filter.Spec{Start: "2019-05-01T00:20:00Z", End: "2019-05-02T01:10:00Z"}, .06, .10},
		"many short columns":   {many, filter.Spec{}, .04, .08},
		"daily shards":         {daily, filter.Spec{}, .03, .08},
		"steady":               {steady, filter.Spec{}, .04, .10},
		"WAL":                  {logged, filter.Spec{}, .04, .08},
		"uneven":               {uneven, filter.Spec{}, .03, .08},
		"mixed":                {mixed, filter.Spec{}, .05, .08},
		"a measurement of few": {devops, filter.Spec{Measurements: []string{"kernel"}, Tags: []string{"hostname=host_3"}}, 0, .5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.write(t, dir)
			o := options(t, c.spec, dir)
			var first *Estimate
			for _, workers := range []int{1, 2, 5} {
				o.Workers = workers
				e := *inspect(t, o).Estimate
				e.Workers, e.TextSeconds, e.GzipSeconds, e.ZstdSeconds, e.FreeBytes = 0, 0, 0, 0, 0
				if first == nil {
					first = &e
				}
				if diff := cmp.Diff(*first, e); diff != "" {
					t.Errorf("%d workers (-1 +got):\n%s", workers, diff)
				}
			}
			plain := exported(t, o, exporter.None)
			near := func(what string, got, want int64, off float64) {
				t.Helper()
				if math.Abs(float64(got-want)) > off*float64(want) {
					t.Errorf("%s: estimated %d, is %d (%+.1f %%)", what, got, want, 100*float64(got-want)/float64(want))
				}
			}
			near("points", first.Points, plain.Points, c.text)
			near("values", first.Values, plain.Values, c.text)
			near("text", first.TextBytes, plain.Bytes, c.text)
			near("gzip", first.GzipBytes, exported(t, o, exporter.Gzip).OutputBytes, c.small)
			near("zstd", first.ZstdBytes, exported(t, o, exporter.Zstd).OutputBytes, c.small)
			if first.SampleBytes > first.AllBytes || first.SampleBytes <= 0 {
				t.Errorf("%d bytes of %d were measured", first.SampleBytes, first.AllBytes)
			}
		})
	}
}

// Deep, points, values and text are those of an export.
func TestDeep(t *testing.T) {
	dir := t.TempDir()
	d := shardtest.Devops{Hosts: 10, Duration: time.Hour, Step: 10 * time.Second, Shards: 3, Seed: 1}
	if _, err := d.Write(dir); err != nil {
		t.Fatal(err)
	}
	o := options(t, filter.Spec{}, dir)
	o.Deep, o.Progress = true, &Progress{}
	r := inspect(t, o)
	want := exported(t, o, exporter.None)
	e := r.Estimate
	if e.Points != want.Points || e.Values != want.Values || e.TextBytes != want.Bytes || !r.Totals.Points.Exact || !r.Totals.Values.Exact {
		t.Errorf("estimate %+v, totals %+v, export %+v", e, r.Totals, want.Totals)
	}
	if e.GzipBytes <= 0 || e.GzipBytes >= e.TextBytes || e.SampleBytes >= e.AllBytes {
		t.Errorf("estimate %+v", e)
	}
	if r.Totals.Start != want.Start || r.Totals.End != want.End {
		t.Errorf("from %s to %s, want %s to %s", r.Totals.Start, r.Totals.End, want.Start, want.End)
	}
	p := o.Progress
	if p.ShardsDone.Load() != 3 || p.Shards.Load() != 3 || p.Points.Load() != want.Points || p.Columns.Load() != r.Totals.Columns {
		t.Errorf("progress: %d of %d shards, %d points, %d columns", p.ShardsDone.Load(), p.Shards.Load(), p.Points.Load(), p.Columns.Load())
	}
	if done, all := p.DoneBytes.Load(), p.TotalBytes.Load(); done > all || done < all*9/10 {
		t.Errorf("progress: %d of %d bytes", done, all)
	}
}

func TestFreePath(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ path, want string }{
		{dir, dir},
		{filepath.Join(dir, "not", "yet", "there"), filepath.Join(dir, "not", "yet", "there")},
	} {
		if path, free := freeAt(c.path); path != c.want || free <= 0 {
			t.Errorf("%s: %d bytes at %s", c.path, free, path)
		}
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if path, free := freeAt(""); path != wd || free <= 0 {
		t.Errorf("here: %d bytes at %s", free, path)
	}
}
