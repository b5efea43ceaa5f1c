// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/lpjudge"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/volume"
)

// options gives options for a selection of the volumes under paths.
func options(t testing.TB, spec filter.Spec, paths ...string) Options {
	t.Helper()
	return optionsFor(t, spec, volume.Request{Paths: paths})
}

func optionsFor(t testing.TB, spec filter.Spec, req volume.Request) Options {
	t.Helper()
	cat, err := volume.Open(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	sel, err := filter.New(spec, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return Options{Catalog: cat, Selection: sel}
}

// inspect runs, and checks what holds for every report.
func inspect(t testing.TB, o Options) *Report {
	t.Helper()
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, r)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("null")) {
		t.Errorf("JSON has a null: %s", b)
	}
	return r
}

// checkSums compares the sums of a report with their parts.
func checkSums(t testing.TB, r *Report) {
	t.Helper()
	total := newStats()
	faults := 0
	for _, db := range r.Databases {
		sum := newStats()
		for _, p := range db.Policies {
			shards := newStats()
			for _, sh := range p.Shards {
				shards.add(&sh.Stats)
				faults += sh.Stats.Faults
			}
			columns, series := int64(0), int64(0)
			for _, m := range p.Measurements {
				columns += m.Columns
				series += m.Series.N
			}
			if columns != p.Stats.Columns || series != p.Stats.Series.N {
				t.Errorf("%s.%s has %d columns and %d series, its measurements %d and %d",
					db.Name, p.Name, p.Stats.Columns, p.Stats.Series.N, columns, series)
			}
			sum.add(&shards)
			wantSum(t, db.Name+"."+p.Name, &shards, &p.Stats)
		}
		total.add(&sum)
		wantSum(t, db.Name, &sum, &db.Stats)
	}
	catalog := 0
	for _, f := range r.Faults {
		if f.Database == "" {
			catalog++
		}
	}
	total.Faults += catalog
	got := r.Totals
	got.Lost, total.Lost = 0, 0
	wantSum(t, "all", &total, &got)
	if r.Estimate != nil && (r.Estimate.Points != r.Totals.Points.N || r.Estimate.Values != r.Totals.Values.N) {
		t.Errorf("estimate %+v, totals %+v", r.Estimate, r.Totals)
	}
}

// wantSum compares all but times and series.
func wantSum(t testing.TB, name string, want, got *Stats) {
	t.Helper()
	w, g := *want, *got
	for _, s := range []*Stats{&w, &g} {
		s.Start, s.End, s.Series = "", "", Amount{}
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("%s is not the sum of its parts (-parts +got):\n%s", name, diff)
	}
}

// counts is what a model and a report both know of a measurement.
type counts struct {
	Series     int64
	Start, End string
	Kinds      map[string]string // by field
	Tags       map[string]int64  // values by key
}

var kindOfType = map[lpjudge.Type]string{
	lpjudge.Float: "float", lpjudge.Integer: "integer", lpjudge.Unsigned: "unsigned", lpjudge.Boolean: "boolean", lpjudge.String: "string",
}

// model adds values up by "database.policy measurement".
func model(values []lpjudge.Value) (m map[string]*counts, points, amount, series int64) {
	m = map[string]*counts{}
	seen := map[any]bool{}
	once := func(key any) bool {
		was := seen[key]
		seen[key] = true
		return !was
	}
	type pointKey struct {
		db, rp, series string
		time           int64
	}
	type span struct{ lo, hi int64 }
	spans := map[string]span{}
	kinds := map[[2]string][]string{}
	for _, v := range values {
		measurement, tags := point.SplitSeries([]byte(v.Series))
		name := v.DB + "." + v.RP + " " + string(measurement)
		c := m[name]
		if c == nil {
			c = &counts{Kinds: map[string]string{}, Tags: map[string]int64{}}
			m[name] = c
			spans[name] = span{v.Time, v.Time}
		}
		s := spans[name]
		spans[name] = span{min(s.lo, v.Time), max(s.hi, v.Time)}
		if once(pointKey{v.DB, v.RP, v.Series, v.Time}) {
			points++
		}
		amount++
		if once([2]string{v.DB, v.Series}) {
			series++
		}
		if once([3]string{v.DB, v.RP, v.Series}) {
			c.Series++
		}
		if k := kindOfType[v.Type]; once([3]string{name, v.Field, k}) {
			at := [2]string{name, v.Field}
			kinds[at] = append(kinds[at], k)
			slices.Sort(kinds[at])
			c.Kinds[v.Field] = strings.Join(kinds[at], " ")
		}
		for {
			k, val, rest, ok := point.NextTag(tags)
			if !ok {
				break
			}
			tags = rest
			if once([4]string{name, string(k), string(val)}) {
				c.Tags[string(k)]++
			}
		}
	}
	for name, s := range spans {
		m[name].Start, m[name].End = point.FormatTime(s.lo), point.FormatTime(s.hi)
	}
	return m, points, amount, series
}

// told gives what a report says in the form of the model.
func told(r *Report) map[string]*counts {
	m := map[string]*counts{}
	for _, db := range r.Databases {
		for _, p := range db.Policies {
			for _, x := range p.Measurements {
				c := &counts{Series: x.Series.N, Start: x.Start, End: x.End, Kinds: map[string]string{}, Tags: map[string]int64{}}
				for _, f := range x.Fields {
					kinds := slices.Clone(f.Kinds)
					slices.Sort(kinds)
					c.Kinds[f.Name] = strings.Join(kinds, " ")
				}
				for _, tag := range x.Tags {
					c.Tags[tag.Key] = tag.Values.N
				}
				m[db.Name+"."+p.Name+" "+x.Name] = c
			}
		}
	}
	return m
}

// What a real server answered of its volumes, counted, is what the report says of them.
func TestRecordedVolumes(t *testing.T) {
	for _, name := range testvolume.Names(t) {
		t.Run(name, func(t *testing.T) {
			v := testvolume.Open(t, name)
			want, points, values, series := model(v.Want)
			for _, deep := range []bool{false, true} {
				o := options(t, filter.Spec{IncludeInternal: true}, v.Dir)
				o.Deep = deep
				r := inspect(t, o)
				exact := func(n int64) Amount { return Amount{N: n, Exact: true} }
				if name != "names" { // a query does not find all that is there: formats.md, 7.1
					got := told(r)
					for name, c := range got { // of what was deleted in part only the blocks know what is left
						if w := want[name]; !deep && w != nil && c.Start <= w.Start && c.End >= w.End {
							c.Start, c.End = w.Start, w.End
						}
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("deep %v, measurements (-want +got):\n%s", deep, diff)
					}
					sums := []Amount{r.Totals.Points, r.Totals.Values, r.Totals.Series}
					if diff := cmp.Diff([]Amount{exact(points), exact(values), exact(series)}, sums); diff != "" {
						t.Errorf("deep %v, points, values, series (-want +got):\n%s", deep, diff)
					}
				}
				if len(r.Faults) > 0 {
					t.Errorf("faults of a sound volume: %v", r.Faults)
				}
				if r.Selected || r.Deep != deep {
					t.Errorf("selected %v, deep %v", r.Selected, r.Deep)
				}
			}
		})
	}
}

// A run that is told to stop does.
func TestStops(t *testing.T) {
	dir := t.TempDir()
	if _, err := (shardtest.DailyShards{Shards: 30, Series: 10}).Write(dir); err != nil {
		t.Fatal(err)
	}
	o := options(t, filter.Spec{}, dir)
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if r, err := Run(ctx, o); !errors.Is(err, why) {
		t.Errorf("report %v, error %v", r, err)
	}
}
