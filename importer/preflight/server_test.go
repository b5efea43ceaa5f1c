// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// open gives a target for a real server.
func open(t *testing.T, cfg target.Config) *target.Target {
	t.Helper()
	to, err := target.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := to.Close(); err != nil {
			t.Error(err)
		}
	})
	return to
}

// policies lists the policies of a database as a server shows them, a line each.
func policies(server *influxdtest.Server, db string) string {
	var b strings.Builder
	for _, s := range server.Query("", "SHOW RETENTION POLICIES ON "+influxdtest.Ident(db)) {
		for _, row := range s.Values {
			fmt.Fprintln(&b, row...)
		}
	}
	return b.String()
}

// wants fails unless err says all the words.
func wants(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error does not say %q:\n%v", w, err)
		}
	}
}

func TestRun(t *testing.T) {
	server := influxdtest.Start(t, influxdtest.Options{})
	to := open(t, target.Config{URLs: []string{server.URL}})
	server.Exec(`CREATE DATABASE "old" WITH DURATION 30d REPLICATION 1 SHARD DURATION 1d NAME "month"`,
		`CREATE DATABASE "bare"`, `DROP RETENTION POLICY "autogen" ON "bare"`)
	const oldPolicies = "month 720h0m0s 24h0m0s 1 true\n"

	tests := map[string]struct {
		opts       Options
		statements []string
		db, want   string // its policies
		report     Report
	}{
		"new, with all": {
			statements: []string{
				`CREATE DATABASE "n1" WITH DURATION 30d REPLICATION 2 SHARD DURATION 12h NAME "a"`,
				`CREATE RETENTION POLICY "b c" ON "n1" DURATION INF REPLICATION 1 SHARD DURATION 10m`,
			},
			db: "n1", want: "a 720h0m0s 12h0m0s 2 true\nb c 0s 1h0m0s 1 false\n",
			report: Report{Made: []Object{{"n1", ""}, {"n1", "a"}, {"n1", "b c"}}, Run: []string{
				`CREATE DATABASE "n1" WITH DURATION 30d REPLICATION 2 SHARD DURATION 12h NAME "a"`,
				`CREATE RETENTION POLICY "b c" ON "n1" DURATION INF REPLICATION 1 SHARD DURATION 10m`,
			}},
		},
		"new, plain": {
			statements: []string{"CREATE DATABASE n2", "create database n2;"},
			db:         "n2", want: "autogen 0s 168h0m0s 1 true\n",
			report: Report{Made: []Object{{"n2", ""}, {"n2", "autogen"}}, Run: []string{`CREATE DATABASE "n2"`}},
		},
		"new, with another default later": {
			statements: []string{"CREATE DATABASE n3 WITH NAME a", "CREATE RETENTION POLICY b ON n3 DURATION 2d REPLICATION 1 DEFAULT"},
			db:         "n3", want: "a 0s 168h0m0s 1 false\nb 48h0m0s 24h0m0s 1 true\n",
			report: Report{Made: []Object{{"n3", ""}, {"n3", "a"}, {"n3", "b"}}, Run: []string{
				`CREATE DATABASE "n3" WITH NAME "a"`, `CREATE RETENTION POLICY "b" ON "n3" DURATION 2d REPLICATION 1 DEFAULT`,
			}},
		},
		"policies as influx_inspect makes them": { // E12
			statements: []string{"CREATE DATABASE e12 WITH NAME other", "CREATE DATABASE e12 WITH NAME main"},
			db:         "e12", want: "other 0s 168h0m0s 1 true\nmain 0s 168h0m0s 1 false\n",
			report: Report{Made: []Object{{"e12", ""}, {"e12", "other"}, {"e12", "main"}}, There: nil, Run: []string{
				`CREATE DATABASE "e12" WITH NAME "other"`, `CREATE RETENTION POLICY "main" ON "e12" DURATION INF REPLICATION 1`,
			}},
		},
		"there, with the same": {
			statements: []string{`CREATE DATABASE "old" WITH DURATION 30d REPLICATION 1 SHARD DURATION 1d NAME "month"`},
			db:         "old", want: oldPolicies,
			report: Report{There: []Object{{"old", ""}, {"old", "month"}}},
		},
		"there, plain": {
			statements: []string{`CREATE DATABASE "old"`}, db: "old", want: oldPolicies,
			report: Report{There: []Object{{"old", ""}}},
		},
		"there, with others": {
			statements: []string{`CREATE DATABASE "old" WITH DURATION 90d REPLICATION 2 SHARD DURATION 7d NAME "month"`},
			db:         "old", want: oldPolicies,
			report: Report{There: []Object{{"old", ""}, {"old", "month"}}, Differences: []Difference{
				{"old", "month", "duration", "90d", "30d"}, {"old", "month", "shard duration", "7d", "1d"}, {"old", "month", "replication", "2", "1"},
			}},
		},
		"there, without a default": {
			statements: []string{`CREATE DATABASE bare WITH DURATION 1d NAME "x"`, `CREATE DATABASE bare WITH DURATION 1d NAME "y"`},
			db:         "bare", want: "x 24h0m0s 1h0m0s 1 true\ny 24h0m0s 1h0m0s 1 false\n",
			report: Report{Made: []Object{{"bare", "x"}, {"bare", "y"}}, There: []Object{{"bare", ""}}, Run: []string{
				`CREATE RETENTION POLICY "x" ON "bare" DURATION 1d REPLICATION 1 DEFAULT`,
				`CREATE RETENTION POLICY "y" ON "bare" DURATION 1d REPLICATION 1`,
			}},
		},
		"overridden": {
			opts:       Options{Replication: 3, Duration: "3h30m"},
			statements: []string{`CREATE DATABASE "n5" WITH DURATION 30d REPLICATION 2 SHARD DURATION 12h NAME "a"`, "CREATE DATABASE n5b"},
			db:         "n5", want: "a 3h30m0s 1h0m0s 3 true\n",
			report: Report{Made: []Object{{"n5", ""}, {"n5", "a"}, {"n5b", ""}, {"n5b", "autogen"}}, Run: []string{
				`CREATE DATABASE "n5" WITH DURATION 210m REPLICATION 3 NAME "a"`, `CREATE DATABASE "n5b" WITH DURATION 210m REPLICATION 3`,
			}},
		},
		"odd names": {
			statements: []string{`CREATE DATABASE "met:rics \"1\" é;☃ 'x' ." WITH NAME "a b.\"c"`},
			db:         `met:rics "1" é;☃ 'x' .`, want: "a b.\"c 0s 168h0m0s 1 true\n",
			report: Report{
				Made: []Object{{`met:rics "1" é;☃ 'x' .`, ""}, {`met:rics "1" é;☃ 'x' .`, `a b."c`}},
				Run:  []string{`CREATE DATABASE "met:rics \"1\" é;☃ 'x' ." WITH NAME "a b.\"c"`},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := New(to, target.V1, tt.opts)
			for _, s := range tt.statements { // as several files do
				if err := c.Statements(t.Context(), []string{s}); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, policies(server, tt.db)); diff != "" {
				t.Error(diff)
			}
			got := c.Report()
			got.Notes = nil
			if tt.report.Differences == nil {
				tt.report.Differences = got.Differences
				for _, d := range got.Differences {
					if d.What != "default policy" {
						t.Errorf("difference %+v", d)
					}
				}
			}
			if diff := cmp.Diff(tt.report, got); diff != "" {
				t.Error(diff)
			}
			// Once more, as by the run that carries on: nothing is left to do.
			again := New(to, target.V1, tt.opts)
			if err := again.Statements(t.Context(), tt.statements); err != nil {
				t.Fatal(err)
			}
			if r := again.Report(); len(r.Run)+len(r.Made) > 0 {
				t.Errorf("run again: %+v", r)
			}
		})
	}
}

func TestRunRenamed(t *testing.T) {
	server := influxdtest.Start(t, influxdtest.Options{})
	server.Exec("CREATE DATABASE keep")
	m, err := importer.NewMapping([]string{"d=a:b.c", "e=a:b.c"}, []string{"d/p=q", `autogen="r"`})
	if err != nil {
		t.Fatal(err)
	}
	c := New(open(t, target.Config{URLs: []string{server.URL}}), target.V1, Options{Mapping: m})
	err = c.Statements(t.Context(), []string{
		"CREATE DATABASE d WITH NAME p",
		"CREATE DATABASE e; CREATE RETENTION POLICY p ON e DURATION 1d REPLICATION 1 DEFAULT",
		"CREATE USER u WITH PASSWORD 'x'; GRANT ALL ON \"a:b.c\" TO u",
		`CREATE CONTINUOUS QUERY c ON keep BEGIN SELECT max(v) INTO keep."autogen".n FROM m GROUP BY time(1h) END`,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "q 0s 168h0m0s 1 false\n\"r\" 0s 168h0m0s 1 false\np 24h0m0s 1h0m0s 1 true\n"
	if diff := cmp.Diff(want, policies(server, "a:b.c")); diff != "" {
		t.Error(diff)
	}
	notes := strings.Join(c.Report().Notes, "\n")
	if !strings.Contains(notes, `does not reach into this statement, which names "autogen": CREATE CONTINUOUS`) || strings.Contains(notes, "GRANT") {
		t.Errorf("notes: %s", notes)
	}
	for _, p := range []importer.Place{{Database: "a:b.c", Policy: `"r"`}, {Database: "a:b.c", Policy: "q"}, {Database: "a:b.c"}} {
		if _, err := c.Place(t.Context(), p); err != nil {
			t.Errorf("%v: %v", p, err)
		}
	}
}

func TestRunErrors(t *testing.T) {
	server := influxdtest.Start(t, influxdtest.Options{})
	to := open(t, target.Config{URLs: []string{server.URL}})
	server.Exec("CREATE DATABASE d", "CREATE USER u WITH PASSWORD 'other'")
	tests := map[string]struct {
		in   string
		want []string
	}{
		"database that is not there": { // E16
			"CREATE RETENTION POLICY p ON nope DURATION 1d REPLICATION 1", []string{`make policy "p": the target has no database "nope"`},
		},
		"what the server refuses":         {"CREATE DATABASE e WITH DURATION 1m", []string{`run CREATE DATABASE "e" WITH DURATION 1m: `, "at least 1h0m0s"}},
		"name that the server refuses":    {`CREATE DATABASE "a/b"`, []string{`run CREATE DATABASE "a/b": `, "invalid name"}},
		"grant to nobody":                 {"GRANT ALL ON d TO nobody", []string{"run GRANT ALL ON d TO nobody: ", "user not found"}},
		"unreadable":                      {"CREATE DATABASE e; CREATE DATABASE my-db", []string{"read statement CREATE DATABASE e; CREATE DATABASE my-db: ", "double quotes"}},
		"deletes":                         {"CREATE DATABASE e; DROP DATABASE d", []string{"deletes, changes or reads", "DROP DATABASE d", "by hand", "--ddl skip"}},
		"writes":                          {"CREATE DATABASE e; SELECT * INTO d.autogen.m FROM n", []string{"SELECT * INTO", "by hand"}},
		"password that the server parses": {"CREATE USER v WITH PASSWORD 'se\\'cret' WITHOUT", []string{"run CREATE USER v WITH PASSWORD <password> WITHOUT", "cannot read the statement"}},
		"password not closed":             {"CREATE USER v WITH PASSWORD 'se\\'cret", []string{"read statement CREATE USER v WITH PASSWORD <password>: a quote is not closed"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := New(to, target.V1, Options{})
			err := c.Statements(t.Context(), []string{tt.in})
			wants(t, err, tt.want...)
			if text := fmt.Sprint(err, c.Report()); strings.Contains(text, "cret") {
				t.Errorf("password is shown: %s", text)
			}
		})
	}
	if diff := cmp.Diff("autogen 0s 168h0m0s 1 true\n", policies(server, "d")); diff != "" {
		t.Error(diff)
	}
	if err := server.TryExec("SHOW RETENTION POLICIES ON e"); err == nil {
		t.Error("a statement was run beside one that could not be read or was refused")
	}

	// What exists with another text stays, and is told of.
	c := New(to, target.V1, Options{})
	if err := c.Statements(t.Context(), []string{"CREATE USER u WITH PASSWORD 'secret'", "SHOW DATABASES"}); err != nil {
		t.Fatal(err)
	}
	want := Report{
		Differences: []Difference{{What: "statement", Here: "CREATE USER u WITH PASSWORD <password>", There: "user already exists"}},
		Skipped:     []string{"SHOW DATABASES"},
	}
	got := c.Report()
	got.Notes = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPrintAndSkip(t *testing.T) {
	server := influxdtest.Start(t, influxdtest.Options{})
	to := open(t, target.Config{URLs: []string{server.URL}})
	server.Exec("CREATE DATABASE old")
	statements := []string{
		"CREATE DATABASE old WITH NAME p", "CREATE DATABASE new WITH NAME a", "CREATE DATABASE new WITH DURATION 1d NAME b",
		"CREATE USER u WITH PASSWORD 'secret'", "DROP DATABASE x",
	}
	var printed []string
	c := New(to, target.V1, Options{Mode: Print, Print: func(s string) { printed = append(printed, s) }})
	if err := c.Statements(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`CREATE RETENTION POLICY "p" ON "old" DURATION INF REPLICATION 1`, `CREATE DATABASE "new" WITH NAME "a"`,
		`CREATE RETENTION POLICY "b" ON "new" DURATION 1d REPLICATION 1`, "CREATE USER u WITH PASSWORD <password>",
	}
	if diff := cmp.Diff(want, printed); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, c.Report().Printed); diff != "" {
		t.Error(diff)
	}
	skip := New(to, target.V1, Options{Mode: Skip})
	if err := skip.Statements(t.Context(), append(statements, "gibberish '")); err != nil {
		t.Fatal(err)
	}
	if n := len(skip.Report().Skipped); n != 6 {
		t.Errorf("%d statements skipped", n)
	}
	// A dry run compares the times with what would be made.
	rehearsed := New(to, target.V1, Options{Mode: Print})
	if err := rehearsed.Plan(t.Context(), statements[:3]); err != nil {
		t.Fatal(err)
	}
	if err := rehearsed.Statements(t.Context(), statements[:3]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[:3], rehearsed.Report().Printed); diff != "" {
		t.Error(diff)
	}
	old := map[importer.Place]point.TimeRange{{Database: "new", Policy: "a"}: point.AllTime, {Database: "new", Policy: "b"}: {Min: 0, Max: 1}}
	wants(t, rehearsed.Ranges(t.Context(), old), `"new"."b"`, "all of them are too old", "--policy-duration INF")
	if !rehearsed.Finite() {
		t.Error("a policy of a day is not finite")
	}
	for _, c := range []*Checker{c, skip} {
		_, err := c.Place(t.Context(), importer.Place{Database: "new", Policy: "b"})
		wants(t, err, `the target has no database "new"`, `it has: "old"`, "--ddl run", "--map-database OLD=NEW",
			`run on the target: CREATE DATABASE "new" WITH NAME "a"; CREATE RETENTION POLICY "b" ON "new" DURATION 1d REPLICATION 1`)
		_, err = c.Place(t.Context(), importer.Place{Database: "old", Policy: "p"})
		wants(t, err, `database "old" of the target has no policy "p"`, `it has: "autogen"`, "--ddl run", "--map-retention OLD=NEW",
			`run on the target: CREATE RETENTION POLICY "p" ON "old" DURATION INF REPLICATION 1`)
	}
	server.Exec(c.Report().Printed[:3]...)
	for _, p := range []importer.Place{{Database: "new", Policy: "b"}, {Database: "old", Policy: "p"}} {
		if _, err := c.Place(t.Context(), p); err != nil {
			t.Errorf("made by hand since: %v", err)
		}
	}
}

func TestPlaces(t *testing.T) {
	server := influxdtest.Start(t, influxdtest.Options{})
	to := open(t, target.Config{URLs: []string{server.URL}})
	server.Exec("CREATE DATABASE d", `CREATE RETENTION POLICY "two weeks" ON d DURATION 14d REPLICATION 1`,
		"CREATE DATABASE bare", "DROP RETENTION POLICY autogen ON bare", "CREATE RETENTION POLICY x ON bare DURATION 1d REPLICATION 1")
	now := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	c := New(to, target.V1, Options{Now: func() time.Time { return now }})
	for name, tt := range map[string]struct {
		place importer.Place
		want  importer.Limits
	}{
		"default":  {importer.Place{Database: "d"}, importer.Limits{Oldest: math.MinInt64, Shard: 7 * 24 * time.Hour}},
		"infinite": {importer.Place{Database: "d", Policy: "autogen"}, importer.Limits{Oldest: math.MinInt64, Shard: 7 * 24 * time.Hour}},
		"finite": {importer.Place{Database: "d", Policy: "two weeks"}, importer.Limits{
			Oldest: now.Add(-14 * 24 * time.Hour).UnixNano(), Policy: `"two weeks" keeps 14d`, Shard: 24 * time.Hour,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.Place(t.Context(), tt.place)
			if err != nil || got != tt.want {
				t.Errorf("%+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
	for name, tt := range map[string]struct {
		place importer.Place
		want  []string
	}{
		"no name":     {importer.Place{}, []string{"belong to no database", "--database"}},
		"no database": {importer.Place{Database: "n", Policy: "p"}, []string{`no database "n"`, `it has: "bare", "d"`, `CREATE DATABASE "n" WITH NAME "p"`, "--map-database"}},
		"no policy":   {importer.Place{Database: "d", Policy: "p"}, []string{`no policy "p"`, `it has: "autogen", "two weeks"`, `CREATE RETENTION POLICY "p" ON "d" DURATION INF REPLICATION 1`}},
		"no default":  {importer.Place{Database: "bare"}, []string{"no default policy", `it has: "x"`, "--retention NAME", `ALTER RETENTION POLICY "x" ON "bare" DEFAULT`}},
		"unsayable":   {importer.Place{Database: "a\rb"}, []string{`InfluxQL cannot say the name`, "--map-database"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Place(t.Context(), tt.place)
			wants(t, err, tt.want...)
			_, err = c.NeedsRanges(t.Context(), []importer.Place{tt.place})
			wants(t, err, tt.want...)
		})
	}
}

func TestRanges(t *testing.T) {
	server := influxdtest.Start(t, influxdtest.Options{})
	to := open(t, target.Config{URLs: []string{server.URL}})
	server.Exec("CREATE DATABASE d", "CREATE RETENTION POLICY two_weeks ON d DURATION 14d REPLICATION 1")
	now := time.Date(2026, 11, 22, 20, 10, 0, 0, time.UTC)
	opts := Options{Now: func() time.Time { return now }}
	days := func(from, to int) point.TimeRange {
		return point.TimeRange{Min: now.AddDate(0, 0, -from).UnixNano(), Max: now.AddDate(0, 0, -to).UnixNano()}
	}
	finite, infinite, coming := importer.Place{Database: "d", Policy: "two_weeks"}, importer.Place{Database: "d"}, importer.Place{Database: "n", Policy: "p"}
	plan := []string{"CREATE DATABASE n WITH DURATION 7d NAME p"}

	type ranges = map[importer.Place]point.TimeRange
	for name, tt := range map[string]struct {
		in   ranges
		want []string // nothing: no error
	}{
		"infinite":  {ranges{infinite: days(9000, 0)}, nil},
		"kept":      {ranges{finite: days(14, 0), coming: days(7, 0)}, nil},
		"no points": {ranges{finite: point.NoTime}, nil},
		"too old": {ranges{finite: days(20, 0)}, []string{
			`"d"."two_weeks"`, "oldest point:  2026-11-02T20:10:00Z", "a part of them", `"two_weeks" keeps 14d, at present from 2026-11-08T20:10:00Z on`,
			"--map-retention", `ALTER RETENTION POLICY "two_weeks" ON "d" DURATION INF`, "--start 2026-11-08T22:00:00Z", "--force",
		}},
		"all too old": {ranges{finite: days(20, 15)}, []string{"all of them are too old"}},
		"planned":     {ranges{coming: days(8, 0)}, []string{`"n"."p"`, `"p" keeps 7d`, "--policy-duration INF"}},
		"both":        {ranges{coming: days(8, 0), finite: days(20, 0)}, []string{`"n"."p"`, `"d"."two_weeks"`}},
	} {
		t.Run(name, func(t *testing.T) {
			c := New(to, target.V1, opts)
			if err := c.Plan(t.Context(), plan); err != nil {
				t.Fatal(err)
			}
			err := c.Ranges(t.Context(), tt.in)
			if tt.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wants(t, err, tt.want...)
			forced := opts
			forced.Force = true
			c = New(to, target.V1, forced)
			if err := c.Plan(t.Context(), plan); err != nil {
				t.Fatal(err)
			}
			if err := c.Ranges(t.Context(), tt.in); err != nil || len(c.Report().Notes) != len(tt.in) {
				t.Errorf("with --force: %v, notes %q", err, c.Report().Notes)
			}
		})
	}

	c := New(to, target.V1, opts)
	if err := c.Plan(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		place importer.Place
		want  bool
	}{{infinite, false}, {finite, true}, {coming, true}} {
		if got, err := c.NeedsRanges(t.Context(), []importer.Place{tt.place}); err != nil || got != tt.want {
			t.Errorf("%v needs ranges: %v, %v", tt.place, got, err)
		}
	}
	if err := server.TryExec("SHOW RETENTION POLICIES ON n"); err == nil {
		t.Fatal("a plan made something")
	}
	// Without a plan it is not there, and once made it keeps what it keeps.
	if err := c.Statements(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	wants(t, c.Ranges(t.Context(), ranges{coming: days(8, 0)}), `ALTER RETENTION POLICY "p" ON "n" DURATION INF`)
	longer := opts
	longer.Duration = "INF"
	server.Exec("DROP DATABASE n")
	c = New(to, target.V1, longer)
	if err := c.Plan(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	if err := c.Ranges(t.Context(), ranges{coming: days(8000, 0)}); err != nil {
		t.Error(err)
	}
	longer.Duration = "2 weeks"
	wants(t, New(to, target.V1, longer).Plan(t.Context(), plan), "--policy-duration", "is no duration")
}

func TestRights(t *testing.T) {
	server := influxdtest.Start(t, influxdtest.Options{Auth: true})
	server.Exec("CREATE DATABASE w", "CREATE DATABASE r", "CREATE RETENTION POLICY p ON w DURATION 1d REPLICATION 1",
		"CREATE USER bob WITH PASSWORD 'bob'", "GRANT WRITE ON w TO bob", "GRANT READ ON r TO bob")
	bob := open(t, target.Config{URLs: []string{server.URL}, Username: "bob", Password: "bob"})

	c := New(bob, target.V1, Options{})
	if err := c.Statements(t.Context(), []string{"CREATE DATABASE w WITH NAME p", "CREATE DATABASE w"}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Place(t.Context(), importer.Place{Database: "w", Policy: "p"}); err != nil || got.Oldest != math.MinInt64 {
		t.Errorf("a user who may only write: %+v, %v", got, err)
	}
	if notes := strings.Join(c.Report().Notes, "\n"); !strings.Contains(notes, "could not be checked") {
		t.Errorf("notes: %s", notes)
	}
	if err := c.Plan(t.Context(), []string{"CREATE DATABASE w WITH DURATION 1d NAME p"}); err != nil || c.Finite() {
		t.Errorf("plan for a database that cannot be looked at: %v, finite %v", err, c.Finite())
	}
	if needed, err := c.NeedsRanges(t.Context(), []importer.Place{{Database: "w", Policy: "p"}}); needed || err != nil {
		t.Errorf("needs ranges that say nothing: %v, %v", needed, err)
	}
	for name, tt := range map[string]struct {
		db, policy string
		want       []string
	}{
		"reads only": {"r", "", []string{`"bob" user is not authorized to write`, `GRANT WRITE ON "r" TO`}},
		"no policy":  {"w", "q", []string{`no policy "q"`, `CREATE RETENTION POLICY "q" ON "w"`}},
		"no place":   {"n", "q", []string{`no database "n"`, `it has: "r", "w"`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Place(t.Context(), importer.Place{Database: tt.db, Policy: tt.policy})
			wants(t, err, tt.want...)
		})
	}
	wants(t, c.Statements(t.Context(), []string{"CREATE DATABASE n"}), `run CREATE DATABASE "n"`, "requires admin privilege", "administrator", "--ddl skip")
	wants(t, c.Statements(t.Context(), []string{"CREATE DATABASE w WITH NAME q"}), `run CREATE RETENTION POLICY "q" ON "w"`, "requires admin privilege")
	wants(t, c.Statements(t.Context(), []string{"CREATE USER eve WITH PASSWORD 'secret'"}), "CREATE USER eve WITH PASSWORD <password>", "requires admin")

	wrong := New(open(t, target.Config{URLs: []string{server.URL}, Username: "bob", Password: "wrong"}), target.V1, Options{})
	_, err := wrong.Place(t.Context(), importer.Place{Database: "w"})
	wants(t, err, "401", "authorization failed")
}

// All that exports of the recorded volumes hold can be run, and makes what the
// metastore says.
func TestRecordedVolumes(t *testing.T) {
	server := influxdtest.Start(t, influxdtest.Options{})
	to := open(t, target.Config{URLs: []string{server.URL}})
	var statements []string
	for _, name := range volumeNames(t) {
		data := readMeta(t, name)
		for i := range data.Databases {
			db := &data.Databases[i]
			m := *db
			m.Name = name + ":" + db.Name // they share names
			statements = append(statements, meta.CreateDatabase(&m).Statements...)
		}
	}
	c := New(to, target.V1, Options{})
	if err := c.Statements(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	if r := c.Report(); len(r.Differences) > 0 || len(r.Run) != len(statements) {
		t.Errorf("%d statements, report %+v", len(statements), r)
	}
	for _, name := range volumeNames(t) {
		data := readMeta(t, name)
		for i := range data.Databases {
			db := &data.Databases[i]
			var want strings.Builder
			for _, p := range db.Policies {
				fmt.Fprintln(&want, p.Name, p.Duration, p.ShardDuration, p.Replication, p.Name == db.DefaultPolicy)
			}
			if diff := cmp.Diff(sortLines(want.String()), sortLines(policies(server, name+":"+db.Name))); diff != "" {
				t.Errorf("%s, %q: %s", name, db.Name, diff)
			}
		}
	}
}
