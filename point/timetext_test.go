// SPDX-License-Identifier: Apache-2.0

package point

import (
	"math"
	"testing"
)

func TestTexts(t *testing.T) {
	for name, c := range map[string]struct {
		r          TimeRange
		start, end string
	}{
		"none":        {NoTime, "", ""},
		"one":         {TimeRange{0, 0}, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
		"all digits":  {TimeRange{-1, 1500000000_123456789}, "1969-12-31T23:59:59.999999999Z", "2017-07-14T02:40:00.123456789Z"},
		"the borders": {AllTime, "1677-09-21T00:12:43.145224192Z", "2262-04-11T23:47:16.854775807Z"},
	} {
		t.Run(name, func(t *testing.T) {
			start, end := c.r.Texts()
			if start != c.start || end != c.end {
				t.Errorf("from %s to %s, want from %s to %s", start, end, c.start, c.end)
			}
			if got, err := ParseTexts(start, end); err != nil || got != c.r {
				t.Errorf("read as %v, %v", got, err)
			}
		})
	}
	for _, bad := range [][2]string{{"", "1970-01-01T00:00:00Z"}, {"1970-01-01T00:00:00Z", ""}, {"1970", "1970-01-01T00:00:00Z"}} {
		if got, err := ParseTexts(bad[0], bad[1]); err == nil || !got.Empty() {
			t.Errorf("%q is read as %v, %v", bad, got, err)
		}
	}
}

func TestIntersect(t *testing.T) {
	for _, c := range []struct{ a, b, want TimeRange }{
		{TimeRange{1, 5}, TimeRange{3, 9}, TimeRange{3, 5}},
		{TimeRange{1, 5}, TimeRange{5, 9}, TimeRange{5, 5}},
		{AllTime, TimeRange{3, 9}, TimeRange{3, 9}},
		{TimeRange{math.MinInt64, 4}, AllTime, TimeRange{math.MinInt64, 4}},
	} {
		if got := c.a.Intersect(c.b); got != c.want || c.b.Intersect(c.a) != got {
			t.Errorf("%v and %v have %v, want %v", c.a, c.b, got, c.want)
		}
	}
	for _, c := range [][2]TimeRange{{{1, 5}, {6, 9}}, {NoTime, AllTime}, {NoTime, {1, 1}}} {
		if got := c[0].Intersect(c[1]); !got.Empty() || !c[1].Intersect(c[0]).Empty() {
			t.Errorf("%v and %v have %v", c[0], c[1], got)
		}
	}
}
