// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/shardlift/shardlift/inspector"
)

// listed is how many rows of a list of what is wrong are printed.
const listed = 10

const jsonHasAll = "--json has them all"

// sources tells what was found where.
func (p *paper) sources(volumes []inspector.Volume) {
	p.section("Sources")
	for _, v := range volumes {
		p.line("  %s", v.Source)
		part := func(name, path, otherwise string) {
			if path == "" {
				path = otherwise
			}
			p.line("    %-9s  %s", name, path)
		}
		if filepath.Ext(v.Source) == ".tsm" {
			part("file", "", "one TSM file, without WAL and metastore")
			continue
		}
		part("data", v.DataDir, "none")
		part("wal", v.WALDir, "none: what was not in TSM files yet is not here")
		m := v.Meta
		if m != "" && !v.Sound {
			m += ", which cannot be read"
		}
		part("metastore", m, "none: what policies keep, and which shards there were, is unknown")
	}
}

// contents tells what is in the policies.
func (p *paper) contents(r *inspector.Report) {
	g := newGrid(keys("database", "policy"), texts("default"),
		numbers("keeps", "shard of", "shards", "series", "columns", "points", "size"), firstAndLast)
	eachStats(r, func(database, policy string, s *inspector.Stats, rp *inspector.Policy) {
		row := []string{database, policy, "", "", ""}
		if rp != nil {
			row = []string{database, policy, yes(rp.Default), rp.Duration, shardDuration(rp)}
		}
		g.add(append(row, num(s.Shards), amount(s.Series), num(s.Columns), amount(s.Points), size(s.Bytes), stamp(s.Start), stamp(s.End))...)
	})
	p.section("Databases and retention policies")
	if len(g.rows) == 0 {
		p.line("  no shards")
	}
	p.grid(g)
}

// all stands for the sum of several.
const all = "(all)"

// eachStats goes through policies, and the sums where there is more than one of something.
func eachStats(r *inspector.Report, row func(database, policy string, s *inspector.Stats, rp *inspector.Policy)) {
	databases := 0
	for i := range r.Databases {
		db := &r.Databases[i]
		policies := 0
		for j := range db.Policies {
			rp := &db.Policies[j]
			row(db.Name, rp.Name, &rp.Stats, rp)
			policies += min(rp.Stats.Shards, 1)
		}
		if policies > 1 {
			row(db.Name, all, &db.Stats, nil)
		}
		databases += min(policies, 1)
	}
	if databases > 1 {
		row(all, "", &r.Totals, nil)
	}
}

// shardDuration is marked where it is a guess.
func shardDuration(rp *inspector.Policy) string {
	if rp.Guessed && rp.ShardDuration != "" {
		return "~" + rp.ShardDuration
	}
	return rp.ShardDuration
}

// fileColumns are those of fileCells.
var fileColumns = numbers("TSM files", "generations", "overlapping", "tombstones", "deletes", "WAL segments", "WAL")

// faultColumns are how many faults there are, and how many of them lost something.
var faultColumns = []column{{title: "faults", right: true}, {title: "with loss", right: true, joins: true}}

func fileCells(s *inspector.Stats) []string {
	return []string{
		num(s.TSMFiles), num(s.Generations), num(s.Overlapping), num(s.Tombstones), num(s.Deletes), num(s.WALSegments), size(s.WALBytes),
	}
}

// health tells what the policies are made of, and what is wrong with them.
func (p *paper) health(r *inspector.Report) {
	if len(r.Databases) == 0 {
		return
	}
	g := newGrid(keys("database", "policy"), fileColumns, faultColumns, numbers("holes", "missing"))
	missing := map[[2]string]int{}
	for _, m := range r.Missing {
		missing[[2]string{m.Database, m.Policy}]++
	}
	eachStats(r, func(database, policy string, s *inspector.Stats, rp *inspector.Policy) {
		row := append([]string{database, policy}, fileCells(s)...)
		row = append(row, num(s.Faults), num(s.Lost))
		if rp != nil {
			row = append(row, num(len(rp.Gaps)), num(missing[[2]string{database, policy}]))
		}
		g.add(row...)
	})
	p.section("Files and their state")
	p.grid(g)
}

// shards has a row for each shard.
func (p *paper) shards(r *inspector.Report) {
	g := newGrid(keys("database", "policy"), shardColumn, fromUntil("from"), numbers("series", "columns", "points", "size"), firstAndLast,
		fileColumns, faultColumns, numbers("copies"), texts("remarks"))
	for db, rp := range r.EachPolicy() {
		for i := range rp.Shards {
			g.add(shardRow(db.Name, rp.Name, &rp.Shards[i])...)
		}
	}
	p.table(g, "Shards")
}

func shardRow(database, policy string, sh *inspector.Shard) []string {
	s := &sh.Stats
	row := append([]string{
		database, policy, strconv.FormatUint(sh.ID, 10), date(sh.GroupStart), date(sh.GroupEnd),
		amount(s.Series), num(s.Columns), amount(s.Points), size(s.Bytes), stamp(s.Start), stamp(s.End),
	}, fileCells(s)...)
	copies := ""
	if len(sh.Replicas) > 1 {
		copies = num(len(sh.Replicas))
	}
	var remarks []string
	for _, x := range []struct {
		is   bool
		what string
	}{
		{sh.Unlisted, "not listed"},
		{sh.Expired, "expired"},
		{s.TSMFiles == 0 && s.WALSegments > 0, "WAL only"},
		{sh.NoWAL, "no WAL"},
	} {
		if x.is {
			remarks = append(remarks, x.what)
		}
	}
	return append(row, num(s.Faults), num(s.Lost), copies, strings.Join(remarks, ", "))
}

// holes lists the times for which there are no shards, and the shards that are not there.
func (p *paper) holes(r *inspector.Report) {
	g := newGrid(keys("database", "policy"), fromUntil("from (UTC)"), numbers("room for shards", "missing"))
	n := 0
	for db, rp := range r.EachPolicy() {
		for _, gap := range rp.Gaps {
			if n++; n <= listed {
				g.add(db.Name, rp.Name, date(gap.Start), date(gap.End), num(gap.Groups), num(gap.Missing))
			}
		}
	}
	p.table(g, "Holes between shards")
	p.more(n, listed, jsonHasAll)
	p.missing(r.Missing)
}

func (p *paper) missing(list []inspector.MissingShard) {
	g := newGrid(keys("database", "policy"), shardColumn, fromUntil("from (UTC)"), texts("nodes"))
	for _, m := range list[:min(len(list), listed)] {
		var owners []string
		for _, id := range m.Owners {
			owners = append(owners, strconv.FormatUint(id, 10))
		}
		g.add(m.Database, m.Policy, strconv.FormatUint(m.ID, 10), date(m.Start), date(m.End), strings.Join(owners, ", "))
	}
	p.table(g, "Missing: shards that a metastore lists, and that no source has")
	p.more(len(list), listed, jsonHasAll)
}

// leftOut counts what was not looked at.
func (p *paper) leftOut(r *inspector.Report) {
	if len(r.LeftOut) == 0 {
		return
	}
	p.section("Left out")
	for _, l := range countLeftOut(r.LeftOut) {
		p.line("  %s", l)
	}
}
