// SPDX-License-Identifier: Apache-2.0

package verifier

// table holds values by the hash of their place: the hash of the value, and whether it
// was seen on the target.
type table struct {
	slots []tableSlot // a power of two
	used  int
}

type tableSlot struct {
	key   uint64 // 0 is free; the lowest bit says that it was seen
	value uint64
}

func (t *table) reset() {
	if t.slots == nil {
		t.slots = make([]tableSlot, 1<<10)
	}
	clear(t.slots)
	t.used = 0
}

// at finds the slot of a key, or the free one where it belongs.
func (t *table) at(key uint64) *tableSlot {
	key = max(key|1, 3)
	mask := uint64(len(t.slots) - 1) //nolint:gosec // never empty
	for i := key >> 20 & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; s.key == 0 || s.key|1 == key {
			return s
		}
	}
}

// put stores a value, over one of the same place. It is false where there are as many as
// may be.
func (t *table) put(key, value uint64, most int64) bool {
	s := t.at(key)
	if s.key != 0 {
		s.value = value
		return true
	}
	if int64(t.used) >= most {
		return false
	}
	*s = tableSlot{max(key&^1, 2), value}
	if t.used++; t.used > len(t.slots)/2 {
		old := t.slots
		t.slots = make([]tableSlot, 2*len(old))
		for _, o := range old {
			if o.key != 0 {
				*t.at(o.key) = o
			}
		}
	}
	return true
}

// see marks the place of a value of the target. It reports whether there is one, and
// whether it has the same value.
func (t *table) see(key, value uint64) (known, same bool) {
	s := t.at(key)
	if s.key == 0 {
		return false, false
	}
	s.key |= 1
	return true, s.value == value
}

// seen reports whether a place was seen, or is not in the table.
func (t *table) seen(key uint64) bool {
	s := t.at(key)
	return s.key == 0 || s.key&1 == 1
}

// unseen counts the places that were not seen.
func (t *table) unseen() (n int64) {
	for i := range t.slots {
		if k := t.slots[i].key; k != 0 && k&1 == 0 {
			n++
		}
	}
	return n
}
