// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/inspector"
)

// Days are how many shards each policy of Years has room for.
const Days = 1095

const day = 24 * time.Hour

var first = time.Date(2023, 3, 1, 0, 0, 0, 0, time.UTC)

// policyPlan says what a policy of Years is like.
type policyPlan struct {
	database, policy string
	keep             string
	bytes            int64 // of a shard
	from, to         int   // days
	holes            [][2]int
	missing          []int // days within holes that the metastore lists
	lost, faulty     []int
	expired          int // days from the start
	measurements     []inspector.Measurement
}

var plans = []policyPlan{
	{
		database: "telegraf", policy: "autogen", keep: "0s", bytes: 29_400_000, to: Days,
		holes: [][2]int{{188, 197}, {702, 704}}, missing: []int{702, 703}, lost: []int{441, 655, 656, 1011}, faulty: []int{320, 890},
		measurements: hosts,
	},
	{
		database: "telegraf", policy: "rollup_5m", keep: "17520h0m0s", bytes: 1_900_000, to: Days, expired: 355,
		lost: []int{655}, measurements: rollups,
	},
	{
		database: "sensors", policy: "raw", keep: "26280h0m0s", bytes: 11_700_000, from: 0, to: Days,
		holes: [][2]int{{301, 302}, {515, 533}}, missing: []int{301}, faulty: []int{77}, lost: []int{966}, measurements: devices,
	},
}

// Years gives the report of three years of daily shards in three policies, with holes,
// missing shards, damage and fields of several types.
func Years() *inspector.Report {
	r := &inspector.Report{
		Volumes: []inspector.Volume{{
			Source: "/mnt/snap-2026-03-01/influxdb", DataDir: "/mnt/snap-2026-03-01/influxdb/data",
			WALDir: "/mnt/snap-2026-03-01/influxdb/wal", Meta: "/mnt/snap-2026-03-01/influxdb/meta/meta.db", Sound: true,
		}},
		LeftOut: []exporter.LeftOut{
			{Path: "/mnt/snap-2026-03-01/influxdb/data/telegraf/autogen/1042/000000009-000000003.tsm.tmp", Reason: "unfinished file"},
			{Path: "/mnt/snap-2026-03-01/influxdb/data/scratch/autogen/12", Reason: "the metastore lists it as deleted"},
		},
		Seconds: 0.41,
	}
	rng := newRand()
	ids := map[string]uint64{"autogen": 1, "rollup_5m": 2001, "raw": 4001}
	for _, p := range plans {
		fill(r, p, ids[p.policy], rng)
	}
	r.Conflicts = conflicts(r)
	r.Totals = total(r)
	r.Estimate = &inspector.Estimate{
		Points: r.Totals.Points.N, Values: r.Totals.Values.N,
		TextBytes: 3_410_000_000_000, GzipBytes: 182_000_000_000, ZstdBytes: 139_000_000_000,
		TextSeconds: 9_100, GzipSeconds: 21_800, ZstdSeconds: 16_900, Workers: 8,
		SampleBytes: 64_000_000, AllBytes: r.Totals.TSMBytes, FreePath: "/var/tmp", FreeBytes: 512_000_000_000,
	}
	return r
}

func fill(r *inspector.Report, p policyPlan, id uint64, rng *rand.Rand) {
	pol := inspector.Policy{
		Name: p.policy, Default: p.policy != "rollup_5m", Listed: true, Duration: p.keep, ShardDuration: "24h0m0s", Replication: 1,
		Measurements: p.measurements,
	}
	for d := p.from; d < p.to; d++ {
		id++
		if hole := holeAt(p.holes, d); hole == nil {
			pol.Shards = append(pol.Shards, p.shard(r, id, d, rng))
		} else if in(p.missing, d) {
			r.Missing = append(r.Missing, inspector.MissingShard{
				Database: p.database, Policy: p.policy, ID: id, Start: at(d, 0), End: at(d+1, 0), Owners: []uint64{1},
			})
		}
	}
	for _, h := range p.holes {
		if h[1] >= p.to {
			continue
		}
		g := inspector.Gap{Start: at(h[0], 0), End: at(h[1], 0), Groups: h[1] - h[0]}
		for _, d := range p.missing {
			if d >= h[0] && d < h[1] {
				g.Missing++
			}
		}
		pol.Gaps = append(pol.Gaps, g)
	}
	pol.Stats = sum(shardStats(&pol))
	if n := len(r.Databases); n > 0 && r.Databases[n-1].Name == p.database {
		r.Databases[n-1].Policies = append(r.Databases[n-1].Policies, pol)
	} else {
		r.Databases = append(r.Databases, inspector.Database{Name: p.database, DefaultPolicy: "autogen", Policies: []inspector.Policy{pol}})
	}
	d := &r.Databases[len(r.Databases)-1]
	d.Stats = sum(policyStats(d))
}

// shard gives the shard of day d, growing through the years, smaller at weekends.
func (p *policyPlan) shard(r *inspector.Report, id uint64, d int, rng *rand.Rand) inspector.Shard {
	scale := (0.45 + 0.55*float64(d)/Days) * (0.96 + 0.08*rng.Float64())
	if wd := first.AddDate(0, 0, d).Weekday(); wd == time.Saturday || wd == time.Sunday {
		scale *= 0.87
	}
	size := int64(float64(p.bytes) * scale)
	var series, columns int64
	for _, m := range p.measurements {
		series += m.Series.N
		columns += m.Series.N * int64(len(m.Fields))
	}
	s := inspector.Shard{
		ID:         id,
		Replicas:   []string{fmt.Sprintf("/mnt/snap-2026-03-01/influxdb/data/%s/%s/%d", p.database, p.policy, id)},
		GroupStart: at(d, 0), GroupEnd: at(d+1, 0), Expired: d < p.expired,
		Stats: inspector.Stats{
			Start: at(d, 0), End: at(d, day-10*time.Second), Shards: 1, Series: inspector.Amount{N: series, Exact: true}, Columns: columns,
			Points: inspector.Amount{N: size / 13}, Values: inspector.Amount{N: size * 10 / 13},
			Bytes: size, TSMFiles: 1 + size2files(size), TSMBytes: size, Generations: 1, Blocks: size / 1300,
		},
	}
	p.blemish(&s, d, rng)
	if in(p.lost, d) {
		r.Faults = append(r.Faults, p.fault(&s, d, true))
	}
	if in(p.faulty, d) {
		r.Faults = append(r.Faults, p.fault(&s, d, false))
	}
	return s
}

// blemish gives a shard what shards of that age have: overlapping files, deletes, a WAL.
func (p *policyPlan) blemish(s *inspector.Shard, d int, rng *rand.Rand) {
	st := &s.Stats
	switch {
	case d == p.to-1:
		st.WALSegments, st.WALBytes, st.WALValues = 2, st.Bytes*9/10, st.Values.N/2
		st.Bytes, st.TSMBytes, st.TSMFiles, st.Generations, st.Blocks = st.WALBytes, 0, 0, 0, 0
		st.End = at(d, 13*time.Hour+41*time.Minute+7*time.Second+123456789)
	case d == p.to-2:
		st.WALSegments, st.WALBytes, st.WALValues = 1, st.Bytes/9, st.Values.N/12
		st.Bytes += st.WALBytes
		st.TSMFiles, st.Generations, st.Overlapping = 5, 4, 2
	case rng.IntN(40) == 0:
		st.TSMFiles, st.Generations, st.Overlapping = 3, 2, 2
	case rng.IntN(90) == 0:
		st.Tombstones, st.Deletes = 1, int64(20+rng.IntN(200))
	}
}

func (p *policyPlan) fault(s *inspector.Shard, d int, lost bool) exporter.Fault {
	s.Stats.Faults++
	f := exporter.Fault{
		Database: p.database, Policy: p.policy, Shard: s.ID, File: s.Replicas[0] + "/000000001-000000001.tsm", Offset: 40_960 + int64(d)*512,
		Size: s.Stats.TSMBytes, Part: "block", Key: "cpu,host=web-" + fmt.Sprint(d%40) + "#!~#usage_user", Values: 1000,
		Start: at(d, 6*time.Hour), End: at(d, 8*time.Hour+46*time.Minute+30*time.Second), Lost: lost, Reason: "checksum does not match",
	}
	if lost {
		s.Stats.Lost++
		return f
	}
	f.Part, f.Key, f.Values, f.Start, f.End = "fields.idx", "", 0, "", ""
	f.File, f.Offset, f.Reason = s.Replicas[0]+"/fields.idx", 0, "not readable; types were taken from the blocks"
	return f
}

// newRand gives the same numbers each time.
func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func size2files(size int64) int {
	if size > 20_000_000 {
		return 1
	}
	return 0
}

func at(d int, off time.Duration) string {
	return first.AddDate(0, 0, d).Add(off).Format(time.RFC3339Nano)
}

func in(list []int, d int) bool { return slices.Contains(list, d) }

func holeAt(holes [][2]int, d int) *[2]int {
	for i := range holes {
		if d >= holes[i][0] && d < holes[i][1] {
			return &holes[i]
		}
	}
	return nil
}
