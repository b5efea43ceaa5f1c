// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// Every length of a file. What its index still names is there; whatever is not is
// reported. Nothing is there that was not.
func TestTruncationsOfTSM(t *testing.T) {
	file, fields, want := sweepFile(0)
	l := layout(t, file)
	for n := range int64(len(file)) {
		m := tsmreader.Bytes(file[:n])
		m.Fields = fields
		got := read(t, tsmreader.OpenMemory(tsmreader.Options{}, m), math.MaxInt64)
		left := shardtest.Contents{}
		for _, k := range l.Keys {
			if k.End() <= n {
				left[k.Key] = want[k.Key]
			}
		}
		got.want(t, left)
		if lost := len(left) < len(want); len(got.faults) == 0 || lost != (len(got.lost()) > 0) {
			t.Errorf("lost %v:\n%s", lost, faultText(got.faults))
		}
		checkPlaces(t, got.faults, n)
		if t.Failed() {
			t.Fatalf("%d of %d bytes, index at %d", n, len(file), l.Index.Offset)
		}
	}
}

// A block that is damaged on one replica comes from the other, whichever is named
// first, and is reported. Where both are damaged it is lost.
func TestReplicaReplacesBlock(t *testing.T) {
	file, fields, want := sweepFile(0)
	replica := func(b []byte) tsmreader.Memory {
		m := tsmreader.Bytes(b)
		m.Fields = fields
		return m
	}
	for _, b := range layout(t, file).InFileOrder() {
		bad := shardtest.Flip(file, (b.Times.Offset+2)*8)
		for name, replicas := range map[string][]tsmreader.Memory{
			"first": {replica(bad), replica(file)}, "second": {replica(file), replica(bad)},
			"first of three": {replica(bad), replica(file), replica(file)},
		} {
			got := read(t, tsmreader.OpenMemory(tsmreader.Options{}, replicas...), 1)
			got.want(t, want)
			if len(got.faults) != 1 || got.faults[0].Offset != b.Offset || got.faults[0].Key != b.Key {
				t.Errorf("%s: block at %d:\n%s", name, b.Offset, faultText(got.faults))
			}
		}
		left := within(want, point.TimeRange{})
		left.Delete(b.Key, point.TimeRange{Min: b.Min, Max: b.Max})
		got := read(t, tsmreader.OpenMemory(tsmreader.Options{}, replica(bad), replica(bad)), 1)
		got.want(t, left)
		if len(got.lost()) != 2 {
			t.Errorf("block at %d of both:\n%s", b.Offset, faultText(got.faults))
		}
	}
}

// Every single flip on one of two replicas costs nothing at all, but for keys: a
// column may also come under the name that the flip made of it.
func TestReplicaReplacesAnything(t *testing.T) {
	file, fields, want := sweepFile(0)
	l := layout(t, file)
	whole := tsmreader.Bytes(file)
	whole.Fields = fields
	for bit := range int64(len(file)) * 8 {
		if bit%5 != 0 && !l.Index.Contains(bit/8) {
			continue
		}
		m := tsmreader.Bytes(shardtest.Flip(file, bit))
		got := read(t, tsmreader.OpenMemory(tsmreader.Options{}, m, whole), math.MaxInt64)
		for k := range got.contents {
			if want[k] == nil {
				delete(got.contents, k)
			}
		}
		got.want(t, want)
		if t.Failed() {
			t.Fatalf("bit %d\n%s", bit, faultText(got.faults))
		}
	}
}

// badReader fails where a disk has bad sectors.
type badReader struct {
	b      []byte
	bad    []shardtest.Span
	failed int // reads
}

var errDisk = errors.New("input/output error")

func (r *badReader) ReadAt(p []byte, off int64) (int, error) {
	end := off + int64(len(p))
	for _, s := range r.bad {
		if off < s.End() && end > s.Offset {
			n := 0
			if off < s.Offset {
				n = copy(p, r.b[off:s.Offset])
			}
			r.failed++
			return n, errDisk
		}
	}
	return bytes.NewReader(r.b).ReadAt(p, off)
}

// manyColumns is a file of some size, so that sectors are small against it.
func manyColumns(t *testing.T) (file []byte, l *shardtest.Layout, want shardtest.Contents) {
	t.Helper()
	f := shardtest.TSM{PerBlock: 50}
	want = shardtest.Contents{}
	for i := range 400 {
		key := fmt.Sprintf("measurement,host=host%04d,region=somewhere#!~#value", i)
		run := shardtest.Run{}
		for j := range 100 {
			run.Append(int64(j)*1e9, shardtest.Value{Kind: point.Integer, Bits: uint64(i * j * j)})
		}
		f.Add(key, run)
		want.Set(shardtest.Column{Key: key, Run: run})
	}
	file = f.Bytes()
	return file, layout(t, file), want
}

// Sectors that cannot be read cost what lies in them.
func TestUnreadableSectors(t *testing.T) {
	file, l, want := manyColumns(t)
	sector := func(at int64) shardtest.Span { return shardtest.Span{Offset: at / 512 * 512, Size: 512} }
	cases := map[string][]shardtest.Span{
		"first":          {sector(0)},
		"in the blocks":  {sector(30_000)},
		"two in blocks":  {sector(20_000), sector(60_000)},
		"page of blocks": {{Offset: 40_960, Size: 4096}},
		"index start":    {sector(l.Index.Offset)},
		"in the index":   {sector(l.Index.Offset + 20_000)},
		"two in index":   {sector(l.Index.Offset + 5_000), sector(l.Index.Offset + 25_000)},
		"last":           {sector(int64(len(file)) - 1)},
		"index and data": {sector(l.Index.Offset + 10_000), sector(10_000)},
	}
	for name, bad := range cases {
		t.Run(name, func(t *testing.T) {
			left := within(want, point.TimeRange{})
			hit := func(s shardtest.Span) bool {
				return slices.ContainsFunc(bad, func(b shardtest.Span) bool { return b.Offset < s.End() && s.Offset < b.End() })
			}
			near := 0 // columns whose record a bad page holds may be lost
			for _, k := range l.Keys {
				if slices.ContainsFunc(bad, func(b shardtest.Span) bool {
					return b.Offset/4096*4096-100 < k.End() && k.Offset < b.End()/4096*4096+4096+100
				}) {
					near++
				}
				for _, b := range k.Blocks {
					if hit(b.Span) {
						left.Delete(k.Key, point.TimeRange{Min: b.Min, Max: b.Max})
					}
				}
			}
			r := &badReader{b: file, bad: bad}
			got := read(t, tsmreader.OpenMemory(tsmreader.Options{}, tsmreader.Memory{TSM: []io.ReaderAt{r}, Sizes: []int64{int64(len(file))}}), 10_000)
			missing := 0
			for k, values := range left {
				if len(got.contents[k]) != len(values) {
					missing++
					delete(left, k)
					delete(got.contents, k)
				}
			}
			got.want(t, left)
			if missing > near {
				t.Errorf("%d columns missing, at most %d lie near the bad sector\n%s", missing, near, faultText(got.faults))
			}
			if len(got.faults) == 0 || (left.Values() < want.Values()) != (len(got.lost()) > 0) {
				t.Errorf("%d of %d values:\n%s", left.Values(), want.Values(), faultText(got.faults))
			}
			if r.failed > 300 { // a dying disk takes seconds for each
				t.Errorf("%d reads failed", r.failed)
			}
		})
	}
}

// A disk that fails after the file was opened: what could be read then and cannot now
// is reported.
func TestFailsLater(t *testing.T) {
	file, l, want := manyColumns(t)
	for name, bad := range map[string]shardtest.Span{
		"index": {Offset: l.Index.Offset + 20_000, Size: 512}, "blocks": {Offset: 30_000, Size: 512}, "all": {Offset: 0, Size: int64(len(file))},
	} {
		t.Run(name, func(t *testing.T) {
			r := &badReader{b: file}
			s := tsmreader.OpenMemory(tsmreader.Options{}, tsmreader.Memory{TSM: []io.ReaderAt{r}, Sizes: []int64{int64(len(file))}})
			r.bad = []shardtest.Span{bad}
			got := read(t, s, math.MaxInt64)
			if got.contents.Values() >= want.Values() || len(got.lost()) == 0 || !errors.Is(&got.faults[0], errDisk) {
				t.Errorf("%d of %d values:\n%s", got.contents.Values(), want.Values(), faultText(got.faults))
			}
			for k, values := range got.contents {
				for at, v := range values {
					if want[k][at] != v {
						t.Fatalf("%q at %d is %v", k, at, v)
					}
				}
			}
			if name != "all" && got.contents.Values() < want.Values()*3/4 {
				t.Errorf("%d of %d values are left", got.contents.Values(), want.Values())
			}
		})
	}
}

// Files that claim much: memory is bounded by what they are, and it ends.
func TestHostileSizes(t *testing.T) {
	bombs := func(n int) []byte {
		f := shardtest.TSM{}
		for i := range n {
			section := binary.AppendUvarint(binary.AppendUvarint(append([]byte{0x20}, make([]byte, 8)...), 1), 1<<20)
			values := binary.AppendUvarint(binary.AppendUvarint(append([]byte{0x20}, make([]byte, 8)...), 0), 1<<20-1)
			f.AddRaw(fmt.Sprintf("m#!~#f%04d", i), shardtest.RawBlock{
				Kind: point.Integer, Min: 0, Max: 1<<20 - 1, Body: slices.Concat([]byte{byte(point.Integer), byte(len(section))}, section, values),
			})
			f.AddRaw(fmt.Sprintf("m#!~#f%04d", i), shardtest.RawBlock{ // so that they are merged
				Kind: point.Integer, Min: int64(i), Max: 1<<20 - 1, Body: shardtest.AppendBlock(nil, ints(1, int64(i), 1<<20-1), shardtest.Encoding{}),
			})
		}
		return f.Bytes()
	}
	small := func(b []byte) []byte { f, _, _ := sweepFile(0); return append(slices.Clip(f), b...) }
	cases := map[string]struct {
		file   []byte
		budget uint64
	}{
		"twenty million values in 4 kB": {bombs(20), 100 << 20},
		"key lengths everywhere":        {small(bytes.Repeat([]byte("\xff\xff#!~#"), 50_000)), 32 << 20},
		"offset 5 everywhere":           {small(bytes.Repeat(be64(5), 50_000)), 32 << 20},
		"records that lead nowhere":     {small(lies()), 64 << 20},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := tsmreader.OpenMemory(tsmreader.Options{}, tsmreader.Bytes(c.file))
			sec, err := s.Section("")
			if err != nil {
				t.Fatal(err)
			}
			cur := sec.Cursor(sec.Ranges(math.MaxInt64)[0], nil)
			runtime.GC() // what tests before this one left behind is not ours
			var b point.Batch
			var peak uint64
			for reads := 0; reads < 5 && cur.Next(t.Context()); {
				for ; reads < 5 && cur.Read(&b); reads++ {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					peak = max(peak, m.HeapAlloc)
				}
			}
			if peak > c.budget {
				t.Errorf("%d bytes of heap for a file of %d", peak, len(c.file))
			}
		})
	}
}

// lies is an index of records whose blocks span the whole file and are none.
func lies() []byte {
	var b []byte
	for i := range 20_000 {
		key := fmt.Sprintf("m,t=%06d#!~#f", i)
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(key))), key...)
		b = append(b, 0, 0, 1)
		b = append(b, slices.Concat(be64(1), be64(2), be64(5), []byte{0, 0, 1, 0x80})...)
	}
	return append(b, be64(800)...)
}

// A long key and a short one, and as many of them as a file can hold, in one record.
func TestWideRecord(t *testing.T) {
	f := shardtest.TSM{PerBlock: 1}
	run := shardtest.Run{}
	for i := range 5000 {
		run.Append(int64(i), shardtest.Value{Kind: point.Boolean, Bits: uint64(i % 2)})
	}
	key := "m#!~#" + strings.Repeat("f", 60_000)
	f.Add(key, run)
	got := readAllMemory(t, f.Bytes())
	got.want(t, contents(shardtest.Column{Key: key, Run: run}))
	got.sound(t)
}

// Several kinds of damage at once, in files, tombstones and segments: whatever comes out
// is in order, each point once, and something is said of it.
func TestManyDamages(t *testing.T) {
	files := make([][]byte, 2)
	var fields []byte
	files[0], fields, _ = sweepFile(0)
	files[1], _, _ = sweepFile(3)
	l := layout(t, files[0])
	var w shardtest.WAL
	w.Write(shardtest.Column{Key: "cpu,host=a#!~#i", Run: ints(50, 1600000000e9, 1600000015e9)}, shardtest.Column{Key: "mem,host=c#!~#s", Run: shardtest.Strings([]int64{1600000000e9}, "y")})
	w.DeleteRange(1600000010e9, 1600000020e9, "cpu,host=a#!~#i")
	w.Write(shardtest.Column{Key: "cpu,host=b#!~#u", Run: shardtest.Uints([]int64{1600000000e9}, 7)})
	stones := shardtest.TombstoneV4([]shardtest.Tombstone{{Key: "cpu,host=a#!~#f", Min: 1600000020e9, Max: 1600000030e9}}, []shardtest.Tombstone{shardtest.WholeColumn("mem,host=a#!~#b")})
	for seed := uint64(1); seed <= 1500; seed++ {
		choose := shardtest.Seeded(seed)
		file := files[choose(2)]
		for range 1 + choose(5) {
			file = spoil(choose, file)
		}
		if blocks := l.InFileOrder(); choose(3) == 0 && int64(len(file)) > l.Blocks.End() {
			file = shardtest.Reseal(file, blocks[choose(len(blocks))])
		}
		m := tsmreader.Bytes(file, files[0])
		m.Fields = fields
		m.Tombstones, m.WAL = [][]byte{stones, stones}, [][]byte{w.Bytes()}
		for range choose(3) {
			m.Tombstones[0], m.WAL[0] = spoil(choose, m.Tombstones[0]), spoil(choose, m.WAL[0])
		}
		way, _ := chooseWay(choose)
		s := tsmreader.OpenMemory(way.opts, m)
		s.Lower(way.limits)
		got := read(t, s, way.weight)
		for _, f := range got.faults {
			if f.Offset < -1 || f.Size < 0 || f.File == "" || f.Part == "" || f.Err == nil {
				t.Errorf("fault %+v", f)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// spoil damages a copy of b somewhere.
func spoil(choose shardtest.Chooser, b []byte) []byte {
	if len(b) == 0 {
		return []byte{byte(choose(256))}
	}
	at := int64(choose(len(b)))
	n := min(int64(1+choose(40)), int64(len(b))-at)
	switch choose(6) {
	case 0, 1:
		return shardtest.Flip(b, at*8+int64(choose(8)))
	case 2:
		return shardtest.Patch(b, at, make([]byte, n))
	case 3:
		return shardtest.Patch(b, at, b[choose(len(b)):][:1])
	case 4:
		return shardtest.Cut(b, shardtest.Span{Offset: at, Size: n})
	default:
		return slices.Concat(b[:at], b[at:at+n], b[at:]) // twice
	}
}

// Several cursors read one section at the same time, and sections are loaded meanwhile:
// together they give what one gives.
func TestParallel(t *testing.T) {
	file, _, want := manyColumns(t)
	var w shardtest.WAL
	w.Write(shardtest.Column{Key: "measurement,host=host0100,region=somewhere#!~#value", Run: ints(5, 7)})
	want.Set(shardtest.Column{Key: "measurement,host=host0100,region=somewhere#!~#value", Run: ints(5, 7)})
	m := tsmreader.Bytes(file)
	m.WAL = [][]byte{w.Bytes()}
	m.Tombstones = [][]byte{shardtest.TombstoneV4([]shardtest.Tombstone{shardtest.WholeColumn("measurement,host=host0200,region=somewhere#!~#value")})}
	delete(want, "measurement,host=host0200,region=somewhere#!~#value")
	s := tsmreader.OpenMemory(tsmreader.Options{}, m)
	sec, err := s.Section("")
	if err != nil {
		t.Fatal(err)
	}
	ranges := sec.Ranges(5_000)
	parts := make([]*result, len(ranges))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			var c *tsmreader.Cursor
			for j := i; j < len(ranges); j += 4 {
				c = sec.Cursor(ranges[j], c)
				parts[j] = &result{contents: shardtest.Contents{}, split: map[string]string{}}
				parts[j].drain(t, c)
			}
		})
		wg.Go(func() {
			if _, err := s.Section(""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all := &result{contents: shardtest.Contents{}}
	for _, p := range parts {
		p.sound(t)
		maps.Copy(all.contents, p.contents)
	}
	all.want(t, want)
	if len(ranges) < 5 {
		t.Errorf("%d ranges", len(ranges))
	}
}
