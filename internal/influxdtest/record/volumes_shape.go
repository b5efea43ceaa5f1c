// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"path/filepath"
	"time"

	"github.com/shardlift/shardlift/internal/influxdtest"
)

// recordEdges writes points where times and shards end.
func recordEdges(r *rig) {
	const db = "edges"
	r.Exec(
		`CREATE DATABASE "edges"`,
		`CREATE RETENTION POLICY "hours" ON "edges" DURATION INF REPLICATION 1 SHARD DURATION 1h`,
		`CREATE RETENTION POLICY "days" ON "edges" DURATION INF REPLICATION 1 SHARD DURATION 1d`,
		`CREATE RETENTION POLICY "ages" ON "edges" DURATION INF REPLICATION 1 SHARD DURATION 9900w`)
	const first, last = math.MinInt64 + 2, math.MaxInt64 - 1
	const hour = int64(time.Hour)
	times := map[string][]int64{
		"autogen": {first, first + 1, -week, -1, 0, 1, monday - 1, monday, monday + week - 1, monday + week, last - 1, last},
		"hours":   {first, monday - 1, monday, monday + hour - 1, monday + hour, last},
		"days":    {-1, 0, monday - 1, monday, monday + day - 1, monday + day},
		"ages":    {first, -1, 0, 1, monday, last - 1, last, math.MaxInt64 / 2, math.MinInt64 / 2},
	}
	write := func(series string) {
		for _, rp := range []string{"autogen", "hours", "days", "ages"} {
			var p points
			for i, at := range times[rp] {
				p.add(at, `%s f=%d.5,i=%di,b=%t,s="%d"`, series, i, i, i%2 == 0, i)
			}
			r.Write(db, rp, p.take())
		}
	}
	write("m,in=tsm")
	r.Flush(db)
	write("m,in=wal")
}

// recordPolicies makes metadata of every kind, with a few points in each policy.
func recordPolicies(r *rig) {
	r.Exec(
		`CREATE DATABASE "metrics" WITH DURATION INF REPLICATION 1 SHARD DURATION 1d NAME "raw"`,
		`CREATE RETENTION POLICY "year" ON "metrics" DURATION 5200w REPLICATION 1 SHARD DURATION 4w`,
		`CREATE RETENTION POLICY "short" ON "metrics" DURATION INF REPLICATION 1 SHARD DURATION 2h`,
		`CREATE RETENTION POLICY "empty" ON "metrics" DURATION 90m REPLICATION 1`,
		`CREATE DATABASE "events"`,
		`CREATE RETENTION POLICY "kept" ON "events" DURATION INF REPLICATION 2 SHARD DURATION 12w DEFAULT`,
		`CREATE DATABASE "nothing" WITH DURATION 30d REPLICATION 1 NAME "month"`,
		`CREATE DATABASE "_internal" WITH DURATION INF REPLICATION 1 SHARD DURATION 1d NAME "monitor"`,
		`CREATE CONTINUOUS QUERY "cq mean" ON "metrics" RESAMPLE EVERY 10m FOR 2h BEGIN SELECT mean("f") AS "f" INTO "metrics"."year"."m mean" `+
			`FROM "metrics"."raw"."m" WHERE "host" != 'a"b' GROUP BY time(1h), * END`,
		`CREATE CONTINUOUS QUERY "cq2" ON "events" BEGIN SELECT count("s") INTO "events"."autogen"."n" FROM "events"."kept"."e" GROUP BY time(1d) END`,
		`CREATE SUBSCRIPTION "sub all" ON "metrics"."raw" DESTINATIONS ALL 'http://127.0.0.1:9', 'udp://127.0.0.1:9'`,
		`CREATE SUBSCRIPTION "any" ON "events"."kept" DESTINATIONS ANY 'http://127.0.0.1:9'`,
		`CREATE USER "root" WITH PASSWORD 'not a secret' WITH ALL PRIVILEGES`,
		`CREATE USER "reader" WITH PASSWORD 'not a secret'`,
		`CREATE USER "o'writer \"x" WITH PASSWORD 'not a secret'`,
		`CREATE USER "nobody" WITH PASSWORD 'not a secret'`,
		`GRANT READ ON "metrics" TO "reader"`,
		`GRANT ALL ON "events" TO "reader"`,
		`GRANT WRITE ON "events" TO "o'writer \"x"`)
	for n, rp := range []string{"raw", "year", "short"} {
		var p points
		for i := range int64(10) {
			p.add(monday+int64(n)*day+i*3600*second, "m,host=a,rp=%s f=%d", rp, i)
		}
		r.Write("metrics", rp, p.take())
	}
	r.Write("events", "", fmt.Sprintf("e s=\"default policy\" %d\n", monday))
	r.Write("events", "autogen", fmt.Sprintf("e s=\"named policy\" %d\n", monday))
	r.Write("_internal", "", fmt.Sprintf("httpd,bind=:8086 req=1i %d\n", monday))
	r.Flush("metrics")
	r.Flush("_internal")
	// All its shards have expired long ago, but nothing has removed them yet.
	r.Exec(`ALTER RETENTION POLICY "short" ON "metrics" DURATION 1d`)
}

// recordMixedTypes gives one field another type in every shard.
func recordMixedTypes(r *rig) {
	r.Exec(`CREATE DATABASE "mixed"`)
	for i, value := range []string{"%d.5", "%di", `"text %d"`, "t", "%d.25"} {
		var p points
		for k := range 20 {
			v := value
			if value != "t" {
				v = fmt.Sprintf(value, k)
			}
			p.add(monday+int64(i)*week+int64(k)*second, "m,v=tag f=%s,v=%di", v, k)
			p.add(monday+int64(i)*week+int64(k)*second, "m f=%s", v)
		}
		r.Write("mixed", "", p.take())
	}
	r.Flush("mixed")
	r.Write("mixed", "", fmt.Sprintf("m f=99i %d\nm f=9 %d\n", monday+week+100*second, monday+4*week+100*second))
}

// recordDropped puts data from before drops beside metadata from after them.
func recordDropped(r *rig) {
	r.Exec(
		`CREATE DATABASE "drop"`,
		`CREATE RETENTION POLICY "old" ON "drop" DURATION INF REPLICATION 1`,
		`CREATE DATABASE "gone"`)
	for i := range int64(3) {
		line := fmt.Sprintf("m,week=%d f=%d %d\n", i, i, monday+i*week)
		r.Write("drop", "", line)
		if i == 0 {
			r.Write("drop", "old", line)
			r.Write("gone", "", line)
		}
	}
	r.Flush("drop")
	r.Write("drop", "", fmt.Sprintf("m,week=1 f=11 %d\nm,week=2 f=12 %d\n", monday+week+1, monday+2*week+1))
	r.Write("drop", "old", fmt.Sprintf("m f=13 %d\n", monday+1))
	r.Flush("gone")

	before := filepath.Join(r.tb.TempDir(), "before")
	r.CopyBare(before)
	second := ""
	for _, shard := range r.Shards("drop") {
		if shard.Policy == "autogen" && shard.Start == time.Unix(0, monday+week).UTC().Format(time.RFC3339) {
			second = fmt.Sprint(shard.ID)
		}
	}
	r.Exec("DROP SHARD "+second, `DROP RETENTION POLICY "old" ON "drop"`, `DROP DATABASE "gone"`)
	for part, from := range map[string]string{"data": before, "wal": before, "meta": r.Dir} {
		if err := influxdtest.CopyDir(filepath.Join(r.volume, part), filepath.Join(from, part)); err != nil {
			r.tb.Fatalf("copy %s: %v", part, err)
		}
	}
	r.copied = true
}
