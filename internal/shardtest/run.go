// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"fmt"
	"math"

	"github.com/shardlift/shardlift/point"
)

// Run is a list of times and values of one column, in the order they are stored. Of
// the value slices the one that fits Kind is used, as long as Times.
type Run struct {
	Times   []int64 // Unix nanoseconds, in any order
	Kind    point.Kind
	Floats  []float64
	Ints    []int64 // also the bits of unsigned values
	Bools   []bool
	Strings [][]byte
}

// Floats makes a run of floats; it keeps both slices.
func Floats(times []int64, values ...float64) Run {
	return Run{Times: times, Kind: point.Float, Floats: values}
}

// Ints makes a run of integers; it keeps both slices.
func Ints(times []int64, values ...int64) Run {
	return Run{Times: times, Kind: point.Integer, Ints: values}
}

// Uints makes a run of unsigned integers; it keeps times.
func Uints(times []int64, values ...uint64) Run {
	r := Run{Times: times, Kind: point.Unsigned}
	for _, v := range values {
		r.Ints = append(r.Ints, int64(v))
	}
	return r
}

// Bools makes a run of booleans; it keeps both slices.
func Bools(times []int64, values ...bool) Run {
	return Run{Times: times, Kind: point.Boolean, Bools: values}
}

// Strings makes a run of strings; it keeps times.
func Strings(times []int64, values ...string) Run {
	r := Run{Times: times, Kind: point.String}
	for _, v := range values {
		r.Strings = append(r.Strings, []byte(v))
	}
	return r
}

// Every gives n times from start on, step nanoseconds apart.
func Every(start, step int64, n int) []int64 {
	times := make([]int64, n)
	for i := range times {
		times[i] = start + int64(i)*step
	}
	return times
}

// Key joins an escaped series key and a plain field key to a composite key.
func Key(series, field string) string { return series + point.KeySeparator + field }

// Len counts the values.
func (r Run) Len() int { return len(r.Times) }

// Range gives the lowest and the highest time, or point.NoTime of an empty run.
func (r Run) Range() point.TimeRange {
	all := point.NoTime
	for _, t := range r.Times {
		all = point.TimeRange{Min: min(all.Min, t), Max: max(all.Max, t)}
	}
	return all
}

// Slice gives the values i to j-1; it shares memory with r.
func (r Run) Slice(i, j int) Run {
	s := Run{Times: r.Times[i:j:j], Kind: r.Kind}
	switch r.Kind {
	case point.Float:
		s.Floats = r.Floats[i:j:j]
	case point.Boolean:
		s.Bools = r.Bools[i:j:j]
	case point.String:
		s.Strings = r.Strings[i:j:j]
	default:
		s.Ints = r.Ints[i:j:j]
	}
	return s
}

// values counts the elements of the value slice that is used.
func (r Run) values() int {
	switch r.Kind {
	case point.Float:
		return len(r.Floats)
	case point.Boolean:
		return len(r.Bools)
	case point.String:
		return len(r.Strings)
	default:
		return len(r.Ints)
	}
}

func (r Run) check() {
	if !r.Kind.Valid() {
		panic(fmt.Sprintf("shardtest: run of %v", r.Kind))
	}
	if r.values() != len(r.Times) {
		panic(fmt.Sprintf("shardtest: run of %d times and %d values", len(r.Times), r.values()))
	}
}

// Sample makes n values of any kind, ten seconds apart.
func Sample(kind point.Kind, from int64, n int) Run {
	run := Run{Kind: kind}
	for i := range n {
		v := Value{Kind: kind, Bits: uint64(i*i + 1)}
		switch kind {
		case point.Float:
			v.Bits = math.Float64bits(1.5 * float64(i))
		case point.Boolean:
			v.Bits = uint64(i & 1)
		case point.String:
			v = Value{Kind: kind, Text: fmt.Sprintf("value %d", i*i)}
		}
		run.Append(from+int64(i)*10e9, v)
	}
	return run
}
