// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/shardlift/shardlift/point"
)

// Chooser gives a number from 0 to n-1; all that is random in a history comes from
// it. In a property test it draws from the test's source:
//
//	func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }
type Chooser func(n int) int

// Seeded gives a Chooser that always makes the same choices.
func Seeded(seed uint64) Chooser {
	return rand.New(rand.NewPCG(seed, 0)).IntN
}

// Kinks says what a random history may have that a stock server, asked over HTTP,
// cannot be made to hold or to show. The zero value is what it can.
type Kinks struct {
	Odd           bool // keys and strings that line protocol cannot carry or a query does not find
	Unsigned      bool // unsigned values
	OldTombstones bool // tombstones of version 1 to 3
	Crashes       bool // torn tails, and files that a crash left beside those that replaced them
}

// AllKinks is every kink.
var AllKinks = Kinks{Odd: true, Unsigned: true, OldTombstones: true, Crashes: true}

// RandomHistory makes a history of so many operations on a few series and fields, so
// that they meet often. The same choices give the same history.
func RandomHistory(choose Chooser, operations int, kinks Kinks) *History {
	g := generator{choose: choose, kinks: kinks, History: NewHistory()}
	g.PerBlock = []int{1, 2, 3, 5, 1000}[choose(5)]
	g.KeysPerFile = []int{0, 0, 0, 1, 3}[choose(5)]
	g.Shuffle = uint64(choose(2))
	series, fields := plainSeries, poolFields[:len(poolFields)-1]
	if kinks.Unsigned {
		fields = poolFields
	}
	if kinks.Odd {
		series, fields = slices.Concat(series, oddSeries), slices.Concat(fields, oddFields)
	}
	for range 1 + choose(5) {
		g.series = append(g.series, pick(choose, series))
	}
	for range 1 + choose(5) {
		g.fields = append(g.fields, pick(choose, fields))
	}
	for range operations {
		g.step()
	}
	if g.crash() {
		g.Tear(g.tail())
	}
	return g.History
}

type generator struct {
	*History
	choose Chooser
	kinks  Kinks
	series []string // those of this history
	fields []Field
	wave   int // how far the usual times have come
}

func pick[T any](choose Chooser, from []T) T { return from[choose(len(from))] }

// one reports true once in n times.
func (g *generator) one(n int) bool { return g.choose(n) == n-1 }

func (g *generator) step() {
	generations := len(g.Generations())
	switch n := g.choose(20); {
	case n < 10:
		g.Write(g.writes()...)
	case n < 13:
		g.Flush(g.crash())
	case n < 15:
		if g.kinks.OldTombstones {
			g.TombstoneVersion = 4 - g.choose(4)
		}
		g.Delete(g.match(), g.window())
	case n < 16:
		g.drop()
	case n < 18 && generations > 0:
		from := g.choose(generations)
		g.Compact(from, from+g.choose(generations-from), g.crash())
	case n < 19:
		g.Roll()
	case g.crash():
		g.Tear(g.tail())
	default:
		g.Restart()
	}
}

func (g *generator) crash() bool { return g.kinks.Crashes && g.one(4) }

// drop deletes a measurement, whose fields may have other types from then on.
func (g *generator) drop() {
	m := g.match()
	m.Tag = ""
	g.Delete(m, point.AllTime)
	for name := range g.kinds {
		if name == indexName.Replace(m.Measurement) {
			delete(g.kinds, name)
		}
	}
}

// writes makes up to four columns, each of a few values.
func (g *generator) writes() []Write {
	var all []Write
	g.wave += g.choose(3)
	for range 1 + g.choose(4) {
		w := Write{Series: pick(g.choose, g.series)}
		field := pick(g.choose, g.fields)
		w.Field = field.Name
		if slices.ContainsFunc(all, func(o Write) bool { return o.Series == w.Series && o.Field == w.Field }) {
			continue
		}
		kind := g.kindOf(w, field.Kind)
		for range 1 + g.choose(6) {
			w.Append(g.time(), g.value(kind))
		}
		g.setKind(w) // so that the next column of this request has it too
		all = append(all, w)
	}
	return all
}

// kindOf gives the type that the column has or, if it is new, mostly the usual one.
func (g *generator) kindOf(w Write, usual point.Kind) point.Kind {
	measurement, _ := point.SplitSeries([]byte(w.Series))
	if kind, ok := g.kinds[indexName.Replace(string(measurement))][w.Field]; ok {
		return kind
	}
	if kind := point.Kind(g.choose(4)); g.one(4) {
		return kind
	}
	return usual
}

// time gives one of a few times that come again and again, slowly moving on.
func (g *generator) time() int64 {
	if g.one(8) {
		return pick(g.choose, edgeTimes)
	}
	return baseTime + int64(g.wave+g.choose(8))*10e9
}

func (g *generator) value(kind point.Kind) Value {
	v := Value{Kind: kind}
	random := g.one(3)
	switch kind {
	case point.Float:
		v.Bits = math.Float64bits(pick(g.choose, poolFloats))
		if random {
			v.Bits = math.Float64bits(float64(g.choose(1000)) / 8)
		}
	case point.Integer:
		v.Bits = uint64(pick(g.choose, poolInts))
		if random {
			v.Bits = uint64(g.choose(1000))
		}
	case point.Unsigned:
		v.Bits = pick(g.choose, poolUints)
	case point.Boolean:
		v.Bits = uint64(g.choose(2))
	default:
		from := poolStrings
		if g.kinks.Odd {
			from = slices.Concat(poolStrings, oddStrings)
		}
		v.Text = pick(g.choose, from)
		if random {
			v.Text = strconv.Itoa(g.choose(1000))
		}
	}
	return v
}

// match chooses by measurement, by measurement and tag, or by tag alone.
func (g *generator) match() Match {
	measurement, tags := point.SplitSeries([]byte(pick(g.choose, g.series)))
	m := Match{Measurement: string(measurement)}
	if k, v, _, ok := point.NextTag(tags); ok && g.one(2) {
		m.Tag = string(k) + "=" + string(v)
		if g.one(3) {
			m.Measurement = ""
		}
	}
	return m
}

func (g *generator) window() point.TimeRange {
	if g.one(4) {
		return point.AllTime
	}
	a, b := g.time(), g.time()
	return point.TimeRange{Min: min(a, b), Max: max(a, b)}
}

// tail makes what a crash may leave behind the last entry.
func (g *generator) tail() []byte {
	if g.one(3) {
		return make([]byte, 1+g.choose(64))
	}
	var w WAL
	w.Write(Column{Key: "torn#!~#f", Run: Ints([]int64{baseTime}, 1)})
	entry := w.Bytes()
	return entry[:1+g.choose(len(entry)-1)]
}
