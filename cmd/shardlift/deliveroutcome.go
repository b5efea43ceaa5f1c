// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/importer/preflight"
	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/point"
)

// deliveryOutcome is how an import or a replay ended: what --json prints.
type deliveryOutcome struct {
	head

	Inputs []string      `json:"inputs"` // or sources
	Nodes  []nodeOutcome `json:"nodes,omitempty"`
	API    string        `json:"api,omitempty"`

	*importer.Summary
	Start string `json:"start,omitempty"` // first and last point
	End   string `json:"end,omitempty"`

	WireBytes  int64  `json:"wireBytes,omitempty"` // of requests as they were sent, by this run
	TextBytes  int64  `json:"textBytes,omitempty"` // of them before they were compressed
	Checkpoint string `json:"checkpoint,omitempty"`

	Skipped *lpfile.Skipped   `json:"skipped,omitempty"` // by the filters
	DDL     *preflight.Report `json:"ddl,omitempty"`
	Verify  *verifyOutcome    `json:"verify,omitempty"`
	DryRun  []placeOutcome    `json:"dryRun,omitempty"`
	Notes   []string          `json:"notes,omitempty"`

	// What the reader of volumes found.
	Read *exporter.Summary `json:"read,omitempty"`

	err        error
	checkpoint string // where it would be
}

// nodeOutcome is a node of the target.
type nodeOutcome struct {
	URL     string `json:"url"`
	Version string `json:"version,omitempty"`
	Build   string `json:"build,omitempty"`
	Error   string `json:"error,omitempty"`
}

func (d *delivery) newOutcome() *deliveryOutcome {
	return &deliveryOutcome{head: newHead(d.command), Inputs: d.reads}
}

// settle settles the exit code and what is said about an error.
func (o *deliveryOutcome) settle(ctx context.Context, d *delivery, err error) {
	if o.Summary == nil {
		o.Summary = &importer.Summary{Span: point.NoTime}
	}
	if span := o.Span; !span.Empty() {
		o.Start, o.End = timeText(span.Min), timeText(span.Max)
	}
	if err == nil {
		if o.Rejected > 0 || o.unreadable() || o.Verify != nil && !o.Verify.equal() {
			o.ExitCode = exitFaults
		}
		return
	}
	if saved, serr := importer.LoadCheckpoint(o.checkpoint); o.checkpoint != "" && serr == nil && saved != nil {
		o.Checkpoint = o.checkpoint
	}
	o.ExitCode = exitCode(ctx, err)
	switch {
	case o.ExitCode != exitInterrupted:
		o.Hint = d.hint(err, o)
	case d.flags.DryRun:
		err = errors.New("interrupted")
	case o.Checkpoint == "":
		err = errInterrupted
	default:
		err = fmt.Errorf("%w (%s)", errInterrupted, o.Checkpoint)
	}
	o.err, o.Error = err, someLines(err.Error())
}

// unreadable reports whether the source had damage.
func (o *deliveryOutcome) unreadable() bool { return o.Read != nil && len(o.Read.Faults) > 0 }

// show prints the outcome: as JSON, or as a table, or with --quiet only what must not go
// unseen.
func (o *deliveryOutcome) show(d *delivery) error {
	c := d.console
	if o.err == nil && o.Points == 0 {
		c.say("warning: there was no point to send: look at the input, and at what the flags choose of it")
	}
	if d.flags.JSON {
		o.report(c)
		return writeJSON(c.out, o)
	}
	if !d.flags.Quiet && (o.err == nil || o.Points > 0) {
		o.table(d)
	}
	o.rejects(d)
	o.faults(c)
	if o.Verify != nil {
		o.Verify.show(c, d.flags.Quiet)
	}
	o.report(c)
	return nil
}

// report tells an error, which may have several lines, and what can be done about it.
func (o *deliveryOutcome) report(c console) {
	if o.err == nil {
		return
	}
	c.say("shardlift: %s", o.Error)
	if o.Hint != "" {
		c.say("hint: %s", oneLine(o.Hint))
	}
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(jsonbytes.Escaped(v)); err != nil {
		return printError{fmt.Errorf("print the summary: %w", err)}
	}
	return nil
}
