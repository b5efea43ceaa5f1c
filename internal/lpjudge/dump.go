// SPDX-License-Identifier: Apache-2.0

package lpjudge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Dump gives every value that the server answers for the databases, in the order of
// its answers.
//
// What a server cannot show is not in it: with the tsi1 index, and some names with
// any, a measurement whose escaping is not the usual one (written `a\=b`, say) is
// listed but answers nothing, though its data lies on the disk.
func Dump(ctx context.Context, s Server, dbs ...string) ([]Value, error) {
	var values []Value
	for _, db := range dbs {
		if err := s.Each(ctx, db, func(v Value) { values = append(values, v) }); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// Databases lists the databases of a server, _internal left out.
func (s Server) Databases(ctx context.Context) ([]string, error) {
	table, err := s.strings(ctx, "", "SHOW DATABASES", 1)
	var names []string
	for _, r := range table {
		if r[0] != "_internal" {
			names = append(names, r[0])
		}
	}
	return names, err
}

// Each hands out what Dump collects: it asks for one field of one measurement of one
// policy at a time.
func (s Server) Each(ctx context.Context, db string, out func(Value)) error {
	policies, err := s.strings(ctx, db, "SHOW RETENTION POLICIES ON "+ident(db), 1)
	if err != nil {
		return fmt.Errorf("list policies of %q: %w", db, err)
	}
	measurements, err := s.strings(ctx, db, "SHOW MEASUREMENTS ON "+ident(db), 1)
	if err != nil {
		return fmt.Errorf("list measurements of %q: %w", db, err)
	}
	for _, rp := range policies {
		for _, m := range measurements {
			d := dump{s, db, rp[0], m[0], out}
			if err := d.run(ctx); err != nil {
				return fmt.Errorf("dump %q.%q.%q: %w", db, rp[0], m[0], err)
			}
		}
	}
	return nil
}

// dump asks for one measurement of one policy.
type dump struct {
	server      Server
	db, rp      string
	measurement string
	out         func(Value)
}

func (d dump) run(ctx context.Context) error {
	table, err := d.server.strings(ctx, d.db, fmt.Sprintf("SHOW FIELD KEYS ON %s FROM %s.%s", ident(d.db), ident(d.rp), ident(d.measurement)), 2)
	if err != nil {
		return err
	}
	types := map[string][]string{}
	var fields []string
	for _, r := range table {
		if types[r[0]] == nil {
			fields = append(fields, r[0])
		}
		types[r[0]] = append(types[r[0]], r[1])
	}
	for _, field := range fields {
		windows := []string{""}
		if len(types[field]) > 1 {
			// One query gives one type and casts or hides the others, but a shard holds one.
			if windows, err = d.shardWindows(ctx); err != nil {
				return err
			}
		}
		for _, where := range windows {
			if err := d.field(ctx, field, types[field], where); err != nil {
				return fmt.Errorf("field %q: %w", field, err)
			}
		}
	}
	return nil
}

// shardWindows gives a WHERE clause for each shard of the policy.
func (d dump) shardWindows(ctx context.Context) ([]string, error) {
	table, err := d.server.strings(ctx, d.db, "SHOW SHARDS", 6)
	if err != nil {
		return nil, err
	}
	var windows []string
	for _, r := range table {
		if r[1] != d.db || r[2] != d.rp {
			continue
		}
		start, err := nanos(r[4])
		if err != nil {
			return nil, err
		}
		end, err := nanos(r[5])
		if err != nil {
			return nil, err
		}
		if start > end { // the earliest shard group, whose start has wrapped around
			start = minTime
		}
		windows = append(windows, fmt.Sprintf(" WHERE time >= %d AND time < %d", start, end))
	}
	return windows, nil
}

// nanos reads a time of SHOW SHARDS, cut to what a query can name.
func nanos(s string) (int64, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, err
	}
	if t.Before(time.Unix(0, minTime)) {
		return minTime, nil
	}
	if t.After(time.Unix(0, maxTime)) {
		return maxTime, nil
	}
	return t.UnixNano(), nil
}

// field asks for one field. The "::field" keeps a tag of the same name out.
func (d dump) field(ctx context.Context, field string, types []string, where string) error {
	q := fmt.Sprintf("SELECT %s::field FROM %s.%s.%s%s GROUP BY *", ident(field), ident(d.db), ident(d.rp), ident(d.measurement), where)
	return d.server.query(ctx, d.db, q, func(c chunk) error {
		series := normalSeries(d.measurement, tagsOf(c.tags))
		for _, row := range c.rows {
			cells, _ := row.([]any)
			if len(cells) != 2 {
				return fmt.Errorf("row %v is not a time and a value", row)
			}
			at, ok := cells[0].(int64)
			if !ok {
				return fmt.Errorf("time is %v", cells[0])
			}
			typ, val, err := typed(cells[1], types)
			if err != nil {
				return err
			}
			d.out(Value{d.db, d.rp, series, field, typ, val, at})
		}
		return nil
	})
}

// typed gives the normal form of an answered value, which must be of one of the types
// that the server declared for its field.
func typed(v any, declared []string) (Type, string, error) {
	has := func(t string) bool { return slices.Contains(declared, t) }
	switch v := v.(type) {
	case float64:
		if has("float") {
			return Float, formatFloat(v), nil
		}
	case string:
		if has("string") {
			return String, v, nil
		}
	case bool:
		if has("boolean") {
			return Boolean, fmt.Sprint(v), nil
		}
	case int64, uint64:
		// Small numbers look the same whether signed or not.
		switch {
		case has("integer") && has("unsigned"):
			return 0, "", errors.New("integer in one shard and unsigned in another: answers do not tell them apart")
		case has("unsigned"):
			return Unsigned, fmt.Sprint(v), nil
		case has("integer"):
			return Integer, fmt.Sprint(v), nil
		}
	}
	return 0, "", fmt.Errorf("value %v of Go type %T in a field declared %v", v, v, declared)
}

// tagsOf leaves out the tags that the series does not have, which are answered empty.
func tagsOf(m map[string]any) []tag {
	var tags []tag
	for k, v := range m {
		if s, _ := v.(string); s != "" {
			tags = append(tags, tag{k, s})
		}
	}
	return tags
}
