// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/volume"
)

const about = `Recover InfluxDB 1.x time series from disks: read the shards of a data directory, an attached
snapshot or a single TSM file, with no server running, and write exact line protocol, to files or straight into
a running server or cluster. Sources are only ever read.

Every flag can also be set in the environment (--one-field-per-line is SHARDLIFT_ONE_FIELD_PER_LINE)
and in the file that --config names; the command line wins over the environment, and that over the file.

Exit codes: 0 done; 1 failed; 2 wrong command line; 3 finished, but something was unreadable, could not be
written, was rejected, or differs, see the summary; 130 interrupted.`

// cli is the whole command line. Help texts are phrases without a full stop, and name
// the default where it is not plain.
type cli struct {
	Config  configFlag  `help:"YAML or JSON file with values for flags, below the name of the command" placeholder:"FILE"`
	Version versionFlag `help:"Show the version" env:"-"`

	Inspect    inspectCmd `cmd:"" help:"Show what volumes hold, and how sound they are"`
	Export     exportCmd  `cmd:"" help:"Write the points of volumes as line protocol"`
	Import     importCmd  `cmd:"" help:"Write line protocol into a server or cluster"`
	Replay     replayCmd  `cmd:"" help:"Write the points of volumes into a server or cluster, with nothing on a disk between"`
	Verify     verifyCmd  `cmd:"" help:"Prove that volumes and exports can be read, or compare them with a server"`
	VersionCmd versionCmd `cmd:"" name:"version" help:"Show the version"`
}

// versionCmd shows the version.
type versionCmd struct{}

// Run prints one line.
func (*versionCmd) Run(c console) error { return printVersion(c.out) }

// versionFlag does so beside any command. Kong's own does not say where that fails.
type versionFlag bool

// BeforeReset ends the command line.
func (versionFlag) BeforeReset(app *kong.Kong) error {
	if err := printVersion(app.Stdout); err != nil {
		return err
	}
	app.Exit(exitDone)
	return nil
}

func printVersion(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "shardlift %s\n", version); err != nil {
		return printError{fmt.Errorf("print the version: %w", err)}
	}
	return nil
}

// printHelp is kong's, but tells where stdout fails from a wrong command line.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return printError{fmt.Errorf("print the help: %w", err)}
	}
	return nil
}

// sourceFlags say what to read.
type sourceFlags struct {
	Sources []string `arg:"" optional:"" name:"source" help:"Volume, mount point of one, data directory, directory of a database, retention policy or shard, or TSM file. Volumes with the same shards are replicas and are merged; where they disagree the one named later wins. Default: /var/lib/influxdb, then ~/.influxdb"`

	DataDir    string `name:"datadir" help:"Data directory, where it is named apart from the WAL" placeholder:"DIR"`
	WALDir     string `name:"waldir" help:"WAL directory, where it does not lie beside the data directory" placeholder:"DIR"`
	MetaDir    string `name:"metadir" help:"Directory of the metastore, or its file, where it does not lie beside the data directory" placeholder:"DIR"`
	TSMFile    string `name:"tsmfile" hidden:"" help:"A source, as influx_inspect names it"`
	AllVolumes bool   `help:"Take every volume below a mount point, where there are several"`
	Orphans    bool   `help:"Take shards that the metastore lists as deleted, or not at all"`
}

// selectionFlags say what to take of it. Patterns are never split at commas.
type selectionFlags struct {
	Database           []string `sep:"none" help:"Databases to take" placeholder:"PATTERN"`
	Retention          []string `sep:"none" help:"Retention policies to take" placeholder:"PATTERN"`
	Shard              []string `sep:"none" help:"Shards to take, by id" placeholder:"PATTERN"`
	Measurement        []string `sep:"none" help:"Measurements to take" placeholder:"PATTERN"`
	ExcludeMeasurement []string `sep:"none" help:"Measurements to leave out; wins over --measurement" placeholder:"PATTERN"`
	Tag                []string `sep:"none" help:"Series to take, by a tag: key=pattern, or key!=pattern; several keys must all agree" placeholder:"KEY=PATTERN"`
	Field              []string `sep:"none" help:"Fields to take" placeholder:"PATTERN"`
	Start              string   `help:"First time to take: RFC 3339, a date, Unix nanoseconds, or now-7d" placeholder:"TIME"`
	End                string   `help:"Last time to take; it belongs to the window" placeholder:"TIME"`
	IncludeInternal    bool     `help:"Take the database _internal too, without naming it"`
}

func (s *selectionFlags) spec() filter.Spec {
	return filter.Spec{
		Databases: s.Database, Policies: s.Retention, Shards: s.Shard,
		Measurements: s.Measurement, ExcludeMeasurements: s.ExcludeMeasurement,
		Tags: s.Tag, Fields: s.Field, Start: s.Start, End: s.End, IncludeInternal: s.IncludeInternal,
	}
}

// request names the volumes. One plain name of a database or a policy also names
// sources that do not show theirs.
func (s *sourceFlags) request(sel *selectionFlags) volume.Request {
	paths := s.Sources
	if s.TSMFile != "" {
		paths = append(slices.Clone(paths), s.TSMFile)
	}
	return volume.Request{
		Paths: paths, DataDir: s.DataDir, WALDir: s.WALDir, MetaDir: s.MetaDir,
		Database: plainName(sel.Database), Policy: plainName(sel.Retention),
		Orphans: s.Orphans, All: s.AllVolumes,
	}
}

// openSources is volume.Open, for a request that was made of flags.
func openSources(ctx context.Context, req volume.Request) (*volume.Catalog, error) {
	cat, err := volume.Open(ctx, req)
	if errors.Is(err, volume.ErrRequest) {
		return nil, usagef("%w", err)
	}
	return cat, err
}

// plainName gives the only name that the patterns match, or "".
func plainName(patterns []string) string {
	if len(patterns) != 1 {
		return ""
	}
	p, err := filter.ParsePattern(patterns[0])
	if err != nil {
		return "" // the filter says so
	}
	name, _ := p.Literal()
	return name
}
