// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/volume"
)

// exportCmd writes the points of volumes as line protocol.
type exportCmd struct {
	sourceFlags    `group:"Sources:"`
	selectionFlags `group:"Selection (PATTERN is a name, a glob, or /regexp/; repeat a flag for more):"`
	outputFlags    `group:"Output:"`
	runFlags       `group:"Run:"`
}

// outputFlags say what to write and where.
type outputFlags struct {
	Out             string       `help:"File, directory (an existing one, or with a slash at its end), or - for stdout. Default: shardlift-export.lp, with .gz or .zst, here" placeholder:"FILE|DIR/|-"`
	Compress        compressFlag `help:"Compress: --compress alone is gzip; --compress=zstd; --compress=none"`
	Level           int          `help:"Compression level: gzip 1 to 9, zstd 1 to 22. Default: 1" placeholder:"N"`
	Split           splitFlag    `help:"What goes into one file of a directory: none, database or shard. Default: database" placeholder:"HOW"`
	LPOnly          bool         `name:"lponly" help:"Points only, without the lines that make databases and say where points belong"`
	OneFieldPerLine bool         `help:"A line for each value, column by column, as influx_inspect writes them"`
	Unsigned        unsignedFlag `help:"How unsigned values are written: keep (1u, which a stock 1.x server refuses), integer or float. Default: keep" placeholder:"HOW"`
}

// runFlags say how to go about it.
type runFlags struct {
	Strict bool `help:"Stop at the first fault and leave no output"`
	readFlags
	JSON  bool `name:"json" help:"The summary as one JSON object on stdout, or on stderr when data goes to stdout"`
	Quiet bool `help:"No progress and no summary; errors and faults are told always"`
}

// readFlags say how to read shards.
type readFlags struct {
	Salvage bool     `help:"Take WAL entries behind a damaged one too, which a server would drop"`
	Workers int      `help:"Workers. Default: one for each processor, as far as --memory allows" placeholder:"N"`
	Memory  sizeFlag `help:"What the process may take. Default: 64MiB" placeholder:"SIZE"`
}

// Help is what --help says beyond the flags.
func (*exportCmd) Help() string {
	return `Everything that a server would have answered comes out, each point on one line, with its time in nanoseconds:
TSM files, tombstones and WAL segments are merged. What is unreadable is passed over, reported and counted,
and the exit code is then 3. The output is what "influx -import" reads.

The same source and flags give the same bytes. An output is whole or absent. A killed export to a directory carries on when
the same command is run again.

Examples:

    shardlift export --compress
    shardlift export /mnt/snapshot --database telegraf --start 2019-05-19 --end 2019-05-20 --out telegraf.lp
    shardlift export /mnt/node1 /mnt/node2 --out /backup/lp/ --split shard --compress=zstd
    shardlift export ./data/db/autogen/12/000000003-000000002.tsm --lponly --out - | head
    shardlift export --measurement 'cpu*' --tag 'host=/^web/' --field usage_idle --out - | gzip > cpu.lp.gz

The flags of influx_inspect export work with one dash: -database -retention -start -end -datadir -waldir -out -compress
-lponly -tsmfile. Their -database and -retention are plain names.`
}

// Run exports.
func (e *exportCmd) Run(ctx context.Context, c console) error {
	job, err := e.job(c)
	if err != nil {
		return err
	}
	sum, err := job.run(ctx)
	if _, ok := errors.AsType[*usageError](err); ok {
		return err
	}
	o := job.outcome(ctx, sum, err)
	return o.end(o.tell(job))
}

// exportJob is an export whose flags were found good.
type exportJob struct {
	cmd     *exportCmd
	request volume.Request
	options exporter.Options
	output  string // as it is told
	console console
}

// job checks the flags and settles the defaults.
func (e *exportCmd) job(c console) (*exportJob, error) {
	sel, err := filter.New(e.spec(), time.Now())
	if err != nil {
		return nil, usagef("%w", err)
	}
	j := &exportJob{cmd: e, console: c, request: e.request(&e.selectionFlags)}
	if err := e.apart(); err != nil {
		return nil, err
	}
	format, err := e.format()
	if err != nil {
		return nil, err
	}
	budget, workers, err := e.resources(format)
	if err != nil {
		return nil, err
	}
	j.options = exporter.Options{
		Selection: sel, Format: format, Workers: workers, Memory: walMemory(budget),
		Strict: e.Strict, Salvage: e.Salvage, Version: version, Progress: &exporter.Progress{},
	}
	if err := j.settleOutput(); err != nil {
		return nil, err
	}
	tune(budget)
	return j, nil
}

// resources gives the budget in bytes and the number of workers.
func (r *readFlags) resources(f exporter.Format) (budget int64, workers int, err error) {
	budget = int64(r.Memory)
	if budget == 0 {
		budget = defaultMemory
	}
	if budget < minMemory {
		return 0, 0, usagef("--memory is less than the %d MiB that reading needs", minMemory>>20)
	}
	if r.Workers < 0 {
		return 0, 0, usagef("--workers must not be negative")
	}
	workers = r.Workers
	if workers == 0 {
		workers = fitWorkers(budget, f, runtime.GOMAXPROCS(0))
	}
	return budget, workers, nil
}

// format gives what the text looks like; the split is settled with the output.
func (o *outputFlags) format() (exporter.Format, error) {
	f := exporter.Format{
		Compression: exporter.Compression(o.Compress), Level: o.Level, Split: exporter.Split(o.Split),
		OneField: o.OneFieldPerLine, Bare: o.LPOnly, Unsigned: lineprotocol.UnsignedAs(o.Unsigned),
	}
	if f.Compression == "" {
		f.Compression = exporter.None
	}
	if o.Level != 0 && f.Compression == exporter.None {
		return f, usagef("--level goes with --compress")
	}
	if err := exporter.CheckLevel(f.Compression, o.Level); err != nil {
		return f, usagef("--level: %w", err)
	}
	return f, nil
}

// settleOutput finds out what --out names.
func (j *exportJob) settleOutput() error {
	out, f := j.cmd.Out, &j.options.Format
	if out == "" {
		out = defaultOutput + endings[f.Compression]
	}
	j.output = out
	switch {
	case out == "-", out == "/dev/stdout":
		j.output = "stdout"
		j.options.Output.Stream = j.console.out
	case isDirectory(out):
		j.options.Output.Dir = out
	default:
		j.options.Output.File = out
	}
	if j.options.Output.Dir == "" && f.Split != "" && f.Split != exporter.SplitNone {
		return usagef("--split %s needs a directory, and --out %s is none (one that is to be made ends in a slash)", f.Split, out)
	}
	if f.Split == "" {
		f.Split = exporter.SplitNone
		if j.options.Output.Dir != "" {
			f.Split = exporter.SplitDatabase
		}
	}
	return nil
}

// defaultOutput is where the text goes when nothing is said, but for its ending.
const defaultOutput = "shardlift-export.lp"

// endings are those of files.
var endings = map[exporter.Compression]string{exporter.Gzip: ".gz", exporter.Zstd: ".zst"}

// isDirectory reports whether path is a directory, or is to be one.
func isDirectory(path string) bool {
	if strings.HasSuffix(path, string(os.PathSeparator)) {
		return true
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// run opens the sources and exports them.
func (j *exportJob) run(ctx context.Context) (*exporter.Summary, error) {
	cat, err := openSources(ctx, j.request)
	if err != nil {
		return nil, err
	}
	j.options.Catalog = cat
	stop := j.console.progress(!j.cmd.Quiet && (!j.cmd.JSON || !j.toStdout()), exportGauge(j.options.Progress))
	sum, err := exporter.Run(ctx, j.options)
	stop()
	if err != nil {
		return nil, outputError{err}
	}
	if sum.Shards == 0 {
		sum.Notes = append(sum.Notes, nothing(cat))
	}
	return sum, nil
}

// toStdout reports whether the data goes to stdout.
func (j *exportJob) toStdout() bool { return j.options.Output.Stream != nil }

// nothing says why an export may be empty.
func nothing(cat *volume.Catalog) string {
	var names []string
	for _, sh := range cat.Shards {
		if name := fmt.Sprintf("%q", sh.Database); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return "the sources hold no shards to take"
	case slices.Equal(names, []string{`"_internal"`}):
		return `the sources hold the database "_internal" only, which --include-internal takes`
	}
	return "nothing was selected; the sources hold shards of " + nameList(names)
}

// nameList writes the first of many names.
func nameList(names []string) string {
	const most = 20
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	return strings.Join(names, ", ") + more
}
