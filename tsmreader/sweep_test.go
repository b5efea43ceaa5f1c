// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// sweepFile is a small file that holds all kinds, records of one and of several blocks,
// and columns that share their times as well as some that do not.
func sweepFile(shuffle uint64) (file, fields []byte, want shardtest.Contents) {
	f := shardtest.TSM{PerBlock: 3, Shuffle: shuffle}
	want = shardtest.Contents{}
	times := shardtest.Every(1600000000e9, 10e9, 7)
	add := func(key string, run shardtest.Run) {
		f.Add(key, run)
		want.Set(shardtest.Column{Key: key, Run: run})
	}
	add("cpu,host=a#!~#f", shardtest.Floats(times, 1, 2.5, 2.5, 4, 0.1, -6, 7))
	add("cpu,host=a#!~#i", shardtest.Ints(times, 1, 2, 3, 4, 5, 6, 700))
	add("cpu,host=b#!~#f", shardtest.Floats(times[:2], 1, 2))
	add("cpu,host=b#!~#u", shardtest.Uints(times[1:3], 1, 1<<63))
	add("mem,host=a#!~#b", shardtest.Bools(times[:5], true, false, true, true, false))
	add("mem,host=a#!~#s", shardtest.Strings(times[2:6], "", "one", "one and one and one and one", "three"))
	add("mem,host=c#!~#s", shardtest.Strings(times[:1], "x"))
	fields = shardtest.FieldsIndex(
		shardtest.MeasurementFields{Name: "cpu", Fields: []shardtest.Field{{Name: "f", Kind: point.Float}, {Name: "i", Kind: point.Integer}, {Name: "u", Kind: point.Unsigned}}},
		shardtest.MeasurementFields{Name: "mem", Fields: []shardtest.Field{{Name: "b", Kind: point.Boolean}, {Name: "s", Kind: point.String}}},
	)
	return f.Bytes(), fields, want
}

func layout(t testing.TB, file []byte) *shardtest.Layout {
	t.Helper()
	l, err := shardtest.LayoutOf(file)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// class says what of a file a byte belongs to.
func class(l *shardtest.Layout, at int64) (name string, key shardtest.KeyPlace, block shardtest.BlockPlace) {
	if l.Header.Contains(at) {
		return "header", key, block
	}
	if l.Footer.Contains(at) {
		return "footer", key, block
	}
	if b, ok := l.BlockAt(at); ok {
		return "block", key, b
	}
	for _, k := range l.Keys {
		if !k.Contains(at) {
			continue
		}
		switch {
		case k.KeyLength.Contains(at):
			return "key length", k, block
		case k.Name.Contains(at):
			return "key", k, block
		case k.Type.Contains(at):
			return "type", k, block
		case k.Count.Contains(at):
			return "count", k, block
		}
		for _, b := range k.Blocks {
			if !b.Entry.Contains(at) {
				continue
			}
			switch at := at - b.Entry.Offset; {
			case at < 16:
				return "times", k, b
			case at < 24:
				return "offset", k, b
			default:
				return "size", k, b
			}
		}
	}
	return "nothing", key, block
}

// Every bit of a TSM file, and what may come of it.
func TestFlipsOfTSM(t *testing.T) {
	for name, shuffle := range map[string]uint64{"as written": 0, "blocks shuffled": 3} {
		file, fields, want := sweepFile(shuffle)
		l := layout(t, file)
		for _, listed := range []bool{false, true} {
			if shuffle != 0 && !listed {
				continue // tells nothing more
			}
			t.Run(fmt.Sprint(name, ", fields.idx ", listed), func(t *testing.T) {
				silent, classes := 0, map[string]int{}
				for bit := range int64(len(file)) * 8 {
					m := tsmreader.Bytes(shardtest.Flip(file, bit))
					if listed {
						m.Fields = fields
					}
					got := read(t, tsmreader.OpenMemory(tsmreader.Options{}, m), 1)
					part, key, block := class(l, bit/8)
					classes[part]++
					if checkFlip(t, got, want, part, key, block, listed, shuffle != 0) {
						silent++
					}
					if t.Failed() {
						t.Fatalf("bit %d of byte %d: %s of %q%q\nfaults:\n%s", bit%8, bit/8, part, key.Key, block.Key, faultText(got.faults))
					}
				}
				t.Logf("%d bits by class: %v; %d rename a series and nothing can tell", len(file)*8, classes, silent)
			})
		}
	}
}

// checkFlip compares what came out with what one flipped bit may cost.
func checkFlip(t *testing.T, got *result, want shardtest.Contents, part string, key shardtest.KeyPlace, block shardtest.BlockPlace, listed, shuffled bool) (silent bool) {
	t.Helper()
	switch part {
	case "block":
		left := within(want, point.TimeRange{})
		left.Delete(block.Key, point.TimeRange{Min: block.Min, Max: block.Max})
		got.want(t, left)
		if len(got.faults) != 1 {
			t.Error("want one fault")
			return false
		}
		f := got.faults[0]
		if f.Part != "block" || f.Offset != block.Offset || f.Size != block.Size || f.Key != block.Key || !f.Lost ||
			f.Range != (point.TimeRange{Min: block.Min, Max: block.Max}) {
			t.Errorf("fault %+v", f)
		}
	case "header", "footer", "type", "key length", "count", "times", "offset", "size":
		if shuffled && (part == "offset" || part == "size") {
			// Where blocks lie in any order nothing tells where the lost one is.
			left := within(want, point.TimeRange{})
			left.Delete(block.Key, point.TimeRange{Min: block.Min, Max: block.Max})
			if len(got.contents[block.Key]) < len(want[block.Key]) {
				got.want(t, left)
				if len(got.lost()) == 0 {
					t.Error("lost in silence")
				}
				return false
			}
		}
		got.want(t, want)
		if len(got.faults) == 0 || len(got.lost()) > 0 {
			t.Error("want faults, and nothing lost")
		}
	case "key":
		return checkRenamed(t, got, want, key.Key, listed)
	default:
		t.Errorf("byte of %s", part)
	}
	return false
}

// checkRenamed is for a flipped bit of a key: the column may come with another name, or
// it and its neighbour are left out, each with a fault.
func checkRenamed(t *testing.T, got *result, want shardtest.Contents, key string, listed bool) (silent bool) {
	t.Helper()
	missing := 0
	for k := range want {
		if len(got.contents[k]) == len(want[k]) {
			continue
		}
		missing++
		named := false
		for _, f := range got.lost() {
			named = named || f.Key == k
		}
		if k != key && !named {
			t.Errorf("column %q is lost and not reported", k)
		}
	}
	if missing > 2 || missing == 0 {
		t.Errorf("%d columns are missing", missing)
	}
	for k := range got.contents {
		if want[k] != nil {
			continue
		}
		// A new name: it holds what the old one held.
		if len(got.contents[k]) != len(want[key]) {
			t.Errorf("column %q of %d values", k, len(got.contents[k]))
		}
		series, _, _ := strings.Cut(key, "#!~#")
		measurement, _, _ := strings.Cut(series, ",")
		tagChanged := strings.HasPrefix(k, measurement+",") && strings.HasSuffix(k, key[len(series):])
		if len(got.faults) == 0 && listed && !tagChanged {
			t.Errorf("column %q is not reported", k)
		}
	}
	return len(got.faults) == 0
}

// Random bits of random files, of up to some hundred columns.
func TestFlipsOfRandomTSM(t *testing.T) {
	for seed := uint64(1); seed <= 40; seed++ {
		choose := shardtest.Seeded(seed)
		f := shardtest.TSM{PerBlock: 1 + choose(4)}
		want := shardtest.Contents{}
		var list []shardtest.MeasurementFields
		for m := range 1 + choose(3) {
			fields := shardtest.MeasurementFields{Name: fmt.Sprintf("m%d", m)}
			for i := range 1 + choose(8) {
				fields.Fields = append(fields.Fields, shardtest.Field{Name: strings.Repeat("field", choose(60)) + fmt.Sprint(i), Kind: point.Kind(choose(point.NumKinds))})
			}
			for s := range 1 + choose(8) {
				times := shardtest.Every(int64(choose(5))*1e9, int64(1+choose(3))*1e9, 1+choose(12))
				for _, field := range fields.Fields {
					run := shardtest.Run{}
					for _, at := range times[choose(len(times)):] {
						v := shardtest.Value{Kind: field.Kind, Bits: uint64(choose(2))}
						if field.Kind == point.String {
							v = shardtest.Value{Kind: field.Kind, Text: fmt.Sprint(choose(1000))}
						}
						run.Append(at, v)
					}
					key := shardtest.Key(fmt.Sprintf("%s,tag=%d", fields.Name, s), field.Name)
					f.Add(key, run)
					want.Set(shardtest.Column{Key: key, Run: run})
				}
			}
			list = append(list, fields)
		}
		file, fields := f.Bytes(), shardtest.FieldsIndex(list...)
		l := layout(t, file)
		for range 60 {
			at := l.Index.Offset + int64(choose(int(l.Footer.End()-l.Index.Offset)))
			bit := at*8 + int64(choose(8))
			m := tsmreader.Bytes(shardtest.Flip(file, bit))
			m.Fields = fields
			got := read(t, tsmreader.OpenMemory(tsmreader.Options{}, m), 1)
			part, key, block := class(l, at)
			checkFlip(t, got, want, part, key, block, true, false)
			if t.Failed() {
				t.Fatalf("seed %d, %d columns, bit %d of byte %d: %s of %q%q\nfaults:\n%s", seed, len(want), bit%8, at, part, key.Key, block.Key, faultText(got.faults))
			}
		}
	}
}
