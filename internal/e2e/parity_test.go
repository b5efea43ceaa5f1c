// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/faultproxy"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// What the tools in use do wrong when they import, each under its number in the list of
// reproduced defects, is right here.
func TestParity(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	for name, test := range map[string]func(*parity){
		"E1 no line feed at the end":                (*parity).noLineFeed,
		"E4 colon in a database's name":             (*parity).colon,
		"E5 strings over several lines":             (*parity).multiLine,
		"E6 overwritten in one file and in several": (*parity).overwritten,
		"E12 two policies and a continuous query":   (*parity).policies,
		"E15 one answer of 503":                     (*parity).unavailable,
		"E16 DDL that fails":                        (*parity).failingDDL,
		"E17 the command of the guide":              (*parity).guide,
		"E17 a file without headers":                (*parity).headerless,
		"E18 points that are too old":               (*parity).tooOld,
		"23 several databases in one file":          (*parity).severalDatabases,
		"46 the command line names the database":    (*parity).commandLineWins,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&parity{desk: newDesk(t), server: s, db: strings.ReplaceAll(name, " ", "_")})
		})
	}
}

type parity struct {
	*desk
	server *influxdtest.Server
	db     string
}

// to gives a command line for the server.
func (p *parity) to(args ...string) []string { return append(args, "--url", p.server.URL, "--quiet") }

// holds compares a database with a text.
func (p *parity) holds(db, rp, text string) {
	p.t.Helper()
	compare(p.t, db, valuesOf(p.t, text, db, rp), slices.DeleteFunc(dump(p.t, p.server, db), policyOtherThan(rp)))
}

// header begins a file as influx -import wants it.
func header(db, rp string, ddl ...string) string {
	return "# DDL\n" + strings.Join(append(ddl, ""), "\n") + "# DML\n# CONTEXT-DATABASE:" + db + "\n# CONTEXT-RETENTION-POLICY:" + rp + "\n"
}

func (p *parity) create(db string) string { return "CREATE DATABASE " + influxdtest.Ident(db) }

func (p *parity) noLineFeed() {
	text := "m f=1 1\nm f=2 2\nm f=3 3"
	p.ends(exitDone, p.to("import", p.file("in.lp", header(p.db, "autogen", p.create(p.db))+text))...)
	p.holds(p.db, "autogen", text)
}

func (p *parity) colon() {
	const made = "# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z\n" // where blanks count
	for _, db := range []string{p.db + "a:b", p.db + ":", " " + p.db, p.db + " ", p.db + "ö:☃"} {
		p.ends(exitDone, p.to("import", p.file("in.lp", made+header(db, "autogen", p.create(db))+"m f=1 1\n"))...)
		p.holds(db, "autogen", "m f=1 1\n")
	}
	for _, series := range p.server.Query("", "SHOW DATABASES") {
		for _, row := range series.Values {
			if row[0] == p.db+"a" || row[0] == p.db {
				p.t.Errorf("there is a database %q", row[0])
			}
		}
	}
}

func (p *parity) multiLine() {
	var b strings.Builder
	for i := range 600 {
		fmt.Fprintf(&b, "m,h=%d s=\"line0\nline1\n# hash line\n\n# DML\n# CONTEXT-DATABASE:elsewhere\nx f=1 %d\n# DDL\nDROP DATABASE y\" %d\n", i%3, i, i)
	}
	p.ends(exitDone, p.to("import", p.file("in.lp", header(p.db, "autogen", p.create(p.db))+b.String()), "--batch-points", "7")...)
	p.holds(p.db, "autogen", b.String())
}

// overwritten writes one point three times, with a file of its own for each: what comes
// back is the last, from an export, through a replay, and from text with all three.
func (p *parity) overwritten() {
	source := influxdtest.Start(p.t, influxdtest.Options{})
	source.Exec(p.create(p.db))
	all := ""
	for i := range 3 {
		line := fmt.Sprintf("m,h=a f=%d,g%d=%d 1600000000000000000\n", i, i, i)
		source.Write(p.db, "", line)
		source.Flush(p.db)
		all += line
	}
	want := dump(p.t, source, p.db)
	source.Stop()
	toFile(p.t, source.Dir, filepath.Join(p.dir, "out.lp"), oneField)
	p.ends(exitDone, p.to("import", "out.lp")...)
	compare(p.t, "import", want, dump(p.t, p.server, p.db))
	p.server.Exec("DROP DATABASE " + influxdtest.Ident(p.db))
	p.ends(exitDone, p.to("replay", source.Dir)...)
	compare(p.t, "replay", want, dump(p.t, p.server, p.db))
	p.server.Exec("DROP DATABASE "+influxdtest.Ident(p.db), p.create(p.db))
	p.ends(exitDone, p.to("import", p.file("all.lp", strings.Repeat(all, 50)), "--database", p.db, "--concurrency", "8", "--batch-points", "1")...)
	compare(p.t, "import of all", want, dump(p.t, p.server, p.db))
}

// policies exports two policies and a query, and makes the policies again as they were.
func (p *parity) policies() {
	source := influxdtest.Start(p.t, influxdtest.Options{})
	ident := influxdtest.Ident(p.db)
	source.Exec("CREATE DATABASE "+ident+` WITH DURATION 3000d REPLICATION 1 SHARD DURATION 30d NAME "main"`,
		`CREATE RETENTION POLICY "other" ON `+ident+` DURATION 4000d REPLICATION 1 SHARD DURATION 7d`,
		`CREATE CONTINUOUS QUERY "cq" ON `+ident+` BEGIN SELECT mean(f) INTO other.m FROM main.m GROUP BY time(1h) END`)
	now := time.Now().UnixNano()
	source.Write(p.db, "main", fmt.Sprintf("m f=1 %d\n", now))
	source.Write(p.db, "other", fmt.Sprintf("m f=2 %d\n", now))
	want, original := dump(p.t, source, p.db), policies{p.db: showRows(source, "SHOW RETENTION POLICIES ON "+ident)}
	source.Stop()
	toFile(p.t, source.Dir, filepath.Join(p.dir, "out.lp.gz"), compressed(exporter.Gzip))
	if text := strings.Join(readDDL(p.t, filepath.Join(p.dir, "out.lp.gz")), "\n"); strings.Contains(text, "CONTINUOUS") {
		p.t.Errorf("DDL: %s", text)
	}
	for _, way := range []string{"import", "replay"} {
		input := "out.lp.gz"
		if way == "replay" {
			input = source.Dir
		}
		p.ends(exitDone, p.to(way, input)...)
		compare(p.t, way, want, dump(p.t, p.server, p.db))
		comparePolicies(p.t, p.server, original)
		p.server.Exec("DROP DATABASE " + ident)
	}
}

func readDDL(t *testing.T, path string) []string {
	t.Helper()
	_, report := read(t, path)
	return report.DDL
}

func (p *parity) unavailable() {
	p.server.Exec(p.create(p.db))
	proxy := faultproxy.Start(p.t, faultproxy.Options{Upstream: p.server.URL})
	proxy.Requests(faultproxy.Writes(faultproxy.Answer(http.StatusServiceUnavailable, "later\n", "Retry-After: 1")))
	var b strings.Builder
	for i := range 12_000 {
		fmt.Fprintf(&b, "m,h=%d f=%d %d\n", i%10, i, i)
	}
	p.ends(exitDone, "import", p.file("in.lp", b.String()), "--database", p.db, "--url", proxy.URL, "--quiet", "--compress-requests", "on")
	p.holds(p.db, "autogen", b.String())
	n := 0
	for _, e := range proxy.Events() {
		if e.Write >= 0 {
			n++
			if e.Encoding != "gzip" {
				p.t.Errorf("request %d came as %q", e.N, e.Encoding)
			}
		}
	}
	if n < 2 || proxy.Faults() != 1 {
		p.t.Errorf("%d requests, %d faults", n, proxy.Faults())
	}
}

func (p *parity) failingDDL() {
	for _, statement := range []string{
		`CREATE RETENTION POLICY "x" ON "` + p.db + `_missing" DURATION INF REPLICATION 1`,
		`CREATE DATABASE "` + p.db + `" WITH DURATION 1m NAME "short"`, // less than the server takes
		`CREATE DATABSE "x"`,
	} {
		r := p.ends(exitFailed, p.to("import", p.file("in.lp", header(p.db, "autogen", p.create(p.db), statement)+"m f=1 1\n"))...)
		if r.err == "" {
			p.t.Errorf("%s: it says nothing", statement)
		}
	}
}

// guide is the command of the guide, next to an export with the usual name, and the flags
// of influx. Its default URL may be anybody's, so the test names another.
func (p *parity) guide() {
	text := "m f=1 1\nm f=2 2\n"
	export := filepath.Join(p.dir, "shardlift-export.lp.gz")
	source := influxdtest.Start(p.t, influxdtest.Options{})
	source.Exec(p.create(p.db))
	source.Write(p.db, "", text)
	source.Stop()
	toFile(p.t, source.Dir, export, compressed(exporter.Gzip))
	host, port, _ := strings.Cut(strings.TrimPrefix(p.server.URL, "http://"), ":")
	at := []string{"-host", host, "-port", port}
	p.ends(exitDone, append([]string{"import", "-database", p.db, "-compress"}, at...)...)
	p.holds(p.db, "autogen", text)
	p.server.Exec("DROP DATABASE " + influxdtest.Ident(p.db))
	p.ends(exitDone, append([]string{"import", "-import", "-path=" + export, "-compressed", "-precision=ns", "-consistency=any", "-pps=100000"}, at...)...)
	p.holds(p.db, "autogen", text)
	seconds := p.file("seconds.lp", "m f=7 1600000000\n")
	p.ends(exitDone, append([]string{"import", "-path", seconds, "-precision", "s", "-database", p.db}, at...)...)
	p.holds(p.db, "autogen", text+"m f=7 1600000000000000000\n")
	empty := newDesk(p.t)
	r := empty.run(append([]string{"import", "-database", p.db, "-compress"}, at...)...)
	if r.code == exitDone || !strings.Contains(r.err, "shardlift-export.lp") {
		p.t.Errorf("with nothing there: exit code %d, %q", r.code, r.err)
	}
}

func (p *parity) headerless() {
	text := "m f=1 1\nm f=2 2\n"
	path := p.file("in.lp", text)
	r := p.run(p.to("import", path)...)
	if r.code == exitDone || !strings.Contains(r.err, "--database") {
		p.t.Errorf("without a database: exit code %d, %q", r.code, r.err)
	}
	r = p.ends(exitFailed, p.to("import", path, "--database", p.db)...)
	r.says(p.t, "CREATE DATABASE") // nobody said what it should be like
	p.server.Exec(p.create(p.db))
	p.ends(exitDone, p.to("import", path, "--database", p.db)...)
	p.holds(p.db, "autogen", text)
}

func (p *parity) tooOld() {
	ident := influxdtest.Ident(p.db)
	p.server.Exec("CREATE DATABASE " + ident + ` WITH DURATION 30d REPLICATION 1 NAME "month"`)
	young := fmt.Sprintf("m f=1 %d\nm f=2 %d\n", time.Now().UnixNano(), time.Now().Add(-time.Hour).UnixNano())
	path := p.file("in.lp", "m f=3 1\nm f=4 1556668800000000000\n"+young)
	r := p.ends(exitFailed, p.to("import", path, "--database", p.db)...)
	r.says(p.t, "--force", "--retention", "30d")
	p.holds(p.db, "month", "")
	r = p.ends(exitFaults, p.to("import", path, "--database", p.db, "--force")...)
	p.holds(p.db, "month", young)
	if got := p.rejected("in.lp.rejects.lp"); !slices.Equal(got, []string{"m f=3 1", "m f=4 1556668800000000000"}) {
		p.t.Errorf("rejects %q; it says %q", got, r.err)
	}
	// They fit another policy.
	p.server.Exec(`CREATE RETENTION POLICY "ever" ON ` + ident + ` DURATION INF REPLICATION 1`)
	p.ends(exitDone, p.to("import", "in.lp.rejects.lp", "--retention", "ever")...)
	p.holds(p.db, "ever", "m f=3 1\nm f=4 1556668800000000000\n")
}

func (p *parity) severalDatabases() {
	text := "# DDL\n" + p.create(p.db+"1") + "\n" + p.create(p.db+"2") + "\n# DML\n"
	want := map[string]string{}
	for i := range 600 {
		db := fmt.Sprint(p.db, 1+i%2)
		line := fmt.Sprintf("m f=%d %d\n", i, i)
		text += "# CONTEXT-DATABASE: " + db + "\n# CONTEXT-RETENTION-POLICY: autogen\n" + line
		want[db] += line
	}
	p.ends(exitDone, p.to("import", p.file("in.lp", text), "--batch-points", "10")...)
	for db, text := range want {
		p.holds(db, "autogen", text)
	}
}

func (p *parity) commandLineWins() {
	path := p.file("in.lp", header(p.db, "autogen", p.create(p.db))+"m f=1 1\n")
	p.ends(exitDone, p.to("import", path, "--map-database", p.db+"="+p.db+"_new")...)
	p.holds(p.db+"_new", "autogen", "m f=1 1\n")
	if diff := cmp.Diff(0, len(dumpIfThere(p))); diff != "" {
		p.t.Errorf("the old database was written to: %s", diff)
	}
}

// dumpIfThere gives what a database holds that may be missing.
func dumpIfThere(p *parity) []string {
	var found []string
	for _, series := range p.server.Query("", "SHOW DATABASES") {
		for _, row := range series.Values {
			if row[0] == p.db {
				found = append(found, p.db)
			}
		}
	}
	return found
}

// policyOtherThan knows the values of other policies.
func policyOtherThan(rp string) func(lpjudge.Value) bool {
	return func(v lpjudge.Value) bool { return v.RP != rp }
}
