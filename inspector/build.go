// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"cmp"
	"slices"
	"time"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/volume"
)

// add adds all but times and series.
func (s *Stats) add(o *Stats) {
	s.Shards += o.Shards
	s.Columns += o.Columns
	s.Points.add(o.Points)
	s.Values.add(o.Values)
	s.Bytes += o.Bytes
	s.TSMFiles += o.TSMFiles
	s.TSMBytes += o.TSMBytes
	s.Generations += o.Generations
	s.Blocks += o.Blocks
	s.Overlapping += o.Overlapping
	s.Tombstones += o.Tombstones
	s.Deletes += o.Deletes
	s.WALSegments += o.WALSegments
	s.WALBytes += o.WALBytes
	s.WALValues += o.WALValues
	s.Faults += o.Faults
	s.Lost += o.Lost
}

func (a *Amount) add(o Amount) {
	a.N += o.N
	a.Exact = a.Exact && o.Exact
}

// newStats gives those of nothing.
func newStats() Stats {
	none := Amount{Exact: true}
	return Stats{Series: none, Points: none, Values: none}
}

// report puts everything together.
func (n *inspection) report() *Report {
	r := &Report{
		Selected: !n.opts.Selection.Everything(), Deep: n.opts.Deep,
		Volumes: []Volume{}, Databases: []Database{}, Missing: []MissingShard{}, LeftOut: []exporter.LeftOut{},
		Conflicts: []Conflict{}, Faults: []exporter.Fault{}, Notes: []string{}, Estimate: n.estimate,
		Totals: newStats(),
	}
	n.addVolumes(r)
	faults, left := exporter.OfCatalog(n.opts.Catalog, n.opts.Selection)
	r.Faults, r.LeftOut = append(r.Faults, faults...), append(r.LeftOut, left...)
	r.Totals.Faults, r.Totals.Lost = len(faults), exporter.CountLost(faults)
	all := point.NoTime
	for _, d := range n.databases {
		db, span := n.addDatabase(r, d)
		r.Databases = append(r.Databases, db)
		r.Totals.add(&db.Stats)
		r.Totals.Series.add(db.Stats.Series)
		all = all.Union(span)
	}
	r.Totals.Start, r.Totals.End = all.Texts()
	exporter.SortFaults(r.Faults)
	r.Notes = append(r.Notes, n.notes...)
	return r
}

// addVolumes tells the sources, and what they lack.
func (n *inspection) addVolumes(r *Report) {
	for _, v := range n.opts.Catalog.Volumes {
		r.Volumes = append(r.Volumes, Volume{Source: v.Source, DataDir: v.DataDir, WALDir: v.WALDir, Meta: v.MetaFile, Sound: v.Meta != nil})
		if n.single(v) {
			continue
		}
		if v.WALDir == "" {
			n.notef("%s has no WAL: what was not yet in TSM files is not there", v.Source)
		}
		if v.DataDir == "" && v.WALDir != "" {
			n.notef("%s has no TSM files, only a WAL", v.Source)
		}
		switch {
		case v.MetaFile == "":
			n.notef("%s has no metastore: policies and shard groups are not known, and deleted shards cannot be told from others", v.Source)
		case v.Meta == nil:
			n.notef("the metastore of %s cannot be read: policies and shard groups are not known", v.Source)
		}
	}
	n.notes = append(n.notes, exporter.Doubts(n.opts.Catalog, n.opts.Selection)...)
}

// single reports whether a source is a TSM file, which has neither.
func (n *inspection) single(v *volume.Volume) bool {
	return slices.ContainsFunc(n.opts.Catalog.Shards, func(sh *volume.Shard) bool {
		return slices.ContainsFunc(sh.Replicas, func(r volume.Replica) bool { return r.Volume == v && r.TSMFile != "" })
	})
}

func (n *inspection) addDatabase(r *Report, d *databaseFacts) (Database, point.TimeRange) {
	db := Database{Name: d.name, Policies: []Policy{}, Stats: newStats()}
	if d.meta != nil {
		db.DefaultPolicy = d.meta.DefaultPolicy
	}
	all := point.NoTime
	for _, p := range d.policies {
		policy, span := n.addPolicy(r, p)
		db.Policies = append(db.Policies, policy)
		db.Stats.add(&policy.Stats)
		all = all.Union(span)
		if len(p.shards) > 0 {
			db.Stats.Series = policy.Stats.Series
		}
	}
	if d.series != nil {
		db.Stats.Series = d.series.amount()
	}
	db.Stats.Start, db.Stats.End = all.Texts()
	return db, all
}

func (n *inspection) addPolicy(r *Report, p *policyFacts) (Policy, point.TimeRange) {
	policy := Policy{Name: p.name, Shards: []Shard{}, Gaps: []Gap{}, Measurements: []Measurement{}, Stats: newStats()}
	policy.Default = p.database.meta != nil && p.database.meta.DefaultPolicy == p.name
	if p.meta != nil {
		policy.Listed, policy.Replication = true, p.meta.Replication
		policy.Duration = meta.FormatDuration(p.meta.Duration)
		policy.ShardDuration = meta.FormatDuration(p.meta.ShardDuration)
	}
	n.layOut(p, &policy)
	all := point.NoTime
	for _, s := range p.shards {
		sh := n.addShard(r, p, s)
		policy.Shards = append(policy.Shards, sh)
		policy.Stats.add(&sh.Stats)
		all = all.Union(s.span)
	}
	policy.Stats.Start, policy.Stats.End = all.Texts()
	n.addMeasurements(r, p, &policy)
	for _, m := range p.missing {
		miss := MissingShard{Database: m.Database, Policy: m.Policy, ID: m.ID}
		if g, ok := groupOf(m.Group); ok {
			miss.Start, miss.End = point.FormatTime(g.start), point.FormatTime(g.end)
		}
		for _, s := range m.Group.Shards {
			if s.ID == m.ID {
				miss.Owners = s.Owners
			}
		}
		r.Missing = append(r.Missing, miss)
	}
	return policy, all
}

// layOut finds the groups of the policy's shards, and the holes between them.
func (n *inspection) layOut(p *policyFacts, policy *Policy) {
	d := time.Duration(0)
	if p.meta != nil {
		d = p.meta.ShardDuration
	}
	var spans []span
	var ranges []point.TimeRange
	for _, s := range p.shards {
		g, deleted, known := n.group(s.shard)
		s.unlisted = known && (g == nil || deleted)
		if g != nil {
			s.group, s.grouped = groupOf(g)
		}
		if s.grouped {
			spans = append(spans, s.group)
		} else if !s.extent.Empty() {
			ranges = append(ranges, s.extent)
		}
		s.expired = p.meta != nil && p.meta.Duration > 0 && s.grouped && n.expired(s.group.end, p.meta.Duration)
	}
	if d == 0 && len(ranges) > 0 {
		if d = guess(ranges); d > 0 {
			policy.ShardDuration, policy.Guessed = meta.FormatDuration(d), true
		}
	}
	for _, s := range p.shards {
		if s.grouped || s.extent.Empty() || d == 0 {
			continue
		}
		if g := groupAt(s.extent.Min, d); g.holds(s.extent) {
			s.group, s.grouped = g, true
			spans = append(spans, g)
		} else {
			spans = append(spans, span{s.extent.Min, s.extent.Max})
		}
	}
	slices.SortStableFunc(p.shards, compareShards)
	n.addGaps(p, policy, append(spans, p.groups...), d)
}

// addGaps tells the holes between the shards, unless shards were chosen and nobody knows
// where the others are.
func (n *inspection) addGaps(p *policyFacts, policy *Policy, spans []span, d time.Duration) {
	if p.meta == nil && n.opts.Selection != nil && len(n.opts.Selection.Describe().Shards) > 0 {
		return
	}
	w := n.opts.Selection.Window()
	for _, hole := range gaps(spans) {
		if hole.end <= w.Min || hole.start > w.Max {
			continue
		}
		g := Gap{Start: point.FormatTime(hole.start), End: point.FormatTime(hole.end), Groups: groupsIn(hole, d)}
		for _, m := range p.missing {
			if s, ok := groupOf(m.Group); ok && s.start < hole.end && hole.start < s.end {
				g.Missing++
			}
		}
		policy.Gaps = append(policy.Gaps, g)
	}
}

// expired reports whether a policy's duration has passed since the end of a group.
func (n *inspection) expired(end int64, d time.Duration) bool {
	return time.Unix(0, end).Add(d).Before(n.opts.Now)
}

// compareShards orders shards by where they begin; those that hold nothing come last.
func compareShards(a, b *shardFacts) int {
	where := func(s *shardFacts) (int, int64) {
		switch {
		case s.grouped:
			return 0, s.group.start
		case !s.extent.Empty():
			return 0, s.extent.Min
		}
		return 1, 0
	}
	ra, ta := where(a)
	rb, tb := where(b)
	return cmp.Or(cmp.Compare(ra, rb), cmp.Compare(ta, tb), cmp.Compare(a.shard.ID, b.shard.ID))
}

func (n *inspection) addShard(r *Report, p *policyFacts, s *shardFacts) Shard {
	sh := Shard{ID: s.shard.ID, Replicas: []string{}, Unlisted: s.unlisted, Expired: s.expired, NoWAL: true, Stats: s.stats}
	for i := range s.shard.Replicas {
		rep := &s.shard.Replicas[i]
		sh.Replicas = append(sh.Replicas, rep.Path())
		sh.NoWAL = sh.NoWAL && rep.WALDir == ""
	}
	if s.grouped {
		sh.GroupStart, sh.GroupEnd = point.FormatTime(s.group.start), point.FormatTime(s.group.end)
	}
	t := &sh.Stats
	t.Shards, t.Series.Exact = 1, true
	t.Points, t.Values = s.points, s.values
	t.Faults, t.Lost = len(s.faults)+s.more, exporter.CountLost(s.faults)+s.moreLost
	t.Start, t.End = s.span.Texts()
	r.Faults = append(r.Faults, s.faults...)
	r.LeftOut = append(r.LeftOut, s.leftOut...)
	if s.more > 0 {
		n.notef("shard %d of %q.%q: %d more faults are only counted", s.shard.ID, p.database.name, p.name, s.more)
	}
	if s.note != "" {
		n.notef("%s", s.note)
	}
	return sh
}
