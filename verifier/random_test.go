// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/point"
)

// randomRounds is how many comparisons TestRandomOnServer makes.
const randomRounds = 20

// spot is the place of a value.
type spot struct {
	series, field string
	time          int64
}

// Whatever differs on a server is found, and nothing else: at the ends of all time, under
// any name, with windows that cut days, and a server that takes little at a time.
func TestRandomOnServer(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{Index: "tsi1", Set: map[string]string{"coordinator.max-select-buckets": "7"}})
	tg := open(t, s)
	for round := range randomRounds {
		seed := rand.Uint64()
		r := &randomCase{rng: rand.New(rand.NewPCG(seed, 1))}
		r.make()
		db := fmt.Sprintf("d%d", round)
		s.Exec("CREATE DATABASE " + db + " WITH DURATION INF SHARD DURATION " + r.one("1h", "1d", "7d"))
		if there := r.text(r.there); there != "" {
			s.Write(db, "", there)
		}
		sel, err := filter.New(r.spec, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		input := r.text(r.here)
		if r.rng.IntN(3) == 0 {
			input += input // repeats
		}
		c := NewCounter(nil).WithDigests()
		c.Expect(db, "")
		if err := c.Add(db, "", []byte(input)); err != nil {
			t.Fatal(err)
		}
		got, err := Compare(t.Context(), NewPaced(tg, 0), c, Options{
			Selection: sel, Exact: true, Extra: true, MaxDifferences: 1 << 20, Reread: from(input),
			hashes: []int64{0, 40, 1000}[r.rng.IntN(3)], values: []int64{0, 30, 500}[r.rng.IntN(3)],
		})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		r.check(t, seed, got)
		s.Exec("DROP DATABASE " + db)
	}
}

// randomCase is what a source and a server have.
type randomCase struct {
	rng         *rand.Rand
	spec        filter.Spec
	here, there map[spot]string
	window      point.TimeRange
}

func (r *randomCase) one(of ...string) string { return of[r.rng.IntN(len(of))] }

// make makes values up. Of most the server has the same.
func (r *randomCase) make() {
	times := r.times()
	r.here, r.there = map[spot]string{}, map[spot]string{}
	one := []int{40, 1 << 30}[r.rng.IntN(3)/2] // of how many differs; a third has no difference
	for _, at := range times {
		for _, series := range []string{"m,h=a", "m,h=b", "m", `ü\ \,x,ta\ g=ö\=`, "m2,h=é", "日本,k=語"} {
			for _, field := range []string{"f", "g", `x\ y`, "ключ", "h"} {
				key := spot{series, field, at}
				if r.rng.IntN(3) == 0 {
					r.here[key] = r.value(field)
				}
				switch n := r.rng.IntN(one); {
				case n == 1:
					r.there[key] = r.value(field)
				case n > 1 && r.here[key] != "":
					r.there[key] = r.here[key]
				}
			}
		}
	}
	r.selectSome(times)
}

// times are some near each other and some far apart.
func (r *randomCase) times() []int64 {
	times := []int64{point.MinTime, point.MaxTime}[:2*(r.rng.IntN(4)/3)]
	for range 1 + r.rng.IntN(4) {
		at := []int64{0, -day, point.MinTime, point.MaxTime - 3*day, 17000 * day, 17000*day + 5, 1 << 40}[r.rng.IntN(7)]
		for range 1 + r.rng.IntN(20) {
			step := []int64{1, 2, 1000, day - 1, day, day + 1, int64(time.Hour)}[r.rng.IntN(7)] * int64(r.rng.IntN(3))
			at = min(at, point.MaxTime-step) + step
			times = append(times, at)
		}
	}
	return times
}

func (r *randomCase) value(field string) string {
	switch field {
	case "g":
		return r.one("0i", "1i", "-9223372036854775808i")
	case "h":
		return r.one(`"a"`, `"b\"ü"`, `""`)
	case "ключ":
		return r.one("true", "false")
	}
	return r.one("0.5", "1.5", "-0.1")
}

// selectSome takes a part of the source, or all: what is not taken is not here.
func (r *randomCase) selectSome(times []int64) {
	ends := []int64{point.MinTime, point.MaxTime}
	for i := range ends {
		if r.rng.IntN(2) == 0 {
			at := times[r.rng.IntN(len(times))]
			ends[i] = min(max(at, point.MinTime+1), point.MaxTime-1) + int64(r.rng.IntN(3)-1)
		}
	}
	slices.Sort(ends)
	if ends[0] > point.MinTime {
		r.spec.Start = strconv.FormatInt(ends[0], 10)
	}
	if ends[1] < point.MaxTime {
		r.spec.End = strconv.FormatInt(ends[1], 10)
	}
	if r.rng.IntN(4) == 0 {
		r.spec.Tags = []string{"h=a"}
	}
	if r.rng.IntN(4) == 0 {
		r.spec.Fields = []string{"f", "ключ"}
	}
	r.window = point.NoTime
	for key := range r.here {
		if !r.takes(key) || key.time < ends[0] || key.time > ends[1] {
			delete(r.here, key)
		} else {
			r.window = r.window.Union(point.TimeRange{Min: key.time, Max: key.time})
		}
	}
	if r.spec.Start != "" {
		r.window.Min = ends[0]
	}
	if r.spec.End != "" {
		r.window.Max = ends[1]
	}
}

func (r *randomCase) takes(key spot) bool {
	return (r.spec.Tags == nil || strings.HasSuffix(key.series, ",h=a")) && (r.spec.Fields == nil || slices.Contains(r.spec.Fields, key.field))
}

// text writes values as lines, in any order.
func (r *randomCase) text(values map[spot]string) string {
	var all []string
	for key, value := range values {
		all = append(all, fmt.Sprintf("%s %s=%s %d\n", key.series, key.field, value, key.time))
	}
	slices.Sort(all)
	r.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return strings.Join(all, "")
}

// check holds what was found against what differs.
func (r *randomCase) check(t *testing.T, seed uint64, report *Report) {
	t.Helper()
	var want, got []string
	add := func(what string, key spot, value string) {
		want = append(want, fmt.Sprintf("%s %s %s %d %s", what, key.series, key.field, key.time, value))
	}
	for key, value := range r.here {
		switch there := r.there[key]; there {
		case value:
		case "":
			add(Missing, key, value)
		default:
			add(Differs, key, value+" "+there)
		}
	}
	for key, value := range r.there {
		if r.here[key] == "" && r.takes(key) && r.window.Contains(key.time) {
			add(Extra, key, value)
		}
	}
	for _, d := range report.Points.List {
		got = append(got, fmt.Sprintf("%s %s %s %d %s", d.What, d.Series, strings.ReplaceAll(d.Field, " ", `\ `), d.Time, strings.TrimSpace(d.Source+" "+d.Target)))
	}
	slices.Sort(want)
	slices.Sort(got)
	p := report.Points
	if d := cmp.Diff(want, got); d != "" || p.Missing+p.Extra+p.Differing != int64(len(want)) || p.AtLeast {
		t.Errorf("seed %d, %+v: %d missing, %d extra, %d differ, at least: %v (-want +got):\n%.2000s", seed, r.spec, p.Missing, p.Extra, p.Differing, p.AtLeast, d)
	}
	if proven := report.Proven() && report.MoreCells == 0 && p.Extra == 0; proven != (len(want) == 0) {
		t.Errorf("seed %d, %+v: proven %v, with %d differences", seed, r.spec, proven, len(want))
	}
}
