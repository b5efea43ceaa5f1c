// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// decode fills d from the Data message. Unknown fields are passed over, here and in
// all messages below.
func (d *Data) decode(m message) error {
	var seen [12]bool
	err := m.fields(func(f field) error {
		if int(f.num) < len(seen) {
			seen[f.num] = true
		}
		switch f.num {
		case 1:
			return f.number(&d.Term)
		case 2:
			return f.number(&d.Index)
		case 3:
			return f.number(&d.ClusterID)
		case 4:
			return add(f, "node", &d.Nodes, decodeNode)
		case 5:
			return add(f, "database", &d.Databases, decodeDatabase)
		case 6:
			return add(f, "user", &d.Users, decodeUser)
		case 7:
			return f.number(&d.MaxNodeID)
		case 8:
			return f.number(&d.MaxShardGroupID)
		case 9:
			return f.number(&d.MaxShardID)
		case 10:
			return add(f, "data node", &d.DataNodes, decodeNode)
		case 11:
			return add(f, "meta node", &d.MetaNodes, decodeNode)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, num := range []protowire.Number{1, 2, 3, 7, 8, 9} {
		if !seen[num] {
			return m.missing(num)
		}
	}
	return nil
}

// missing is the error for a field without which the message has no meaning.
func (m message) missing(num protowire.Number) error {
	return corrupt(m.off, fmt.Sprintf("%s, field %d", m.name, num), errMissing)
}

func decodeDatabase(m message) (db Database, err error) {
	err = m.fields(func(f field) error {
		switch f.num {
		case 1:
			return f.text(&db.Name)
		case 2:
			return f.text(&db.DefaultPolicy)
		case 3:
			return add(f, "retention policy", &db.Policies, decodePolicy)
		case 4:
			return add(f, "continuous query", &db.ContinuousQueries, decodeQuery)
		}
		return nil
	})
	if err == nil && db.Name == "" {
		err = m.missing(1)
	}
	return db, err
}

func decodePolicy(m message) (p Policy, err error) {
	err = m.fields(func(f field) error {
		switch f.num {
		case 1:
			return f.text(&p.Name)
		case 2:
			return signed(f, &p.Duration)
		case 3:
			return signed(f, &p.ShardDuration)
		case 4:
			return f.number32(&p.Replication)
		case 5:
			return add(f, "shard group", &p.Groups, decodeGroup)
		case 6:
			return add(f, "subscription", &p.Subscriptions, decodeSubscription)
		case 7:
			return signed(f, &p.FutureWriteLimit)
		case 8:
			return signed(f, &p.PastWriteLimit)
		}
		return nil
	})
	if err == nil && p.Name == "" {
		err = m.missing(1)
	}
	return p, err
}

func decodeGroup(m message) (g ShardGroup, err error) {
	var seen [4]bool // id, start and end must be there: nought means something
	err = m.fields(func(f field) error {
		if int(f.num) < len(seen) {
			seen[f.num] = true
		}
		switch f.num {
		case 1:
			return f.number(&g.ID)
		case 2:
			return signed(f, &g.Start)
		case 3:
			return signed(f, &g.End)
		case 4:
			return signed(f, &g.DeletedAt)
		case 5:
			return add(f, "shard", &g.Shards, decodeShard)
		case 6:
			return signed(f, &g.TruncatedAt)
		}
		return nil
	})
	for num := protowire.Number(1); err == nil && num <= 3; num++ {
		if !seen[num] {
			err = m.missing(num)
		}
	}
	return g, err
}

func decodeShard(m message) (s Shard, err error) {
	var old []uint64 // the form of servers before 0.9.3; where it is there it counts
	hasID := false
	err = m.fields(func(f field) error {
		switch f.num {
		case 1:
			hasID = true
			return f.number(&s.ID)
		case 2:
			return f.numbers(&old)
		case 3:
			return add(f, "shard owner", &s.Owners, decodeOwner)
		}
		return nil
	})
	if len(old) > 0 {
		s.Owners = old
	}
	if err == nil && !hasID {
		err = m.missing(1)
	}
	return s, err
}

func decodeOwner(m message) (id uint64, err error) {
	err = m.fields(func(f field) error {
		if f.num == 1 {
			return f.number(&id)
		}
		return nil
	})
	return id, err
}

func decodeSubscription(m message) (s Subscription, err error) {
	err = m.fields(func(f field) error {
		switch f.num {
		case 1:
			return f.text(&s.Name)
		case 2:
			return f.text(&s.Mode)
		case 3:
			var destination string
			err := f.text(&destination)
			s.Destinations = append(s.Destinations, destination)
			return err
		}
		return nil
	})
	return s, err
}

func decodeQuery(m message) (q ContinuousQuery, err error) {
	err = m.fields(func(f field) error {
		switch f.num {
		case 1:
			return f.text(&q.Name)
		case 2:
			return f.text(&q.Query)
		}
		return nil
	})
	return q, err
}

func decodeUser(m message) (u User, err error) {
	err = m.fields(func(f field) error {
		switch f.num {
		case 1:
			return f.text(&u.Name)
		case 2: // the hash stays behind
			u.HasHash = len(f.bytes) > 0
			return f.want(protowire.BytesType)
		case 3:
			return f.flag(&u.Admin)
		case 4:
			return add(f, "privilege", &u.Privileges, decodePrivilege)
		}
		return nil
	})
	return u, err
}

func decodePrivilege(m message) (p Privilege, err error) {
	err = m.fields(func(f field) error {
		switch f.num {
		case 1:
			return f.text(&p.Database)
		case 2:
			return signed(f, &p.Access)
		}
		return nil
	})
	return p, err
}

func decodeNode(m message) (n Node, err error) {
	err = m.fields(func(f field) error {
		switch f.num {
		case 1:
			return f.number(&n.ID)
		case 2:
			return f.text(&n.Host)
		case 3:
			return f.text(&n.TCPHost)
		}
		return nil
	})
	return n, err
}
