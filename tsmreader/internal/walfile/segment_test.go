// SPDX-License-Identifier: Apache-2.0

package walfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

func segment(b []byte) Segment {
	return Segment{Path: "_00001.wal", R: bytes.NewReader(b), Size: int64(len(b))}
}

// entry is one that was read, as text.
type entry struct {
	offset int64
	text   string
}

func readAll(t testing.TB, seg Segment, salvage bool) ([]entry, []fault.Fault) {
	t.Helper()
	r := Reader{Salvage: salvage}
	r.Reset(seg)
	var out []entry
	for r.Next() {
		e := entry{offset: r.Offset()}
		var err error
		if r.Type() == Write {
			err = r.EachWrite(func(v Values) {
				e.text += fmt.Sprintf("%q %v", v.Key, v.Kind)
				if v.Kind == point.String {
					v.Strings(func(t int64, s []byte) { e.text += fmt.Sprintf(" %d=%q", t, s) })
				} else {
					v.Numbers(func(t int64, bits uint64) { e.text += fmt.Sprintf(" %d=%x", t, bits) })
				}
				e.text += "\n"
			})
		} else {
			err = r.EachDelete(func(key []byte, w point.TimeRange) { e.text += fmt.Sprintf("delete %q %d %d\n", key, w.Min, w.Max) })
		}
		if err != nil {
			t.Errorf("entry at %d: %v", e.offset, err)
		}
		out = append(out, e)
	}
	if r.Next() {
		t.Error("goes on behind its end")
	}
	return out, r.Faults()
}

// sample is a segment with every type of entry and value.
func sample() *shardtest.WAL {
	var w shardtest.WAL
	at := []int64{30, 10, 20}
	w.Write(shardtest.Column{Key: "m,t=1#!~#f", Run: shardtest.Floats(at, 3, 1, 2)}, shardtest.Column{Key: "m,t=1#!~#i", Run: shardtest.Ints(at, -1, 0, 1)})
	w.Write(shardtest.Column{Key: "m,t=1#!~#s", Run: shardtest.Strings(at, "", "some text", "\x00")})
	w.DeleteRange(10, 20, "m,t=1#!~#f", "m,t=1#!~#i")
	w.Delete("m,t=1#!~#s", "other#!~#s")
	w.Write(shardtest.Column{Key: "m,t=2#!~#b", Run: shardtest.Bools(at, true, false, true)}, shardtest.Column{Key: "m,t=2#!~#u", Run: shardtest.Uints(at, 1, 2, 1<<63)})
	return &w
}

func TestSample(t *testing.T) {
	w := sample()
	got, faults := readAll(t, segment(w.Bytes()), false)
	var want []entry
	for i, text := range []string{
		"\"m,t=1#!~#f\" float 30=4008000000000000 10=3ff0000000000000 20=4000000000000000\n\"m,t=1#!~#i\" integer 30=ffffffffffffffff 10=0 20=1\n",
		"\"m,t=1#!~#s\" string 30=\"\" 10=\"some text\" 20=\"\\x00\"\n",
		"delete \"m,t=1#!~#f\" 10 20\ndelete \"m,t=1#!~#i\" 10 20\n",
		"delete \"m,t=1#!~#s\" -9223372036854775808 9223372036854775807\ndelete \"other#!~#s\" -9223372036854775808 9223372036854775807\n",
		"\"m,t=2#!~#b\" boolean 30=1 10=0 20=1\n\"m,t=2#!~#u\" unsigned 30=1 10=2 20=8000000000000000\n",
	} {
		want = append(want, entry{w.Entries()[i].Offset, text})
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(entry{})); diff != "" || len(faults) > 0 {
		t.Errorf("faults %v (-want +got):\n%s", faults, diff)
	}
}

// raw makes an entry of any type and body.
func raw(typ byte, body []byte) []byte {
	var w shardtest.WAL
	w.Raw(typ, body)
	return w.Bytes()
}

func be(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = append(b, p...)
		case int:
			b = append(b, byte(p))
		default:
			b, _ = binary.Append(b, binary.BigEndian, p)
		}
	}
	return b
}

// Bodies that the engine takes for damage, and some that it does not.
func TestBodies(t *testing.T) {
	const key = "m#!~#f"
	n := uint16(len(key))
	cases := map[string]struct {
		typ  byte
		body []byte
		want error // nil: the entry is good
	}{
		"write of nothing":            {1, nil, nil},
		"write, type only":            {1, be(1), errBody},
		"write, unknown type":         {1, be(6, n, key, uint32(1), int64(1), int64(1)), errValue},
		"write, type 0":               {1, be(0, n, key, uint32(1), int64(1), int64(1)), errValue},
		"write, key longer than body": {1, be(1, uint16(65535), key), errBody},
		"write, no count":             {1, be(1, n, key, 0), errBody},
		"write, count 0":              {1, be(1, n, key, uint32(0)), errBody},
		"write, count of 2^32-1":      {1, be(1, n, key, uint32(1<<32-1), int64(1), int64(1)), errBody},
		"write, booleans of 2^32-1":   {1, be(3, n, key, uint32(1<<32-1), int64(1), 1), errBody},
		"write, strings of 2^32-1":    {1, be(4, n, key, uint32(1<<32-1), int64(1), uint32(0)), errBody},
		"write, string of 2^32-1":     {1, be(4, n, key, uint32(1), int64(1), uint32(1<<32-1), "x"), errBody},
		"write, value cut":            {1, be(1, n, key, uint32(1), int64(1), uint32(1)), errBody},
		"write, second column cut":    {1, be(1, n, key, uint32(1), int64(1), int64(1), 2), errBody},
		"write, empty key":            {1, be(1, uint16(0), uint32(1), int64(1), int64(1)), nil},
		"write, boolean of 7":         {1, be(3, n, key, uint32(1), int64(1), 7), nil},
		"delete of nothing":           {2, nil, nil},
		"delete of empty keys":        {2, []byte("\n\n"), nil},
		"range, cut window":           {3, be(int64(1)), errBody},
		"range without keys":          {3, be(int64(1), int64(2)), nil},
		"range, key length cut":       {3, be(int64(1), int64(2), 0, 0), errBody},
		"range, key of 2^32-1":        {3, be(int64(1), int64(2), uint32(1<<32-1), key), errBody},
		"range ends before it starts": {3, be(int64(2), int64(1), uint32(n), key), nil},
	}
	good := raw(2, []byte("good#!~#f"))
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, faults := readAll(t, segment(slices.Concat(good, raw(c.typ, c.body), good)), false)
			if c.want == nil {
				if len(got) != 3 || len(faults) != 0 {
					t.Errorf("%d entries, faults %v", len(got), faults)
				}
				return
			}
			if len(got) != 1 || len(faults) != 1 || !errors.Is(&faults[0], c.want) || !errors.Is(&faults[0], ErrDamage) {
				t.Errorf("%d entries, faults %v", len(got), faults)
			}
			if got, _ := readAll(t, segment(slices.Concat(good, raw(c.typ, c.body), good)), true); len(got) != 2 {
				t.Errorf("%d entries salvaged", len(got))
			}
		})
	}
}

// Tails that a crash leaves behind the last good entry.
func TestTails(t *testing.T) {
	w := sample()
	end := int64(len(w.Bytes()))
	last := w.Entries()[1].Of(w.Bytes())
	cases := map[string][]byte{
		"one byte": {1}, "header only": {1, 0, 0, 0, 9}, "64 zeros": make([]byte, 64), "a megabyte of zeros": make([]byte, 1<<20),
		"entry without its last byte": last[:len(last)-1], "unknown type": {9, 0, 0, 0, 1, 0, 0}, "length of 4 GiB": {1, 0xff, 0xff, 0xff, 0xff, 0, 0},
		"not snappy": {1, 0, 0, 0, 3, 0xff, 0xff, 0xff}, "snappy of 4 GiB": {1, 0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff, 0x0f, 0},
	}
	for name, tail := range cases {
		t.Run(name, func(t *testing.T) {
			for _, salvage := range []bool{false, true} {
				got, faults := readAll(t, segment(append(w.Bytes(), tail...)), salvage)
				if len(got) != 5 || len(faults) != 1 || !errors.Is(&faults[0], ErrTorn) {
					t.Fatalf("%d entries, faults %v", len(got), faults)
				}
				if f := faults[0]; f.Offset != end || f.Size != int64(len(tail)) || !f.Lost || f.Part != fault.WAL || f.File != "_00001.wal" {
					t.Errorf("fault %+v", f)
				}
			}
		})
	}
}

// Every bit of a segment. Nothing checks the values, so a flip may change what its own
// entry holds; the other entries stay as they are, or the segment ends there as it does
// for the engine, with a fault at just that place. Salvaged, only that entry is missing.
func TestFlips(t *testing.T) {
	w := sample()
	all, _ := readAll(t, segment(w.Bytes()), false)
	silent := 0
	for bit := range int64(len(w.Bytes())) * 8 {
		at := slices.IndexFunc(w.Entries(), func(s shardtest.Span) bool { return s.Contains(bit / 8) })
		for _, salvage := range []bool{false, true} {
			got, faults := readAll(t, segment(shardtest.Flip(w.Bytes(), bit)), salvage)
			want := slices.Clone(all)
			switch {
			case len(faults) == 0:
				silent++
				if len(got) == len(all) {
					want[at] = got[at]
				}
			case salvage:
				want = slices.Delete(want, at, at+1)
			default:
				want = want[:at]
			}
			if !slices.Equal(got, want) {
				t.Fatalf("bit %d, salvage %v: %v, faults %v", bit, salvage, got, faults)
			}
			if len(faults) > 0 && (len(faults) != 1 || faults[0].Offset != all[at].offset || !faults[0].Lost) {
				t.Fatalf("bit %d, salvage %v: faults %v", bit, salvage, faults)
			}
		}
	}
	t.Logf("%d of %d flips change a value, a key or a time and nothing can tell", silent/2, len(w.Bytes())*8)
}

// Every length.
func TestTruncations(t *testing.T) {
	w := sample()
	all, _ := readAll(t, segment(w.Bytes()), false)
	for n := range int64(len(w.Bytes())) {
		whole, torn := 0, n != 0
		for _, e := range w.Entries() {
			if e.End() <= n {
				whole++
			}
			torn = torn && e.End() != n
		}
		got, faults := readAll(t, segment(w.Bytes()[:n]), n%2 == 0)
		if !slices.Equal(got, all[:whole]) || torn != (len(faults) == 1) || len(faults) > 1 {
			t.Errorf("%d bytes: %v, faults %v", n, got, faults)
		}
		if Whole(segment(w.Bytes()[:n])) == torn {
			t.Errorf("%d bytes: Whole = %v", n, !torn)
		}
	}
}

// badReader fails where a disk has a bad sector.
type badReader struct {
	b        []byte
	from, to int64
}

var errDisk = errors.New("input/output error")

func (r *badReader) ReadAt(p []byte, off int64) (int, error) {
	if off < r.to && off+int64(len(p)) > r.from {
		return 0, errDisk
	}
	return bytes.NewReader(r.b).ReadAt(p, off)
}

// An unreadable sector ends the segment; salvaged, the entries on both of its sides are there.
func TestReadErrors(t *testing.T) {
	var w shardtest.WAL
	for i := range 2000 {
		w.Write(shardtest.Column{Key: fmt.Sprintf("m,t=%d#!~#f", i), Run: shardtest.Ints([]int64{int64(i)}, 1)})
	}
	r := &badReader{w.Bytes(), 3 * 4096, 4 * 4096}
	before, hit := 0, 0
	for _, e := range w.Entries() {
		if e.End() <= r.from {
			before++
		} else if e.Offset < r.to {
			hit++
		}
	}
	seg := Segment{Path: "x", R: r, Size: int64(len(r.b))}
	got, faults := readAll(t, seg, false)
	if len(got) != before || len(faults) != 1 || !errors.Is(&faults[0], errDisk) {
		t.Errorf("%d entries, want %d; faults %v", len(got), before, faults)
	}
	got, faults = readAll(t, seg, true)
	if len(got) != 2000-hit || len(faults) != 1 {
		t.Errorf("%d entries salvaged, want %d; faults %v", len(got), 2000-hit, faults)
	}
	r.to = int64(len(r.b))
	if got, faults = readAll(t, seg, true); len(got) != before || len(faults) != 1 || errors.Is(&faults[0], ErrTorn) {
		t.Errorf("%d entries, want %d; faults %v", len(got), before, faults)
	}
}

// Segments that claim much hold no more memory than their size allows, and a search
// among things that look like entries ends.
func TestHostile(t *testing.T) {
	fake := append([]byte{1, 0, 8, 0, 0}, strings.Repeat("\x01\x00\x08\x00\x00", 1<<17)...)
	cases := map[string][]byte{
		"entry of 4 GiB":              {1, 0xff, 0xff, 0xff, 0xff},
		"starts of entries":           fake,
		"snappy that holds 4 GiB":     slices.Concat([]byte{1, 0, 0, 0, 9}, binary.AppendUvarint(nil, 1<<32-1), make([]byte, 4)),
		"a million values in 9 bytes": raw(1, be(3, uint16(1), "k", uint32(1<<20), int64(1), 1)),
		"empty deletes":               raw(2, bytes.Repeat([]byte{'\n'}, 1<<20)),
	}
	for name, b := range cases {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, faults := readAll(t, segment(b), true)
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(64*len(b)+1<<20) {
				t.Errorf("%d bytes allocated for %d", grown, len(b))
			}
			if name != "empty deletes" && len(faults) == 0 {
				t.Error("no fault")
			}
		})
	}
}

func TestNoAllocations(t *testing.T) {
	seg := segment(sample().Bytes())
	var r Reader
	sum := uint64(0)
	run := func() {
		r.Reset(seg)
		for r.Next() {
			if r.Type() == Write {
				_ = r.EachWrite(func(v Values) { v.Times(func(t int64) { sum += uint64(t) }) })
			}
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(sample().Bytes(), false)
	f.Add(sample().Bytes(), true)
	f.Add(append(sample().Bytes(), make([]byte, 64)...), true)
	f.Add(raw(1, be(4, uint16(1), "k", uint32(1<<32-1))), true)
	f.Add([]byte{3, 0, 0, 0, 2, 0, 0}, true)
	f.Fuzz(func(t *testing.T, b []byte, salvage bool) {
		got, faults := readAll(t, segment(b), salvage)
		end := int64(-1)
		for _, e := range got {
			if e.offset <= end || e.offset+headerSize > int64(len(b)) {
				t.Errorf("entry at %d behind %d", e.offset, end)
			}
			end = e.offset
		}
		for _, f := range faults {
			if f.Offset < 0 || f.Size <= 0 || f.Offset+f.Size > int64(len(b)) || !f.Lost {
				t.Errorf("fault %+v", f)
			}
		}
		if !salvage && len(faults) > 1 {
			t.Errorf("faults %v", faults)
		}
	})
}
