// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/shardlift/shardlift/internal/influxdtest"
)

// Where most of the points lie: a Monday at 00:00 UTC, where 7 day shards begin.
var monday = time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC).UnixNano()

const (
	second = int64(time.Second)
	day    = 24 * int64(time.Hour)
	week   = 7 * day
)

// recordings are all volumes, in the order of PROVENANCE.md.
var recordings = []recording{
	{
		name: "demo",
		about: "What `make demo` exports: cpu, memory and disk of five hosts over two days, every five minutes. Three overlapping " +
			"generations in one-day shards, a deleted hour, a decommissioned host, and the last hours in the WAL only.",
		steps: recordDemo,
		needs: map[string]int{"data/telegraf/two_weeks/*/*.tsm": 4, "data/*/*/*/*.tombstone": 1, "wal/*/*/*/_*.wal": 2},
	},
	{
		name: "types",
		opts: influxdtest.Options{Index: "tsi1"},
		about: "Floats, integers, booleans and strings with their extreme values and in the shapes that the encoders treat apart " +
			"(constant, steady, small steps, random), over several blocks, with steady, jittery and very sparse times.",
		steps: recordTypes,
		needs: map[string]int{"data/*/*/*/*.tsm": 2},
	},
	{
		name: "generations",
		about: "Six generations of one shard that overlap, with restarts between: overwrites, late and out-of-order points, repeats in one " +
			"request, new fields at old times, blocks that interleave, and more of it in the WAL.",
		steps: recordGenerations,
		needs: map[string]int{"data/gen/autogen/*/*.tsm": 6, "wal/gen/autogen/*/_*.wal": 1},
	},
	{
		name:  "compacted",
		opts:  influxdtest.Options{Index: "tsi1"},
		about: "A shard that was compacted fully (sequence 2), then written over by two more generations and the WAL.",
		steps: recordCompacted,
		needs: map[string]int{"data/*/*/*/*-000000002.tsm": 1, "data/*/*/*/*-000000001.tsm": 2},
	},
	{
		name: "deletes",
		about: "Deletes by series, tag, time range, tag and time, and measurement, in the cache before a flush and on TSM files after it, in two shards; " +
			"writes after deletes, one with another type; deletes of what was written after a delete; tombstones and WAL deletes still there.",
		steps:      recordDeletes,
		needs:      map[string]int{"data/*/*/*/*.tombstone": 3, "data/*/*/*/*.tsm": 4},
		walDeletes: 2,
	},
	{
		name:       "wal-only",
		opts:       influxdtest.Options{Index: "tsi1"},
		about:      "No TSM file at all: writes, overwrites, every kind of delete, and writes after them, in the WAL of two shards.",
		steps:      recordWALOnly,
		needs:      map[string]int{"wal/*/*/*/_*.wal": 2},
		walDeletes: 4,
	},
	{
		name:    "names",
		archive: true,
		about: "Database names with colon, dots, blanks, quotes and letters outside ASCII; policies likewise; measurements, tags and fields with every " +
			"character that line protocol escapes, with backslashes that it does not, and with line feeds; strings with every byte, over several lines, " +
			"with lines that look like comments, headers and points. Half in TSM, half in the WAL.",
		steps: recordNames,
		needs: map[string]int{"data/*/*/*/*.tsm": 4, "data/a:b": 1},
	},
	{
		name: "edges",
		about: "Points at both ends of the time range, around 1970, and at the first and last nanosecond of shards of one hour, one day, one week and " +
			"of a policy with shards of 190 years, whose times are too far apart for any packing.",
		steps: recordEdges,
		needs: map[string]int{"data/*/*/*/*.tsm": 10},
	},
	{
		name: "policies",
		about: "Three databases and _internal: finite and infinite policies with shard durations of their own, one that is expired but not yet enforced, defaults other than " +
			"autogen, a database without shards, continuous queries, users with grants, subscriptions.",
		steps: recordPolicies,
		needs: map[string]int{"data/*/*/*": 6, "data/_internal/monitor/*": 1},
	},
	{
		name:  "mixed-types",
		about: "One field with four types, each in a shard of its own, and a fifth shard with the first type again; a tag with the name of a field.",
		steps: recordMixedTypes,
		needs: map[string]int{"data/*/*/*/*.tsm": 5},
	},
	{
		name: "dropped",
		about: "data and wal as they were before DROP SHARD, DROP RETENTION POLICY and DROP DATABASE, meta as it was after: directories of a deleted group " +
			"and of shards that the metastore does not list any more, which the server does not show.",
		steps: recordDropped,
		needs: map[string]int{"data/drop/autogen/*": 3, "data/drop/old/*": 1, "data/gone/autogen/*": 1},
	},
	{
		name: "crash-backup",
		opts: influxdtest.Options{Index: "tsi1"},
		about: "Killed with SIGKILL in the middle of a backup: its directory of hard links is left behind, beside TSM files, tombstones and a WAL. " +
			"The answers are those of the restarted server.",
		steps: recordBackupCrash,
		needs: map[string]int{"data/*/*/*/*.tmp/*.tsm": 1, "data/*/*/*/*.tombstone": 1, "data/*/*/*/*.tsm": 3, "wal/*/*/*/_*.wal": 2},
	},
	{
		name: "crash-flush",
		about: "Killed with SIGKILL while the cache was written out: an unfinished .tsm.tmp, and everything that it was to hold still in the WAL. " +
			"The answers are those of the restarted server.",
		steps: recordFlushCrash,
		needs: map[string]int{"data/*/*/*/*.tsm.tmp": 1, "data/*/*/*/*.tsm": 1, "wal/*/*/*/_*.wal": 1},
	},
}

// points collects line protocol.
type points struct{ strings.Builder }

// add appends one point with time in nanoseconds.
func (p *points) add(at int64, format string, args ...any) {
	p.WriteString(fmt.Sprintf(format, args...) + fmt.Sprintf(" %d\n", at))
}

// take gives what was collected and starts anew.
func (p *points) take() string {
	s := p.String()
	p.Reset()
	return s
}

// random is the same sequence in every recording.
func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
