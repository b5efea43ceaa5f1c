// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/inspector"
)

// sampleReport has something for every part of the output.
func sampleReport() *inspector.Report {
	exact := func(n int64) inspector.Amount { return inspector.Amount{N: n, Exact: true} }
	about := func(n int64) inspector.Amount { return inspector.Amount{N: n} }
	shard := func(id uint64, from, to float64, edit func(s *inspector.Shard)) inspector.Shard {
		s := shardOf(id, from, to)
		s.Replicas = []string{"/mnt/snapshot/data/telegraf/two_weeks/1"}
		s.Stats.Series, s.Stats.Columns, s.Stats.Points, s.Stats.Values = exact(15), 30, about(4032), about(8064)
		s.Stats.Bytes, s.Stats.TSMBytes, s.Stats.Generations, s.Stats.Blocks = 61_234, 61_000, 1, 30
		edit(&s)
		return s
	}
	twoWeeks := inspector.Policy{
		Name: "two_weeks", Default: true, Listed: true, Duration: "14d", ShardDuration: "1d", Replication: 1,
		Shards: []inspector.Shard{
			shard(1, 0, 1, func(s *inspector.Shard) {
				s.Stats.TSMFiles, s.Stats.Generations, s.Stats.Overlapping, s.Stats.Tombstones, s.Stats.Deletes = 3, 3, 2, 1, 12
				s.Expired = true
			}),
			shard(2, 1, 2, func(s *inspector.Shard) {
				s.Stats.Faults, s.Stats.Lost, s.Replicas = 2, 1, append(s.Replicas, "/mnt/node2/data/x")
			}),
			shard(4, 4, 5, func(s *inspector.Shard) {
				s.Stats.TSMFiles, s.Stats.TSMBytes, s.Stats.WALSegments, s.Stats.WALBytes, s.Stats.WALValues = 0, 0, 2, 1_048_576, 900
				s.Unlisted = true
			}),
		},
		Gaps: []inspector.Gap{{Start: day(2), End: day(4), Groups: 2, Missing: 1}},
		Measurements: []inspector.Measurement{
			{
				Name: "cpu", Start: day(0), End: at(dayNano(4.5) + 5), Shards: 3, Series: exact(10), Columns: 60, Bytes: 40_000,
				Fields: []inspector.Field{
					{Name: "usage_system", Kinds: []string{"float"}, Columns: 30, Start: day(0), End: day(4.5)},
					{Name: "usage_user", Kinds: []string{"float", "integer"}, Columns: 30, Start: day(0), End: day(4.5)},
				},
				Tags: []inspector.Tag{{Key: "host", Values: exact(5)}, {Key: "region", Values: about(2)}},
			},
			{Name: "disk\x1b[31m", Start: day(0), End: day(1), Shards: 1, Series: about(5), Columns: 30, Bytes: 21_000},
		},
	}
	twoWeeks.Stats = inspector.Stats{
		Start: day(0), End: at(dayNano(5) - 1), Shards: 3, Series: about(15), Columns: 90, Points: about(12_096), Values: about(24_192),
		Bytes: 1_231_234, TSMFiles: 4, TSMBytes: 122_000, Generations: 4, Blocks: 90, Overlapping: 2, Tombstones: 1, Deletes: 12,
		WALSegments: 2, WALBytes: 1_048_576, WALValues: 900, Faults: 2, Lost: 1,
	}
	guessed := inspector.Policy{
		Name: "autogen", ShardDuration: "7d", Guessed: true,
		Shards: []inspector.Shard{shard(12, 0, 7, func(*inspector.Shard) {})},
	}
	guessed.Stats = guessed.Shards[0].Stats
	r := &inspector.Report{
		Volumes: []inspector.Volume{
			{Source: "/mnt/snapshot", DataDir: "/mnt/snapshot/data", WALDir: "/mnt/snapshot/wal", Meta: "/mnt/snapshot/meta/meta.db", Sound: true},
			{Source: "/mnt/node2", DataDir: "/mnt/node2/data"},
			{Source: "/mnt/node3", WALDir: "/mnt/node3/wal", Meta: "/mnt/node3/meta/meta.db"},
			{Source: "x.tsm"},
		},
		Totals: inspector.Stats{Shards: 4, Series: about(30), Columns: 120, Points: about(16_128), Values: about(32_256), Bytes: 1_292_468, TSMFiles: 5, Faults: 2, Lost: 1},
		Databases: []inspector.Database{
			{Name: "telegraf", DefaultPolicy: "two_weeks", Policies: []inspector.Policy{twoWeeks, {Name: "empty", Listed: true, Duration: "INF", ShardDuration: "7d", Replication: 1}}},
			{Name: "wörld\n", Policies: []inspector.Policy{guessed}},
		},
		Missing: []inspector.MissingShard{{Database: "telegraf", Policy: "two_weeks", ID: 3, Start: day(2), End: day(3), Owners: []uint64{2, 5}}},
		LeftOut: []exporter.LeftOut{{Path: "/x", Reason: "deleted: the metastore has its shard group as deleted"}, {Path: "/y", Reason: "foreign"}},
		Conflicts: []inspector.Conflict{{
			Database: "telegraf", Policy: "two_weeks", Measurement: "cpu", Field: "usage_user",
			Kinds: []inspector.ConflictKind{
				{Kind: "float", Columns: 20, Shards: []uint64{1, 2}, Start: day(0), End: day(2)},
				{Kind: "integer", Columns: 10, Shards: []uint64{4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, Start: day(4), End: day(4.5)},
			},
		}},
		Estimate: &inspector.Estimate{
			Points: 16_128, Values: 32_256, TextBytes: 48_000_000, GzipBytes: 1_200_000, ZstdBytes: 900_000,
			TextSeconds: 0.25, GzipSeconds: 1.5, ZstdSeconds: 75, Workers: 2, SampleBytes: 20_000, AllBytes: 182_000,
			FreePath: "/backup", FreeBytes: 20_000_000,
		},
		Faults: []exporter.Fault{
			{Database: "telegraf", Policy: "two_weeks", Shard: 2, File: "/mnt/snapshot/x.tsm", Offset: 5, Part: "block", Lost: true, Reason: "checksum does not match"},
			{Database: "telegraf", Policy: "two_weeks", Shard: 2, File: "/mnt/snapshot/_00001.wal", Offset: 9, Part: "wal", Reason: salvageable},
		},
	}
	r.Databases[0].Stats, r.Databases[1].Stats = twoWeeks.Stats, guessed.Stats
	return r
}

// What people see, in the widths of a file, a wide terminal and a narrow one. UPDATE_GOLDEN=1
// writes the files anew.
func TestReport(t *testing.T) {
	source := sourceFlags{Sources: []string{"/mnt/snapshot", "/mnt/node2", "it's"}}
	for name, c := range map[string]struct {
		cmd   inspectCmd
		width int
	}{
		"plain":        {inspectCmd{sourceFlags: source}, 0},
		"timeline":     {inspectCmd{sourceFlags: source, showFlags: showFlags{Timeline: "on"}}, 0},
		"wide":         {inspectCmd{sourceFlags: source, showFlags: showFlags{Shards: true}}, 140},
		"narrow":       {inspectCmd{sourceFlags: source, showFlags: showFlags{Shards: true, Measurements: true}}, 80},
		"measurements": {inspectCmd{sourceFlags: source, showFlags: showFlags{Measurements: true, Timeline: "off"}}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			p := &paper{w: &b, width: c.width, unicode: true}
			p.report(&c.cmd, sampleReport())
			if p.err != nil {
				t.Fatal(p.err)
			}
			for line := range strings.Lines(b.String()) {
				command := strings.Contains(line, "shardlift ") // which is to be copied whole
				if n := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); c.width > 0 && n > c.width && !command {
					t.Errorf("%d cells wide: %s", n, line)
				}
				if strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\x1b\r\n\t") || strings.HasSuffix(line, " \n") {
					t.Errorf("not fit for a terminal: %q", line)
				}
			}
			golden(t, filepath.Join("testdata", "report", name+".txt"), b.String())
		})
	}
}

// On the screen of a telephone what is no table goes on in the next line by itself, and
// tables fit.
func TestReportOnSmallScreens(t *testing.T) {
	for _, width := range []int{40, 50, 60} {
		var b strings.Builder
		p := &paper{w: &b, width: width, unicode: true}
		r := sampleReport()
		p.contents(r)
		p.health(r)
		p.shards(r)
		p.holes(r)
		p.measurements(r)
		p.cardinality(r)
		p.conflicts(r.Conflicts, 0)
		if p.err != nil {
			t.Fatal(p.err)
		}
		for line := range strings.Lines(b.String()) {
			table := strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "  and ")
			if n := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); table && n > width {
				t.Errorf("%d cells wide at a width of %d: %s", n, width, line)
			}
		}
		golden(t, filepath.Join("testdata", "report", fmt.Sprintf("%d.txt", width)), b.String())
	}
}

// golden compares a text with a file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got)\n%s", path, diff)
	}
}
