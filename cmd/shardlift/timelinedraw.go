// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"github.com/shardlift/shardlift/inspector"
)

// Widths of a timeline in cells: what a terminal must have, what is taken where there is
// none, and what the marks have at least.
const (
	timelineLeast   = 60
	timelineDefault = 100
	marksLeast      = 20
)

// ink is what a timeline may be drawn with.
type ink struct{ unicode, colors bool }

// sign gives the sign of a mark, so many times.
func (k ink) sign(m mark, n int) string {
	way := 1
	if k.unicode {
		way = 0
	}
	text := strings.Repeat(markSigns[m][way], n)
	if k.colors && markColors[m] != "" {
		return "\x1b[" + markColors[m] + "m" + text + "\x1b[0m"
	}
	return text
}

// timeline gives the lines that show which times the shards of a report cover.
func timeline(r *inspector.Report, width int, with ink) []string {
	if width <= 0 {
		width = timelineDefault
	}
	list := tracks(r)
	labels, room := trackLabels(list, width/4)
	indent := strings.Repeat(" ", gridGap)
	cells := uint64(max(width-len(indent)-room-gridGap, marksLeast))
	var (
		lines []string
		seen  [marks]bool
	)
	for _, group := range axes(list) {
		all := group[0].span
		for _, t := range group {
			all = all.union(t.span)
		}
		s := newScale(all, cells)
		lines = append(lines, "Timeline "+spanText(s))
		for i := range group {
			t := &group[i]
			line := indent + labels[[2]string{t.database, t.policy}] + indent + signs(t.draw(s), with, &seen)
			lines = append(lines, strings.TrimRight(line, " "))
		}
		lines = append(lines, indent+strings.Repeat(" ", room+gridGap)+axis(s))
	}
	if text := legend(&seen, with, width); len(lines) > 0 {
		lines = append(lines, text...)
	}
	for _, t := range list {
		if t.unplaced > 0 {
			lines = append(lines, indent+labels[[2]string{t.database, t.policy}]+indent+count(t.unplaced, "shard")+" of which no times are known")
		}
	}
	return lines
}

// trackLabels gives the names of the lines, by database and policy, all of the same width.
func trackLabels(list []track, most int) (labels map[[2]string]string, width int) {
	labels = make(map[[2]string]string, len(list))
	var wide [2]int
	short := func(t *track) [2]string {
		return [2]string{clipped(oneLine(t.database), most), clipped(oneLine(t.policy), most)}
	}
	for i := range list {
		for j, name := range short(&list[i]) {
			wide[j] = max(wide[j], uniseg.StringWidth(name))
		}
	}
	for i := range list {
		names := short(&list[i])
		for j := range names {
			names[j] += strings.Repeat(" ", wide[j]-uniseg.StringWidth(names[j]))
		}
		labels[[2]string{list[i].database, list[i].policy}] = names[0] + strings.Repeat(" ", gridGap) + names[1]
	}
	return labels, wide[0] + gridGap + wide[1]
}

func signs(list []mark, with ink, seen *[marks]bool) string {
	var b strings.Builder
	for i := 0; i < len(list); {
		n := i + 1
		for n < len(list) && list[n] == list[i] {
			n++
		}
		seen[list[i]] = true
		b.WriteString(with.sign(list[i], n-i))
		i = n
	}
	return b.String()
}

// legend explains the marks that were seen, in lines that fit.
func legend(seen *[marks]bool, with ink, width int) []string {
	const between = "   "
	var lines []string
	line, wide := "", 0
	for m := markNothing + 1; m < marks; m++ {
		if !seen[m] {
			continue
		}
		entry := 1 + 1 + len(markNames[m]) // cells
		if line != "" && gridGap+wide+len(between)+entry > width {
			lines = append(lines, line)
			line, wide = "", 0
		}
		if line != "" {
			line += between
			wide += len(between)
		}
		line += with.sign(m, 1) + " " + markNames[m]
		wide += entry
	}
	if line != "" {
		lines = append(lines, line)
	}
	for i := range lines {
		lines[i] = strings.Repeat(" ", gridGap) + lines[i]
	}
	return lines
}

// spanText says from when to when a timeline is, and what a cell is.
func spanText(s scale) string {
	layout := minuteLayout
	if s.length() >= uint64(2*24*time.Hour) {
		layout = dayLayout
	}
	at := func(t int64) string { return time.Unix(0, t).UTC().Format(layout) }
	return fmt.Sprintf("%s to %s, a cell is %s", at(s.first), at(s.last), lasting(s.length()/s.cells+1))
}

// lasting writes nanoseconds as a person would say it.
func lasting(nanos uint64) string {
	const day = uint64(24 * time.Hour)
	switch {
	case nanos >= 2*365*day:
		return fmt.Sprintf("%.3g years", float64(nanos)/float64(365*day))
	case nanos >= 2*day:
		return fmt.Sprintf("%.3g days", float64(nanos)/float64(day))
	case nanos == day:
		return "1 day"
	}
	d := time.Duration(nanos)
	for _, unit := range []time.Duration{time.Minute, time.Second, time.Millisecond, time.Microsecond} {
		if d >= 10*unit {
			d = d.Round(unit)
			break
		}
	}
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
