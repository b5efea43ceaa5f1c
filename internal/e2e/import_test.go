// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// recorded is a volume, and a server that it goes into again and again.
type recorded struct {
	*desk
	volume testvolume.Volume
	server *influxdtest.Server
	dbs    []string
	want   []lpjudge.Value
}

func newRecorded(t *testing.T, name string) *recorded {
	t.Helper()
	r := &recorded{desk: newDesk(t), volume: testvolume.Open(t, name), server: influxdtest.Start(t, influxdtest.Options{})}
	for _, v := range r.volume.Want {
		if v.DB == "_internal" || !shown(v) {
			continue
		}
		r.want = append(r.want, v)
		if !slices.Contains(r.dbs, v.DB) {
			r.dbs = append(r.dbs, v.DB)
		}
	}
	return r
}

// check compares what the server holds with the recorded answers.
func (r *recorded) check(what string) {
	r.t.Helper()
	var got []lpjudge.Value
	for _, db := range r.dbs {
		got = append(got, dump(r.t, r.server, db)...)
	}
	compare(r.t, what, r.want, got)
}

// drop drops every database.
func (r *recorded) drop() {
	r.t.Helper()
	for _, series := range r.server.Query("", "SHOW DATABASES") {
		for _, row := range series.Values {
			r.server.Exec("DROP DATABASE " + influxdtest.Ident(fmt.Sprint(row[0])))
		}
	}
}

// into gives a command line that writes to the server. Policies are made to keep all,
// for the recorded points are old.
func (r *recorded) into(command string, args ...string) []string {
	return append([]string{command, "--url", r.server.URL, "--quiet", "--policy-duration", "INF"}, args...)
}

// Every recorded volume, exported in every form and imported into an empty server, makes
// it answer as the recorded one did; so does a replay. Nor does it matter whether the
// server has the points already, or half of them.
func TestImportOfRecordedVolumes(t *testing.T) {
	influxdtest.Require(t)
	for _, name := range testvolume.Names(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRecorded(t, name)
			plain := filepath.Join(r.dir, "plain.lp")
			toFile(t, r.volume.Dir, plain, only(t, r.dbs...))
			r.ends(exitDone, r.into("import", plain)...)
			r.check("import")
			r.ends(exitDone, r.into("import", plain, "--concurrency", "8", "--batch-points", "50")...)
			r.check("import once more")

			r.drop()
			r.half(plain)
			gz := filepath.Join(r.dir, "form.lp.gz")
			toFile(t, r.volume.Dir, gz, only(t, r.dbs...), compressed(exporter.Gzip), oneField)
			r.ends(exitDone, r.into("import", gz, "--concurrency", "8", "--batch-points", "100")...)
			r.check("import of one field per line on top of half of the points")

			r.drop()
			dir := filepath.Join(r.dir, "shards")
			if _, err := run(t, r.volume.Dir, exporter.Output{Dir: dir}, compressed(exporter.Zstd), only(t, r.dbs...),
				func(o *exporter.Options) { o.Format.Split = exporter.SplitShard }); err != nil {
				t.Fatal(err)
			}
			r.ends(exitDone, r.into("import", dir, "--compress-requests", "on")...)
			r.check("import of a directory")
			r.ends(exitDone, r.into("replay", r.volume.Dir)...)
			r.check("replay on top of all points")

			r.drop()
			r.ends(exitDone, r.into("replay", r.volume.Dir, "--concurrency", "4", "--batch-points", "77")...)
			r.check("replay")
			if left := r.checkpoints(); len(left) > 0 {
				t.Errorf("checkpoints %q are left", left)
			}
		})
	}
}

// half writes every second point of an export into databases that are made for it.
func (r *recorded) half(export string) {
	r.t.Helper()
	_, report := read(r.t, export)
	for _, statement := range report.DDL {
		r.server.Exec(forEver(statement))
	}
	n := 0
	var lines []string
	for _, v := range r.want {
		odd := strings.ContainsAny(v.Series, "\\\"' ") || strings.ContainsAny(v.Field, "\\\"' ,=") || strings.ContainsAny(v.Val, "\"\\\n\x00")
		if n++; n%2 == 0 || odd || v.Type == lpjudge.Unsigned {
			continue
		}
		value := v.Val
		switch v.Type {
		case lpjudge.Integer:
			value += "i"
		case lpjudge.String:
			value = `"` + value + `"`
		case lpjudge.Float, lpjudge.Boolean, lpjudge.Unsigned:
		}
		lines = append(lines, fmt.Sprintf("%s\x00%s\x00%s %s=%s %d\n", v.DB, v.RP, v.Series, v.Field, value, v.Time))
	}
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(place(a), place(b)) })
	for len(lines) > 0 {
		at, count := place(lines[0]), 0
		var text strings.Builder
		for count < len(lines) && count < 2000 && place(lines[count]) == at {
			text.WriteString(lines[count][len(at):])
			count++
		}
		db, rp, _ := strings.Cut(strings.TrimSuffix(at, "\x00"), "\x00")
		r.server.Write(db, rp, text.String())
		lines = lines[count:]
	}
}

// place is the beginning of a line of half.
func place(line string) string { return line[:strings.LastIndexByte(line, 0)+1] }

// forEver makes a statement of an export make a policy that keeps all.
func forEver(statement string) string {
	fields := strings.Split(statement, " DURATION ")
	for i := 1; i < len(fields); i++ {
		if !strings.HasSuffix(fields[i-1], "SHARD") {
			_, rest, _ := strings.Cut(fields[i], " ")
			fields[i] = "INF " + rest
		}
	}
	return strings.Join(fields, " DURATION ")
}

// Points that a file holds several times end with what it says last, however many
// requests are under way.
func TestLastOneWins(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	var one, many strings.Builder
	const points, versions = 500, 12
	for version := range versions {
		for i := range points {
			fmt.Fprintf(&one, "m,h=%d f=%di %d\n", i%3, version*1000+i, monday2020+int64(i))
			// Fields apart, as influx_inspect writes them, and versions close together.
			fmt.Fprintf(&many, "n,h=%d f=%di %d\nn,h=%d g=%d %d\n", i%3, version, monday2020+int64(i%50), i%3, version*1000+i, monday2020+int64(i%50))
		}
	}
	for name, text := range map[string]string{"blocks": one.String(), "close": many.String(), "both": one.String() + many.String() + one.String()} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			path := d.file("in.lp", text)
			for _, batch := range []string{"7", "50", "400"} {
				db := name + batch
				s.Exec("CREATE DATABASE " + influxdtest.Ident(db))
				d.ends(exitDone, "import", path, "--url", s.URL, "--database", db, "--concurrency", "8", "--batch-points", batch, "--quiet")
				compare(t, db, lastOf(valuesOf(t, text, db, "autogen")), dump(t, s, db))
			}
		})
	}
}

// lastOf gives what a server shows after all those writes.
func lastOf(written []lpjudge.Value) []lpjudge.Value {
	latest := map[lpjudge.Value]lpjudge.Value{}
	for _, v := range written {
		at := v
		at.Val, at.Type = "", 0
		latest[at] = v
	}
	return slices.Collect(maps.Values(latest))
}

// What a run tells is true.
func TestSummaryCounts(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "db"`)
	d := newDesk(t)
	path := d.file("in.lp", sample(2500)+"m f= 1\n")
	r := d.ends(exitFaults, "import", path, "--url", s.URL, "--database", "db", "--batch-points", "1000", "--concurrency", "1", "--json", "--quiet")
	got := r.summary
	want := summary{ExitCode: exitFaults, Points: 2501, Stored: 2500, Rejected: 1, Requests: got.Requests}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if got.Requests < 3 || got.Requests > 6 { // three, and what it takes to find the bad one
		t.Errorf("%d requests", got.Requests)
	}
	compare(t, "import", valuesOf(t, sample(2500), "db", "autogen"), dump(t, s, "db"))
}

// A server that takes only small bodies gets all of it in small ones.
func TestSmallBodies(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{MaxBody: 5000})
	s.Exec(`CREATE DATABASE "db"`, `CREATE DATABASE "db2"`)
	d := newDesk(t)
	text := sample(3000)
	huge := fmt.Sprintf("m f=1,s=\"%s\" %d\n", strings.Repeat("x", 8000), monday2020+1)
	path := d.file("in.lp", text+huge)
	args := []string{"import", path, "--url", s.URL, "--quiet", "--compress-requests", "off"}
	d.ends(exitFaults, append(args, "--database", "db")...)
	compare(t, "import", valuesOf(t, text, "db", "autogen"), dump(t, s, "db"))
	if got := d.rejected("in.lp.rejects.lp"); !slices.Equal(got, []string{strings.TrimSuffix(huge, "\n")}) {
		t.Errorf("rejects %.200q", got)
	}
	// As gzip the point is small enough.
	d.ends(exitDone, "import", path, "--url", s.URL, "--quiet", "--compress-requests", "on", "--database", "db2")
	compare(t, "import as gzip", valuesOf(t, text+huge, "db2", "autogen"), dump(t, s, "db2"))
}
