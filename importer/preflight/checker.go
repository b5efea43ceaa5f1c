// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/target"
)

// Mode says what becomes of DDL.
type Mode string

// The modes. The empty one is Run.
const (
	Run   Mode = "run"
	Print Mode = "print" // hand out what would be run
	Skip  Mode = "skip"
)

// Querier is the part of *target.Target that is needed here.
type Querier interface {
	Query(ctx context.Context, database, statement string) ([]target.Series, error)
	Write(ctx context.Context, database, policy string, lines []byte) error
}

// Options say how to prepare a target.
type Options struct {
	Mapping *importer.Mapping // renames what statements name; nil changes nothing
	Mode    Mode

	// Of policies that are made:
	Replication int    // copies, instead of what statements say; 0: as they say
	Duration    string // likewise: INF, 52w, ...; "": as they say

	Force bool // go on although points are older than the policy keeps

	RetryFor time.Duration // how long to wait for a target that does not answer; 0: 10 min

	Print func(statement string) // called in Mode Print, without passwords
	Warn  func(text string)      // called with what people should know; may be nil
	// Neither may call the Checker.
	Now func() time.Time // nil: time.Now
}

// Checker prepares one target for one run. It may be used from any number of
// goroutines; calls wait for each other.
type Checker struct {
	target Querier
	api    target.API
	opts   Options

	mu        sync.Mutex
	databases map[string]*database    // as far as they are known, with what is planned
	claimed   map[string]bool         // databases of which a statement said the default policy
	nodes     int                     // data nodes; -1: not asked yet, 0: not known
	done      map[string]bool         // statements that need not be run again
	known     []statement             // of databases and policies, with their new names
	touched   map[importer.Place]bool // places where an empty write went well
	planned   bool                    // Plan added to databases
	report    Report
}

var _ importer.Guard = (*Checker)(nil)

// New makes a Checker for t, which is written to by api.
func New(t Querier, api target.API, opts Options) *Checker {
	if opts.Mode == "" {
		opts.Mode = Run
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Checker{
		target: t, api: api, opts: opts, nodes: -1,
		databases: map[string]*database{},
		claimed:   map[string]bool{},
		done:      map[string]bool{},
		touched:   map[importer.Place]bool{},
	}
}

// note tells people something, once.
func (c *Checker) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if slices.Contains(c.report.Notes, text) {
		return
	}
	c.report.Notes = append(c.report.Notes, text)
	if c.opts.Warn != nil {
		c.opts.Warn(text)
	}
}

// Plan reads statements that Statements is going to run, or to print, so that Ranges and
// NeedsRanges know of what they would make. It changes nothing on the target.
func (c *Checker) Plan(ctx context.Context, statements []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, err := c.read(statements)
	if err != nil {
		return err
	}
	if c.opts.Mode == Skip || c.api == target.V2 {
		return nil
	}
	c.planned = true
	for _, s := range list {
		if s.class > createPolicy {
			continue
		}
		s, err := c.effective(ctx, s)
		if err != nil {
			return err
		}
		db, err := c.load(ctx, s.database)
		if err != nil {
			return err
		}
		if !db.there || db.visible { // else nobody knows what is missing
			db.plan(s, decide(db, s))
		}
	}
	return nil
}

// Statements does with DDL what the mode says. A statement that was done before, of
// another file perhaps, is passed over. Errors name the statement, without passwords;
// nothing is run where one of them cannot be read or is refused.
func (c *Checker) Statements(ctx context.Context, statements []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, err := c.read(statements)
	if err != nil {
		return err
	}
	c.unplan()
	for _, s := range list {
		if c.done[s.text()] {
			continue
		}
		if err := c.statement(ctx, s); err != nil {
			return err
		}
		c.done[s.text()] = true
	}
	return nil
}

// statement does with one statement what the mode says.
func (c *Checker) statement(ctx context.Context, s statement) error {
	switch {
	case c.opts.Mode == Skip:
		c.skipped(s)
		return nil
	case c.api == target.V2 && c.opts.Mode == Run:
		c.note("DDL is skipped: buckets of 2.x, and their mappings to databases, are made by its own tools")
		c.skipped(s)
		return nil
	case c.api == target.V2:
		c.print(s.text())
		return nil
	case s.class == ask || s.class == refuse: // only Mode Print comes here with the latter
		c.note("not run: %s", excerpt(s.raw))
		c.skipped(s)
		return nil
	case s.class == createOther:
		return c.other(ctx, s)
	}
	return c.make(ctx, s)
}

func (c *Checker) skipped(s statement) {
	c.report.Skipped = append(c.report.Skipped, shown(s.text()))
}

func (c *Checker) print(text string) {
	text = shown(text)
	c.report.Printed = append(c.report.Printed, text)
	if c.opts.Print != nil {
		c.opts.Print(text)
	}
}

// learn keeps what is said of databases and policies, for advice.
func (c *Checker) learn(list []statement) {
	for _, s := range list {
		text := s.text()
		same := func(k statement) bool { return k.text() == text }
		if s.class <= createPolicy && !slices.ContainsFunc(c.known, same) {
			c.known = append(c.known, s)
		}
	}
}

// unplan forgets what was planned, and what may have changed since it was asked for. What
// was printed stays in mind: later statements build on it.
func (c *Checker) unplan() {
	if c.opts.Mode == Run || c.planned {
		clear(c.databases)
	}
	c.planned = false
}

// read takes texts apart, renames what they name, and keeps what they say for advice. Where
// nothing is to be run it passes over what it cannot read.
func (c *Checker) read(texts []string) ([]statement, error) {
	var out []statement
	var problems []error
	for _, text := range texts {
		list, err := parse(text)
		if err != nil {
			if c.opts.Mode == Skip {
				c.report.Skipped = append(c.report.Skipped, shown(text))
				continue
			}
			problems = append(problems, fmt.Errorf("read statement %s: %w", excerpt(text), err))
			continue
		}
		for _, s := range list {
			switch {
			case s.class == refuse && c.opts.Mode == Run:
				problems = append(problems, fmt.Errorf("the input holds a statement that deletes, changes or reads data, "+
					"which an import does not run: %s\n  run it by hand if it is wanted, and take it out of the input or use --ddl skip", excerpt(s.raw)))
			case s.class <= createPolicy:
				s = s.rename(c.opts.Mapping)
			}
			out = append(out, s)
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	c.learn(out)
	return out, nil
}

// effective gives a statement with what the options say instead, as far as it makes a
// policy.
func (c *Checker) effective(ctx context.Context, s statement) (statement, error) {
	name := meta.QuoteIdent(s.policy) + " of " + meta.QuoteIdent(s.database)
	if c.opts.Duration != "" {
		d, err := ParseDuration(c.opts.Duration)
		if err != nil {
			return s, fmt.Errorf("--policy-duration: %w", err)
		}
		s.duration, s.hasDuration = d, true
		if d != 0 && s.shard > d {
			c.note("policy %s: its shard duration of %s is longer than %s and left to the server",
				name, meta.FormatDuration(s.shard), meta.FormatDuration(d))
			s.shard = 0
		}
	}
	if c.opts.Replication > 0 {
		s.replication = c.opts.Replication
	}
	if s.replication > 1 {
		if n := c.dataNodes(ctx); n > 0 && s.replication > n {
			c.note("policy %s: replication %d is more than the %d data nodes: made %d", name, s.replication, n, n)
			s.replication = n
		}
	}
	if s.future > 0 || s.past > 0 {
		c.note("policy %s: its write limits are left out; they can be set after the import with ALTER RETENTION POLICY", name)
		s.future, s.past = 0, 0
	}
	return s, nil
}
