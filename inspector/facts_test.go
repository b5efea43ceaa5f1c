// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/volume"
)

// at gives the Unix nanoseconds of an hour of a day of January 2024.
func at(days, hours int) int64 {
	return nano("2024-01-01T00:00:00Z") + int64(days-1)*int64(day) + int64(hours)*int64(time.Hour)
}

// file is a TSM file of some columns with points at the times given.
func file(columns map[string]shardtest.Run) *shardtest.TSM {
	var f shardtest.TSM
	for key, run := range columns {
		f.Add(key, run)
	}
	return &f
}

func floats(times ...int64) shardtest.Run {
	r := shardtest.Run{Times: times, Kind: point.Float}
	for i := range times {
		r.Floats = append(r.Floats, float64(i)+.5)
	}
	return r
}

func ints(times ...int64) shardtest.Run {
	r := shardtest.Run{Times: times, Kind: point.Integer}
	for i := range times {
		r.Ints = append(r.Ints, int64(i))
	}
	return r
}

// daily writes shards of a day each, with one point, and lists them and others.
func daily(t *testing.T, dir string, here, listed []int) *shardtest.Volume {
	t.Helper()
	v := shardtest.NewVolume(t, dir)
	policy := shardtest.MetaPolicy{Name: "rp", Duration: int64(10 * day), GroupDuration: int64(day), Replicas: 2}
	for _, d := range here {
		v.Shard("db", "rp", uint64(d)).TSM(1, 1, file(map[string]shardtest.Run{"m,t=a#!~#f": floats(at(d, 1))}))
	}
	for _, d := range listed {
		policy.Groups = append(policy.Groups, shardtest.MetaGroup{
			ID: uint64(d), Start: at(d, 0), End: at(d+1, 0), Shards: []shardtest.MetaShard{{ID: uint64(d), Owners: []uint64{1, 4}}},
		})
	}
	v.WriteMeta(shardtest.Meta{Databases: []shardtest.MetaDatabase{
		{Name: "db", DefaultPolicy: "rp", Policies: []shardtest.MetaPolicy{policy, {Name: "idle", GroupDuration: int64(7 * day), Replicas: 1}}},
		{Name: "empty", DefaultPolicy: "autogen"},
	}})
	return v
}

// What the metastore says of policies, groups, missing shards, and what is over.
func TestMetastoreFacts(t *testing.T) {
	dir := t.TempDir()
	daily(t, dir, []int{1, 2, 5, 12, 20}, []int{1, 2, 4, 5, 12, 30})
	o := optionsFor(t, filter.Spec{}, volume.Request{Paths: []string{dir}, Orphans: true})
	o.Now = time.Unix(0, at(16, 1))
	r := inspect(t, o)
	if len(r.Databases) != 2 || r.Databases[1].Name != "empty" || r.Databases[1].DefaultPolicy != "autogen" {
		t.Fatalf("databases %+v", r.Databases)
	}
	db := r.Databases[0]
	if len(db.Policies) != 2 || db.Policies[0].Name != "idle" || db.Policies[0].Default || db.Policies[0].Duration != "INF" || db.Policies[0].ShardDuration != "7d" {
		t.Errorf("policies %+v", db.Policies)
	}
	p := db.Policies[1]
	if p.Name != "rp" || !p.Default || !p.Listed || p.Duration != "10d" || p.ShardDuration != "1d" || p.Guessed || p.Replication != 2 {
		t.Errorf("policy %+v", p)
	}
	var ids []uint64
	for _, s := range p.Shards {
		ids = append(ids, s.ID)
		if s.Unlisted != (s.ID == 20) || s.Expired != (s.ID <= 5) {
			t.Errorf("shard %d: unlisted %v, expired %v", s.ID, s.Unlisted, s.Expired)
		}
		if d := int(s.ID); s.GroupStart != point.FormatTime(at(d, 0)) || s.GroupEnd != point.FormatTime(at(d+1, 0)) || s.NoWAL {
			t.Errorf("shard %d: %+v", s.ID, s)
		}
	}
	if !slices.Equal(ids, []uint64{1, 2, 5, 12, 20}) {
		t.Errorf("shards %v", ids)
	}
	gap := func(from, to, groups, missing int) Gap {
		return Gap{Start: point.FormatTime(at(from, 0)), End: point.FormatTime(at(to, 0)), Groups: groups, Missing: missing}
	}
	if diff := cmp.Diff([]Gap{gap(3, 5, 2, 1), gap(6, 12, 6, 0), gap(13, 20, 7, 0)}, p.Gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	miss := func(d int) MissingShard {
		return MissingShard{Database: "db", Policy: "rp", ID: uint64(d), Start: point.FormatTime(at(d, 0)), End: point.FormatTime(at(d+1, 0)), Owners: []uint64{1, 4}}
	}
	if diff := cmp.Diff([]MissingShard{miss(4), miss(30)}, r.Missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Volume{{
		Source: dir, DataDir: filepath.Join(dir, "data"), WALDir: filepath.Join(dir, "wal"), Meta: filepath.Join(dir, "meta", "meta.db"), Sound: true,
	}}, r.Volumes); diff != "" {
		t.Errorf("volumes (-want +got):\n%s", diff)
	}
}

// Shards that a choice leaves out are no holes, and without them there is nothing to say
// of others.
func TestGapsOfSelection(t *testing.T) {
	dir := t.TempDir()
	daily(t, dir, []int{1, 2, 5, 12}, []int{1, 2, 4, 5, 12})
	for name, c := range map[string]struct {
		spec filter.Spec
		gaps int
		miss int
	}{
		"all":     {filter.Spec{}, 2, 1},
		"shards":  {filter.Spec{Shards: []string{"1", "12"}}, 2, 0},
		"window":  {filter.Spec{Start: "2024-01-01", End: "2024-01-04T12:00:00Z"}, 1, 1},
		"no hole": {filter.Spec{Start: "2024-01-01", End: "2024-01-02T12:00:00Z"}, 0, 0},
		"nothing": {filter.Spec{Databases: []string{"other"}}, 0, 0},
		"field":   {filter.Spec{Fields: []string{"g"}}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := inspect(t, options(t, c.spec, dir))
			gaps := 0
			for _, db := range r.Databases {
				for _, p := range db.Policies {
					gaps += len(p.Gaps)
				}
			}
			if gaps != c.gaps || len(r.Missing) != c.miss || r.Selected != (name != "all") {
				t.Errorf("%d gaps, %d missing, selected %v; want %d, %d", gaps, len(r.Missing), r.Selected, c.gaps, c.miss)
			}
		})
	}
}

// Without a metastore the length of groups is guessed from what the shards hold, whatever
// is selected of it.
func TestWithoutMetastore(t *testing.T) {
	dir := t.TempDir()
	daily(t, dir, []int{1, 2, 5, 12}, nil)
	v := shardtest.NewVolume(t, dir)
	v.Shard("db", "rp", 40) // with nothing in it
	var wal shardtest.WAL
	wal.Write(shardtest.Column{Key: "m,t=a#!~#f", Run: floats(at(14, 2))})
	v.Shard("db", "rp", 14).WAL(1, &wal)
	for _, d := range []string{"meta", "wal/db/rp/1"} {
		if err := os.RemoveAll(filepath.Join(dir, d)); err != nil {
			t.Fatal(err)
		}
	}
	for _, spec := range []filter.Spec{{}, {Measurements: []string{"none"}}} {
		r := inspect(t, options(t, spec, dir))
		p := r.Databases[0].Policies[0]
		if p.Listed || p.Duration != "" || p.ShardDuration != "1d" || !p.Guessed || len(p.Gaps) != 3 || p.Gaps[2].Groups != 1 {
			t.Errorf("policy %+v", p)
		}
		first, last := p.Shards[0], p.Shards[len(p.Shards)-1]
		if first.GroupStart != point.FormatTime(at(1, 0)) || first.GroupEnd != point.FormatTime(at(2, 0)) || !first.NoWAL || first.Unlisted {
			t.Errorf("first shard %+v", first)
		}
		if last.ID != 40 || last.GroupStart != "" || last.Stats.Start != "" || last.Stats.Points != (Amount{0, true}) {
			t.Errorf("empty shard %+v", last)
		}
		if !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, "no metastore") }) {
			t.Errorf("notes %q", r.Notes)
		}
	}
	if r := inspect(t, options(t, filter.Spec{Shards: []string{"1", "12"}}, dir)); len(r.Databases[0].Policies[0].Gaps) != 0 {
		t.Errorf("gaps between shards that were chosen: %+v", r.Databases[0].Policies[0].Gaps)
	}
}

// A metastore that cannot be read is a fault and leaves nothing out; sources without a WAL
// or a metastore are told.
func TestOddVolumes(t *testing.T) {
	dir := t.TempDir()
	daily(t, dir, []int{1, 2}, []int{1})
	meta := filepath.Join(dir, "meta", "meta.db")
	if err := os.WriteFile(meta, []byte("nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := inspect(t, options(t, filter.Spec{}, dir))
	if r.Totals.Shards != 2 || r.Totals.Faults != 1 || len(r.Faults) != 1 || r.Faults[0].Part != "metastore" || r.Volumes[0].Sound || r.Volumes[0].Meta != meta {
		t.Errorf("totals %+v, faults %v, volumes %+v", r.Totals, r.Faults, r.Volumes)
	}
	if err := os.RemoveAll(filepath.Join(dir, "wal")); err != nil {
		t.Fatal(err)
	}
	r = inspect(t, options(t, filter.Spec{}, dir))
	if len(r.Notes) != 2 || !strings.Contains(r.Notes[0], "no WAL") || !strings.Contains(r.Notes[1], "cannot be read") {
		t.Errorf("notes %q", r.Notes)
	}
	one := filepath.Join(dir, "data", "db", "rp", "1", shardtest.TSMName(1, 1))
	r = inspect(t, options(t, filter.Spec{}, one))
	if len(r.Notes) != 0 || r.Totals.Shards != 1 || r.Totals.Points != (Amount{1, true}) {
		t.Errorf("one file: notes %q, totals %+v", r.Notes, r.Totals)
	}
}

// Times at the ends of what can be stored.
func TestExtremeTimes(t *testing.T) {
	dir := t.TempDir()
	v := shardtest.NewVolume(t, dir)
	low, high := v.Shard("db", "rp", 1), v.Shard("db", "rp", 2)
	low.TSM(1, 1, file(map[string]shardtest.Run{"m#!~#f": floats(math.MinInt64, math.MinInt64+5)}))
	high.TSM(1, 1, file(map[string]shardtest.Run{"m#!~#f": floats(math.MaxInt64-2, math.MaxInt64)}))
	r := inspect(t, options(t, filter.Spec{}, dir))
	p := r.Databases[0].Policies[0]
	if !p.Guessed || len(p.Gaps) != 1 || p.Gaps[0].Groups != 30499 || p.Shards[0].ID != 1 {
		t.Errorf("policy %+v", p)
	}
	if r.Totals.Start != "1677-09-21T00:12:43.145224192Z" || r.Totals.End != "2262-04-11T23:47:16.854775807Z" {
		t.Errorf("from %s to %s", r.Totals.Start, r.Totals.End)
	}
	// The group of the earliest times has a start that has wrapped around.
	m := v.Meta()
	m.Databases[0].Policies[0].Groups = []shardtest.MetaGroup{
		{ID: 1, Start: nano("2262-04-10T00:00:00Z"), End: nano("1677-09-27T00:00:00Z"), Shards: []shardtest.MetaShard{{ID: 1}}},
		{ID: 2, Start: nano("2262-04-07T00:00:00Z"), End: math.MaxInt64, Shards: []shardtest.MetaShard{{ID: 2}}},
	}
	v.WriteMeta(m)
	r = inspect(t, options(t, filter.Spec{}, dir))
	p = r.Databases[0].Policies[0]
	if p.Guessed || len(p.Gaps) != 1 || p.Gaps[0].Groups != 30499 || p.Shards[0].ID != 1 || p.Shards[0].GroupStart != "1677-09-21T00:12:43.145224192Z" {
		t.Errorf("policy with a metastore %+v", p)
	}
}

// A field that has several types, in several shards or in one, is a conflict that names
// the shards of each.
func TestConflicts(t *testing.T) {
	dir := t.TempDir()
	v := shardtest.NewVolume(t, dir)
	for d, kind := range []string{1: "float", 2: "float", 3: "int", 4: "both"} {
		if kind == "" {
			continue
		}
		sh := v.Shard("db", "rp", uint64(10-d)) // later shards have lower ids
		columns := map[string]shardtest.Run{"m,t=a#!~#same": floats(at(d, 1))}
		if kind != "int" {
			columns["m,t=a#!~#f"] = floats(at(d, 1), at(d, 2))
		} else {
			columns["m,t=a#!~#f"] = ints(at(d, 1), at(d, 2))
		}
		columns["m,t=b#!~#f"] = columns["m,t=a#!~#f"]
		sh.TSM(1, 1, file(columns))
		if kind == "both" {
			sh.TSM(2, 1, file(map[string]shardtest.Run{"m,t=a#!~#f": ints(at(d, 5))}))
		}
	}
	other := v.Shard("db", "other", 20) // of another policy
	other.TSM(1, 1, file(map[string]shardtest.Run{"m,t=a#!~#same": ints(at(1, 1))}))
	r := inspect(t, options(t, filter.Spec{}, dir))
	want := []Conflict{{Database: "db", Policy: "rp", Measurement: "m", Field: "f", Kinds: []ConflictKind{
		{Kind: "float", Columns: 6, Shards: []uint64{9, 8, 6}, Start: point.FormatTime(at(1, 1)), End: point.FormatTime(at(4, 2))},
		{Kind: "integer", Columns: 3, Shards: []uint64{7, 6}, Start: point.FormatTime(at(3, 1)), End: point.FormatTime(at(4, 5))},
	}}}
	if diff := cmp.Diff(want, r.Conflicts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f := r.Databases[0].Policies[1].Measurements[0].Fields
	if len(f) != 2 || !slices.Equal(f[0].Kinds, []string{"float", "integer"}) || !slices.Equal(f[1].Kinds, []string{"float"}) {
		t.Errorf("fields %+v", f)
	}
	if n := r.Databases[0].Stats.Series; n != (Amount{2, true}) { // m,t=a is in both policies
		t.Errorf("%v series in the database", n)
	}
}

// Sizes and counts of files, and copies of a shard.
func TestFilesAndReplicas(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	bytes := int64(0)
	for i, dir := range []string{one, two} {
		v := shardtest.NewVolume(t, dir)
		sh := v.Shard("db", "rp", 1)
		sh.TSM(1, 1, file(map[string]shardtest.Run{"m,t=a#!~#f": floats(at(1, 1), at(1, 2)), "m,t=b#!~#f": floats(at(1, 1))}))
		sh.TSM(1, 2, file(map[string]shardtest.Run{"m,t=c#!~#f": floats(at(1, 1))}))
		sh.TSM(4, 1, file(map[string]shardtest.Run{"m,t=a#!~#f": floats(at(1, 2), at(1, 3))}))
		if i == 0 {
			sh.Tombstone(1, 1, shardtest.TombstoneV4([]shardtest.Tombstone{{Key: "m,t=b#!~#f", Min: math.MinInt64, Max: math.MaxInt64}}))
		} else {
			sh.Tombstone(1, 1, shardtest.TombstoneV4([]shardtest.Tombstone{{Key: "m,t=b#!~#f", Min: at(1, 0), Max: at(1, 5)}}))
			var wal shardtest.WAL
			wal.Write(shardtest.Column{Key: "m,t=a#!~#g", Run: ints(at(1, 3), at(1, 4), at(1, 5))})
			wal.DeleteRange(at(1, 4), at(1, 4), "m,t=a#!~#g")
			wal.Write(shardtest.Column{Key: "m,t=a#!~#g", Run: ints(at(1, 3))})
			sh.WAL(1, &wal)
			sh.WAL(2, &shardtest.WAL{})
		}
		sh.Litter()
		for _, root := range []string{sh.DataDir(), sh.WALDir()} {
			entries, err := os.ReadDir(root)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				info, err := e.Info()
				if err != nil {
					t.Fatal(err)
				}
				if name := e.Name(); filepath.Ext(name) == ".tsm" || name == shardtest.TombstoneName(1, 1) || strings.HasPrefix(name, "_") && filepath.Ext(name) == ".wal" {
					bytes += info.Size()
				}
			}
		}
	}
	r := inspect(t, options(t, filter.Spec{}, one, two))
	s := r.Totals
	got := fmt.Sprintf("%d shards %d series %d columns %v points %v values; %d files %d generations %d blocks %d overlapping; %d tombstones %d deletes; %d segments %d values",
		s.Shards, s.Series.N, s.Columns, s.Points, s.Values, s.TSMFiles, s.Generations, s.Blocks, s.Overlapping, s.Tombstones, s.Deletes, s.WALSegments, s.WALValues)
	// Each of the copies has its files; columns and points are those of both together.
	want := "1 shards 2 series 3 columns {5 true} points {6 true} values; 6 files 4 generations 8 blocks 4 overlapping; 2 tombstones 2 deletes; 4 segments 2 values"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if s.Bytes != bytes || s.TSMBytes <= 0 || s.WALBytes <= 0 || s.TSMBytes+s.WALBytes >= s.Bytes {
		t.Errorf("%d bytes, %d of TSM, %d of WAL; want %d", s.Bytes, s.TSMBytes, s.WALBytes, bytes)
	}
	if sh := r.Databases[0].Policies[0].Shards[0]; len(sh.Replicas) != 2 || len(r.LeftOut) < 20 {
		t.Errorf("replicas %v, left out %v", sh.Replicas, r.LeftOut)
	}
}
