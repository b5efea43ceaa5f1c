// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"github.com/shardlift/shardlift/importer/preflight"
	"github.com/shardlift/shardlift/meta"
)

// rower prints the rows of a summary on stderr.
func rower(c console) func(name, format string, args ...any) {
	return func(name, format string, args ...any) { c.say("%-12s %s", name, oneLine(fmt.Sprintf(format, args...))) }
}

// table prints the summary.
func (o *deliveryOutcome) table(d *delivery) {
	row := rower(d.console)
	if d.flags.DryRun {
		o.dryTable(row)
	} else {
		o.doneTable(row)
	}
	if o.Start != "" {
		row("times", "%s to %s", o.Start, o.End)
	}
	if s := o.Skipped; s != nil {
		for _, left := range []struct {
			n    int64
			what string
		}{{s.OutsideWindow, "outside of the window"}, {s.OtherSeries, "of other series"}, {s.NoField, "without a field that was chosen"}} {
			if left.n > 0 {
				row("left out", "%s %s", points(left.n), left.what)
			}
		}
		if s.CutPoints > 0 {
			row("cut", "%s lost fields that were not chosen", points(s.CutPoints))
		}
	}
	if r := o.Read; r != nil {
		for _, l := range countLeftOut(r.LeftOut) {
			row("left out", "%s", l)
		}
		for _, n := range r.Notes {
			row("note", "%s", n)
		}
	}
	ddlRows(row, o.DDL, d.flags.DryRun)
}

// doneTable prints what was done.
func (o *deliveryOutcome) doneTable(row func(name, format string, args ...any)) {
	s := o.Summary
	row(o.Command+"ed to", "%s", nodeNames(o.Nodes))
	resumed := ""
	if s.Resumed {
		resumed = ", all runs together"
	}
	row("points", "%s read, %s stored%s", humanize.Comma(s.Points), humanize.Comma(s.Stored), resumed)
	again := ""
	if s.Retries > 0 {
		again = fmt.Sprintf(", %s of them sent again", humanize.Comma(s.Retries))
	}
	row("requests", "%s%s", humanize.Comma(s.Requests), again)
	wire := ""
	if o.WireBytes > 0 && o.WireBytes < o.TextBytes {
		wire = fmt.Sprintf(", %s of %s as sent", sizeText(o.WireBytes), sizeText(o.TextBytes))
	}
	row("text", "%s%s", sizeText(s.Bytes), wire)
	if s.Latency.Max > 0 {
		row("latency", "half below %s, 90 %% below %s, 99 %% below %s, at most %s",
			seconds(s.Latency.P50), seconds(s.Latency.P90), seconds(s.Latency.P99), seconds(s.Latency.Max))
	}
	row("took", "%s", duration(s.Seconds, s.Stored))
}

// nodeNames names the target.
func nodeNames(nodes []nodeOutcome) string {
	var parts []string
	for _, n := range nodes {
		what := "no answer"
		if n.Error == "" {
			what = strings.TrimSpace("InfluxDB " + cmp.Or(n.Version, "of unknown version") + " " + n.Build)
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", n.URL, what))
	}
	return strings.Join(parts, ", ")
}

// dryTable prints what would be sent.
func (o *deliveryOutcome) dryTable(row func(name, format string, args ...any)) {
	row("dry run", "nothing was sent")
	if len(o.Nodes) > 0 {
		row("target", "%s", nodeNames(o.Nodes))
	}
	row("points", "%s", humanize.Comma(o.Points-o.Rejected))
	row("text", "%s", sizeText(o.Bytes))
	for _, p := range o.DryRun {
		row("to", "%s: %s, %s, %s to %s", p.name(), points(p.Points), sizeText(p.Bytes), p.Start, p.End)
	}
}

// thereShown is how many databases and policies that are there are named.
const thereShown = 12

// ddlRows prints what became of databases and policies. What differs was told as a note.
func ddlRows(row func(name, format string, args ...any), r *preflight.Report, dry bool) {
	if r == nil {
		return
	}
	for _, name := range objectNames(r.Made) {
		row("made", "%s", name)
	}
	if n := len(r.There); n > thereShown {
		row("there", "%d databases and policies", n)
	} else if n > 0 {
		row("there", "%s", strings.Join(objectNames(r.There), ", "))
	}
	if dry {
		for _, statement := range r.Printed {
			row("would run", "%s", statement)
		}
	}
	if n := len(r.Skipped); n > 0 {
		row("not run", "%s", count(n, "statement"))
	}
	if n := len(r.Differences); n > 0 {
		row("different", "%s between the input and the target, which stays as it is", count(n, "setting"))
	}
}

func objectNames(list []preflight.Object) []string {
	var out []string
	for _, x := range list {
		if x.Policy == "" {
			out = append(out, "database "+meta.QuoteIdent(x.Database))
			continue
		}
		out = append(out, "policy "+meta.QuoteIdent(x.Database)+"."+meta.QuoteIdent(x.Policy))
	}
	return out
}

// reasonsShown is how many reasons of rejects are printed.
const reasonsShown = 10

// rejects tells what was refused, and what can be done with it.
func (o *deliveryOutcome) rejects(d *delivery) {
	if o.Summary == nil || o.Rejected == 0 {
		return
	}
	c := d.console
	for _, r := range o.Reasons[:min(len(o.Reasons), reasonsShown)] {
		c.say("rejected: %s: %s, the first at %s", points(r.Points), shortLine(r.Reason), oneLine(r.First))
	}
	if more := len(o.Reasons) - reasonsShown; more > 0 {
		c.say("and %d more reasons; --json lists them all", more)
	}
	if d.flags.DryRun {
		c.say("shardlift: %s", malformed(o.Rejected))
		return
	}
	if o.err != nil { // the file may not be whole
		c.say("shardlift: %s rejected so far, see %s", points(o.Rejected), oneLine(o.RejectsPath))
		return
	}
	c.say("shardlift: %s rejected, see %s", points(o.Rejected), oneLine(o.RejectsPath))
	c.say("hint: when the cause is gone, send them again with: shardlift import %s%s", shellWord(o.RejectsPath), d.sameTarget())
}

func malformed(n int64) string {
	if n == 1 {
		return "1 line is no point"
	}
	return humanize.Comma(n) + " lines are no points"
}

// sameTarget gives the flags that name the target again, but no secrets.
func (d *delivery) sameTarget() string {
	var b strings.Builder
	add := func(flag, value string) {
		if value != "" {
			b.WriteString(" --" + flag + " " + shellWord(value))
		}
	}
	if d.flags.hasURL() {
		for _, u := range d.target.URLs {
			add("url", withoutUser(u))
		}
	}
	f := d.flags
	add("username", f.Username)
	add("password-file", f.PasswordFile)
	add("token-file", f.TokenFile)
	add("jwt-file", f.JWTFile)
	add("ca-cert", f.CACert)
	add("client-cert", f.ClientCert)
	add("client-key", f.ClientKey)
	if f.InsecureSkipVerify {
		b.WriteString(" --insecure-skip-verify")
	}
	add("target", string(f.Target))
	add("org", f.Org)
	for _, m := range f.MapBucket {
		add("map-bucket", m)
	}
	add("consistency", string(f.Consistency))
	return b.String()
}

// shellWord quotes a text for the shell, where that is needed.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-:+@%,", r)
	}
	if text != "" && strings.TrimFunc(text, plain) == "" {
		return text
	}
	if oneLine(text) == text {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	var b strings.Builder
	for len(text) > 0 { // $'...' is of bash, zsh and ksh
		_, n := utf8.DecodeRuneInString(text)
		switch char := text[:n]; {
		case char == `\` || char == "'":
			b.WriteString(`\` + char)
		case oneLine(char) == char:
			b.WriteString(char)
		default:
			for _, c := range []byte(char) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		}
		text = text[n:]
	}
	return "$'" + b.String() + "'"
}

// faults tells what was unreadable in the volumes of a replay.
func (o *deliveryOutcome) faults(c console) {
	if o.Read != nil {
		tellFaults(c, o.Read.Faults, "--json lists them all")
	}
}
