// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// hosts is a file of series with a column of every kind and two more, 5000 rows each.
func hosts(from int64) []byte {
	f := shardtest.TSM{}
	times := shardtest.Every(from, 10e9, 5000)
	for host := range 4 {
		for i, kind := range []point.Kind{point.Float, point.Integer, point.Boolean, point.String, point.Unsigned, point.Integer, point.Float} {
			run := shardtest.Sample(kind, from, len(times))
			f.Add(fmt.Sprintf("cpu,host=%d#!~#f%d", host, i), run)
		}
	}
	return f.Bytes()
}

// Once a cursor is warm it allocates nothing: no row, no batch, no series.
func TestNoAllocations(t *testing.T) {
	var w shardtest.WAL
	w.Write(shardtest.Column{Key: "cpu,host=1#!~#f1", Run: ints(1, 15e9, 25e9)})
	fields := shardtest.MeasurementFields{Name: "cpu"}
	for i, kind := range []point.Kind{point.Float, point.Integer, point.Boolean, point.String, point.Unsigned, point.Integer, point.Float} {
		fields.Fields = append(fields.Fields, shardtest.Field{Name: fmt.Sprintf("f%d", i), Kind: kind})
	}
	a, b, late := hosts(0), hosts(5e9), hosts(100_000e9)
	stones := shardtest.TombstoneV4([]shardtest.Tombstone{{Key: "cpu,host=2#!~#f3", Min: 1000e9, Max: 2000e9}})
	with := func(m tsmreader.Memory, more func(m *tsmreader.Memory)) tsmreader.Memory {
		m.Fields = shardtest.FieldsIndex(fields)
		if more != nil {
			more(&m)
		}
		return m
	}
	cases := map[string]struct {
		m      tsmreader.Memory
		opts   tsmreader.Options
		limits tsmreader.Limits
		rows   int
	}{
		"one file":                 {m: with(tsmreader.Bytes(a), nil), rows: 20_000},
		"files that follow":        {m: with(tsmreader.Bytes(a, late), nil), rows: 40_000},
		"files that overlap":       {m: with(tsmreader.Bytes(a, b), nil), rows: 40_000},
		"the same file twice":      {m: with(tsmreader.Bytes(a, a), nil), rows: 20_000},
		"with deletes":             {m: with(tsmreader.Bytes(a), func(m *tsmreader.Memory) { m.Tombstones = [][]byte{stones} }), rows: 20_000},
		"with a window":            {m: with(tsmreader.Bytes(a, b), nil), opts: tsmreader.Options{Window: point.TimeRange{Min: 1, Max: 30_000e9}}, rows: 24_000},
		"with a WAL":               {m: with(tsmreader.Bytes(a), func(m *tsmreader.Memory) { m.WAL = [][]byte{w.Bytes()} }), rows: 20_002},
		"too many columns to hold": {m: with(tsmreader.Bytes(a, b), nil), limits: tsmreader.Limits{Chains: 1}, rows: 40_000},
		"too many values to hold":  {m: with(tsmreader.Bytes(a, b), nil), limits: tsmreader.Limits{Values: 5000}, rows: 40_000},
		"entries a few at a time":  {m: with(tsmreader.Bytes(a, b), nil), limits: tsmreader.Limits{Entries: 2}, rows: 40_000},
		"without fields.idx":       {m: tsmreader.Bytes(a), rows: 20_000},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := tsmreader.OpenMemory(c.opts, c.m)
			s.Lower(c.limits)
			sec, err := s.Section("")
			if err != nil {
				t.Fatal(err)
			}
			rng := sec.Ranges(math.MaxInt64)[0]
			var cur *tsmreader.Cursor
			var batch point.Batch
			rows, batches := 0, 0
			ctx := t.Context()
			run := func() {
				rows, batches = 0, 0
				cur = sec.Cursor(rng, cur)
				for cur.Next(ctx) {
					for cur.Read(&batch) {
						rows += len(batch.Times)
						batches++
					}
				}
			}
			for range 3 {
				run()
			}
			if rows != c.rows || len(cur.Faults()) > 0 {
				t.Errorf("%d rows, want %d; faults:\n%s", rows, c.rows, faultText(cur.Faults()))
			}
			if n := testing.AllocsPerRun(5, run); n > 0 {
				t.Errorf("%v allocations for %d rows in %d batches", n, rows, batches)
			}
		})
	}
}
