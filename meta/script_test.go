// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func scriptText(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		if l.Comment {
			b.WriteString("-- ")
		}
		b.WriteString(l.Text + "\n")
	}
	return b.String()
}

func everything(string) bool { return true }

func TestScript(t *testing.T) {
	d := &Data{
		Databases: []Database{
			{
				Name: "a", DefaultPolicy: "p",
				Policies: []Policy{
					{
						Name: "p", Duration: 24 * time.Hour, ShardDuration: time.Hour, Replication: 1,
						Subscriptions: []Subscription{
							{Name: "k", Mode: "ANY", Destinations: []string{"udp://h:1", "udp://h:2"}},
							{Name: "gone", Mode: "ALL"},
							{Name: "\xff", Mode: "ALL", Destinations: []string{"udp://h:1"}},
						},
					},
					{Name: "q", Replication: 2, PastWriteLimit: time.Hour},
				},
				ContinuousQueries: []ContinuousQuery{
					{Name: "c", Query: "CREATE CONTINUOUS QUERY c ON a\nBEGIN SELECT mean(f) INTO m FROM n END"},
					{Name: "x", Query: "DROP DATABASE a"},
				},
			},
			{Name: "b", Policies: nil},
		},
		Users: []User{
			{Name: "root", Admin: true, HasHash: true},
			{Name: "r", Privileges: []Privilege{{"a", ReadAccess}, {"b", AllAccess}, {"a", NoAccess}}},
			{Name: ""},
		},
	}
	const forA = `-- write limits, to be set after the import: ALTER RETENTION POLICY "q" ON "a" PAST LIMIT 1h
CREATE DATABASE "a" WITH DURATION 1d REPLICATION 1 SHARD DURATION 1h NAME "p"
CREATE RETENTION POLICY "q" ON "a" DURATION INF REPLICATION 2
`
	const restA = `CREATE SUBSCRIPTION "k" ON "a"."p" DESTINATIONS ANY 'udp://h:1', 'udp://h:2'
-- subscription "gone" on "a"."p" has no destination
-- InfluxQL cannot say the names of subscription "\xff" on "a"."p"
CREATE CONTINUOUS QUERY c ON a BEGIN SELECT mean(f) INTO m FROM n END
-- continuous query "x" on "a" is not run as it stands: DROP DATABASE a
-- users: no metastore tells a password; put one in each gap and take the dashes off
-- CREATE USER "root" WITH PASSWORD <password> WITH ALL PRIVILEGES;
-- CREATE USER "r" WITH PASSWORD <password>;
-- GRANT READ ON "a" TO "r";
`
	const lastUser = `-- InfluxQL cannot say the user name ""
`
	want := forA + `-- database "b" has no policies: the server makes its own
CREATE DATABASE "b"
` + restA + `-- GRANT ALL ON "b" TO "r";
` + lastUser
	if diff := cmp.Diff(want, scriptText(Script(d, everything))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got := Script(d, func(db string) bool { return db == "a" })
	if diff := cmp.Diff(forA+restA+lastUser, scriptText(got)); diff != "" {
		t.Errorf("only a (-want +got)\n%s", diff)
	}
	var objects []string
	for _, l := range got {
		if !l.Comment {
			objects = append(objects, l.Object)
		}
	}
	wantObjects := []string{
		`CREATE DATABASE "a"`, `CREATE RETENTION POLICY "q" ON "a"`, `CREATE SUBSCRIPTION "k" ON "a"."p"`, `CREATE CONTINUOUS QUERY c ON a`,
	}
	if diff := cmp.Diff(wantObjects, objects); diff != "" {
		t.Errorf("objects (-want +got)\n%s", diff)
	}
	if lines := Script(&Data{}, everything); len(lines) > 0 {
		t.Errorf("an empty metastore makes %v", lines)
	}
}

// What a damaged or made up metastore gives as a continuous query never becomes another
// statement.
func TestContinuousQueriesAreNothingElse(t *testing.T) {
	const good = `CREATE CONTINUOUS QUERY "c q" ON db RESAMPLE EVERY 10m FOR 2h BEGIN SELECT mean(f) AS f INTO db.p."m \" m" FROM db.p.m WHERE host != 'a\'b' AND x =~ /^a/ GROUP BY time(1h), * END`
	for text, want := range map[string]bool{
		good: true, "create continuous query c on d begin select 1 end": true,
		"": false, "DROP DATABASE db": false, good + "; DROP DATABASE db": false,
		strings.Replace(good, "mean(f)", "mean(f) -- ", 1): false, good + " /*": false,
		strings.TrimSuffix(good, " END"): false, strings.Replace(good, `a\'b`, `a'b`, 1): false,
		`CREATE CONTINUOUS QUERY c ON d BEGIN SELECT "x END`: false, "CREATE CONTINUOUS QUERYc END": false,
		"x CREATE CONTINUOUS QUERY c ON d BEGIN END": false,
		// Within quotes it is part of a name or a value.
		`CREATE CONTINUOUS QUERY "a;b" ON "c--d" BEGIN SELECT mean("/*") INTO "x\";y" FROM m WHERE t != 'it\'s; -- x' END`: true,
		`CREATE CONTINUOUS QUERY "a\\" ON d BEGIN SELECT 1 END; DROP DATABASE "d" END`:                                     false,
		`CREATE CONTINUOUS QUERY c ON d BEGIN SELECT a / b FROM "m" END`:                                                   true,
		`CREATE CONTINUOUS QUERY c ON d BEGIN SELECT a /b FROM "m--" END`:                                                  false,
		// A quote of a regular expression is none, so it does not hide what comes behind it.
		`CREATE CONTINUOUS QUERY c ON d BEGIN SELECT f FROM m WHERE x =~ /'/ END; DROP DATABASE d -- ' END`: false,
		`CREATE CONTINUOUS QUERY c ON d BEGIN SELECT f FROM /"/ END; DROP DATABASE "d" END`:                 false,
		`CREATE CONTINUOUS QUERY c ON d BEGIN SELECT f FROM m WHERE x =~ /a;b/ END`:                         false,
	} {
		if got := isContinuousQuery(text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

func TestObjectOf(t *testing.T) {
	for i, c := range []struct{ statement, want string }{
		{`CREATE DATABASE "a WITH \" b" WITH DURATION INF REPLICATION 1 NAME "p"`, `CREATE DATABASE "a WITH \" b"`},
		{`CREATE RETENTION POLICY "a.b" ON "c" DURATION INF`, `CREATE RETENTION POLICY "a.b" ON "c"`},
		{`CREATE SUBSCRIPTION "s" ON "a"."b" DESTINATIONS ALL 'x'`, `CREATE SUBSCRIPTION "s" ON "a"."b"`},
		{`create  continuous query x on y begin`, `create  continuous query x on y`},
		{`CREATE DATABASE db`, `CREATE DATABASE db`},
		{`DROP DATABASE db`, ``},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			if got := objectOf(c.statement); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
