// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/golang/snappy"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/point"
)

// What the model wrote into files and what it says a query shows come from separate
// code; here the one is worked out from the other.
func TestHistoryFilesHoldWhatIsSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		choose := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }
		kinks := Kinks{Odd: choose(2) == 1, Unsigned: choose(2) == 1, OldTombstones: choose(2) == 1, Crashes: choose(2) == 1}
		h := RandomHistory(choose, 30, kinks)

		got := Contents{}
		for _, f := range h.files {
			got.Set(f.alive()...)
		}
		// All deletes of the cache also struck the files, so their order does not matter here.
		cache := Contents{}
		for _, s := range h.segments {
			replay(t, cache, &s.wal)
		}
		if diff := cmp.Diff(h.cache, cache); diff != "" {
			t.Errorf("cache after replay (-want +got):\n%s\n%v", diff, h)
		}
		got.Set(cache.Columns()...)
		if diff := cmp.Diff(h.Seen, got); diff != "" {
			t.Errorf("seen (-want +got):\n%s\n%v", diff, h)
		}
	})
}

// replay applies a segment as a server does at start.
func replay(t *rapid.T, cache Contents, w *WAL) {
	for _, e := range w.entries {
		entry := e.Of(w.data)
		body, err := snappy.Decode(nil, entry[5:])
		if err != nil {
			t.Fatal(err)
		}
		switch entry[0] {
		case WALWrite:
			replayWrite(cache, body)
		case WALDelete:
			for key := range strings.SplitSeq(string(body), "\n") {
				cache.Delete(key, point.AllTime)
			}
		case WALDeleteRange:
			window := point.TimeRange{Min: int64(binary.BigEndian.Uint64(body)), Max: int64(binary.BigEndian.Uint64(body[8:]))}
			for body = body[16:]; len(body) > 0; {
				n := binary.BigEndian.Uint32(body)
				cache.Delete(string(body[4:4+n]), window)
				body = body[4+n:]
			}
		}
	}
}

func replayWrite(cache Contents, body []byte) {
	for len(body) > 0 {
		kind := point.Kind(slices.Index(walKinds[:], body[0]))
		n := int(binary.BigEndian.Uint16(body[1:]))
		c := Column{Key: string(body[3 : 3+n])}
		count := binary.BigEndian.Uint32(body[3+n:])
		body = body[7+n:]
		for range count {
			t, v := int64(binary.BigEndian.Uint64(body)), Value{Kind: kind}
			body = body[8:]
			switch kind {
			case point.Boolean:
				v.Bits, body = uint64(body[0]), body[1:]
			case point.String:
				n := binary.BigEndian.Uint32(body)
				v.Text, body = string(body[4:4+n]), body[4+n:]
			default:
				v.Bits, body = binary.BigEndian.Uint64(body), body[8:]
			}
			c.Append(t, v)
		}
		cache.Set(c)
	}
}

func TestHistorySave(t *testing.T) {
	dir := t.TempDir()
	s := NewVolume(t, dir).Shard("db", "autogen", 1)
	h := NewHistory()
	h.KeysPerFile, h.PerBlock = 1, 2
	at := func(times ...int64) []int64 { return times }
	h.Write(
		Write{"m,t=1", "f", Floats(at(30, 10, 20, 10), 3, 1, 2, 11)},
		Write{"m,t=2", "f", Floats(at(10), 4)},
	)
	h.Flush(false) // generations 1 and 2
	h.Delete(Match{Measurement: "m", Tag: "t=1"}, point.TimeRange{Min: 15, Max: 25})
	h.Write(Write{"m,t=1", "f", Floats(at(40), 5)})
	h.Tear([]byte{1, 0})
	h.Write(Write{"m,t=1", "i", Ints(at(40), 6)}) // restarts first
	h.Flush(true)                                 // generations 4 and 5; restarts
	h.Compact(1, 2, false)                        // 2 and 4 become 4-2 and 4-3

	want := map[int64]Value{
		10: {Bits: math.Float64bits(11)}, 30: {Bits: math.Float64bits(3)}, 40: {Bits: math.Float64bits(5)},
	}
	if diff := cmp.Diff(want, h.Seen["m,t=1#!~#f"]); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
	h.Save(s)
	wantFiles := []string{
		"data/db/autogen/1/000000001-000000001.tombstone",
		"data/db/autogen/1/000000001-000000001.tsm",
		"data/db/autogen/1/000000004-000000002.tsm",
		"data/db/autogen/1/000000004-000000003.tsm",
		"data/db/autogen/1/000000005-000000001.tsm",
		"data/db/autogen/1/fields.idx",
		"wal/db/autogen/1/_00002.wal",
	}
	if diff := cmp.Diff(wantFiles, filesBelow(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	file, err := os.ReadFile(filepath.Join(dir, wantFiles[1]))
	if err != nil {
		t.Fatal(err)
	}
	l, err := LayoutOf(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Keys) != 1 || len(l.Keys[0].Blocks) != 2 || l.Keys[0].Blocks[1].Min != 30 {
		t.Errorf("first file: %+v", l)
	}
}

func filesBelow(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			path, err = filepath.Rel(dir, path)
			files = append(files, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Between them a few hundred histories must come by everything that readers get wrong.
func TestRandomHistoriesCoverMuch(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(300) {
		h := RandomHistory(Seeded(seed), 40, AllKinks)
		note := func(what string, is bool) {
			if is {
				seen[what]++
			} else if seen[what] == 0 {
				seen[what] = 0
			}
		}
		note("five files", len(h.files) >= 5)
		note("files of one generation", len(h.Generations()) < len(h.files))
		note("three segments", len(h.segments) >= 3)
		note("torn tail", h.down && int64(len(h.current().wal.data)) > h.current().wal.validSize())
		note("nothing left", len(h.Seen) == 0)
		note("only in the WAL", len(h.files) == 0 && len(h.Seen) > 0)
		note("two deletes of one file", slices.ContainsFunc(h.files, func(f *tsmFile) bool { return len(f.tombstones) >= 2 }))
		versions := map[byte]bool{}
		for _, f := range h.files {
			if len(f.tombstones) == 0 {
				continue
			}
			if b := f.tombstoneFile(); b[0] == 0 {
				versions[b[3]] = true
			} else {
				versions[1] = true
			}
		}
		for version := range byte(4) {
			note(fmt.Sprintf("tombstones of version %d", version+1), versions[version+1])
		}
		overlaps, retyped, wins := overlapsOf(h)
		note("a value in several files", overlaps)
		note("a column whose type changed", retyped)
		note("a value of the WAL over one of a file", wins)
		for _, kind := range []point.Kind{point.Float, point.Integer, point.Boolean, point.String, point.Unsigned} {
			note(kind.String(), slices.ContainsFunc(h.Seen.Columns(), func(c Column) bool { return c.Kind == kind }))
		}
	}
	for what, n := range seen {
		if n < 3 {
			t.Errorf("%s: in %d of 300 histories", what, n)
		}
	}
}

func overlapsOf(h *History) (overlaps, retyped, walWins bool) {
	all := Contents{}
	for _, f := range h.files {
		for _, c := range f.columns {
			for i, t := range c.Times {
				if old, ok := all[c.Key][t]; ok {
					overlaps = overlaps || old != c.At(i)
				}
			}
			for _, old := range all[c.Key] {
				retyped = retyped || old.Kind != c.Kind
			}
		}
		all.Set(f.columns...)
	}
	for key, values := range h.cache {
		for t, v := range values {
			old, ok := all[key][t]
			walWins = walWins || ok && old != v
		}
	}
	return overlaps, retyped, walWins
}

func TestRandomHistoryIsDeterministic(t *testing.T) {
	a, b := RandomHistory(Seeded(5), 40, AllKinks), RandomHistory(Seeded(5), 40, AllKinks)
	var contents []map[string]string
	for _, h := range []*History{a, b} {
		dir := t.TempDir()
		h.Save(NewVolume(t, dir).Shard("db", "autogen", 1))
		contents = append(contents, contentsBelow(t, dir))
	}
	if a.String() != b.String() || !maps.Equal(contents[0], contents[1]) || len(contents[0]) < 3 {
		t.Errorf("one seed gave two histories:\n%v\n%v", a, b)
	}
}

func contentsBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range filesBelow(t, dir) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(data)
	}
	return files
}

func TestMatch(t *testing.T) {
	cases := map[string]struct {
		match Match
		want  bool
	}{
		"all":                  {Match{}, true},
		"measurement":          {Match{Measurement: `m\,1`}, true},
		"other measurement":    {Match{Measurement: `m`}, false},
		"tag":                  {Match{Tag: `b=x\,y`}, true},
		"measurement and tag":  {Match{Measurement: `m\,1`, Tag: "a=1"}, true},
		"only part of the tag": {Match{Measurement: `m\,1`, Tag: `b=x`}, false},
	}
	for name, c := range cases {
		if got := c.match.Series(`m\,1,a=1,b=x\,y`); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
