// SPDX-License-Identifier: Apache-2.0

package tombstone

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

// decode gives what a file holds, and its faults.
func decode(r io.ReaderAt, size int64) ([]shardtest.Tombstone, []fault.Fault) {
	var out []shardtest.Tombstone
	faults := Decode("x.tombstone", r, size, func(key []byte, r point.TimeRange) {
		out = append(out, shardtest.Tombstone{Key: string(key), Min: r.Min, Max: r.Max})
	})
	return out, faults
}

func decodeBytes(b []byte) ([]shardtest.Tombstone, []fault.Fault) {
	return decode(bytes.NewReader(b), int64(len(b)))
}

func lost(faults []fault.Fault) (n int) {
	for _, f := range faults {
		if f.Lost {
			n++
		}
	}
	return n
}

// some makes n deletes, those of member m.
func some(m, n int) []shardtest.Tombstone {
	var out []shardtest.Tombstone
	for i := range n {
		out = append(out, shardtest.Tombstone{Key: fmt.Sprintf("cpu,host=%d#!~#f%d", m, i), Min: int64(i), Max: int64(i + m)})
	}
	return out
}

// patchHead overwrites the first bytes of a file.
func patchHead(b []byte, head string) []byte { return shardtest.Patch(b, 0, []byte(head)) }

func TestFiles(t *testing.T) {
	a, b, c := some(1, 3), some(2, 3), some(3, 30)
	all := slices.Concat(a, b, c)
	whole := shardtest.WholeColumn("m#!~#f")
	v4 := shardtest.TombstoneV4(a, b, c)
	startB, startC := len(shardtest.TombstoneV4(a)), len(shardtest.TombstoneV4(a, b))
	long := strings.Repeat("k", 70000)
	cases := map[string]struct {
		file  []byte
		want  []shardtest.Tombstone
		lost  int
		doubt int
	}{
		"empty":                     {nil, nil, 0, 0},
		"header alone":              {shardtest.TombstoneV4(), nil, 0, 0},
		"v1":                        {shardtest.TombstoneV1("m#!~#f"), []shardtest.Tombstone{whole}, 0, 0},
		"v1 without its last LF":    {[]byte("m#!~#f"), []shardtest.Tombstone{whole}, 0, 0},
		"v1 with empty lines":       {[]byte("\n\nm#!~#f\n\n"), []shardtest.Tombstone{whole}, 0, 0},
		"v1 of a bare key":          {[]byte("m#!~#f\nbare\n"), []shardtest.Tombstone{whole}, 1, 0},
		"v1 with a long line":       {[]byte("m#!~#f\n" + long + "\nm#!~#f\n"), []shardtest.Tombstone{whole}, 1, 0},
		"v1 shorter than a header":  {[]byte("x"), nil, 1, 0},
		"v2":                        {shardtest.TombstoneV2(all...), all, 0, 0},
		"v2 cut":                    {shardtest.Chop(shardtest.TombstoneV2(a...), 100), a[:2], 1, 0},
		"v2 with a damaged header":  {patchHead(shardtest.TombstoneV2(all...), "\x00\x00\x95\x02"), all, 0, 1},
		"v2 of a bare key":          {shardtest.TombstoneV2(shardtest.WholeColumn("bare"), whole), []shardtest.Tombstone{whole}, 1, 0},
		"v3":                        {shardtest.TombstoneV3(all...), all, 0, 0},
		"v3 damaged":                {shardtest.Flip(shardtest.TombstoneV3(all...), 8*40), nil, 1, 0},
		"v4":                        {v4, all, 0, 0},
		"v4 headless":               {v4[4:], all, 0, 1},
		"v4 with a damaged header":  {patchHead(v4, "\x00\x80\x15\x04"), all, 0, 1},
		"v4 as v3":                  {patchHead(v4, "\x00\x00\x15\x03"), all, 0, 0},
		"v4, first member damaged":  {shardtest.Flip(v4, 8*20), slices.Concat(b, c), 1, 0},
		"v4, second member damaged": {shardtest.Flip(v4, int64(8*(startB+20))), slices.Concat(a, c), 1, 0},
		"v4, last member damaged":   {shardtest.Flip(v4, int64(8*(startC+20))), slices.Concat(a, b), 1, 0},
		"v4, last trailer damaged":  {shardtest.Flip(v4, int64(8*(len(v4)-6))), slices.Concat(a, b), 1, 0},
		"v4, last trailer cut":      {v4[:len(v4)-3], all, 1, 0},
		"v4, garbage behind":        {append(slices.Clone(v4), "garbage"...), all, 1, 0},
		"v4, zeros behind":          {append(slices.Clone(v4), 0, 0, 0), all, 1, 0},
		"entry ends before start":   {shardtest.TombstoneV4([]shardtest.Tombstone{{Key: "m#!~#f", Min: 2, Max: 1}, whole}), []shardtest.Tombstone{whole}, 0, 1},
		"key of no length":          {shardtest.TombstoneV4(a, []shardtest.Tombstone{{Key: ""}}), a, 1, 0},
		"key of 4 GiB":              {append(shardtest.TombstoneV2(a...), 0xff, 0xff, 0xff, 0xff, 'x'), a, 1, 0},
		"longest key":               {shardtest.TombstoneV2(shardtest.WholeColumn(long[:65530] + "#!~#f")), []shardtest.Tombstone{shardtest.WholeColumn(long[:65530] + "#!~#f")}, 0, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, faults := decodeBytes(c.file)
			if diff := gocmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if lost(faults) != c.lost || len(faults)-lost(faults) != c.doubt {
				t.Errorf("faults %v, want %d lost and %d doubtful", faults, c.lost, c.doubt)
			}
			for _, f := range faults {
				if !errors.Is(&f, fault.ErrCorrupt) || f.File != "x.tombstone" || f.Part != fault.Tombstone || f.Offset < 0 || f.Offset+f.Size > int64(len(c.file)) {
					t.Errorf("fault %+v", f)
				}
			}
		})
	}
}

// Every bit of a compressed file: what is wrong is reported and costs one member at most,
// and nothing is deleted that was not.
func TestFlips(t *testing.T) {
	members := [][]shardtest.Tombstone{some(1, 2), some(2, 3), some(3, 2)}
	for name, file := range map[string][]byte{"v3": shardtest.TombstoneV3(members[0]...), "v4": shardtest.TombstoneV4(members...)} {
		all, _ := decodeBytes(file)
		harmless := 0
		for bit := range int64(len(file)) * 8 {
			got, faults := decodeBytes(shardtest.Flip(file, bit))
			missing := without(all, got)
			if extra := without(got, all); len(extra) > 0 {
				t.Errorf("%s: bit %d makes deletes %v", name, bit, extra)
			}
			if len(missing) > 3 {
				t.Errorf("%s: bit %d costs %v", name, bit, missing)
			}
			if len(missing) > 0 && lost(faults) == 0 {
				t.Errorf("%s: bit %d costs %v in silence", name, bit, missing)
			}
			if len(missing) == 0 && len(faults) == 0 {
				harmless++ // in a gzip header: time, system, flags; or the header says 3 for 4
			}
		}
		t.Logf("%s: %d of %d bits change nothing", name, harmless, len(file)*8)
		if n := strings.Count(string(file), "\x1f\x8b\x08") * 64; harmless > n {
			t.Errorf("%s: %d flips go unnoticed, want at most %d", name, harmless, n)
		}
	}
}

// without gives those of a that b lacks.
func without(a, b []shardtest.Tombstone) []shardtest.Tombstone {
	return slices.DeleteFunc(slices.Clone(a), func(x shardtest.Tombstone) bool { return slices.Contains(b, x) })
}

// A flip in an uncompressed file can change a key or a time to another; it never panics,
// and those entries that do not hold it are kept.
func TestFlipsPlain(t *testing.T) {
	for name, file := range map[string][]byte{"v1": shardtest.TombstoneV1("a#!~#f", "b#!~#f", "c#!~#f"), "v2": shardtest.TombstoneV2(some(1, 3)...)} {
		all, _ := decodeBytes(file)
		for bit := range int64(len(file)) * 8 {
			got, faults := decodeBytes(shardtest.Flip(file, bit))
			if missing := without(all, got); len(missing) == 3 && bit >= 32 && lost(faults) == 0 {
				t.Errorf("%s: bit %d costs %v", name, bit, missing)
			}
		}
	}
}

// Every length: what is there is read, and the missing rest is reported unless the cut
// falls between two entries or members.
func TestTruncations(t *testing.T) {
	a, b := some(1, 2), some(2, 2)
	borders := map[string][]int64{
		"v2": {4, 4 + 36, 4 + 72, 4 + 108},
		"v4": {4, int64(len(shardtest.TombstoneV4(a)))},
	}
	files := map[string][]byte{"v2": shardtest.TombstoneV2(slices.Concat(a, b)...), "v4": shardtest.TombstoneV4(a, b)}
	for name, file := range files {
		all, _ := decodeBytes(file)
		for n := range int64(len(file)) {
			got, faults := decodeBytes(file[:n])
			if len(got) > len(all) || !slices.Equal(got, all[:len(got)]) {
				t.Errorf("%s: %d bytes give %v", name, n, got)
			}
			clean := n == 0 || slices.Contains(borders[name], n)
			if clean != (len(faults) == 0) {
				t.Errorf("%s: %d bytes of %d: faults %v", name, n, len(file), faults)
			}
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
		n := 0
		if off < r.from {
			n = copy(p, r.b[off:r.from])
		}
		return n, errDisk
	}
	return bytes.NewReader(r.b).ReadAt(p, off)
}

// A sector that cannot be read costs the members that lie in it.
func TestReadErrors(t *testing.T) {
	var members [][]shardtest.Tombstone
	for m := range 400 {
		members = append(members, some(m, 40))
	}
	file := shardtest.TombstoneV4(members...)
	if len(file) < 64<<10 {
		t.Fatalf("%d bytes", len(file))
	}
	got, faults := decode(&badReader{file, 20000, 20512}, int64(len(file)))
	missing := without(slices.Concat(members...), got)
	if len(missing) < 40 || len(missing) > 100*40 || lost(faults) == 0 {
		t.Errorf("%d of %d missing, faults %v", len(missing), len(members)*40, faults)
	}
	for _, f := range faults {
		if !errors.Is(&f, errDisk) {
			t.Errorf("fault %v", &f)
		}
	}
	none, faults := decode(&badReader{file, 0, 10}, int64(len(file)))
	if lost(faults) != 1 || len(none) > 0 {
		t.Errorf("%d deletes, faults %v", len(none), faults)
	}
}

// Junk that has a fault in each line does not take memory for each, and no delete is
// passed over for it.
func TestManyFaults(t *testing.T) {
	file := []byte(strings.Repeat("a\n", 5000) + "m#!~#f\n")
	got, faults := decodeBytes(file)
	if len(got) != 1 || len(faults) != maxFaults+1 {
		t.Fatalf("%d deletes, %d faults", len(got), len(faults))
	}
	last := faults[maxFaults]
	if !errors.Is(last.Err, errMore) || !strings.HasSuffix(last.Err.Error(), "4000 faults") || !last.Lost || last.Offset != 2*maxFaults || last.Size != int64(len(file))-2*maxFaults {
		t.Errorf("%+v", last)
	}
	backwards := shardtest.Tombstone{Key: "m#!~#f", Min: 2, Max: 1} // deletes nothing, so that nothing is lost
	_, faults = decodeBytes(shardtest.TombstoneV4(slices.Repeat([]shardtest.Tombstone{backwards}, maxFaults+2)))
	if len(faults) != maxFaults+1 || lost(faults) != 0 || !strings.HasSuffix(faults[maxFaults].Err.Error(), "2 faults") {
		t.Errorf("%d faults, %d lost", len(faults), lost(faults))
	}
}

func FuzzDecode(f *testing.F) {
	a, b := some(1, 2), some(2, 2)
	for _, file := range [][]byte{
		shardtest.TombstoneV1("m#!~#f"), shardtest.TombstoneV2(a...), shardtest.TombstoneV3(a...), shardtest.TombstoneV4(a, b),
		shardtest.TombstoneV4(a, b)[4:], nil,
		{0, 0, 0x15, 2, 0xff, 0xff, 0xff, 0xff},
	} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		got, faults := decodeBytes(file)
		for _, e := range got {
			if e.Min > e.Max || !strings.Contains(e.Key, point.KeySeparator) {
				t.Errorf("delete %+v", e)
			}
		}
		for _, f := range faults {
			if f.Offset < 0 || f.Size < 0 || f.Offset+f.Size > int64(len(file)) {
				t.Errorf("fault %+v of %d bytes", f, len(file))
			}
		}
		// What was read and is written again reads the same.
		slices.SortFunc(got, func(a, b shardtest.Tombstone) int {
			return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Min, b.Min), cmp.Compare(a.Max, b.Max))
		})
		again, faults := decodeBytes(shardtest.TombstoneV4(got))
		if len(faults) > 0 || !slices.Equal(got, again) {
			t.Errorf("%v became %v, %v", got, again, faults)
		}
	})
}
