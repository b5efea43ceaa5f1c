// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/shardlift/shardlift/point"
)

// Value is one value of any kind. == compares floats by their bits.
type Value struct {
	Kind point.Kind
	Bits uint64 // of a float (IEEE 754), an integer or an unsigned one; a boolean as 0 or 1
	Text string // of a string
}

// String gives the value as line protocol would have it, strings quoted as Go does.
func (v Value) String() string {
	switch v.Kind {
	case point.Float:
		return strconv.FormatFloat(math.Float64frombits(v.Bits), 'g', -1, 64)
	case point.Integer:
		return strconv.FormatInt(int64(v.Bits), 10) + "i"
	case point.Unsigned:
		return strconv.FormatUint(v.Bits, 10) + "u"
	case point.Boolean:
		return strconv.FormatBool(v.Bits != 0)
	default:
		return strconv.Quote(v.Text)
	}
}

// At gives value i of the run.
func (r Run) At(i int) Value {
	v := Value{Kind: r.Kind}
	switch r.Kind {
	case point.Float:
		v.Bits = math.Float64bits(r.Floats[i])
	case point.Boolean:
		if r.Bools[i] {
			v.Bits = 1
		}
	case point.String:
		v.Text = string(r.Strings[i])
	default:
		v.Bits = uint64(r.Ints[i])
	}
	return v
}

// Append adds a value, which must be of the run's kind. An empty run takes the
// kind of its first value.
func (r *Run) Append(t int64, v Value) {
	if len(r.Times) == 0 {
		*r = Run{Kind: v.Kind}
	}
	if v.Kind != r.Kind {
		panic(fmt.Sprintf("shardtest: %v in a run of kind %v", v, r.Kind))
	}
	r.Times = append(r.Times, t)
	switch v.Kind {
	case point.Float:
		r.Floats = append(r.Floats, math.Float64frombits(v.Bits))
	case point.Boolean:
		r.Bools = append(r.Bools, v.Bits != 0)
	case point.String:
		r.Strings = append(r.Strings, []byte(v.Text))
	default:
		r.Ints = append(r.Ints, int64(v.Bits))
	}
}

// Contents is the model of stored points: composite key, time, value. A column without
// values is not in it.
type Contents map[string]map[int64]Value

// Set stores the values of columns in order, so the last one of equal times stays.
func (c Contents) Set(columns ...Column) {
	for _, column := range columns {
		for i, t := range column.Times {
			if c[column.Key] == nil {
				c[column.Key] = map[int64]Value{}
			}
			c[column.Key][t] = column.At(i)
		}
	}
}

// Delete removes the times of a window from a column.
func (c Contents) Delete(key string, window point.TimeRange) {
	maps.DeleteFunc(c[key], func(t int64, _ Value) bool { return window.Contains(t) })
	if len(c[key]) == 0 {
		delete(c, key)
	}
}

// Columns gives everything in ascending order of keys and times.
func (c Contents) Columns() []Column {
	var columns []Column
	for _, key := range c.Keys() {
		column := Column{Key: key}
		for _, t := range slices.Sorted(maps.Keys(c[key])) {
			column.Append(t, c[key][t])
		}
		columns = append(columns, column)
	}
	return columns
}

// Keys gives the composite keys in ascending order.
func (c Contents) Keys() []string { return slices.Sorted(maps.Keys(c)) }

// Values counts the values.
func (c Contents) Values() int {
	n := 0
	for _, column := range c {
		n += len(column)
	}
	return n
}

// Match chooses the series that a delete is about, as FROM and WHERE do.
type Match struct {
	Measurement string // escaped; empty for all
	Tag         string // escaped "key=value"; empty for all
}

// Series reports whether the escaped series key is chosen.
func (m Match) Series(key string) bool {
	measurement, tags := point.SplitSeries([]byte(key))
	if m.Measurement != "" && string(measurement) != m.Measurement {
		return false
	}
	if m.Tag == "" {
		return true
	}
	for {
		k, v, rest, ok := point.NextTag(tags)
		if !ok {
			return false
		}
		if string(k)+"="+string(v) == m.Tag {
			return true
		}
		tags = rest
	}
}
