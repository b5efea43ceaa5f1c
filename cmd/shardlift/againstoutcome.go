// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/importer/lpfile"
)

// againstOutcome is how a comparison ended: what --json prints.
type againstOutcome struct {
	head

	Inputs  []string       `json:"inputs"` // sources or exports
	Nodes   []nodeOutcome  `json:"nodes,omitempty"`
	Points  int64          `json:"points"` // read
	Places  []placeOutcome `json:"places"`
	Seconds float64        `json:"seconds"`

	// Malformed is how many lines of exports are no points; First are the first of them.
	Malformed int64    `json:"malformed"`
	First     []string `json:"malformedFirst,omitempty"`

	Skipped *lpfile.Skipped   `json:"skipped,omitempty"` // by the filters
	Read    *exporter.Summary `json:"read,omitempty"`    // what the reader of volumes found
	Verify  *verifyOutcome    `json:"verify,omitempty"`
	Notes   []string          `json:"notes,omitempty"`

	err error
}

// note tells something and keeps it for the report.
func (o *againstOutcome) note(a *againstRun, text string) {
	a.notes.add(text)
	o.Notes = append(o.Notes, text)
}

// take takes over what was read.
func (o *againstOutcome) take(c *comparing) {
	o.Points, o.Malformed = c.points, c.rejects
	o.Places = c.places.list()
	for i := range c.rejected {
		r := &c.rejected[i]
		o.First = append(o.First, fmt.Sprintf("%s: %s", r.Origin(), r.Reason))
	}
}

// settle settles the exit code and what is said about an error.
func (o *againstOutcome) settle(ctx context.Context, a *againstRun, err error) {
	if err == nil {
		if o.Malformed > 0 || o.Read != nil && len(o.Read.Faults) > 0 || !o.Verify.equal() {
			o.ExitCode = exitFaults
		}
		if o.Verify.placeMissing() {
			o.Hint = "is it called otherwise on the server? --map-database OLD=NEW and --map-retention OLD=NEW say so"
		}
		return
	}
	o.ExitCode = exitCode(ctx, err)
	if o.ExitCode == exitInterrupted {
		err = errors.New("interrupted; nothing was changed anywhere")
	} else {
		o.Hint = a.hint(err)
	}
	o.err, o.Error = err, someLines(err.Error())
}

// show prints the outcome: as JSON, or as a table, or with --quiet only what must not go
// unseen.
func (o *againstOutcome) show(a *againstRun) error {
	c := a.console
	if o.err == nil && o.Points == 0 {
		c.say("warning: there was no point to compare: look at the source, and at what the flags choose of it")
	}
	if a.json {
		o.report(c)
		return writeJSON(c.out, o)
	}
	if !a.quiet && o.err == nil {
		o.table(c)
	}
	if o.Read != nil {
		tellFaults(c, o.Read.Faults, "--json lists them all")
	}
	for _, text := range o.First {
		c.say("malformed: %s", shortLine(text))
	}
	if o.Malformed > 0 {
		c.say("shardlift: %s", malformed(o.Malformed))
	}
	if o.Verify != nil {
		o.Verify.show(c, a.quiet)
	}
	o.report(c)
	return nil
}

// table prints what was compared.
func (o *againstOutcome) table(c console) {
	row := rower(c)
	row("compared", "%s", strings.Join(o.Inputs, ", "))
	row("with", "%s", nodeNames(o.Nodes))
	for _, p := range o.Places {
		row("in", "%s: %s, %s to %s", p.name(), points(p.Points), p.Start, p.End)
	}
	if v := o.Verify; v != nil {
		exact := ""
		if v.Exact {
			exact = fmt.Sprintf(", %s one by one", humanize.Comma(v.ValuesCompared))
		}
		row("values", "%s counted%s", humanize.Comma(v.Values), exact)
		row("queries", "%s", humanize.Comma(v.Queries))
		extra := v.MoreValues
		if v.Points != nil {
			extra = max(extra, v.Points.Extra)
		}
		allowed := ""
		if extra > 0 && !v.extraCounts {
			allowed = ", which was allowed"
		}
		row("extra", "%s%s", valuesText(extra), allowed)
	}
	if s := o.Skipped; s != nil && s.OutsideWindow+s.OtherSeries+s.NoField > 0 {
		row("left out", "%s by the selection", points(s.OutsideWindow+s.OtherSeries+s.NoField))
	}
	if r := o.Read; r != nil {
		for _, l := range countLeftOut(r.LeftOut) {
			row("left out", "%s", l)
		}
	}
	row("took", "%s", duration(o.Seconds, o.Points))
}

// report tells an error, and what can be done about it or about what is missing.
func (o *againstOutcome) report(c console) {
	if o.err != nil {
		c.say("shardlift: %s", o.Error)
	}
	if o.Hint != "" {
		c.say("hint: %s", oneLine(o.Hint))
	}
}
