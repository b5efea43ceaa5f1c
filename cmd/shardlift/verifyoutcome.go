// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/verifier"
)

// verifyOutcome is what the comparison with the target found.
type verifyOutcome struct {
	*verifier.Report

	extraCounts bool // what only the target has is a difference
	allShown    bool // single values are listed without end
}

// equal reports whether everything was found: what could not be asked for is no proof.
func (v *verifyOutcome) equal() bool {
	return v.Proven() && (!v.extraCounts || v.MoreCells == 0 && !v.extraPoints() && v.UnsearchedNames == 0)
}

func (v *verifyOutcome) extraPoints() bool { return v.Points != nil && v.Points.Extra > 0 }

// placeMissing reports whether the target lacks a database or a policy.
func (v *verifyOutcome) placeMissing() bool {
	return slices.ContainsFunc(v.Missing, func(x verifier.Difference) bool { return x.Reason == verifier.NoPlace })
}

// mixed says where types could not be compared, or "".
func (v *verifyOutcome) mixed() string {
	if v.MixedFields == 0 {
		return ""
	}
	x := v.Mixed[0]
	text := fmt.Sprintf("%s: %q field %q is %s on the target, so that a number of one type is not told from the same one of the other there",
		placeText(x.Database, x.Policy), x.Measurement, x.Field, strings.Join(x.Target, " and "))
	if v.MixedFields > 1 {
		text += fmt.Sprintf("; the same goes for %s", count(v.MixedFields-1, "other field"))
	}
	return text
}

// differencesShown is how many are printed.
const differencesShown = 10

// show tells what was found.
func (v *verifyOutcome) show(c console, quiet bool) {
	lists := []struct {
		differences []verifier.Difference
		what        string
	}{{v.Missing, "missing"}, {v.Uncertain, "uncertain"}, {v.Differing, "different"}, {v.Unasked, "not asked for"}}
	if v.extraCounts {
		lists = append(lists, struct {
			differences []verifier.Difference
			what        string
		}{v.More, "extra"})
	}
	for _, list := range lists {
		for i, x := range list.differences {
			if i == differencesShown {
				c.say("and more; --json lists them")
				break
			}
			c.say("%s: %s", list.what, oneLine(describe(x)))
		}
	}
	for i, x := range v.Types {
		if i == differencesShown {
			c.say("and more; --json lists them")
			break
		}
		c.say("type: %s", oneLine(fmt.Sprintf("%s: %q field %q is %s in the source, %s on the target",
			placeText(x.Database, x.Policy), x.Measurement, x.Field, strings.Join(x.Source, " and "), strings.Join(x.Target, " and "))))
	}
	v.showUnsearched(c)
	v.showPoints(c)
	for i, x := range v.Expired {
		if i == differencesShown {
			c.say("and more; --json lists them")
			break
		}
		c.say("expired: %s", oneLine(describeExpired(x)))
	}
	v.showSum(c, quiet)
}

// showUnsearched lists what only the target has and was not looked into.
func (v *verifyOutcome) showUnsearched(c console) {
	for i, x := range v.Unsearched {
		if i == differencesShown {
			c.say("and more; --json lists them")
			return
		}
		text := fmt.Sprintf("%s: %q", placeText(x.Database, x.Policy), x.Measurement)
		if x.Field != "" {
			text += fmt.Sprintf(" field %q", x.Field)
		}
		c.say("not searched: %s", oneLine(text+" ("+x.Reason+")"))
	}
}

// showPoints lists single values.
func (v *verifyOutcome) showPoints(c console) {
	if v.Points == nil {
		return
	}
	for i, x := range v.Points.List {
		if i == differencesShown && !v.allShown {
			c.say("and more; --json lists them")
			return
		}
		c.say("%s", oneLine(describePoint(x)))
	}
}

// showSum tells what comes out of it.
func (v *verifyOutcome) showSum(c console, quiet bool) {
	switch {
	case !v.equal():
		c.say("%s", v.sum())
		if v.Unproven > 0 {
			c.say("shardlift: %s counted, but not compared one by one: the input may hold them twice, or the target has more in the same place", valuesText(v.Unproven))
		}
	case quiet:
	case v.Values == 0: // "all are there" would be taken for a proof
		c.say("%-12s 0 values: there was none to look for", "verified")
	case v.Exact:
		c.say("%-12s %s, all are there and the same", "verified", valuesText(v.Values))
	default:
		c.say("%-12s %s, all are there", "verified", valuesText(v.Values))
	}
}

// sum says what was found where not all is well. Single values that were looked for tell
// more than the counts: what is missing and what is extra may cancel out in these.
func (v *verifyOutcome) sum() string {
	missing, more, differing, least := v.MissingValues, v.MoreValues, int64(0), ""
	if p := v.Points; p != nil {
		missing, more, differing = max(missing, p.Missing), max(more, p.Extra), p.Differing
		if p.AtLeast {
			least = "at least "
		}
	}
	text := fmt.Sprintf("shardlift: verified %s: %s%s missing", valuesText(v.Values), least, humanize.Comma(missing))
	if !v.Exact || v.UncertainValues > 0 {
		text += fmt.Sprintf(", %s may be", humanize.Comma(v.UncertainValues))
	}
	if v.Exact || v.extraCounts {
		text += fmt.Sprintf(", %s extra", humanize.Comma(more))
	}
	switch {
	case v.Points == nil && v.DifferingCells > 0: // nobody looked which of their values
		text += fmt.Sprintf(", %s different", count(v.DifferingCells, "cell"))
	case v.Points != nil && (v.Exact || differing > 0):
		text += fmt.Sprintf(", %s different", humanize.Comma(differing))
	}
	switch v.TypeFields {
	case 0:
	case 1:
		text += ", 1 field of another type"
	default:
		text += fmt.Sprintf(", %s fields of another type", humanize.Comma(v.TypeFields))
	}
	if v.Uncounted > 0 {
		text += fmt.Sprintf(", %s could not be counted", humanize.Comma(v.Uncounted))
	}
	if n := v.UnaskedValues - v.Uncounted; n > 0 {
		text += fmt.Sprintf(", %s could not be asked for", humanize.Comma(n))
	}
	if v.extraCounts && v.UnsearchedNames > 0 {
		text += fmt.Sprintf(", %s of the target not searched", count(v.UnsearchedNames, "name"))
	}
	return text
}

func placeText(database, policy string) string {
	if policy == "" {
		return fmt.Sprintf("%q", database)
	}
	return fmt.Sprintf("%q.%q", database, policy)
}

// describe tells a difference in a line.
func describe(x verifier.Difference) string {
	text := fmt.Sprintf("%s: %q field %q", placeText(x.Database, x.Policy), x.Measurement, x.Field)
	if x.Field == "" {
		text = fmt.Sprintf("%s: %q", placeText(x.Database, x.Policy), x.Measurement)
	}
	if !x.Span.Empty() {
		text += fmt.Sprintf(", %s to %s", timeText(x.Span.Min), timeText(x.Span.Max))
	}
	text += fmt.Sprintf(": %s in the source, %s on the target", valuesText(x.Sent), humanize.Comma(x.There))
	if x.Reason != "" {
		text += " (" + x.Reason + ")"
	}
	return text
}

// describeExpired tells how many of the missing values a policy does not keep.
func describeExpired(x verifier.Expired) string {
	text := fmt.Sprintf("%s keeps %s: ", placeText(x.Database, x.Policy), meta.FormatDuration(x.Duration))
	switch {
	case x.Values == 0:
		return text + "some of the missing values may be older"
	case x.AtLeast:
		text += "at least "
	}
	text += fmt.Sprintf("%s of the missing values are older", humanize.Comma(x.Values))
	if n := x.Values - x.InExpiredShards; n > 0 {
		text += fmt.Sprintf("; %s of them of shards that are not yet expired as a whole: a server drops such values only when they are written", humanize.Comma(n))
	}
	return text
}

// valueShown is how many bytes of a value are printed.
const valueShown = 200

// describePoint tells a single value in a line.
func describePoint(x verifier.PointDifference) string {
	shown := func(text string) string {
		if len(text) > valueShown {
			return text[:valueShown] + "..."
		}
		return text
	}
	text := fmt.Sprintf("%s: %s: %s %s at %s: ", x.What, placeText(x.Database, x.Policy), x.Series, x.Field, timeText(x.Time))
	switch x.What {
	case verifier.Missing:
		return text + shown(x.Source)
	case verifier.Extra:
		return text + shown(x.Target)
	}
	return text + shown(x.Source) + ", on the target " + shown(x.Target)
}
