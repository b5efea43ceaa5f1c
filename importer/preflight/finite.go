// SPDX-License-Identifier: Apache-2.0

package preflight

import "math"

// Finite tells whether any policy of the databases that were looked at, there or planned,
// does not keep everything. It is for inputs of which not all places are known: where it
// is false, Ranges could not find anything. With Options.Force it is false.
func (c *Checker) Finite() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opts.Force {
		return false
	}
	for _, db := range c.databases {
		for _, p := range db.list {
			if c.limits(p).Oldest != math.MinInt64 || p.future > 0 {
				return true
			}
		}
	}
	return false
}
