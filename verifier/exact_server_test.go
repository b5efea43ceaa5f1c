// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/point"
)

// listed writes the single values of a report, one line each, and what the sums say.
func listed(r *Report) []string {
	out := []string{fmt.Sprintf("%d missing, %d extra, %d differ", r.Points.Missing, r.Points.Extra, r.Points.Differing)}
	if r.Points.AtLeast {
		out[0] = "at least " + out[0]
	}
	for _, d := range r.Points.List {
		out = append(out, fmt.Sprintf("%s %s %s %d: %s | %s", d.What, d.Series, d.Field, d.Time, d.Source, d.Target))
	}
	for _, d := range r.Types {
		out = append(out, fmt.Sprintf("types %s %s %v %v", d.Measurement, d.Field, d.Source, d.Target))
	}
	return out
}

func selection(t *testing.T, spec filter.Spec) *filter.Selection {
	t.Helper()
	s, err := filter.New(spec, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// allKinds has every type, and what is hard about each.
var allKinds = strings.Join([]string{
	`m,h=a f=1.5,i=9223372036854775807i,s="x",b=true 1000000000000000000`,
	`m,h=a f=-0,i=-9223372036854775808i,s="a\"b\\c\nd, e=f",b=false 1000000000000000001`,
	"m,h=a f=1e300,i=9007199254740993i,s=\"two\nlines\",b=t 1000000000000000002",
	`m,h=a f=5e-324,i=0i,s="",b=F 1000000000000000003`,
	`m,h=b f=123456789012345680000,i=1i,s="\xff` + "\xff" + `" 1000000000000000000`,
	`m f=0 1000000000000000000`,
	`m,h=a\ b\,c\=d f\ g\,h=3,f=0.1 1000000000000000000`,
	`m\ n\,o,k\ 1=x f=9007199254740992 1000000000000000000`,
	fmt.Sprintf("e f=1 %d\ne f=2 %d\ne f=3 %d", point.MinTime, point.MaxTime, int64(-1)),
}, "\n") + "\n"

// Whatever is planted is found, and nothing else.
func TestExactWithServer(t *testing.T) {
	base := lines("m,h=a", `f=1.5,i=2i,s="x",b=true`, 17000*day, 300) + lines("m,h=b", "f=1,i=2i", 17001*day, 200)
	at := func(d int64, minute int) int64 { return d*day + int64(minute)*int64(time.Minute) }
	drop := fmt.Sprintf(`DELETE FROM "m" WHERE h = 'b' AND time = %d`, at(17001, 7))
	planted := []string{
		fmt.Sprintf("m,h=a f=1.25 %d", at(17000, 5)), // changed
		fmt.Sprintf("m,h=a f=9 %d", at(17000, 5)+1),  // added
	}
	plantedWant := []string{
		fmt.Sprintf("differs m,h=a f %d: 1.5 | 1.25", at(17000, 5)),
		fmt.Sprintf("extra m,h=a f %d:  | 9", at(17000, 5)+1),
	}
	mixed := lines("c", "v=1.5", 2500*week, 5) + lines("c", "v=2i", 2501*week, 5) + lines("c", "v=9007199254740993i", 2502*week, 5) + lines("c", `v="t"`, 2503*week, 5)
	cases := map[string]struct {
		sent    string // and counted
		refused string
		there   string // written instead
		more    []string
		exec    []string
		spec    filter.Spec
		most    int
		want    []string // beside the sums
		sums    string
	}{
		"equal":     {sent: base},
		"all kinds": {sent: allKinds},
		"dropped": {
			sent: base, exec: []string{drop}, sums: "2 missing, 0 extra, 0 differ",
			want: []string{fmt.Sprintf("missing m,h=b f %d: 1 | ", at(17001, 7)), fmt.Sprintf("missing m,h=b i %d: 2i | ", at(17001, 7))},
		},
		"changed": {sent: base, more: planted[:1], sums: "0 missing, 0 extra, 1 differ", want: plantedWant[:1]},
		"added":   {sent: base, more: planted[1:], sums: "0 missing, 1 extra, 0 differ", want: plantedWant[1:]},
		"all at once": {
			sent: base, exec: []string{drop}, more: planted, sums: "2 missing, 1 extra, 1 differ",
			want: append(plantedWant[:2:2], fmt.Sprintf("missing m,h=b f %d: 1 | ", at(17001, 7)), fmt.Sprintf("missing m,h=b i %d: 2i | ", at(17001, 7))),
		},
		"extra names": {
			sent: base, more: []string{fmt.Sprintf("m,h=a z=1i %d", at(17000, 9)), fmt.Sprintf("n,h=a f=true %d", at(17000, 9)), fmt.Sprintf("m,h=c f=1 %d", at(17000, 200))},
			sums: "0 missing, 3 extra, 0 differ",
			want: []string{
				fmt.Sprintf("extra m,h=a z %d:  | 1i", at(17000, 9)), fmt.Sprintf("extra m,h=c f %d:  | 1", at(17000, 200)),
				fmt.Sprintf("extra n,h=a f %d:  | true", at(17000, 9)),
			},
		},
		"outside the window": {sent: base, more: []string{
			fmt.Sprintf("m,h=a f=1 %d", at(17000, 0)-1), fmt.Sprintf("m,h=b f=1 %d", at(17001, 199)+1), fmt.Sprintf("n,h=a f=1 %d", at(17003, 0)),
		}},
		"inside a wider one": {
			sent: base, more: []string{fmt.Sprintf("m,h=a f=1 %d", at(17000, 0)-1), fmt.Sprintf("n,h=a f=1 %d", at(17900, 0)), fmt.Sprintf("n,h=a f=1 %d", at(18000, 0)+1)},
			spec: filter.Spec{Start: fmt.Sprint(at(17000, 0) - 1), End: fmt.Sprint(at(18000, 0))}, sums: "0 missing, 2 extra, 0 differ",
			want: []string{fmt.Sprintf("extra m,h=a f %d:  | 1", at(17000, 0)-1), fmt.Sprintf("extra n,h=a f %d:  | 1", at(17900, 0))},
		},
		"a wide gap": {
			sent: lines("m", "f=1", -90000*day, 1) + lines("m", "f=1", 90000*day, 1), more: []string{fmt.Sprintf("m f=7i %d", int64(5)), fmt.Sprintf(`n s="x" %d`, 80000*day)},
			sums: "0 missing, 2 extra, 0 differ", want: []string{"extra m f 5:  | 7", fmt.Sprintf(`extra n s %d:  | "x"`, 80000*day)},
		},
		"not selected": {
			sent: base, spec: filter.Spec{Measurements: []string{"m"}, Fields: []string{"f", "i", "b", "s"}, Tags: []string{"h=a", "h=/^b$/"}},
			more: []string{fmt.Sprintf("m,h=a z=1i %d", at(17000, 9)), fmt.Sprintf("n,h=a f=true %d", at(17000, 9)), fmt.Sprintf("m,h=c f=1 %d", at(17000, 200)), fmt.Sprintf("m f=1 %d", at(17000, 200))},
		},
		"repeats": {sent: base + base + "m,h=a f=7 1468800000000000000\n"},
		"repeats, the first one stayed": {
			sent: "m f=1 5\nm f=2 5\nm f=3 7\n", there: "m f=1 5\nm f=3 7\n", sums: "0 missing, 0 extra, 1 differ",
			want: []string{"differs m f 5: 2 | 1"},
		},
		"refused":     {sent: base + "m,h=a f=true 1468800000000000000\n", there: base, refused: "m,h=a f=true 1468800000000000000\n"},
		"mixed types": {sent: mixed},
		"mixed types, one off": {
			sent: mixed, more: []string{fmt.Sprintf("c v=9007199254740992i %d", 2502*week), fmt.Sprintf("c v=2.5 %d", 2500*week)},
			sums: "0 missing, 0 extra, 2 differ",
			want: []string{fmt.Sprintf("differs c v %d: 1.5 | 2.5", 2500*week), fmt.Sprintf("differs c v %d: 9007199254740993i | 9007199254740992", 2502*week)},
		},
		"other type": {
			sent: lines("m", "f=2i", 17000*day, 3), there: lines("m", "f=2", 17000*day, 3), sums: "0 missing, 0 extra, 0 differ",
			want: []string{"types m f [integer] [float]"},
		},
		"only the first": {
			sent: base, there: strings.ReplaceAll(base, "f=1", "f=2"), most: 3, sums: "0 missing, 0 extra, 500 differ",
			want: []string{
				fmt.Sprintf("differs m,h=a f %d: 1.5 | 2.5", at(17000, 0)), fmt.Sprintf("differs m,h=a f %d: 1.5 | 2.5", at(17000, 1)),
				fmt.Sprintf("differs m,h=a f %d: 1.5 | 2.5", at(17000, 2)),
			},
		},
		"names":                     {sent: strings.NewReplacer("CR\rx f=1 5\n", "", "z CR\rx=2 5\n", "", "NUL\x00x f=1 5\n", "", "z NUL\x00x=2 5\n", "").Replace(oddNames)},
		"tag and field named alike": {sent: "m,f=x f=1,g=2 5\nm,f=y g=2 5\n"},
		"strange tags":              {sent: "m,t=a\\\\b,u=\xff,v=x\ty,w=\\\"q\\\",x=\\=\\,\\  f=1 5\n"},
	}
	for _, index := range []string{"inmem", "tsi1"} {
		s := influxdtest.Start(t, influxdtest.Options{Index: index})
		tg := open(t, s)
		for name, c := range cases {
			t.Run(index+"/"+name, func(t *testing.T) {
				db := "exact " + name
				s.Exec("CREATE DATABASE "+influxdtest.Ident(db), `CREATE RETENTION POLICY "r p" ON `+influxdtest.Ident(db)+" DURATION INF REPLICATION 1 SHARD DURATION 7d DEFAULT")
				there := c.there
				if there == "" {
					there = c.sent
				}
				s.Write(db, "r p", there+strings.Join(c.more, "\n"))
				for _, q := range c.exec {
					s.Query(db, q)
				}
				if policy, err := NewPaced(tg, 0).DefaultPolicy(t.Context(), db); err != nil || policy != "r p" {
					t.Errorf("default policy %q, %v", policy, err)
				}
				counter := NewCounter(nil).WithDigests()
				if err := counter.Add(db, "r p", []byte(c.sent)); err != nil {
					t.Fatal(err)
				}
				if err := counter.Exclude(db, "r p", []byte(c.refused)); err != nil {
					t.Fatal(err)
				}
				if c.most == 0 {
					c.most = 100
				}
				if c.sums == "" {
					c.sums = "0 missing, 0 extra, 0 differ"
				}
				want := append([]string{c.sums}, c.want...)
				for _, small := range []int64{0, 7} { // values at a time
					opts := Options{
						Selection: selection(t, c.spec), Extra: true, Exact: true, MaxDifferences: c.most, Reread: from(c.sent),
						values: small, hashes: 40 * small,
					}
					if small > 0 && name != "all kinds" && len(c.sent) > 1000 {
						opts.values = 97
					}
					r, err := Compare(t.Context(), NewPaced(tg, 0), counter, opts)
					if err != nil {
						t.Fatal(err)
					}
					got := listed(r)
					if small > 0 && strings.HasPrefix(got[0], "at least") && len(r.Points.List) == c.most {
						got[0] = c.sums // it did not go on when the list was full
					}
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("%d values at a time: %d queries, %v (-want +got):\n%s", small, r.Queries, found(r), d)
					}
					if r.Unproven != 0 {
						t.Errorf("%d values unproven", r.Unproven)
					}
					if equal := r.Equal() && r.MoreCells == 0; equal != (len(c.want) == 0) {
						t.Errorf("equal: %v, %+v", equal, r)
					}
					if text := strings.Join(want, "\n"); strings.Contains(text, "differs ") || strings.Contains(text, "types ") {
						continue
					}
					opts.Exact = false // the counts tell it
					r, err = Compare(t.Context(), NewPaced(tg, 0), counter, opts)
					if d := cmp.Diff(want, listed(r)); err != nil || d != "" {
						t.Errorf("%d values at a time, not exact: %d queries, %v, %v (-want +got):\n%s", small, r.Queries, err, found(r), d)
					}
				}
			})
		}
	}
}
