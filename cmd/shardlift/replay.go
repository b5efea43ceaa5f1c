// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/volume"
)

// replayCmd writes the points of volumes into a running server or cluster.
type replayCmd struct {
	sourceFlags     `group:"Sources:"`
	selectionFlags  `group:"Selection (PATTERN is a name, a glob, or /regexp/; repeat a flag for more):"`
	replayReadFlags `group:"Reading:"`
	mapFlags        `group:"Target:"`
	deliveryFlags
}

// replayReadFlags say how to read volumes for a replay.
type replayReadFlags struct {
	Strict   bool         `help:"Stop at the first fault"`
	Salvage  bool         `help:"Take WAL entries behind a damaged one too, which a server would drop"`
	Workers  int          `help:"Readers. Default: one for each processor, as far as --memory allows" placeholder:"N"`
	Memory   sizeFlag     `help:"What reading may take. Default: 64MiB" placeholder:"SIZE"`
	Unsigned unsignedFlag `help:"How unsigned values are written: keep (1u, which a stock 1.x server refuses), integer or float. Default: keep" placeholder:"HOW"`
}

// resources gives the budget in bytes and the number of workers.
func (f *replayReadFlags) resources() (budget int64, workers int, err error) {
	read := readFlags{Workers: f.Workers, Memory: f.Memory}
	return read.resources(exporter.Format{Compression: exporter.None})
}

// Help is what --help says beyond the flags.
func (*replayCmd) Help() string {
	return `This is an export and an import at once, with nothing on a disk between: it takes no room, however large the volumes
are. What is read is what shardlift export would write; what is unreadable is passed over, reported and counted.
Databases and retention policies are made as the metastore beside the shards describes them.

A killed or interrupted replay carries on when the same command is run again. The exit code is 3 where something was unreadable,
or where the target refused points, which are then in the rejects file.

Examples:

    shardlift replay /mnt/snapshot --url http://db:8086
    shardlift replay /mnt/snapshot --database telegraf --start 2019-05-19 --end 2019-05-20 --url http://db:8086 --verify
    shardlift replay /mnt/node1 /mnt/node2 --url https://node1:8086 --url https://node2:8086 --username admin --password-file ~/.influx-password
    shardlift replay /mnt/snapshot --map-database telegraf=restored --policy-duration INF --pps 50000`
}

// Run replays.
func (r *replayCmd) Run(ctx context.Context, c console) error {
	d, err := r.delivery(c)
	if err != nil {
		return err
	}
	return d.run(ctx)
}

// replayRoom is what writing takes beside the budget for reading, in bytes.
const replayRoom = 64 << 20

// delivery checks the flags and settles the defaults.
func (r *replayCmd) delivery(c console) (*delivery, error) {
	if _, err := filter.New(r.spec(), time.Now()); err != nil {
		return nil, usagef("%w", err)
	}
	budget, workers, err := r.resources()
	if err != nil {
		return nil, err
	}
	d, err := r.deliveryFlags.delivery(c, "replay", &r.mapFlags)
	if err != nil {
		return nil, err
	}
	request := r.request(&r.selectionFlags)
	d.key = "replay"
	for _, path := range append([]string{r.DataDir, r.WALDir, r.MetaDir}, request.Paths...) {
		abs := path
		if path != "" {
			if abs, err = filepath.Abs(path); err != nil {
				return nil, fmt.Errorf("find source: %w", err)
			}
		}
		d.key += "\n" + abs
	}
	d.reads = request.Paths
	d.open = func(ctx context.Context, now time.Time) (source, error) {
		sel, err := filter.New(r.spec(), now)
		if err != nil {
			return nil, usagef("%w", err)
		}
		s, err := openVolumes(ctx, request, exporter.Options{
			Selection: sel, Format: exporter.Format{Unsigned: lineprotocol.UnsignedAs(r.Unsigned)}, Workers: workers, Memory: walMemory(budget),
			Strict: r.Strict, Salvage: r.Salvage, Version: version,
		}, d.mapping, replayConfig{BatchPoints: r.BatchPoints, BatchBytes: int(r.BatchBytes), Progress: d.options.Progress, Home: d.home})
		if err != nil {
			return nil, err
		}
		return s, s.apart(d.options.CheckpointPath, d.options.RejectsPath)
	}
	tune(budget + replayRoom)
	return d, nil
}

// volumeSource is what replay reads.
type volumeSource struct {
	request volume.Request
	options exporter.Options
	mapping *importer.Mapping
	config  replayConfig
	reading *replayFeed
}

func openVolumes(ctx context.Context, request volume.Request, o exporter.Options, m *importer.Mapping, cfg replayConfig) (*volumeSource, error) {
	cat, err := openSources(ctx, request)
	if err != nil {
		return nil, err
	}
	o.Catalog = cat
	return &volumeSource{request: request, options: o, mapping: m, config: cfg}, nil
}

// apart refuses places below a source, which is never written to.
func (s *volumeSource) apart(paths ...string) error {
	for _, path := range paths {
		if path == "" { // a dry run
			continue
		}
		if src, below := s.options.Catalog.Below(path); below {
			return fmt.Errorf("%w: %s is below %s", exporter.ErrBelow, path, src)
		}
	}
	return nil
}

func (s *volumeSource) identity() map[string]any {
	return map[string]any{
		"sources":   []any{s.request.Paths, s.request.DataDir, s.request.WALDir, s.request.MetaDir, s.request.Orphans},
		"selection": s.options.Selection.Describe(), "unsigned": s.options.Format.Unsigned, "salvage": s.options.Salvage,
	}
}

func (s *volumeSource) survey(ctx context.Context, deep bool) (*survey, error) {
	outline, err := exporter.Survey(ctx, s.options, deep)
	if err != nil {
		return nil, err
	}
	found := &survey{statements: outline.Statements, complete: deep, notes: outline.Notes}
	for _, p := range outline.Places {
		place := lpfile.Place{Place: s.mapping.Place(importer.Place{Database: p.Database, Policy: p.Policy}), Span: point.NoTime, Points: -1}
		if deep { // otherwise it is the window of the shards, and the points may lie far inside
			place.Span = p.Span
		}
		found.places = append(found.places, place)
	}
	return found, nil
}

func (s *volumeSource) feed(ctx context.Context, from json.RawMessage) (importer.Feed, error) {
	var err error
	s.reading, err = newReplayFeed(ctx, s.options, s.mapping, from, s.config)
	return s.reading, err
}

func (s *volumeSource) again(_ context.Context, p *importer.Progress) (source, error) {
	return s.second(p), nil
}

func (s *volumeSource) second(p *importer.Progress) *volumeSource {
	second := &volumeSource{request: s.request, options: s.options, mapping: s.mapping, config: s.config}
	second.options.Progress, second.config.Progress = nil, p
	return second
}

func (s *volumeSource) part(_ context.Context, place importer.Place, measurement string, span point.TimeRange) (source, error) {
	n := filter.Narrowing{Measurement: measurement, Window: span}
	for _, sh := range exporter.Selected(s.options.Catalog, s.options.Selection) {
		to := s.mapping.Place(importer.Place{Database: sh.Database, Policy: sh.Policy})
		if to == place && !slices.Contains(n.Databases, sh.Database) {
			n.Databases = append(n.Databases, sh.Database)
		}
		if to == place && !slices.Contains(n.Policies, sh.Policy) {
			n.Policies = append(n.Policies, sh.Policy)
		}
	}
	second := s.second(nil)
	second.options.Selection = s.options.Selection.Narrow(n)
	return second, nil
}

func (s *volumeSource) chosen() *filter.Selection { return s.options.Selection }

func (s *volumeSource) tell(o *deliveryOutcome) {
	sum := s.reading.Summary()
	if sum == nil {
		return
	}
	if sum.Shards == 0 && sum.Points == 0 && o.Summary != nil && !o.Resumed {
		sum.Notes = append(sum.Notes, nothing(s.options.Catalog))
	}
	o.Read = sum
}

func (s *volumeSource) close() error {
	if s.reading == nil {
		return nil
	}
	return s.reading.Close()
}
