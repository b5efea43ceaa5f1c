// SPDX-License-Identifier: Apache-2.0

package tsmreader

// Limits are what a cursor holds at a time; zero fields are left as they are.
type Limits struct{ Chains, Entries, Cells, Rows, FewRows int }

// Lower makes cursors of s hold less, so that small shards reach every path.
func (s *Shard) Lower(l Limits) {
	set := func(to *int, v int) {
		if v != 0 {
			*to = v
		}
	}
	set(&s.limits.chains, l.Chains)
	set(&s.limits.entries, l.Entries)
	set(&s.limits.cells, l.Cells)
	set(&s.limits.rows, l.Rows)
	set(&s.limits.fewRows, l.FewRows)
}
