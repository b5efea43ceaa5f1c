// SPDX-License-Identifier: Apache-2.0

package shardtest

// Meta is the content of a meta.db. Its zero value is an empty server.
type Meta struct {
	Index     uint64 // change counter
	ClusterID uint64
	Databases []MetaDatabase
	Users     []MetaUser

	// MaxGroupID and MaxShardID are the highest ids ever given. Where they are lower
	// than an id that is used, that is written.
	MaxGroupID, MaxShardID uint64
}

// MetaDatabase is a database.
type MetaDatabase struct {
	Name          string
	DefaultPolicy string
	Policies      []MetaPolicy
	Queries       []MetaQuery
}

// MetaPolicy is a retention policy; durations are in nanoseconds.
type MetaPolicy struct {
	Name          string
	Duration      int64 // 0 keeps points for ever
	GroupDuration int64
	Replicas      uint32
	Groups        []MetaGroup
	Subscriptions []MetaSubscription

	// FutureLimit and PastLimit are 1.12's write limits; 0 leaves them out.
	FutureLimit, PastLimit int64
}

// MetaGroup is a shard group; times are Unix nanoseconds, End is outside.
type MetaGroup struct {
	ID         uint64
	Start, End int64
	Deleted    int64 // 0: it is not
	Truncated  int64 // 0: it is not
	Shards     []MetaShard
}

// MetaShard is a shard of a group.
type MetaShard struct {
	ID       uint64
	Owners   []uint64
	OwnerIDs []uint64 // the old form of Owners
}

// MetaSubscription is a subscription; Mode is ANY or ALL.
type MetaSubscription struct {
	Name, Mode   string
	Destinations []string
}

// MetaQuery is a continuous query; Text is the whole statement.
type MetaQuery struct{ Name, Text string }

// MetaUser is a user; Hash is bcrypt's text.
type MetaUser struct {
	Name, Hash string
	Admin      bool
	Privileges []MetaPrivilege
}

// MetaPrivilege is a grant: 0 none, 1 read, 2 write, 3 all.
type MetaPrivilege struct {
	Database  string
	Privilege int32
}

// Bytes gives the file.
func (m Meta) Bytes() []byte {
	maxGroup, maxShard := m.maxIDs()
	b := appendProtoUint(nil, 1, 1)
	b = appendProtoUint(b, 2, m.Index)
	b = appendProtoUint(b, 3, m.ClusterID)
	for _, d := range m.Databases {
		b = appendProtoBytes(b, 5, d.encode())
	}
	for _, u := range m.Users {
		b = appendProtoBytes(b, 6, u.encode())
	}
	b = appendProtoUint(b, 7, 0)
	b = appendProtoUint(b, 8, maxGroup)
	return appendProtoUint(b, 9, maxShard)
}

func (m Meta) maxIDs() (group, shard uint64) {
	group, shard = m.MaxGroupID, m.MaxShardID
	for _, d := range m.Databases {
		for _, p := range d.Policies {
			for _, g := range p.Groups {
				group = max(group, g.ID)
				for _, s := range g.Shards {
					shard = max(shard, s.ID)
				}
			}
		}
	}
	return group, shard
}

func (d MetaDatabase) encode() []byte {
	b := appendProtoString(nil, 1, d.Name)
	b = appendProtoString(b, 2, d.DefaultPolicy)
	for _, p := range d.Policies {
		b = appendProtoBytes(b, 3, p.encode())
	}
	for _, q := range d.Queries {
		b = appendProtoBytes(b, 4, appendProtoString(appendProtoString(nil, 1, q.Name), 2, q.Text))
	}
	return b
}

func (p MetaPolicy) encode() []byte {
	b := appendProtoString(nil, 1, p.Name)
	b = appendProtoUint(b, 2, uint64(p.Duration))
	b = appendProtoUint(b, 3, uint64(p.GroupDuration))
	b = appendProtoUint(b, 4, uint64(p.Replicas))
	for _, g := range p.Groups {
		b = appendProtoBytes(b, 5, g.encode())
	}
	for _, s := range p.Subscriptions {
		body := appendProtoString(appendProtoString(nil, 1, s.Name), 2, s.Mode)
		for _, d := range s.Destinations {
			body = appendProtoString(body, 3, d)
		}
		b = appendProtoBytes(b, 6, body)
	}
	if p.FutureLimit != 0 {
		b = appendProtoUint(b, 7, uint64(p.FutureLimit))
	}
	if p.PastLimit != 0 {
		b = appendProtoUint(b, 8, uint64(p.PastLimit))
	}
	return b
}

func (g MetaGroup) encode() []byte {
	b := appendProtoUint(nil, 1, g.ID)
	b = appendProtoUint(b, 2, uint64(g.Start))
	b = appendProtoUint(b, 3, uint64(g.End))
	b = appendProtoUint(b, 4, uint64(g.Deleted))
	for _, s := range g.Shards {
		body := appendProtoUint(nil, 1, s.ID)
		for _, id := range s.OwnerIDs {
			body = appendProtoUint(body, 2, id)
		}
		for _, id := range s.Owners {
			body = appendProtoBytes(body, 3, appendProtoUint(nil, 1, id))
		}
		b = appendProtoBytes(b, 5, body)
	}
	if g.Truncated != 0 {
		b = appendProtoUint(b, 6, uint64(g.Truncated))
	}
	return b
}

func (u MetaUser) encode() []byte {
	b := appendProtoString(nil, 1, u.Name)
	b = appendProtoString(b, 2, u.Hash)
	var admin uint64
	if u.Admin {
		admin = 1
	}
	b = appendProtoUint(b, 3, admin)
	for _, p := range u.Privileges {
		body := appendProtoString(nil, 1, p.Database)
		b = appendProtoBytes(b, 4, appendProtoUint(body, 2, uint64(p.Privilege)))
	}
	return b
}
