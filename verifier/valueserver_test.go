// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// valueServer answers counts, field keys and values from a set of values as written.
type valueServer struct {
	t      rapid.TB
	values map[valueKey]string
	most   int           // values that one query may select; 0: no limit
	errs   map[int]error // by number of the query
	asked  int
	when   []time.Duration
	start  time.Time
	most1  int // values that one answer held
}

var (
	selectPart = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"::(float|integer|unsigned|string|boolean)`)
	valuesFrom = regexp.MustCompile(` FROM "rp"\."((?:[^"\\]|\\.)*)" WHERE time >= (-?\d+) AND time <= (-?\d+) GROUP BY \*$`)
)

func (f *valueServer) next() error {
	f.asked++
	f.when = append(f.when, time.Since(f.start))
	return f.errs[f.asked]
}

func (f *valueServer) Each(ctx context.Context, db, statement string, out func(target.Series) error) error {
	if !strings.HasPrefix(statement, "SHOW FIELD KEYS") {
		counts := &fakeServer{t: f.t, values: map[valueKey]bool{}, most: f.most}
		for k := range f.values {
			counts.values[k] = true
		}
		if err := f.next(); err != nil {
			counts.errs = map[int]error{1: err}
		}
		return counts.Each(ctx, db, statement, out)
	}
	if err := f.next(); err != nil {
		return err
	}
	for k, v := range f.values { // each as often as it comes
		s := target.Series{Name: point.UnescapeMeasurement([]byte(k.measurement)), Columns: []string{"fieldKey", "fieldType"}}
		s.Values = [][]any{{k.field, kindOfText(k.class, v).String()}}
		if err := out(s); err != nil {
			return err
		}
	}
	return nil
}

func kindOfText(c class, raw string) point.Kind {
	switch c {
	case text:
		return point.String
	case boolean:
		return point.Boolean
	}
	return map[byte]point.Kind{'i': point.Integer, 'u': point.Unsigned}[raw[len(raw)-1]]
}

// cast does what a server does.
func cast(c class, raw string, to point.Kind) target.Value {
	switch {
	case c == text && to == point.String:
		return target.Value{Kind: to, Known: true, Text: lineprotocol.AppendText(nil, []byte(raw))}
	case c == boolean && to == point.Boolean:
		v := target.Value{Kind: to, Known: true}
		if raw[0] == 't' || raw[0] == 'T' {
			v.Bits = 1
		}
		return v
	case c != number || to == point.String || to == point.Boolean:
		return target.Value{}
	}
	var i int64
	var u uint64
	var x float64
	switch kindOfText(c, raw) {
	case point.Integer:
		i, _ = strconv.ParseInt(raw[:len(raw)-1], 10, 64)
		u, x = uint64(i), float64(i)
	case point.Unsigned:
		u, _ = strconv.ParseUint(raw[:len(raw)-1], 10, 64)
		i, x = int64(u), float64(u)
	default:
		x, _ = strconv.ParseFloat(raw, 64)
		i, u = int64(x), uint64(x)
	}
	bits := map[point.Kind]uint64{point.Float: math.Float64bits(x), point.Integer: uint64(i), point.Unsigned: u}
	return target.Value{Kind: to, Known: true, Bits: bits[to]}
}

func (f *valueServer) Rows(_ context.Context, _, statement string, kinds []point.Kind, out target.RowSink) error {
	failure := f.next()
	part := valuesFrom.FindStringSubmatch(statement)
	if part == nil {
		f.t.Fatalf("cannot read %s", statement)
	}
	lo, _ := strconv.ParseInt(part[2], 10, 64)
	hi, _ := strconv.ParseInt(part[3], 10, 64)
	columns := selectPart.FindAllStringSubmatch(statement, -1)
	if len(columns) != len(kinds) {
		f.t.Fatalf("%d kinds for %s", len(kinds), statement)
	}
	rows := map[string]map[int64][]target.Value{} // by tags and time
	selected := 0
	for k, raw := range f.values {
		if point.UnescapeMeasurement([]byte(k.measurement)) != unquote.Replace(part[1]) || k.time < lo || k.time > hi {
			continue
		}
		for i, c := range columns {
			v := cast(k.class, raw, kinds[i])
			if k.field != unquote.Replace(c[1]) || kinds[i].String() != c[2] || !v.Known {
				continue
			}
			if rows[k.tags] == nil {
				rows[k.tags] = map[int64][]target.Value{}
			}
			if rows[k.tags][k.time] == nil {
				rows[k.tags][k.time] = make([]target.Value, len(kinds))
			}
			rows[k.tags][k.time][i] = v
			selected++
		}
	}
	f.most1 = max(f.most1, selected)
	for tags, series := range rows {
		all := map[string]string{"tag of another series": ""}
		for rest := []byte(tags); ; {
			key, value, more, ok := point.NextTag(rest)
			if !ok {
				break
			}
			all[point.UnescapeTag(key)] = point.UnescapeTag(value)
			rest = more
		}
		if err := out.Begin(unquote.Replace(part[1]), all); err != nil {
			return err
		}
		for at, values := range series {
			if err := out.Row(at, values); err != nil {
				return err
			}
			if failure != nil || f.most > 0 && selected > f.most {
				break
			}
		}
	}
	if failure == nil && f.most > 0 && selected > f.most {
		return &target.Error{Message: "max-select-point limit exceeed: (9/3)", Class: target.Fatal}
	}
	return failure
}

func serverOf(t *testing.T, lines string) *valueServer {
	t.Helper()
	s := &valueServer{t: t, values: map[valueKey]string{}, start: time.Now()}
	for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
		var series, fields string
		var at int64
		if _, err := fmt.Sscanf(line, "%s %s %d", &series, &fields, &at); err != nil {
			t.Fatal(err)
		}
		m, tags, _ := strings.Cut(series, ",")
		if tags != "" {
			tags = "," + tags
		}
		for field := range strings.SplitSeq(fields, ",") {
			key, value, _ := strings.Cut(field, "=")
			s.values[valueKey{cellKey: cellKey{policy: "rp", measurement: m, field: key, class: classOf(value[0])}, tags: tags, time: at}] = value
		}
	}
	return s
}
