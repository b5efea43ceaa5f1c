// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"cmp"
	"slices"
	"strings"
)

// What one query asks for at the most.
const (
	askFields  = 32       // fields
	askBytes   = 1500     // of their names: clients send statements as part of the URL
	askBuckets = 1000     // buckets from the first to the last
	askGap     = 8        // buckets that the input does not have, in a row
	askValues  = 10 << 20 // values; a second or two of a server
)

// ask is one query: some columns of a measurement in a run of its buckets.
type ask struct {
	p       *place
	m       *measurement
	name    string
	columns []int32
	slots   []int32 // ascending by bucket
}

// plan gives the queries for a measurement.
func plan(p *place, m *measurement, columns []int32) []ask {
	var out []ask
	name := nameOf(m)
	for len(columns) > 0 {
		n := fieldsOfAsk(m, columns)
		group := columns[:n:n]
		columns = columns[n:]
		for slots := m.sortedSlots(group); len(slots) > 0; {
			k := m.bucketsOfAsk(group, slots)
			out = append(out, ask{p: p, m: m, name: name, columns: group, slots: slots[:k:k]})
			slots = slots[k:]
		}
	}
	return out
}

// fieldsOfAsk says how many of the columns go into one query.
func fieldsOfAsk(m *measurement, columns []int32) int {
	size := 0
	for n, i := range columns {
		if size += len(m.columns[i].raw) + len(`count(""::boolean),`); n > 0 && (n == askFields || size > askBytes) {
			return n
		}
	}
	return len(columns)
}

// sortedSlots are the slots in which the columns have values, ascending by bucket.
func (m *measurement) sortedSlots(columns []int32) []int32 {
	var slots []int32
	for s := range m.buckets {
		if m.sent(columns, s) > 0 {
			slots = append(slots, int32(s))
		}
	}
	slices.SortFunc(slots, func(a, b int32) int { return cmp.Compare(m.buckets[a], m.buckets[b]) })
	return slots
}

// sent sums up what the columns have in a slot.
func (m *measurement) sent(columns []int32, slot int) (n int64) {
	for _, i := range columns {
		if cells := m.columns[i].cells; slot < len(cells) {
			n += cells[slot].sent
		}
	}
	return n
}

// bucketsOfAsk says how many of the slots go into one query. What reaches an end of time
// goes alone.
func (m *measurement) bucketsOfAsk(columns, slots []int32) int {
	first := m.buckets[slots[0]]
	if _, edge := spanOf(first, m.width); edge {
		return 1
	}
	values := m.sent(columns, int(slots[0]))
	for n := 1; n < len(slots); n++ {
		b := m.buckets[slots[n]]
		_, edge := spanOf(b, m.width)
		values += m.sent(columns, int(slots[n]))
		if edge || apart(first, b) >= askBuckets || apart(m.buckets[slots[n-1]], b) > askGap+1 || values > askValues {
			return n
		}
	}
	return len(slots)
}

// apart is b - a, for a <= b.
func apart(a, b int64) uint64 { return uint64(b) - uint64(a) } //nolint:gosec // wraps to the difference

// sortedMeasurements are the measurements of a place, by name.
func (p *place) sortedMeasurements() []*measurement {
	out := make([]*measurement, 0, len(p.measurements))
	for _, m := range p.measurements {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *measurement) int { return strings.Compare(a.raw, b.raw) })
	return out
}

// sortedColumns are the columns of a measurement, by name.
func (m *measurement) sortedColumns() []int32 {
	out := make([]int32, len(m.columns))
	names := make([]string, len(m.columns))
	for i := range out {
		out[i], names[i] = int32(i), m.columns[i].name()
	}
	slices.SortFunc(out, func(a, b int32) int {
		return cmp.Or(strings.Compare(names[a], names[b]), cmp.Compare(m.columns[a].class, m.columns[b].class))
	})
	return out
}
