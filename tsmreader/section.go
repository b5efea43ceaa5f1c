// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"sort"

	"github.com/shardlift/shardlift/point"
)

// Section is a stretch of a shard's keys together with the WAL values and tombstones
// that belong to it, in memory. Most shards are one section; one whose WAL does not
// fit its memory is several, one after the other.
type Section struct {
	shard  *Shard
	over   *overlay
	faults []Fault
}

// Range is a run of whole series, to be read by one cursor.
type Range struct {
	From string // lowest composite key
	To   string // first key beyond; "" is the end of the shard
	// Window is what times to give of those that Options.Window lets through; the zero value
	// is all of them.
	Window point.TimeRange
}

// Section loads the section that starts at from; the first starts at "".
func (s *Shard) Section(from string) (*Section, error) {
	over, faults := s.load(from)
	return &Section{shard: s, over: over, faults: faults}, nil
}

// Next gives where the next section starts; ok is false for the last.
func (sec *Section) Next() (from string, ok bool) { return sec.over.to, sec.over.to != "" }

// Faults gives what was wrong in the WAL and the tombstones. What is wrong with a
// file comes with the first section, what is wrong with a column with its own.
func (sec *Section) Faults() []Fault { return sec.faults }

// LogCounts count what a shard's WAL and tombstones hold.
type LogCounts struct {
	Entries    int64 // of the WAL, as far as they can be read
	Values     int64 // that they write
	Deletes    int64 // that they say, key by key
	Tombstones int64 // deletes that tombstones say, key by key
}

// Counts gives what was read for the section: all of the WAL and the tombstones, whatever
// part of the keys it holds.
func (sec *Section) Counts() LogCounts { return sec.over.counts }

// LogRange is the window of the section's WAL values.
func (sec *Section) LogRange() point.TimeRange {
	r := point.NoTime
	for _, t := range sec.over.logs {
		for _, k := range t.keys {
			times := t.columns[k].times
			r = r.Union(point.TimeRange{Min: times[0], Max: times[len(times)-1]})
		}
	}
	return r
}

// Ranges cuts the section into runs of series of about weight bytes of blocks each.
// The cuts depend on the files only, not on how they are read.
func (sec *Section) Ranges(weight int64) []Range {
	type cut struct {
		key    string
		weight int64
	}
	var cuts []cut
	inside := func(key string) bool { return key >= sec.over.from && (sec.over.to == "" || key < sec.over.to) }
	for _, r := range sec.shard.replicas {
		for _, f := range r.files {
			for _, m := range f.Marks {
				if inside(m.Key) {
					cuts = append(cuts, cut{m.Key, m.Weight})
				}
			}
		}
	}
	for _, t := range sec.over.logs {
		for i, k := range t.keys {
			if i%64 == 0 {
				w := int64(0)
				for _, k := range t.keys[i:min(i+64, len(t.keys))] {
					w += int64(len(t.columns[k].times)) * 8
				}
				cuts = append(cuts, cut{k, w})
			}
		}
	}
	sort.Slice(cuts, func(i, j int) bool {
		if cuts[i].key != cuts[j].key {
			return cuts[i].key < cuts[j].key
		}
		return cuts[i].weight < cuts[j].weight
	})
	out := []Range{{From: sec.over.from}}
	sum := int64(0)
	for _, c := range cuts {
		if start := seriesStart(c.key); sum >= weight && start > out[len(out)-1].From {
			out[len(out)-1].To = start
			out = append(out, Range{From: start})
			sum = 0
		}
		sum += c.weight
	}
	out[len(out)-1].To = sec.over.to
	return out
}

// measurementFields resolves series keys against fields.idx, remembering the last
// measurement.
type measurementFields struct {
	set    fieldSet
	last   []byte
	fields map[string]point.Kind
}

// find looks the measurement of series up.
func (m *measurementFields) find(series []byte) map[string]point.Kind {
	name, _ := point.SplitSeries(series)
	if m.last == nil || string(m.last) != string(name) {
		m.last = append(m.last[:0], name...)
		if m.last == nil {
			m.last = []byte{}
		}
		m.fields = m.set.of(name)
	}
	return m.fields
}
