// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"cmp"
	"math"
	"slices"
)

// pick is a piece of a shard that may become part of the sample: some series, or a stretch
// of a long one.
type pick struct {
	rank     float64 // see rank: the lowest are taken
	weight   int64
	shard    int    // among all that are inspected
	from, to string // composite keys
	// Of a long series about how much of it, as a fraction, and where that begins.
	share, at float64
}

// picks are the pieces of one stratum with the lowest ranks. Which they are does not depend
// on the order in which they come.
type picks struct {
	items []pick
	bound float64 // ranks above are not wanted; 0: all are
}

// rank gives a random number, but the same each time, so that of some pieces each is among
// the lowest with a chance that its weight gives it.
func rank(hash uint64, weight int64) float64 {
	u := (float64(hash>>11) + 1) / (1 << 53)
	return -math.Log(u) / float64(max(weight, 1))
}

// chance gives the chance that a piece of that weight has a rank below bound; 0 is no bound.
func chance(weight int64, bound float64) float64 {
	if bound == 0 {
		return 1
	}
	return -math.Expm1(-float64(max(weight, 1)) * bound)
}

// lowest gives the n pieces with the lowest ranks, and the rank that all others have at least;
// 0: there are no others. The picks must be trimmed.
func (p *picks) lowest(n int) ([]pick, float64) {
	if n >= len(p.items) {
		return p.items, p.bound
	}
	return p.items[:n], p.items[n].rank
}

// How many pieces are kept: of a stratum, of all, and how many strata there are at most.
const (
	mostPicks  = 64
	allPicks   = 4096
	mostStrata = 4096
)

// picksEach gives how many pieces a stratum keeps.
func (t *tally) picksEach() int { return max(1, min(mostPicks, allPicks/max(t.strata, 1))) }

// wants reports whether a piece of that rank would be kept.
func (p *picks) wants(rank float64) bool { return p.bound == 0 || rank < p.bound }

// add keeps a piece for now, and drops the worst when there are twice as many as n.
func (p *picks) add(x pick, n int) {
	p.items = append(p.items, x)
	if len(p.items) >= 2*n {
		p.trim(n)
	}
}

// trim keeps the n best.
func (p *picks) trim(n int) {
	slices.SortFunc(p.items, comparePicks)
	if len(p.items) > n {
		clear(p.items[n:])
		p.items = p.items[:n]
		p.bound = p.items[n-1].rank
	}
}

func comparePicks(a, b pick) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.shard, b.shard), cmp.Compare(a.from, b.from), cmp.Compare(a.at, b.at))
}

// merge adds the pieces of o, which is empty then.
func (p *picks) merge(o *picks, n int) {
	for _, x := range o.items {
		if p.wants(x.rank) {
			p.add(x, n)
		}
	}
	o.reset()
}

func (p *picks) reset() {
	clear(p.items)
	p.items, p.bound = p.items[:0], 0
}
