// SPDX-License-Identifier: Apache-2.0

package lpjudge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// dump asks the server for everything in database db.
func dump(t *testing.T, s *influxdtest.Server, db string) []lpjudge.Value {
	t.Helper()
	values, err := lpjudge.Dump(t.Context(), lpjudge.Server{URL: s.URL}, db)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// What the judge reads from a text must be what a server answers that was given it,
// and what the server refuses the judge must refuse.
func TestJudgeAgreesWithServer(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{Index: "inmem"})
	n := 0
	for name, tt := range lpjudge.Accepted {
		n++
		db := fmt.Sprintf("db %d", n)
		t.Run(name, func(t *testing.T) {
			s.Exec("CREATE DATABASE " + influxdtest.Ident(db))
			s.Write(db, "", tt.Text)
			want := dump(t, s, db)
			got, _, err := lpjudge.Read(strings.NewReader(tt.Text), lpjudge.Options{DB: db, RP: "autogen"})
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range lpjudge.Diff(want, got, 20) {
				t.Error(line)
			}
		})
	}
	s.Exec(`CREATE DATABASE "refused"`)
	for name, text := range lpjudge.Refused {
		t.Run(name, func(t *testing.T) {
			if err := s.TryWrite("refused", "", text); err == nil {
				t.Errorf("the server takes %q", text)
			}
		})
	}
}

func TestDumpTraps(t *testing.T) {
	for _, index := range []string{"inmem", "tsi1"} {
		t.Run(index, func(t *testing.T) {
			s := influxdtest.Start(t, influxdtest.Options{Index: index})
			const week = 7 * 24 * 3600 * 1_000_000_000
			s.Exec(`CREATE DATABASE "a:b.c d"`, `CREATE RETENTION POLICY "r p" ON "a:b.c d" DURATION INF REPLICATION 1`)
			text := "m,f=tag f=1.5,g=1i 5\n" + // a tag named as the field
				"m f=2.5 5\n" + // no tag at all
				"m,x=1 f=3.5 5\n" +
				"neg f=-0 5\n"
			s.Write("a:b.c d", "r p", text)
			// The same fields with other types in other shards.
			other := fmt.Sprintf("m f=7i,g=\"s\" %d\n", int64(10*week))
			more := fmt.Sprintf("m f=\"x\",g=t %d\n", int64(-10*week))
			early := "m f=t,g=2.5 -9223372036854775806\n" // its shard's start wraps around
			for _, lp := range []string{other, more, early} {
				s.Write("a:b.c d", "r p", lp)
				text += lp
			}
			s.Write("a:b.c d", "", "m f=9 6\n")

			want, _, err := lpjudge.Read(strings.NewReader(text), lpjudge.Options{DB: "a:b.c d", RP: "r p"})
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, lpjudge.Value{DB: "a:b.c d", RP: "autogen", Series: "m", Field: "f", Type: lpjudge.Float, Val: "9", Time: 6})
			for _, line := range lpjudge.Diff(want, dump(t, s, "a:b.c d"), 20) {
				t.Error(line)
			}
			dbs, err := lpjudge.Server{URL: s.URL}.Databases(t.Context())
			if err != nil || len(dbs) != 1 || dbs[0] != "a:b.c d" {
				t.Errorf("databases %q, %v", dbs, err)
			}
		})
	}
}

// Answers longer than one chunk, of many series.
func TestDumpLong(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "db"`)
	var text strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&text, "m,h=%d f=%d,s=\"%s\" %d\n", i%3, i, strings.Repeat("x", i%300), i)
	}
	s.Write("db", "", text.String())
	var want, got lpjudge.Sum
	if err := lpjudge.New(lpjudge.Options{DB: "db", RP: "autogen"}, want.Add).Read(strings.NewReader(text.String())); err != nil {
		t.Fatal(err)
	}
	if err := (lpjudge.Server{URL: s.URL}).Each(t.Context(), "db", got.Add); err != nil {
		t.Fatal(err)
	}
	if want != got || got.Count != 60_000 {
		t.Errorf("server answers %v, text holds %v", got, want)
	}
}

func TestDumpErrors(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{Auth: true})
	s.Exec(`CREATE DATABASE "db"`)
	login := lpjudge.Server{URL: s.URL, User: influxdtest.User, Password: influxdtest.Password}
	if _, err := lpjudge.Dump(t.Context(), login, "db"); err != nil {
		t.Errorf("with login: %v", err)
	}
	wrong := login
	wrong.Password = "no"
	if _, err := lpjudge.Dump(t.Context(), wrong, "db"); err == nil || !strings.Contains(err.Error(), "authorization failed") {
		t.Errorf("wrong password: %v", err)
	}
	if _, err := lpjudge.Dump(t.Context(), login, "nope"); err == nil || !strings.Contains(err.Error(), "database not found") {
		t.Errorf("unknown database: %v", err)
	}
}
