// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"fmt"

	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// OutOfGroup reports the TSM files of an open shard, and its WAL, that hold times its group
// is not for: a server never writes any, so that they may be of another shard. An export
// takes them all the same, which is why it does not ask. wal is the window of the WAL's
// values; path is where they lie. A group of nil is not known.
func OutOfGroup(sh *volume.Shard, group *meta.ShardGroup, open *tsmreader.Shard, wal point.TimeRange, path string) (faults []Fault) {
	if group == nil {
		return nil
	}
	span := group.Range() // a truncated group keeps what it had, and groups may overlap
	check := func(path, part string, times point.TimeRange) {
		if times.Empty() || times.Min >= span.Min && times.Max <= span.Max {
			return
		}
		f := Fault{
			Database: sh.Database, Policy: sh.Policy, Shard: sh.ID, File: path, Offset: -1, Part: part,
			Reason: fmt.Sprintf("holds times outside of its shard group, which is from %s to %s: "+
				"it may belong to another shard; a query finds them only if it asks for times of the group, too", point.FormatTime(span.Min), point.FormatTime(span.Max)),
		}
		f.Start, f.End = times.Texts()
		faults = append(faults, f)
	}
	for _, f := range open.TSMFiles() {
		check(f.Path, "shard", f.Range)
	}
	check(path, "wal", wal)
	return faults
}
