// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

const target = "m,t=2#!~#f" // the column that is damaged

// damaged is a file to be damaged, with neighbours of the target on both sides.
type damaged struct {
	file []byte
	l    *shardtest.Layout
	k    shardtest.KeyPlace   // the target
	b    shardtest.BlockPlace // its first block
	last shardtest.KeyPlace
	want shardtest.Contents
	kind point.Kind
}

func newDamaged(t *testing.T, kind point.Kind) *damaged {
	t.Helper()
	d := &damaged{want: shardtest.Contents{}, kind: kind}
	f := shardtest.TSM{PerBlock: 4}
	for _, key := range []string{"m,t=1#!~#f", target, "m,t=3#!~#f", "z#!~#f"} {
		run := shardtest.Sample(kind, 1600000000e9, 10)
		f.Add(key, run)
		d.want.Set(shardtest.Column{Key: key, Run: run})
	}
	d.file = f.Bytes()
	d.l = layout(t, d.file)
	d.k, _ = d.l.Key(target)
	d.b, d.last = d.k.Blocks[0], d.l.Keys[len(d.l.Keys)-1]
	return d
}

func (d *damaged) patch(s shardtest.Span, with ...byte) []byte {
	return shardtest.Patch(d.file, s.Offset, with)
}

// lose takes the first block of the target, or all of a column, out of what is wanted.
func (d *damaged) lose(key string, window point.TimeRange) { d.want.Delete(key, window) }

func (d *damaged) loseBlock() { d.lose(target, point.TimeRange{Min: d.b.Min, Max: d.b.Max}) }

func (d *damaged) loseAll() { d.want = shardtest.Contents{} }

// rebuilt is the file with another first block of the target, its checksum right.
func (d *damaged) rebuilt(body []byte) []byte {
	f := shardtest.TSM{PerBlock: 4}
	for _, k := range d.l.Keys {
		for i, b := range k.Blocks {
			old := slices.Concat(b.Type.Of(d.file), b.TimesLength.Of(d.file), b.Times.Of(d.file), b.Values.Of(d.file))
			if k.Key == target && i == 0 {
				old = body
			}
			f.AddRaw(k.Key, shardtest.RawBlock{Kind: k.Kind, Min: b.Min, Max: b.Max, Body: old})
		}
	}
	return f.Bytes()
}

func be64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

// damages gives, by name, damaged files; each takes what is lost out of d.want.
// The number says how many faults are wanted, -1 that any will do.
var damages = map[string]func(d *damaged) ([]byte, int){
	"zero length":              func(d *damaged) ([]byte, int) { d.loseAll(); return nil, 1 },
	"header cut":               func(d *damaged) ([]byte, int) { d.loseAll(); return d.file[:3], -1 },
	"header only":              func(d *damaged) ([]byte, int) { d.loseAll(); return d.file[:5], -1 },
	"bad magic":                func(d *damaged) ([]byte, int) { return d.patch(d.l.Header, 0, 0, 0, 0), 1 },
	"bad version":              func(d *damaged) ([]byte, int) { return shardtest.Patch(d.file, 4, []byte{2}), 1 },
	"blocks only":              func(d *damaged) ([]byte, int) { d.loseAll(); return d.file[:d.l.Index.Offset], -1 },
	"footer missing":           func(d *damaged) ([]byte, int) { return d.file[:d.l.Footer.Offset], 1 },
	"footer of zeros":          func(d *damaged) ([]byte, int) { return d.patch(d.l.Footer, be64(0)...), 1 },
	"footer outside":           func(d *damaged) ([]byte, int) { return d.patch(d.l.Footer, be64(1<<40)...), 1 },
	"footer of ones":           func(d *damaged) ([]byte, int) { return d.patch(d.l.Footer, be64(math.MaxUint64)...), 1 },
	"footer to itself":         func(d *damaged) ([]byte, int) { return d.patch(d.l.Footer, be64(uint64(d.l.Footer.Offset))...), 1 },
	"footer to a block":        func(d *damaged) ([]byte, int) { return d.patch(d.l.Footer, be64(uint64(d.b.Offset))...), 1 },
	"footer to next record":    func(d *damaged) ([]byte, int) { return d.patch(d.l.Footer, be64(uint64(d.k.Offset))...), 1 },
	"zeros behind the footer":  func(d *damaged) ([]byte, int) { return append(bytes.Clone(d.file), make([]byte, 100)...), 1 },
	"a byte behind the footer": func(d *damaged) ([]byte, int) { return append(bytes.Clone(d.file), 1), 1 },
	"the end of the file twice": func(d *damaged) ([]byte, int) {
		return append(bytes.Clone(d.file), d.file[d.last.Offset:]...), 1
	},
	"index cut": func(d *damaged) ([]byte, int) {
		d.lose("z#!~#f", point.AllTime)
		return d.file[:d.last.Offset+20], -1
	},
	"index cut between records": func(d *damaged) ([]byte, int) {
		d.lose("z#!~#f", point.AllTime)
		return d.file[:d.last.Offset], -1
	},
	"index of zeros": func(d *damaged) ([]byte, int) {
		d.loseAll()
		return d.patch(d.l.Index, make([]byte, d.l.Index.Size)...), -1
	},
	"index of ones": func(d *damaged) ([]byte, int) {
		d.loseAll()
		return d.patch(d.l.Index, bytes.Repeat([]byte{0xff}, int(d.l.Index.Size))...), -1
	},
	"record of zeros": func(d *damaged) ([]byte, int) {
		d.lose(target, point.AllTime)
		return d.patch(d.k.Span, make([]byte, d.k.Size)...), -1
	},
	"key length 0":     func(d *damaged) ([]byte, int) { return d.patch(d.k.KeyLength, 0, 0), 1 },
	"key length 65535": func(d *damaged) ([]byte, int) { return d.patch(d.k.KeyLength, 0xff, 0xff), 1 },
	"count 0":          func(d *damaged) ([]byte, int) { return d.patch(d.k.Count, 0, 0), 1 },
	"count 1":          func(d *damaged) ([]byte, int) { return d.patch(d.k.Count, 0, 1), 1 },
	"count 65535":      func(d *damaged) ([]byte, int) { return d.patch(d.k.Count, 0xff, 0xff), 1 },
	"last count 1":     func(d *damaged) ([]byte, int) { return d.patch(d.last.Count, 0, 1), 1 },
	"entry past end":   func(d *damaged) ([]byte, int) { return shardtest.Patch(d.file, d.b.Entry.Offset+16, be64(1<<40)), 1 },
	"entry at -1": func(d *damaged) ([]byte, int) {
		return shardtest.Patch(d.file, d.b.Entry.Offset+16, be64(math.MaxUint64)), 1
	},
	"entry in header": func(d *damaged) ([]byte, int) { return shardtest.Patch(d.file, d.b.Entry.Offset+16, be64(0)), 1 },
	"entry at a neighbour's": func(d *damaged) ([]byte, int) {
		return shardtest.Patch(d.file, d.b.Entry.Offset+16, be64(uint64(d.last.Blocks[0].Offset))), 1
	},
	"block size 0": func(d *damaged) ([]byte, int) {
		return shardtest.Patch(d.file, d.b.Entry.Offset+24, make([]byte, 4)), 1
	},
	"block size huge": func(d *damaged) ([]byte, int) {
		return shardtest.Patch(d.file, d.b.Entry.Offset+24, []byte{255, 255, 255, 255}), 1
	},
	"last block size 1": func(d *damaged) ([]byte, int) { return d.patch(shardtest.Span{Offset: d.l.Footer.Offset - 1}, 9), 1 },
	"times swapped": func(d *damaged) ([]byte, int) {
		return d.patch(d.b.Entry, slices.Concat(be64(uint64(d.b.Max)), be64(uint64(d.b.Min)))...), 1
	},
	"times of another": func(d *damaged) ([]byte, int) {
		return d.patch(d.b.Entry, slices.Concat(be64(0), be64(math.MaxInt64))...), -1
	},
	"index type 9":        func(d *damaged) ([]byte, int) { return d.patch(d.k.Type, 9), -1 },
	"index type of other": func(d *damaged) ([]byte, int) { return d.patch(d.k.Type, byte(d.kind+1)%5), 1 },
	"checksum":            func(d *damaged) ([]byte, int) { d.loseBlock(); return shardtest.Flip(d.file, d.b.Checksum.Offset*8), 1 },
	"block of zeros":      func(d *damaged) ([]byte, int) { d.loseBlock(); return d.patch(d.b.Span, make([]byte, d.b.Size)...), 1 },
	"two blocks of zeros": func(d *damaged) ([]byte, int) {
		d.loseBlock()
		b := d.k.Blocks[1]
		d.lose(target, point.TimeRange{Min: b.Min, Max: b.Max})
		return d.patch(d.b.Span, make([]byte, d.b.Size+b.Size)...), 2
	},
	"block type 9": func(d *damaged) ([]byte, int) {
		d.loseBlock()
		return shardtest.Reseal(d.patch(d.b.Type, 9), d.b), 1
	},
	"block type of other": func(d *damaged) ([]byte, int) {
		d.loseBlock()
		return shardtest.Reseal(d.patch(d.b.Type, byte(d.kind+1)%5), d.b), -1
	},
	"times longer than the block": func(d *damaged) ([]byte, int) {
		d.loseBlock()
		return shardtest.Reseal(d.patch(d.b.TimesLength, 0x7f), d.b), 1
	},
	"times length without end": func(d *damaged) ([]byte, int) {
		d.loseBlock()
		return d.rebuilt(bytes.Repeat([]byte{0xff}, 30)), 1
	},
	"times of unknown encoding": func(d *damaged) ([]byte, int) {
		d.loseBlock()
		return shardtest.Reseal(d.patch(d.b.Times, 0xf0), d.b), 1
	},
	"values cut":          func(d *damaged) ([]byte, int) { d.loseBlock(); return d.rebuilt(d.body(4, 4, -1)), 1 },
	"values missing":      func(d *damaged) ([]byte, int) { d.loseBlock(); return d.rebuilt(d.body(4, 4, -1<<20)), 1 },
	"fewer values":        func(d *damaged) ([]byte, int) { d.loseBlock(); return d.rebuilt(d.body(4, 3, 0)), 1 },
	"more values":         func(d *damaged) ([]byte, int) { d.loseBlock(); return d.rebuilt(d.body(4, 5, 0)), 1 },
	"values without time": func(d *damaged) ([]byte, int) { d.loseBlock(); return d.rebuilt(d.body(0, 4, 0)), 1 },
	"empty block":         func(d *damaged) ([]byte, int) { d.loseBlock(); return d.rebuilt(d.body(0, 0, 0)), 1 },
	"type byte alone":     func(d *damaged) ([]byte, int) { d.loseBlock(); return d.rebuilt([]byte{byte(d.kind), 0}), 1 },
	"claims 2^40 times": func(d *damaged) ([]byte, int) {
		d.loseBlock()
		section := binary.AppendUvarint(append([]byte{0x20}, make([]byte, 9)...), 1<<40)
		return d.rebuilt(slices.Concat([]byte{byte(d.kind), byte(len(section))}, section, d.b.Values.Of(d.file))), 1
	},
	"other times than the index": func(d *damaged) ([]byte, int) {
		d.loseBlock()
		run := shardtest.Sample(d.kind, 1500000000e9, 4)
		d.want.Set(shardtest.Column{Key: target, Run: run})
		return d.rebuilt(shardtest.AppendBlock(nil, run, shardtest.Encoding{})), 1
	},
}

// body is a block body of so many times and values, the values cut by some bytes.
func (d *damaged) body(times, values, cut int) []byte {
	run := shardtest.Sample(d.kind, 1600000000e9, max(times, values))
	section := shardtest.AppendTimes(nil, run.Times[:times], shardtest.Auto)
	v := shardtest.AppendValues(nil, run.Slice(0, values), shardtest.Encoding{Ints: shardtest.Packed})
	if d.kind == point.Float && cut < 0 {
		cut -= 8 // the last bytes of floats are padding
	}
	return slices.Concat([]byte{byte(d.kind), byte(len(section))}, section, v[:max(0, len(v)+cut)])
}

// Each class of damage, for every kind of value: what is lost is the smallest unit, is
// reported, and everything else is there.
func TestDamage(t *testing.T) {
	for name, damage := range damages {
		for kind := range point.Kind(point.NumKinds) {
			t.Run(fmt.Sprint(name, "/", kind), func(t *testing.T) {
				d := newDamaged(t, kind)
				whole := d.want.Values()
				file, faults := damage(d)
				for _, limits := range []tsmreader.Limits{{}, {Values: 1, Rows: 3}, {Values: 6, Rows: 2}} {
					s := tsmreader.OpenMemory(tsmreader.Options{}, tsmreader.Bytes(file))
					s.Lower(limits)
					got := read(t, s, 1)
					got.want(t, d.want)
					if len(got.faults) == 0 || faults > 0 && len(got.faults) != faults {
						t.Errorf("want %d faults:\n%s", faults, faultText(got.faults))
					}
					if lost := d.want.Values() < whole; lost != (len(got.lost()) > 0) {
						t.Errorf("lost %v:\n%s", lost, faultText(got.faults))
					}
					checkPlaces(t, got.faults, int64(len(file)))
				}
			})
		}
	}
}

// checkPlaces wants every fault to lie inside its file.
func checkPlaces(t *testing.T, faults []tsmreader.Fault, size int64) {
	t.Helper()
	for _, f := range faults {
		if f.Offset < -1 || f.Size < 0 || f.Offset+f.Size > max(size, 5) || f.File == "" || f.Part == "" {
			t.Errorf("fault %+v of a file of %d bytes", f, size)
		}
	}
}

// Keys out of order or twice: what cannot be trusted is left out, each with its fault.
func TestDisorder(t *testing.T) {
	cases := map[string]struct {
		keys []string
		want []string
	}{
		"one too high":         {[]string{"a", "z", "c", "d"}, []string{"a", "c", "d"}},
		"one too low":          {[]string{"b", "c", "a", "d"}, []string{"b", "c", "d"}},
		"either of two":        {[]string{"a", "d", "c", "e"}, []string{"a", "e"}},
		"twice":                {[]string{"a", "b", "b", "c"}, []string{"a", "c"}},
		"three times":          {[]string{"a", "b", "b", "b", "c"}, []string{"a", "c"}},
		"last two disordered":  {[]string{"a", "c", "b"}, []string{"a"}},
		"first two disordered": {[]string{"b", "a", "c", "d"}, []string{"c", "d"}},
		"backwards":            {[]string{"d", "c", "b", "a"}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := shardtest.TSM{AsAdded: true}
			want := shardtest.Contents{}
			for i, k := range c.keys {
				run := ints(int64(i), 1, 2)
				f.Add(fmt.Sprintf("%d#!~#f", i), run)
				if slices.Contains(c.want, k) {
					want.Set(shardtest.Column{Key: k + "#!~#f", Run: run})
				}
			}
			file := f.Bytes()
			for i, k := range layout(t, file).Keys {
				copy(k.Name.Of(file), c.keys[i])
			}
			got := readAllMemory(t, file)
			got.want(t, want)
			named := map[string]bool{}
			for _, f := range got.lost() {
				named[f.Key] = true
			}
			for _, k := range c.keys {
				if !slices.Contains(c.want, k) && !named[k+"#!~#f"] {
					t.Errorf("%q is not reported:\n%s", k, faultText(got.faults))
				}
			}
		})
	}
}

func readAllMemory(t *testing.T, files ...[]byte) *result {
	t.Helper()
	return read(t, tsmreader.OpenMemory(tsmreader.Options{}, tsmreader.Bytes(files...)), math.MaxInt64)
}

// A block that reaches further than the index says overlaps the next one. Both are
// merged, the later one wins; with one slot for all columns the overlap is lost, and
// reported.
func TestReachesIntoNext(t *testing.T) {
	for kind := range point.Kind(point.NumKinds) {
		d := newDamaged(t, kind)
		run := shardtest.Sample(kind, 1600000005e9, 6) // the next block starts at ...40
		want := within(d.want, point.TimeRange{})
		want.Delete(target, point.TimeRange{Min: d.b.Min, Max: d.b.Max})
		later := want[target]
		delete(want, target)
		want.Set(shardtest.Column{Key: target, Run: run})
		maps.Copy(want[target], later)
		file := d.rebuilt(shardtest.AppendBlock(nil, run, shardtest.Encoding{}))
		for _, limits := range []tsmreader.Limits{{}, {Rows: 2, FewRows: 1}} {
			s := tsmreader.OpenMemory(tsmreader.Options{}, tsmreader.Bytes(file))
			s.Lower(limits)
			got := read(t, s, 1)
			got.want(t, want)
			got.wantFaults(t, "other times than the block holds")
		}
		s := tsmreader.OpenMemory(tsmreader.Options{}, tsmreader.Bytes(file))
		s.Lower(tsmreader.Limits{Values: 1})
		got := read(t, s, 1)
		if len(got.lost()) != 1 || got.lost()[0].Range != (point.TimeRange{Min: 1600000040e9, Max: 1600000050e9}) {
			t.Errorf("faults:\n%s", faultText(got.faults))
		}
	}
}
