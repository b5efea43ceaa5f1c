// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/inspector"
)

// inspectCmd says what volumes hold.
type inspectCmd struct {
	sourceFlags    `group:"Sources:"`
	selectionFlags `group:"Selection (PATTERN is a name, a glob, or /regexp/; repeat a flag for more):"`
	showFlags      `group:"Output:"`
	lookFlags      `group:"Run:"`
}

// showFlags say what to show.
type showFlags struct {
	Shards       bool       `help:"A row for each shard"`
	Measurements bool       `help:"All measurements, with their fields and types, and their tag keys"`
	Timeline     autoFlag   `help:"A line for each retention policy that shows which times its shards cover: on, off, or auto, which is on for a terminal. Default: auto" placeholder:"HOW"`
	FreeAt       string     `help:"Where an export would be written, to tell whether it fits. Default: here" placeholder:"PATH"`
	Metastore    bool       `help:"What the metastore has instead: policies, continuous queries, users, subscriptions. A source may then be a meta.db, or the .meta of a backup"`
	Format       formatFlag `help:"table, json, or, for --metastore, influxql: the statements that make it all again. Default: table" placeholder:"FORMAT"`
	HTML         string     `name:"html" help:"Write everything as one page for a browser, too, which needs no network" placeholder:"FILE"`
	JSON         bool       `name:"json" help:"Everything as one JSON object on stdout"`
}

// lookFlags say how to go about it.
type lookFlags struct {
	Deep bool `help:"Read all blocks, for exact numbers of points"`
	readFlags
	Quiet bool `help:"No progress and no notes; errors and faults are told always"`
}

// Help is what --help says beyond the flags.
func (*inspectCmd) Help() string {
	return `Only directories, the metastore, the indexes of TSM files, tombstones and the WAL are read, and a small sample of the blocks,
which tells what an export would take. Numbers of points are therefore estimates, marked with ~, but with --deep. What is
unreadable is passed over, reported and counted, and the exit code is then 3. Damaged blocks are found with --deep, or by verify.

Examples:

    shardlift inspect /mnt/snapshot
    shardlift inspect /mnt/snapshot --database telegraf --shards --measurements
    shardlift inspect /mnt/node1 /mnt/node2 --start 2024-01-01 --free-at /backup
    shardlift inspect /mnt/snapshot --json | jq .totals
    shardlift inspect /mnt/snapshot --html report.html
    shardlift inspect /mnt/snapshot --metastore
    shardlift inspect /mnt/snapshot/meta/meta.db --metastore --format influxql >again.influxql`
}

// autoFlag is on, off, or auto, which is empty.
type autoFlag string

// UnmarshalText takes a name.
func (f *autoFlag) UnmarshalText(text []byte) error {
	*f = autoFlag(text)
	return oneOf("value", string(text), "auto", "on", "off")
}

// formatFlag is --format; empty is a table.
type formatFlag string

const (
	tableFormat    formatFlag = "table"
	jsonFormat     formatFlag = "json"
	influxqlFormat formatFlag = "influxql"
)

// UnmarshalText takes a name.
func (f *formatFlag) UnmarshalText(text []byte) error {
	*f = formatFlag(text)
	return oneOf("format", string(text), string(tableFormat), string(jsonFormat), string(influxqlFormat))
}

// Run inspects.
func (i *inspectCmd) Run(ctx context.Context, c console) error {
	sel, err := i.check()
	if err != nil {
		return err
	}
	if i.Metastore {
		return i.metastore(ctx, c, sel)
	}
	budget, workers, err := i.resources(exporter.Format{})
	if err != nil {
		return err
	}
	tune(budget)
	opts := inspector.Options{
		Selection: sel, Deep: i.Deep, Salvage: i.Salvage, Workers: workers, Memory: walMemory(budget),
		FreePath: i.FreeAt, Progress: &inspector.Progress{},
	}
	report, err := i.inspect(ctx, c, opts)
	if _, ok := errors.AsType[*usageError](err); ok {
		return err
	}
	o := i.outcome(ctx, report, err)
	return o.end(o.tell(c, i))
}

// check looks at the flags, and settles those that say the same.
func (i *inspectCmd) check() (*filter.Selection, error) {
	sel, err := filter.New(i.spec(), time.Now())
	if err != nil {
		return nil, usagef("%w", err)
	}
	switch {
	case i.JSON && (i.Format == "" || i.Format == jsonFormat):
		i.Format = jsonFormat
	case i.JSON:
		return nil, usagef("--json and --format %s contradict each other", i.Format)
	case i.Format == influxqlFormat && !i.Metastore:
		return nil, usagef("--format influxql goes with --metastore")
	case i.HTML == "-":
		return nil, usagef("--html wants a file, for the report goes to stdout")
	}
	if i.Metastore {
		return sel, i.checkMetastore()
	}
	return sel, i.checkFreeAt()
}

// checkMetastore refuses what means nothing for a metastore, rather than passing it over.
func (i *inspectCmd) checkMetastore() error {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"retention", len(i.Retention) > 0},
		{"shard", len(i.Shard) > 0},
		{"measurement", len(i.Measurement) > 0},
		{"exclude-measurement", len(i.ExcludeMeasurement) > 0},
		{"tag", len(i.Tag) > 0},
		{"field", len(i.Field) > 0},
		{"start", i.Start != ""},
		{"end", i.End != ""},
		{"shards", i.Shards},
		{"measurements", i.Measurements},
		{"timeline", i.Timeline == "on"},
		{"free-at", i.FreeAt != ""},
		{"html", i.HTML != ""},
		{"deep", i.Deep},
	} {
		if f.set {
			return usagef("--%s says nothing about a metastore, of which --database takes a part", f.name)
		}
	}
	return nil
}

// checkFreeAt takes the directory of a file that is still to be written.
func (i *inspectCmd) checkFreeAt() error {
	if i.FreeAt == "" {
		return nil
	}
	_, err := os.Stat(i.FreeAt)
	if errors.Is(err, os.ErrNotExist) {
		i.FreeAt = filepath.Dir(filepath.Clean(i.FreeAt))
		_, err = os.Stat(i.FreeAt)
	}
	if err != nil {
		return usagef("--free-at: look at %s: %w", i.FreeAt, bare(err))
	}
	return nil
}

// inspect opens the sources and looks at them.
func (i *inspectCmd) inspect(ctx context.Context, c console, opts inspector.Options) (*inspector.Report, error) {
	cat, err := openSources(ctx, i.request(&i.selectionFlags))
	if err != nil {
		return nil, err
	}
	opts.Catalog = cat
	page, err := i.createPage(cat)
	if err != nil {
		return nil, err
	}
	stop := c.progress(!i.Quiet, inspectGauge(opts.Progress))
	report, err := inspector.Run(ctx, opts)
	stop()
	if err != nil {
		if page != nil {
			err = errors.Join(err, page.Abort())
		}
		return nil, err
	}
	if report.Totals.Shards == 0 {
		report.Notes = append(report.Notes, nothing(cat))
	}
	return report, finishPage(page, report)
}

// inspectOutcome is how it ended: what --json prints.
type inspectOutcome struct {
	head
	HTML string `json:"html,omitempty"` // the page, where there is one
	*inspector.Report

	err error
}

func (i *inspectCmd) outcome(ctx context.Context, r *inspector.Report, err error) *inspectOutcome {
	if err != nil {
		r = nil
	}
	o := &inspectOutcome{head: newHead("inspect"), Report: r}
	o.err = o.settle(ctx, r != nil && len(r.Faults) > 0, err, errors.New("interrupted"))
	if o.err == nil {
		o.HTML = i.HTML
	}
	return o
}

// tell prints the outcome: the report on stdout, all else on stderr.
func (o *inspectOutcome) tell(c console, i *inspectCmd) error {
	if o.err != nil {
		c.report(o.err, o.Hint)
	}
	switch {
	case i.Format == jsonFormat:
		return writeJSON(c.out, o)
	case o.err == nil:
		return o.print(c, i)
	}
	return nil
}

// print writes the report, and tells what must not go unseen.
func (o *inspectOutcome) print(c console, i *inspectCmd) error {
	if err := c.print(func(p *paper) { p.report(i, o.Report) }); err != nil {
		return err
	}
	if !i.Quiet {
		row := rower(c)
		if o.HTML != "" {
			row("page", "%s", o.HTML)
		}
		for _, n := range o.Notes {
			row("note", "%s", n)
		}
	}
	tellFaults(c, o.Faults, jsonHasAll)
	return nil
}

// report writes everything that is known, the most important first.
func (p *paper) report(i *inspectCmd, r *inspector.Report) {
	p.sources(r.Volumes)
	p.contents(r)
	if i.Timeline == "on" || i.Timeline != "off" && p.width >= timelineLeast {
		p.timeline(r)
	}
	p.health(r)
	p.holes(r)
	if i.Shards {
		p.shards(r)
	}
	if i.Measurements {
		p.measurements(r)
		p.conflicts(r.Conflicts, 0)
	} else {
		p.cardinality(r)
		p.conflicts(r.Conflicts, listed)
	}
	p.leftOut(r)
	p.estimate(r)
	p.next(advise(i, r))
}

func (p *paper) timeline(r *inspector.Report) {
	for n, line := range timeline(r, p.width, ink{p.unicode, p.colors}) {
		if n == 0 {
			p.section("%s", line)
			continue
		}
		p.write(line + "\n") // its names do not speak to the terminal, and its colours do
	}
}
