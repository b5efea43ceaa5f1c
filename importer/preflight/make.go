// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/target"
)

// make sees to a database or a policy.
func (c *Checker) make(ctx context.Context, s statement) error {
	s, err := c.effective(ctx, s)
	if err != nil {
		return err
	}
	db, err := c.load(ctx, s.database)
	if err != nil {
		return err
	}
	if !db.there && s.class == createPolicy {
		return fmt.Errorf("make policy %s: the target has no database %s, and no statement before this one makes it: %s",
			meta.QuoteIdent(s.policy), meta.QuoteIdent(s.database), excerpt(s.raw))
	}
	if db.there && !db.visible && s.explicit {
		known, err := c.fetchPolicyBlind(ctx, db, s.policy)
		if known || err != nil {
			return err
		}
	}
	p := decide(db, s)
	c.report.there(p.there...)
	c.differ(p.diffs...)
	if p.run == "" || c.opts.Mode == Print {
		if p.run != "" {
			c.print(p.run)
		}
		db.plan(s, p)
		c.claimed[db.name] = db.claimed
		return nil
	}
	if err := c.run(ctx, p.run, s); err != nil {
		return err
	}
	return c.confirm(ctx, s, p)
}

// fetchPolicyBlind tells whether a policy is there, or may be, of a database whose
// policies the user may not see.
func (c *Checker) fetchPolicyBlind(ctx context.Context, db *database, name string) (there bool, err error) {
	err = c.touch(ctx, db.name, name)
	switch {
	case noPolicy(err):
		return false, nil
	case err == nil || forbidden(err):
		c.note("the user may not see the policies of database %s: they are not compared with the input", meta.QuoteIdent(db.name))
		c.report.there(Object{Database: db.name})
		return true, nil
	}
	return false, fmt.Errorf("test writing to %s: %w", quotePlace(importer.Place{Database: db.name, Policy: name}), err)
}

// differ notes differences.
func (c *Checker) differ(list ...Difference) {
	for _, d := range list {
		if slices.Contains(c.report.Differences, d) {
			continue
		}
		c.report.Differences = append(c.report.Differences, d)
		if d.Database == "" {
			c.note("%s: the target has another: %s", d.Here, d.There)
		} else {
			c.note("policy %s of database %s: the input says %s %s, the target has %s; it stays so",
				meta.QuoteIdent(d.Policy), meta.QuoteIdent(d.Database), d.What, d.Here, d.There)
		}
	}
}

// run runs one statement. The error names it without secrets.
func (c *Checker) run(ctx context.Context, text string, s statement) error {
	if _, err := c.query(ctx, text); err != nil {
		err = hideSecrets(err, s)
		switch {
		case forbidden(err):
			return fmt.Errorf("run %s: %w\n  the user may not make this: let an administrator run it and use --ddl skip here,"+
				" or log in as an administrator", excerpt(text), err)
		case noQueries(err):
			return fmt.Errorf("run %s: %w\n  the target seems to take no statements: make what is needed with its own tools and use --ddl skip",
				excerpt(text), err)
		}
		return fmt.Errorf("run %s: %w", excerpt(text), err)
	}
	c.report.Run = append(c.report.Run, shown(text))
	return nil
}

// confirm reads back what was made and compares it with what was asked for. In a cluster
// it may take a moment until every node knows.
func (c *Checker) confirm(ctx context.Context, s statement, p plan) error {
	wait := firstWait
	for {
		db, err := c.reload(ctx, s.database)
		if err != nil {
			return err
		}
		if db.there && !db.visible {
			c.note("the user may not see the policies of database %s: what was made could not be checked", meta.QuoteIdent(s.database))
			c.made(db, s, p)
			return nil
		}
		if have, ok := db.policy(s.policy); ok || db.there && !s.explicit {
			c.made(db, s, p)
			if ok {
				s.attributes = p.want
				c.differ(compare(s, have, s.isDefault, db)...)
			}
			return nil
		}
		if wait > longestWait {
			return fmt.Errorf("the target took %s, but does not show policy %s of database %s",
				excerpt(p.run), meta.QuoteIdent(s.policy), meta.QuoteIdent(s.database))
		}
		if err := target.Pause(ctx, wait); err != nil {
			return err
		}
		wait = 2*wait + time.Millisecond
	}
}

// made notes what was made, as far as the target shows it.
func (c *Checker) made(db *database, s statement, p plan) {
	if s.class == createDatabase && s.explicit {
		db.claimed, c.claimed[db.name] = true, true
	}
	for _, o := range p.makes {
		i := slices.IndexFunc(db.list, func(p policy) bool { return p.name == o.Policy })
		switch {
		case o.Policy == "":
			db.made = true
		case i >= 0:
			db.list[i].made = true
		case db.visible:
			continue // the server was told not to make one by itself
		}
		c.report.made(o)
	}
}

// other runs what is neither a database nor a policy, as it stands.
func (c *Checker) other(ctx context.Context, s statement) error {
	if names := c.renamed(s); len(names) > 0 {
		c.note("the mapping does not reach into this statement, which names %s: %s", strings.Join(names, ", "), excerpt(s.raw))
	}
	if c.opts.Mode == Print {
		c.print(s.raw)
		return nil
	}
	err := c.run(ctx, s.raw, s)
	if alreadyThere(err) {
		e, _ := errors.AsType[*target.Error](err)
		c.differ(Difference{What: "statement", Here: excerpt(s.raw), There: e.Message})
		return nil
	}
	return err
}

// renamed lists the names in a statement that the mapping would have changed.
func (c *Checker) renamed(s statement) []string {
	m := c.opts.Mapping
	if m == nil {
		return nil
	}
	database, after := "", false
	for _, t := range s.tokens {
		if after {
			database = t.text
			break
		}
		after = t.is("ON")
	}
	var names []string
	for _, t := range s.tokens {
		if t.kind != ident && t.kind != word {
			continue
		}
		to := m.Place(importer.Place{Database: database, Policy: t.text})
		if (m.Database(t.text) != t.text || to.Policy != t.text) && !slices.Contains(names, meta.QuoteIdent(t.text)) {
			names = append(names, meta.QuoteIdent(t.text))
		}
	}
	return names
}

// hideSecrets gives an error whose text holds none of the statement's passwords: servers
// repeat what they cannot read.
func hideSecrets(err error, s statement) error {
	e, ok := errors.AsType[*target.Error](err)
	if !ok || !secret(s.raw) {
		return err
	}
	out := &target.Error{Node: e.Node, Status: e.Status, Message: e.Message, Class: e.Class, RetryAfter: e.RetryAfter}
	if strings.Contains(strings.ToLower(e.Message), "pars") {
		out.Message = "the target cannot read the statement"
	}
	for _, t := range s.tokens {
		if t.kind == quoted && t.text != "" {
			out.Message = strings.ReplaceAll(out.Message, t.text, "<secret>")
			out.Message = strings.ReplaceAll(out.Message, s.raw[t.start+1:t.end-1], "<secret>")
		}
	}
	return out
}
