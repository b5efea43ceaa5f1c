// SPDX-License-Identifier: Apache-2.0

package tsmreader

// Limits are what a cursor holds at a time; zero fields are left as they are.
type Limits struct{ Chains, Values, Entries, Cells, Rows, FewRows int }

// Lower makes cursors of s hold less, so that small shards reach every path.
func (s *Shard) Lower(l Limits) {
	set := func(to *int, v int) {
		if v != 0 {
			*to = v
		}
	}
	set(&s.limits.chains, l.Chains)
	set(&s.limits.values, l.Values)
	set(&s.limits.entries, l.Entries)
	set(&s.limits.cells, l.Cells)
	set(&s.limits.rows, l.Rows)
	set(&s.limits.fewRows, l.FewRows)
}

// Held is the most values that a slot of c ever held.
func (c *Cursor) Held() int {
	n := cap(c.scratch.times)
	for _, s := range c.slots {
		n = max(n, cap(s.times))
	}
	for i := range c.chains {
		if s := c.chains[i].slot; s != nil {
			n = max(n, cap(s.times))
		}
	}
	return n
}
