// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
)

// FuzzNew opens whole files and walks all that they give: keys ascend, entries lie
// among the blocks or were reported, and seeking finds what walking does.
func FuzzNew(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", "vectors", "tsm", "*.tsm"))
	if err != nil || len(paths) == 0 {
		f.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	file := shardtest.TSM{PerBlock: 1, Shuffle: 1}
	file.Add("a#!~#f", shardtest.Ints([]int64{1, 2, 3}, 1, 2, 3))
	file.Add("b#!~#f", shardtest.Ints([]int64{1, 2, 3}, 1, 2, 3))
	b := file.Bytes()
	f.Add(b)
	f.Add(b[:len(b)-8])
	f.Add(shardtest.Flip(b, int64(len(b)*8-200)))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, faults := New("x.tsm", bytes.NewReader(b), int64(len(b)))
		for _, fl := range faults {
			if fl.Offset < -1 || fl.Size < 0 || fl.Offset > int64(len(b)) {
				t.Errorf("fault %+v of %d bytes", fl, len(b))
			}
		}
		if file.Columns > len(b) || len(file.Marks) > file.Columns {
			t.Errorf("%d columns, %d marks in %d bytes", file.Columns, len(file.Marks), len(b))
		}
		r := (*Reader)(nil).Reset(file, 100)
		seeker := (*Reader)(nil).Reset(file, 64)
		blocks := file.NewBlockReader(100)
		var rec, found Record
		var prev []byte
		columns := 0
		for ok := r.Seek("", &rec); ok; ok = r.Next(&rec) {
			if columns > 0 && bytes.Compare(rec.Key, prev) <= 0 {
				t.Fatalf("key %q after %q", rec.Key, prev)
			}
			prev = append(prev[:0], rec.Key...)
			columns++
			if !seeker.Seek(string(rec.Key), &found) || !bytes.Equal(found.Key, rec.Key) || found.First != rec.First {
				t.Fatalf("seek %q finds %q", rec.Key, found.Key)
			}
			entries, err := r.Entries(nil, &rec, 0, rec.Count)
			if err != nil || len(entries) != rec.Count || entries[0] != rec.First || entries[len(entries)-1] != rec.Last {
				t.Fatalf("%d entries of %q: %v", len(entries), rec.Key, err)
			}
			for _, e := range entries {
				if _, err := blocks.Block(e); err == nil && !file.inData(e) {
					t.Errorf("block of %+v", e)
				}
			}
		}
		if r.Err() != nil || columns != file.Columns {
			t.Errorf("%d columns of %d: %v", columns, file.Columns, r.Err())
		}
		if file.Columns > 0 && file.Range == point.NoTime && len(faults) == 0 {
			t.Errorf("no range, and no fault")
		}
	})
}
