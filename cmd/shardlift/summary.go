// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/shardlift/shardlift/exporter"
)

// table prints the summary on stderr.
func (o *outcome) table(c console) {
	s := o.Summary
	row := rower(c)
	row("exported to", "%s", o.place())
	row("shards", "%s", humanize.Comma(s.Shards))
	row("series", "%s", humanize.Comma(s.Series))
	row("points", "%s", humanize.Comma(s.Points))
	row("values", "%s", humanize.Comma(s.Values))
	row("text", "%s", sizeText(s.Bytes))
	if o.Compression != exporter.None {
		row("compressed", "%s (%s)", sizeText(s.OutputBytes), o.Compression)
	}
	if s.Start != "" {
		row("times", "%s to %s", s.Start, s.End)
	}
	row("took", "%s", duration(s.Seconds, s.Points))
	for _, l := range countLeftOut(s.LeftOut) {
		row("left out", "%s", l)
	}
	for _, n := range s.Notes {
		row("note", "%s", n)
	}
}

// place says where the text is.
func (o *outcome) place() string {
	if o.Manifest == "" {
		return o.Output
	}
	kept := ""
	if o.Kept > 0 {
		kept = fmt.Sprintf(", %d of them kept from a run before", o.Kept)
	}
	return fmt.Sprintf("%s (%s and %s%s)", o.Output, count(len(o.Files), "file"), exporter.ManifestName, kept)
}

// countLeftOut counts by the reason, which stands before a colon where more follows.
func countLeftOut(left []exporter.LeftOut) []string {
	counts := map[string]int{}
	for _, l := range left {
		reason, _, _ := strings.Cut(l.Reason, ":")
		counts[reason]++
	}
	var out []string
	for reason, n := range counts {
		out = append(out, fmt.Sprintf("%d %s", n, reason))
	}
	slices.Sort(out)
	return out
}

// faultsShown is how many faults are printed; a broken disk has thousands.
const faultsShown = 20

// faults prints the first faults and how many there are.
func (o *outcome) faults(c console) {
	where := "--json lists them all"
	if o.Manifest != "" {
		where = o.Manifest + " lists them all"
	}
	tellFaults(c, o.Faults, where)
}

// tellFaults prints the first faults and how many there are. Where says what lists them all.
func tellFaults(c console, faults []exporter.Fault, where string) {
	tellSomeFaults(c, faults, len(faults), exporter.CountLost(faults), where)
}

// tellSomeFaults is tellFaults where there are more than are at hand: all of them, of which
// so many lost something.
func tellSomeFaults(c console, faults []exporter.Fault, all, lost int, where string) {
	if all == 0 {
		return
	}
	for i := range faults[:min(len(faults), faultsShown)] {
		c.say("fault: %s", oneLine(faults[i].String()))
	}
	if more := all - faultsShown; more > 0 {
		c.say("and %s more; %s", humanize.Comma(int64(more)), where)
	}
	c.say("shardlift: finished with %s, of which %s lost something", count(all, "fault"), humanize.Comma(int64(lost)))
	if slices.ContainsFunc(faults, func(f exporter.Fault) bool { return strings.HasSuffix(f.Reason, "permission denied") }) {
		c.say("hint: %s", permissionHint)
	}
}
