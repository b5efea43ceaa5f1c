// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"math/rand/v2"
	"testing"

	"github.com/shardlift/shardlift/point"
)

func TestConflicts(t *testing.T) {
	span := func(a, b int64) point.TimeRange { return point.TimeRange{Min: a, Max: b} }
	batch := func(place string, stretches ...Stretch) *Batch {
		b := &Batch{Place: Place{Database: "db", Policy: place}, Span: point.NoTime, Stretches: stretches}
		for _, s := range stretches {
			b.Span = b.Span.Union(s.Span)
		}
		return b
	}
	for name, c := range map[string]struct {
		a, b *Batch
		want bool
	}{
		"same value":        {batch("p", Stretch{1, 7, span(1, 5)}), batch("p", Stretch{1, 7, span(5, 9)}), true},
		"other time":        {batch("p", Stretch{1, 7, span(1, 5)}), batch("p", Stretch{1, 7, span(6, 9)}), false},
		"other series":      {batch("p", Stretch{1, 7, span(1, 5)}), batch("p", Stretch{2, 7, span(1, 5)}), false},
		"other field":       {batch("p", Stretch{1, 7, span(1, 5)}), batch("p", Stretch{1, 8, span(1, 5)}), false},
		"several fields":    {batch("p", Stretch{1, 0, span(1, 5)}), batch("p", Stretch{1, 8, span(1, 5)}), true},
		"other policy":      {batch("p", Stretch{1, 7, span(1, 5)}), batch("q", Stretch{1, 7, span(1, 5)}), false},
		"default policy":    {batch("", Stretch{1, 7, span(1, 5)}), batch("q", Stretch{1, 7, span(1, 5)}), true},
		"deep in the list":  {batch("p", Stretch{1, 1, span(1, 5)}, Stretch{9, 1, span(1, 5)}), batch("p", Stretch{8, 1, span(1, 5)}, Stretch{9, 1, span(5, 5)}), true},
		"second of a group": {batch("p", Stretch{1, 1, span(1, 1)}, Stretch{1, 1, span(9, 9)}), batch("p", Stretch{1, 1, span(5, 5)}, Stretch{1, 1, span(9, 9)}), true},
		"nothing known":     {&Batch{Place: Place{"db", "p"}, Span: span(1, 5)}, batch("p", Stretch{1, 7, span(1, 5)}), true},
		"unique":            {&Batch{Unique: true, Span: span(1, 5)}, &Batch{Unique: true, Span: span(1, 5)}, false},
	} {
		if got := conflicts(c.a, c.b); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if got := conflicts(c.b, c.a); got != c.want {
			t.Errorf("%s, the other way round: %v, want %v", name, got, c.want)
		}
	}
}

func TestConflictsLikePairs(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	found := 0
	for range 5000 {
		a, b := randomStretches(rnd), randomStretches(rnd)
		want := false
		for _, x := range a.Stretches {
			for _, y := range b.Stretches {
				want = want || x.Series == y.Series && (x.Field == y.Field || x.Field == 0 || y.Field == 0) && x.Span.Overlaps(y.Span)
			}
		}
		if want {
			found++
		}
		if got := conflicts(a, b); got != want {
			t.Fatalf("%v against %v: %v, want %v", a.Stretches, b.Stretches, got, want)
		}
	}
	if found == 0 || found == 5000 {
		t.Errorf("%d of 5000 pairs conflict: the test tries one case only", found)
	}
}

func randomStretches(rnd *rand.Rand) *Batch {
	b := &Batch{Span: point.NoTime}
	for range 1 + rnd.IntN(4) {
		from := rnd.Int64N(50)
		s := Stretch{Series: uint64(rnd.IntN(4)), Field: uint64(rnd.IntN(4)), Span: point.TimeRange{Min: from, Max: from + rnd.Int64N(5)}}
		b.Stretches = append(b.Stretches, s)
		b.Span = b.Span.Union(s.Span)
	}
	return b
}
