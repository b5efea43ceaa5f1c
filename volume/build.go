// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/shardlift/shardlift/meta"
)

// shardKey is what makes two copies replicas of one shard.
type shardKey struct {
	database, policy string
	id               uint64
}

func (k shardKey) compare(o shardKey) int {
	return cmp.Or(cmp.Compare(k.database, o.database), cmp.Compare(k.policy, o.policy), cmp.Compare(k.id, o.id))
}

// builder puts a catalog together, place by place.
type builder struct {
	catalog *Catalog
	orphans bool
	shards  map[shardKey]*Shard
	seen    map[shardKey]bool // on some disk, taken or not
}

// add lists the shards of one place.
func (b *builder) add(ctx context.Context, v *Volume, p place) error {
	s := scan{catalog: b.catalog, volume: v, replicas: map[shardKey]*Replica{}}
	if p.tsmFile != "" {
		*s.replica(p.names) = Replica{Volume: v, TSMFile: p.tsmFile}
	}
	if err := s.tree(ctx, p.data, p.names, func(r *Replica, dir string) { r.DataDir = dir }); err != nil {
		return err
	}
	s.wal = true
	if err := s.tree(ctx, p.wal, p.names, func(r *Replica, dir string) { r.WALDir = dir }); err != nil {
		return err
	}
	only := p.data
	if only == "" {
		only = p.wal
	}
	for _, u := range b.catalog.Unreadable {
		if u.Path == only {
			return fmt.Errorf("open source %s: %w", p.source, u)
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(s.replicas), shardKey.compare) {
		b.take(key, s.replicas[key])
	}
	return nil
}

// take adds a replica to its shard, or leaves it out.
func (b *builder) take(key shardKey, r *Replica) {
	b.seen[key] = true
	if reason, detail, ok := b.judge(key, r); !ok {
		b.catalog.LeftOut = append(b.catalog.LeftOut, LeftOut{
			Volume: r.Volume, Path: r.Path(),
			Database: key.database, Policy: key.policy, ID: key.id,
			Reason: reason, Detail: detail,
		})
		return
	}
	shard := b.shards[key]
	if shard == nil {
		shard = &Shard{Database: key.database, Policy: key.policy, ID: key.id}
		b.shards[key] = shard
	}
	shard.add(*r)
}

// add appends a replica that is not there yet, alone or as part of another.
func (s *Shard) add(r Replica) {
	for i := range s.Replicas {
		switch known := &s.Replicas[i]; {
		case r.within(known):
			return
		case known.within(&r):
			*known = r
			return
		}
	}
	s.Replicas = append(s.Replicas, r)
}

// within reports whether o has all that r has.
func (r *Replica) within(o *Replica) bool {
	if r.TSMFile != "" {
		return samePath(r.TSMFile, o.TSMFile) || samePath(filepath.Dir(r.TSMFile), o.DataDir)
	}
	return (r.DataDir == "" || samePath(r.DataDir, o.DataDir)) && (r.WALDir == "" || samePath(r.WALDir, o.WALDir))
}

func samePath(a, b string) bool {
	return a == b || a != "" && b != "" && realPath(a) == realPath(b)
}

// judge says whether a shard is visible to queries. A volume without a metastore is
// judged by those of the others, as far as they know the shard: what one of several
// nodes deleted must not come back from another.
func (b *builder) judge(key shardKey, r *Replica) (reason Reason, detail string, ok bool) {
	if b.orphans || key.id == 0 || r.TSMFile != "" {
		return 0, "", true
	}
	const deleted = "the metastore has its shard group as deleted"
	if r.Volume.Meta == nil {
		if ref, ok := b.listed(key); ok && ref.Deleted {
			return Deleted, deleted, false
		}
		return 0, "", true
	}
	ref, known := r.Volume.Meta.Shard(key.id)
	switch {
	case !known:
		return Unlisted, "the metastore does not list it", false
	case ref.Database != key.database || ref.Policy != key.policy:
		return Elsewhere, fmt.Sprintf("the metastore lists it in database %q, policy %q", ref.Database, ref.Policy), false
	case ref.Deleted:
		return Deleted, deleted, false
	}
	return 0, "", true
}

// listed finds the first metastore that has the shard at its place.
func (b *builder) listed(key shardKey) (meta.ShardRef, bool) {
	for _, v := range b.catalog.Volumes {
		if ref, ok := v.lists(key); ok {
			return ref, true
		}
	}
	return meta.ShardRef{}, false
}

// addMissing compares what the metastore lists, as far as the place reaches, with
// what is there. WAL trees do not have every shard.
func (b *builder) addMissing(v *Volume, p place) {
	if v.Meta == nil || p.data == "" || len(p.names) == shardLevel {
		return
	}
	covers := func(level int, name string) bool { return len(p.names) <= level || p.names[level] == name }
	for i := range v.Meta.Databases {
		db := &v.Meta.Databases[i]
		for j := range db.Policies {
			if policy := &db.Policies[j]; covers(0, db.Name) && covers(1, policy.Name) {
				b.addMissingOf(db.Name, policy)
			}
		}
	}
}

func (b *builder) addMissingOf(database string, policy *meta.Policy) {
	for i := range policy.Groups {
		group := &policy.Groups[i]
		if group.Deleted() {
			continue
		}
		for _, shard := range group.Shards {
			key := shardKey{database, policy.Name, shard.ID}
			if b.seen[key] {
				continue
			}
			b.seen[key] = true // told once
			b.catalog.Missing = append(b.catalog.Missing, MissingShard{database, policy.Name, shard.ID, group})
		}
	}
}

// finish puts everything in order. What was seen by way of two sources is told once.
func (b *builder) finish() {
	c := b.catalog
	for _, shard := range b.shards {
		c.Shards = append(c.Shards, shard)
	}
	slices.SortFunc(c.Shards, b.compareShards)
	slices.SortFunc(c.Missing, func(x, y MissingShard) int {
		return cmp.Or(cmp.Compare(x.Database, y.Database), cmp.Compare(x.Policy, y.Policy),
			cmp.Compare(x.Group.Range().Min, y.Group.Range().Min), cmp.Compare(x.ID, y.ID))
	})
	c.LeftOut = uniqueFunc(c.LeftOut, func(l LeftOut) string { return l.Path })
	c.Unreadable = uniqueFunc(c.Unreadable, func(u Unreadable) string { return u.Path })
}

// compareShards is the order of Catalog.Shards.
func (b *builder) compareShards(x, y *Shard) int {
	if c := cmp.Or(cmp.Compare(x.Database, y.Database), cmp.Compare(x.Policy, y.Policy)); c != 0 {
		return c
	}
	refX, listedX := b.listed(x.key())
	refY, listedY := b.listed(y.key())
	switch {
	case listedX && !listedY:
		return -1
	case listedY && !listedX:
		return 1
	case listedX && listedY:
		if c := cmp.Compare(refX.Group.Range().Min, refY.Group.Range().Min); c != 0 {
			return c
		}
	}
	return cmp.Compare(x.ID, y.ID)
}

func (s *Shard) key() shardKey { return shardKey{s.Database, s.Policy, s.ID} }

// uniqueFunc drops later elements with the key of an earlier one.
func uniqueFunc[E any](s []E, key func(E) string) []E {
	seen := make(map[string]bool, len(s))
	return slices.DeleteFunc(s, func(e E) bool {
		k := key(e)
		again := seen[k]
		seen[k] = true
		return again
	})
}
