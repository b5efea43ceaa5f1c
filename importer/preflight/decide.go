// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"strconv"
	"time"

	"github.com/shardlift/shardlift/meta"
)

// shortestShard is what servers make of a shorter shard duration.
const shortestShard = time.Hour

// plan is what follows from a statement for a database as it is.
type plan struct {
	run   string     // the statement to be run, "" if there is nothing to do
	want  attributes // of the policy that it makes
	makes []Object
	there []Object // already
	diffs []Difference
}

// decide finds out what has to be done so that the target has what the statement asks
// for. The statement has its new names and overrides. Where the database is missing a
// statement for a policy gives the plan's zero value.
func decide(db *database, s statement) plan {
	object := Object{Database: s.database, Policy: s.policy}
	if !db.there {
		if s.class == createPolicy {
			return plan{}
		}
		return plan{run: s.text(), want: s.attributes, makes: []Object{{Database: s.database}, object}}
	}
	p := plan{}
	if s.class == createDatabase {
		p.there = append(p.there, Object{Database: s.database})
		if !s.explicit {
			return p
		}
	}
	wantDefault := s.isDefault || s.class == createDatabase && !db.claimed
	if have, ok := db.policy(s.policy); ok {
		p.there = append(p.there, object)
		p.diffs = compare(s, have, wantDefault, db)
		return p
	}
	// A default that is there stays, but for a database that this run makes: there the
	// input alone says which it is.
	sets := wantDefault && (!db.hasDefault() || s.isDefault && (db.made || db.planned))
	if wantDefault && !sets {
		p.diffs = append(p.diffs, defaultDifference(s, db))
	}
	s.class, s.isDefault = createPolicy, sets
	if s.replication == 0 {
		s.replication = usualReplication(db)
	}
	s.hasDuration = true
	p.run, p.want, p.makes = s.text(), s.attributes, []Object{object}
	return p
}

// usualReplication is for statements that say none, which the server needs where a
// database gets another policy.
func usualReplication(db *database) int {
	if p, ok := db.policy(""); ok && p.replication > 0 {
		return p.replication
	}
	return 1
}

// compare lists what the target has otherwise than the statement says; what it does not
// say may be anything.
func compare(s statement, have policy, wantDefault bool, db *database) []Difference {
	var list []Difference
	add := func(what, here, there string) {
		if here != there {
			list = append(list, Difference{Database: s.database, Policy: have.name, What: what, Here: here, There: there})
		}
	}
	if s.hasDuration {
		add("duration", meta.FormatDuration(s.duration), meta.FormatDuration(have.duration))
	}
	if s.shard > 0 {
		add("shard duration", meta.FormatDuration(max(s.shard, shortestShard)), meta.FormatDuration(have.shard))
	}
	if s.replication > 0 {
		add("replication", strconv.Itoa(s.replication), strconv.Itoa(have.replication))
	}
	if wantDefault && !have.isDefault {
		list = append(list, defaultDifference(s, db))
	}
	return list
}

func defaultDifference(s statement, db *database) Difference {
	d := Difference{Database: s.database, Policy: s.policy, What: "default policy", Here: s.policy, There: "none"}
	if p, ok := db.policy(""); ok {
		d.There = p.name
	}
	return d
}

// plan notes in db what a plan would make.
func (db *database) plan(s statement, p plan) {
	if s.class == createDatabase && s.explicit {
		defer func() { db.claimed = true }()
	}
	if p.run == "" {
		return
	}
	if !db.there {
		db.there, db.planned, db.visible = true, true, true
	}
	next := policy{
		name: s.policy, duration: p.want.duration, shard: p.want.shard, replication: p.want.replication, planned: true,
		isDefault: p.want.isDefault || s.class == createDatabase && len(p.makes) > 1,
	}
	if next.isDefault {
		for i := range db.list {
			db.list[i].isDefault = false
		}
	}
	db.list = append(db.list, next)
}
