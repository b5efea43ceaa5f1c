// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/shardlift/shardlift/inspector"
)

// largest is how many measurements and tag keys are named where not all are asked for.
const largest = 5

// placed is something of a policy.
type placed[T any] struct {
	database, policy, measurement string
	it                            T
}

// eachMeasurement goes through all measurements.
func eachMeasurement(r *inspector.Report, f func(database, policy string, m *inspector.Measurement)) {
	for db, rp := range r.EachPolicy() {
		for i := range rp.Measurements {
			f(db.Name, rp.Name, &rp.Measurements[i])
		}
	}
}

// cardinality names what has the most series, and the tag keys with the most values.
func (p *paper) cardinality(r *inspector.Report) {
	var (
		measurements []placed[*inspector.Measurement]
		tags         []placed[inspector.Tag]
	)
	eachMeasurement(r, func(database, policy string, m *inspector.Measurement) {
		measurements = append(measurements, placed[*inspector.Measurement]{database, policy, m.Name, m})
		for _, tag := range m.Tags {
			tags = append(tags, placed[inspector.Tag]{database, policy, m.Name, tag})
		}
	})
	slices.SortStableFunc(measurements, func(a, b placed[*inspector.Measurement]) int { return cmp.Compare(b.it.Series.N, a.it.Series.N) })
	slices.SortStableFunc(tags, func(a, b placed[inspector.Tag]) int { return cmp.Compare(b.it.Values.N, a.it.Values.N) })
	g := newGrid(keys("database", "policy", "measurement"), numbers("series", "columns", "size", "fields", "tag keys"))
	for _, x := range measurements[:min(len(measurements), largest)] {
		m := x.it
		g.add(x.database, x.policy, m.Name, amount(m.Series), num(m.Columns), size(m.Bytes), num(len(m.Fields)), num(len(m.Tags)))
	}
	p.table(g, "Measurements with the most series")
	p.more(len(measurements), largest, "--measurements lists them all")
	t := newGrid(keys("database", "policy", "measurement", "tag key"), numbers("values"))
	for _, x := range tags[:min(len(tags), largest)] {
		t.add(x.database, x.policy, x.measurement, x.it.Key, amount(x.it.Values))
	}
	p.table(t, "Tag keys with the most values")
	p.more(len(tags), largest, "--measurements lists them all")
}

// measurements has all measurements, with their fields and tags, policy by policy.
func (p *paper) measurements(r *inspector.Report) {
	for db, rp := range r.EachPolicy() {
		of := " of " + db.Name + ", " + rp.Name
		p.table(measurementGrid(rp.Measurements), "Measurements"+of)
		p.table(fieldGrid(rp.Measurements), "Fields"+of)
		p.table(tagGrid(rp.Measurements), "Tag keys"+of)
	}
}

func measurementGrid(list []inspector.Measurement) *grid {
	g := newGrid(keys("measurement"), numbers("series", "columns", "size", "shards"), firstAndLast)
	for i := range list {
		m := &list[i]
		g.add(m.Name, amount(m.Series), num(m.Columns), size(m.Bytes), num(m.Shards), stamp(m.Start), stamp(m.End))
	}
	return g
}

func fieldGrid(list []inspector.Measurement) *grid {
	g := newGrid(keys("measurement", "field"), texts("type"), numbers("columns"), firstAndLast)
	for i := range list {
		for _, f := range list[i].Fields {
			g.add(list[i].Name, f.Name, strings.Join(f.Kinds, ", "), num(f.Columns), stamp(f.Start), stamp(f.End))
		}
	}
	return g
}

func tagGrid(list []inspector.Measurement) *grid {
	g := newGrid(keys("measurement", "tag key"), numbers("values"))
	for i := range list {
		for _, tag := range list[i].Tags {
			g.add(list[i].Name, tag.Key, amount(tag.Values))
		}
	}
	return g
}

// idsShown is how many shards of a conflict are named.
const idsShown = 6

// conflicts lists fields with more than one type; most is how many, 0 all.
func (p *paper) conflicts(list []inspector.Conflict, most int) {
	if most == 0 {
		most = len(list)
	}
	g := newGrid(keys("database", "policy", "measurement", "field"), texts("type"), numbers("columns"), firstAndLast, texts("shards"))
	for _, c := range list[:min(len(list), most)] {
		for _, k := range c.Kinds {
			g.add(c.Database, c.Policy, c.Measurement, c.Field, k.Kind, num(k.Columns), stamp(k.Start), stamp(k.End), shardIDs(k.Shards))
		}
	}
	p.table(g, "Type conflicts, over which an import into longer shards trips")
	p.more(len(list), most, jsonHasAll)
}

func shardIDs(ids []uint64) string {
	var out []string
	for _, id := range ids[:min(len(ids), idsShown)] {
		out = append(out, strconv.FormatUint(id, 10))
	}
	text := strings.Join(out, ", ")
	if more := len(ids) - idsShown; more > 0 {
		text += " and " + humanize.Comma(int64(more)) + " more"
	}
	return text
}
