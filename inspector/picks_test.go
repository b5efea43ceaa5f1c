// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"math"
	"testing"
)

// The pieces that are taken stand for all of them, whether a few are taken, most, or all, and
// however unlike they are. What there is of a piece has nothing to do with its weight here.
func TestPicksStandForAll(t *testing.T) {
	const pieces, trials = 40, 4000
	weight := func(i int) int64 { return int64(1) << (i % 10) }
	amount := func(i int) float64 { return float64(1 + i%7) }
	all := 0.0
	for i := range pieces {
		all += amount(i)
	}
	for _, n := range []int{20, 35, 39, 40, 64} {
		sum := 0.0
		for trial := range uint64(trials) {
			var p picks
			for i := range pieces {
				p.add(pick{rank: rank(mix(trial<<8|uint64(i)), weight(i)), weight: weight(i), shard: i}, mostPicks)
			}
			p.trim(mostPicks)
			items, bound := p.lowest(n)
			if len(items) != min(n, pieces) {
				t.Fatalf("%d pieces of %d", len(items), n)
			}
			one := 0.0
			for _, x := range items {
				one += amount(x.shard) / chance(x.weight, bound)
			}
			if n >= pieces && one != all {
				t.Fatalf("all pieces give %g of %g", one, all)
			}
			sum += one
		}
		if off := sum/trials/all - 1; math.Abs(off) > 0.05 {
			t.Errorf("%d pieces give %+.1f %% on average", n, off*100)
		}
	}
}
