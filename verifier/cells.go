// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"hash/maphash"
	"math"
	"slices"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
)

// class is a group of value kinds that a query counts together.
type class uint8

const (
	number class = iota // float, integer, unsigned
	text
	boolean
	numClasses
)

// casts are the types that a query names for them. Any numeric type counts all numbers.
var casts = [numClasses]string{number: "float", text: "string", boolean: "boolean"}

// words are for people.
var words = [numClasses]string{number: "number", text: "string", boolean: "boolean"}

// classOf goes by the first byte of a value, as a server does.
func classOf(c byte) class {
	switch {
	case c == '"':
		return text
	case c >= '0' && c <= '9' || c == '-' || c == '.':
		return number
	}
	return boolean
}

// What things take, in units of a cell.
const (
	measurementUnits = 16
	columnUnits      = 8
	bytesPerUnit     = 16
)

// cell counts the values of one column in one bucket. Of sent, loose may repeat others.
type cell struct{ sent, loose int64 }

// column is one field of a measurement, as far as its values have one class.
type column struct {
	raw   string // field key as written
	class class
	hash  uint64 // of the field key
	line  uint64 // that was counted last
	cells []cell // by slot of the measurement

	// With digests:
	sums  []uint64              // by slot: of the hashes of all values
	kinds [point.NumKinds]int64 // how many values have which type
}

// name is the field key as it is stored.
func (c *column) name() string { return lineprotocol.UnescapeField([]byte(c.raw)) }

// measurement counts what is under one name. Buckets have slots in the order in which
// they were first met.
type measurement struct {
	raw     string // as written
	width   int64  // of a bucket, in nanoseconds
	buckets []int64
	slots   map[int64]int32 // by bucket; nil while there are few
	span    point.TimeRange // of the bucket met last
	slot    int32           // of the same
	columns []column
	index   [numClasses]map[string]int32 // columns by field key as written

	counts, rows fit // of queries for either

	forgot  bool // excluded points that could not be remembered
	crowded bool // the target does not take so many series at a time, however short the time
}

// place is a database and policy on the target.
type place struct {
	database, policy string
	hash             uint64
	width            int64
	span             point.TimeRange         // of all points
	measurements     map[string]*measurement // by name as written
}

// bucketOf gives the bucket of a time: the one that GROUP BY time() puts it into.
func bucketOf(time, width int64) int64 {
	b := time / width
	if time%width < 0 {
		b--
	}
	return b
}

// spanOf gives a bucket's times. edge says that it reaches the end of all time.
func spanOf(bucket, width int64) (span point.TimeRange, edge bool) {
	span = point.TimeRange{Min: point.MinTime, Max: point.MaxTime}
	if bucket > bucketOf(point.MinTime, width) {
		span.Min = bucket * width
	}
	if bucket < bucketOf(point.MaxTime, width) {
		span.Max = bucket*width + (width - 1)
	}
	return span, span.Min == point.MinTime || span.Max == point.MaxTime
}

// spanWithin gives the times of a run of buckets, as far as they lie in a window.
func spanWithin(first, last, width int64, window point.TimeRange) point.TimeRange {
	from, _ := spanOf(first, width)
	to, _ := spanOf(last, width)
	return point.TimeRange{Min: from.Min, Max: to.Max}.Intersect(window)
}

const fewBuckets = 8

// find gives the slot of the bucket that holds a time, or -1.
func (m *measurement) find(time int64) int32 {
	if m.span.Contains(time) {
		return m.slot
	}
	b := bucketOf(time, m.width)
	slot := int32(-1)
	if m.slots == nil {
		slot = int32(slices.Index(m.buckets, b)) //nolint:gosec // few buckets
	} else if s, ok := m.slots[b]; ok {
		slot = s
	}
	if slot >= 0 {
		m.span, _ = spanOf(b, m.width)
		m.slot = slot
	}
	return slot
}

// locate is find that makes a slot where there is none.
func (m *measurement) locate(time int64) int32 {
	if slot := m.find(time); slot >= 0 {
		return slot
	}
	b := bucketOf(time, m.width)
	m.slot = int32(len(m.buckets)) //nolint:gosec // cells are limited
	m.buckets = append(m.buckets, b)
	m.span, _ = spanOf(b, m.width)
	m.indexBuckets()
	return m.slot
}

// indexBuckets adds what the map of slots lacks.
func (m *measurement) indexBuckets() {
	if len(m.buckets) <= fewBuckets {
		return
	}
	if m.slots == nil {
		m.slots = make(map[int64]int32, 2*fewBuckets)
	}
	for s := len(m.slots); s < len(m.buckets); s++ {
		m.slots[m.buckets[s]] = int32(s) //nolint:gosec // cells are limited
	}
}

// lookup gives the column of a field key as written, or -1.
func (m *measurement) lookup(raw []byte, class class) int32 {
	if i, ok := m.index[class][string(raw)]; ok {
		return i
	}
	return -1
}

// addColumn makes a column, unless the field has one under another spelling.
func (m *measurement) addColumn(seed maphash.Seed, raw []byte, class class) (i int32, fresh bool) {
	name := lineprotocol.UnescapeField(raw)
	if m.index[class] == nil {
		m.index[class] = map[string]int32{}
	}
	i = m.otherSpelling(raw, class)
	if fresh = i < 0; fresh {
		i = int32(len(m.columns)) //nolint:gosec // columns are limited
		m.columns = append(m.columns, column{raw: string(raw), class: class, hash: maphash.String(seed, name)})
	}
	m.index[class][string(raw)] = i
	return i, fresh
}

// otherSpelling finds the column of a field key that is written in another way, or -1. Only
// quotes leave a choice: they may stand with a backslash or without.
func (m *measurement) otherSpelling(raw []byte, class class) int32 {
	if bytes.IndexByte(raw, '"') < 0 {
		return -1
	}
	name := lineprotocol.UnescapeField(raw)
	return int32(slices.IndexFunc(m.columns, func(c column) bool { //nolint:gosec // columns are limited
		return c.class == class && c.name() == name
	}))
}

// cells counts those of all columns.
func (m *measurement) cells() int {
	n := 0
	for i := range m.columns {
		n += len(m.columns[i].cells)
	}
	return n
}

// widen makes buckets twice as wide, and reports whether it could.
func (m *measurement) widen() bool {
	if len(m.buckets) < 2 || m.width > math.MaxInt64/2 {
		return false
	}
	m.width *= 2
	old := m.buckets
	m.buckets, m.slots, m.span = nil, nil, point.NoTime
	moved := make([]int32, len(old))
	at := make(map[int64]int32, len(old)/2+1)
	for s, b := range old {
		to, ok := at[b>>1]
		if !ok {
			to = int32(len(m.buckets)) //nolint:gosec // fewer than before
			at[b>>1] = to
			m.buckets = append(m.buckets, b>>1)
		}
		moved[s] = to
	}
	m.indexBuckets()
	for i := range m.columns {
		c := &m.columns[i]
		var cells []cell
		var sums []uint64
		for s, old := range c.cells {
			if old == (cell{}) {
				continue
			}
			cells = reach(cells, moved[s])
			cells[moved[s]].sent += old.sent
			cells[moved[s]].loose += old.loose
			if c.sums != nil {
				sums = reach(sums, moved[s])
				sums[moved[s]] += c.sums[s]
			}
		}
		c.cells, c.sums = cells, sums
	}
	return true
}

// reach makes cells long enough for a slot.
func reach[T any](cells []T, slot int32) []T {
	if need := int(slot) + 1 - len(cells); need > 0 {
		cells = append(cells, make([]T, need)...)
	}
	return cells
}
