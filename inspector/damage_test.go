// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// Damage is told, with the shard that it is in, and the others are counted as ever.
func TestDamage(t *testing.T) {
	var f shardtest.TSM
	for i := range 30 {
		f.Add(fmt.Sprintf("m,t=%02d#!~#f", i), floats(at(1, i), at(1, i+1), at(1, i+2)))
	}
	whole := f.Bytes()
	layout, err := shardtest.LayoutOf(whole)
	if err != nil {
		t.Fatal(err)
	}
	block := layout.Keys[7].Blocks[0]
	var wal shardtest.WAL
	wal.Write(shardtest.Column{Key: "m,t=00#!~#f", Run: floats(at(1, 40))})
	wal.Tail([]byte{1, 0, 0, 9, 9, 9})
	cases := map[string]struct {
		data    []byte
		wal     []byte
		shallow string // the part that is named without reading blocks
		deep    string
		columns int64 // of the damaged shard
		points  int64 // of it, when all is read
	}{
		"sound":             {whole, nil, "", "", 30, 90},
		"empty file":        {nil, nil, "footer", "footer", 0, 0},
		"header":            {shardtest.Flip(whole, 3), nil, "header", "header", 30, 90},
		"block":             {shardtest.Flip(whole, block.Values.Offset*8+3), nil, "", "block", 30, 87},
		"length of a key":   {shardtest.Flip(whole, layout.Keys[9].KeyLength.Offset*8+15), nil, "index", "index", 30, 90},
		"last of the index": {shardtest.Chop(whole, layout.Keys[29].Offset), nil, "footer", "footer", 29, 87},
		"torn WAL":          {whole, wal.Bytes(), "wal", "wal", 30, 91},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			v := shardtest.NewVolume(t, dir)
			for id := range uint64(3) {
				v.Shard("db", "rp", id+1).DataFile(shardtest.TSMName(1, 1), whole)
			}
			bad := v.Shard("db", "rp", 2)
			bad.DataFile(shardtest.TSMName(1, 1), c.data)
			if c.wal != nil {
				bad.WALFile(shardtest.SegmentName(1), c.wal)
			}
			for _, deep := range []bool{false, true} {
				// The volume is small, and so read altogether anyway: not so here.
				o := options(t, filter.Spec{}, dir)
				o.Deep = deep
				want := c.deep
				var r *Report
				if deep {
					r = inspect(t, o)
				} else {
					want = c.shallow
					r = walked(t, o)
				}
				var s Stats
				for _, sh := range r.Databases[0].Policies[0].Shards {
					if sh.ID == 2 {
						s = sh.Stats
					} else if sh.Stats.Columns != 30 || sh.Stats.Faults != 0 {
						t.Errorf("shard %d: %+v", sh.ID, sh.Stats)
					}
				}
				if s.Columns != c.columns || deep && s.Points != (Amount{c.points, true}) {
					t.Errorf("deep %v: %+v", deep, s)
				}
				lost := 0
				for _, f := range r.Faults {
					if f.Shard != 2 || f.Database != "db" || f.Policy != "rp" {
						t.Errorf("fault of another shard: %v", f)
					}
					if f.Lost {
						lost++
					}
				}
				if s.Faults != len(r.Faults) || s.Lost != lost || r.Totals.Faults != len(r.Faults) {
					t.Errorf("%d faults, %d lost, are counted as %d and %d", len(r.Faults), lost, s.Faults, s.Lost)
				}
				if found := slices.ContainsFunc(r.Faults, func(f exporter.Fault) bool { return f.Part == want }); found != (want != "") {
					t.Errorf("deep %v: no fault of part %q in %v", deep, want, r.Faults)
				}
			}
		})
	}
}

// walked gives a report of what the walk alone finds.
func walked(t *testing.T, o Options) *Report {
	t.Helper()
	n := newInspection(o)
	if err := n.walkAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n.report()
}

// A shard that cannot be opened is a fault like any other.
func TestUnopenedShard(t *testing.T) {
	dir := t.TempDir()
	daily(t, dir, []int{1, 2, 3}, []int{1, 2, 3})
	o := options(t, filter.Spec{}, dir)
	path := filepath.Join(dir, "data", "db", "rp", "2")
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil { // after the catalog was made
		t.Fatal(err)
	}
	r := inspect(t, o)
	s := r.Databases[0].Policies[1].Shards[1]
	if len(r.Faults) != 1 || !r.Faults[0].Lost || r.Faults[0].Part != "shard" || r.Faults[0].Shard != 2 || s.Stats.Faults != 1 || s.Stats.Lost != 1 {
		t.Errorf("faults %v, shard %+v", r.Faults, s)
	}
	if r.Totals.Points != (Amount{2, true}) {
		t.Errorf("totals %+v", r.Totals)
	}
	for _, p := range []string{path, filepath.Join(dir, "wal", "db", "rp", "2")} {
		if err := os.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
	}
	if r = inspect(t, o); len(r.Faults) != 0 || !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, "dropped") }) {
		t.Errorf("faults %v, notes %q", r.Faults, r.Notes)
	}
}

// A shard of which one half is gone is no fault, for nothing tells what was in it, and a note.
func TestHalfAShard(t *testing.T) {
	dir := t.TempDir()
	daily(t, dir, []int{1, 2, 3}, []int{1, 2, 3})
	if err := os.RemoveAll(filepath.Join(dir, "wal", "db", "rp", "2")); err != nil {
		t.Fatal(err)
	}
	r := inspect(t, options(t, filter.Spec{}, dir))
	if len(r.Faults) != 0 || !slices.ContainsFunc(r.Notes, func(n string) bool {
		return strings.HasPrefix(n, "shard 2 of db.rp: there is a data directory and none of a WAL")
	}) {
		t.Errorf("faults %v, notes %q", r.Faults, r.Notes)
	}
}

// Faults that do not fit a report are counted.
func TestManyFaults(t *testing.T) {
	n := &inspection{shards: make([]*shardFacts, 500)}
	var s shardFacts
	var all []exporter.Fault
	for i := range 100 {
		all = append(all, exporter.Fault{Offset: int64(i), Lost: i%2 == 0})
	}
	n.addFaults(&s, all)
	n.addFaults(&s, all[:10])
	if len(s.faults) != 40 || s.more != 60 || exporter.CountLost(s.faults)+s.moreLost != 50 {
		t.Errorf("%d faults and %d more, %d lost", len(s.faults), s.more, exporter.CountLost(s.faults)+s.moreLost)
	}
}

// Faults are counted once, however many there are and however often their blocks are read.
func TestFaultsAreCountedOnce(t *testing.T) {
	const columns = mostFaults + smallBlocks
	var f shardtest.TSM
	for i := range columns {
		f.Add(fmt.Sprintf("m,t=%06d#!~#f", i), floats(at(1, 0)))
	}
	file := f.Bytes()
	layout, err := shardtest.LayoutOf(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range layout.Keys {
		file[k.Blocks[0].Checksum.Offset] ^= 1
	}
	dir := t.TempDir()
	shardtest.NewVolume(t, dir).Shard("db", "rp", 1).DataFile(shardtest.TSMName(1, 1), file)
	o := options(t, filter.Spec{}, dir)
	o.Deep = true
	r := inspect(t, o)
	if s := r.Totals; s.Faults != columns || s.Lost != columns || len(r.Faults) != mostFaults {
		t.Errorf("%d blocks are damaged; %d faults, %d lost, %d listed", columns, s.Faults, s.Lost, len(r.Faults))
	}
	// fields.idx is in doubt: the walk tells of each column, and so does a sample of the blocks.
	f = shardtest.TSM{}
	for i := range columns {
		f.Add(fmt.Sprintf("m,t=%06d#!~#f", i), floats(at(1, 0)))
	}
	sh := shardtest.NewVolume(t, t.TempDir()).Shard("db", "rp", 1)
	sh.TSM(1, 1, &f)
	sh.Fields(shardtest.MeasurementFields{Name: "n", Fields: []shardtest.Field{{Name: "f", Kind: point.Float}}})
	if r = inspect(t, options(t, filter.Spec{}, sh.DataDir())); r.Totals.Faults != columns || r.Totals.Lost != 0 {
		t.Errorf("%d columns are in doubt; %d faults, %d lost", columns, r.Totals.Faults, r.Totals.Lost)
	}
}

// A selection takes what an export with it takes.
func TestSelection(t *testing.T) {
	dir := t.TempDir()
	d := shardtest.Devops{Hosts: 4, Duration: 1800e9, Step: 60e9, Shards: 3, Seed: 1}
	if _, err := d.Write(dir); err != nil {
		t.Fatal(err)
	}
	for name, spec := range map[string]filter.Spec{
		"all":         {},
		"shards":      {Shards: []string{"1", "3"}},
		"measurement": {Measurements: []string{"mem", "d*"}},
		"tag":         {Tags: []string{"hostname=host_1"}},
		"field":       {Measurements: []string{"cpu"}, Fields: []string{"usage_user", "usage_idle"}},
		"window":      {Start: "2019-05-01T00:10:00Z", End: "2019-05-02T00:04:30Z"},
		"one time":    {Start: "2019-05-01T00:10:00Z", End: "2019-05-01T00:10:00Z"},
		"no policy":   {Policies: []string{"none"}},
		"nothing":     {Measurements: []string{"none"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, spec, dir)
			o.Deep = true
			r := inspect(t, o)
			want := exported(t, o, exporter.None)
			got := []int64{r.Totals.Points.N, r.Totals.Values.N}
			if diff := cmp.Diff([]int64{want.Points, want.Values}, got); diff != "" {
				t.Errorf("points, values (-want +got):\n%s", diff)
			}
			series := int64(0)
			for _, db := range r.Databases {
				for _, p := range db.Policies {
					for _, sh := range p.Shards {
						series += sh.Stats.Series.N
					}
				}
			}
			if series != want.Series || r.Totals.Start != want.Start || r.Totals.End != want.End {
				t.Errorf("%d series of shards from %s to %s, want %d from %s to %s", series, r.Totals.Start, r.Totals.End, want.Series, want.Start, want.End)
			}
			if r.Selected == (name == "all") || (r.Estimate == nil) != (want.Points == 0) {
				t.Errorf("selected %v, estimate %+v", r.Selected, r.Estimate)
			}
		})
	}
}

// Whatever happened to shards, what is counted is what a query would show.
func TestHistories(t *testing.T) {
	for seed := uint64(1); seed <= 40; seed++ {
		choose := shardtest.Seeded(seed)
		dir := t.TempDir()
		v := shardtest.NewVolume(t, dir)
		columns, points, values := 0, map[string]bool{}, 0
		series := map[string]bool{}
		for id := range uint64(2) {
			h := shardtest.RandomHistory(choose, 5+choose(40), shardtest.Kinks{OldTombstones: true})
			h.Save(v.Shard("db", "rp", id+1))
			split := map[string]string{}
			for _, op := range h.Ops {
				for _, w := range op.Writes {
					split[shardtest.Key(w.Series, w.Field)] = w.Series
				}
			}
			for key, column := range h.Seen {
				columns++
				values += len(column)
				series[split[key]] = true
				for at := range column {
					points[fmt.Sprint(id, split[key], at)] = true
				}
			}
		}
		o := options(t, filter.Spec{}, dir)
		o.Deep, o.Workers, o.Memory = true, 1+choose(3), int64(choose(2)) // a byte makes many sections
		r := inspect(t, o)
		got := []int64{r.Totals.Points.N, r.Totals.Values.N, r.Totals.Columns, r.Totals.Series.N}
		want := []int64{int64(len(points)), int64(values), int64(columns), int64(len(series))}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: points, values, columns, series (-want +got):\n%s\nfaults %v", seed, diff, r.Faults)
		}
	}
}

// What there is no room to name is counted, and said.
func TestManyNames(t *testing.T) {
	dir := t.TempDir()
	d := shardtest.DailyShards{Shards: 4, Series: 300, Fields: 3, Measurements: 30, Distinct: true}
	total, err := d.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		names int64
		notes int
		all   bool
	}{{1 << 20, 0, true}, {12_000, 2, false}, {0, 1, false}} {
		n := newInspection(options(t, filter.Spec{}, dir))
		n.tally.names = c.names
		if err := n.walkAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := n.report()
		p := r.Databases[0].Policies[0]
		if p.Stats.Series != (Amount{int64(total.Series), true}) || p.Stats.Columns != int64(total.Columns) {
			t.Errorf("%d bytes for names: %+v", c.names, p.Stats)
		}
		if (len(p.Measurements) == 30) != c.all || len(r.Notes) != c.notes {
			t.Errorf("%d bytes for names: %d measurements, notes %q", c.names, len(p.Measurements), r.Notes)
		}
		if n.tally.names < 0 || len(n.strata()) == 0 {
			t.Errorf("%d bytes left, %d strata", n.tally.names, len(n.strata()))
		}
		weight := int64(0)
		for _, s := range n.strata() {
			weight += s.weight
		}
		all := int64(0)
		for _, s := range n.shards {
			all += s.weight
		}
		if weight != all || all == 0 {
			t.Errorf("strata weigh %d of %d", weight, all)
		}
	}
}

// A walker keeps little of a measurement whose series all have fields and tags of their own.
func TestManyFields(t *testing.T) {
	tally := newTally(1, 1)
	var r measurementRun
	r.begin([]byte("m"))
	series := 0
	for range 20_000 {
		series++
		key := fmt.Appendf(nil, "m,k%d=v", series)
		_, tags := point.SplitSeries(key)
		columns := []tsmreader.ColumnInfo{{Field: fmt.Appendf(nil, "f%d", series), Range: point.TimeRange{Min: 1, Max: 2}, Blocks: 1, Bytes: 10}}
		r.add(key, tags, columns)
		if r.held >= mostHeld {
			tally.add(&r)
			r.clear()
		}
		if len(r.fields)+len(r.tags) > 6*mostHeld {
			t.Fatalf("%d fields, %d tags", len(r.fields), len(r.tags))
		}
	}
	tally.add(&r)
	m := tally.policies[0].measurements["m"]
	if m.columns != 20_000 || len(m.fields) != 20_000 || len(m.tags) != 20_000 || m.series.amount() != (Amount{20_000, true}) {
		t.Errorf("%d columns, %d fields, %d tags, %v series", m.columns, len(m.fields), len(m.tags), m.series.amount())
	}
}

// No bit that is wrong changes what is counted without a word.
func TestNothingSilent(t *testing.T) {
	var f shardtest.TSM
	f.PerBlock = 2
	for i := range 12 {
		f.Add(fmt.Sprintf("m%d,t=%02d#!~#f", i%3, i), floats(at(1, i), at(1, i+1), at(1, i+2)))
	}
	whole := f.Bytes()
	dir := t.TempDir()
	v := shardtest.NewVolume(t, dir)
	sh := v.Shard("db", "rp", 1)
	sh.DataFile(shardtest.TSMName(1, 1), whole)
	o := options(t, filter.Spec{}, dir)
	o.Deep = true
	sound := inspect(t, o).Totals
	step := int64(13)
	if testing.Short() {
		step = 101
	}
	for bit := int64(0); bit < int64(len(whole))*8; bit += step {
		sh.DataFile(shardtest.TSMName(1, 1), shardtest.Flip(whole, bit))
		o := options(t, filter.Spec{}, dir)
		o.Deep = true
		r := inspect(t, o)
		same := r.Totals.Points == sound.Points && r.Totals.Values == sound.Values && r.Totals.Columns == sound.Columns &&
			r.Totals.Series == sound.Series && r.Totals.Start == sound.Start && r.Totals.End == sound.End
		if !same && len(r.Faults) == 0 {
			t.Errorf("bit %d: nothing is said of %+v", bit, r.Totals)
		}
	}
}
