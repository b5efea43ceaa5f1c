// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/point"
)

// tsmFile is a TSM file with its tombstones.
type tsmFile struct {
	generation, sequence int
	columns              []Column
	family               Family
	tombstones           [][]Tombstone // by delete
	version              int           // of the tombstone file
}

// Save writes the shard as it lies on the disk now: TSM files, tombstones, WAL segments
// and fields.idx. The shard should have no files yet.
func (h *History) Save(s *Shard) {
	s.volume.t.Helper()
	for _, f := range h.files {
		file := TSM{PerBlock: h.PerBlock, Shuffle: h.Shuffle, Encoding: Encoding{Family: f.family}}
		for _, c := range f.columns {
			file.Add(c.Key, c.Run)
		}
		s.TSM(f.generation, f.sequence, &file)
		if len(f.tombstones) > 0 {
			s.Tombstone(f.generation, f.sequence, f.tombstoneFile())
		}
	}
	for _, seg := range h.segments {
		s.WAL(seg.number, &seg.wal)
	}
	if len(h.kinds) > 0 {
		s.Fields(h.fields()...)
	}
}

// setKind notes the type of a column for fields.idx, under the name that the engine's
// index gives the measurement.
func (h *History) setKind(w Write) {
	measurement, _ := point.SplitSeries([]byte(w.Series))
	name := indexName.Replace(string(measurement))
	if h.kinds[name] == nil {
		h.kinds[name] = map[string]point.Kind{}
	}
	h.kinds[name][w.Field] = w.Kind
}

var indexName = strings.NewReplacer(`\,`, `,`, `\"`, `"`, `\ `, ` `, `\=`, `=`)

func (h *History) fields() []MeasurementFields {
	var all []MeasurementFields
	for _, name := range slices.Sorted(maps.Keys(h.kinds)) {
		m := MeasurementFields{Name: name}
		for _, field := range slices.Sorted(maps.Keys(h.kinds[name])) {
			m.Fields = append(m.Fields, Field{field, h.kinds[name][field]})
		}
		all = append(all, m)
	}
	return all
}

// parts gives contents as columns, in lists of at most KeysPerFile.
func (h *History) parts(c Contents) [][]Column {
	columns := c.Columns()
	return slices.Collect(slices.Chunk(columns, cmp.Or(h.KeysPerFile, len(columns), 1)))
}

// alive gives the file's values without those under its tombstones.
func (f *tsmFile) alive() []Column {
	values := Contents{}
	values.Set(f.columns...)
	for _, t := range slices.Concat(f.tombstones...) {
		values.Delete(t.Key, point.TimeRange{Min: t.Min, Max: t.Max})
	}
	return values.Columns()
}

func (f *tsmFile) keys() []string {
	var keys []string
	for _, c := range f.columns {
		keys = append(keys, c.Key)
	}
	return keys
}

// delete notes a delete of those of the file's keys, unless the file's times lie outside.
func (f *tsmFile) delete(keys []string, window point.TimeRange, version int) {
	times := point.NoTime
	for _, c := range f.columns {
		times = times.Union(c.Range())
	}
	if len(keys) == 0 || !times.Overlaps(window) {
		return
	}
	var entries []Tombstone
	for _, key := range keys {
		entries = append(entries, Tombstone{key, window.Min, window.Max})
	}
	if len(f.tombstones) == 0 {
		f.version = version
	}
	f.tombstones = append(f.tombstones, entries)
}

// tombstoneFile gives the bytes of the file's tombstones. What version 1 cannot say
// is said in version 3, as engines do that find an old file.
func (f *tsmFile) tombstoneFile() []byte {
	all := slices.Concat(f.tombstones...)
	switch f.version {
	case 1:
		var keys []string
		for _, t := range all {
			if t != WholeColumn(t.Key) || strings.Contains(t.Key, "\n") {
				return TombstoneV3(all...)
			}
			keys = append(keys, t.Key)
		}
		return TombstoneV1(keys...)
	case 2:
		return TombstoneV2(all...)
	case 3:
		return TombstoneV3(all...)
	default:
		return TombstoneV4(f.tombstones...)
	}
}
