// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/preflight"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
	"github.com/shardlift/shardlift/verifier"
)

// deliveryFlags are those that import and replay share.
type deliveryFlags struct {
	targetFlags `group:"Target:"`
	ddlFlags    `group:"Databases and policies of the target:"`
	writeFlags  `group:"Writing:"`
	stateFlags  `group:"State:"`
	otherFlags  `group:"Run:"`
}

// delivery is an import or a replay whose flags were found good.
type delivery struct {
	console console
	flags   *deliveryFlags
	command string
	reads   []string // inputs or sources, for people
	beside  string   // the input that the checkpoint lies beside, or ""
	key     string   // tells the runs apart that have their checkpoints in one directory

	// open opens the source. Now is what relative times count from: that of the first
	// start of a run that is carried on.
	open func(ctx context.Context, now time.Time) (source, error)

	mapping *importer.Mapping
	target  target.Config
	ddl     preflight.Options
	options importer.Options
	notes   *notes
	api     target.API // of the target, when that was reached

	passing   *verifier.Counter // of what can be read only once, with --verify
	comparing *comparing        // likewise
}

// home names what a place of the target is there, where several may be one.
func (d *delivery) home(p importer.Place) importer.Place {
	if d.api != target.V2 {
		return p
	}
	return importer.Place{Policy: d.target.Bucket(p.Database, p.Policy)}
}

// delivery checks the flags and settles the defaults.
func (f *deliveryFlags) delivery(c console, command string, m *mapFlags) (*delivery, error) {
	d := &delivery{console: c, flags: f, command: command}
	var err error
	if d.mapping, err = m.mapping(); err != nil {
		return nil, err
	}
	if err := f.sizes(); err != nil {
		return nil, err
	}
	if err := f.checkLimits(); err != nil {
		return nil, err
	}
	if err := f.checkDDL(); err != nil {
		return nil, err
	}
	if d.target, err = f.config(c); err != nil {
		return nil, err
	}
	d.target.Encoding = f.encoding()
	d.notes = &notes{console: c, quiet: f.Quiet}
	d.ddl = preflight.Options{
		Mapping: d.mapping, Mode: preflight.Mode(f.DDL), Replication: f.Replication, Duration: f.PolicyDuration, Force: f.Force,
		RetryFor: f.RetryFor, Warn: d.notes.add, Print: func(statement string) { c.say("%s", oneLine(statement)) },
	}
	d.options = importer.Options{
		MaxRejects: given(f.MaxRejects, noLimit), Force: f.Force, Version: version, Progress: &importer.Progress{},
	}
	f.limits(&d.options)
	return d, nil
}

// checkLimits refuses what makes no sense.
func (f *deliveryFlags) checkLimits() error {
	switch {
	case !isRate(f.QueryRate):
		return usagef("--query-rate must not be negative")
	case f.MaxRejects != nil && *f.MaxRejects < 0:
		return usagef("--max-rejects must not be negative")
	}
	return nil
}

// checkDDL refuses what makes no sense.
func (f *ddlFlags) checkDDL() error {
	if f.Replication < 0 {
		return usagef("--replication must not be negative")
	}
	if f.PolicyDuration != "" {
		if _, err := preflight.ParseDuration(f.PolicyDuration); err != nil {
			return usagef("--policy-duration: %w", err)
		}
	}
	return nil
}

// run does the work and tells how it ended.
func (d *delivery) run(ctx context.Context) error {
	o := d.newOutcome()
	err := d.deliver(ctx, o)
	if _, ok := errors.AsType[*usageError](err); ok {
		return err
	}
	o.settle(ctx, d, err)
	return o.end(o.show(d))
}

// deliver brings everything to the target, or with --dry-run only looks at it.
func (d *delivery) deliver(ctx context.Context, o *deliveryOutcome) (err error) {
	var before *importer.Checkpoint
	if !d.flags.DryRun {
		if before, err = d.settleState(o); err != nil {
			return err
		}
	}
	now, err := startOf(before)
	if err != nil {
		return err
	}
	from, err := d.open(ctx, now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	if d.flags.DryRun {
		return d.rehearse(ctx, from, o)
	}
	if err := d.settleIdentity(before, from, now); err != nil {
		return err
	}
	t, err := d.reach(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	guard := preflight.New(t, t.API(), d.ddl)
	defer func() { o.DDL = ddlReport(guard) }()
	found, err := d.prepare(ctx, from, guard)
	if err != nil {
		return err
	}
	d.tellFound(found, o)
	if len(found.places) > 0 {
		d.notes.unused(d.mapping)
	}
	d.options.Sender, d.options.Guard, d.options.Home = t, guard, d.home
	if err := d.transfer(ctx, from, found, t, o); err != nil {
		return err
	}
	if len(found.places) == 0 && !o.Resumed {
		d.notes.unused(d.mapping)
	}
	stats := t.Stats()
	o.WireBytes, o.TextBytes = stats.BodyBytes, stats.TextBytes
	if d.flags.verifies() {
		return d.verify(ctx, from, t, o)
	}
	return nil
}

// settleState finds the places of checkpoint and rejects, and what an earlier run left.
func (d *delivery) settleState(o *deliveryOutcome) (*importer.Checkpoint, error) {
	checkpoint, rejects, err := d.flags.paths(d.beside, d.key)
	if err != nil {
		return nil, err
	}
	if err := apart(checkpoint, rejects, d.reads); err != nil {
		return nil, err
	}
	if err := canWrite("checkpoint", checkpoint, true); err != nil {
		return nil, err
	}
	if err := canWrite("rejects file", rejects, false); err != nil {
		return nil, err
	}
	d.options.CheckpointPath, d.options.RejectsPath = checkpoint, rejects
	o.checkpoint = checkpoint
	if d.flags.Restart {
		return nil, mayReplace(checkpoint)
	}
	return importer.LoadCheckpoint(checkpoint)
}

// settleIdentity makes the run carry on from the checkpoint, if that is one of the same.
func (d *delivery) settleIdentity(before *importer.Checkpoint, from source, now time.Time) error {
	parts := from.identity()
	parts["mapping"] = d.mapping.Describe()
	parts["api"], parts["organization"], parts["buckets"] = d.target.API, d.target.Org, d.target.Buckets
	id, err := newIdentity(parts, d.target.URLs, now)
	if err != nil {
		return err
	}
	d.options.Resume, d.options.Identity, err = id.resume(d.options.CheckpointPath, before)
	if err == nil && d.options.Resume != nil && !d.flags.Quiet {
		d.console.say("shardlift: carrying on from %s", oneLine(d.options.CheckpointPath))
	}
	return err
}

// reach opens the target and asks who is there.
func (d *delivery) reach(ctx context.Context, o *deliveryOutcome) (*target.Target, error) {
	t, err := target.Open(d.target)
	if err != nil {
		return nil, usagef("%w", err)
	}
	nodes, err := t.Check(ctx)
	o.Nodes = d.notes.nodes(nodes, err)
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	d.api = t.API()
	o.API = string(d.api)
	return t, nil
}

// prepare makes databases and policies, and finds out whether they keep the points.
func (d *delivery) prepare(ctx context.Context, from source, guard *preflight.Checker) (*survey, error) {
	found, err := from.survey(ctx, false)
	if err != nil {
		return nil, err
	}
	if err := guard.Plan(ctx, found.statements); err != nil {
		return nil, err
	}
	if err := d.checkRanges(ctx, from, found, guard); err != nil {
		return nil, err
	}
	return found, guard.Statements(ctx, found.statements)
}

// checkRanges finds out whether policies keep the points, before any is sent. Where
// only reading tells the times, everything is read once more than otherwise.
func (d *delivery) checkRanges(ctx context.Context, from source, found *survey, guard *preflight.Checker) error {
	var places []importer.Place
	for _, p := range found.places {
		places = append(places, p.Place)
	}
	needed, err := guard.NeedsRanges(ctx, places)
	if err != nil {
		return err
	}
	if !found.complete && (needed || guard.Finite()) {
		d.notes.add("a policy of the target does not keep points for ever: reading everything once to compare the times")
		deep, err := from.survey(ctx, true)
		if err != nil {
			return err
		}
		// It has the statements from the middle of files, too, and hands them out only here.
		found.places, found.statements = deep.places, deep.statements
		if err := guard.Plan(ctx, found.statements); err != nil {
			return err
		}
	}
	ranges := map[importer.Place]point.TimeRange{}
	for _, p := range found.places {
		before, ok := ranges[p.Place]
		if !ok {
			before = point.NoTime
		}
		ranges[p.Place] = before.Union(p.Span)
	}
	return guard.Ranges(ctx, ranges)
}

// tellFound tells what is worth knowing before anything is sent.
func (d *delivery) tellFound(found *survey, o *deliveryOutcome) {
	for _, text := range found.notes {
		d.notes.add(text)
	}
	o.Notes = append(o.Notes, found.notes...)
}

// noteUnit says that times look as if they were no nanoseconds: those of our days, in
// seconds to microseconds, would all lie in the first weeks of 1970.
func (d *delivery) noteUnit(o *deliveryOutcome) {
	const first, last = int64(1e9), int64(30 * 24 * time.Hour)
	if d.command != "import" || o.Summary == nil || o.Span.Empty() || o.Span.Min < first || o.Span.Max > last {
		return
	}
	text := "all times lie in the first weeks of 1970: if they are no nanoseconds, name their unit with --precision"
	d.notes.add(text)
	o.Notes = append(o.Notes, text)
}

// transfer sends everything.
func (d *delivery) transfer(ctx context.Context, from source, found *survey, t *target.Target, o *deliveryOutcome) error {
	var mark json.RawMessage
	var stored int64
	if d.options.Resume != nil {
		stored = d.options.Resume.Done.Stored
		if mark = d.options.Resume.Mark; string(mark) == "null" {
			mark = nil
		}
	}
	feed, err := from.feed(ctx, mark)
	if err != nil {
		return err
	}
	if d.flags.verifies() && found.once {
		if feed, err = d.countPassing(feed, from, t); err != nil {
			return err
		}
	}
	stop := d.watch(importGauge(d.options.Progress, stored))
	sum, err := importer.Run(ctx, feed, d.options)
	stop()
	o.Summary = sum
	from.tell(o)
	d.noteUnit(o)
	return err
}

// watch shows the progress until the returned function is called.
func (d *delivery) watch(g gauge) (stop func()) {
	return d.notes.watch(!d.flags.Quiet, g)
}

// hasURL reports whether the target was named.
func (f *targetFlags) hasURL() bool { return len(f.URL) > 0 || f.Host != "" || f.Port != "" || f.SSL }
