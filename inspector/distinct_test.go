// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"
)

func small(most, largest int) pool {
	p := newPool()
	p.most, p.largest = most, largest
	return p
}

func hashOf(kind string, i int) uint64 {
	return xxhash.Sum64String(fmt.Sprintf("%s,host=h%07d", kind, i))
}

// A set counts exactly as long as it may grow, and then within a few standard errors.
func TestDistinct(t *testing.T) {
	for _, n := range []int{0, 1, 6, 7, 100, 3000, 3072, 3073, 10_000, 300_000} {
		p := small(1<<20, 4096)
		var s set
		for range 2 { // again changes nothing
			for i := range n {
				p.add(&s, hashOf("m", i))
			}
		}
		a := s.amount()
		if exact := n <= room(4096); a.Exact != exact {
			t.Errorf("%d: exact is %v", n, a.Exact)
		}
		if a.Exact && a.N != int64(n) {
			t.Errorf("%d counted as %d", n, a.N)
		}
		if off := math.Abs(float64(a.N-int64(n))) / float64(max(n, 1)); off > 4/math.Sqrt(float64(room(4096)/2)) {
			t.Errorf("%d estimated as %d, off by %.1f %%", n, a.N, 100*off)
		}
		if len(s.slots) > 4096 {
			t.Errorf("%d slots", len(s.slots))
		}
	}
}

// Hashes that are all zeros, or end in many, do no harm.
func TestDistinctOddHashes(t *testing.T) {
	p := small(1<<20, 64)
	var s set
	p.add(&s, 0)
	p.add(&s, 0)
	if a := s.amount(); a != (Amount{1, true}) {
		t.Errorf("zero counted as %v", a)
	}
	for i := range 5000 {
		p.add(&s, uint64(i)<<40)
	}
	if a := s.amount(); len(s.slots) > 64 || a.Exact || a.N < 0 {
		t.Errorf("%v in %d slots", a, len(s.slots))
	}
}

// The sets of a pool stay within its bound, and what they count does not depend on the
// order in which hashes come.
func TestPool(t *testing.T) {
	sizes := []int{5, 700, 40_000, 40_000, 200, 90_000}
	type one struct {
		set  int
		hash uint64
	}
	var all []one
	for i, n := range sizes {
		for j := range n {
			all = append(all, one{i, hashOf(fmt.Sprint(i), j)})
		}
	}
	var first []Amount
	for seed := range uint64(4) {
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		p := small(1<<16, 1<<16)
		sets := make([]set, len(sizes))
		for _, x := range all {
			p.add(&sets[x.set], x.hash)
		}
		slots := 0
		var got []Amount
		for i := range sets {
			slots += len(sets[i].slots)
			got = append(got, sets[i].amount())
		}
		if slots != p.used || slots > p.most {
			t.Errorf("%d slots, %d counted, of %d", slots, p.used, p.most)
		}
		if first == nil {
			first = got
		}
		if !slices.Equal(first, got) {
			t.Errorf("order %d gives %v, not %v", seed, got, first)
		}
	}
	for i, n := range sizes {
		a := first[i]
		if a.Exact != (n <= 1000) || math.Abs(float64(a.N)-float64(n)) > .08*float64(n) {
			t.Errorf("%d counted as %v", n, a)
		}
	}
}

// The pieces that are kept do not depend on the order in which they come, and the heavier
// come more often.
func TestPicks(t *testing.T) {
	var all []pick
	for i := range 5000 {
		weight := int64(1)
		if i < 1000 {
			weight = 10
		}
		all = append(all, pick{rank: rank(mix(uint64(i+1)), weight), shard: i})
	}
	var first []pick
	for seed := range uint64(4) {
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var p, part picks
		for i, x := range all {
			if part.wants(x.rank) {
				part.add(x, 200)
			}
			if i%333 == 0 {
				p.merge(&part, 200)
			}
		}
		p.merge(&part, 200)
		p.trim(200)
		if first == nil {
			first = slices.Clone(p.items)
		}
		if !slices.Equal(first, p.items) {
			t.Errorf("order %d keeps others", seed)
		}
	}
	heavy := 0
	for _, x := range first {
		if x.shard < 1000 {
			heavy++
		}
	}
	if len(first) != 200 || heavy < 120 || heavy > 165 { // 10,000 of 14,000 of the weight: 143
		t.Errorf("%d pieces, %d of them heavy", len(first), heavy)
	}
}
