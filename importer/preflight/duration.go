// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"fmt"
	"math"
	"strings"
	"time"
)

var units = map[string]time.Duration{
	"ns": time.Nanosecond,
	"u":  time.Microsecond, "µ": time.Microsecond, "μ": time.Microsecond,
	"ms": time.Millisecond,
	"s":  time.Second,
	"m":  time.Minute,
	"h":  time.Hour,
	"d":  24 * time.Hour,
	"w":  7 * 24 * time.Hour,
}

// ParseDuration reads a duration of InfluxQL, such as 52w, 1h30m or 0s. INF, in any
// case, is 0, which is how policies say it.
func ParseDuration(text string) (time.Duration, error) {
	if strings.EqualFold(text, "INF") {
		return 0, nil
	}
	if text == "" {
		return 0, badDuration(text)
	}
	var sum time.Duration
	for rest := text; rest != ""; {
		part, tail, err := durationPart(text, rest)
		if err != nil {
			return 0, err
		}
		if part > math.MaxInt64-sum {
			return 0, fmt.Errorf("the duration %q is too long: 292 years are the most, or INF", text)
		}
		sum, rest = sum+part, tail
	}
	return sum, nil
}

// durationPart reads one number and its unit from rest, which is the end of text.
func durationPart(text, rest string) (part time.Duration, tail string, err error) {
	digits := 0
	var n int64
	for digits < len(rest) && isDigit(rest[digits]) {
		d := int64(rest[digits] - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, "", fmt.Errorf("the duration %q is too long: 292 years are the most, or INF", text)
		}
		n = n*10 + d
		digits++
	}
	end := digits
	for end < len(rest) && !isDigit(rest[end]) {
		end++
	}
	unit, ok := units[rest[digits:end]]
	if !ok || digits == 0 {
		return 0, "", badDuration(text)
	}
	if n > math.MaxInt64/int64(unit) {
		return 0, "", fmt.Errorf("the duration %q is too long: 292 years are the most, or INF", text)
	}
	return time.Duration(n) * unit, rest[end:], nil
}

func badDuration(text string) error {
	return fmt.Errorf("%q is no duration: write it as INF, or with units as in 52w, 14d or 1h30m", text)
}
