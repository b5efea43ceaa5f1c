// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
)

// durations are those that shard groups may be guessed to have. The first three are a
// server's own for policies of different length, and more likely than any other.
var durations = []time.Duration{
	7 * day, day, time.Hour,
	2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour, 12 * time.Hour,
	2 * day, 3 * day, 4 * day, 5 * day, 10 * day, 14 * day, 21 * day, 28 * day, 30 * day, 60 * day, 90 * day, 91 * day,
	180 * day, 182 * day, 364 * day, 365 * day, 366 * day,
}

const day = 24 * time.Hour

// span is a stretch of time whose end is exclusive; the last nanosecond of all is never in it.
type span struct{ start, end int64 }

// groupAt gives the group of a duration that t lies in. Groups are counted from the year 1,
// and cut where the times end that can be stored.
func groupAt(t int64, d time.Duration) span {
	at := time.Unix(0, t).UTC()
	from := at.Truncate(d)
	s := span{start: math.MinInt64, end: math.MaxInt64}
	if !from.Before(time.Unix(0, math.MinInt64)) {
		s.start = from.UnixNano()
	}
	if to := from.Add(d); to.Before(time.Unix(0, math.MaxInt64)) {
		s.end = to.UnixNano()
	}
	return s
}

// holds reports whether all of r lies in the group.
func (s span) holds(r point.TimeRange) bool {
	return s.start <= r.Min && (r.Max < s.end || s.end == math.MaxInt64)
}

// guess finds the duration of the shard groups that ranges, each of one shard, look like: of
// those by which each shard fits a group and has it for itself the likeliest, or else the
// shortest. 0: there is none. Points can lie outside the group of their shard, so one shard
// of ten may be odd.
func guess(ranges []point.TimeRange) time.Duration {
	for _, odd := range []int{0, len(ranges) / 10} {
		var fit []time.Duration
		for _, d := range durations {
			if misfits(ranges, d) <= odd {
				fit = append(fit, d)
			}
		}
		if len(fit) == 0 {
			continue
		}
		if slices.Contains(durations[:3], fit[0]) {
			return fit[0]
		}
		return slices.Min(fit)
	}
	// Groups of several shards: the shortest of a server's own that all fit.
	for _, d := range []time.Duration{time.Hour, day, 7 * day} {
		if !slices.ContainsFunc(ranges, func(r point.TimeRange) bool { return !groupAt(r.Min, d).holds(r) }) {
			return d
		}
	}
	return 0
}

// misfits counts the ranges that are in no group of that duration, or in that of another one.
func misfits(ranges []point.TimeRange, d time.Duration) int {
	n := 0
	taken := make(map[int64]bool, len(ranges))
	for _, r := range ranges {
		g := groupAt(r.Min, d)
		if !g.holds(r) || taken[g.start] {
			n++
		}
		taken[g.start] = true
	}
	return n
}

// groupOf gives the group as a span.
func groupOf(g *meta.ShardGroup) (span, bool) {
	r := g.Range()
	if r.Empty() {
		return span{}, false
	}
	return span{r.Min, g.End}, true
}

// gaps gives the holes between spans, in order.
func gaps(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	var out []span
	for i, s := range spans {
		if i == 0 {
			continue
		}
		if end := spans[i-1].end; s.start > end {
			out = append(out, span{end, s.start})
		}
		spans[i].end = max(s.end, spans[i-1].end)
	}
	return out
}

// groupsIn counts the groups of a duration that it takes to fill a hole.
func groupsIn(hole span, d time.Duration) int {
	if d <= 0 {
		return 0
	}
	n := uint64(hole.end) - uint64(hole.start) //nolint:gosec // the difference fits
	size := uint64(d)
	return int(min(n/size+min(n%size, 1), math.MaxInt32))
}
