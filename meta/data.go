// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"math"
	"sync"
	"time"

	"github.com/shardlift/shardlift/point"
)

// Data is a whole metastore. Everything is in stored order. It holds nothing of the
// bytes that it was decoded from, and must not be changed once Shard was called.
type Data struct {
	Term, Index, ClusterID                 uint64
	MaxNodeID, MaxShardGroupID, MaxShardID uint64

	Databases []Database
	Users     []User
	Nodes     []Node // of old servers
	DataNodes []Node // of clusters
	MetaNodes []Node // of clusters

	indexOnce sync.Once
	shards    map[uint64]ShardRef
}

// Database is one database. Its name is not empty.
type Database struct {
	Name              string
	DefaultPolicy     string // may be empty, or name a policy that is not there
	Policies          []Policy
	ContinuousQueries []ContinuousQuery
}

// Policy is a retention policy. Its name is not empty.
type Policy struct {
	Name          string
	Duration      time.Duration // 0: points are kept for ever
	ShardDuration time.Duration // time that a shard group spans
	Replication   uint32
	Groups        []ShardGroup
	Subscriptions []Subscription

	// Since 1.12: points further from now than this are refused. 0: no limit.
	FutureWriteLimit, PastWriteLimit time.Duration
}

// ShardGroup is the shards of one span of time. Times are Unix nanoseconds.
type ShardGroup struct {
	ID          uint64
	Start, End  int64 // as stored; Range makes sense of them
	DeletedAt   int64 // 0: not deleted
	TruncatedAt int64 // 0: not truncated; else later writes went to another group
	Shards      []Shard
}

// Shard is a shard with the ids of the nodes that own a copy. Single servers name none.
type Shard struct {
	ID     uint64
	Owners []uint64
}

// Subscription is where a policy's points are sent on to.
type Subscription struct {
	Name         string
	Mode         string // ALL or ANY
	Destinations []string
}

// ContinuousQuery is a continuous query with its text as stored: a whole statement.
type ContinuousQuery struct {
	Name, Query string
}

// User is a user without the password's hash.
type User struct {
	Name       string
	Admin      bool
	HasHash    bool // a hash is stored
	Privileges []Privilege
}

// Privilege is what a user may do to one database.
type Privilege struct {
	Database string
	Access   Access
}

// Access is the kind of a privilege.
type Access int32

// The privileges, as stored.
const (
	NoAccess    Access = 0
	ReadAccess  Access = 1
	WriteAccess Access = 2
	AllAccess   Access = 3
)

// Node is a server of a cluster.
type Node struct {
	ID      uint64
	Host    string
	TCPHost string
}

// Range gives the times that the group is for; TruncatedAt is left out of account.
// On disk the end is exclusive, and the start of the earliest group of all has
// wrapped around to a time behind its end.
func (g *ShardGroup) Range() point.TimeRange {
	r := point.TimeRange{Min: g.Start, Max: g.End}
	if g.Start > g.End {
		r.Min = math.MinInt64
	}
	if g.End == math.MinInt64 {
		return point.NoTime
	}
	r.Max--
	return r
}

// Deleted reports whether the group was deleted: queries do not see its shards.
func (g *ShardGroup) Deleted() bool { return g.DeletedAt != 0 }

// Database finds a database by name.
func (d *Data) Database(name string) (*Database, bool) {
	for i := range d.Databases {
		if d.Databases[i].Name == name {
			return &d.Databases[i], true
		}
	}
	return nil, false
}

// Policy finds a retention policy by name.
func (db *Database) Policy(name string) (*Policy, bool) {
	for i := range db.Policies {
		if db.Policies[i].Name == name {
			return &db.Policies[i], true
		}
	}
	return nil, false
}

// ShardRef says where a shard belongs.
type ShardRef struct {
	Database, Policy string
	Group            *ShardGroup
	Deleted          bool // only a deleted group lists it
}

// Shard finds a shard by its id, which is unique over the whole server. Where a
// damaged metastore lists one twice, a group that is not deleted goes first, then
// stored order. The first call builds an index; any number of goroutines may call.
func (d *Data) Shard(id uint64) (ShardRef, bool) {
	d.indexOnce.Do(d.index)
	ref, ok := d.shards[id]
	return ref, ok
}

func (d *Data) index() {
	d.shards = make(map[uint64]ShardRef)
	for i := range d.Databases {
		db := &d.Databases[i]
		for j := range db.Policies {
			policy := &db.Policies[j]
			for k := range policy.Groups {
				d.indexGroup(db.Name, policy.Name, &policy.Groups[k])
			}
		}
	}
}

func (d *Data) indexGroup(db, policy string, group *ShardGroup) {
	for _, shard := range group.Shards {
		if known, ok := d.shards[shard.ID]; ok && (!known.Deleted || group.Deleted()) {
			continue
		}
		d.shards[shard.ID] = ShardRef{Database: db, Policy: policy, Group: group, Deleted: group.Deleted()}
	}
}
