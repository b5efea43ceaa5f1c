// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"math/bits"
	"math/rand/v2"
)

// Sizes of sets, in slots of eight bytes, of which three quarters are used.
const (
	smallestSet = 8
	largestSet  = 1 << 22
	allSets     = 1 << 23
	countedSet  = 1 << 10 // from this size on a set is told to the pool
)

// set counts distinct hashes. It is exact until it may not grow any more; then it keeps
// only hashes that end in some zero bits, one more each time it is full, and each stands
// for as many as that leaves out. What it keeps depends on the hashes and on its largest
// size, not on their order.
//
// The error of an estimate is about 1/√n for n hashes kept: 0.1 % to 0.2 % at the usual size.
type set struct {
	slots []uint64 // 0 is free
	n     int
	level uint8 // zero bits that a hash must end in
	zero  bool  // the hash 0 is in it
	known bool  // to the pool
}

// pool bounds the memory of sets. When they outgrow it, the largest of them are halved.
type pool struct {
	used, most int // slots
	largest    int // slots of a set
	seed       uint64
	sets       []*set // the large ones
}

func newPool() pool {
	// Where a hash lies in a set is nobody's to foresee: names that all meet in one place
	// would make each step as long as the set.
	return pool{most: allSets, largest: largestSet, seed: rand.Uint64() | 1}
}

// amount gives the number of distinct hashes.
func (s *set) amount() Amount {
	n := int64(s.n)
	if s.zero {
		n++
	}
	return Amount{N: n << min(s.level, 32), Exact: s.level == 0}
}

// add puts a hash into s.
func (p *pool) add(s *set, hash uint64) {
	if hash == 0 {
		s.zero = true
		return
	}
	if bits.TrailingZeros64(hash) < int(s.level) {
		return
	}
	if s.slots == nil {
		p.resize(s, smallestSet)
	}
	at, found := p.find(s.slots, hash)
	if found {
		return
	}
	if s.n+1 > room(len(s.slots)) {
		if 2*len(s.slots) <= p.largest {
			p.resize(s, 2*len(s.slots))
		} else {
			s.level++
			p.resize(s, len(s.slots))
		}
		p.add(s, hash)
		return
	}
	s.slots[at] = hash
	s.n++
}

// room is how many hashes a table takes.
func room(slots int) int { return slots / 4 * 3 }

// find gives the place of a hash, or where it belongs.
func (p *pool) find(slots []uint64, hash uint64) (at int, found bool) {
	mask := len(slots) - 1
	i := int(hash * p.seed >> (64 - bits.Len(uint(mask)))) //nolint:gosec // less than the length
	for ; slots[i] != 0; i = (i + 1) & mask {
		if slots[i] == hash {
			return i, true
		}
	}
	return i, false
}

// resize gives s a table of so many slots, and leaves out what its level or its size does
// not take. Then the pool is looked at.
func (p *pool) resize(s *set, slots int) {
	old := s.slots
	if slots < len(old) {
		s.level = max(s.level, levelFor(old, room(slots)))
	}
	s.slots, s.n = make([]uint64, slots), 0
	p.used += slots - len(old)
	for _, h := range old {
		if h == 0 || bits.TrailingZeros64(h) < int(s.level) {
			continue
		}
		at, _ := p.find(s.slots, h)
		s.slots[at] = h
		s.n++
	}
	if slots >= countedSet && !s.known {
		s.known = true
		p.sets = append(p.sets, s)
	}
	for p.used > p.most && p.largest > countedSet {
		p.largest /= 2
		for _, o := range p.sets {
			if len(o.slots) > p.largest {
				p.resize(o, p.largest)
			}
		}
	}
}

// levelFor gives the lowest level at which no more than n of the hashes are left.
func levelFor(hashes []uint64, n int) uint8 {
	var ending [65]int
	all := 0
	for _, h := range hashes {
		if h != 0 {
			ending[bits.TrailingZeros64(h)]++
			all++
		}
	}
	level := uint8(0)
	for ; all > n; level++ {
		all -= ending[level]
	}
	return level
}
