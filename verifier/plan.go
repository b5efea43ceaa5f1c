// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/point"
)

// What one query asks for at the most.
const (
	askFields  = 32       // fields
	askBytes   = 1500     // of their names: a server logs each statement
	askBuckets = 1000     // buckets from the first to the last
	askGap     = 8        // buckets that the input does not have, in a row
	askValues  = 10 << 20 // values; a second or two of a server
)

// ask is one query: some columns of a measurement in a run of buckets.
type ask struct {
	p           *place
	m           *measurement
	name        string
	columns     []int32
	slots       []int32         // ascending by bucket
	first, last int64           // buckets
	window      point.TimeRange // to which their times are cut
	rules       string          // conditions on tags
	extra       bool            // what the target has in other buckets counts, too
}

// span gives the times that are asked for.
func (a *ask) span() point.TimeRange {
	return spanWithin(a.first, a.last, a.m.width, a.window)
}

// part is the ask for some of its buckets.
func (a *ask) part(first, last int64) ask {
	b := *a
	b.first, b.last = first, last
	from, _ := slices.BinarySearchFunc(a.slots, first, func(s int32, b int64) int { return cmp.Compare(a.m.buckets[s], b) })
	n := 0
	for from+n < len(a.slots) && a.m.buckets[a.slots[from+n]] <= last {
		n++
	}
	b.slots = a.slots[from : from+n : from+n]
	return b
}

// halves cuts an ask of several buckets in two. Where nothing else is asked for, buckets
// between those of the input are left out.
func (a *ask) halves() []ask {
	if a.extra || len(a.slots) < 2 {
		mid := a.first + int64(apart(a.first, a.last)/2) //nolint:gosec // half of the distance
		return []ask{a.part(a.first, mid), a.part(mid+1, a.last)}
	}
	half := len(a.slots) / 2
	return []ask{
		a.part(a.m.buckets[a.slots[0]], a.m.buckets[a.slots[half-1]]),
		a.part(a.m.buckets[a.slots[half]], a.m.buckets[a.slots[len(a.slots)-1]]),
	}
}

// apart gives the parts of an ask that reaches an end of time, which is to be asked for
// alone, or nil where it does not.
func (a *ask) apart() (parts []ask) {
	first, last := a.first, a.last
	if _, edge := spanOf(first, a.m.width); edge && (len(a.slots) > 0 || apart(first, last) < askBuckets) {
		parts = append(parts, a.part(first, first))
		first++
	}
	if _, edge := spanOf(last, a.m.width); edge && first < last && (len(a.slots) > 0 || apart(first, last) < askBuckets) {
		return append(parts, a.part(first, last-1), a.part(last, last))
	}
	if parts != nil {
		parts = append(parts, a.part(first, last))
	}
	return parts
}

// plan gives the queries for the columns of a measurement. With all set they ask for every
// bucket of the window, else for those of the input.
func (v *comparison) plan(p *place, m *measurement, columns []int32) []ask {
	var out []ask
	base := ask{p: p, m: m, name: nameOf(m), window: v.window(p), rules: v.rules, extra: v.opts.Extra}
	for len(columns) > 0 {
		n := fieldsOfAsk(m, columns)
		base.columns = columns[:n:n]
		columns = columns[n:]
		var runs []ask
		for slots := m.sortedSlots(base.columns); len(slots) > 0; {
			k := m.bucketsOfAsk(base.columns, slots)
			a := base
			a.slots = slots[:k:k]
			a.first, a.last = m.buckets[slots[0]], m.buckets[slots[k-1]]
			runs = append(runs, a)
			slots = slots[k:]
		}
		if v.opts.Extra {
			runs = base.withGaps(runs)
		}
		out = append(out, runs...)
	}
	return out
}

// withGaps puts what lies between runs of the window's buckets between them.
func (a *ask) withGaps(runs []ask) []ask {
	if a.window.Empty() {
		return runs
	}
	var out []ask
	next, end := bucketOf(a.window.Min, a.m.width), bucketOf(a.window.Max, a.m.width)
	gap := func(last int64) {
		if next <= last {
			g := *a
			g.first, g.last = next, last
			out = append(out, g)
		}
	}
	for _, r := range runs {
		if next < r.first && apart(next, r.first) <= askGap && apart(next, r.last) < askBuckets {
			r.first = next
		}
		gap(r.first - 1)
		out = append(out, r)
		next = r.last + 1
	}
	if n := len(out); n > 0 && next <= end && apart(next, end) < askGap && apart(out[n-1].first, end) < askBuckets {
		out[n-1].last = end
		return out
	}
	gap(end)
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
