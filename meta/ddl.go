// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// autogen is the policy that a server makes by itself.
const autogen = "autogen"

// minDuration is what servers ask of the duration of a policy and make of a shorter
// shard duration.
const minDuration = time.Hour

// DDL is what makes a database on another server.
type DDL struct {
	// Statements are to be run in order. Each is one line, without a semicolon. On a
	// server that has the same database and policies they change nothing.
	Statements []string
	// Notes are what the statements cannot say, one line each, for comments.
	Notes []string
}

// CreateDatabase gives the statements for db with the named policies, or all of its
// policies if none is named. Names that db does not list, such as those of orphaned
// shards, become policies of infinite duration, with a note.
//
// The default policy is made whether it is named or not. Otherwise the server would
// make its own, and what is imported later with the real one would clash with that.
// Where db has none, autogen becomes it, or else the first policy.
func CreateDatabase(db *Database, policies ...string) DDL {
	b := ddlBuilder{db: db.Name}
	if !Sayable(db.Name) {
		b.note("InfluxQL cannot say the database name %q", db.Name)
		return b.DDL
	}
	known := choosePolicies(db, policies)
	var unknown []Policy
	for _, name := range policies {
		if _, ok := db.Policy(name); !ok && !contains(unknown, name) {
			b.note("policy %s is not in the metastore: made with infinite duration", QuoteIdent(name))
			unknown = append(unknown, Policy{Name: name, Replication: 1})
		}
	}
	all := append(known, unknown...)
	first, ok := defaultPolicy(db, all)
	if !ok {
		b.note("database %s has no policies: the server makes its own", QuoteIdent(db.Name))
		b.Statements = []string{"CREATE DATABASE " + QuoteIdent(db.Name)}
		return b.DDL
	}
	if first.Name != db.DefaultPolicy && len(db.Policies) > 0 {
		b.note("database %s has no default policy: %s becomes it", QuoteIdent(db.Name), QuoteIdent(first.Name))
	}
	b.createDatabase(first)
	for i := range all {
		if all[i].Name != first.Name {
			b.createPolicy(&all[i])
		}
	}
	return b.DDL
}

// CreateUnknownDatabase gives the statements for a database without a metastore:
// infinite durations, and autogen as the default, or else the first policy. All
// policies must be named each time that statements for one database are made, in the
// same order, or the defaults clash.
func CreateUnknownDatabase(name string, policies ...string) DDL {
	d := CreateDatabase(&Database{Name: name}, policies...)
	if len(d.Statements) > 0 {
		d.Notes = []string{"no metastore: the policies of " + QuoteIdent(name) +
			" are made with infinite duration, the default one is a guess"}
	}
	return d
}

// choosePolicies gives the policies of db that are among names, or all if there are
// no names, and always the default one. The first of equal names counts.
func choosePolicies(db *Database, names []string) []Policy {
	var out []Policy
	first, _ := defaultPolicy(db, nil)
	for _, p := range db.Policies {
		wanted := len(names) == 0 || slices.Contains(names, p.Name) || p.Name == first.Name
		if wanted && !contains(out, p.Name) {
			out = append(out, p)
		}
	}
	return out
}

// defaultPolicy finds the policy to make with the database: the default, else
// autogen, else the first; among those of db, or where it has none, among others.
func defaultPolicy(db *Database, others []Policy) (Policy, bool) {
	if p, ok := db.Policy(db.DefaultPolicy); ok {
		return *p, true
	}
	list := db.Policies
	if len(list) == 0 {
		list = others
	}
	for _, p := range list {
		if p.Name == autogen {
			return p, true
		}
	}
	if len(list) == 0 {
		return Policy{}, false
	}
	return list[0], true
}

func contains(list []Policy, name string) bool {
	return slices.ContainsFunc(list, func(p Policy) bool { return p.Name == name })
}

// ddlBuilder collects the DDL of one database.
type ddlBuilder struct {
	DDL
	db string
}

func (b *ddlBuilder) note(format string, args ...any) {
	b.Notes = append(b.Notes, fmt.Sprintf(format, args...))
}

func (b *ddlBuilder) createDatabase(p Policy) {
	s := "CREATE DATABASE " + QuoteIdent(b.db)
	if Sayable(p.Name) {
		s += " WITH" + b.options(&p) + " NAME " + QuoteIdent(p.Name)
		b.limits(&p)
	} else {
		b.note("InfluxQL cannot say the policy name %q", p.Name)
	}
	b.Statements = append(b.Statements, s)
}

func (b *ddlBuilder) createPolicy(p *Policy) {
	if !Sayable(p.Name) {
		b.note("InfluxQL cannot say the policy name %q", p.Name)
		return
	}
	b.Statements = append(b.Statements,
		"CREATE RETENTION POLICY "+QuoteIdent(p.Name)+" ON "+QuoteIdent(b.db)+b.options(p))
	b.limits(p)
}

// options writes duration, replication and shard duration. What a server would
// refuse, and a damaged or much older metastore can hold, is changed with a note.
func (b *ddlBuilder) options(p *Policy) string {
	name := QuoteIdent(p.Name)
	duration := p.Duration
	if duration != 0 && duration < minDuration {
		b.note("policy %s: servers refuse its duration of %v: made infinite", name, duration)
		duration = 0
	}
	replication := p.Replication
	if replication == 0 || replication > math.MaxInt32 {
		b.note("policy %s: servers refuse its replication of %d: made 1", name, replication)
		replication = 1
	}
	s := " DURATION " + FormatDuration(duration) + " REPLICATION " + strconv.FormatUint(uint64(replication), 10)
	switch shard := p.ShardDuration; {
	case shard == 0: // never said: the server's choice, as it was at the source
	case shard < 0 || duration != 0 && shard > duration:
		b.note("policy %s: servers refuse its shard duration of %v: left to the server", name, shard)
	case shard < minDuration:
		b.note("policy %s: servers make its shard duration of %v one hour", name, shard)
		s += " SHARD DURATION " + FormatDuration(minDuration)
	default:
		s += " SHARD DURATION " + FormatDuration(shard)
	}
	return s
}

// limits notes the write limits of 1.12. They are no part of the statements: older
// servers refuse them, and a past limit would turn down the very points to import.
func (b *ddlBuilder) limits(p *Policy) {
	s := ""
	if p.FutureWriteLimit > 0 {
		s += " FUTURE LIMIT " + FormatDuration(p.FutureWriteLimit)
	}
	if p.PastWriteLimit > 0 {
		s += " PAST LIMIT " + FormatDuration(p.PastWriteLimit)
	}
	if s != "" {
		b.note("write limits, to be set after the import: ALTER RETENTION POLICY %s ON %s%s",
			QuoteIdent(p.Name), QuoteIdent(b.db), s)
	}
}
