// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/shardlift/shardlift/inspector"
)

// mark is what a cell of the timeline shows of its stretch of time: the worst that is there.
type mark int

const (
	markNothing mark = iota // before the first shard, or behind the last
	markEmpty               // shards, but no points
	markPoints
	markWAL    // points, all of them in the WAL only
	markPartly // points, and a hole
	markHole
	markMissing // a metastore lists shards that no source has
	markDamaged
	marks
)

// markSigns are the signs of marks, for terminals with Unicode and for others.
var markSigns = [marks][2]string{
	markNothing: {" ", " "},
	markEmpty:   {"░", "-"},
	markPoints:  {"█", "#"},
	markWAL:     {"▄", "w"},
	markPartly:  {"▒", "+"},
	markHole:    {"·", "."},
	markMissing: {"?", "?"},
	markDamaged: {"×", "x"},
}

// markColors are those of marks that somebody should see, as SGR of a terminal. They say no more
// than the signs do.
var markColors = [marks]string{
	markPartly: "33", markHole: "33", // yellow
	markMissing: "1;35", // magenta
	markDamaged: "1;31", // red
}

var markNames = [marks]string{
	markEmpty: "shards without points", markPoints: "points", markWAL: "points in the WAL only", markPartly: "points and a hole",
	markHole: "hole: no shard", markMissing: "missing: listed, and not found", markDamaged: "damaged",
}

// span is a stretch of time in Unix nanoseconds, both ends included.
type span struct{ first, last int64 }

func (s span) union(o span) span { return span{min(s.first, o.first), max(s.last, o.last)} }

// length is the nanoseconds from end to end.
func (s span) length() uint64 { return distance(s.first, s.last) }

// distance is the nanoseconds from a to b, which is no earlier.
func distance(a, b int64) uint64 {
	return uint64(b) - uint64(a) //nolint:gosec // it may be more than an int64 holds; as unsigned it is right
}

// readSpan reads two times of a report; the end may be exclusive. ok is false where they say
// nothing.
func readSpan(start, end string, exclusive bool) (s span, ok bool) {
	a, errA := time.Parse(time.RFC3339Nano, start)
	b, errB := time.Parse(time.RFC3339Nano, end)
	if errA != nil || errB != nil {
		return span{}, false
	}
	s = span{a.UnixNano(), b.UnixNano()}
	if exclusive && s.last > s.first {
		s.last--
	}
	return s, s.last >= s.first
}

// stretch is a span with what is there.
type stretch struct {
	span
	kind mark
}

// track is the line of one policy.
type track struct {
	database, policy string
	span             span
	stretches        []stretch
	unplaced         int // shards of which no times are known
}

// tracks gives the lines of a report. A policy without any known time has an empty one.
func tracks(r *inspector.Report) []track {
	missing := map[[2]string][]inspector.MissingShard{}
	for _, m := range r.Missing {
		of := [2]string{m.Database, m.Policy}
		missing[of] = append(missing[of], m)
	}
	var out []track
	for i := range r.Databases {
		db := &r.Databases[i]
		for j := range db.Policies {
			p := &db.Policies[j]
			t := track{database: db.Name, policy: p.Name}
			for k := range p.Shards {
				t.addShard(&p.Shards[k])
			}
			for _, g := range p.Gaps {
				t.add(g.Start, g.End, true, markHole)
			}
			for _, m := range missing[[2]string{db.Name, p.Name}] {
				t.add(m.Start, m.End, true, markMissing)
			}
			if len(t.stretches) > 0 || t.unplaced > 0 {
				out = append(out, t)
			}
		}
	}
	return out
}

func (t *track) addShard(s *inspector.Shard) {
	kind := markPoints
	if s.Stats.TSMFiles == 0 && s.Stats.WALSegments > 0 {
		kind = markWAL
	}
	group := t.add(s.GroupStart, s.GroupEnd, true, markEmpty)
	data := t.add(s.Stats.Start, s.Stats.End, false, kind)
	if s.Stats.Faults > 0 && !t.add(s.Stats.Start, s.Stats.End, false, markDamaged) {
		t.add(s.GroupStart, s.GroupEnd, true, markDamaged)
	}
	if !group && !data {
		t.unplaced++
	}
}

// add adds a stretch, if the times are known.
func (t *track) add(start, end string, exclusive bool, kind mark) bool {
	s, ok := readSpan(start, end, exclusive)
	if !ok {
		return false
	}
	if len(t.stretches) == 0 {
		t.span = s
	}
	t.span = t.span.union(s)
	t.stretches = append(t.stretches, stretch{s, kind})
	return true
}

// scale maps times to cells.
type scale struct {
	span
	cells uint64 // at least one
}

// roundCells are lengths of cells that shards begin and end with, the shortest first.
var roundCells = func() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{
		time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour, 12 * time.Hour,
		day, 2 * day, 3 * day, 4 * day, 7 * day, 14 * day, 21 * day, 28 * day,
	}
}()

// newScale gives the scale that shows a span in at most so many cells. Cells are of a round
// length where there is one, and then begin where shards do.
func newScale(s span, most uint64) scale {
	for _, d := range roundCells {
		first := time.Unix(0, s.first).UTC().Truncate(d)
		last := time.Unix(0, s.last).UTC().Truncate(d).Add(d - 1)
		nanos := distance(0, int64(d))
		fits := s.length()/nanos < most && !first.Before(minTime) && !last.After(maxTime)
		if !fits {
			continue
		}
		round := span{first.UnixNano(), last.UnixNano()}
		if cells := round.length()/nanos + 1; cells <= most {
			return scale{round, cells}
		}
	}
	return scale{s, most}
}

var minTime, maxTime = time.Unix(0, math.MinInt64).UTC(), time.Unix(0, math.MaxInt64).UTC()

// cell gives the cell of a time in the span.
func (s scale) cell(t int64) uint64 {
	length := s.length()
	if length == 0 {
		return 0
	}
	// The quotient is at most cells, so that there is no overflow.
	hi, lo := bits.Mul64(distance(s.first, t), s.cells)
	q, _ := bits.Div64(hi, lo, length)
	return min(q, s.cells-1)
}

// draw gives the marks of the cells.
func (t *track) draw(s scale) []mark {
	seen := make([][marks]bool, s.cells)
	for _, x := range t.stretches {
		for i := s.cell(x.first); i <= s.cell(x.last); i++ {
			seen[i][x.kind] = true
		}
	}
	out := make([]mark, s.cells)
	for i := range seen {
		out[i] = worst(&seen[i])
	}
	return out
}

func worst(seen *[marks]bool) mark {
	points := seen[markPoints] || seen[markWAL]
	switch {
	case seen[markDamaged]:
		return markDamaged
	case seen[markMissing]:
		return markMissing
	case seen[markHole] && points:
		return markPartly
	case seen[markHole]:
		return markHole
	case seen[markPoints]:
		return markPoints
	case seen[markWAL]:
		return markWAL
	case seen[markEmpty]:
		return markEmpty
	}
	return markNothing
}

// spread is how much longer a timeline may be than the shortest of its lines, or of that
// nothing is to be seen.
const spread = 12

// axes puts the lines that can share one timeline together: a policy of hours and one of
// years have one each.
func axes(list []track) [][]track {
	var order []int
	for i := range list {
		if len(list[i].stretches) > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(list[b].span.length(), list[a].span.length()) })
	var groups [][]int
next:
	for _, i := range order {
		for g, members := range groups {
			all := list[i].span // the shortest so far
			for _, m := range members {
				all = all.union(list[m].span)
			}
			if all.length()/spread <= list[i].span.length() {
				groups[g] = append(groups[g], i)
				continue next
			}
		}
		groups = append(groups, []int{i})
	}
	for _, g := range groups {
		slices.Sort(g)
	}
	slices.SortFunc(groups, func(a, b []int) int { return cmp.Compare(a[0], b[0]) })
	out := make([][]track, len(groups))
	for g, members := range groups {
		for _, i := range members {
			out[g] = append(out[g], list[i])
		}
	}
	return out
}
