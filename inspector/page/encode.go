// SPDX-License-Identifier: Apache-2.0

package page

import (
	"path/filepath"
	"strconv"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/inspector"
)

// encoder fills a payload.
type encoder struct {
	clock
	payload
	policies map[place]int // rows of the table of policies
}

type place struct{ database, policy string }

func newPayload(r *inspector.Report) (*payload, error) {
	e := &encoder{policies: map[place]int{}}
	e.payload = payload{
		FaultCount:   find(r).faults,
		Policies:     columns("database policy default listed duration shardDuration guessed replication shards" + statColumns),
		Shards:       columns("policy id flags groupStart groupEnd replicas" + statColumns),
		Gaps:         columns("policy start end groups missing"),
		Missing:      columns("policy id start end owners"),
		Measurements: columns("policy name start end shards series columns bytes fields tags"),
		Fields:       columns("measurement name kinds columns start end"),
		Tags:         columns("measurement key values"),
		Conflicts:    columns("conflict policy measurement field kind columns shards start end"),
		Faults:       columns("policy shard lost part offset size values start end file key reason database"),
		LeftOut:      columns("path reason"),
		DataDirs:     []string{},
	}
	for _, v := range r.Volumes {
		e.DataDirs = append(e.DataDirs, shown(v.DataDir))
	}
	for _, d := range r.Databases {
		if len(d.Policies) == 0 {
			e.row(d.Name, "")
		}
		for i := range d.Policies {
			e.policy(d.Name, &d.Policies[i], r.Volumes)
		}
	}
	e.missing(r.Missing)
	e.conflicts(r.Conflicts)
	for i := range r.Faults {
		e.fault(&r.Faults[i])
	}
	for _, l := range r.LeftOut {
		e.LeftOut.add(l.Path, l.Reason)
	}
	if e.err != nil {
		return nil, e.err
	}
	return &e.payload, nil
}

// row gives the row of a policy, which need not have shards.
func (e *encoder) row(database, policy string) int {
	p := place{database, policy}
	if n, ok := e.policies[p]; ok {
		return n
	}
	n := len(e.Policies.Rows)
	e.policies[p] = n
	e.Policies.add(database, policy)
	return n
}

func (e *encoder) policy(database string, p *inspector.Policy, volumes []inspector.Volume) {
	row := e.row(database, p.Name)
	cells := []any{
		database, p.Name, one(p.Default), one(p.Listed), p.Duration, p.ShardDuration, one(p.Guessed),
		int64(p.Replication), p.Stats.Shards,
	}
	e.Policies.set(row, append(cells, e.stats(&p.Stats)...))
	for i := range p.Shards {
		e.shard(row, place{database, p.Name}, &p.Shards[i], volumes)
	}
	for _, g := range p.Gaps {
		e.Gaps.add(row, e.instant(g.Start), e.instant(g.End), g.Groups, g.Missing)
	}
	for i := range p.Measurements {
		e.measurement(row, &p.Measurements[i])
	}
}

// The flags of a shard.
const (
	flagUnlisted = 1 << iota
	flagExpired
	flagNoWAL
)

func (e *encoder) shard(row int, p place, s *inspector.Shard, volumes []inspector.Volume) {
	flags := one(s.Unlisted)*flagUnlisted + one(s.Expired)*flagExpired + one(s.NoWAL)*flagNoWAL
	replicas := make([]any, len(s.Replicas))
	for i, path := range s.Replicas {
		replicas[i] = replica(path, p, s.ID, volumes)
	}
	cells := []any{row, id(s.ID), flags, e.instant(s.GroupStart), e.instant(s.GroupEnd), replicas}
	e.Shards.add(append(cells, e.stats(&s.Stats)...)...)
}

// replica gives the number of the volume in whose data directory a shard lies where a server
// would put it, and the path otherwise.
func replica(path string, p place, id uint64, volumes []inspector.Volume) any {
	tail := filepath.Join(p.database, p.policy, strconv.FormatUint(id, 10))
	for i, v := range volumes {
		if v.DataDir != "" && path == v.DataDir+string(filepath.Separator)+tail {
			return i
		}
	}
	return path
}

func (e *encoder) measurement(row int, m *inspector.Measurement) {
	n := len(e.Measurements.Rows)
	e.Measurements.add(row, m.Name, e.instant(m.Start), e.instant(m.End), m.Shards, number(m.Series), m.Columns, m.Bytes,
		len(m.Fields), len(m.Tags))
	for _, f := range m.Fields {
		e.Fields.add(n, f.Name, f.Kinds, f.Columns, e.instant(f.Start), e.instant(f.End))
	}
	for _, t := range m.Tags {
		e.Tags.add(n, t.Key, number(t.Values))
	}
}

func (e *encoder) missing(list []inspector.MissingShard) {
	for _, m := range list {
		e.Missing.add(e.row(m.Database, m.Policy), id(m.ID), e.instant(m.Start), e.instant(m.End), ids(m.Owners))
	}
}

// conflicts gives a row for each type of a field.
func (e *encoder) conflicts(list []inspector.Conflict) {
	for i, c := range list {
		row := e.row(c.Database, c.Policy)
		for _, k := range c.Kinds {
			e.Conflicts.add(i, row, c.Measurement, c.Field, k.Kind, k.Columns, ids(k.Shards),
				e.instant(k.Start), e.instant(k.End))
		}
	}
}

// fault gives a fault the row of its policy, or -1 where it is about none.
func (e *encoder) fault(f *exporter.Fault) {
	row, ok := e.policies[place{f.Database, f.Policy}]
	if !ok {
		row = -1
	}
	if !ok && f.Database != "" && f.Policy != "" {
		row = e.row(f.Database, f.Policy)
	}
	e.Faults.add(row, id(f.Shard), one(f.Lost), f.Part, f.Offset, f.Size, f.Values, e.instant(f.Start), e.instant(f.End),
		f.File, f.Key, f.Reason, f.Database)
}
