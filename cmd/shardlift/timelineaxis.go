// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"time"
)

// step is a distance between two dates of an axis.
type step struct {
	years, months, days int
	time                time.Duration
	layout              string // that tells two of them apart
}

const (
	dayLayout    = "2006-01-02"
	minuteLayout = "2006-01-02 15:04"
	secondLayout = "2006-01-02 15:04:05"
)

// steps are those that people count in, the shortest first.
var steps = []step{
	{time: time.Second, layout: secondLayout},
	{time: 10 * time.Second, layout: secondLayout},
	{time: time.Minute, layout: minuteLayout},
	{time: 5 * time.Minute, layout: minuteLayout},
	{time: 15 * time.Minute, layout: minuteLayout},
	{time: time.Hour, layout: minuteLayout},
	{time: 3 * time.Hour, layout: minuteLayout},
	{time: 6 * time.Hour, layout: minuteLayout},
	{time: 12 * time.Hour, layout: minuteLayout},
	{days: 1, layout: dayLayout},
	{days: 2, layout: dayLayout},
	{days: 7, layout: dayLayout},
	{months: 1, layout: "2006-01"},
	{months: 3, layout: "2006-01"},
	{months: 6, layout: "2006-01"},
	{years: 1, layout: "2006"},
	{years: 2, layout: "2006"},
	{years: 5, layout: "2006"},
	{years: 10, layout: "2006"},
	{years: 50, layout: "2006"},
	{years: 100, layout: "2006"},
}

// about is its length.
func (s *step) about() time.Duration {
	const day = 24 * time.Hour
	return s.time + time.Duration(s.days)*day + time.Duration(s.months)*30*day + time.Duration(s.years)*365*day
}

// floor gives the last date of the axis that is not behind t.
func (s *step) floor(t time.Time) time.Time {
	switch {
	case s.years > 0:
		return time.Date(t.Year()-t.Year()%s.years, 1, 1, 0, 0, 0, 0, time.UTC)
	case s.months > 0:
		m := int(t.Month()) - 1
		return time.Date(t.Year(), time.Month(m-m%s.months+1), 1, 0, 0, 0, 0, time.UTC)
	case s.days > 0:
		t = t.Truncate(24 * time.Hour)
		return t.AddDate(0, 0, -(t.YearDay()-1)%s.days)
	}
	return t.Truncate(s.time)
}

func (s *step) next(t time.Time) time.Time { return t.AddDate(s.years, s.months, s.days).Add(s.time) }

// tickGap is the least that stands between two dates, in cells.
const tickGap = 3

// axis gives the line with the dates: each begins at its cell with a bar.
func axis(s scale) string {
	first, last := time.Unix(0, s.first).UTC(), time.Unix(0, s.last).UTC()
	cells := int(min(s.cells, 1<<20))
	line := strings.Repeat(" ", cells+tickGap)
	for i := range steps {
		st := &steps[i]
		// A cell is length/cells; in floats, for the product is beyond int64.
		if float64(st.about())*float64(s.cells) < float64(len(st.layout)+1+tickGap)*float64(s.length()) {
			continue
		}
		ticks := 0
		for t := st.floor(first); !t.After(last); t = st.next(t) {
			if t.Before(first) {
				continue
			}
			at, label := int(min(s.cell(t.UnixNano()), 1<<20)), "|"+t.Format(st.layout)
			if at+len(label) <= cells && strings.TrimSpace(line[max(at-1, 0):]) == "" {
				line = line[:at] + label + line[at+len(label):]
				ticks++
			}
		}
		if ticks > 0 {
			return strings.TrimRight(line, " ")
		}
		break
	}
	// No round date lies in it.
	return "|" + first.Format(secondLayout)
}
