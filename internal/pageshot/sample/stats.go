// SPDX-License-Identifier: Apache-2.0

package sample

import "github.com/shardlift/shardlift/inspector"

// sum adds stats up. Series are taken to be the same in all shards, as they mostly are.
func sum(list []inspector.Stats) inspector.Stats {
	var t inspector.Stats
	for _, s := range list {
		if t.Start == "" || s.Start != "" && s.Start < t.Start {
			t.Start = s.Start
		}
		t.End = max(t.End, s.End)
		t.Shards += s.Shards
		t.Series = inspector.Amount{N: max(t.Series.N, s.Series.N), Exact: true}
		t.Columns += s.Columns
		t.Points.N += s.Points.N
		t.Values.N += s.Values.N
		t.Bytes += s.Bytes
		t.TSMFiles += s.TSMFiles
		t.TSMBytes += s.TSMBytes
		t.Generations += s.Generations
		t.Blocks += s.Blocks
		t.Overlapping += s.Overlapping
		t.Tombstones += s.Tombstones
		t.Deletes += s.Deletes
		t.WALSegments += s.WALSegments
		t.WALBytes += s.WALBytes
		t.WALValues += s.WALValues
		t.Faults += s.Faults
		t.Lost += s.Lost
	}
	return t
}

func shardStats(p *inspector.Policy) []inspector.Stats {
	list := make([]inspector.Stats, len(p.Shards))
	for i := range p.Shards {
		list[i] = p.Shards[i].Stats
	}
	return list
}

func policyStats(d *inspector.Database) []inspector.Stats {
	list := make([]inspector.Stats, len(d.Policies))
	for i := range d.Policies {
		list[i] = d.Policies[i].Stats
	}
	return list
}

func total(r *inspector.Report) inspector.Stats {
	list := make([]inspector.Stats, len(r.Databases))
	for i := range r.Databases {
		list[i] = r.Databases[i].Stats
	}
	return sum(list)
}
