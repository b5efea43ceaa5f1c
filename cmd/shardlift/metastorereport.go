// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/volume"
)

// metastoreReport is one metastore, as --json gives it. Durations are as InfluxQL writes them.
type metastoreReport struct {
	Source    string         `json:"source"`
	File      string         `json:"file"`
	Error     string         `json:"error,omitempty"` // then there is nothing else
	Index     uint64         `json:"index"`           // counts changes
	ClusterID uint64         `json:"clusterId"`
	Databases []metaDatabase `json:"databases"`
	Users     []metaUser     `json:"users"`
	Nodes     []metaNode     `json:"nodes"`
}

type metaDatabase struct {
	Name              string       `json:"name"`
	DefaultPolicy     string       `json:"defaultPolicy"`
	Policies          []metaPolicy `json:"policies"`
	ContinuousQueries []metaQuery  `json:"continuousQueries"`
}

type metaPolicy struct {
	Name             string             `json:"name"`
	Default          bool               `json:"default"`
	Duration         string             `json:"duration"`
	ShardDuration    string             `json:"shardDuration,omitempty"`
	Replication      uint32             `json:"replication"`
	FutureWriteLimit string             `json:"futureWriteLimit,omitempty"`
	PastWriteLimit   string             `json:"pastWriteLimit,omitempty"`
	Groups           int                `json:"groups"` // that are not deleted
	Shards           int                `json:"shards"` // of them
	DeletedGroups    int                `json:"deletedGroups"`
	Start            string             `json:"start,omitempty"` // of the first group; the end is exclusive
	End              string             `json:"end,omitempty"`
	Subscriptions    []metaSubscription `json:"subscriptions"`
}

type metaQuery struct {
	Name  string `json:"name"`
	Query string `json:"query"`
}

type metaSubscription struct {
	Name         string   `json:"name"`
	Mode         string   `json:"mode"`
	Destinations []string `json:"destinations"`
}

type metaUser struct {
	Name     string      `json:"name"`
	Admin    bool        `json:"admin"`
	Password bool        `json:"password"` // there is one
	Grants   []metaGrant `json:"grants"`
}

type metaGrant struct {
	Database string `json:"database"`
	Access   string `json:"access"`
}

type metaNode struct {
	ID   uint64 `json:"id"`
	Role string `json:"role"` // data, meta, or server where there is only one kind
	Host string `json:"host"`
	TCP  string `json:"tcpHost"`
}

// newMetastoreReport takes what was selected of a metastore.
func newMetastoreReport(m *volume.Metastore, sel *filter.Selection) metastoreReport {
	r := metastoreReport{Source: m.Source, File: m.Path, Databases: []metaDatabase{}, Users: []metaUser{}, Nodes: []metaNode{}}
	if m.Data == nil {
		r.Error = m.Err.Error()
		return r
	}
	r.Index, r.ClusterID = m.Data.Index, m.Data.ClusterID
	for i := range m.Data.Databases {
		if db := &m.Data.Databases[i]; sel.Database(db.Name) {
			r.Databases = append(r.Databases, newMetaDatabase(db))
		}
	}
	for _, u := range m.Data.Users {
		r.Users = append(r.Users, newMetaUser(u, sel))
	}
	for _, list := range []struct {
		role  string
		nodes []meta.Node
	}{{"server", m.Data.Nodes}, {"data", m.Data.DataNodes}, {"meta", m.Data.MetaNodes}} {
		for _, n := range list.nodes {
			r.Nodes = append(r.Nodes, metaNode{ID: n.ID, Role: list.role, Host: n.Host, TCP: n.TCPHost})
		}
	}
	return r
}

func newMetaDatabase(db *meta.Database) metaDatabase {
	out := metaDatabase{Name: db.Name, DefaultPolicy: db.DefaultPolicy, Policies: []metaPolicy{}, ContinuousQueries: []metaQuery{}}
	for i := range db.Policies {
		out.Policies = append(out.Policies, newMetaPolicy(db, &db.Policies[i]))
	}
	for _, q := range db.ContinuousQueries {
		out.ContinuousQueries = append(out.ContinuousQueries, metaQuery(q))
	}
	return out
}

func newMetaPolicy(db *meta.Database, p *meta.Policy) metaPolicy {
	out := metaPolicy{
		Name: p.Name, Default: p.Name == db.DefaultPolicy, Duration: meta.FormatDuration(p.Duration), ShardDuration: nonzero(p.ShardDuration),
		Replication: p.Replication, FutureWriteLimit: nonzero(p.FutureWriteLimit), PastWriteLimit: nonzero(p.PastWriteLimit),
		Subscriptions: []metaSubscription{},
	}
	times := point.NoTime
	for i := range p.Groups {
		g := &p.Groups[i]
		if g.Deleted() {
			out.DeletedGroups++
			continue
		}
		out.Groups++
		out.Shards += len(g.Shards)
		times = times.Union(g.Range())
	}
	if !times.Empty() {
		out.Start = point.FormatTime(times.Min)
		out.End = time.Unix(0, times.Max).Add(1).UTC().Format(time.RFC3339Nano)
	}
	for _, s := range p.Subscriptions {
		out.Subscriptions = append(out.Subscriptions, metaSubscription(s))
	}
	return out
}

// nonzero writes a duration, and nothing for one that was never said.
func nonzero(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return meta.FormatDuration(d)
}

func newMetaUser(u meta.User, sel *filter.Selection) metaUser {
	words := map[meta.Access]string{meta.NoAccess: "NONE", meta.ReadAccess: "READ", meta.WriteAccess: "WRITE", meta.AllAccess: "ALL"}
	out := metaUser{Name: u.Name, Admin: u.Admin, Password: u.HasHash, Grants: []metaGrant{}}
	for _, p := range u.Privileges {
		if !sel.Database(p.Database) {
			continue
		}
		word, ok := words[p.Access]
		if !ok {
			word = fmt.Sprintf("UNKNOWN %d", p.Access)
		}
		out.Grants = append(out.Grants, metaGrant{Database: p.Database, Access: word})
	}
	return out
}

// metastore writes one metastore for people.
func (p *paper) metastore(m *metastoreReport) {
	p.section("Metastore %s", m.File)
	if m.Error != "" {
		p.line("  cannot be read")
		return
	}
	p.metaPolicies(m)
	p.metaQueries(m)
	p.metaSubscriptions(m)
	p.metaUsers(m)
	g := newGrid([]column{{title: "node", right: true, key: true}}, texts("role", "host", "TCP host"))
	for _, n := range m.Nodes {
		g.add(strconv.FormatUint(n.ID, 10), n.Role, n.Host, n.TCP)
	}
	p.table(g, "Nodes")
}

func (p *paper) metaPolicies(m *metastoreReport) {
	g := newGrid(keys("database", "policy"), texts("default"), numbers("keeps", "shard of", "replicas", "shard groups", "shards", "deleted groups"),
		fromUntil("from (UTC)"), numbers("future limit", "past limit"))
	for _, db := range m.Databases {
		for _, rp := range db.Policies {
			g.add(db.Name, rp.Name, yes(rp.Default), rp.Duration, rp.ShardDuration, num(rp.Replication), num(rp.Groups), num(rp.Shards),
				num(rp.DeletedGroups), date(rp.Start), date(rp.End), rp.FutureWriteLimit, rp.PastWriteLimit)
		}
		if len(db.Policies) == 0 {
			g.add(db.Name)
		}
	}
	p.section("Databases and retention policies")
	if len(g.rows) == 0 {
		p.line("  none")
	}
	p.grid(g)
}

func (p *paper) metaQueries(m *metastoreReport) {
	g := newGrid(keys("database", "name"), texts("query"))
	for _, db := range m.Databases {
		for _, q := range db.ContinuousQueries {
			g.add(db.Name, q.Name, meta.OneLine(q.Query))
		}
	}
	p.table(g, "Continuous queries")
}

func (p *paper) metaSubscriptions(m *metastoreReport) {
	g := newGrid(keys("database", "policy", "name"), texts("mode", "destinations"))
	for _, db := range m.Databases {
		for _, rp := range db.Policies {
			for _, s := range rp.Subscriptions {
				g.add(db.Name, rp.Name, s.Name, s.Mode, strings.Join(s.Destinations, ", "))
			}
		}
	}
	p.table(g, "Subscriptions")
}

func (p *paper) metaUsers(m *metastoreReport) {
	g := newGrid(keys("user"), texts("admin", "password", "grants"))
	for _, u := range m.Users {
		var grants []string
		for _, x := range u.Grants {
			grants = append(grants, x.Access+" on "+x.Database)
		}
		password := "none"
		if u.Password {
			password = "not shown"
		}
		g.add(u.Name, yes(u.Admin), password, strings.Join(grants, ", "))
	}
	p.table(g, "Users")
}
