// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// encoder writes protobuf messages for tests, in the way of a server: fields that
// are required there are written also where they are nought.
type encoder []byte

func (e *encoder) number(num protowire.Number, v uint64) {
	*e = protowire.AppendTag(*e, num, protowire.VarintType)
	*e = protowire.AppendVarint(*e, v)
}

func (e *encoder) optional(num protowire.Number, v int64) {
	if v != 0 {
		e.number(num, uint64(v))
	}
}

func (e *encoder) text(num protowire.Number, s string) {
	*e = protowire.AppendTag(*e, num, protowire.BytesType)
	*e = protowire.AppendString(*e, s)
}

func (e *encoder) message(num protowire.Number, write func(*encoder)) {
	var inner encoder
	write(&inner)
	e.text(num, string(inner))
}

func encode(d *Data) []byte {
	var e encoder
	e.number(1, d.Term)
	e.number(2, d.Index)
	e.number(3, d.ClusterID)
	e.nodes(4, d.Nodes)
	for _, db := range d.Databases {
		e.message(5, db.encode)
	}
	for _, u := range d.Users {
		e.message(6, u.encode)
	}
	e.number(7, d.MaxNodeID)
	e.number(8, d.MaxShardGroupID)
	e.number(9, d.MaxShardID)
	e.nodes(10, d.DataNodes)
	e.nodes(11, d.MetaNodes)
	return e
}

func (e *encoder) nodes(num protowire.Number, nodes []Node) {
	for _, n := range nodes {
		e.message(num, func(e *encoder) {
			e.number(1, n.ID)
			e.text(2, n.Host)
			e.text(3, n.TCPHost)
		})
	}
}

func (db Database) encode(e *encoder) {
	e.text(1, db.Name)
	e.text(2, db.DefaultPolicy)
	for _, p := range db.Policies {
		e.message(3, p.encode)
	}
	for _, q := range db.ContinuousQueries {
		e.message(4, func(e *encoder) {
			e.text(1, q.Name)
			e.text(2, q.Query)
		})
	}
}

func (p Policy) encode(e *encoder) {
	e.text(1, p.Name)
	e.number(2, uint64(p.Duration))
	e.number(3, uint64(p.ShardDuration))
	e.number(4, uint64(p.Replication))
	for _, g := range p.Groups {
		e.message(5, g.encode)
	}
	for _, s := range p.Subscriptions {
		e.message(6, func(e *encoder) {
			e.text(1, s.Name)
			e.text(2, s.Mode)
			for _, d := range s.Destinations {
				e.text(3, d)
			}
		})
	}
	e.optional(7, int64(p.FutureWriteLimit))
	e.optional(8, int64(p.PastWriteLimit))
}

func (g ShardGroup) encode(e *encoder) {
	e.number(1, g.ID)
	e.number(2, uint64(g.Start))
	e.number(3, uint64(g.End))
	e.number(4, uint64(g.DeletedAt))
	for _, s := range g.Shards {
		e.message(5, func(e *encoder) {
			e.number(1, s.ID)
			for _, owner := range s.Owners {
				e.message(3, func(e *encoder) { e.number(1, owner) })
			}
		})
	}
	e.optional(6, g.TruncatedAt)
}

func (u User) encode(e *encoder) {
	hash := ""
	if u.HasHash {
		hash = "$2a$10$x"
	}
	e.text(1, u.Name)
	e.text(2, hash)
	admin := uint64(0)
	if u.Admin {
		admin = 1
	}
	e.number(3, admin)
	for _, p := range u.Privileges {
		e.message(4, func(e *encoder) {
			e.text(1, p.Database)
			e.number(2, uint64(p.Access))
		})
	}
}

// portable wraps a message as a portable backup does.
func portable(b []byte) []byte {
	var e encoder
	e.text(1, string(b))
	e.number(2, 0)
	return e
}

// legacy wraps a message as a legacy backup does.
func legacy(b []byte) []byte {
	out := binary.BigEndian.AppendUint64(nil, legacyMagic)
	out = binary.BigEndian.AppendUint64(out, uint64(len(b)))
	out = append(out, b...)
	out = binary.BigEndian.AppendUint64(out, 5)
	return append(out, "null\n"...)
}
