// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/point"
)

func TestShardGroupRange(t *testing.T) {
	tests := map[string]struct {
		start, end int64
		want       point.TimeRange
	}{
		"usual":                {1599436800e9, 1600041600e9, point.TimeRange{Min: 1599436800e9, Max: 1600041600e9 - 1}},
		"around 1970":          {-5, 5, point.TimeRange{Min: -5, Max: 4}},
		"wrapped at the past":  {9223339708799551616, -9222800291200000000, point.TimeRange{Min: math.MinInt64, Max: -9222800291200000001}},
		"capped at the end":    {9222940800e9, math.MaxInt64, point.TimeRange{Min: 9222940800e9, Max: math.MaxInt64 - 1}},
		"nothing in it":        {7, 7, point.TimeRange{Min: 7, Max: 6}},
		"end at the beginning": {7, math.MinInt64, point.NoTime},
		"all at the beginning": {math.MinInt64, math.MinInt64, point.NoTime},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := (&ShardGroup{Start: tt.start, End: tt.end}).Range(); got != tt.want {
				t.Errorf("range %v, want %v", got, tt.want)
			}
		})
	}
}

// The server had points at both ends of time. Its shard 2 was dropped: that takes
// the shard off the list of its group, which is marked as deleted.
func TestRangesOfServer(t *testing.T) {
	d := mustRead(t, "server.db")
	times := map[uint64]int64{1: point.MinTime, 3: point.MaxTime, 4: -1}
	for id, at := range times {
		ref, ok := d.Shard(id)
		if !ok || ref.Deleted || ref.Database != "plain" || ref.Policy != "autogen" {
			t.Fatalf("shard %d: %+v, %t", id, ref, ok)
		}
		for other, elsewhere := range times {
			if r := ref.Group.Range(); r.Contains(elsewhere) != (id == other) {
				t.Errorf("shard %d is for %v; it should hold %d and nothing of the others", id, r, at)
			}
		}
	}
	if ref, ok := d.Shard(2); ok {
		t.Errorf("the dropped shard is still known: %+v", ref)
	}
	if group := d.Databases[0].Policies[0].Groups[2]; group.ID != 2 || !group.Deleted() || len(group.Shards) != 0 {
		t.Errorf("group of the dropped shard: %+v", group)
	}
}

func TestShard(t *testing.T) {
	d := vector()
	autogen, days := &d.Databases[0].Policies[0], &d.Databases[0].Policies[1]
	tests := map[uint64]ShardRef{
		1: {"telegraf", "autogen", &autogen.Groups[0], false},
		2: {"telegraf", "autogen", &autogen.Groups[1], true},
		3: {"telegraf", "two days", &days.Groups[0], false},
		4: {"telegraf", "two days", &days.Groups[0], false},
	}
	for id, want := range tests {
		if got, ok := d.Shard(id); !ok || got != want {
			t.Errorf("Shard(%d) = %+v, %t, want %+v", id, got, ok, want)
		}
	}
	for _, id := range []uint64{0, 5, math.MaxUint64} {
		if got, ok := d.Shard(id); ok || got != (ShardRef{}) {
			t.Errorf("Shard(%d) = %+v, %t", id, got, ok)
		}
	}
	if _, ok := new(Data).Shard(1); ok {
		t.Error("an empty metastore knows a shard")
	}
}

func TestShardListedTwice(t *testing.T) {
	live, dead := ShardGroup{ID: 1, Shards: []Shard{{ID: 7}}}, ShardGroup{ID: 2, DeletedAt: 5, Shards: []Shard{{ID: 7}}}
	other := ShardGroup{ID: 3, Shards: []Shard{{ID: 7}}}
	tests := map[string]struct {
		groups  []ShardGroup
		want    uint64
		deleted bool
	}{
		"deleted first":  {[]ShardGroup{dead, live}, 1, false},
		"deleted last":   {[]ShardGroup{live, dead}, 1, false},
		"both are live":  {[]ShardGroup{other, live}, 3, false},
		"deleted, twice": {[]ShardGroup{dead, {ID: 4, DeletedAt: 1, Shards: []Shard{{ID: 7}}}}, 2, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := &Data{Databases: []Database{{Name: "d", Policies: []Policy{{Name: "p", Groups: tt.groups}}}}}
			if ref, ok := d.Shard(7); !ok || ref.Group.ID != tt.want || ref.Deleted != tt.deleted {
				t.Errorf("Shard(7) = %+v, %t, want group %d", ref, ok, tt.want)
			}
		})
	}
}

func TestLookups(t *testing.T) {
	d := vector()
	db, ok := d.Database("telegraf")
	if !ok || db != &d.Databases[0] {
		t.Fatalf("Database = %v, %t", db, ok)
	}
	if p, ok := db.Policy("two days"); !ok || p != &db.Policies[1] {
		t.Errorf("Policy = %v, %t", p, ok)
	}
	if p, ok := db.Policy("none"); ok {
		t.Errorf("Policy of no such name = %v", p)
	}
	if db, ok := d.Database("none"); ok {
		t.Errorf("Database of no such name = %s", cmp.Diff(nil, db))
	}
}
