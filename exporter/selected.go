// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"errors"
	"fmt"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// Selected gives the shards of cat that an export with sel reads, in the order of cat.
func Selected(cat *volume.Catalog, sel *filter.Selection) []*volume.Shard {
	var out []*volume.Shard
	for _, sh := range cat.Shards {
		if sel.Takes(sh.Database, sh.Policy, sh.ID) && inWindow(sh, sel) {
			out = append(out, sh)
		}
	}
	return out
}

// inWindow reports whether a shard's group can have a part in the window, as a query
// decides it; without a metastore any can.
func inWindow(sh *volume.Shard, sel *filter.Selection) bool {
	for _, r := range sh.Replicas {
		if r.Volume == nil || r.Volume.Meta == nil {
			return true
		}
		ref, ok := r.Volume.Meta.Shard(sh.ID)
		if !ok || ref.Group == nil || ref.Group.Range().Overlaps(sel.Window()) {
			return true
		}
	}
	return false
}

// Sources gives the replicas of a shard as the reader takes them.
func Sources(sh *volume.Shard) []tsmreader.Source {
	out := make([]tsmreader.Source, len(sh.Replicas))
	for i, r := range sh.Replicas {
		out[i] = tsmreader.Source{DataDir: r.DataDir, WALDir: r.WALDir, TSMFile: r.TSMFile}
	}
	return out
}

// ReaderOptions gives what the reader has to know to read a shard as an export does.
func ReaderOptions(o *Options) tsmreader.Options {
	sel := o.Selection
	r := tsmreader.Options{
		Window: sel.Window(), Memory: o.Memory, Salvage: o.Salvage, Parallel: o.Workers, ByColumn: o.Format.OneField,
	}
	if sel.HasSeriesFilter() {
		r.TakeSeries = sel.Series
	}
	if sel.HasFieldFilter() {
		r.TakeField = sel.Field
	}
	return r
}

// OfCatalog gives what is wrong with the sources as a whole, before a shard is opened, and
// what was left out of those that sel takes.
func OfCatalog(cat *volume.Catalog, sel *filter.Selection) (faults []Fault, left []LeftOut) {
	for _, u := range cat.Unreadable {
		if !mayTake(sel, &u) {
			continue
		}
		lost := lostBelow
		if u.WAL {
			lost = lostWALBelow
		}
		faults = append(faults, Fault{File: u.Path, Offset: -1, Part: "source", Lost: true, Reason: lost + ": " + u.Err.Error()})
	}
	for _, err := range cat.MetaErrors {
		faults = append(faults, metaFault(err))
	}
	for _, l := range cat.LeftOut {
		if l.Database == "" || sel.Takes(l.Database, l.Policy, l.ID) {
			left = append(left, LeftOut{Path: l.Path, Reason: l.Reason.String() + ": " + l.Detail})
		}
	}
	return faults, left
}

// mayTake reports whether something in a directory is selected, by the names that lead to it.
func mayTake(sel *filter.Selection, u *volume.Unreadable) bool {
	switch {
	case u.ID != 0:
		return sel.Takes(u.Database, u.Policy, u.ID)
	case u.Policy != "":
		return sel.Database(u.Database) && sel.Policy(u.Policy)
	}
	return u.Database == "" || sel.Database(u.Database)
}

// What is lost with a directory that cannot be looked into.
const (
	lostBelow    = "shards in it are not taken, but for what a WAL elsewhere holds of them"
	lostWALBelow = "the WAL of shards in it is not taken, so that values may be missing, or older than they should be"
)

// metaFault says where a metastore is damaged, as far as that is known.
func metaFault(err error) Fault {
	f := Fault{Offset: -1, Part: "metastore", Reason: err.Error()}
	if at, ok := errors.AsType[*volume.MetaError](err); ok {
		f.File = at.Path
	}
	if bad, ok := errors.AsType[*meta.CorruptError](err); ok {
		f.Offset, f.Reason = int64(bad.Offset), fmt.Sprintf("%s: %v", bad.What, bad.Err)
	}
	return f
}

// NotesOf gives what is worth knowing of the sources as a whole, and no fault.
func NotesOf(cat *volume.Catalog, sel *filter.Selection) (notes []string) {
	missing := 0
	for _, m := range cat.Missing {
		if sel.Takes(m.Database, m.Policy, m.ID) {
			missing++
		}
	}
	if missing > 0 {
		notes = append(notes, fmt.Sprintf("%d shards that the metastore lists are not in the sources; in a cluster, other nodes hold them", missing))
	}
	return append(notes, Doubts(cat, sel)...)
}

// Doubts gives what no server leaves, and what nobody can tell to be damage: shards of which
// a volume has only one of the two directories, and those that the metastore knows elsewhere.
func Doubts(cat *volume.Catalog, sel *filter.Selection) (notes []string) {
	var noData, noWAL, elsewhere some
	for _, sh := range Selected(cat, sel) {
		for i := range sh.Replicas {
			switch r := &sh.Replicas[i]; {
			case r.TSMFile != "" || r.Volume.DataDir == "" || r.Volume.WALDir == "":
			case r.DataDir == "":
				noData.add(sh.ID, sh.Database, sh.Policy)
			case r.WALDir == "":
				noWAL.add(sh.ID, sh.Database, sh.Policy)
			}
		}
	}
	for _, l := range cat.LeftOut {
		if l.Reason == volume.Elsewhere && sel.Takes(l.Database, l.Policy, l.ID) {
			elsewhere.add(l.ID, l.Database, l.Policy)
		}
	}
	tell := func(s *some, what string) {
		if s.n > 0 {
			notes = append(notes, s.String()+": "+what)
		}
	}
	tell(&noData, "there is a WAL and no data directory, though a server makes both; what was flushed to TSM files may be missing")
	tell(&noWAL, "there is a data directory and none of a WAL, though a server makes both; what was not flushed yet may be missing")
	tell(&elsewhere, "left out, since the metastore lists them in another database or policy; it may be damaged, or directories were renamed")
	return notes
}

// some are shards, of which the first is named.
type some struct {
	n     int
	first string
}

func (s *some) add(id uint64, database, policy string) {
	if s.n++; s.n == 1 {
		s.first = fmt.Sprintf("shard %d of %s.%s", id, database, policy)
	}
}

// String names the first, and counts the others.
func (s *some) String() string {
	if s.n == 1 {
		return s.first
	}
	return fmt.Sprintf("%s and %d more", s.first, s.n-1)
}
