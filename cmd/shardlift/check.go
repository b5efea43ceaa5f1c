// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/shardlift/shardlift/checker"
	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/tsmreader"
)

// checkFlags say how thoroughly verify looks at volumes.
type checkFlags struct {
	Checksums bool       `help:"Verify the checksums of blocks, and do not decode them"`
	Subset    subsetFlag `help:"Read some of the blocks only: 3/10 is the third of ten parts, which together are all; 5% is that share, chosen at random" placeholder:"PART/PARTS|SHARE%"`
	Seed      uint64     `help:"Choose the blocks of --subset SHARE% as a run before did, which told this number" placeholder:"N"`
}

// checkHelp is for --help.
const checkHelp = `Proves that volumes and exports can be read, and changes nothing.

Of a volume everything is read: the structure of each TSM file, its index, the checksum of every block, and what the block holds; tombstones,
WAL segments, fields.idx and the metastore. What is wrong is told with its file and byte, and with what is lost, if anything is. What
an export would report is reported here, too, and so is damage to values that are deleted or overwritten. Replicas are checked one by one.

Of an export directory each file is compared with the manifest: size, SHA-256, compression to the end, every line, points, values
and times. A file of line protocol without a manifest is parsed and counted; - is stdin.

A path is an export if it has a manifest or is a file of line protocol, and a source otherwise. The exit code is 3 where something is wrong.

Examples:

    shardlift verify
    shardlift verify /mnt/snapshot --database telegraf
    shardlift verify /mnt/snapshot --checksums
    shardlift verify /mnt/snapshot --subset 3/10
    shardlift verify /backup/lp/
    shardlift verify telegraf.lp.gz --json`

// subsetFlag is --subset.
type subsetFlag struct {
	tsmreader.Subset
	text string
}

// UnmarshalText takes 3/10 or 5%.
func (f *subsetFlag) UnmarshalText(text []byte) error {
	f.text = string(text)
	if share, ok := strings.CutSuffix(f.text, "%"); ok {
		p, err := strconv.ParseFloat(share, 64)
		if err != nil || !(p > 0 && p <= 100) {
			return fmt.Errorf("not a share: %q (write it as 5%%)", f.text)
		}
		f.Share = p / 100
		return nil
	}
	part, parts, _ := strings.Cut(f.text, "/")
	var err error
	if f.Part, err = strconv.Atoi(part); err == nil {
		f.Parts, err = strconv.Atoi(parts)
	}
	if err != nil || f.Part < 1 || f.Part > f.Parts {
		return fmt.Errorf("not a part: %q (write it as 3/10 or 5%%)", f.text)
	}
	return nil
}

// checkRun is a check for damage.
type checkRun struct {
	*checkFlags
	read      *readFlags
	selection *selectionFlags
	console   console
	inputs    verifyInputs
	json      bool
	quiet     bool
}

// run checks and tells how it ended.
func (r *checkRun) run(ctx context.Context) error {
	sel, err := r.refuse()
	if err != nil {
		return err
	}
	budget, workers, err := r.read.resources(exporter.Format{Compression: exporter.None})
	if err != nil {
		return err
	}
	tune(budget)
	o := &checkOutcome{head: newHead("verify"), Checksums: r.Checksums, Subset: r.Subset.text}
	if subset := &r.Subset.Subset; subset.Share > 0 {
		for r.Seed == 0 {
			r.Seed = uint64(rand.Uint32()) // short enough to be typed, and for all readers of JSON
		}
		o.Seed = r.Seed
		subset.Seed = r.Seed
	}
	progress := &checker.Progress{}
	stop := r.console.progress(!r.quiet, checkGauge(progress))
	began := time.Now()
	err = r.check(ctx, o, sel, workers, walMemory(budget), progress)
	stop()
	if _, ok := errors.AsType[*usageError](err); ok {
		return err
	}
	o.Seconds = time.Since(began).Seconds()
	o.settle(ctx, err)
	return o.end(o.tell(r))
}

// refuse refuses what makes no sense.
func (r *checkRun) refuse() (*filter.Selection, error) {
	sel, err := filter.New(r.selection.spec(), time.Now())
	if err != nil {
		return nil, usagef("%w", err)
	}
	if r.Seed != 0 && r.Subset.Share == 0 {
		return nil, usagef("--seed goes with --subset SHARE%%")
	}
	if r.inputs.sources {
		return sel, nil
	}
	switch {
	case r.Checksums || r.Subset.text != "" || r.read.Salvage:
		return nil, usagef("--checksums, --subset and --salvage are for volumes, and exports are read whole")
	case !reflect.ValueOf(*r.selection).IsZero():
		return nil, usagef("a selection is for volumes, and exports are read whole")
	}
	return sel, nil
}

// picksSeries reports whether the selection looks into files.
func (r *checkRun) picksSeries() bool {
	s := r.selection
	return len(s.Measurement)+len(s.ExcludeMeasurement)+len(s.Tag)+len(s.Field) > 0
}

// check checks the sources, and then the exports.
func (r *checkRun) check(ctx context.Context, o *checkOutcome, sel *filter.Selection, workers int, memory int64, progress *checker.Progress) error {
	if r.inputs.sources {
		cat, err := openSources(ctx, r.inputs.request)
		if err != nil {
			return err
		}
		report, err := checker.Sources(ctx, checker.SourceOptions{
			Catalog: cat, Selection: sel, Checksums: r.Checksums, Subset: r.Subset.Subset, Salvage: r.read.Salvage,
			Workers: workers, Memory: memory, Progress: progress,
		})
		if err != nil {
			return err
		}
		o.Source = &report.SourceCounts
		o.LeftOut = report.LeftOut
		o.Notes = append(o.Notes, report.Notes...)
		o.Join(&report.Found)
		switch {
		case report.Shards == 0:
			o.nothing = "nothing was checked: " + nothing(cat)
		case report.Columns == 0 && r.picksSeries():
			o.nothing = "no block was checked: no TSM file has a column that was selected"
		}
		if o.nothing != "" && r.json {
			o.Notes = append(o.Notes, o.nothing)
		}
	}
	if len(r.inputs.exports) > 0 {
		report, err := checker.Exports(ctx, checker.ExportOptions{Paths: r.inputs.exports, Stdin: os.Stdin, Workers: workers, Progress: progress})
		if err != nil {
			return err
		}
		o.Exports = report.Exports
		o.Notes = append(o.Notes, report.Notes...)
		o.Join(&report.Found)
	}
	return nil
}
