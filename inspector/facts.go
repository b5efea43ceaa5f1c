// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"cmp"
	"slices"

	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/volume"
)

// databaseFacts is what is known of a database before its shards are looked at.
type databaseFacts struct {
	name     string
	meta     *meta.Database // nil: no metastore lists it
	policies []*policyFacts
	series   *set // nil: that of the one policy
}

// policyFacts is the same of a retention policy.
type policyFacts struct {
	database *databaseFacts
	name     string
	number   int
	meta     *meta.Policy // nil: no metastore lists it
	shards   []*shardFacts
	missing  []volume.MissingShard
	groups   []span // of all its shards, also of those that were left out by choice
}

// plan lays the selected shards, and what the metastores list, out by database and policy.
func (n *inspection) plan(selected []*volume.Shard) {
	for _, sh := range selected {
		p := n.policy(sh.Database, sh.Policy)
		p.shards = append(p.shards, &shardFacts{
			shard: sh, local: len(p.shards), span: point.NoTime, extent: point.NoTime,
		})
	}
	n.planListed()
	for _, m := range n.opts.Catalog.Missing {
		sel := n.opts.Selection
		if sel.Takes(m.Database, m.Policy, m.ID) && m.Group.Range().Overlaps(sel.Window()) {
			p := n.policy(m.Database, m.Policy)
			p.missing = append(p.missing, m)
		}
	}
	for _, sh := range n.opts.Catalog.Shards {
		p := n.byName[[2]string{sh.Database, sh.Policy}]
		if p == nil {
			continue
		}
		if g, _, _ := n.group(sh); g != nil {
			if s, ok := groupOf(g); ok {
				p.groups = append(p.groups, s)
			}
		}
	}
	slices.SortFunc(n.databases, func(a, b *databaseFacts) int { return cmp.Compare(a.name, b.name) })
	for _, d := range n.databases {
		slices.SortFunc(d.policies, func(a, b *policyFacts) int { return cmp.Compare(a.name, b.name) })
		d.meta = n.opts.Catalog.Database(d.name)
		for _, p := range d.policies {
			p.number = len(n.policies)
			n.policies = append(n.policies, p)
			if d.meta != nil {
				p.meta, _ = d.meta.Policy(p.name)
			}
			for _, s := range p.shards {
				s.policy = p.number
				n.number[s] = len(n.shards)
				n.shards = append(n.shards, s)
			}
		}
	}
}

// policy finds a policy, or adds it.
func (n *inspection) policy(database, name string) *policyFacts {
	at := [2]string{database, name}
	p := n.byName[at]
	if p == nil {
		d := n.database(database)
		p = &policyFacts{database: d, name: name}
		d.policies = append(d.policies, p)
		n.byName[at] = p
	}
	return p
}

// database finds a database, or adds it.
func (n *inspection) database(name string) *databaseFacts {
	d := n.databasesByName[name]
	if d == nil {
		d = &databaseFacts{name: name}
		n.databases = append(n.databases, d)
		n.databasesByName[name] = d
	}
	return d
}

// planListed adds the databases and policies that are selected and have no shard, unless
// shards were asked for.
func (n *inspection) planListed() {
	sel := n.opts.Selection
	if len(sel.Describe().Shards) > 0 {
		return
	}
	for _, v := range n.opts.Catalog.Volumes {
		if v.Meta == nil {
			continue
		}
		for i := range v.Meta.Databases {
			db := &v.Meta.Databases[i]
			if !sel.Database(db.Name) {
				continue
			}
			n.database(db.Name)
			for j := range db.Policies {
				if sel.Policy(db.Policies[j].Name) {
					n.policy(db.Name, db.Policies[j].Name)
				}
			}
		}
	}
}

// group finds the shard group of a shard; nil: no metastore lists it at its place. known says
// that there is a metastore that should.
func (n *inspection) group(sh *volume.Shard) (g *meta.ShardGroup, deleted, known bool) {
	look := func(v *volume.Volume) bool {
		known = known || v != nil && v.Meta != nil
		ref, ok := v.Lists(sh)
		g, deleted = ref.Group, ref.Deleted
		return ok
	}
	for _, r := range sh.Replicas {
		if look(r.Volume) {
			return g, deleted, known
		}
	}
	own := known
	if slices.ContainsFunc(n.opts.Catalog.Volumes, look) {
		return g, deleted, true
	}
	return nil, false, own
}
