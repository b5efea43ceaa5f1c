// SPDX-License-Identifier: Apache-2.0

package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// shown gives a name as a page can show it: bytes that are not UTF-8 as \xNN; control
// characters, and what turns the direction of text or cannot be seen, as \uNNNN.
func shown(s string) string {
	plain := true
	for _, r := range s {
		if r == utf8.RuneError || !strconv.IsPrint(r) {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		case r > math.MaxUint16:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		s = s[n:]
	}
	return b.String()
}

// count writes n with a comma between thousands.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// magnitude writes n with three digits and a word, where it has more than seven.
func magnitude(n int64) string {
	v := float64(n)
	for _, unit := range []struct {
		size float64
		word string
	}{{1e15, " quadrillion"}, {1e12, " trillion"}, {1e9, " billion"}, {1e6, " million"}} {
		if n >= 10_000_000 && v >= unit.size*0.9995 {
			digits := 2 - int(math.Log10(max(v/unit.size, 1)))
			return strconv.FormatFloat(v/unit.size, 'f', max(digits, 0), 64) + unit.word
		}
	}
	return count(n)
}

// plural writes n things.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// size writes bytes in the decimal units that the command uses, too.
func size(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v := float64(n)
	for _, unit := range []string{"kB", "MB", "GB", "TB", "PB", "EB"} {
		v /= 1000
		switch {
		case v < 9.95:
			return strconv.FormatFloat(v, 'f', 1, 64) + " " + unit
		case v < 999.5:
			return strconv.FormatFloat(v, 'f', 0, 64) + " " + unit
		}
	}
	return count(n) + " B" // out of reach: an int64 ends at 9.2 EB
}

// span writes seconds as a person would say them.
func span(seconds float64) string {
	switch {
	case seconds < 1:
		return "under 1 s"
	case seconds < 90:
		return strconv.FormatFloat(seconds, 'f', 0, 64) + " s"
	case seconds < 90*60:
		return strconv.FormatFloat(seconds/60, 'f', 0, 64) + " min"
	case seconds < 36*3600:
		return strconv.FormatFloat(seconds/3600, 'f', 1, 64) + " h"
	}
	return strconv.FormatFloat(seconds/86400, 'f', 1, 64) + " days"
}
