// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"
	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/inspector"
)

// shardOf is a shard of a group with points in all of it. Times are days since 2024.
func shardOf(id uint64, from, to float64) inspector.Shard {
	s := inspector.Shard{ID: id, GroupStart: day(from), GroupEnd: day(to)}
	s.Stats = inspector.Stats{Start: day(from), End: at(dayNano(to) - 1), Shards: 1, TSMFiles: 1}
	return s
}

func dayNano(d float64) int64 {
	return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() + int64(d*24*float64(time.Hour))
}

func day(d float64) string { return at(dayNano(d)) }

func at(nano int64) string { return time.Unix(0, nano).UTC().Format(time.RFC3339Nano) }

func reportOf(policies ...inspector.Policy) *inspector.Report {
	return &inspector.Report{Databases: []inspector.Database{{Name: "db", Policies: policies}}}
}

func TestTimeline(t *testing.T) {
	daily := func(n int, edit func(day int, s *inspector.Shard) bool) inspector.Policy {
		p := inspector.Policy{Name: "daily"}
		for i := range n {
			s := shardOf(uint64(i)+1, float64(i), float64(i)+1)
			if edit == nil || edit(i, &s) {
				p.Shards = append(p.Shards, s)
			}
		}
		return p
	}
	ten := daily(10, func(day int, s *inspector.Shard) bool {
		switch day {
		case 2, 5, 6: // a hole, and two that are missing
			return false
		case 3:
			s.Stats.Faults = 1
		case 8:
			s.Stats.TSMFiles, s.Stats.WALSegments = 0, 1
		case 9: // half a day, and then none
			s.Stats.End = at(dayNano(9.5))
		}
		return true
	})
	ten.Gaps = []inspector.Gap{{Start: day(2), End: day(3), Groups: 1}, {Start: day(5), End: day(7), Groups: 2, Missing: 2}}
	tenReport := reportOf(ten)
	tenReport.Missing = []inspector.MissingShard{
		{Database: "db", Policy: "daily", ID: 6, Start: day(5), End: day(6)},
		{Database: "db", Policy: "daily", ID: 7, Start: day(6), End: day(7)},
		{Database: "db", Policy: "other", ID: 99, Start: day(900), End: day(901)},
	}
	years := daily(3*365, func(day int, s *inspector.Shard) bool {
		if day == 400 {
			s.Stats.Faults = 1
		}
		return day != 100 && (day < 600 || day >= 700)
	})
	years.Gaps = []inspector.Gap{{Start: day(100), End: day(101), Groups: 1}, {Start: day(600), End: day(700), Groups: 100}}
	short := inspector.Policy{Name: "short", Shards: []inspector.Shard{shardOf(1, 0, 1)}}
	extremes := inspector.Policy{Name: "centuries", Shards: []inspector.Shard{
		{ID: 1, Stats: inspector.Stats{Start: at(math.MinInt64 + 2), End: at(math.MinInt64 + 2), TSMFiles: 1}},
		{ID: 2, Stats: inspector.Stats{Start: at(math.MaxInt64 - 1), End: at(math.MaxInt64 - 1), TSMFiles: 1}},
	}}
	extremes.Gaps = []inspector.Gap{{Start: "1700-01-01T00:00:00Z", End: "2200-01-01T00:00:00Z"}}
	lost := inspector.Policy{Name: "lost", Shards: []inspector.Shard{{ID: 7}, {ID: 8}}}

	for name, c := range map[string]struct {
		report  *inspector.Report
		width   int
		unicode bool
		want    string
	}{
		"nothing": {&inspector.Report{}, 80, true, ""},
		"one shard": {reportOf(short), 60, true, `
Timeline 2024-01-01 00:00 to 2024-01-01 23:59, a cell is 1h
  db  short  ████████████████████████
             |2024-01-01
  █ points
`},
		"everything": {tenReport, 64, true, `
Timeline 2024-01-01 to 2024-01-10, a cell is 6h
  db  daily  ████████····××××████????????████▄▄▄▄███░
             |2024-01-01                 |2024-01-08
  ░ shards without points   █ points   ▄ points in the WAL only
  · hole: no shard   ? missing: listed, and not found
  × damaged
`},
		"without Unicode": {tenReport, 64, false, `
Timeline 2024-01-01 to 2024-01-10, a cell is 6h
  db  daily  ########....xxxx####????????####wwww###-
             |2024-01-01                 |2024-01-08
  - shards without points   # points   w points in the WAL only
  . hole: no shard   ? missing: listed, and not found
  x damaged
`},
		"three years": {reportOf(years), 100, true, `
Timeline 2023-12-25 to 2027-01-03, a cell is 14 days
  db  daily  ███████▒█████████████████████×█████████████▒······▒████████████████████████████
             |2024-01     |2024-07     |2025-01     |2025-07     |2026-01     |2026-07
  █ points   ▒ points and a hole   · hole: no shard   × damaged
`},
		"hours and years": {reportOf(short, years), 80, true, `
Timeline 2024-01-01 00:00 to 2024-01-01 23:59, a cell is 30m
  db  short  ████████████████████████████████████████████████
             |2024-01-01 00:00       |2024-01-01 12:00
Timeline 2024-01-01 to 2027-01-17, a cell is 21 days
  db  daily  ████▒██████████████×████████▒····▒███████████████████
             |2024            |2025            |2026
  █ points   ▒ points and a hole   · hole: no shard   × damaged
`},
		"all time": {reportOf(extremes), 80, true, `
Timeline 1677-09-21 to 2262-04-11, a cell is 9.28 years
  db  centuries  █ ·······················································     █
                   |1700      |1800     |1900      |2000      |2100      |2200
  █ points   · hole: no shard
`},
		"no known times": {reportOf(short, lost), 70, true, `
Timeline 2024-01-01 00:00 to 2024-01-01 23:59, a cell is 30m
  db  short  ████████████████████████████████████████████████
             |2024-01-01 00:00       |2024-01-01 12:00
  █ points
  db  lost   2 shards of which no times are known
`},
		"no terminal": {reportOf(short), 0, true, `
Timeline 2024-01-01 00:00 to 2024-01-01 23:59, a cell is 30m
  db  short  ████████████████████████████████████████████████
             |2024-01-01 00:00       |2024-01-01 12:00
  █ points
`},
	} {
		t.Run(name, func(t *testing.T) {
			lines := timeline(c.report, c.width, ink{unicode: c.unicode})
			got := ""
			for _, line := range lines {
				got += "\n" + line
				if n := uniseg.StringWidth(line); c.width > 0 && n > c.width {
					t.Errorf("%d cells wide: %s", n, line)
				}
			}
			if diff := cmp.Diff(c.want, got+"\n"[:min(1, len(got))]); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Colours mark what somebody should see, and change nothing else: without them the same is
// there to read.
func TestTimelineColors(t *testing.T) {
	shards := func() inspector.Policy {
		p := inspector.Policy{Name: "\x1b[2Jdaily"}
		for i := range 6 {
			s := shardOf(uint64(i)+1, float64(i), float64(i)+1)
			s.Stats.Faults = i / 5
			if i != 1 && i != 3 {
				p.Shards = append(p.Shards, s)
			}
		}
		p.Gaps = []inspector.Gap{{Start: day(1), End: day(2)}, {Start: day(3), End: day(4), Missing: 1}}
		return p
	}
	r := reportOf(shards())
	r.Missing = []inspector.MissingShard{{Database: "db", Policy: r.Databases[0].Policies[0].Name, ID: 4, Start: day(3), End: day(4)}}
	for _, unicode := range []bool{true, false} {
		for width := 60; width < 140; width += 7 {
			plain := timeline(r, width, ink{unicode: unicode})
			colored := timeline(r, width, ink{unicode, true})
			sgr := regexp.MustCompile(`\x1b\[[0-9;]+m`)
			bare := make([]string, len(colored))
			for i, line := range colored {
				bare[i] = sgr.ReplaceAllString(line, "")
			}
			if diff := cmp.Diff(plain, bare); diff != "" {
				t.Fatalf("(-plain +without colours)\n%s", diff)
			}
		}
	}
	want := "  db  \\x1b[2Jdaily  ######\x1b[33m......\x1b[0m######\x1b[1;35m??????\x1b[0m######\x1b[1;31mxxxxxx\x1b[0m"
	if got := timeline(r, 60, ink{colors: true}); got[1] != want {
		t.Errorf("got  %q\nwant %q", got[1], want)
	}
}

func TestHasColors(t *testing.T) {
	for env, want := range map[string]bool{
		"": false, "TERM=xterm": true, "TERM=dumb": false, "TERM=xterm NO_COLOR=": true, "TERM=xterm NO_COLOR=1": false, "TERM=xterm NO_COLOR=0": false,
	} {
		if got := hasColors(getenvOf(env)); got != want {
			t.Errorf("%q: %t", env, got)
		}
	}
}

// Whatever the times are, nothing is out of range, and cells are in order and begin where the
// span does.
func TestScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		if rapid.Bool().Draw(t, "near") {
			b = a + min(rapid.Int64Range(0, 1e6).Draw(t, "distance"), math.MaxInt64-max(a, 0))
		}
		all := span{min(a, b), max(a, b)}
		most := rapid.Uint64Range(1, 300).Draw(t, "cells")
		s := newScale(all, most)
		if s.cells < 1 || s.cells > most || s.first > all.first || s.last < all.last {
			t.Fatalf("%v in %d cells: %+v", all, most, s)
		}
		x, y := rapid.Int64Range(s.first, s.last).Draw(t, "x"), rapid.Int64Range(s.first, s.last).Draw(t, "y")
		if x > y {
			x, y = y, x
		}
		if s.cell(s.first) != 0 || s.cell(x) > s.cell(y) || s.cell(y) > s.cell(s.last) || s.cell(s.last) > s.cells-1 {
			t.Fatalf("%+v: cells %d, %d, %d, %d", s, s.cell(s.first), s.cell(x), s.cell(y), s.cell(s.last))
		}
		if line := axis(s); len(line) > max(int(s.cells), len("|"+secondLayout)) {
			t.Fatalf("%+v: %q", s, line)
		}
	})
}

// A shard takes the cells of its days, and none beside them, in the time of any year.
func TestRoundCells(t *testing.T) {
	for first := range uint64(400) {
		s := newScale(span{dayNano(float64(first)), dayNano(float64(first)+40) - 1}, 87)
		if s.cells != 80 {
			t.Fatalf("day %d: %d cells", first, s.cells)
		}
		for d := range uint64(40) {
			from, to := dayNano(float64(first+d)), dayNano(float64(first+d+1))-1
			if s.cell(from) != 2*d || s.cell(to) != 2*d+1 {
				t.Fatalf("day %d: cells %d to %d", first+d, s.cell(from), s.cell(to))
			}
		}
	}
}

// Policies share dates where both can be read, and are in the order of the report.
func TestAxes(t *testing.T) {
	of := func(name string, from, to float64) track {
		return track{policy: name, span: span{dayNano(from), dayNano(to)}, stretches: make([]stretch, 1)}
	}
	list := []track{of("hours", 0, 0.2), of("year", -365, 0), of("months", -100, 0), {policy: "nothing"}, of("day", -1, 0), of("old", -9000, -8990), of("month", -40, -10)}
	var got []string
	for _, group := range axes(list) {
		names := ""
		for _, t := range group {
			names += t.policy + " "
		}
		got = append(got, strings.TrimSpace(names))
	}
	if diff := cmp.Diff([]string{"hours day", "year months", "old", "month"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLasting(t *testing.T) {
	for nanos, want := range map[uint64]string{
		0: "0s", 1500: "1.5\u00b5s", 10_000_000_000: "10s", uint64(6 * time.Hour): "6h", uint64(90 * time.Minute): "1h30m",
		uint64(24 * time.Hour): "1 day", uint64(36 * time.Hour): "36h", uint64(14 * 24 * time.Hour): "14 days", 1 << 62: "146 years",
	} {
		if got := lasting(nanos); got != want {
			t.Errorf("%d: %q, want %q", nanos, got, want)
		}
	}
}
