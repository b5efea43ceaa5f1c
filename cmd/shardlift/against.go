// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/target"
	"github.com/shardlift/shardlift/verifier"
)

// againstFlags are those of verify that are about a server.
type againstFlags struct {
	Against []string `sep:"none" help:"Compare with the server or cluster at this URL, instead of looking for damage; repeat it for the nodes of one cluster" placeholder:"URL"`
	accessFlags
	Timeout time.Duration `help:"How long one request may take. Default: 60s" placeholder:"TIME"`
	mapFlags
	Exact          bool         `help:"Compare each value, not only how many there are"`
	MaxDifferences *int         `help:"List this many single values that differ; 0 lists none. Default: 100" placeholder:"N"`
	QueryRate      *float64     `help:"Queries per second at most; 0 is no limit. Default: 20" placeholder:"N"`
	AllowExtra     bool         `help:"What only the server has is no difference"`
	Precision      choiceFlag   `choices:"ns us ms s m h" help:"Unit of the times in files that are compared: ns, us, ms, s, m or h. Default: ns" placeholder:"UNIT"`
	Unsigned       unsignedFlag `help:"How unsigned values of volumes were written to the server: keep, integer or float. Default: keep" placeholder:"HOW"`
}

// refuseAlone refuses flags of the group that stand on a command line without a server:
// whoever wrote them wanted more than a look for damage. In the environment and in a file
// they may stand for other runs.
func (f *againstFlags) refuseAlone(parsed *kong.Context) error {
	if len(f.Against) > 0 {
		return nil
	}
	for _, p := range parsed.Path {
		if p.Flag != nil && !p.Resolved && p.Flag.Group != nil && p.Flag.Group.Key == againstGroup {
			return usagef("--%s goes with --against URL", p.Flag.Name)
		}
	}
	return nil
}

// againstGroup is how the group of againstFlags is called in --help.
const againstGroup = "Comparing with a server:"

// defaultQueryRate is how many queries a second a server gets that others use, too.
const defaultQueryRate = 20

// againstRoom is what comparing takes beside the budget for reading, in bytes: counts and
// what tells repeated points, and single values that are looked for.
const againstRoom = 176 << 20

// againstHelp is for --help.
const againstHelp = `With --against, sources or exports are compared with a running server or cluster. First values are counted, by database, policy,
measurement, field and day; where the counts differ, the values themselves are looked for, and listed: what is missing on the server,
what it has beside, and what differs. With --exact each value is compared, also where the counts agree.

Only times between --start and --end are compared, and where these are not given, between the first and the last point of each database
and policy: a server that has newer points does not differ. It gets one query at a time, and no more a second than --query-rate allows.
Nothing is written anywhere. The exit code is 3 where something differs.

Examples:

    shardlift verify /mnt/snapshot --against http://db:8086
    shardlift verify /mnt/snapshot --database telegraf --against http://db:8086 --exact --username admin --password-file ~/.influx-password
    shardlift verify /backup/telegraf/ --against http://db:8086 --map-database telegraf=restored --end 2019-05-20
    shardlift verify /mnt/snapshot --against http://db:8086 --allow-extra --query-rate 2 --json`

// againstRun is one comparison with a server.
type againstRun struct {
	*againstFlags
	read      *readFlags
	selection *selectionFlags
	console   console
	inputs    verifyInputs
	json      bool
	quiet     bool

	mapping *importer.Mapping
	config  target.Config
	notes   *notes
	from    source
	api     target.API
}

// run compares and tells how it ended.
func (a *againstRun) run(ctx context.Context) error {
	if err := a.check(); err != nil {
		return err
	}
	o := &againstOutcome{head: newHead("verify"), Inputs: a.paths()}
	began := time.Now()
	err := a.compare(ctx, o)
	if _, ok := errors.AsType[*usageError](err); ok {
		return err
	}
	o.Seconds = time.Since(began).Seconds()
	o.settle(ctx, a, err)
	return o.end(o.show(a))
}

func (a *againstRun) paths() []string {
	return slices.Concat(a.inputs.exports, a.inputs.request.Paths)
}

// check refuses what makes no sense, and settles the defaults.
func (a *againstRun) check() error {
	switch {
	case a.inputs.sources && len(a.inputs.exports) > 0:
		return usagef("--against compares sources or exports, not both at a time")
	case a.MaxDifferences != nil && *a.MaxDifferences < 0:
		return usagef("--max-differences must not be negative")
	case a.QueryRate != nil && !isRate(*a.QueryRate):
		return usagef("--query-rate must not be negative")
	case a.Timeout < 0:
		return usagef("--timeout must not be negative")
	}
	for _, u := range a.Against {
		if err := checkURL("against", u); err != nil {
			return err
		}
	}
	var err error
	if a.mapping, err = a.mapFlags.mapping(); err != nil {
		return err
	}
	a.config = target.Config{URLs: a.Against, API: target.Auto, Timeout: a.Timeout, UserAgent: "shardlift/" + version}
	a.notes = &notes{console: a.console, quiet: a.quiet || a.json}
	return a.access(&a.config, a.console)
}

// open opens what is compared.
func (a *againstRun) open(ctx context.Context) (source, error) {
	now := time.Now()
	if a.inputs.sources {
		sel, err := filter.New(a.selection.spec(), now)
		if err != nil {
			return nil, usagef("%w", err)
		}
		budget, workers, err := a.read.resources(exporter.Format{Compression: exporter.None})
		if err != nil {
			return nil, err
		}
		tune(budget + againstRoom)
		return openVolumes(ctx, a.inputs.request, exporter.Options{
			Selection: sel, Format: exporter.Format{Unsigned: lineprotocol.UnsignedAs(a.Unsigned)}, Workers: workers, Memory: walMemory(budget),
			Salvage: a.read.Salvage, Version: version,
		}, a.mapping, replayConfig{})
	}
	tune(importMemory + againstRoom)
	return a.openFiles(ctx, now)
}

// openFiles opens exports. As in an import, the database and the policy of the flags are
// for points that belong to none.
func (a *againstRun) openFiles(ctx context.Context, now time.Time) (source, error) {
	s := a.selection
	for _, list := range []struct {
		flag   string
		values []string
	}{{"database", s.Database}, {"retention", s.Retention}} {
		if len(list.values) > 0 && plainName(list.values) == "" {
			return nil, usagef("--%s names what the points of an export belong to that names none: it takes one plain name", list.flag)
		}
	}
	if len(s.Shard) > 0 {
		return nil, usagef("--shard chooses from volumes, and an export does not know its shards")
	}
	sel, err := filter.New(filter.Spec{
		Measurements: s.Measurement, ExcludeMeasurements: s.ExcludeMeasurement, Tags: s.Tag, Fields: s.Field, Start: s.Start, End: s.End,
	}, now)
	if err != nil {
		return nil, usagef("%w", err)
	}
	if slices.ContainsFunc(a.inputs.exports, onlyOnce) {
		a.notes.add("the input can be read only once: values that differ are counted and not listed")
	}
	f := &fileSource{watch: a.watch, cfg: lpfile.Config{
		Inputs: a.inputs.exports, Stdin: os.Stdin, Database: plainName(s.Database), Policy: plainName(s.Retention),
		Mapping: a.mapping, Selection: sel, Precision: string(a.Precision), Now: now.UnixNano(), Progress: &importer.Progress{}, Check: true,
	}}
	f.cfg.Surveyed = &f.surveyed
	f.reader, err = lpfile.Open(ctx, f.cfg)
	return f, err
}

// compare reads what is compared, and asks the target.
func (a *againstRun) compare(ctx context.Context, o *againstOutcome) (err error) {
	if a.from, err = a.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.from.close()) }()
	t, err := target.Open(a.config)
	if err != nil {
		return usagef("%w", err)
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if err := a.reach(ctx, t, o); err != nil {
		return err
	}
	return a.hold(ctx, t, o)
}

// reach asks who is there.
func (a *againstRun) reach(ctx context.Context, t *target.Target, o *againstOutcome) error {
	nodes, err := t.Check(ctx)
	a.api = t.API()
	o.Nodes = a.notes.nodes(nodes, err)
	return err
}

// hold holds the source against the target.
func (a *againstRun) hold(ctx context.Context, t *target.Target, o *againstOutcome) error {
	c := &comparing{from: a.from, asks: verifier.NewPaced(t, given(a.QueryRate, defaultQueryRate)), watch: a.watch, names: map[string]string{}}
	opts := verifier.Options{Selection: a.from.chosen(), Extra: true, Exact: a.Exact, MaxDifferences: given(a.MaxDifferences, defaultDifferences)}
	if opts.Selection != nil && len(opts.Selection.Describe().Shards) > 0 {
		opts.Extra = false
		o.note(a, "with --shard, what only the server has is not looked for: other shards have their part in the same times")
	}
	counter, err := c.count(ctx, a.Exact)
	o.take(c)
	if err != nil {
		return fmt.Errorf("read what is compared: %w", err)
	}
	if v, ok := a.from.(*volumeSource); ok {
		for _, p := range v.places() { // the server may have something where the source has nothing
			if p, err = c.place(ctx, p); err != nil {
				return err
			}
			counter.Expect(p.Database, p.Policy)
		}
	}
	a.notes.unused(a.mapping)
	if c.read != nil {
		var out deliveryOutcome
		c.read.tell(&out)
		o.Read, o.Skipped = out.Read, out.Skipped
	}
	if slices.ContainsFunc(a.inputs.exports, onlyOnce) {
		c.from = nil
	}
	report, err := c.compare(ctx, counter, opts)
	if err != nil {
		return err // half a comparison would look like a good one
	}
	o.Verify = &verifyOutcome{Report: report, extraCounts: opts.Extra && !a.AllowExtra, allShown: true}
	if text := o.Verify.mixed(); text != "" {
		o.note(a, text)
	}
	return nil
}

// places are those of the target that the selection has a part in, whether or not there are
// points in its window.
func (s *volumeSource) places() []importer.Place {
	var out []importer.Place
	for _, sh := range s.options.Catalog.Shards {
		p := s.mapping.Place(importer.Place{Database: sh.Database, Policy: sh.Policy})
		if s.options.Selection.Database(sh.Database) && s.options.Selection.Policy(sh.Policy) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// watch shows the progress until the returned function is called.
func (a *againstRun) watch(g gauge) (stop func()) {
	return a.notes.watch(!a.quiet, g)
}

// notInTime is for a server that was asked, and did not answer or not what was asked.
const notInTime = "the server did not recover in time: is it up? Look at its log; --timeout waits longer for an answer, --query-rate asks less often"

// hint says what can be done about an error, or "".
func (a *againstRun) hint(err error) string {
	if bad, damaged := errors.AsType[*lpfile.DamagedError](err); damaged {
		return unusedHint(bad)
	}
	e, ok := errors.AsType[*target.Error](err)
	switch text := targetHint(err, &a.config, a.api); {
	case isLate(err):
		return notInTime
	case ok && e.Status == http.StatusNotFound:
		return "is --against right? It names the address of the server alone, such as http://localhost:8086"
	case text != "":
		return strings.ReplaceAll(text, "--url", "--against")
	case a.inputs.sources:
		return hint(err)
	}
	return ""
}
