// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// mixed is an input with points that a server refuses for one reason and another, spread
// over points that it takes.
type mixed struct {
	text    string // of all
	good    string
	refused map[string][]string // by the reason
}

// newMixed makes such an input. The server has to know a field "conflict" of measurement m
// as a string, may hold 30 values of tag "wide", and keeps points of the last thousand weeks.
func newMixed(points int) mixed {
	x := mixed{refused: map[string][]string{}}
	var all, good strings.Builder
	bad := func(reason, line string) {
		x.refused[reason] = append(x.refused[reason], line)
		all.WriteString(line + "\n")
	}
	for i := range points {
		at := monday2020 + int64(i)*1e9
		line := fmt.Sprintf("m,host=h%d f=%d,s=\"conflict=1 %d\" %d\n", i%5, i, i, at)
		switch {
		case i%487 == 3:
			bad("conflict", fmt.Sprintf("m,host=h%d f=%d,conflict=%d %d", i%5, i, i, at))
		case i%491 == 5:
			bad("unparsable", fmt.Sprintf("m,host=h%d f=%dx %d", i%5, i, at))
		case i%499 == 7:
			bad("old", fmt.Sprintf("m,host=h%d f=%d %d", i%5, i, int64(i))) // of 1970
		case i%1200 == 950:
			bad("hundred", fmt.Sprintf("m%s f=%d %d", hundredTags(), i, at))
		case i%251 == 11:
			line = fmt.Sprintf("w,wide=v%03d f=%d %d\n", i/251%20, i, at) // twenty of thirty
		}
		if i%487 != 3 && i%491 != 5 && i%499 != 7 && i%1200 != 950 {
			all.WriteString(line)
			good.WriteString(line)
		}
	}
	x.text, x.good = all.String(), good.String()
	return x
}

func hundredTags() string {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, ",t%02d=v", i)
	}
	return b.String()
}

func (x mixed) all() []string {
	var all []string
	for _, lines := range x.refused {
		all = append(all, lines...)
	}
	slices.Sort(all)
	return all
}

// newMixedServer runs a server that refuses what is to be refused.
func newMixedServer(t *testing.T, dbs ...string) *influxdtest.Server {
	t.Helper()
	s := influxdtest.Start(t, influxdtest.Options{Set: map[string]string{"data.max-values-per-tag": "30"}})
	for _, db := range dbs {
		s.Exec(fmt.Sprintf(`CREATE DATABASE %q WITH DURATION 1000w REPLICATION 1 SHARD DURATION 52w NAME "kept"`, db))
		s.Write(db, "", fmt.Sprintf("m,host=first conflict=\"text\" %d\n", monday2020))
	}
	return s
}

// stored gives what the server holds beside what newMixedServer wrote.
func (x mixed) stored(t *testing.T, s *influxdtest.Server, db string) []lpjudge.Value {
	t.Helper()
	return slices.DeleteFunc(dump(t, s, db), func(v lpjudge.Value) bool { return v.Series == "m,host=first" })
}

// Of thousands of points in one request, exactly those that the server refuses end in the
// rejects file, each with a reason and the place where it stood; all others are stored. The
// file can be imported again where its points fit.
func TestMixedRejects(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	x := newMixed(5000)
	for reason, lines := range x.refused {
		if len(lines) < 3 {
			t.Fatalf("only %d points for %q", len(lines), reason)
		}
	}
	s := newMixedServer(t, "one batch", "many", "replayed")
	for db, more := range map[string][]string{
		"one batch": {"--batch-points", "10000", "--batch-bytes", "16MiB"},
		"many":      {"--batch-points", "300", "--concurrency", "4"},
	} {
		t.Run(db, func(t *testing.T) {
			d := newDesk(t)
			path := d.file("in.lp", x.text)
			args := append([]string{"import", path, "--url", s.URL, "--database", db, "--force", "--json", "--quiet"}, more...)
			r := d.ends(exitFaults, args...)
			compare(t, db, valuesOf(t, x.good, db, "kept"), x.stored(t, s, db))
			got := d.rejected("in.lp.rejects.lp")
			slices.Sort(got)
			if diff := cmp.Diff(x.all(), got); diff != "" {
				t.Errorf("rejects (-want +got):\n%.3000s", diff)
			}
			if r.summary.Stored != int64(strings.Count(x.good, "\n")) || r.summary.Rejected != int64(len(x.all())) {
				t.Errorf("the summary tells %d stored and %d rejected", r.summary.Stored, r.summary.Rejected)
			}
			x.reasons(t, d.text("in.lp.rejects.lp"))
			x.again(t, d, db)
		})
	}
}

// reasons looks at the comments of a rejects file: each tells the line and why.
func (x mixed) reasons(t *testing.T, text string) {
	t.Helper()
	number := map[string]int{}
	for i, line := range strings.Split(x.text, "\n") {
		number[line] = i + 1
	}
	why := map[string]string{"conflict": "conflict", "old": "retention policy", "unparsable": "", "hundred": ""}
	lines := strings.Split(text, "\n")
	for reason, refused := range x.refused {
		for _, line := range refused {
			i := slices.Index(lines, line)
			if i < 1 {
				continue // told already
			}
			if where := fmt.Sprintf("in.lp:%d", number[line]); !strings.Contains(lines[i-1], where) || !strings.Contains(lines[i-1], why[reason]) {
				t.Errorf("%s: the comment is %q, and lacks %q or %q", reason, lines[i-1], where, why[reason])
			}
		}
	}
}

// again imports the rejects file into a server where all that can be parsed fits.
func (x mixed) again(t *testing.T, d *desk, db string) {
	t.Helper()
	fresh := influxdtest.Start(t, influxdtest.Options{})
	defer fresh.Kill()
	fresh.Exec(`CREATE DATABASE "one batch"`, `CREATE DATABASE "many"`)
	d.ends(exitFaults, "import", "in.lp.rejects.lp", "--url", fresh.URL, "--rejects", "second.lp", "--quiet")
	var fit strings.Builder
	for _, reason := range []string{"conflict", "old"} {
		fit.WriteString(strings.Join(x.refused[reason], "\n") + "\n")
	}
	compare(t, "the rejects in "+db, valuesOf(t, fit.String(), db, "autogen"), dump(t, fresh, db))
	want := slices.Sorted(slices.Values(slices.Concat(x.refused["unparsable"], x.refused["hundred"])))
	got := d.rejected("second.lp")
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rejects of the rejects (-want +got):\n%.2000s", diff)
	}
}

// Without --force nothing is written when points are older than the policy keeps, and the
// error tells what to do.
func TestTooOldIsToldBefore(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := newMixedServer(t, "db")
	x := newMixed(2000)
	d := newDesk(t)
	r := d.ends(exitFailed, "import", d.file("in.lp", x.text), "--url", s.URL, "--database", "db", "--quiet")
	r.says(t, "--force", "--retention", "1970")
	if got := x.stored(t, s, "db"); len(got) != 0 {
		t.Errorf("%d values were written", len(got))
	}
}

// Limits of the index: which points are refused depends on which came first and in what
// company, but each is either stored or in the rejects file.
func TestIndexLimits(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	var b strings.Builder
	for i := range 400 {
		fmt.Fprintf(&b, "w,wide=v%03d f=%d %d\n", i%80, i, monday2020+int64(i))
	}
	text := b.String()
	for name, set := range map[string]map[string]string{
		"values of a tag": {"data.max-values-per-tag": "30"},
		"series":          {"data.max-series-per-database": "30"},
	} {
		t.Run(name, func(t *testing.T) {
			s := influxdtest.Start(t, influxdtest.Options{Set: set})
			s.Exec(`CREATE DATABASE "db"`)
			d := newDesk(t)
			// Of several requests at a time, none sees what the others add.
			d.ends(exitFaults, "import", d.file("in.lp", text), "--url", s.URL, "--database", "db", "--quiet", "--concurrency", "1", "--batch-points", "20")
			rejects, stored := d.rejected("in.lp.rejects.lp"), dump(t, s, "db")
			if len(rejects) < 100 || len(stored) < 100 {
				t.Errorf("%d points were rejected and %d stored", len(rejects), len(stored))
			}
			compare(t, "stored and rejected", valuesOf(t, text, "db", "autogen"), append(stored, valuesOf(t, strings.Join(rejects, "\n")+"\n", "db", "autogen")...))
			if n := strings.Count(d.text("in.lp.rejects.lp"), "limit exceeded"); n != len(rejects) {
				t.Errorf("%d of %d reasons tell of a limit", n, len(rejects))
			}
		})
	}
}

// A run that is plainly wrong is stopped, and what was refused by then is kept.
func TestMaxRejects(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "db"`)
	s.Write("db", "", fmt.Sprintf("m f=\"text\" %d\n", monday2020))
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, "m f=%d %d\n", i, monday2020+int64(i))
	}
	d := newDesk(t)
	args := []string{"import", d.file("in.lp", b.String()), "--url", s.URL, "--database", "db", "--quiet", "--batch-points", "100", "--concurrency", "1"}
	r := d.ends(exitFailed, append(args, "--max-rejects", "150")...)
	r.says(t, "refused")
	if n := len(d.rejected("in.lp.rejects.lp")); n <= 150 || n > 400 {
		t.Errorf("%d points stand in the rejects file", n)
	}
	// The same command without the limit finishes, and has each point once.
	d.ends(exitFaults, args...)
	got := d.rejected("in.lp.rejects.lp")
	if diff := cmp.Diff(strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n"), got); diff != "" {
		t.Errorf("rejects (-want +got):\n%.2000s", diff)
	}
	s.Exec(`CREATE DATABASE "other"`, `CREATE DATABASE "third"`)
	clean := newDesk(t)
	clean.ends(exitFaults, "import", clean.file("in.lp", "m f=1 1\nm f=x 2\nm f=y 3\n"), "--url", s.URL, "--database", "other", "--quiet", "--max-rejects", "2")
	clean.ends(exitFailed, "import", clean.file("in.lp", "m f=1 1\nm f=x 2\nm f=y 3\n"), "--url", s.URL, "--database", "third", "--quiet", "--max-rejects", "1")
}

// A rejects file that is there already is added to, never replaced: it may hold the only
// copy of what it names.
func TestRejectsAreAddedTo(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "db"`)
	d := newDesk(t)
	d.file("in.lp.rejects.lp", "# mine: why\nmine f=1 1") // no line feed
	d.ends(exitFaults, "import", d.file("in.lp", "m f=1 1\nm f=x 2\n"), "--url", s.URL, "--database", "db", "--quiet")
	d.ends(exitFaults, "import", d.file("in.lp", "m f=y 3\n"), "--url", s.URL, "--database", "db", "--quiet")
	if got := d.rejected("in.lp.rejects.lp"); !slices.Equal(got, []string{"mine f=1 1", "m f=x 2", "m f=y 3"}) {
		t.Errorf("rejects %q", got)
	}
}
