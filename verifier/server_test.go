// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

const (
	day  = DefaultBucket
	week = 7 * day
)

// open gives a target for a server.
func open(t *testing.T, s *influxdtest.Server) *target.Target {
	t.Helper()
	tg, err := target.Open(target.Config{URLs: []string{s.URL}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tg.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := tg.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	return tg
}

// from gives a Reread that reads lines.
func from(lines string) func(context.Context, string, string, string, point.TimeRange, func([]byte) error) error {
	return func(_ context.Context, _, _, _ string, _ point.TimeRange, add func([]byte) error) error {
		return add([]byte(lines))
	}
}

// found writes what a report says, one line a difference.
func found(r *Report) []string {
	var out []string
	for _, l := range []struct {
		word string
		list []Difference
	}{{"missing", r.Missing}, {"more", r.More}, {"uncertain", r.Uncertain}, {"unasked", r.Unasked}} {
		for _, d := range l.list {
			name := l.word + " " + d.Measurement
			if d.Field != "" {
				name += " " + d.Field + " " + d.Kind
			}
			out = append(out, fmt.Sprintf("%s %d of %d", name, d.There, d.Sent))
		}
	}
	return out
}

// lines writes points a minute apart from a time on.
func lines(series, fields string, start int64, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s %s %d\n", series, fields, start+int64(i)*int64(time.Minute))
	}
	return b.String()
}

// What is there, and what is not, on a real server.
func TestCompareWithServer(t *testing.T) {
	base := lines("m,h=a", `f=1.5,i=2i,s="x",b=true`, 17000*day, 3000) + lines("m,h=b", "f=1,g=2", 17001*day, 2000)
	conflict := lines("c,h=a", "v=1", 2500*week, 5) + lines("c,h=a", "v=2i", 2501*week, 6) +
		lines("c,h=a", `v="t"`, 2502*week, 7) + lines("c,h=a", "v=true", 2503*week, 8)
	before := lines("p", "f=1,g=1i", -3*day, 3*24*60) + lines("p", "f=1", -week-1, 10)
	var wide strings.Builder
	for i := range 300 {
		fmt.Fprintf(&wide, "%cfield_with_quite_a_long_name_%d=%di", " ,"[min(i, 1)], i, i)
	}
	edges := fmt.Sprintf("e f=1 %d\ne f=1 %d\ne f=1 %d\ne f=1 %d\ne f=1 %d\ne f=1 %d\n",
		point.MinTime, point.MinTime+1, -106751*day, 106751*day-1, point.MaxTime-1, point.MaxTime)
	sparse := ""
	for i := range 60 {
		sparse += lines("s", "f=1", int64(i*i)*day, 3)
	}
	cases := map[string]struct {
		sent    string // and counted
		refused string // of sent
		there   string // written instead of sent
		exec    []string
		again   bool // the input can be read again
		want    []string
	}{
		"equal":           {sent: base},
		"before 1970":     {sent: before},
		"edges of time":   {sent: edges},
		"edges lost":      {sent: edges, there: strings.Join(strings.Split(edges, "\n")[1:5], "\n"), want: []string{"missing e f number 1 of 2", "missing e f number 1 of 2"}},
		"gaps":            {sent: sparse},
		"wide":            {sent: "w" + wide.String() + " 5\nw" + wide.String() + " 6\n"},
		"types by shard":  {sent: conflict},
		"a string lost":   {sent: conflict, there: strings.Replace(conflict, `c,h=a v="t"`, "other v=1", 1), want: []string{"missing c v string 6 of 7"}},
		"point dropped":   {sent: base, exec: []string{`DELETE FROM "m" WHERE h = 'b' AND time = ` + fmt.Sprint(17001*day)}, want: []string{"missing m f number 2879 of 2880", "missing m g number 1439 of 1440"}},
		"field missing":   {sent: base, there: strings.ReplaceAll(base, "g=2", "x=2"), want: []string{"missing m g number 0 of 1440", "missing m g number 0 of 560"}},
		"all missing":     {sent: base + "n f=1 5\n", exec: []string{`DROP MEASUREMENT "n"`}, want: []string{"missing n f number 0 of 1"}},
		"more":            {sent: base, there: base + lines("m,h=c", "f=1", 17002*day, 10) + lines("m,h=c", "f=1,z=1", 17003*day, 10), want: []string{"more m f number 690 of 680"}},
		"more elsewhere":  {sent: "m f=1 5\n", there: "m f=1 5\nm g=1 5\nm f=1 86400000000005\nk f=1 5\n"},
		"repeats":         {sent: base + base, again: true},
		"repeats, unread": {sent: "m f=1 5\nm f=1 5\n", want: []string{"uncertain m f number 1 of 2"}},
		"repeats, gone":   {sent: "m f=1 5\nm f=1 6\nm f=1 5\n", there: "m f=1 6\n", again: true, want: []string{"missing m f number 1 of 2"}},
		"surely gone":     {sent: "m f=1 5\nm f=1 6\nm f=1 5\n", there: "m f=1 99999999999999999\n", want: []string{"missing m f number 0 of 3"}},
		"refused":         {sent: base + "m,h=a f=true 1468800000000000000\n", there: base, refused: "m,h=a f=true 1468800000000000000\n"},
		"refused, twice": {
			sent: "m f=1 5\nm f=1 5\nm f=1 6\nm f=1i 6\nm f=1i 6\nm f=1i 7\n", refused: "m f=1i 6\nm f=1i 6\nm f=1i 7\n",
			there: "m f=1 5\nm f=1 6\n", again: true,
		},
		"odd names":    {sent: oddNames, want: []string{"unasked CR\rx 0 of 1", "unasked NUL\x00x 0 of 1", "unasked z CR\rx number 0 of 1", "unasked z NUL\x00x number 0 of 1"}},
		"odd lost":     {sent: oddNames, there: "other f=1 5\n"},
		"hidden names": {sent: hiddenNames, want: hiddenWant},
		"time, a field": {
			sent: "m f=1,time=2 5\n",
			want: []string{"missing m time number 0 of 1"},
		},
		"tag named alike": {sent: "m,f=x f=1,g=2 5\nm,f=y g=2 5\n"},
	}
	for _, index := range []string{"inmem", "tsi1"} {
		s := influxdtest.Start(t, influxdtest.Options{Index: index})
		tg := open(t, s)
		for name, c := range cases {
			t.Run(index+"/"+name, func(t *testing.T) {
				db := "odd \"db\" " + name
				create := []string{
					"CREATE DATABASE " + influxdtest.Ident(db),
					`CREATE RETENTION POLICY "r p" ON ` + influxdtest.Ident(db) + " DURATION INF REPLICATION 1 SHARD DURATION 7d DEFAULT",
				}
				for _, q := range create {
					if err := s.TryExec(q); err != nil {
						t.Fatal(err)
					}
				}
				there := c.there
				if there == "" {
					there = c.sent
				}
				if err := s.TryWrite(db, "r p", there); err != nil {
					t.Fatal(err)
				}
				for _, q := range c.exec {
					if _, err := s.TryQuery(db, q); err != nil {
						t.Fatal(err)
					}
				}
				for _, policy := range []string{"", "r p"} {
					counter := NewCounter(nil)
					if err := counter.Add(db, policy, []byte(c.sent)); err != nil {
						t.Fatal(err)
					}
					if err := counter.Exclude(db, policy, []byte(c.refused)); err != nil {
						t.Fatal(err)
					}
					opts := Options{}
					if c.again {
						opts.Reread = from(c.sent)
					}
					r, err := Compare(t.Context(), NewPaced(tg, 0), counter, opts)
					if err != nil {
						t.Fatal(err)
					}
					if name == "odd lost" {
						if r.MissingCells != r.Compared || r.Compared < 40 {
							t.Errorf("%d of %d cells are missing", r.MissingCells, r.Compared)
						}
						continue
					}
					if d := cmp.Diff(c.want, found(r)); d != "" {
						t.Errorf("policy %q (-want +got):\n%s", policy, d)
					}
					if len(c.want) == 0 && (!r.Proven() || r.Compared == 0) {
						t.Errorf("%d compared, proven %v", r.Compared, r.Proven())
					}
				}
			})
		}
	}
}

// oddNames have every name as a measurement and as a field.
var oddNames = func() string {
	var b strings.Builder
	for _, name := range []string{
		`q"r`, `x\\y`, `a\,b\ c`, `z\y`, `_n`, "tr\\\ny", "/re/", "..", `"q"`, "tab\tx", "ä", "bell\a", "it's", "line\u2028x",
		"bom\ufeffx", "fffd\ufffdx", "$d", "--c", "/*c*/", "count", "count_x", "x", "select", "a.b", ".", "CR\rx", "NUL\x00x", "time\\ x", "*", "a::float", "%20",
	} {
		fmt.Fprintf(&b, "%s f=1 5\nz %s=2 5\n", name, strings.ReplaceAll(name, `x\\y`, `x\y`))
	}
	return b.String()
}()

// hiddenNames are measurements that a server stores and does not find, and one that it
// may take for the first of them.
const (
	hiddenNames = `a\=b f=1 5` + "\n" + `c\"d f=1 5` + "\n" + `e\\\,f f=1 5` + "\n" + `g\\\ h f=1 5` + "\n" + `i\\,j f=1 5` + "\n" + `a=b f=1,g=1 5` + "\n" + "ok f=1 5\n"
)

var hiddenWant = []string{
	"unasked a=b 0 of 2", `unasked a\=b 0 of 1`, `unasked c\"d 0 of 1`, `unasked e\\,f 0 of 1`, `unasked g\\ h 0 of 1`, `unasked i\,j 0 of 1`,
}

// A server that limits what a query may select is asked for less at a time.
func TestLimits(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{Set: map[string]string{
		"coordinator.max-select-buckets": "3", "coordinator.max-select-point": "700", "coordinator.max-select-series": "2",
	}})
	s.Exec(`CREATE DATABASE "db"`)
	sent := lines("m", "f=1,g=2,h=3i", 0, 5*24*60)
	s.Write("db", "", sent)
	s.Flush("db")
	sent += "m f=1 432000000000001\n"
	c := NewCounter(nil)
	if err := c.Add("db", "", []byte(sent)); err != nil {
		t.Fatal(err)
	}
	r, err := Compare(t.Context(), NewPaced(open(t, s), 0), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"missing m f number 0 of 1"}, found(r)); d != "" || r.Compared != 16 {
		t.Errorf("%d compared (-want +got):\n%s", r.Compared, d)
	}
}

// All of a place is missing that the target does not have; the others are compared.
func TestNoDatabase(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "db"`)
	s.Write("db", "", "m f=1 5\n")
	for _, opts := range []Options{{}, {Exact: true, Extra: true}} {
		for _, place := range [][2]string{{"nope", ""}, {"db", "nope"}} {
			c := NewCounter(nil).WithDigests()
			for _, p := range [][2]string{place, {"db", "autogen"}} {
				if err := c.Add(p[0], p[1], []byte("m f=1 5\n")); err != nil {
					t.Fatal(err)
				}
			}
			r, err := Compare(t.Context(), NewPaced(open(t, s), 0), c, opts)
			if err != nil || len(r.Missing) != 1 || r.Missing[0].Reason != NoPlace || r.Compared != 2 || r.MissingValues != 1 || r.MoreCells > 0 {
				t.Errorf("%v: %+v, %v", place, r, err)
			}
		}
	}
}

// The server's own database is asked as any other.
func TestInternal(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "_internal"`)
	s.Write("_internal", "", "shard,id=1 n=1i 5\n")
	c := NewCounter(nil)
	if err := c.Add("_internal", "", []byte("shard,id=1 n=1i 5\n")); err != nil {
		t.Fatal(err)
	}
	if r, err := Compare(t.Context(), NewPaced(open(t, s), 0), c, Options{}); err != nil || !r.Proven() || r.Compared != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
