// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"math"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// FuzzShard reads a whole shard of two TSM files, the tombstones of one, a segment and
// fields.idx: no panic, no hang, order and uniqueness whatever the bytes are, no value
// outside the window, and the same again in every way of reading.
func FuzzShard(f *testing.F) {
	file, fields, _ := sweepFile(0)
	shuffled, _, _ := sweepFile(3)
	var other shardtest.TSM
	other.Add("cpu,host=a#!~#f", shardtest.Floats([]int64{1600000000e9, 1600000005e9}, 9, 8))
	var w shardtest.WAL
	w.Write(shardtest.Column{Key: "cpu,host=a#!~#i", Run: ints(50, 1600000000e9, 1600000015e9)})
	w.DeleteRange(1600000010e9, 1600000020e9, "cpu,host=a#!~#i")
	stones := shardtest.TombstoneV4([]shardtest.Tombstone{{Key: "cpu,host=a#!~#f", Min: 1600000020e9, Max: 1600000030e9}})
	f.Add(file, other.Bytes(), stones, w.Bytes(), fields, uint8(0))
	f.Add(shuffled, []byte{}, shardtest.TombstoneV1("mem,host=a#!~#b"), []byte{}, []byte{}, uint8(3))
	f.Add(other.Bytes(), file, []byte{}, w.Bytes(), fields, uint8(7))
	f.Fuzz(func(t *testing.T, a, b, stones, wal, fields []byte, how uint8) {
		m := tsmreader.Bytes(a, b)
		m.Tombstones = [][]byte{stones}
		m.WAL = [][]byte{wal}
		if len(fields) > 0 {
			m.Fields = fields
		}
		opts := tsmreader.Options{Salvage: how&1 != 0}
		first := read(t, tsmreader.OpenMemory(opts, m), math.MaxInt64)
		for _, fault := range first.faults {
			if fault.Offset < -1 || fault.Size < 0 || fault.File == "" || fault.Part == "" || fault.Err == nil {
				t.Errorf("fault %+v", fault)
			}
		}
		if first.contents.Values() > 1<<16 {
			return // a run of a million times is legal, and slow to read in small steps
		}
		opts.Memory = []int64{1, 300, 0}[how%3]
		s := tsmreader.OpenMemory(opts, m)
		s.Lower(lows[int(how)%len(lows)])
		again := read(t, s, int64(how))
		if len(first.lost()) == 0 && len(again.lost()) == 0 {
			again.want(t, first.contents)
		}
		window := point.TimeRange{Min: 1600000005e9, Max: 1600000035e9}
		opts.Window = window
		inside := read(t, tsmreader.OpenMemory(opts, m), int64(how))
		for key, values := range inside.contents {
			for at := range values {
				if !window.Contains(at) {
					t.Errorf("%q at %d", key, at)
				}
			}
		}
	})
}
