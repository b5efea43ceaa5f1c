// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"github.com/shardlift/shardlift/point"
)

// count writes a number of things.
func count[T int | int64](n T, what string) string {
	if n != 1 {
		what += "s"
	}
	return humanize.Comma(int64(n)) + " " + what
}

func points(n int64) string { return count(n, "point") }

func valuesText(n int64) string { return count(n, "value") }

// sizeText writes bytes.
func sizeText(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

// timeText is point.FormatTime, and nothing where a time has no end.
func timeText(t int64) string {
	if t == math.MinInt64 || t == math.MaxInt64 {
		return ""
	}
	return point.FormatTime(t)
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Microsecond).String()
}

// duration gives a time and a rate.
func duration(secs float64, points int64) string {
	text := fmt.Sprintf("%.3g s", secs)
	if d := time.Duration(secs * float64(time.Second)); d >= time.Minute {
		text = d.Round(time.Second).String()
	}
	if secs > 0 && points > 0 {
		text += fmt.Sprintf(", %s points/s", humanize.Comma(int64(float64(points)/secs)))
	}
	return text
}

// oneLine keeps a message with strange names in it on one line, and from speaking to the
// terminal.
func oneLine(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp): // would turn around, or break, what stands beside it
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// someLines keeps a message with strange names in it from speaking to the terminal. What
// failed twice for one reason is told once.
func someLines(s string) string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		if line = oneLine(line); len(lines) == 0 || line != lines[len(lines)-1] {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// reasonShown is how many bytes of a reason are printed: a server may quote the point.
const reasonShown = 200

// shortLine is oneLine for texts of any length.
func shortLine(text string) string {
	line := oneLine(text)
	if len(line) <= reasonShown {
		return line
	}
	at := reasonShown
	for !utf8.RuneStart(line[at]) {
		at--
	}
	return line[:at] + "..."
}
