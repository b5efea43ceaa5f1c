// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/shardlift/shardlift/point"
)

// Two times have one number where a server puts them into one shard, and numbers that
// follow each other where it puts them side by side.
func TestShardNumbers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	widths := []time.Duration{1, 7, time.Second, time.Hour, 7 * time.Hour, 24 * time.Hour, 168 * time.Hour, 30 * 24 * time.Hour, 250 * 365 * 24 * time.Hour}
	for range 20_000 {
		width := widths[rnd.IntN(len(widths))]
		at := rnd.Int64() - rnd.Int64()
		if rnd.IntN(8) == 0 {
			at = []int64{math.MinInt64, math.MaxInt64, 0, -1, 1}[rnd.IntN(5)]
		}
		n := shardNumber(at, width)
		begin := time.Unix(0, at).Truncate(width)
		for delta, edge := range map[int64]time.Time{0: begin, -1: begin.Add(-1), 1: begin.Add(width)} {
			other := edge.UnixNano()
			if !time.Unix(0, other).Equal(edge) {
				continue // no time that a point can have
			}
			if got := shardNumber(other, width); got != n+delta {
				t.Fatalf("%s: %d is in shard %d, and %d in %d", width, at, n, other, got)
			}
		}
	}
}

// Shards are told one by one, however far apart they are.
func TestShardsOf(t *testing.T) {
	for text, want := range map[string][]int64{
		"m f=1 10\n":                     {1},
		"m f=1 10\nm f=1 19\nm f=1 20\n": {1, 2},
		"m f=1 95\nm f=1 10\nm f=\"a\n 50\n\" 12\nm f=1 -1\n": {-1, 1, 9},
	} {
		b := &Batch{Text: []byte(text), Span: point.NoTime}
		for _, at := range want {
			b.Span = b.Span.Union(point.TimeRange{Min: 10 * at, Max: 10*at + 9})
		}
		if got := shardsOf(b, 10); !slices.Equal(got, want) {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
		if got := shardsOf(b, 0); got != nil {
			t.Errorf("%q: %d, with no width", text, got)
		}
	}
}

func TestShardsApart(t *testing.T) {
	write := func(policy string, shards ...int64) *entry {
		return &entry{batch: &Batch{Place: Place{"db", policy}}, shards: shards}
	}
	var s shards
	s.took(write("p", 1, 2, 7))
	for name, c := range map[string]struct {
		a, b *entry
		want bool
	}{
		"taken":        {write("p", 1, 2), write("p", 1, 2, 7), false},
		"one more":     {write("p", 1, 2, 3), write("p", 1, 2, 3), true},
		"in between":   {write("p", 1, 5, 7), write("p", 2, 5), true},
		"not of both":  {write("p", 1, 3, 5), write("p", 2, 4, 6), false},
		"the default":  {write("", 9), write("p", 9), true},
		"elsewhere":    {write("q", 9), write("p", 9), false},
		"nobody knows": {write("p"), write("p"), false},
	} {
		if got := s.apart(c.a, c.b); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	s.forget()
	if !s.apart(write("p", 1), write("p", 1)) {
		t.Error("it is taken after a restart")
	}
}
