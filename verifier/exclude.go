// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"fmt"
	"hash/maphash"
)

// Exclude takes back points that were added and not stored, since the target refused
// them: lines as they were given to Add, each as often.
func (c *Counter) Exclude(database, policy string, lines []byte) error {
	w := &c.out
	w.enter(c.place(database, policy))
	for n := 1; len(lines) > 0; n++ {
		rest, err := w.next(lines)
		if err != nil {
			return fmt.Errorf("exclude point %d of %s: %w", n, placeName(database, policy), err)
		}
		line := lines[:len(lines)-len(rest)]
		lines = rest
		if w.m == nil {
			continue
		}
		if err := c.takeBack(w); err != nil {
			return fmt.Errorf("exclude point %d of %s: %w", n, placeName(database, policy), err)
		}
		if len(c.excluded) < mostExcluded {
			c.excluded[w.hashLine(line)] = struct{}{}
		} else {
			w.m.forgot = true
		}
	}
	return nil
}

// takeBack undoes count for the walker's line, as far as it was counted.
func (c *Counter) takeBack(w *walker) error {
	slot := w.m.find(w.time)
	for n, i := range w.hits {
		col := &w.m.columns[i]
		if slot < 0 || int(slot) >= len(col.cells) || col.cells[slot].sent == 0 {
			continue
		}
		col.cells[slot].sent--
		c.values--
		if !c.digests {
			continue
		}
		hash, err := w.digest(n, col)
		if err != nil {
			return err
		}
		col.sums[slot] -= hash
		if col.class == number {
			col.kinds[numberKind(w.values[n])]--
		}
	}
	return nil
}

// hashLine gives a hash of a whole line of the walker's place.
func (w *walker) hashLine(line []byte) uint64 {
	return w.p.hash ^ maphash.Bytes(w.c.seed, bytes.TrimRight(line, " \n"))
}

func (c *Counter) isExcluded(w *walker, line []byte) bool {
	if len(c.excluded) == 0 {
		return false
	}
	_, ok := c.excluded[w.hashLine(line)]
	return ok
}
