// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"fmt"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/inspector"
)

// HostileNames are names that mean harm to a page, or are no text at all.
var HostileNames = []string{
	"<script>alert(1)</script>", "</script><script>alert(2)</script>", "<img src=x onerror=alert(3)>", `"><svg onload=alert(4)>`,
	"<!--<script>", "{{.Data}}", "{a} {b} {@c} {x|y}", "javascript:alert(5)", "\u2028line\u2029", "bad\xff\xfeutf8", "nul\x00 esc\x1b[31m",
	"turn\u202Egnp.exe", "=cmd|' /C calc'!A0", "__proto__", "constructor", "", " ", "-", "日本語 und ümlaut 🙂", "line\nfeed\ttab\r", `back\slash`,
	"~12", "null", "a.b", "very-" + long + "-long",
}

const long = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" +
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

// Hostile gives a report in which everything that has a name has one of HostileNames.
func Hostile() *inspector.Report {
	r := &inspector.Report{Notes: HostileNames}
	exact := func(n int64) inspector.Amount { return inspector.Amount{N: n, Exact: true} }
	for i, name := range HostileNames {
		start, end := at(i, 0), at(i+1, 0)
		st := inspector.Stats{
			Start: start, End: end, Shards: 1, Series: exact(3), Columns: 3, Points: exact(5), Values: exact(6), Bytes: 7 + int64(i), TSMFiles: 1,
			TSMBytes: 7, Faults: 1, Lost: 1,
		}
		m := inspector.Measurement{
			Name: name, Start: start, End: end, Shards: 1, Series: exact(3), Columns: 3, Bytes: 7,
			Fields: []inspector.Field{{Name: name, Kinds: []string{name, "float"}, Columns: 1}},
			Tags:   []inspector.Tag{{Key: name, Values: exact(int64(i + 1))}},
		}
		id := uint64(1)<<63 + uint64(i)
		r.Databases = append(r.Databases, inspector.Database{Name: name, DefaultPolicy: name, Stats: st, Policies: []inspector.Policy{{
			Name: name, Duration: "1h", Stats: st, Measurements: []inspector.Measurement{m},
			Shards: []inspector.Shard{{ID: id, Replicas: []string{name, "/x/" + name}, GroupStart: start, GroupEnd: end, Stats: st}},
			Gaps:   []inspector.Gap{{Start: end, End: at(i+2, 0), Groups: 1, Missing: 1}},
		}}})
		r.Volumes = append(r.Volumes, inspector.Volume{Source: name, DataDir: "/" + name, WALDir: name, Meta: name})
		r.Missing = append(r.Missing, inspector.MissingShard{Database: name, Policy: name, ID: id, Start: end, End: at(i+2, 0)})
		r.LeftOut = append(r.LeftOut, exporter.LeftOut{Path: name, Reason: name})
		r.Conflicts = append(r.Conflicts, inspector.Conflict{
			Database: name, Policy: name, Measurement: name, Field: name,
			Kinds: []inspector.ConflictKind{{Kind: name, Columns: 1, Shards: []uint64{id}, Start: start, End: end}},
		})
		r.Faults = append(r.Faults, exporter.Fault{
			Database: name, Policy: name, Shard: id, File: name, Part: name, Key: name, Values: 1, Start: start, End: end, Lost: true,
			Reason: fmt.Sprintf("%s is no name", name),
		})
	}
	r.Totals = total(r)
	return r
}

// Wide gives a report with as many policies of daily shards as is said.
func Wide(policies, days int) *inspector.Report {
	r := Years()
	r.Databases, r.Faults, r.Missing, r.Conflicts = nil, nil, nil, nil
	rng := newRand()
	for i := range policies {
		p := plans[i%len(plans)]
		p.database, p.to = fmt.Sprintf("db%03d", i), days
		fill(r, p, uint64(i*days), rng)
	}
	r.Totals = total(r)
	return r
}

// Ends gives a report whose shards are at the first and the last time there is, with a bulk
// of daily ones between.
func Ends() *inspector.Report {
	r := Years()
	p := &r.Databases[0].Policies[0]
	early := inspector.Shard{ID: 9_001, GroupStart: "1677-09-20T00:00:00Z", GroupEnd: "1677-09-27T00:00:00Z", Stats: inspector.Stats{
		Start: "1677-09-21T00:12:43.145224194Z", End: "1677-09-21T00:12:43.145224195Z", Shards: 1, Bytes: 100, TSMFiles: 1, TSMBytes: 100,
	}}
	late := inspector.Shard{ID: 9_002, GroupStart: "2262-04-07T00:00:00Z", GroupEnd: "2262-04-11T23:47:16.854775807Z", Stats: inspector.Stats{
		Start: "2262-04-11T23:47:16.854775806Z", End: "2262-04-11T23:47:16.854775806Z", Shards: 1, Bytes: 100, TSMFiles: 1, TSMBytes: 100,
	}}
	p.Shards = append(append([]inspector.Shard{early}, p.Shards...), late)
	p.Stats = sum(shardStats(p))
	r.Databases[0].Stats = sum(policyStats(&r.Databases[0]))
	r.Totals = total(r)
	return r
}
