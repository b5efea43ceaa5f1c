// SPDX-License-Identifier: Apache-2.0

package page

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// instant is a time as the page's script is given it: Unix milliseconds, for JavaScript's
// dates, and the nanoseconds beyond them, which those cannot hold.
type instant struct {
	milli int64
	nano  int64
	set   bool
}

// MarshalJSON gives milliseconds, a pair of milliseconds and nanoseconds where there are any,
// or null for no time.
func (t instant) MarshalJSON() ([]byte, error) {
	switch {
	case !t.set:
		return []byte("null"), nil
	case t.nano == 0:
		return json.Marshal(t.milli)
	}
	return json.Marshal([2]int64{t.milli, t.nano})
}

// clock reads the times of a report and keeps the first error.
type clock struct{ err error }

func (c *clock) instant(text string) instant {
	t := c.time(text)
	if t.IsZero() {
		return instant{}
	}
	return instant{milli: t.UnixMilli(), nano: int64(t.Nanosecond()) % 1e6, set: true}
}

// time gives the zero time for "".
func (c *clock) time(text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		if c.err == nil {
			c.err = fmt.Errorf("read a time of the report: %w", err)
		}
		return time.Time{}
	}
	return t.UTC()
}

// moment writes a time of a report as the page does, without the parts that are zero.
func moment(t time.Time) string {
	text := t.Format("2006-01-02 15:04:05.999999999")
	return strings.TrimSuffix(text, ":00")
}

// stretch says how long it is from a to b.
func stretch(a, b time.Time) string {
	// A Duration holds 292 years, and times are up to 584 apart.
	seconds := b.Unix() - a.Unix()
	const day = 86400
	switch {
	case seconds >= 730*day:
		return fmt.Sprintf("%.1f years", float64(seconds)/(365.25*day))
	case seconds >= 2*day:
		return fmt.Sprintf("%d days", seconds/day)
	case seconds >= 7200:
		return fmt.Sprintf("%d hours", seconds/3600)
	case seconds >= 120:
		return fmt.Sprintf("%d minutes", seconds/60)
	}
	return plural(seconds, "second", "seconds")
}
