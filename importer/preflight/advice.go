// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
)

// shortMargin keeps clear of points that grow too old while an import runs.
const shortMargin = time.Hour

// advice is an error with what to do about it, a line each.
type advice struct {
	problem string
	facts   []string
	ways    []string
	err     error
}

func (a *advice) Error() string {
	var b strings.Builder
	b.WriteString(a.problem)
	for _, f := range a.facts {
		b.WriteString("\n  " + f)
	}
	if len(a.ways) > 0 {
		b.WriteString("\n  to go on, one of:")
	}
	for _, w := range a.ways {
		b.WriteString("\n    " + w)
	}
	return b.String()
}

func (a *advice) Unwrap() error { return a.err }

// missingDatabase says what to do about a database that is not there.
func (c *Checker) missingDatabase(ctx context.Context, p importer.Place) error {
	db := &database{name: p.Database}
	a := &advice{problem: "the target has no database " + meta.QuoteIdent(p.Database)}
	if names := c.databaseNames(ctx); len(names) > 0 {
		a.facts = append(a.facts, "it has: "+nameList(names))
	}
	statements := c.suggest(ctx, db, p.Policy)
	a.ways = c.waysToMake(len(statements) > 0)
	if len(statements) == 0 {
		s := statement{class: createDatabase, database: p.Database, policy: p.Policy, named: p.Policy != ""}
		statements = []string{s.text()}
	}
	a.ways = append(a.ways,
		"run on the target: "+strings.Join(statements, "; "),
		"--map-database OLD=NEW, with OLD as the input names it, to write to another one")
	return a
}

// missingPolicy says what to do about a policy that is not there, or about a database
// without a default one.
func (c *Checker) missingPolicy(ctx context.Context, db *database, p importer.Place) error {
	var names []string
	for _, pol := range db.list {
		if !pol.planned {
			names = append(names, pol.name)
		}
	}
	a := &advice{problem: fmt.Sprintf("database %s of the target has no policy %s", meta.QuoteIdent(p.Database), meta.QuoteIdent(p.Policy))}
	if p.Policy == "" {
		a.problem = fmt.Sprintf("database %s of the target has no default policy, and the points name none", meta.QuoteIdent(p.Database))
	}
	if len(names) > 0 {
		a.facts = append(a.facts, "it has: "+nameList(names))
	}
	if p.Policy == "" {
		a.ways = []string{"--retention NAME, with one that is there"}
		if len(names) > 0 {
			a.ways = append(a.ways, "run on the target: ALTER RETENTION POLICY "+meta.QuoteIdent(names[0])+" ON "+meta.QuoteIdent(p.Database)+" DEFAULT")
		}
		return a
	}
	statements := c.suggest(ctx, db, p.Policy)
	a.ways = c.waysToMake(len(statements) > 0)
	if len(statements) == 0 {
		s := statement{class: createPolicy, database: p.Database, policy: p.Policy}
		s.hasDuration, s.replication = true, usualReplication(db)
		statements = []string{s.text()}
	}
	a.ways = append(a.ways,
		"run on the target: "+strings.Join(statements, "; "),
		"--map-retention OLD=NEW, with OLD as the input names it, to write to another one")
	return a
}

// waysToMake names --ddl where that would help.
func (c *Checker) waysToMake(known bool) []string {
	if known && c.opts.Mode != Run {
		return []string{"--ddl run, which makes it as the input says"}
	}
	return nil
}

// suggest gives the statements of the input that make a place, as they would be run now.
func (c *Checker) suggest(ctx context.Context, db *database, policy string) []string {
	real := *db
	real.list = slices.Clone(db.list)
	if real.planned {
		real.there, real.planned = false, false
	}
	real.list = slices.DeleteFunc(real.list, isPlanned)
	var out []string
	for _, s := range c.known {
		wanted := s.class == createDatabase && !real.there || s.policy == policy
		if s.database != db.name || !wanted {
			continue
		}
		s, err := c.effective(ctx, s)
		if err != nil {
			return nil
		}
		if p := decide(&real, s); p.run != "" {
			out = append(out, p.run)
			real.plan(s, p)
		}
	}
	if _, ok := real.policy(policy); !ok {
		return nil // they do not make it
	}
	return out
}

func isPlanned(p policy) bool { return p.planned }

// nameList gives names for people, not too many.
func nameList(names []string) string {
	const most = 20
	var quoted []string
	for _, n := range names[:min(len(names), most)] {
		quoted = append(quoted, meta.QuoteIdent(n))
	}
	out := strings.Join(quoted, ", ")
	if len(names) > most {
		out += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return out
}

// tooOld says what to do about points that the policy does not keep.
func tooOld(p importer.Place, pol policy, data point.TimeRange, limits importer.Limits, now time.Time) error {
	a := &advice{problem: "there are points older than the target keeps, which it would refuse: " + quotePlace(p)}
	share := "a part of them is too old"
	if data.Max < limits.Oldest {
		share = "all of them are too old"
	}
	a.facts = []string{
		"oldest point:  " + point.FormatTime(data.Min),
		"newest point:  " + point.FormatTime(data.Max) + " (" + share + ")",
		"policy:        " + limits.Policy + ", at present from " + point.FormatTime(limits.Oldest) + " on",
	}
	name, on := meta.QuoteIdent(pol.name), " ON "+meta.QuoteIdent(p.Database)
	way := "--map-retention OLD=NEW, with OLD as the input names it, to a policy that keeps them"
	if p.Policy == "" {
		way = "--retention NAME, to a policy that keeps them"
	}
	a.ways = append(a.ways, way)
	switch {
	case pol.planned:
		a.ways = append(a.ways, "--policy-duration INF, since the policy is still to be made; it can be shortened after the import")
	case pol.past > 0:
		a.ways = append(a.ways, "ALTER RETENTION POLICY "+name+on+" DURATION INF PAST LIMIT 0s on the target, to be set back after the import")
	default:
		a.ways = append(a.ways, "ALTER RETENTION POLICY "+name+on+" DURATION INF on the target, to be set back after the import")
	}
	if data.Max >= limits.Oldest {
		start := time.Unix(0, limits.Oldest).UTC().Add(shortMargin).Truncate(time.Hour).Add(time.Hour)
		if start.Before(now) && start.UnixNano() <= data.Max {
			a.ways = append(a.ways, "--start "+start.Format(time.RFC3339)+", to leave out what is too old")
		}
	}
	a.ways = append(a.ways, "--force, to send them all the same: what the target refuses goes to the rejects file")
	return a
}

// writeError is about an empty write that was not taken.
func writeError(p importer.Place, err error, way string) error {
	if way == "" {
		return fmt.Errorf("test writing to %s: %w", quotePlace(p), err)
	}
	return fmt.Errorf("test writing to %s: %w\n  %s", quotePlace(p), err, way)
}
