// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCreateDatabase(t *testing.T) {
	server := mustRead(t, "server.db")
	odd, _ := server.Database(`met:rics "1" é`)
	plain, _ := server.Database("plain")
	policies := func(def string, list ...Policy) *Database {
		return &Database{Name: "d", DefaultPolicy: def, Policies: list}
	}
	a, b := Policy{Name: "a", Replication: 1}, Policy{Name: "b", Replication: 2, Duration: day, ShardDuration: time.Hour}
	auto := Policy{Name: "autogen", Replication: 1, ShardDuration: 7 * day}
	const (
		dbOdd  = `"met:rics \"1\" é"`
		makeB  = `CREATE RETENTION POLICY "b" ON "d" DURATION 1d REPLICATION 2 SHARD DURATION 1h`
		withA  = `CREATE DATABASE "d" WITH DURATION INF REPLICATION 1 NAME "a"`
		withB  = `CREATE DATABASE "d" WITH DURATION 1d REPLICATION 2 SHARD DURATION 1h NAME "b"`
		noName = `InfluxQL cannot say the `
	)
	tests := map[string]struct {
		db    *Database
		named []string
		want  DDL
	}{
		"as the server makes it": {plain, nil, DDL{Statements: []string{
			`CREATE DATABASE "plain" WITH DURATION INF REPLICATION 1 SHARD DURATION 7d NAME "autogen"`,
		}}},
		"three policies": {odd, nil, DDL{Statements: []string{
			`CREATE DATABASE ` + dbOdd + ` WITH DURATION 30d REPLICATION 1 SHARD DURATION 12h NAME "a month"`,
			`CREATE RETENTION POLICY "odd" ON ` + dbOdd + ` DURATION 3600000000001ns REPLICATION 3 SHARD DURATION 1h`,
			`CREATE RETENTION POLICY "for ever" ON ` + dbOdd + ` DURATION INF REPLICATION 1 SHARD DURATION 7000d`,
		}}},
		"one of them, and the default": {odd, []string{"for ever"}, DDL{Statements: []string{
			`CREATE DATABASE ` + dbOdd + ` WITH DURATION 30d REPLICATION 1 SHARD DURATION 12h NAME "a month"`,
			`CREATE RETENTION POLICY "for ever" ON ` + dbOdd + ` DURATION INF REPLICATION 1 SHARD DURATION 7000d`,
		}}},
		"default is not first": {policies("b", a, b), []string{"b"}, DDL{Statements: []string{withB}}},
		"no default: the first": {policies("", b, a), []string{"a"}, DDL{
			Statements: []string{withB, `CREATE RETENTION POLICY "a" ON "d" DURATION INF REPLICATION 1`},
			Notes:      []string{`database "d" has no default policy: "b" becomes it`},
		}},
		"default is missing: autogen": {policies("gone", b, auto), nil, DDL{
			Statements: []string{`CREATE DATABASE "d" WITH DURATION INF REPLICATION 1 SHARD DURATION 7d NAME "autogen"`, makeB},
			Notes:      []string{`database "d" has no default policy: "autogen" becomes it`},
		}},
		"no policies": {policies("gone"), nil, DDL{
			Statements: []string{`CREATE DATABASE "d"`},
			Notes:      []string{`database "d" has no policies: the server makes its own`},
		}},
		"policy of orphans": {policies("a", a), []string{"x", "a", "x"}, DDL{
			Statements: []string{withA, `CREATE RETENTION POLICY "x" ON "d" DURATION INF REPLICATION 1`},
			Notes:      []string{`policy "x" is not in the metastore: made with infinite duration`},
		}},
		"listed twice":  {policies("a", a, b, a, b), nil, DDL{Statements: []string{withA, makeB}}},
		"database name": {&Database{Name: "d\r", Policies: []Policy{a}}, nil, DDL{Notes: []string{noName + `database name "d\r"`}}},
		"policy name":   {policies("a", a, Policy{Name: "\xff"}), nil, DDL{Statements: []string{withA}, Notes: []string{noName + `policy name "\xff"`}}},
		"default name":  {policies("\x00", Policy{Name: "\x00"}, b), nil, DDL{Statements: []string{`CREATE DATABASE "d"`, makeB}, Notes: []string{noName + `policy name "\x00"`}}},
		"write limits": {policies("a", Policy{Name: "a", Replication: 1, FutureWriteLimit: time.Hour, PastWriteLimit: 30 * day}), nil, DDL{
			Statements: []string{withA},
			Notes:      []string{`write limits, to be set after the import: ALTER RETENTION POLICY "a" ON "d" FUTURE LIMIT 1h PAST LIMIT 30d`},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, CreateDatabase(tt.db, tt.named...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPolicyOptions(t *testing.T) {
	tests := map[string]struct {
		policy     Policy
		want, note string
	}{
		"shard as long as policy": {Policy{Duration: day, ShardDuration: day, Replication: 1}, `DURATION 1d REPLICATION 1 SHARD DURATION 1d`, ``},
		"shortest":                {Policy{Duration: time.Hour, Replication: 1}, `DURATION 1h REPLICATION 1`, ``},
		"too short":               {Policy{Duration: time.Hour - 1, Replication: 1}, `DURATION INF REPLICATION 1`, `refuse its duration of 59m59.999999999s: made infinite`},
		"negative":                {Policy{Duration: -1, Replication: 1}, `DURATION INF REPLICATION 1`, `refuse its duration of -1ns: made infinite`},
		"no replication":          {Policy{}, `DURATION INF REPLICATION 1`, `refuse its replication of 0: made 1`},
		"highest replication":     {Policy{Replication: 1<<31 - 1}, `DURATION INF REPLICATION 2147483647`, ``},
		"too much replication":    {Policy{Replication: 1 << 31}, `DURATION INF REPLICATION 1`, `refuse its replication of 2147483648`},
		"short shards":            {Policy{ShardDuration: time.Minute, Replication: 1}, `DURATION INF REPLICATION 1 SHARD DURATION 1h`, `make its shard duration of 1m0s one hour`},
		"negative shards":         {Policy{ShardDuration: -1, Replication: 1}, `DURATION INF REPLICATION 1`, `refuse its shard duration of -1ns`},
		"shard longer":            {Policy{Duration: day, ShardDuration: day + 1, Replication: 1}, `DURATION 1d REPLICATION 1`, `refuse its shard duration of 24h0m0.000000001s: left to the server`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := ddlBuilder{db: "d"}
			tt.policy.Name = "p"
			if got := b.options(&tt.policy); got != " "+tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			notes := strings.Join(b.Notes, "|")
			if tt.note == "" && notes != "" || tt.note != "" && !strings.HasPrefix(notes, `policy "p": servers `+tt.note) {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
		})
	}
}

func TestCreateUnknownDatabase(t *testing.T) {
	const note = `no metastore: the policies of "d" are made with infinite duration, the default one is a guess`
	tests := map[string]struct {
		policies []string
		want     DDL
	}{
		"first": {[]string{"b", "a"}, DDL{Statements: []string{
			`CREATE DATABASE "d" WITH DURATION INF REPLICATION 1 NAME "b"`,
			`CREATE RETENTION POLICY "a" ON "d" DURATION INF REPLICATION 1`,
		}, Notes: []string{note}}},
		"autogen": {[]string{"a", "autogen"}, DDL{Statements: []string{
			`CREATE DATABASE "d" WITH DURATION INF REPLICATION 1 NAME "autogen"`,
			`CREATE RETENTION POLICY "a" ON "d" DURATION INF REPLICATION 1`,
		}, Notes: []string{note}}},
		"none": {nil, DDL{Statements: []string{`CREATE DATABASE "d"`}, Notes: []string{note}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, CreateUnknownDatabase("d", tt.policies...)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if diff := cmp.Diff(DDL{Notes: []string{`InfluxQL cannot say the database name "\xff"`}}, CreateUnknownDatabase("\xff", "a")); diff != "" {
		t.Error(diff)
	}
}

// Files of one database that were exported apart agree on how it is made, so that
// they can be imported in any order.
func TestSubsetsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := genData().Draw(t, "data")
		for i := range d.Databases {
			db := &d.Databases[i]
			whole := CreateDatabase(db)
			if !Sayable(db.Name) {
				continue
			}
			for _, p := range db.Policies {
				part := CreateDatabase(db, p.Name)
				if len(part.Statements) == 0 || part.Statements[0] != whole.Statements[0] {
					t.Fatalf("policy %q alone: %q, all: %q", p.Name, part.Statements, whole.Statements)
				}
				for _, s := range part.Statements {
					if !strings.Contains(strings.Join(whole.Statements, "\n")+"\n", s+"\n") {
						t.Fatalf("%q is not among %q", s, whole.Statements)
					}
				}
			}
		}
	})
}
