// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"cmp"
	"slices"

	"github.com/shardlift/shardlift/point"
)

// addMeasurements tells the measurements of a policy, and where types of fields differ.
func (n *inspection) addMeasurements(r *Report, p *policyFacts, policy *Policy) {
	t := n.tally.policies[p.number]
	byLocal := make([]*shardFacts, len(p.shards))
	for _, s := range p.shards {
		byLocal[s.local] = s
	}
	for _, m := range t.measurements {
		out := m.report()
		policy.Measurements = append(policy.Measurements, out)
		policy.Stats.Series.add(out.Series)
	}
	slices.SortFunc(policy.Measurements, func(a, b Measurement) int {
		return cmp.Or(-cmp.Compare(a.Series.N, b.Series.N), cmp.Compare(a.Name, b.Name))
	})
	if t.rest != nil && t.rest.columns > 0 {
		policy.Stats.Series.add(t.rest.series.amount())
		n.notef("%q.%q has more measurements than are listed: those found last are only counted, %d columns", p.database.name, p.name, t.rest.columns)
	}
	if t.hiddenFields {
		n.notef("%q.%q has more fields or tag keys than are listed", p.database.name, p.name)
	}
	n.addConflicts(r, p, byLocal)
}

// mostConflictShards is how many shards the conflicts of a report name at the most.
const mostConflictShards = 1 << 18

func (m *measurement) report() Measurement {
	out := Measurement{
		Name: point.UnescapeMeasurement([]byte(m.name)), Shards: m.shards.count(), Series: m.series.amount(),
		Columns: m.columns, Bytes: m.bytes, Fields: []Field{}, Tags: []Tag{},
	}
	out.Start, out.End = m.span.Texts()
	for name, f := range m.fields {
		out.Fields = append(out.Fields, f.report(name))
	}
	slices.SortFunc(out.Fields, func(a, b Field) int { return cmp.Compare(a.Name, b.Name) })
	for key, values := range m.tags {
		out.Tags = append(out.Tags, Tag{Key: point.UnescapeTag([]byte(key)), Values: values.amount()})
	}
	slices.SortFunc(out.Tags, func(a, b Tag) int {
		return cmp.Or(-cmp.Compare(a.Values.N, b.Values.N), cmp.Compare(a.Key, b.Key))
	})
	return out
}

func (f *field) report(name string) Field {
	out := Field{Name: name, Kinds: []string{}}
	f.sort()
	all := point.NoTime
	for i := range f.kinds {
		k := &f.kinds[i]
		out.Kinds = append(out.Kinds, k.kind.String())
		out.Columns += k.columns
		all = all.Union(k.span)
	}
	out.Start, out.End = all.Texts()
	return out
}

// sort puts the types in the order of their numbers.
func (f *field) sort() {
	slices.SortFunc(f.kinds, func(a, b fieldKind) int { return cmp.Compare(a.kind, b.kind) })
}

// addConflicts tells the fields of a policy that have several types; shards are those of the
// policy by their local numbers.
func (n *inspection) addConflicts(r *Report, p *policyFacts, shards []*shardFacts) {
	type conflict struct {
		c     Conflict
		field *field
	}
	var found []conflict
	for _, m := range n.tally.policies[p.number].measurements {
		for name, f := range m.fields {
			if len(f.kinds) > 1 {
				c := Conflict{Database: p.database.name, Policy: p.name, Measurement: point.UnescapeMeasurement([]byte(m.name)), Field: name}
				found = append(found, conflict{c, f})
			}
		}
	}
	slices.SortFunc(found, func(a, b conflict) int {
		return cmp.Or(cmp.Compare(a.c.Measurement, b.c.Measurement), cmp.Compare(a.c.Field, b.c.Field))
	})
	for i, x := range found {
		for _, k := range x.field.kinds {
			n.conflictShards -= k.shards.count()
		}
		if n.conflictShards < 0 {
			n.notef("%q.%q has %d more fields with several types", p.database.name, p.name, len(found)-i)
			return
		}
		for k := range x.field.kinds {
			x.c.Kinds = append(x.c.Kinds, x.field.kinds[k].conflict(shards))
		}
		r.Conflicts = append(r.Conflicts, x.c)
	}
}

func (k *fieldKind) conflict(shards []*shardFacts) ConflictKind {
	c := ConflictKind{Kind: k.kind.String(), Columns: k.columns, Start: point.FormatTime(k.span.Min), End: point.FormatTime(k.span.Max), Shards: []uint64{}}
	var in []*shardFacts
	for _, i := range k.shards.members() {
		in = append(in, shards[i])
	}
	slices.SortStableFunc(in, compareShards)
	for _, s := range in {
		c.Shards = append(c.Shards, s.shard.ID)
	}
	return c
}
