// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"iter"

	"github.com/shardlift/shardlift/exporter"
)

// Report is what sources hold. It is what `inspect --json` prints: fields are added, never
// renamed or removed (docs/cli.md). Times are RFC 3339 with all their digits, "" where there
// is none. Lists are in the order of the catalog, or largest first where that is said.
type Report struct {
	Selected  bool       `json:"selected"` // a selection left something out: counts are of what it takes
	Deep      bool       `json:"deep"`     // all blocks were read: points and values are exact
	Volumes   []Volume   `json:"volumes"`
	Totals    Stats      `json:"totals"`
	Databases []Database `json:"databases"`
	// Missing are shards that a metastore lists in groups that are not deleted, and that no
	// source has.
	Missing []MissingShard `json:"missing"`
	// Left out are shards that a server would not show, and files that are no data.
	LeftOut   []exporter.LeftOut `json:"leftOut"`
	Conflicts []Conflict         `json:"conflicts"`
	Estimate  *Estimate          `json:"estimate,omitempty"` // nil: there is nothing to export
	Faults    []exporter.Fault   `json:"faults"`
	Notes     []string           `json:"notes"`
	Seconds   float64            `json:"seconds"` // that it took
}

// EachPolicy gives all policies, each with its database. They are those of the report.
func (r *Report) EachPolicy() iter.Seq2[*Database, *Policy] {
	return func(yield func(*Database, *Policy) bool) {
		for i := range r.Databases {
			db := &r.Databases[i]
			for j := range db.Policies {
				if !yield(db, &db.Policies[j]) {
					return
				}
			}
		}
	}
}

// Volume is one source as it was found.
type Volume struct {
	Source  string `json:"source"`
	DataDir string `json:"dataDir,omitempty"`
	WALDir  string `json:"walDir,omitempty"`   // "": there is none
	Meta    string `json:"metaFile,omitempty"` // "": there is none
	Sound   bool   `json:"metaRead"`           // the metastore could be read
}

// Amount is a number, which may be an estimate.
type Amount struct {
	N     int64 `json:"n"`
	Exact bool  `json:"exact"`
}

// Shown gives the number for people: of an estimate three digits, for it is not good for more.
func (a Amount) Shown() int64 {
	if a.Exact {
		return a.N
	}
	unit := int64(1)
	for a.N/unit >= 1000 {
		unit *= 10
	}
	n, rest := a.N/unit, a.N%unit
	if rest >= unit-rest {
		n++
	}
	return n * unit
}

// Stats say how much there is of something.
type Stats struct {
	Start  string `json:"start,omitempty"` // first and last time, as indexes and WAL say
	End    string `json:"end,omitempty"`
	Shards int    `json:"shards"`
	Series Amount `json:"series"` // distinct ones
	// Columns counts fields of series, in each shard anew.
	Columns int64  `json:"columns"`
	Points  Amount `json:"points"` // that an export writes
	Values  Amount `json:"values"` // likewise

	Bytes       int64 `json:"bytes"` // of TSM files, tombstones and WAL segments
	TSMFiles    int   `json:"tsmFiles"`
	TSMBytes    int64 `json:"tsmBytes"`
	Generations int   `json:"generations"`
	Blocks      int64 `json:"blocks"`
	// Overlapping counts TSM files that have times of a column which another file of the
	// shard has, too: overwritten points, or points that came late.
	Overlapping int `json:"overlappingFiles"`
	// Tombstones counts files with deletes, Deletes what they delete: a column's stretch
	// of time each.
	Tombstones  int   `json:"tombstoneFiles"`
	Deletes     int64 `json:"deletes"`
	WALSegments int   `json:"walSegments"`
	WALBytes    int64 `json:"walBytes"`
	WALValues   int64 `json:"walValues"` // that WAL deletes left, overwritten ones once

	Faults int `json:"faults"` // about it
	Lost   int `json:"lost"`   // faults that lost something
}

// Database is one database.
type Database struct {
	Name          string   `json:"name"`
	DefaultPolicy string   `json:"defaultPolicy,omitempty"`
	Stats         Stats    `json:"stats"`
	Policies      []Policy `json:"policies"`
}

// Policy is one retention policy. Durations are as InfluxQL writes them, "" where there is
// no metastore to tell.
type Policy struct {
	Name     string `json:"name"`
	Default  bool   `json:"default"`
	Listed   bool   `json:"listed"` // by a metastore
	Duration string `json:"duration,omitempty"`
	// ShardDuration is the metastore's word, or, with Guessed, what the shards look like.
	ShardDuration string  `json:"shardDuration,omitempty"`
	Guessed       bool    `json:"shardDurationGuessed"`
	Replication   uint32  `json:"replication,omitempty"`
	Stats         Stats   `json:"stats"`
	Shards        []Shard `json:"shards"` // by start
	// Gaps are stretches between the first and the last shard for which there is none.
	Gaps []Gap `json:"gaps"`
	// Measurements are those with the most series first.
	Measurements []Measurement `json:"measurements"`
}

// Shard is one shard with all its copies.
type Shard struct {
	ID       uint64   `json:"id"`
	Replicas []string `json:"replicas"` // paths
	// The shard group, as a metastore or a guess has it; the end is exclusive.
	GroupStart string `json:"groupStart,omitempty"`
	GroupEnd   string `json:"groupEnd,omitempty"`
	// Unlisted: taken though the metastore does not list it (--orphans), or lists it as deleted.
	Unlisted bool `json:"unlisted"`
	// Expired: the policy's duration has passed since the group's end.
	Expired bool  `json:"expired"`
	NoWAL   bool  `json:"noWal"` // no copy has a WAL directory
	Stats   Stats `json:"stats"`
}

// Gap is a hole in a policy's shards; the end is exclusive.
type Gap struct {
	Start  string `json:"start"`
	End    string `json:"end"`
	Groups int    `json:"groups"` // shard groups that would fit in
	// Missing counts shards that the metastore lists there, and that no source has.
	Missing int `json:"missing"`
}

// MissingShard is a shard that only the metastore knows.
type MissingShard struct {
	Database string   `json:"database"`
	Policy   string   `json:"policy"`
	ID       uint64   `json:"id"`
	Start    string   `json:"start"`
	End      string   `json:"end"`
	Owners   []uint64 `json:"owners,omitempty"` // nodes of the cluster
}

// Measurement is one measurement of a policy. Names are as a person would type them.
type Measurement struct {
	Name    string  `json:"name"`
	Start   string  `json:"start,omitempty"`
	End     string  `json:"end,omitempty"`
	Shards  int     `json:"shards"`
	Series  Amount  `json:"series"`
	Columns int64   `json:"columns"`
	Bytes   int64   `json:"bytes"`  // of blocks
	Fields  []Field `json:"fields"` // by name
	Tags    []Tag   `json:"tags"`   // those with the most values first
}

// Field is one field of a measurement.
type Field struct {
	Name string `json:"name"`
	// Kinds are what its values are: float, integer, unsigned, boolean, string; more than
	// one is a conflict.
	Kinds   []string `json:"kinds"`
	Columns int64    `json:"columns"`
	Start   string   `json:"start,omitempty"`
	End     string   `json:"end,omitempty"`
}

// Tag is one tag key of a measurement.
type Tag struct {
	Key    string `json:"key"`
	Values Amount `json:"values"` // distinct ones
}

// Conflict is a field that has different types in different shards of one policy, which
// an import into shards of another length trips over.
type Conflict struct {
	Database    string         `json:"database"`
	Policy      string         `json:"policy"`
	Measurement string         `json:"measurement"`
	Field       string         `json:"field"`
	Kinds       []ConflictKind `json:"kinds"`
}

// ConflictKind is one of the types of a field, and where it is found.
type ConflictKind struct {
	Kind    string   `json:"kind"`
	Columns int64    `json:"columns"`
	Shards  []uint64 `json:"shards"` // by start
	Start   string   `json:"start"`
	End     string   `json:"end"`
}

// Estimate is what an export of the selection would take, measured on a sample of it.
type Estimate struct {
	Points    int64 `json:"points"`
	Values    int64 `json:"values"`
	TextBytes int64 `json:"textBytes"`
	GzipBytes int64 `json:"gzipBytes"`
	ZstdBytes int64 `json:"zstdBytes"`
	// Seconds that an export takes that is not held up by the disk, with Workers workers.
	TextSeconds float64 `json:"textSeconds"`
	GzipSeconds float64 `json:"gzipSeconds"`
	ZstdSeconds float64 `json:"zstdSeconds"`
	Workers     int     `json:"workers"`
	// SampleBytes of blocks and WAL values were measured, of AllBytes.
	SampleBytes int64 `json:"sampleBytes"`
	AllBytes    int64 `json:"allBytes"`
	// FreeBytes are free at FreePath; -1: not known.
	FreePath  string `json:"freePath"`
	FreeBytes int64  `json:"freeBytes"`
}
