// SPDX-License-Identifier: Apache-2.0

package page

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/inspector"
)

// holding gives a report with one shard.
func holding(change func(r *inspector.Report, s *inspector.Shard)) *inspector.Report {
	r := &inspector.Report{
		Deep:    true,
		Volumes: []inspector.Volume{{Source: "/v", DataDir: "/v/data", WALDir: "/v/wal", Meta: "/v/meta/meta.db", Sound: true}},
		Databases: []inspector.Database{{Name: "d", Policies: []inspector.Policy{{
			Name: "p", Shards: []inspector.Shard{{ID: 1}},
		}}}},
	}
	change(r, &r.Databases[0].Policies[0].Shards[0])
	return r
}

func TestVerdict(t *testing.T) {
	tests := map[string]struct {
		change func(r *inspector.Report, s *inspector.Shard)
		want   verdict
	}{
		"sound": {
			func(*inspector.Report, *inspector.Shard) {},
			verdict{Level: "sound", Headline: "No damage found", Detail: "All blocks were read."},
		},
		"lost": {
			func(r *inspector.Report, s *inspector.Shard) {
				r.Faults = []exporter.Fault{{Lost: true}}
				s.Stats.Faults = 1
			},
			verdict{
				Level: "lost", Headline: "1 fault that loses data", Detail: "In 1 of 1 shard. All blocks were read.",
				Facts: []fact{{"lost", "1 fault loses data", "faults", "loses data"}},
			},
		},
		"some lost": {
			func(r *inspector.Report, _ *inspector.Shard) { r.Faults = []exporter.Fault{{Lost: true}, {}, {}} },
			verdict{
				Level: "lost", Headline: "3 faults, 1 of which loses data", Detail: "All blocks were read.",
				Facts: []fact{{"lost", "1 fault loses data", "faults", "loses data"}, {"faulty", "2 faults lose nothing", "faults", "loses nothing"}},
			},
		},
		"more than are listed": {
			func(r *inspector.Report, _ *inspector.Shard) {
				r.Faults, r.Totals.Faults, r.Totals.Lost = []exporter.Fault{{}}, 2000, 1500
			},
			verdict{
				Level: "lost", Headline: "2,000 faults, 1,500 of which lose data", Detail: "All blocks were read.",
				Facts: []fact{{"lost", "1,500 faults lose data", "faults", "loses data"}, {"faulty", "500 faults lose nothing", "faults", "loses nothing"}},
			},
		},
		"nothing lost": {
			func(r *inspector.Report, _ *inspector.Shard) { r.Faults = []exporter.Fault{{}} },
			verdict{
				Level: "faulty", Headline: "1 fault, but nothing is lost", Detail: "All blocks were read.",
				Facts: []fact{{"faulty", "1 fault loses nothing", "faults", "loses nothing"}},
			},
		},
		"missing, with a hole": {
			func(r *inspector.Report, _ *inspector.Shard) {
				r.Missing = make([]inspector.MissingShard, 2)
				r.Databases[0].Policies[0].Gaps = []inspector.Gap{{Groups: 3, Missing: 2}}
			},
			verdict{
				Level: "missing", Headline: "2 shards are missing", Detail: "What is there shows no damage. All blocks were read.",
				Facts: []fact{{"missing", "2 missing shards", "missing", ""}, {"missing", "1 hole between shards, room for 3 shards", "gaps", ""}},
			},
		},
		"notices": {
			func(r *inspector.Report, s *inspector.Shard) {
				r.Deep, s.Expired, s.Unlisted = false, true, true
				r.Conflicts = make([]inspector.Conflict, 1)
				r.LeftOut = make([]exporter.LeftOut, 1)
				r.Volumes = append(r.Volumes, inspector.Volume{DataDir: "/w/data"}, inspector.Volume{Source: "a.tsm"})
			},
			verdict{
				Level: "sound", Headline: "No damage found",
				Detail: "Indexes, tombstones and the WAL were read, and a sample of the blocks; shardlift verify checks all of them.",
				Facts: []fact{
					{"notice", "1 field with several types", "conflicts", ""},
					{"notice", "1 volume without a metastore that can be read", "", ""},
					{"notice", "1 volume without a WAL", "", ""},
					{"info", "1 shard that the metastore does not list", "shards", "not in the metastore"},
					{"info", "1 shard past the policy's duration", "shards", "past its duration"},
					{"info", "1 path left out", "leftout", ""},
				},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, judge(holding(tt.change))); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSources(t *testing.T) {
	got := sources([]inspector.Volume{
		{Source: "/v", DataDir: "/v/data", WALDir: "/elsewhere/wal", Meta: "/v/meta/meta.db", Sound: true},
		{Source: "/w/x.tsm", Meta: "/w/meta.db"},
	})
	want := []source{
		{"/v", []part{{"data", "data", false}, {"WAL", "/elsewhere/wal", false}, {"metastore", "meta/meta.db", false}}},
		{"/w/x.tsm", []part{{"data", "none", true}, {"WAL", "none", true}, {"metastore", "/w/meta.db cannot be read", true}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	for n, want := range []string{"no source", "/v", "/v and /w", "/v and 2 more"} {
		volumes := []inspector.Volume{{Source: "/v"}, {Source: "/w"}, {Source: "/x"}}[:n]
		if got := heading(volumes); got != want {
			t.Errorf("%d sources: %q", n, got)
		}
	}
}
