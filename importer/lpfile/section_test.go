// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/importer"
)

func TestSections(t *testing.T) {
	const export = "# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z\n"
	tests := map[string]struct {
		text             string
		database, policy string
		want             out
	}{
		"an export of influx_inspect": {
			text: export + "# DDL\nCREATE DATABASE db WITH NAME rp\n# DML\n# CONTEXT-DATABASE:db\n# CONTEXT-RETENTION-POLICY:rp\n" +
				"# writing tsm data\nm,host=a f=0 1\nm,host=a i=0i 2\n# writing wal data\nm f=1 3\n",
			want: out{
				Statements: []string{"CREATE DATABASE db WITH NAME rp"},
				Points:     []string{"db.rp 8: m,host=a f=0 1", "db.rp 9: m,host=a i=0i 2", "db.rp 11: m f=1 3"},
			},
		},
		"E1: no line feed at the end": {
			text: "m f=1 1\nm f=2 2\nm f=3 3", database: "db",
			want: out{Points: []string{"db. 1: m f=1 1", "db. 2: m f=2 2", "db. 3: m f=3 3"}},
		},
		"E4: a colon in the name": {
			text: "# DML\n# CONTEXT-DATABASE:a:b\n# CONTEXT-RETENTION-POLICY:r::p\nm f=1 1\n",
			want: out{Points: []string{"a:b.r::p 4: m f=1 1"}},
		},
		"E5: strings of many lines": {
			text: "# DML\n# CONTEXT-DATABASE:db\nm f=\"line0\nline1\n# hash line\n\n# CONTEXT-DATABASE:other\n# DDL\n\" 1\nm f=2 2\n",
			want: out{Points: []string{"db. 3: m f=\"line0\nline1\n# hash line\n\n# CONTEXT-DATABASE:other\n# DDL\n\" 1", "db. 10: m f=2 2"}},
		},
		"E17: no header": {
			text: "m f=1 1\n", database: "db", policy: "rp",
			want: out{Points: []string{"db.rp 1: m f=1 1"}},
		},
		"comments, but no sections": {
			text: "# made by hand\n\n  \nm f=1 1\n#m f=2 2\n", database: "db",
			want: out{Points: []string{"db. 4: m f=1 1"}},
		},
		"a rejects file": {
			text: importer.RejectsHeader + "0a1b\n# DML\n# CONTEXT-DATABASE: d \n# CONTEXT-RETENTION-POLICY:\n# a.lp:1: why\nm f=1 1\n",
			want: out{Points: []string{" d . 6: m f=1 1"}},
		},
		"context, but no sections": {
			text: "# CONTEXT-DATABASE: db\nm f=1 1\n",
			want: out{Points: []string{"db. 2: m f=1 1"}},
		},
		"statements without a header": {
			text: "CREATE DATABASE \"d b\"\n\ncreate retention policy p on d duration 1d replication 1\r\n# DML\n# CONTEXT-DATABASE:d\nm f=1 1\n",
			want: out{
				Statements: []string{`CREATE DATABASE "d b"`, "create retention policy p on d duration 1d replication 1"},
				Points:     []string{"d. 6: m f=1 1"},
			},
		},
		"statements that look like points": {
			text: "DROP SERIES FROM \"a=1\"\nSHOW x=1\n# DML\nm f=1 1", database: "db",
			want: out{Statements: []string{`DROP SERIES FROM "a=1"`, "SHOW x=1"}, Points: []string{"db. 4: m f=1 1"}},
		},
		"points that look like statements": {
			text: "create database=1 1\nSET,x=y f=1 2\nshow f=\"a b\"\n", database: "db",
			want: out{Points: []string{"db. 1: create database=1 1", "db. 2: SET,x=y f=1 2", `db. 3: show f="a b" 0`}},
		},
		"names by hand": {
			text: "# DML\n# CONTEXT-DATABASE: NOAA water \r\n# CONTEXT-RETENTION-POLICY:\t autogen\nm f=1 1\n",
			want: out{Points: []string{"NOAA water.autogen 4: m f=1 1"}},
		},
		"names in exports are exact": {
			text: export + "# DML\n# CONTEXT-DATABASE: d \n# CONTEXT-RETENTION-POLICY:p\t\nm f=1 1\n",
			want: out{Points: []string{" d .p\t 5: m f=1 1"}},
		},
		"a name that is no UTF-8": {
			text: "# DML\n# CONTEXT-DATABASE:\xff\nm f=1 1\n",
			want: out{Points: []string{"\xff. 3: m f=1 1"}},
		},
		"places change": {
			text:   "# DML\n# CONTEXT-DATABASE:a\n# CONTEXT-RETENTION-POLICY:p\nm f=1 1\n# CONTEXT-DATABASE:b\nm f=1 1\n# CONTEXT-RETENTION-POLICY:q\nm f=1 1\n# CONTEXT-RETENTION-POLICY:\nm f=1 1\n",
			policy: "dflt",
			want:   out{Points: []string{"a.p 4: m f=1 1", "b.p 6: m f=1 1", "b.q 8: m f=1 1", "b.dflt 10: m f=1 1"}},
		},
		"the context wins": {
			text: "# CONTEXT-DATABASE:a\nm f=1 1\n", database: "db", policy: "rp",
			want: out{Points: []string{"a.rp 2: m f=1 1"}},
		},
		"two exports, one behind the other": {
			text: strings.Repeat(export+"# DDL\nCREATE DATABASE d\n# DML\n# CONTEXT-DATABASE:d\n# CONTEXT-RETENTION-POLICY:p\nm f=1 1\n", 2),
			want: out{
				Statements: []string{"CREATE DATABASE d", "CREATE DATABASE d"},
				Points:     []string{"d.p 7: m f=1 1", "d.p 14: m f=1 1"},
			},
		},
		"an export forgets the context before": {
			text: "# CONTEXT-DATABASE:d\n# CONTEXT-RETENTION-POLICY:p\nm f=1 1\n" + export + "m f=2 2\n", database: "db",
			want: out{Points: []string{"d.p 3: m f=1 1", "db. 5: m f=2 2"}},
		},
		"a byte order mark": {
			text: "\ufeff# DML\n# CONTEXT-DATABASE:d\nm f=1 1\n",
			want: out{Points: []string{"d. 3: m f=1 1"}},
		},
		"nothing":              {text: ""},
		"only blanks":          {text: " \n\t\n"},
		"only a header":        {text: export + "# DDL\n# DML\n"},
		"only statements":      {text: "# DDL\nCREATE DATABASE d", want: out{Statements: []string{"CREATE DATABASE d"}}},
		"nobody names a place": {text: "# DML\nm f=1 1\n", want: out{Err: "stdin, line 2: nothing says which database the points belong to; name it with --database"}},
		"points in the first of two": {
			text: "# CONTEXT-DATABASE:d\nm f=1 1\n" + export + "m f=2 2\n",
			want: out{Points: []string{"d. 2: m f=1 1"}, Err: "stdin, line 4: nothing says which database the points belong to; name it with --database"},
		},
		"points among statements": {
			text: "# DDL\nCREATE DATABASE d\nm f=1 1\n", database: "d",
			want: out{
				Statements: []string{"CREATE DATABASE d"},
				Err:        `stdin, line 3: "m f=1 1" stands in the DDL section and is no statement; points need a line "# DML" in front of them`,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := stdin(tt.text)
			cfg.Database, cfg.Policy = tt.database, tt.policy
			if diff := cmp.Diff(tt.want, read(t, cfg)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// E5 at its size: 600 points with strings of nine lines, and small batches.
func TestManyLinesInStrings(t *testing.T) {
	var text strings.Builder
	var want out
	for i := range 600 {
		p := fmt.Sprintf("m f=\"line0\n# line1%s\" %d", strings.Repeat("\nline", 7), i)
		text.WriteString(p + "\n")
		want.Points = append(want.Points, fmt.Sprintf("db. %d: %s", 1+9*i, p))
	}
	cfg := stdin(text.String())
	cfg.Database, cfg.BatchPoints = "db", 7
	if diff := cmp.Diff(want, read(t, cfg)); diff != "" {
		t.Error(diff)
	}
}

func TestMapping(t *testing.T) {
	m, err := importer.NewMapping([]string{"a=x"}, []string{"a/p=q"})
	if err != nil {
		t.Fatal(err)
	}
	cfg := stdin("# DDL\nCREATE DATABASE a\n# DML\n# CONTEXT-DATABASE:a\n# CONTEXT-RETENTION-POLICY:p\nm f=1 1\nbad\n# CONTEXT-DATABASE:b\nm f=1 1\n")
	cfg.Mapping = m
	r := open(t, cfg)
	o, batches := drain(t, r)
	want := out{
		Statements: []string{"CREATE DATABASE a"}, // the guard maps those
		Points:     []string{"x.q 6: m f=1 1", "b.p 9: m f=1 1"},
		Rejects:    o.Rejects,
	}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
	if place := batches[0].Rejects[0].Place; place != (importer.Place{Database: "x", Policy: "q"}) {
		t.Errorf("the reject belongs to %s", place)
	}
}

// Statements are to be run before the points behind them, and after those before.
func TestStatementsEndBatches(t *testing.T) {
	cfg := stdin("# CONTEXT-DATABASE:d\nm f=1 1\n# DDL\nCREATE DATABASE e\n# DML\nm f=2 2\n")
	_, batches := drain(t, open(t, cfg))
	var got []string
	for _, b := range batches {
		got = append(got, fmt.Sprintf("%q %q", b.Statements, b.Text))
	}
	want := []string{`[] "m f=1 1\n"`, `["CREATE DATABASE e"] "m f=2 2\n"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
