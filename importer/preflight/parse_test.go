// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/importer"
)

func TestParse(t *testing.T) {
	tests := map[string]struct {
		in   string
		want []string // as they are printed again
	}{
		"nothing": {" ;; \n", nil},
		"plain":   {"CREATE DATABASE d", []string{`CREATE DATABASE "d"`}},
		"keywords in any case": {"create Database D with duration inf", []string{
			`CREATE DATABASE "D" WITH DURATION INF`,
		}},
		"all of a database": {`CREATE DATABASE "d" WITH DURATION 30d REPLICATION 2 SHARD DURATION 1d NAME "p"`, []string{
			`CREATE DATABASE "d" WITH DURATION 30d REPLICATION 2 SHARD DURATION 1d NAME "p"`,
		}},
		"any order": {`CREATE DATABASE d WITH NAME p SHARD DURATION 1d REPLICATION 2 DURATION 30d`, []string{
			`CREATE DATABASE "d" WITH DURATION 30d REPLICATION 2 SHARD DURATION 1d NAME "p"`,
		}},
		"name only":      {"CREATE DATABASE d WITH NAME autogen", []string{`CREATE DATABASE "d" WITH NAME "autogen"`}},
		"no shards said": {"CREATE DATABASE d WITH SHARD DURATION INF", []string{`CREATE DATABASE "d"`}},
		"if not exists":  {"CREATE DATABASE IF NOT EXISTS d;", []string{`CREATE DATABASE "d"`}},
		"keyword as name": {"CREATE DATABASE default WITH NAME duration", []string{
			`CREATE DATABASE "default" WITH NAME "duration"`,
		}},
		"policy": {`CREATE RETENTION POLICY "p" ON "d" DURATION 0s REPLICATION 1`, []string{
			`CREATE RETENTION POLICY "p" ON "d" DURATION INF REPLICATION 1`,
		}},
		"all of a policy": {"create retention policy p on d duration 1h30m replication 3 shard duration 1h default", []string{
			`CREATE RETENTION POLICY "p" ON "d" DURATION 90m REPLICATION 3 SHARD DURATION 1h DEFAULT`,
		}},
		"write limits are left out": {"CREATE RETENTION POLICY p ON d DURATION 1d REPLICATION 1 FUTURE LIMIT 1h PAST LIMIT 2h DEFAULT", []string{
			`CREATE RETENTION POLICY "p" ON "d" DURATION 1d REPLICATION 1 DEFAULT`,
		}},
		"several on a line": {`CREATE DATABASE "a;b"; CREATE DATABASE c /* ; */;CREATE DATABASE d -- ; CREATE DATABASE e`, []string{
			`CREATE DATABASE "a;b"`, `CREATE DATABASE "c"`, `CREATE DATABASE "d"`,
		}},
		"blanks, no blanks": {"CREATE\tDATABASE\r\n\"x\"WITH\nDURATION 1h\n", []string{`CREATE DATABASE "x" WITH DURATION 1h`}},
		"names": {`CREATE DATABASE "a:b"; CREATE DATABASE "met:rics \"1\" é"; CREATE DATABASE "a/b.c\\d"; CREATE DATABASE " "; CREATE DATABASE "it\'s\n"`, []string{
			`CREATE DATABASE "a:b"`, `CREATE DATABASE "met:rics \"1\" é"`, `CREATE DATABASE "a/b.c\\d"`, `CREATE DATABASE " "`, `CREATE DATABASE "it's\n"`,
		}},
		"names of policies": {`CREATE RETENTION POLICY "a b" ON "c;d" DURATION 2w REPLICATION 1`, []string{
			`CREATE RETENTION POLICY "a b" ON "c;d" DURATION 14d REPLICATION 1`,
		}},
		"others as they stand": {
			`CREATE CONTINUOUS QUERY "c" ON "d" BEGIN SELECT mean("v") INTO "m;2" FROM /a;"b/ WHERE x =~ /';/ AND y > 4/2 GROUP BY time(1h) END ; ` +
				`create user u with password 'a;\'b'; GRANT ALL ON d TO u;CREATE SUBSCRIPTION s ON d.p DESTINATIONS ALL 'udp://h:1'`,
			[]string{
				`CREATE CONTINUOUS QUERY "c" ON "d" BEGIN SELECT mean("v") INTO "m;2" FROM /a;"b/ WHERE x =~ /';/ AND y > 4/2 GROUP BY time(1h) END`,
				`create user u with password 'a;\'b'`, `GRANT ALL ON d TO u`, `CREATE SUBSCRIPTION s ON d.p DESTINATIONS ALL 'udp://h:1'`,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			list, err := parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range list {
				got = append(got, s.text())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseClasses(t *testing.T) {
	tests := map[string]class{
		"SHOW DATABASES":                        ask,
		"drop database d":                       refuse,
		"DELETE FROM m":                         refuse,
		"ALTER RETENTION POLICY p ON d DEFAULT": refuse,
		"KILL QUERY 1":                          refuse,
		"REVOKE ALL ON d FROM u":                refuse,
		"SET PASSWORD FOR u = 'x'":              refuse,
		"SELECT * INTO a FROM b":                refuse,
		"SELECT * FROM b":                       refuse,
		"EXPLAIN ANALYZE SELECT * FROM b":       refuse,
		"GRANT READ ON d TO u":                  createOther,
	}
	for in, want := range tests {
		t.Run(in, func(t *testing.T) {
			list, err := parse(in)
			if err != nil || len(list) != 1 || list[0].class != want {
				t.Errorf("%+v, %v; want class %d", list, err, want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"empty database":       {"CREATE DATABASE", "found the end where the database has its name"},
		"empty name":           {`CREATE DATABASE ""`, `the database cannot be called ""`},
		"single quotes":        {"CREATE DATABASE 'd'", "found a text in single quotes where the database has its name"},
		"bare name with minus": {"CREATE DATABASE my-db", `found "-" behind the name, which has to stand in double quotes`},
		"bare name with point": {"CREATE RETENTION POLICY p ON a.b DURATION 1d REPLICATION 1", `found "." where an option`},
		"umlaut":               {"CREATE DATABASE é", `found "é" where the database`},
		"quote not closed":     {`CREATE DATABASE "d`, "a quote is not closed"},
		"quote over two lines": {"CREATE DATABASE \"d\ne\"", "a quote is not closed"},
		"quote ends escaped":   {`CREATE DATABASE "d\`, "a quote is not closed"},
		"escape":               {`CREATE DATABASE "d\x"`, "unknown escape"},
		"comment":              {"CREATE DATABASE d /* e", "a comment is not closed"},
		"not UTF-8":            {"CREATE DATABASE \"\xff\"", "not UTF-8"},
		"zero byte":            {"CREATE DATABASE \"a\x00\"", "cannot be called"},
		"carriage return":      {"CREATE DATABASE \"a\rb\"", "cannot be called"},
		"nothing behind WITH":  {"CREATE DATABASE d WITH", "found the end"},
		"unknown option":       {"CREATE DATABASE d WITH SIZE 3", `found "SIZE"`},
		"option twice":         {"CREATE DATABASE d WITH DURATION 1d DURATION 1d", "DURATION stands twice"},
		"no duration":          {"CREATE DATABASE d WITH DURATION", "found the end where a duration"},
		"bare number":          {"CREATE DATABASE d WITH DURATION 0", `"0" is no duration`},
		"unit in capitals":     {"CREATE DATABASE d WITH DURATION 1H", `"1H" is no duration`},
		"fraction":             {"CREATE DATABASE d WITH DURATION 1.5h", `"1.5h" is no duration`},
		"glued":                {"CREATE DATABASE d WITH DURATION 1hREPLICATION 1", `"1hREPLICATION" is no duration`},
		"negative":             {"CREATE DATABASE d WITH DURATION -1h", `found "-"`},
		"too long":             {"CREATE DATABASE d WITH DURATION 99999999999w", "is too long"},
		"sum too long":         {"CREATE DATABASE d WITH DURATION 9223372036854775807ns1ns", "is too long"},
		"digits too many":      {"CREATE DATABASE d WITH DURATION 9223372036854775808ns", "is too long"},
		"no copies":            {"CREATE DATABASE d WITH REPLICATION 0", `"0" is no number of copies`},
		"too many copies":      {"CREATE DATABASE d WITH REPLICATION 2147483648", "is no number of copies"},
		"policy without all":   {"CREATE RETENTION POLICY p ON d DURATION 1d", "DURATION and REPLICATION are needed"},
		"policy without ON":    {"CREATE RETENTION POLICY p d", `found "d" where ON should stand`},
		"DEFAULT of database":  {"CREATE DATABASE d WITH DURATION 1d DEFAULT", `found "DEFAULT"`},
		"line protocol":        {"cpu,host=a v=1 1", "no statement that makes anything"},
		"use":                  {"USE d", "no statement that makes anything"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestParseDuration(t *testing.T) {
	tests := map[string]string{
		"INF": "INF", "inf": "INF", "0s": "INF", "0h5h": "5h", "007h": "7h", "1w2d": "9d", "7200000000µ": "2h", "1μ": "1u",
		"1u": "1u", "1ms": "1ms", "3600s": "1h", "1ns": "1ns", "106751d": "106751d",
	}
	for in, want := range tests {
		t.Run(in, func(t *testing.T) {
			d, err := ParseDuration(in)
			s := statement{class: createDatabase, database: "d", attributes: attributes{duration: d, hasDuration: true}}
			if got := strings.TrimPrefix(s.text(), `CREATE DATABASE "d" WITH DURATION `); err != nil || got != want {
				t.Errorf("%s, %v; want %s", got, err, want)
			}
		})
	}
	if _, err := ParseDuration(""); err == nil {
		t.Error("an empty text is a duration")
	}
}

func TestRename(t *testing.T) {
	tests := map[string]struct {
		databases, policies []string
		in, want            string
	}{
		"database": {[]string{"d=new"}, nil, "CREATE DATABASE d", `CREATE DATABASE "new"`},
		"policy of any": {
			nil,
			[]string{"p=q"},
			"CREATE RETENTION POLICY p ON d DURATION 1d REPLICATION 1",
			`CREATE RETENTION POLICY "q" ON "d" DURATION 1d REPLICATION 1`,
		},
		"policy of one":     {[]string{"d=new"}, []string{"d/p=q"}, "CREATE DATABASE d WITH NAME p", `CREATE DATABASE "new" WITH NAME "q"`},
		"policy of another": {nil, []string{"e/p=q"}, "CREATE DATABASE d WITH NAME p", `CREATE DATABASE "d" WITH NAME "p"`},
		"one not named":     {nil, []string{"autogen=q"}, "CREATE DATABASE d", `CREATE DATABASE "d" WITH NAME "q"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := importer.NewMapping(tt.databases, tt.policies)
			if err != nil {
				t.Fatal(err)
			}
			list, err := parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := list[0].rename(m).text(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// Statements are shown to people and stored in reports.
func TestShown(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"nothing to hide":      {"CREATE DATABASE \"d\"\n", "CREATE DATABASE \"d\" "},
		"password":             {"CREATE USER u WITH PASSWORD 'se;\\'cret' WITH ALL PRIVILEGES", "CREATE USER u WITH PASSWORD <password> WITH ALL PRIVILEGES"},
		"lower case":           {"create user u with password'secret'", "create user u with password <password>"},
		"not closed":           {"CREATE USER u WITH PASSWORD 'secret", "CREATE USER u WITH PASSWORD <password>"},
		"other quotes":         {`CREATE USER u WITH PASSWORD "secret"`, "CREATE USER u WITH PASSWORD <password>"},
		"without quotes":       {`CREATE USER u WITH PASSWORD secret`, "CREATE USER u WITH PASSWORD <password>"},
		"quote in the middle":  {"CREATE USER u WITH PASSWORD 'se'cret' x", "CREATE USER u WITH PASSWORD <password>"},
		"two texts":            {"CREATE USER u WITH PASSWORD 'x' 'secret'", "CREATE USER u WITH PASSWORD <password>"},
		"misspelt":             {"CREATE USER u WITH PASSWORDS 'secret", "CREATE USER u WITH PASSWORD <password>"},
		"set":                  {"SET PASSWORD FOR u = 'secret'", "SET PASSWORD <password>"},
		"address":              {"CREATE SUBSCRIPTION s ON d.p DESTINATIONS ALL 'http://u:secret@h:1', 'http://h:2'", "CREATE SUBSCRIPTION s ON d.p DESTINATIONS ALL 'http://<login>@h:1', 'http://h:2'"},
		"address with quote":   {`CREATE SUBSCRIPTION s ON d.p DESTINATIONS ALL 'http://u:se\'cret@h'`, "CREATE SUBSCRIPTION s ON d.p DESTINATIONS ALL 'http://<login>@h'"},
		"address with a query": {"CREATE SUBSCRIPTION s ON d.p DESTINATIONS ANY 'http://h/?u=a&p=secret'", "CREATE SUBSCRIPTION s ON d.p DESTINATIONS ANY 'http://h/?u=a&p=<secret>'"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := shown(tt.in); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	if got := excerpt(strings.Repeat("é", 1000)); len(got) > 310 || !strings.HasSuffix(got, "é …") {
		t.Errorf("excerpt %q", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`CREATE DATABASE "a;b" WITH DURATION 1h30m REPLICATION 2 SHARD DURATION 1h NAME "p\"\\\n"; SHOW x`,
		"CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1 FUTURE LIMIT 1h DEFAULT -- x\n;/* y */",
		"CREATE USER u WITH PASSWORD 'a\\'b'", "SELECT 1/2/3 FROM /x\\/;/", "CREATE DATABASE \"\\", "--", "/*", "1µ", "\xff",
		"GRANT ALL ON d TO u;CREATE SUBSCRIPTION s ON d.p DESTINATIONS ALL 'http://u:p@h'",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if s := shown(in); strings.Contains(s, "\n") {
			t.Errorf("%q is shown on several lines: %q", in, s)
		}
		list, err := parse(in)
		if err != nil {
			return
		}
		for _, s := range list {
			text := s.text()
			again, err := parse(text)
			if err != nil || len(again) != 1 || again[0].text() != text || again[0].class != s.class {
				t.Fatalf("%q is printed as %q, which is read as %+v, %v", in, text, again, err)
			}
			got := again[0]
			got.raw, got.tokens, got.explicit = s.raw, s.tokens, s.explicit
			s.future, s.past = 0, 0
			if diff := cmp.Diff(s, got, cmp.AllowUnexported(statement{}, attributes{}, token{})); diff != "" {
				t.Errorf("%q is printed as %q: %s", in, text, diff)
			}
		}
	})
}
