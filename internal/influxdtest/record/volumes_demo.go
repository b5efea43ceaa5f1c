// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"time"
)

// recordDemo makes a small but lifelike volume.
func recordDemo(r *rig) {
	const db = "telegraf"
	r.Exec(
		`CREATE DATABASE "telegraf" WITH DURATION INF REPLICATION 1 SHARD DURATION 1d NAME "two_weeks"`,
		`CREATE RETENTION POLICY "five_years" ON "telegraf" DURATION INF REPLICATION 1`,
		`CREATE CONTINUOUS QUERY "cpu_hourly" ON "telegraf" BEGIN SELECT mean(usage_user) AS usage_user INTO "telegraf"."five_years"."cpu_hourly" `+
			`FROM "telegraf"."two_weeks"."cpu" GROUP BY time(1h), * END`,
		`CREATE USER "grafana" WITH PASSWORD 'not a secret'`,
		`GRANT READ ON "telegraf" TO "grafana"`,
	)
	const step = 5 * int64(time.Minute)
	const steps = 2 * day / step
	hosts := []string{"web-01", "web-02", "db-01", "db-02", "cache-01"}
	rnd := random(1)
	// Three runs of writes with a flush behind each; every run reaches back into the one before.
	for _, part := range []struct{ from, to int64 }{{0, 200}, {150, 420}, {380, steps - 24}, {steps - 24, steps}} {
		var p points
		for i := part.from; i < part.to; i++ {
			at := monday + i*step
			for h, host := range hosts {
				load := 40 + 30*math.Sin(2*math.Pi*float64(i+int64(h)*40)/288) + 5*rnd.Float64()
				used := int64(8<<30) + int64(load*float64(64<<20))
				p.add(at, "cpu,host=%s,region=eu-west usage_user=%.2f,usage_system=%.2f", host, load, load/4)
				p.add(at, "mem,host=%s,region=eu-west used=%di,used_percent=%.4f", host, used, 100*float64(used)/float64(32<<30))
				p.add(at, `disk,host=%s,path=/var/lib,region=eu-west free=%di,read_only=%t`, host, int64(500e9)-i*1e7-int64(h)*3e9, i%97 == 13)
				if i%48 == int64(h) {
					p.add(at, `events,host=%s,region=eu-west level="%s",text="service \"nginx\" reloaded, pid=%d"`, host, level(i), 1000+i)
				}
			}
		}
		r.Write(db, "", p.take())
		if part.to != steps {
			r.Flush(db)
		}
	}
	var p points
	for i := range int64(48) {
		p.add(monday+i*int64(time.Hour), "cpu_hourly,host=web-01,region=eu-west usage_user=%.3f", 40+10*math.Sin(float64(i)/4))
	}
	r.Write(db, "five_years", p.take())
	r.Exec(`ALTER RETENTION POLICY "two_weeks" ON "telegraf" DURATION 14d`)
	hour := monday + 30*int64(time.Hour)
	r.delete(db,
		fmt.Sprintf(`DELETE FROM "cpu" WHERE time >= %d AND time < %d`, hour, hour+int64(time.Hour)),
		`DROP SERIES FROM "disk" WHERE "host" = 'cache-01'`)
}

func level(i int64) string { return []string{"info", "warning", "error"}[i%3] }
