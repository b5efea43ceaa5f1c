// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Names are plain, as a query has them; escape writes them into lines. A backslash
// before a character that is escaped, or at an end, cannot be said. A measurement with
// any of the separator #!~# can, but when a server makes its index anew it splits keys in the
// wrong place.
var (
	plainMeasurements = []string{
		"m", "cpu", "cpu!x", "cpu 2", "a,b", " ,", "m=equals", `"quoted"`, "m'single", `C:\dir\x`, "m#x", "größe☃", "m:c.d/e", "m\ttab", "m\\\nlf", "SELECT", "true", "1i", "-",
	}
	// A server lists these under other names than it stores them, and shows none of their
	// points: in lines they have backslashes that need not be there.
	hiddenMeasurements = []string{`hid\=den`, `hid\"den`, `hid\\\,den`}

	plainTagKeys   = []string{"t", "host", "k,comma", "k blank", "k=equals", `"k"`, `k\x`, "ключ", "#k", "K", ",", "f"}
	plainTagValues = []string{"a", "b", "a!b", "v,comma", " v ", "=v=", `"v"`, `C:\dir\x`, `a\\b`, "значение 𝄞", "v\\\nlf", "#v", "tab\tx", "'", "f=1", strings.Repeat("long", 60)}
	plainFields    = []string{"f", "g", "f,comma", "f blank", "f=equals", `"f"`, `f\x`, "größe", "f\\\nlf", "#f", "F", "has#!~#separator", "true", "1", "::float", "t"}

	hardStrings = []string{
		"", " ", "\n", "\n\n", `"`, `\`, `\\`, `\"`, `"\`, `a\nb`, "tab\tcr\rcrlf\r\n", "back\\", "first\n# comment\nlast", "x\n# DML\n# CONTEXT-DATABASE:y\n", "# DDL\nDROP DATABASE \"x\"\n",
		"cpu,host=a f=1 10\ncpu f=2 20", `x" 1`, "a,b=c d", "größe ☃ 𝄞\u2028\ufeff", "\xff\xfe\xc3", "nul\x00", strings.Repeat(`\"`+"\n#", 100), "1i", "t",
	}
	hardFloats = []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 1e-7, 1e21, 1e20, 123456.789, 1 << 53, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, math.Pi,
	}
	hardInts = []int64{0, 1, -1, 42, 1 << 53, -1 << 59, 1 << 59, 1<<60 - 1, 1 << 60, math.MaxInt64, math.MinInt64, math.MinInt64 + 1}
)

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// some picks a few, each once.
func some[T any](rng *rand.Rand, from []T, most int) []T {
	var all []T
	for _, i := range rng.Perm(len(from))[:1+rng.IntN(min(most, len(from)))] {
		all = append(all, from[i])
	}
	return all
}

var (
	escapeMeasurement = strings.NewReplacer(",", `\,`, " ", `\ `)
	escapeTag         = strings.NewReplacer(",", `\,`, " ", `\ `, "=", `\=`)
)

// series is one series of a schema.
type series struct {
	line        string            // as in a line
	measurement string            // plain
	tags        map[string]string // plain
	hidden      bool
}

type field struct {
	line string // as in a line
	kind byte   // f i b s, as in the normal form of lpjudge
}

// schema is what one database is written with: few series and fields, so that points meet.
type schema struct {
	series []series
	fields []field
	texts  []string // for string fields
	hidden bool     // some series are
}

// newSchema makes a schema; oneLine leaves out what holds line feeds.
func newSchema(rng *rand.Rand, oneLine bool) schema {
	of := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return oneLine && strings.Contains(s, "\n") })
	}
	sc := schema{texts: of(hardStrings)}
	keys, values := some(rng, of(plainTagKeys), 3), some(rng, of(plainTagValues), 4)
	for _, m := range some(rng, of(plainMeasurements), 3) {
		for range 1 + rng.IntN(3) {
			sc.addSeries(rng, escapeMeasurement.Replace(m), m, keys, values)
		}
	}
	if rng.IntN(8) == 0 {
		sc.hidden = true
		sc.addSeries(rng, pick(rng, hiddenMeasurements), "", keys, values)
	}
	for _, f := range some(rng, of(plainFields), 5) {
		sc.fields = append(sc.fields, field{escapeField(f), "fibs"[rng.IntN(4)]})
	}
	return sc
}

// addSeries adds a series with any of the tags.
func (sc *schema) addSeries(rng *rand.Rand, line, measurement string, keys, values []string) {
	s := series{line: line, measurement: measurement, tags: map[string]string{}, hidden: measurement == ""}
	for _, k := range keys {
		if rng.IntN(4) == 0 {
			continue
		}
		v := pick(rng, values)
		s.tags[k] = v
		s.line += "," + escapeTag.Replace(k) + "=" + escapeTag.Replace(v)
	}
	sc.series = append(sc.series, s)
}

// value gives a value as in a line.
func (sc *schema) value(rng *rand.Rand, kind byte) string {
	usual := rng.IntN(3) > 0
	switch kind {
	case 'f':
		f := pick(rng, hardFloats)
		if usual {
			f = float64(rng.IntN(100000)) / 8
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	case 'i':
		i := pick(rng, hardInts)
		if usual {
			i = rng.Int64N(1000)
		}
		return strconv.FormatInt(i, 10) + "i"
	case 'b':
		return strconv.FormatBool(rng.IntN(2) == 0)
	default:
		s := pick(rng, sc.texts)
		if usual {
			s = "text " + strconv.Itoa(rng.IntN(1000))
		}
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
}

// point gives a line with some of the fields.
func (sc *schema) point(rng *rand.Rand, s series, fields []field, at int64) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f.line + "=" + sc.value(rng, f.kind)
	}
	return fmt.Sprintf("%s %s %d\n", s.line, strings.Join(parts, ","), at)
}
