// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"strconv"

	"github.com/shardlift/shardlift/inspector"
)

var (
	hosts = []inspector.Measurement{
		measurement("docker_container_cpu", 9_600, 12, "container_name:3200", "host:100", "image:84"),
		measurement("net", 1_900, 20, "host:100", "interface:19"),
		measurement("cpu", 1_700, 10, "host:100", "cpu:17"),
		measurement("disk", 1_240, 7, "path:31", "device:14", "host:100", "fstype:4"),
		measurement("diskio", 820, 11, "name:22", "host:100"),
		measurement("http_response", 310, 6, "server:155", "result:5"),
		measurement("system", 100, 8, "host:100"),
		measurement("mem", 100, 24, "host:100"),
		measurement("processes", 100, 9, "host:100"),
		measurement("kernel", 100, 5, "host:100"),
		measurement("swap", 100, 6, "host:100"),
		measurement("redis", 24, 40, "server:8", "port:3", "host:8"),
		measurement("postgresql", 16, 24, "db:16", "server:2"),
		measurement("nginx", 12, 7, "server:12"),
	}
	rollups = []inspector.Measurement{
		measurement("cpu_5m", 1_700, 4, "host:100", "cpu:17"),
		measurement("net_5m", 1_900, 6, "host:100", "interface:19"),
		measurement("mem_5m", 100, 4, "host:100"),
	}
	devices = []inspector.Measurement{
		measurement("temperature", 2_400, 3, "device_id:2400", "site:37", "floor:12"),
		measurement("humidity", 2_150, 2, "device_id:2150", "site:36"),
		measurement("door", 480, 2, "device_id:480", "site:37"),
		measurement("battery", 2_400, 1, "device_id:2400", "site:37"),
	}
)

// measurement makes one up; tags are written key:values.
func measurement(name string, series int64, fields int, tags ...string) inspector.Measurement {
	m := inspector.Measurement{
		Name: name, Start: at(0, 0), End: at(Days-1, day-10e9), Shards: Days - 12, Series: inspector.Amount{N: series, Exact: true},
		Columns: series * int64(fields) * (Days - 12), Bytes: series * int64(fields) * 260_000,
	}
	kinds := []string{"float", "float", "integer", "float", "boolean", "string"}
	for i := range fields {
		m.Fields = append(m.Fields, inspector.Field{
			Name: name + "_field_" + strconv.Itoa(i+1), Kinds: []string{kinds[i%len(kinds)]}, Columns: series * (Days - 12), Start: m.Start, End: m.End,
		})
	}
	for _, t := range tags {
		for i := range t {
			if t[i] != ':' {
				continue
			}
			n, err := strconv.ParseInt(t[i+1:], 10, 64)
			if err == nil {
				m.Tags = append(m.Tags, inspector.Tag{Key: t[:i], Values: inspector.Amount{N: n, Exact: true}})
			}
		}
	}
	return m
}

// conflicts makes two fields of the first policy have two types each, one of them changing
// for good, the other now and then.
func conflicts(r *inspector.Report) []inspector.Conflict {
	p := &r.Databases[0].Policies[0]
	cut := len(p.Shards) / 3
	field := func(measurement, name string, split func(i int) bool, kinds ...string) inspector.Conflict {
		c := inspector.Conflict{Database: r.Databases[0].Name, Policy: p.Name, Measurement: measurement, Field: name}
		for k, kind := range kinds {
			ck := inspector.ConflictKind{Kind: kind, Columns: 100}
			for i := range p.Shards {
				if split(i) == (k == 0) {
					ck.Shards = append(ck.Shards, p.Shards[i].ID)
					if ck.Start == "" {
						ck.Start = p.Shards[i].Stats.Start
					}
					ck.End = p.Shards[i].Stats.End
				}
			}
			c.Kinds = append(c.Kinds, ck)
		}
		return c
	}
	return []inspector.Conflict{
		field("redis", "used_memory", func(i int) bool { return i < cut }, "float", "integer"),
		field("http_response", "status", func(i int) bool { return i%7 != 3 }, "integer", "string"),
	}
}
