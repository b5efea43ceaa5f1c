// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// What is exported comes back whole through the stock client into an empty server:
// values, policies and all. What that client cannot carry is left out, see importable.
func TestRoundTripOfRecordedVolumes(t *testing.T) {
	influxdtest.Require(t)
	for _, name := range testvolume.Names(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := testvolume.Open(t, name)
			var dbs []string
			for _, row := range v.Meta["SHOW DATABASES"] {
				if db, _ := row["name"].(string); db != "_internal" && importable(db, v.Want) {
					dbs = append(dbs, db)
				}
			}
			if len(dbs) == 0 {
				t.Fatal("influx -import can carry none of the databases: choose another volume")
			}
			original := policies{}
			for _, db := range dbs {
				original[db] = v.Meta["SHOW RETENTION POLICIES ON "+influxdtest.Ident(db)]
			}
			for _, c := range []exporter.Compression{exporter.None, exporter.Gzip} {
				t.Run(string(c), func(t *testing.T) { roundTrip(t, v.Dir, c, dbs, v.Want, original) })
			}
		})
	}
}

// So do databases that lived through random histories.
func TestRoundTripOfRandomHistories(t *testing.T) {
	influxdtest.Require(t)
	seed, count := random(t, 20)
	w := newWave(t, seed, min(count, perServer), true)
	w.live()
	dir, want := w.compare()
	var dbs []string
	original := policies{}
	for _, l := range w.lives {
		// Where shard groups overlap, a time can have two values, and no line protocol both.
		if importable(l.db, want) && !l.overlapping {
			dbs = append(dbs, l.db)
			original[l.db] = showRows(w.server, "SHOW RETENTION POLICIES ON "+l.ident())
		}
	}
	if len(dbs) == 0 {
		t.Fatalf("influx -import can carry only %q", dbs)
	}
	w.server.Kill()
	for _, c := range []exporter.Compression{exporter.None, exporter.Gzip} {
		t.Run(string(c), func(t *testing.T) { roundTrip(t, dir, c, dbs, want, original) })
	}
}

// importable reports whether `influx -import` can carry a database. It reads line by
// line, so it damages strings that hold line feeds; it takes a database's name only
// up to a colon, and blanks off its ends.
func importable(db string, values []lpjudge.Value) bool {
	if strings.Contains(db, ":") || strings.TrimSpace(db) != db {
		return false
	}
	return !slices.ContainsFunc(values, func(v lpjudge.Value) bool {
		return v.DB == db && (strings.Contains(v.RP, ":") || strings.TrimSpace(v.RP) != v.RP ||
			strings.ContainsAny(v.Val+v.Field, "\n") || strings.Contains(v.Series, `\n`))
	})
}

// policies are rows of SHOW RETENTION POLICIES of each database.
type policies map[string][]map[string]any

// roundTrip exports the databases of a volume, imports them into an empty server and
// compares what that one answers.
func roundTrip(t *testing.T, dir string, c exporter.Compression, dbs []string, want []lpjudge.Value, original policies) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.lp")
	toFile(t, dir, out, compressed(c), only(t, dbs...))
	s := influxdtest.Start(t, influxdtest.Options{})
	finite := original.finite()
	if len(finite) > 0 {
		// A server takes no point that is older than its policy keeps, so whoever
		// restores old points makes the policies first and lets them keep all for a while.
		_, report := read(t, out)
		s.Exec(report.DDL...)
		comparePolicies(t, s, original)
	}
	for _, p := range finite {
		s.Exec(p.alter + "INF")
	}
	log := s.Import(out, c == exporter.Gzip)
	for _, p := range finite {
		s.Exec(p.alter + p.duration)
	}
	comparePolicies(t, s, original)
	var got []lpjudge.Value
	for _, db := range dbs {
		got = append(got, dump(t, s, db)...)
	}
	compare(t, "import", slices.DeleteFunc(slices.Clone(want), func(v lpjudge.Value) bool { return !slices.Contains(dbs, v.DB) || !shown(v) }), got)
	if t.Failed() {
		t.Logf("influx -import said:\n%s", log)
	}
}

// finitePolicy is a policy that does not keep points for ever.
type finitePolicy struct {
	alter    string // the statement that gives it another duration, but for that
	duration string
}

func (p policies) finite() []finitePolicy {
	var all []finitePolicy
	for db, rows := range p {
		for _, row := range rows {
			if row["duration"] != "0s" {
				alter := "ALTER RETENTION POLICY " + influxdtest.Ident(fmt.Sprint(row["name"])) + " ON " + influxdtest.Ident(db) + " DURATION "
				all = append(all, finitePolicy{alter, fmt.Sprint(row["duration"])})
			}
		}
	}
	return all
}

// comparePolicies fails where the policies of the server differ from the original's.
func comparePolicies(t *testing.T, s *influxdtest.Server, original policies) {
	t.Helper()
	for db, want := range original {
		got := fmt.Sprint(byName(showRows(s, "SHOW RETENTION POLICIES ON "+influxdtest.Ident(db))))
		if diff := cmp.Diff(fmt.Sprint(byName(want)), got); diff != "" {
			t.Errorf("policies of %q (-original +imported):\n%s", db, diff)
		}
	}
}

func byName(rows []map[string]any) []map[string]any {
	return slices.SortedFunc(slices.Values(rows), func(a, b map[string]any) int {
		return strings.Compare(fmt.Sprint(a["name"]), fmt.Sprint(b["name"]))
	})
}

// only exports the named databases.
func only(t *testing.T, dbs ...string) setting {
	t.Helper()
	var spec filter.Spec
	for _, db := range dbs {
		spec.Databases = append(spec.Databases, filter.Quote(db))
	}
	sel, err := filter.New(spec, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return func(o *exporter.Options) { o.Selection = sel }
}

// showRows gives the rows of a SHOW statement as testvolume does.
func showRows(s *influxdtest.Server, statement string) []map[string]any {
	return influxdtest.Rows(s.Query("", statement))
}
