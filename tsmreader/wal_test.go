// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// col makes a column of integers.
func col(key string, from int64, times ...int64) shardtest.Column {
	return shardtest.Column{Key: key + "#!~#f", Run: ints(from, times...)}
}

// What the WAL's entries do, in order, to what the files hold.
func TestWALReplay(t *testing.T) {
	all := point.AllTime
	cases := map[string]struct {
		file     []shardtest.Column
		segments []func(w *shardtest.WAL)
		want     []shardtest.Column
	}{
		"newer than the file": {
			file:     []shardtest.Column{col("m", 1, 10, 20)},
			segments: []func(*shardtest.WAL){func(w *shardtest.WAL) { w.Write(col("m", 5, 20, 30)) }},
			want:     []shardtest.Column{col("m", 1, 10), col("m", 5, 20, 30)},
		},
		"last write wins": {
			segments: []func(*shardtest.WAL){func(w *shardtest.WAL) {
				w.Write(col("m", 1, 30, 10, 30, 20))
				w.Write(col("m", 9, 10))
			}},
			want: []shardtest.Column{col("m", 3, 30, 20), col("m", 9, 10)},
		},
		"delete before a write": {
			segments: []func(*shardtest.WAL){func(w *shardtest.WAL) {
				w.DeleteRange(all.Min, all.Max, "m#!~#f")
				w.Write(col("m", 1, 10))
			}},
			want: []shardtest.Column{col("m", 1, 10)},
		},
		"delete after a write": {
			segments: []func(*shardtest.WAL){func(w *shardtest.WAL) {
				w.Write(col("m", 1, 10, 20), col("n", 1, 10))
				w.DeleteRange(20, 20, "m#!~#f")
				w.Delete("n#!~#f")
			}},
			want: []shardtest.Column{col("m", 1, 10)},
		},
		"delete in a later segment": {
			segments: []func(*shardtest.WAL){
				func(w *shardtest.WAL) { w.Write(col("m", 1, 10, 20)) },
				func(*shardtest.WAL) {},
				func(w *shardtest.WAL) { w.DeleteRange(0, 15, "m#!~#f") },
			},
			want: []shardtest.Column{col("m", 2, 20)},
		},
		"delete leaves files alone": {
			file:     []shardtest.Column{col("m", 1, 10, 20)},
			segments: []func(*shardtest.WAL){func(w *shardtest.WAL) { w.Delete("m#!~#f") }},
			want:     []shardtest.Column{col("m", 1, 10, 20)},
		},
		"delete of what is not there": {
			segments: []func(*shardtest.WAL){func(w *shardtest.WAL) {
				w.Delete("x#!~#f", "y")
				w.DeleteRange(2, 1, "m#!~#f")
				w.Write(col("m", 1, 1))
			}},
			want: []shardtest.Column{col("m", 1, 1)},
		},
		"other type after a delete": {
			segments: []func(*shardtest.WAL){func(w *shardtest.WAL) {
				w.Write(shardtest.Column{Key: "m#!~#f", Run: shardtest.Strings([]int64{1, 2}, "a", "b")})
				w.DeleteRange(0, 5, "m#!~#f")
				w.Write(col("m", 1, 3))
			}},
			want: []shardtest.Column{col("m", 1, 3)},
		},
		"a key twice in an entry": {
			segments: []func(*shardtest.WAL){func(w *shardtest.WAL) {
				w.Write(col("m", 1, 1))
				w.Write(col("m", 10, 2, 3), col("m", 20, 3, 4))
			}},
			want: []shardtest.Column{col("m", 1, 1), col("m", 20, 3, 4)},
		},
		"a key twice in an entry, of two types": {
			segments: []func(*shardtest.WAL){func(w *shardtest.WAL) {
				w.Write(shardtest.Column{Key: "m#!~#f", Run: shardtest.Floats([]int64{1}, 1)}, col("m", 20, 3))
			}},
			want: []shardtest.Column{col("m", 20, 3)},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := shardOf(t)
			var f shardtest.TSM
			for _, column := range c.file {
				f.Add(column.Key, column.Run)
			}
			if len(c.file) > 0 {
				s.TSM(1, 1, &f)
			}
			for i, fill := range c.segments {
				var w shardtest.WAL
				fill(&w)
				s.WAL(3+2*i, &w) // numbers may be missing
			}
			got := readAll(t, tsmreader.Options{}, source(s))
			got.want(t, contents(c.want...))
			got.sound(t)
		})
	}
}

// Segments go by number, not by name.
func TestSegmentOrder(t *testing.T) {
	s := shardOf(t)
	for i, number := range []int{2, 10, 99999, 100000, 100001} {
		var w shardtest.WAL
		w.Write(col("m", int64(i), 10))
		s.WAL(number, &w)
	}
	got := readAll(t, tsmreader.Options{}, source(s))
	got.want(t, contents(col("m", 4, 10)))
}

// A bad entry ends its segment, as it does for the engine; the next segment is read.
// Salvaged, the entries behind it count as well.
func TestDamagedSegments(t *testing.T) {
	snappyOf := func(typ byte, body []byte) func(*shardtest.WAL) { return func(w *shardtest.WAL) { w.Raw(typ, body) } }
	raw := func(b ...byte) func(*shardtest.WAL) { return func(w *shardtest.WAL) { w.Tail(b) } }
	cases := map[string]struct {
		bad     func(*shardtest.WAL)
		salvage bool // whether what stands behind can be
	}{
		"unknown type":     {snappyOf(7, []byte("x")), true},
		"bad snappy":       {raw(1, 0, 0, 0, 3, 0xff, 0xff, 0xff), true},
		"length too large": {raw(1, 0, 0, 0xff, 0, 1, 2), true},
		"zeros":            {raw(make([]byte, 40)...), true},
		"value type 9":     {snappyOf(1, append(binary.BigEndian.AppendUint16([]byte{9}, 6), "m#!~#f\x00\x00\x00\x01"...)), true},
		"no values":        {snappyOf(1, append(binary.BigEndian.AppendUint16([]byte{1}, 6), "m#!~#f\x00\x00\x00\x00"...)), true},
		"cut delete":       {snappyOf(3, []byte{1, 2, 3}), true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var before, after, next shardtest.WAL
			before.Write(col("m", 1, 10))
			end := int64(len(before.Bytes()))
			c.bad(&before)
			after.Write(col("m", 2, 20), col("n", 2, 20))
			after.DeleteRange(0, 15, "m#!~#f")
			before.Tail(after.Bytes())
			next.Write(col("m", 3, 30))
			m := tsmreader.Memory{WAL: [][]byte{before.Bytes(), next.Bytes()}}
			got := read(t, tsmreader.OpenMemory(tsmreader.Options{}, m), 1)
			got.want(t, contents(col("m", 1, 10), col("m", 3, 30)))
			if len(got.faults) != 1 || got.faults[0].Offset != end || !got.faults[0].Lost || got.faults[0].File != "_00001.wal" {
				t.Errorf("faults:\n%s", faultText(got.faults))
			}
			got = read(t, tsmreader.OpenMemory(tsmreader.Options{Salvage: true}, m), 1)
			got.want(t, contents(col("m", 2, 20), col("n", 2, 20), col("m", 3, 30)))
			if len(got.faults) != 1 || got.faults[0].Offset != end {
				t.Errorf("faults:\n%s", faultText(got.faults))
			}
		})
	}
}

// Every bit of a segment: no other entry's values are touched in silence.
func TestFlipsOfWAL(t *testing.T) {
	var w shardtest.WAL
	want := shardtest.Contents{}
	for i := range 5 {
		c := shardtest.Column{Key: fmt.Sprintf("m,t=%d#!~#f", i), Run: shardtest.Sample(point.Kind(i), 0, 3)}
		w.Write(c)
		want.Set(c)
	}
	spans := w.Entries()
	for bit := range int64(len(w.Bytes())) * 8 {
		at := slices.IndexFunc(spans, func(s shardtest.Span) bool { return s.Contains(bit / 8) })
		got := read(t, tsmreader.OpenMemory(tsmreader.Options{}, tsmreader.Memory{WAL: [][]byte{shardtest.Flip(w.Bytes(), bit)}}), 1)
		for i := range 5 {
			key := fmt.Sprintf("m,t=%d#!~#f", i)
			same := len(got.contents[key]) == 3
			for ts, v := range want[key] {
				same = same && got.contents[key][ts] == v
			}
			if !same && i != at && (i < at || len(got.lost()) == 0) {
				t.Fatalf("bit %d of entry %d changes %q: %v\n%s", bit, at, key, got.contents[key], faultText(got.faults))
			}
		}
	}
}

// Tombstones bind to their file; a file without one, and one without a file, do nothing.
func TestTombstones(t *testing.T) {
	key := "m#!~#f"
	f := func(from int64) *shardtest.TSM {
		var f shardtest.TSM
		f.Add(key, ints(from, 10, 20, 30, 40))
		return &f
	}
	cases := map[string]struct {
		stones map[string][]byte
		want   []shardtest.Column
		lost   int
	}{
		"of the older file":     {map[string][]byte{shardtest.TombstoneName(1, 1): shardtest.TombstoneV4([]shardtest.Tombstone{shardtest.WholeColumn(key)})}, []shardtest.Column{col("m", 11, 10, 20, 30, 40)}, 0},
		"of the newer file":     {map[string][]byte{shardtest.TombstoneName(2, 1): shardtest.TombstoneV1(key)}, []shardtest.Column{col("m", 1, 10, 20, 30, 40)}, 0},
		"part of the newer":     {map[string][]byte{shardtest.TombstoneName(2, 1): shardtest.TombstoneV3(shardtest.Tombstone{Key: key, Min: 15, Max: 30})}, []shardtest.Column{col("m", 11, 10), col("m", 2, 20, 30), col("m", 14, 40)}, 0},
		"overlapping windows":   {map[string][]byte{shardtest.TombstoneName(2, 1): shardtest.TombstoneV2(shardtest.Tombstone{Key: key, Min: 30, Max: 50}, shardtest.Tombstone{Key: key, Min: 10, Max: 20}, shardtest.Tombstone{Key: key, Min: 12, Max: 35}), shardtest.TombstoneName(1, 1): shardtest.TombstoneV1(key)}, nil, 0},
		"of no file":            {map[string][]byte{shardtest.TombstoneName(3, 1): shardtest.TombstoneV1(key), shardtest.TombstoneName(1, 2): shardtest.TombstoneV1(key)}, []shardtest.Column{col("m", 11, 10, 20, 30, 40)}, 0},
		"of another key":        {map[string][]byte{shardtest.TombstoneName(2, 1): shardtest.TombstoneV1("m#!~#g", "m", "m#!~#")}, []shardtest.Column{col("m", 11, 10, 20, 30, 40)}, 1},
		"in another form":       {map[string][]byte{"000000002-000000001.tmb": shardtest.TombstoneV1(key)}, []shardtest.Column{col("m", 11, 10, 20, 30, 40)}, 0},
		"being written":         {map[string][]byte{shardtest.TombstoneName(2, 1) + ".tmp": shardtest.TombstoneV1(key), "tombstone123": shardtest.TombstoneV1(key)}, []shardtest.Column{col("m", 11, 10, 20, 30, 40)}, 0},
		"cut in its compressed": {map[string][]byte{shardtest.TombstoneName(2, 1): shardtest.Chop(shardtest.TombstoneV4([]shardtest.Tombstone{shardtest.WholeColumn(key)}), 30)}, []shardtest.Column{col("m", 11, 10, 20, 30, 40)}, 1},
	}
	for name, c := range cases {
		for _, limits := range []tsmreader.Limits{{}, {Chains: 1, Rows: 1}} {
			t.Run(name, func(t *testing.T) {
				s := shardOf(t)
				s.TSM(1, 1, f(1))
				s.TSM(2, 1, f(11))
				for file, b := range c.stones {
					s.DataFile(file, b)
				}
				shard := open(t, tsmreader.Options{Memory: 1}, source(s))
				defer closeShard(t, shard)
				shard.Lower(limits)
				got := read(t, shard, 1)
				got.want(t, contents(c.want...))
				if len(got.faults) != c.lost || len(got.lost()) != c.lost {
					t.Errorf("faults:\n%s", faultText(got.faults))
				}
			})
		}
	}
}
