// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
)

// importCmd writes line protocol into a running server or cluster.
type importCmd struct {
	Inputs []string `arg:"" optional:"" name:"input" help:"File with line protocol, directory of such files, or - for stdin; plain, gzip or zstd. Default: shardlift-export.lp, with .gz or .zst, here"`

	contentFlags  `group:"Content (PATTERN is a name, a glob, or /regexp/; repeat a flag for more):"`
	deliveryFlags `group:"Target:"`
}

// contentFlags say what to take of the inputs and where it belongs.
type contentFlags struct {
	Database  string `help:"Database of points of which the input does not name one" placeholder:"NAME"`
	Retention string `help:"Retention policy of points of which the input does not name one. Default: the database's own default" placeholder:"NAME"`
	mapFlags
	Measurement        []string   `sep:"none" help:"Measurements to take" placeholder:"PATTERN"`
	ExcludeMeasurement []string   `sep:"none" help:"Measurements to leave out; wins over --measurement" placeholder:"PATTERN"`
	Tag                []string   `sep:"none" help:"Series to take, by a tag: key=pattern, or key!=pattern; several keys must all agree" placeholder:"KEY=PATTERN"`
	Field              []string   `sep:"none" help:"Fields to take" placeholder:"PATTERN"`
	Start              string     `help:"First time to take: RFC 3339, a date, Unix nanoseconds, or now-7d" placeholder:"TIME"`
	End                string     `help:"Last time to take; it belongs to the window" placeholder:"TIME"`
	Precision          choiceFlag `choices:"ns us ms s m h" help:"Unit of the times in the input: ns, us, ms, s, m or h. Default: ns" placeholder:"UNIT"`

	Path string `hidden:"" env:"-" help:"An input, as influx names it"`
}

// Help is what --help says beyond the flags.
func (*importCmd) Help() string {
	return `Files that shardlift export or influx_inspect export made are read with all that stands in them: statements that make
databases and retention policies, and where points belong. Plain line protocol needs --database. The points are written over several
connections, as many as the target bears; what fails for a time is sent again. Points that the target refuses
go to the rejects file, with the reason, all others are stored, and the exit code is then 3.

A killed or interrupted import carries on when the same command is run again. A point that is written twice is the same point.

Examples:

    shardlift import
    shardlift import telegraf.lp.gz --url http://db:8086 --username admin --password-file ~/.influx-password
    shardlift import /backup/lp/ --url https://node1:8086 --url https://node2:8086 --consistency quorum
    shardlift import telegraf.lp.gz --map-database telegraf=restored --start 2019-05-19 --end 2019-05-20 --verify
    zcat points.gz | shardlift import - --database telegraf --retention autogen --precision s
    shardlift import /backup/lp/ --dry-run

The flags of influx -import work with one dash: -path -compressed -pps -precision -consistency -database -host -port -ssl
-unsafeSsl -username -password; -import and -compress may stand there too.`
}

// Run imports.
func (i *importCmd) Run(ctx context.Context, c console) error {
	d, err := i.delivery(c)
	if err != nil {
		return err
	}
	return d.run(ctx)
}

// delivery checks the flags and settles the defaults.
func (i *importCmd) delivery(c console) (*delivery, error) {
	inputs, err := i.inputs()
	if err != nil {
		return nil, err
	}
	d, err := i.deliveryFlags.delivery(c, "import", &i.mapFlags)
	if err != nil {
		return nil, err
	}
	tuneImport(&i.writeFlags)
	d.reads = inputs
	d.open = func(ctx context.Context, now time.Time) (source, error) { return i.open(ctx, d, now) }
	d.key = "import"
	for _, name := range inputs {
		abs, err := filepath.Abs(name)
		if err != nil {
			return nil, fmt.Errorf("find input: %w", err)
		}
		d.key += "\n" + abs
	}
	if !slices.ContainsFunc(inputs, onlyOnce) {
		d.beside = inputs[0]
	}
	_, err = i.selection(time.Now())
	return d, err
}

// selection gives the filters.
func (f *contentFlags) selection(now time.Time) (*filter.Selection, error) {
	sel, err := filter.New(filter.Spec{
		Measurements: f.Measurement, ExcludeMeasurements: f.ExcludeMeasurement, Tags: f.Tag, Fields: f.Field, Start: f.Start, End: f.End,
	}, now)
	if err != nil {
		return nil, usagef("%w", err)
	}
	return sel, nil
}

// open opens the inputs.
func (i *importCmd) open(ctx context.Context, d *delivery, now time.Time) (source, error) {
	sel, err := i.selection(now)
	if err != nil {
		return nil, err
	}
	s := &fileSource{watch: d.watch, cfg: lpfile.Config{
		Inputs: d.reads, Stdin: os.Stdin, Database: i.Database, Policy: i.Retention,
		Mapping: d.mapping, Selection: sel, Precision: string(i.Precision), Now: now.UnixNano(),
		BatchPoints: i.BatchPoints, BatchBytes: int(i.BatchBytes), Progress: d.options.Progress, Check: i.DryRun || i.verifies(),
	}}
	s.cfg.Surveyed = &s.surveyed
	s.reader, err = lpfile.Open(ctx, s.cfg)
	return s, err
}

// onlyOnce reports whether an input is a pipe or the like.
func onlyOnce(path string) bool {
	if path == "-" {
		return true
	}
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && !info.Mode().IsRegular()
}

// inputs gives what is named, or what an export left here.
func (i *importCmd) inputs() ([]string, error) {
	inputs := slices.Clone(i.Inputs)
	if i.Path != "" {
		inputs = append(inputs, i.Path)
	}
	if len(inputs) > 0 {
		return inputs, nil
	}
	for _, ending := range []string{"", ".gz", ".zst"} {
		if _, err := os.Stat(defaultOutput + ending); err == nil {
			inputs = append(inputs, defaultOutput+ending)
		}
	}
	switch len(inputs) {
	case 0:
		return nil, usagef("name what to import: a file, a directory, or - for stdin (there is no %s, with or without .gz or .zst, here)", defaultOutput)
	case 1:
		return inputs, nil
	}
	return nil, usagef("name what to import: there are %s here", strings.Join(inputs, " and "))
}

// fileSource is what import reads.
type fileSource struct {
	cfg      lpfile.Config
	reader   *lpfile.Reader
	surveyed atomic.Int64 // bytes
	watch    func(gauge) (stop func())
}

func (s *fileSource) identity() map[string]any {
	return map[string]any{"inputs": s.reader.Identity()}
}

func (s *fileSource) survey(ctx context.Context, deep bool) (*survey, error) {
	stop := s.watch(func(elapsed time.Duration) state {
		read, all := s.surveyed.Load(), s.cfg.Progress.Total.Load()
		return state{bytes: read, allBytes: max(all, read), left: timeLeft(elapsed, read, all), text: "looking at what is there", brief: "looking"}
	})
	found, err := s.reader.Survey(ctx, deep)
	stop()
	if err != nil {
		return nil, err
	}
	notes := found.Notes
	if note := s.unused(found.Places); note != "" && !deep {
		notes = append(notes, note)
	}
	return &survey{statements: found.Statements, places: found.Places, complete: found.Complete, once: found.Stdin, notes: notes}, nil
}

// unused says that --database does nothing, which may not be what was meant.
func (s *fileSource) unused(places []lpfile.Place) string {
	name := s.cfg.Mapping.Database(s.cfg.Database)
	if name == "" || len(places) == 0 || slices.ContainsFunc(places, func(p lpfile.Place) bool { return p.Database == name }) {
		return ""
	}
	return fmt.Sprintf("the input names its database itself: points go to %s, and --database %s is for points that belong to none; --map-database renames",
		meta.QuoteIdent(places[0].Database), s.cfg.Database)
}

func (s *fileSource) feed(_ context.Context, from json.RawMessage) (importer.Feed, error) {
	if from == nil {
		return s.reader, nil
	}
	return s.reader, s.reader.Resume(from)
}

func (s *fileSource) again(ctx context.Context, p *importer.Progress) (source, error) {
	return s.second(ctx, s.cfg, p)
}

// second opens the same inputs once more.
func (s *fileSource) second(ctx context.Context, cfg lpfile.Config, p *importer.Progress) (source, error) {
	if p == nil {
		p = &importer.Progress{}
	}
	second := &fileSource{cfg: cfg, watch: func(gauge) func() { return func() {} }}
	second.cfg.Progress, second.cfg.Surveyed = p, &second.surveyed
	var err error
	second.reader, err = lpfile.Open(ctx, second.cfg)
	return second, err
}

func (s *fileSource) part(ctx context.Context, _ importer.Place, measurement string, span point.TimeRange) (source, error) {
	cfg := s.cfg
	if cfg.Selection == nil {
		var err error
		if cfg.Selection, err = filter.New(filter.Spec{}, time.Now()); err != nil {
			return nil, err
		}
	}
	cfg.Selection = cfg.Selection.Narrow(filter.Narrowing{Measurement: measurement, Window: span})
	return s.second(ctx, cfg, nil)
}

func (s *fileSource) chosen() *filter.Selection { return s.cfg.Selection }

func (s *fileSource) tell(o *deliveryOutcome) {
	skipped := s.reader.Skipped()
	o.Skipped = &skipped
}

func (s *fileSource) close() error { return s.reader.Close() }
