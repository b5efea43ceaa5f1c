// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"strings"
	"unicode/utf8"

	"github.com/shardlift/shardlift/point"
)

// Why something cannot be asked for.
const (
	noForm        = "the name holds bytes that no query can (NUL, CR, or no UTF-8)"
	replaced      = "the name may hold bytes that are no UTF-8, for which the server says U+FFFD"
	notFound      = "a server stores a measurement written so, and does not find it again"
	sharesName    = "a server may take another measurement, with backslashes in its name, for this one"
	tooMuch       = "the server does not count as much at a time as one field has in one bucket: look at its max-select limits"
	fieldTime     = "a server drops fields that are called time"
	mayRepeat     = "the input may hold values twice"
	cannotRecount = "the input may hold values twice, and too many of them to count those that differ"
	otherInput    = "the input held fewer points when it was read again"
	noRoom        = "more fields and measurements than there is room for were not counted"
)

// NoPlace is the Reason of what is missing with the database or the policy that it is of.
const NoPlace = "the target does not have this database or policy"

// speakable reports whether a name can stand in a query: the server's reader takes NUL for
// the end, CR for a line feed, and bytes that are no UTF-8 for a replacement.
func speakable(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsAny(name, "\x00\r")
}

// asListed gives the name under which a server lists one: JSON has no bytes that are no UTF-8.
func asListed(name string) string { return string([]rune(name)) }

// unsearchable says why a name that a server lists cannot be searched for, or "".
func unsearchable(name string) string {
	switch {
	case !speakable(name):
		return noForm
	case strings.ContainsRune(name, utf8.RuneError):
		return replaced
	}
	return ""
}

var identifier = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// appendIdent appends a name as an InfluxQL identifier.
func appendIdent(b *strings.Builder, name string) {
	b.WriteByte('"')
	_, _ = identifier.WriteString(b, name)
	b.WriteByte('"')
}

// findable reports whether a server finds a measurement that it stored as written: its
// index holds the name without escapes, and a query puts these back. Backslashes that it
// takes for escapes and a query does not put back lead to another name.
func findable(raw string) bool {
	run := 0
	for i := range len(raw) {
		switch raw[i] {
		case '\\':
			run++
			continue
		case ',', ' ':
			if run > 1 {
				return false
			}
		case '=', '"':
			if run > 0 {
				return false
			}
		}
		run = 0
	}
	return true
}

// plain is a name without all backslashes that a server may take for escapes: under
// this name it may find a measurement that is not findable.
func plain(raw string) string {
	b := make([]byte, 0, len(raw))
	for i := range len(raw) {
		if c := raw[i]; c == ',' || c == ' ' || c == '=' || c == '"' {
			for len(b) > 0 && b[len(b)-1] == '\\' {
				b = b[:len(b)-1]
			}
		}
		b = append(b, raw[i])
	}
	return string(b)
}

// nameOf gives the name of a measurement that a person would type.
func nameOf(m *measurement) string { return point.UnescapeMeasurement([]byte(m.raw)) }

// unasked says for each measurement of a place why it cannot be asked for.
func unasked(p *place) map[*measurement]string {
	reasons := map[*measurement]string{}
	odd := map[string]bool{} // plain names
	for _, m := range p.measurements {
		if !findable(m.raw) {
			reasons[m] = notFound
			odd[plain(m.raw)] = true
		} else if !speakable(m.raw) {
			reasons[m] = noForm
		}
	}
	if len(odd) > 0 {
		for _, m := range p.measurements {
			if reasons[m] == "" && odd[plain(m.raw)] {
				reasons[m] = sharesName
			}
		}
	}
	return reasons
}
