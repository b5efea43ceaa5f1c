// SPDX-License-Identifier: Apache-2.0

package inspector

// spread gives each shard its part of the policy's points and values.
func (n *inspection) spread(policies []sums) {
	type all struct{ weight, blocks, fresh float64 }
	of := make([]all, len(policies))
	for _, s := range n.shards {
		a := &of[s.policy]
		a.weight += float64(s.weight)
		a.blocks += float64(s.blocks)
		a.fresh += float64(s.fresh)
	}
	for _, s := range n.shards {
		a, sum := &of[s.policy], &policies[s.policy]
		if s.points.Exact || a.weight == 0 {
			continue
		}
		part := float64(s.weight) / a.weight
		// What is in the WAL only is known, so that blocks have the rest. A WAL weighs more than
		// blocks do that say the same, by how well they are compressed, and one that was flushed
		// is nothing beside them. Where it is most of all, the rest is too little to tell.
		if a.blocks > 0 && sum.values > 0 && a.fresh < mostFresh*sum.values {
			rest := sum.values - a.fresh
			part = (rest*float64(s.blocks)/a.blocks + float64(s.fresh)) / sum.values
		}
		s.points.N = round(sum.points * part)
		s.values.N = round(sum.values * part)
	}
}

// mostFresh is the part of a policy's values up to which those of the WAL are counted.
const mostFresh = 0.75
