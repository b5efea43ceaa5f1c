// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/point"
)

// layouts reads all TSM files below a directory, in path order.
func layouts(t *testing.T, dir string) (names []string, all []*Layout) {
	t.Helper()
	for _, name := range filesBelow(t, dir) {
		if filepath.Ext(name) != ".tsm" {
			continue
		}
		file, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		l, err := LayoutOf(file)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		names, all = append(names, name), append(all, l)
	}
	return names, all
}

func countValues(l *Layout) (values int64, times point.TimeRange) {
	times = point.NoTime
	for _, k := range l.Keys {
		for _, b := range k.Blocks {
			values += int64(b.Points)
			times = times.Union(point.TimeRange{Min: b.Min, Max: b.Max})
		}
	}
	return values, times
}

func TestDevops(t *testing.T) {
	dir := t.TempDir()
	d := Devops{Hosts: 3, Duration: time.Hour, Step: 10 * time.Second, Shards: 2, Seed: 1}
	got, err := d.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	names, files := layouts(t, dir)
	if len(names) != 10 || names[0] != "data/telegraf/autogen/1/000000008-000000002.tsm" || names[9] != "data/telegraf/autogen/2/000000012-000000001.tsm" {
		t.Fatalf("files: %q", names)
	}
	want := Totals{Shards: 2, Series: 2 * 27, Columns: 2 * 303, Points: 2 * 27 * 360, Values: 2 * 303 * 360}
	var values int64
	ends := []int64{math.MinInt64, math.MinInt64}
	for i, l := range files {
		n, times := countValues(l)
		values += n
		want.Bytes += l.Footer.End()
		if len(l.Keys) != 303 {
			t.Errorf("%s: %d keys", names[i], len(l.Keys))
		}
		// Two hosts may be at odds by one point.
		start := devopsStart + int64(i/5)*dayNano
		if times.Min < ends[i/5] || times.Min < start || times.Max >= start+int64(time.Hour) {
			t.Errorf("%s: from %d to %d, the one before to %d", names[i], times.Min, times.Max, ends[i/5])
		}
		ends[i/5] = times.Max
	}
	if diff := cmp.Diff(want, got); diff != "" || values != want.Values {
		t.Errorf("%d values, totals (-want +got):\n%s", values, diff)
	}
	kinds := map[point.Kind]int{}
	for _, k := range files[0].Keys {
		kinds[k.Kind]++
	}
	if diff := cmp.Diff(map[point.Kind]int{point.Integer: 3 * 98, point.Float: 3 * 3}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

func TestManyColumns(t *testing.T) {
	dir := t.TempDir()
	got, err := ManyColumns{Series: 50, Seed: 1}.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	names, files := layouts(t, dir)
	if len(names) != 7 {
		t.Fatalf("files: %q", names)
	}
	want := Totals{Shards: 1, Series: 50, Columns: 100, Points: 500, Values: 1000}
	var values int64
	var ranges []point.TimeRange
	for _, l := range files {
		n, times := countValues(l)
		values += n
		want.Bytes += l.Footer.End()
		ranges = append(ranges, times)
	}
	if diff := cmp.Diff(want, got); diff != "" || values != want.Values {
		t.Errorf("%d values, totals (-want +got):\n%s", values, diff)
	}
	if !ranges[0].Overlaps(ranges[1]) || !ranges[0].Overlaps(ranges[6]) {
		t.Errorf("files do not overlap: %v", ranges)
	}
}

func TestDailyShards(t *testing.T) {
	for _, distinct := range []bool{false, true} {
		dir := t.TempDir()
		d := DailyShards{Shards: 5, Series: 7, Fields: 3, Points: 4, Measurements: 2, Holes: 2, Distinct: distinct, Seed: 1}
		got, err := d.Write(dir)
		if err != nil {
			t.Fatal(err)
		}
		names, files := layouts(t, dir)
		if len(names) != 5 {
			t.Fatalf("files: %q", names)
		}
		want := Totals{Shards: 5, Series: 35, Columns: 105, Points: 140, Values: 420}
		var values int64
		keys := map[string]bool{}
		days := map[int64]bool{}
		for _, l := range files {
			n, times := countValues(l)
			values += n
			want.Bytes += l.Footer.End()
			days[(times.Min-devopsStart)/dayNano] = true
			if (times.Min-devopsStart)/dayNano != (times.Max-devopsStart)/dayNano {
				t.Errorf("a shard from %d to %d", times.Min, times.Max)
			}
			for _, k := range l.Keys {
				keys[k.Key] = true
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || values != want.Values {
			t.Errorf("%d values, totals (-want +got):\n%s", values, diff)
		}
		columns := 21
		if distinct {
			columns = 105
		}
		if len(keys) != columns || len(days) != 5 || !days[0] || days[2] || days[5] {
			t.Errorf("distinct %v: %d columns in all, days %v", distinct, len(keys), days)
		}
	}
}

// There are as many holes as were asked for, each of one day: none is before the first shard,
// behind the last, or beside another.
func TestDailyHoles(t *testing.T) {
	for shards := 1; shards < 60; shards++ {
		for holes := range shards {
			d := DailyShards{Shards: shards, Holes: holes}
			found := 0
			for i := 1; i < shards; i++ {
				n := d.holesBefore(i) - d.holesBefore(i-1)
				if n < 0 || n > 1 {
					t.Fatalf("%d shards, %d holes: %d days before shard %d", shards, holes, n, i)
				}
				found += int(n)
			}
			if found != holes || d.holesBefore(0) != 0 {
				t.Fatalf("%d shards, %d holes: found %d", shards, holes, found)
			}
		}
	}
}

func TestGeneratorsAreDeterministic(t *testing.T) {
	generators := map[string]func(dir string, seed uint64) (Totals, error){
		"devops": func(dir string, seed uint64) (Totals, error) {
			return Devops{Hosts: 2, Duration: 10 * time.Minute, Step: 10 * time.Second, Seed: seed}.Write(dir)
		},
		"many": func(dir string, seed uint64) (Totals, error) { return ManyColumns{Series: 20, Seed: seed}.Write(dir) },
		"daily": func(dir string, seed uint64) (Totals, error) {
			return DailyShards{Shards: 3, Series: 5, Seed: seed}.Write(dir)
		},
	}
	for name, write := range generators {
		var volumes []map[string]string
		for _, seed := range []uint64{1, 1, 2} {
			dir := t.TempDir()
			if _, err := write(dir, seed); err != nil {
				t.Fatal(err)
			}
			volumes = append(volumes, contentsBelow(t, dir))
		}
		if diff := cmp.Diff(volumes[0], volumes[1]); diff != "" {
			t.Errorf("%s: one seed gave two volumes", name)
		}
		if cmp.Equal(volumes[0], volumes[2]) {
			t.Errorf("%s: two seeds gave one volume", name)
		}
	}
}

func TestGeneratorErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cases := map[string]func() (Totals, error){
		"no hosts":         func() (Totals, error) { return Devops{Duration: time.Hour, Step: time.Second}.Write(t.TempDir()) },
		"no time":          func() (Totals, error) { return Devops{Hosts: 1, Step: time.Second}.Write(t.TempDir()) },
		"no series":        func() (Totals, error) { return ManyColumns{}.Write(t.TempDir()) },
		"devops on a file": func() (Totals, error) { return Devops{Hosts: 1, Duration: time.Hour, Step: time.Minute}.Write(file) },
		"no daily series":  func() (Totals, error) { return DailyShards{Shards: 1}.Write(t.TempDir()) },
		"too many holes":   func() (Totals, error) { return DailyShards{Shards: 9, Series: 1, Holes: 9}.Write(t.TempDir()) },
		"daily on a file":  func() (Totals, error) { return DailyShards{Shards: 1, Series: 1}.Write(file) },
		"many on a file":   func() (Totals, error) { return ManyColumns{Series: 1}.Write(file) },
	}
	for name, write := range cases {
		if _, err := write(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLitter(t *testing.T) {
	s := NewVolume(t, t.TempDir()).Shard("db", "autogen", 1)
	var f TSM
	f.Add("m#!~#f", Floats([]int64{1}, 2))
	s.TSM(1, 1, &f)
	s.Litter()
	var live []string
	for _, name := range filesBelow(t, s.DataDir()) {
		if filepath.Ext(name) == ".tsm" && filepath.Dir(name) == "." {
			live = append(live, name)
		}
	}
	if !slices.Equal(live, []string{TSMName(1, 1)}) {
		t.Errorf("TSM files of the shard: %q", live)
	}
	if n := len(filesBelow(t, s.DataDir())); n < 12 {
		t.Errorf("%d files", n)
	}
}
