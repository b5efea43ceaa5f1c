// SPDX-License-Identifier: Apache-2.0

package point

import "math"

// The lowest and highest time that line protocol can carry. The engine's own
// borders, one or two nanoseconds further out, cannot be written.
const (
	MinTime int64 = math.MinInt64 + 2
	MaxTime int64 = math.MaxInt64 - 1
)

// TimeRange is a window in Unix nanoseconds; both ends belong to it.
type TimeRange struct {
	Min, Max int64
}

// AllTime holds every int64 time.
var AllTime = TimeRange{Min: math.MinInt64, Max: math.MaxInt64}

// Contains reports whether t lies in the window.
func (r TimeRange) Contains(t int64) bool { return r.Min <= t && t <= r.Max }

// Overlaps reports whether the two windows share a nanosecond.
func (r TimeRange) Overlaps(o TimeRange) bool { return r.Min <= o.Max && o.Min <= r.Max }

// Covers reports whether all of o lies in r.
func (r TimeRange) Covers(o TimeRange) bool { return r.Min <= o.Min && o.Max <= r.Max }

// Empty reports whether no time is in the window.
func (r TimeRange) Empty() bool { return r.Min > r.Max }

// Union gives the smallest window that covers both; an empty one adds nothing.
func (r TimeRange) Union(o TimeRange) TimeRange {
	if r.Empty() {
		return o
	}
	if o.Empty() {
		return r
	}
	return TimeRange{Min: min(r.Min, o.Min), Max: max(r.Max, o.Max)}
}

// Intersect gives what both windows have; where that is nothing it is empty.
func (r TimeRange) Intersect(o TimeRange) TimeRange {
	return TimeRange{Min: max(r.Min, o.Min), Max: min(r.Max, o.Max)}
}

// NoTime is the empty window that Union starts from.
var NoTime = TimeRange{Min: math.MaxInt64, Max: math.MinInt64}
