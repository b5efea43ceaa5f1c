// SPDX-License-Identifier: Apache-2.0

package verifier

import "math"

// seen knows for every series the latest time that it had: a later one is new for
// certain. Its size is limited. Where it is full it forgets all, and takes every series
// for one that had the latest of all times: too many values then may repeat, never too
// few. A hash that two series share does the same.
type seen struct {
	slots []lately // a power of two
	used  int
	floor int64 // no time up to here is known to be new
	most  int   // slots
}

// lately is what is known of one series, or of one field of it.
type lately struct {
	hash  uint64 // 0 where the slot is free
	any   int64  // latest time of all
	multi int64  // of the points with several fields
}

const seenSlots = 1 << 20 // 24 MiB

func newSeen(most int) *seen {
	return &seen{slots: make([]lately, min(most, 1<<10)), floor: math.MinInt64, most: most}
}

// reserve makes room for n more, so that what at gives stays valid meanwhile.
func (s *seen) reserve(n int) {
	if s.used+n <= len(s.slots)/4*3 {
		return
	}
	old := s.slots
	if 2*len(old) <= s.most {
		s.slots, s.used = make([]lately, 2*len(old)), 0
		for i := range old {
			if old[i].hash != 0 {
				*s.at(old[i].hash) = old[i]
			}
		}
		return
	}
	for i := range old {
		if old[i].hash != 0 {
			s.floor = max(s.floor, old[i].any)
		}
	}
	clear(s.slots)
	s.used = 0
}

// at gives the entry of a hash, and makes it where there is none.
func (s *seen) at(hash uint64) *lately {
	hash |= 1
	mask := uint64(len(s.slots) - 1) //nolint:gosec // never empty
	for i := hash * 0x9e3779b97f4a7c15 >> 20 & mask; ; i = (i + 1) & mask {
		switch e := &s.slots[i]; e.hash {
		case hash:
			return e
		case 0:
			*e = lately{hash: hash, any: s.floor, multi: s.floor}
			s.used++
			return e
		}
	}
}
