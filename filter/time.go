// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var (
	errNotTime   = errors.New("not a time (want RFC 3339, a date, Unix nanoseconds, now, or now-7d)")
	errTimeRange = errors.New("time outside of what InfluxDB can store (1677-09-21 to 2262-04-11)")
)

// layouts are tried in turn. Those without a zone are UTC; all take a fraction.
var layouts = [...]string{time.RFC3339, "2006-01-02", "2006-01-02T15:04:05", "2006-01-02 15:04:05"}

var (
	minTime = time.Unix(0, math.MinInt64)
	maxTime = time.Unix(0, math.MaxInt64)
)

// ParseTime gives the Unix nanoseconds of a time in one of these forms:
//
//	2019-05-19T23:59:59.999Z     RFC 3339, any zone, up to nanoseconds
//	2019-05-19                   midnight UTC at the start of that day
//	2019-05-19 12:34:56          UTC, also with T instead of the blank
//	1558224000000000000          Unix nanoseconds, also negative; never seconds
//	now, now-7d, now+1h30m       from now, in the units of InfluxQL: ns u µ ms s m h d w
//
// A date is that one instant also where it ends a window, as in influx_inspect: the
// window up to 2019-05-19 holds midnight and nothing else of that day.
func ParseTime(s string, now time.Time) (int64, error) {
	if rest, ok := strings.CutPrefix(s, "now"); ok {
		return parseFromNow(strings.TrimPrefix(rest, "()"), now)
	}
	nano, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err == nil:
		return nano, nil
	case errors.Is(err, strconv.ErrRange):
		return 0, errTimeRange
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return unixNano(t)
		}
	}
	return 0, errNotTime
}

func parseFromNow(s string, now time.Time) (int64, error) {
	base, err := unixNano(now)
	s = strings.TrimSpace(s)
	if err != nil || s == "" {
		return base, err
	}
	if s[0] != '-' && s[0] != '+' {
		return 0, errNotTime
	}
	d, err := parseDuration(strings.TrimSpace(s[1:]))
	if err != nil {
		return 0, err
	}
	if s[0] == '-' {
		d = -d
	}
	sum := base + d
	if (sum > base) != (d > 0) && d != 0 {
		return 0, errTimeRange
	}
	return sum, nil
}

func unixNano(t time.Time) (int64, error) {
	if t.Before(minTime) || t.After(maxTime) {
		return 0, errTimeRange
	}
	return t.UnixNano(), nil
}

// units are those of InfluxQL, in nanoseconds; a unit stands before its prefixes.
var units = [...]struct {
	name string
	nano int64
}{
	{"ns", 1},
	{"ms", int64(time.Millisecond)},
	{"us", int64(time.Microsecond)},
	{"µs", int64(time.Microsecond)}, // U+00B5, the micro sign
	{"μs", int64(time.Microsecond)}, // U+03BC, the Greek letter
	{"u", int64(time.Microsecond)},
	{"µ", int64(time.Microsecond)},
	{"μ", int64(time.Microsecond)},
	{"s", int64(time.Second)},
	{"m", int64(time.Minute)},
	{"h", int64(time.Hour)},
	{"d", 24 * int64(time.Hour)},
	{"w", 7 * 24 * int64(time.Hour)},
}

// parseDuration reads whole numbers with units, one after the other: 1h30m.
// The result is not negative.
func parseDuration(s string) (int64, error) {
	if s == "" {
		return 0, errNotTime
	}
	var total int64
	for rest := s; rest != ""; {
		end := 0
		for end < len(rest) && '0' <= rest[end] && rest[end] <= '9' {
			end++
		}
		n, err := strconv.ParseInt(rest[:end], 10, 64)
		if errors.Is(err, strconv.ErrRange) {
			return 0, errTimeRange
		}
		if err != nil {
			return 0, fmt.Errorf("bad duration %q", s)
		}
		nano, after, ok := cutUnit(rest[end:])
		if !ok {
			return 0, fmt.Errorf("bad duration %q: want numbers with a unit of ns, u, ms, s, m, h, d, w", s)
		}
		if n > (math.MaxInt64-total)/nano {
			return 0, errTimeRange
		}
		total += n * nano
		rest = after
	}
	return total, nil
}

func cutUnit(s string) (nano int64, rest string, ok bool) {
	for _, u := range units {
		if rest, ok := strings.CutPrefix(s, u.name); ok {
			return u.nano, rest, true
		}
	}
	return 0, "", false
}
