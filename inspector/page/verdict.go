// SPDX-License-Identifier: Apache-2.0

package page

import "github.com/shardlift/shardlift/inspector"

// The levels of a verdict and of its facts, worst first. They are class names, too.
const (
	levelLost    = "lost"
	levelFaulty  = "faulty"
	levelMissing = "missing"
	levelNotice  = "notice"
	levelInfo    = "info"
	levelSound   = "sound"
	levelEmpty   = "empty"
)

// verdict is the one sentence that the page begins with, and the facts behind it.
type verdict struct {
	Level    string
	Headline string
	Detail   string
	Facts    []fact
}

// fact is one thing that somebody should know. Table names the table that tells more, Filter
// what to look for in it.
type fact struct{ Level, Text, Table, Filter string }

// findings counts what is wrong.
type findings struct {
	faults, lost, missing int64
	gaps, groups          int64 // groups that would fit into the gaps
	conflicts, leftOut    int64
	shards, faulty        int64
	expired, unlisted     int64
	noWAL, noMeta         int64 // volumes
}

func find(r *inspector.Report) findings {
	f := findings{
		faults: int64(len(r.Faults)), missing: int64(len(r.Missing)), conflicts: int64(len(r.Conflicts)),
		leftOut: int64(len(r.LeftOut)),
	}
	for i := range r.Faults {
		f.lost += one(r.Faults[i].Lost)
	}
	// The list may be cut off, and the totals may not count what is about no shard.
	f.faults, f.lost = max(f.faults, int64(r.Totals.Faults)), max(f.lost, int64(r.Totals.Lost))
	for _, d := range r.Databases {
		for i := range d.Policies {
			f.add(&d.Policies[i])
		}
	}
	for _, v := range r.Volumes {
		if v.DataDir == "" {
			continue // a lone file has neither
		}
		f.noWAL += one(v.WALDir == "")
		f.noMeta += one(!v.Sound)
	}
	return f
}

func (f *findings) add(p *inspector.Policy) {
	f.gaps += int64(len(p.Gaps))
	for _, g := range p.Gaps {
		f.groups += int64(g.Groups)
	}
	f.shards += int64(len(p.Shards))
	for i := range p.Shards {
		s := &p.Shards[i]
		f.faulty += one(s.Stats.Faults > 0)
		f.expired += one(s.Expired)
		f.unlisted += one(s.Unlisted)
	}
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// judge gives the verdict on what was found.
func judge(r *inspector.Report) verdict {
	f := find(r)
	v := verdict{Facts: f.facts()}
	blocks := "All blocks were read."
	if !r.Deep {
		blocks = "Indexes, tombstones and the WAL were read, and a sample of the blocks; shardlift verify checks all of them."
	}
	where := ""
	if f.faulty > 0 {
		where = "In " + count(f.faulty) + " of " + plural(f.shards, "shard", "shards") + ". "
	}
	switch {
	case f.lost > 0 && f.lost == f.faults:
		v.Level, v.Headline, v.Detail = levelLost, plural(f.faults, "fault that loses data", "faults that lose data"), where+blocks
	case f.lost > 0:
		v.Level, v.Headline, v.Detail = levelLost, plural(f.faults, "fault", "faults")+", "+plural(f.lost, "of which loses", "of which lose")+" data", where+blocks
	case f.faults > 0:
		v.Level, v.Headline, v.Detail = levelFaulty, plural(f.faults, "fault", "faults")+", but nothing is lost", where+blocks
	case f.missing > 0:
		v.Level, v.Headline, v.Detail = levelMissing, plural(f.missing, "shard is missing", "shards are missing"),
			"What is there shows no damage. "+blocks
	case f.shards == 0:
		v.Level, v.Headline, v.Detail = levelEmpty, "No shards were found", "Nothing below the sources looks like a shard."
		if r.Selected {
			v.Headline, v.Detail = "The selection takes no shards", "The sources may hold others."
		}
	default:
		v.Level, v.Headline, v.Detail = levelSound, "No damage found", blocks
	}
	return v
}

// facts lists what was found, worst first. The filters are words of the tables.
func (f *findings) facts() []fact {
	var list []fact
	add := func(n int64, fact fact) {
		if n > 0 {
			list = append(list, fact)
		}
	}
	add(f.lost, fact{levelLost, plural(f.lost, "fault loses data", "faults lose data"), "faults", "loses data"})
	harmless := f.faults - f.lost
	add(harmless, fact{levelFaulty, plural(harmless, "fault loses nothing", "faults lose nothing"), "faults", "loses nothing"})
	add(f.missing, fact{levelMissing, plural(f.missing, "missing shard", "missing shards"), "missing", ""})
	room := " between shards, room for " + plural(f.groups, "shard", "shards")
	add(f.gaps, fact{levelMissing, plural(f.gaps, "hole", "holes") + room, "gaps", ""})
	add(f.conflicts, fact{levelNotice, plural(f.conflicts, "field with several types", "fields with several types"), "conflicts", ""})
	add(f.noMeta, fact{levelNotice, plural(f.noMeta, "volume", "volumes") + " without a metastore that can be read", "", ""})
	add(f.noWAL, fact{levelNotice, plural(f.noWAL, "volume", "volumes") + " without a WAL", "", ""})
	add(f.unlisted, fact{levelInfo, plural(f.unlisted, "shard", "shards") + " that the metastore does not list", "shards", "not in the metastore"})
	add(f.expired, fact{levelInfo, plural(f.expired, "shard", "shards") + " past the policy's duration", "shards", "past its duration"})
	add(f.leftOut, fact{levelInfo, plural(f.leftOut, "path left out", "paths left out"), "leftout", ""})
	return list
}
