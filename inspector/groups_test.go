// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/point"
)

func nano(text string) int64 {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t.UnixNano()
}

func TestGroupAt(t *testing.T) {
	cases := map[string]struct {
		at         int64
		d          time.Duration
		start, end string
	}{
		"a day":       {nano("2024-01-03T17:00:00Z"), day, "2024-01-03T00:00:00Z", "2024-01-04T00:00:00Z"},
		"its start":   {nano("2024-01-03T00:00:00Z"), day, "2024-01-03T00:00:00Z", "2024-01-04T00:00:00Z"},
		"Monday":      {nano("2024-01-03T17:00:00Z"), 7 * day, "2024-01-01T00:00:00Z", "2024-01-08T00:00:00Z"},
		"before 1970": {nano("1969-12-31T23:30:00Z"), time.Hour, "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"},
	}
	for name, c := range cases {
		if g := groupAt(c.at, c.d); g != (span{nano(c.start), nano(c.end)}) {
			t.Errorf("%s: %s to %s", name, point.FormatTime(g.start), point.FormatTime(g.end))
		}
	}
	if g := groupAt(math.MinInt64, 7*day); g.start != math.MinInt64 || g.end != nano("1677-09-27T00:00:00Z") {
		t.Errorf("first group: %+v", g)
	}
	if g := groupAt(math.MaxInt64, 7*day); g.start != nano("2262-04-07T00:00:00Z") || g.end != math.MaxInt64 {
		t.Errorf("last group: %+v", g)
	}
	if g := groupAt(math.MaxInt64, day); !g.holds(point.TimeRange{Min: math.MaxInt64, Max: math.MaxInt64}) {
		t.Errorf("the last time of all is in no group: %+v", g)
	}
}

func TestGuess(t *testing.T) {
	from := nano("2024-01-01T00:00:00Z")
	// shards gives n ranges of groups of length d, all but skipped ones, filled from a quarter on.
	shards := func(n int, d time.Duration, skip ...int) (out []point.TimeRange) {
		for i := range n {
			if !slices.Contains(skip, i) {
				start := groupAt(from, d).start + int64(i)*int64(d)
				out = append(out, point.TimeRange{Min: start + int64(d)/4, Max: start + int64(d) - 1})
			}
		}
		return out
	}
	fortnight := groupAt(from, 14*day).start
	double := func(r []point.TimeRange) []point.TimeRange { return append(r, r...) }
	odd := shards(40, day)
	odd[7].Max += int64(30 * day)
	cases := map[string]struct {
		ranges []point.TimeRange
		want   time.Duration
	}{
		"nothing":                {nil, 7 * day},
		"one short shard":        {[]point.TimeRange{{Min: from, Max: from + int64(6*time.Hour)}}, 7 * day},
		"one of two weeks":       {[]point.TimeRange{{Min: fortnight + int64(day), Max: fortnight + int64(13*day)}}, 14 * day},
		"days":                   {shards(40, day), day},
		"days with holes":        {shards(40, day, 3, 4, 5, 20), day},
		"weeks":                  {shards(10, 7*day), 7 * day},
		"hours":                  {shards(100, time.Hour), time.Hour},
		"two days":               {shards(20, 2*day), 2 * day},
		"six hours":              {shards(20, 6*time.Hour), 6 * time.Hour},
		"a point that strayed":   {odd, day},
		"two shards in a group":  {double(shards(20, day)), day},
		"no groups":              {[]point.TimeRange{{Min: from, Max: from + int64(2000*day)}, {Min: from + 5, Max: from + int64(2000*day)}}, 0},
		"all of time in a shard": {[]point.TimeRange{point.AllTime}, 0},
	}
	for name, c := range cases {
		if got := guess(c.ranges); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestGaps(t *testing.T) {
	cases := map[string]struct {
		spans, want []span
	}{
		"none":          {nil, nil},
		"one":           {[]span{{1, 5}}, nil},
		"in turn":       {[]span{{5, 9}, {1, 5}, {9, 12}}, nil},
		"holes":         {[]span{{30, 40}, {1, 5}, {9, 12}}, []span{{5, 9}, {12, 30}}},
		"inside":        {[]span{{1, 100}, {5, 9}, {120, 130}}, []span{{100, 120}}},
		"twice":         {[]span{{1, 5}, {1, 5}, {6, 7}}, []span{{5, 6}}},
		"all that is":   {[]span{{math.MinInt64, -5}, {5, math.MaxInt64}}, []span{{-5, 5}}},
		"from the ends": {[]span{{math.MinInt64, math.MinInt64 + 1}, {math.MaxInt64 - 1, math.MaxInt64}}, []span{{math.MinInt64 + 1, math.MaxInt64 - 1}}},
	}
	for name, c := range cases {
		if diff := cmp.Diff(c.want, gaps(c.spans), cmp.AllowUnexported(span{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, c := range []struct {
		hole span
		d    time.Duration
		want int
	}{
		{span{0, int64(day)}, day, 1},
		{span{0, int64(day) + 1}, day, 2},
		{span{0, 3}, 0, 0},
		{span{math.MinInt64, math.MaxInt64}, 1, math.MaxInt32},
		{span{math.MinInt64, math.MaxInt64}, 365 * day, 585},
	} {
		if got := groupsIn(c.hole, c.d); got != c.want {
			t.Errorf("%v in groups of %v: %d, want %d", c.hole, c.d, got, c.want)
		}
	}
}
