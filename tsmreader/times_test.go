// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"math"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// timesShard is a file with columns that share their times with a neighbour and
// others that do not, and a newer file that overlaps it.
func timesShard(t *testing.T) (older, newer []byte, want shardtest.Contents) {
	t.Helper()
	want = shardtest.Contents{}
	build := func(from int64, add int64) []byte {
		file := shardtest.TSM{PerBlock: 3}
		for key, n := range map[string]int64{"a#!~#f": 9, "a#!~#g": 9, "a#!~#h": 8, "b#!~#f": 9, "c#!~#f": 1, "d#!~#f": 2} {
			run := shardtest.Run{Kind: point.Integer}
			for i := range n {
				run.Append(from+10*i, shardtest.Value{Kind: point.Integer, Bits: uint64(add + i)})
			}
			file.Add(key, run)
			want.Set(shardtest.Column{Key: key, Run: run})
		}
		return file.Bytes()
	}
	return build(100, 1), build(165, 1000), want
}

// Every bit of the times in an index: the blocks' own times count. Nothing is lost and
// whatever was read is reported, whichever window was asked for.
func TestTimesOfIndexFlipped(t *testing.T) {
	older, newer, want := timesShard(t)
	l, err := shardtest.LayoutOf(older)
	if err != nil {
		t.Fatal(err)
	}
	windows := []point.TimeRange{
		{Min: 105, Max: 115},
		{Min: 120, Max: 130},
		{Min: 129, Max: 131},
		{Min: 140, Max: math.MaxInt64},
		{Min: math.MinInt64, Max: 110},
		{Min: 180, Max: 180},
		{Min: 100, Max: 100},
	}
	silent := 0
	for _, k := range l.Keys {
		for n, b := range k.Blocks {
			for bit := b.Entry.Offset * 8; bit < (b.Entry.Offset+16)*8; bit++ {
				damaged := tsmreader.Bytes(shardtest.Flip(older, bit), newer)
				for i, window := range []point.TimeRange{{}, windows[int(bit)%len(windows)]} {
					shard := tsmreader.OpenMemory(tsmreader.Options{Window: window}, damaged)
					if i == 0 {
						shard.Lower(lows[int(bit)%len(lows)])
					}
					got := read(t, shard, 1)
					got.want(t, within(want, window))
					if len(got.lost()) > 0 {
						t.Errorf("lost:\n%s", faultText(got.faults))
					}
					if i == 0 && len(got.faults) != 1 {
						t.Errorf("want one fault:\n%s", faultText(got.faults))
					}
					if len(got.faults) == 0 {
						silent++
					}
					if t.Failed() {
						t.Fatalf("%q, block %d, bit %d of its entry, window %v", k.Key, n, bit-b.Entry.Offset*8, window)
					}
				}
			}
		}
	}
	t.Logf("%d reads with windows did not touch the damage", silent)
}

// within gives what of c lies in the window; the zero window is all.
func within(c shardtest.Contents, window point.TimeRange) shardtest.Contents {
	out := shardtest.Contents{}
	for key, values := range c {
		for at, v := range values {
			if window != (point.TimeRange{}) && !window.Contains(at) {
				continue
			}
			if out[key] == nil {
				out[key] = map[int64]shardtest.Value{}
			}
			out[key][at] = v
		}
	}
	return out
}
