// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
)

// schema is what fields the target lists, by measurement and field: deleted ones too, as
// long as a shard remembers them.
type schema map[string]map[string]kinds

var kindNames = map[string]point.Kind{
	"float": point.Float, "integer": point.Integer, "unsigned": point.Unsigned, "string": point.String, "boolean": point.Boolean,
}

const numeric = kinds(1<<point.Float | 1<<point.Integer | 1<<point.Unsigned)

// classes gives the classes of a set of kinds.
func (s kinds) classes() (list []class) {
	for c, of := range map[class]kinds{number: numeric, text: kindsOf(point.String), boolean: kindsOf(point.Boolean)} {
		if s&of != 0 {
			list = append(list, c)
		}
	}
	slices.Sort(list)
	return list
}

// schema asks for the fields of a place.
func (q *Paced) schema(ctx context.Context, p *place) (schema, error) {
	var b strings.Builder
	b.WriteString("SHOW FIELD KEYS ON ")
	appendIdent(&b, p.database)
	b.WriteString(" FROM ")
	if p.policy != "" {
		appendIdent(&b, p.policy)
		b.WriteByte('.')
	}
	b.WriteString("/.*/")
	out := schema{}
	err := q.rows(ctx, question{database: p.database, statement: b.String()}, 2, func() { clear(out) }, func(name string, row []any) error {
		field, ok := row[0].(string)
		kind, named := row[1].(string)
		k, known := kindNames[kind]
		if !ok || !named || !known {
			return fmt.Errorf("read the fields of %q: %v of type %v", name, row[0], row[1])
		}
		if out[name] == nil {
			out[name] = map[string]kinds{}
		}
		out[name][field] |= kindsOf(k)
		return nil
	})
	return out, err
}

// withExtra adds to what is compared the fields and measurements that only the target
// has, as far as the selection takes them.
func (v *comparison) withExtra(j *job, reasons map[*measurement]string) []*measurement {
	out := slices.Clone(j.measurements)
	known := map[string]*measurement{}
	odd := map[string]bool{}
	for m, reason := range reasons {
		if reason != "" {
			odd[nameOf(m)], odd[m.raw], odd[plain(m.raw)], odd[asListed(nameOf(m))] = true, true, true, true
		}
	}
	for _, m := range out {
		known[nameOf(m)] = m
	}
	sel := v.opts.Selection
	for _, name := range slices.Sorted(maps.Keys(j.schema)) {
		fields := j.schema[name]
		if odd[name] || sel != nil && !sel.Measurement(name) || !v.selects(fields) {
			continue
		}
		m := known[name]
		if reason := unsearchable(name); m == nil && reason != "" {
			v.unsearched(j, name, "", reason)
		}
		if !speakable(name) {
			continue
		}
		if m == nil {
			m = &measurement{raw: escapeMeasurement(name), width: j.p.width, span: point.NoTime}
		}
		v.addFields(j, m, name, fields)
		if known[name] == nil && len(m.columns) > 0 {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *measurement) int { return strings.Compare(a.raw, b.raw) })
	return out
}

// selects reports whether the selection takes any of the fields of a measurement.
func (v *comparison) selects(fields map[string]kinds) bool {
	for field := range fields {
		if v.opts.Selection == nil || v.opts.Selection.Field([]byte(field)) {
			return true
		}
	}
	return false
}

// addFields adds to a measurement what fields of it the target has.
func (v *comparison) addFields(j *job, m *measurement, name string, fields map[string]kinds) {
	told := map[string]bool{} // with the input
	for i := range m.columns {
		told[asListed(m.columns[i].name())] = true
	}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if field == "time" || v.opts.Selection != nil && !v.opts.Selection.Field([]byte(field)) {
			continue
		}
		if reason := unsearchable(field); reason != "" && !told[field] {
			v.unsearched(j, name, field, reason)
		}
		if speakable(field) {
			v.addField(m, field, fields[field])
		}
	}
}

func (v *comparison) unsearched(j *job, measurement, field, reason string) {
	v.report.unsearched(Unsearched{Database: j.p.database, Policy: j.p.policy, Measurement: measurement, Field: field, Reason: reason}, v.opts.MostListed)
}

// addField adds the columns of a field of the target that a measurement does not have.
func (v *comparison) addField(m *measurement, field string, kinds kinds) {
	raw := lineprotocol.AppendFieldKey(nil, []byte(field))
	for _, c := range kinds.classes() {
		if m.lookup(raw, c) < 0 && m.otherSpelling(raw, c) < 0 {
			m.addColumn(v.c.seed, raw, c)
		}
	}
}

var measurementEscaper = strings.NewReplacer(",", `\,`, " ", `\ `)

func escapeMeasurement(name string) string { return measurementEscaper.Replace(name) }

// compareTypes reports fields of which the input has numbers of a type that the target
// does not have, and those whose types the target does not tell one by one.
func (v *comparison) compareTypes(j *job, m *measurement) {
	if j.schema == nil || !v.c.digests {
		return
	}
	for _, i := range m.sortedColumns() {
		c := &m.columns[i]
		there := j.schema[nameOf(m)][c.name()] & numeric
		var here kinds
		for k, n := range c.kinds {
			if n > 0 {
				here |= 1 << k
			}
		}
		if there == 0 || here == 0 {
			continue
		}
		d := TypeDifference{
			Database: j.p.database, Policy: j.p.policy, Measurement: nameOf(m), Field: c.name(), Source: here.words(), Target: there.words(),
		}
		if here.without(there) != 0 {
			v.report.differentTypes(d, v.opts.MostListed)
		}
		if v.opts.Exact && len(castsOf(c.class, there)) > 1 && c.askable() {
			v.report.mixedTypes(d, v.opts.MostListed)
		}
	}
}
