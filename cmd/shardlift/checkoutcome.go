// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/shardlift/shardlift/checker"
	"github.com/shardlift/shardlift/exporter"
)

// checkOutcome is how a check ended: what --json prints.
type checkOutcome struct {
	head
	Checksums bool   `json:"checksums,omitempty"` // only
	Subset    string `json:"subset,omitempty"`
	Seed      uint64 `json:"seed,omitempty"`

	Source  *checker.SourceCounts `json:"source,omitempty"`
	Exports []checker.Export      `json:"exports,omitempty"`
	checker.Found
	LeftOut []exporter.LeftOut `json:"leftOut"`
	Notes   []string           `json:"notes,omitempty"`
	Seconds float64            `json:"seconds"`

	err     error
	nothing string // why nothing was checked, or most of it was not
}

// settle settles the exit code, and takes the error that ended the run, or nil.
func (o *checkOutcome) settle(ctx context.Context, err error) {
	if o.Faults == nil {
		o.Faults = []exporter.Fault{}
	}
	if o.LeftOut == nil {
		o.LeftOut = []exporter.LeftOut{}
	}
	o.err = o.head.settle(ctx, o.Count() > 0, err, errors.New("interrupted; not everything was looked at"))
}

// tell prints the outcome: as JSON, or as a table, or with --quiet only what must not go
// unseen.
func (o *checkOutcome) tell(r *checkRun) error {
	c := r.console
	if o.err != nil {
		c.report(o.err, o.Hint)
	} else if o.nothing != "" {
		c.say("warning: %s", oneLine(o.nothing)) // a script that checks nothing must not go on doing so
	}
	if r.json {
		return writeJSON(c.out, o)
	}
	o.show(c, r.quiet)
	return nil
}

// show prints the summary and the faults of a run that came to its end.
func (o *checkOutcome) show(c console, quiet bool) {
	if o.err != nil {
		return
	}
	if !quiet {
		o.table(c)
	}
	tellSomeFaults(c, o.Faults, int(o.Count()), int(o.Lost), "--json lists them")
	if !quiet && o.Count() == 0 {
		name, text := o.verdict()
		c.say("%-12s %s", name, text)
	}
}

// verdict says what finding nothing means.
func (o *checkOutcome) verdict() (name, text string) {
	name = "sound"
	switch {
	case o.Source != nil && o.Source.Shards == 0 && len(o.Exports) == 0:
		return "unknown", "nothing was checked"
	case o.Source == nil || !o.Checksums && o.Subset == "":
		return name, "nothing is wrong"
	case o.Subset == "":
		return name, "all checksums hold; what the blocks hold was not looked at"
	}
	return name, fmt.Sprintf("nothing is wrong with %s of %s blocks; the others were not looked at",
		humanize.Comma(o.Source.Blocks), humanize.Comma(o.Source.Blocks+o.Source.BlocksSkipped))
}

// table prints the summary.
func (o *checkOutcome) table(c console) {
	row := rower(c)
	read := int64(0)
	if s := o.Source; s != nil {
		read += s.Bytes
		o.sourceTable(row)
	}
	for i := range o.Exports {
		e := &o.Exports[i]
		read += exportTable(row, e)
	}
	took := duration(o.Seconds, 0)
	if o.Seconds > 0 && read > 0 && o.Subset == "" {
		took += fmt.Sprintf(", %s/s", humanize.Bytes(uint64(float64(read)/o.Seconds)))
	}
	row("took", "%s", took)
	for _, l := range countLeftOut(o.LeftOut) {
		row("left out", "%s", l)
	}
	for _, n := range o.Notes {
		row("note", "%s", n)
	}
}

func (o *checkOutcome) sourceTable(row func(name, format string, args ...any)) {
	s := o.Source
	shards := count(s.Shards, "shard")
	if s.Copies != s.Shards {
		shards += fmt.Sprintf(" (%d copies)", s.Copies)
	}
	row("checked", "%s, %s, %s", shards, count(s.Files, "file"), sizeText(s.Bytes))
	row("columns", "%s of %s series", humanize.Comma(s.Columns), humanize.Comma(s.Series))
	blocks := fmt.Sprintf("%s, %s", humanize.Comma(s.Blocks), sizeText(s.BlockBytes))
	switch {
	case o.Seed != 0:
		blocks += fmt.Sprintf(" (%s, chosen with --seed %d)", o.Subset, o.Seed)
	case o.Subset != "":
		blocks += fmt.Sprintf(" (%s)", o.Subset)
	}
	row("blocks", "%s", blocks)
	if o.Checksums {
		row("values", "not decoded")
	} else {
		row("values", "%s", humanize.Comma(s.Values))
	}
	if s.WALEntries > 0 {
		row("WAL", "%s entries, %s values, %s deletes", humanize.Comma(s.WALEntries), humanize.Comma(s.WALValues), humanize.Comma(s.WALDeletes))
	}
	if s.Tombstones > 0 {
		row("tombstones", "%s deletes", humanize.Comma(s.Tombstones))
	}
}

// exportTable tells of one export, and how many bytes its files have.
func exportTable(row func(name, format string, args ...any), e *checker.Export) (read int64) {
	var sum checker.ExportFile
	start, end := "", ""
	for _, f := range e.Files {
		sum.OutputBytes += f.OutputBytes
		sum.Bytes += f.Bytes
		sum.Points += f.Points
		sum.Values += f.Values
		if f.Start != "" && (start == "" || f.Start < start) {
			start = f.Start
		}
		end = max(end, f.End)
	}
	against := "without a manifest"
	if e.Manifest != "" {
		against = "compared with " + e.Manifest
	}
	row("export", "%s: %s, %s", e.Path, count(len(e.Files), "file"), against)
	row("text", "%s in %s", sizeText(sum.Bytes), sizeText(sum.OutputBytes))
	row("points", "%s, %s values", humanize.Comma(sum.Points), humanize.Comma(sum.Values))
	if start != "" {
		row("times", "%s to %s", start, end)
	}
	return sum.OutputBytes
}
