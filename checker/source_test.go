// SPDX-License-Identifier: Apache-2.0

package checker_test

import (
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shardlift/shardlift/checker"
	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// options gives options that check everything under path.
func options(t testing.TB, paths ...string) checker.SourceOptions {
	t.Helper()
	cat, err := volume.Open(t.Context(), volume.Request{Paths: paths})
	if err != nil {
		t.Fatal(err)
	}
	sel, err := filter.New(filter.Spec{IncludeInternal: true}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return checker.SourceOptions{Catalog: cat, Selection: sel, Workers: 2}
}

func check(t testing.TB, o checker.SourceOptions) *checker.SourceReport {
	t.Helper()
	r, err := checker.Sources(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// export gives the text and the faults of an export with the same options. What line
// protocol cannot carry is not wrong with the source.
func export(t testing.TB, o checker.SourceOptions) (string, *exporter.Summary) {
	t.Helper()
	text, s, _ := exportAll(t, o)
	return text, s
}

// exportAll is export, and gives what line protocol cannot carry beside.
func exportAll(t testing.TB, o checker.SourceOptions) (string, *exporter.Summary, []exporter.Fault) {
	t.Helper()
	var b strings.Builder
	s, err := exporter.Run(t.Context(), exporter.Options{
		Catalog: o.Catalog, Selection: o.Selection, Output: exporter.Output{Stream: &b},
		Salvage: o.Salvage, Memory: o.Memory, Workers: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	var own, refused []exporter.Fault
	for _, f := range s.Faults {
		if f.Part == "key" || f.Part == "value" {
			refused = append(refused, f)
		} else {
			own = append(own, f)
		}
	}
	s.Faults = own
	return b.String(), s, refused
}

// place is where a fault is, whatever is said about it.
func place(f *exporter.Fault) string {
	return fmt.Sprintf("%s.%s %d %s %s %d %q", f.Database, f.Policy, f.Shard, f.File, f.Part, f.Offset, f.Key)
}

func list(faults []exporter.Fault) string {
	var b strings.Builder
	for i := range faults {
		fmt.Fprintf(&b, "%s (lost %v)\n", faults[i].String(), faults[i].Lost)
	}
	return b.String()
}

// atLeast fails the test unless all faults of an export were found, at their places, and
// lost what was lost.
func atLeast(t testing.TB, got *checker.SourceReport, want []exporter.Fault) {
	t.Helper()
	lost := map[string]bool{}
	for i := range got.Faults {
		p := place(&got.Faults[i])
		lost[p] = lost[p] || got.Faults[i].Lost
	}
	for i := range want {
		if l, ok := lost[place(&want[i])]; !ok || want[i].Lost && !l {
			t.Errorf("an export reports %s\nand the check reports\n%s", want[i].String(), list(got.Faults))
		}
	}
}

// What real servers wrote is sound, whichever way it is looked at.
func TestSoundVolumes(t *testing.T) {
	for _, name := range testvolume.Names(t) {
		t.Run(name, func(t *testing.T) {
			v := testvolume.Open(t, name)
			o := options(t, v.Dir)
			_, sum := export(t, o)
			for _, checksums := range []bool{false, true} {
				o.Checksums = checksums
				got := check(t, o)
				if len(got.Faults) > 0 {
					t.Errorf("faults:\n%s", list(got.Faults))
				}
				if got.Shards != int64(len(o.Catalog.Shards)) || got.Copies != got.Shards || got.Files == 0 {
					t.Errorf("%+v", got.SourceCounts)
				}
				if read := got.Values + got.WALValues; !checksums && read < sum.Values {
					t.Errorf("%d values in blocks and WAL; an export has %d", read, sum.Values)
				}
			}
		})
	}
}

// The same of one that was written just now, with everything that a server does to it.
func TestFreshVolume(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "db" WITH DURATION INF SHARD DURATION 1d NAME "rp"`)
	write := func(from, n int) {
		var b strings.Builder
		for i := from; i < from+n; i++ {
			at := 1600000000 + int64(i)*60
			fmt.Fprintf(&b, "cpu,host=a%d usage=%g,n=%di,up=%t,s=\"%d and more\" %d\n", i%7, float64(i)*1.1, i, i%3 == 0, i, at*1e9)
		}
		s.Write("db", "rp", b.String())
	}
	write(0, 5000)
	s.Flush("db")
	write(3000, 5000)
	s.Flush("db")
	s.Query("db", `DELETE FROM "cpu" WHERE "host" = 'a3' AND time < 1600100000000000000`)
	write(9000, 100)
	dir := filepath.Join(t.TempDir(), "volume")
	s.Copy(dir)
	got := check(t, options(t, dir))
	if len(got.Faults) > 0 {
		t.Errorf("faults:\n%s", list(got.Faults))
	}
	if got.Shards < 2 || got.Values < 30_000 || got.WALValues != 400 || got.Tombstones == 0 {
		t.Errorf("%+v", got.SourceCounts)
	}
}

// Whatever a server did to a shard, and whatever befell its files: a check finds all that
// an export finds, for any number of workers, and whole volumes are sound.
func TestFindsWhatAnExportFinds(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			dir := t.TempDir()
			v := shardtest.NewVolume(t, dir)
			for id := range uint64(2) {
				h := shardtest.RandomHistory(shardtest.Seeded(seed*2+id), 30, shardtest.AllKinks)
				h.Save(v.Shard("db", "rp", id+1))
			}
			v.WriteMeta(v.Meta())
			random := rand.New(rand.NewPCG(seed, 1))
			for range seed % 4 {
				scratch(t, dir, random)
			}
			o := options(t, dir)
			o.Salvage = seed%2 == 0
			if seed%3 == 0 {
				o.Memory = 2 << 10 // several sections
			}
			_, sum := export(t, o)
			first := check(t, o)
			atLeast(t, first, sum.Faults)
			o.Workers = 5
			again := check(t, o)
			if list(first.Faults) != list(again.Faults) || first.SourceCounts != again.SourceCounts {
				t.Errorf("with more workers:\n%s%+v\nbefore:\n%s%+v", list(again.Faults), again.SourceCounts, list(first.Faults), first.SourceCounts)
			}
			o.Checksums = true
			for _, f := range check(t, o).Faults {
				if !strings.Contains(list(first.Faults), f.String()) {
					t.Errorf("found by checksums alone: %s", f.String())
				}
			}
		})
	}
}

// scratch flips a bit in every file.
func scratch(t *testing.T, dir string, random *rand.Rand) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) < 8 || filepath.Ext(path) == ".db" && random.IntN(3) > 0 {
			return err
		}
		return os.WriteFile(path, shardtest.Flip(b, random.Int64N(8*int64(len(b)))), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Each copy of a shard is checked by itself: a sound one does not make up for another.
func TestCopiesAreCheckedOneByOne(t *testing.T) {
	var dirs []string
	for i := range 2 {
		dir := t.TempDir()
		var f shardtest.TSM
		f.Add("m#!~#f", shardtest.Floats([]int64{1, 2, 3}, 1, 2, 3))
		file := f.Bytes()
		if i == 0 {
			file = shardtest.Flip(file, 8*9)
		}
		shardtest.NewVolume(t, dir).Shard("db", "rp", 1).DataFile("000000001-000000001.tsm", file)
		dirs = append(dirs, dir)
	}
	got := check(t, options(t, dirs...))
	if got.Shards != 1 || got.Copies != 2 || got.Blocks != 2 || len(got.Faults) != 1 || !strings.HasPrefix(got.Faults[0].File, dirs[0]) {
		t.Errorf("%+v\n%s", got.SourceCounts, list(got.Faults))
	}
}

// A selection takes shards, series and fields, and blocks by their times.
func TestSelection(t *testing.T) {
	dir := t.TempDir()
	v := shardtest.NewVolume(t, dir)
	for i, db := range []string{"a", "b"} {
		f := shardtest.TSM{PerBlock: 10}
		for _, key := range []string{"cpu,host=x#!~#f", "cpu,host=x#!~#g", "mem,host=x#!~#f", "mem,host=y#!~#f"} {
			f.Add(key, shardtest.Ints(shardtest.Every(0, 10, 100), make([]int64, 100)...))
		}
		v.Shard(db, "rp", uint64(i+1)).TSM(1, 1, &f)
	}
	for name, c := range map[string]struct {
		spec           filter.Spec
		blocks, values int64
	}{
		"all":          {filter.Spec{}, 80, 800},
		"database":     {filter.Spec{Databases: []string{"a"}}, 40, 400},
		"shard":        {filter.Spec{Shards: []string{"2"}}, 40, 400},
		"none":         {filter.Spec{Databases: []string{"c"}}, 0, 0},
		"measurement":  {filter.Spec{Measurements: []string{"cpu"}}, 40, 400},
		"tag":          {filter.Spec{Tags: []string{"host=y"}}, 20, 200},
		"field":        {filter.Spec{Fields: []string{"g"}}, 20, 200},
		"early window": {filter.Spec{Start: "0", End: "95", Databases: []string{"a"}, Fields: []string{"g"}}, 2, 20}, // the block behind it is looked at, too
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, dir)
			sel, err := filter.New(c.spec, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			o.Selection = sel
			got := check(t, o)
			if got.Blocks != c.blocks || got.Values != c.values || len(got.Faults) > 0 {
				t.Errorf("%+v\n%s", got.SourceCounts, list(got.Faults))
			}
		})
	}
}

// A share is about as large as asked for, also of many small files, and never none at all.
func TestSharesOfSmallFiles(t *testing.T) {
	v := shardtest.NewVolume(t, t.TempDir())
	for i := range 400 {
		var f shardtest.TSM
		f.Add("m#!~#f", shardtest.Sample(point.Integer, begin, 3))
		v.Shard("db", "rp", uint64(i+1)).TSM(1, 1, &f)
	}
	one := shardtest.NewVolume(t, t.TempDir())
	var f shardtest.TSM
	f.Add("m#!~#f", shardtest.Sample(point.Integer, begin, 3))
	one.Shard("db", "rp", 1).TSM(1, 1, &f)
	for seed := range uint64(20) {
		o := options(t, v.Dir)
		o.Subset = tsmreader.Subset{Share: 0.05, Seed: seed}
		if got := check(t, o); got.Blocks < 19 || got.Blocks > 21 || got.Blocks+got.BlocksSkipped != 400 {
			t.Errorf("seed %d: %+v", seed, got.SourceCounts)
		}
		o = options(t, one.Dir)
		o.Subset = tsmreader.Subset{Share: 0.01, Seed: seed}
		if got := check(t, o); got.Blocks != 1 || got.BlocksSkipped != 0 || got.Values != 3 || got.Columns != 1 || got.Copies != 1 {
			t.Errorf("seed %d, one block: %+v", seed, got.SourceCounts)
		}
	}
	// Damage is found in the one block that is read, and what is known already is told once.
	path := one.Shard("db", "rp", 1).DataFile(tsmName, shardtest.Flip(f.Bytes(), 8*10))
	one.Shard("db", "rp", 1).DataFile("fields.idx", nil)
	o := options(t, one.Dir)
	o.Subset = tsmreader.Subset{Share: 1e-9, Seed: 1}
	if got := check(t, o); len(got.Faults) != 2 || got.Lost != 1 || got.Faults[0].File != path || got.More != 0 {
		t.Errorf("%s", list(got.Faults))
	}
}

// The progress ends at all bytes, whatever is read of them.
func TestSourceProgress(t *testing.T) {
	for name, set := range map[string]func(o *checker.SourceOptions){
		"all": func(*checker.SourceOptions) {}, "a part": func(o *checker.SourceOptions) { o.Subset = tsmreader.Subset{Part: 1, Parts: 3} },
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, testvolume.Open(t, "generations").Dir)
			o.Progress = &checker.Progress{}
			set(&o)
			got := check(t, o)
			p := o.Progress
			if p.DoneBytes.Load() != got.Bytes || p.TotalBytes.Load() != got.Bytes || p.ShardsDone.Load() != got.Copies ||
				p.Shards.Load() != got.Copies || p.Blocks.Load() != got.Blocks || p.Values.Load() != got.Values {
				t.Errorf("%d of %d bytes, %d shards, %d blocks, %d values; %+v",
					p.DoneBytes.Load(), p.TotalBytes.Load(), p.ShardsDone.Load(), p.Blocks.Load(), p.Values.Load(), got.SourceCounts)
			}
		})
	}
}

func BenchmarkSources(b *testing.B) {
	dir := b.TempDir()
	if _, err := (shardtest.Devops{Hosts: 20, Duration: time.Hour, Step: 10 * time.Second, Shards: 2, Seed: 1}).Write(dir); err != nil {
		b.Fatal(err)
	}
	for name, checksums := range map[string]bool{"decoded": false, "checksums": true} {
		b.Run(name, func(b *testing.B) {
			o := options(b, dir)
			o.Checksums = checksums
			var got *checker.SourceReport
			for b.Loop() {
				got = check(b, o)
			}
			b.SetBytes(got.Bytes)
		})
	}
	b.Run("export", func(b *testing.B) { // what a check is compared with
		o := options(b, dir)
		got := check(b, o)
		b.SetBytes(got.Bytes)
		for b.Loop() {
			if _, err := exporter.Run(b.Context(), exporter.Options{
				Catalog: o.Catalog, Selection: o.Selection, Output: exporter.Output{Stream: io.Discard}, Workers: 2,
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
