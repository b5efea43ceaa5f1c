// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

// manyKeys gives a file of n columns and where everything is in it.
func manyKeys(t *testing.T, n int) ([]byte, *shardtest.Layout) {
	t.Helper()
	var w shardtest.TSM
	for i := range n {
		w.Add(fmt.Sprintf("m,t=%06d#!~#f", i), shardtest.Sample(point.Float, 1600000000e9, 2))
	}
	file := w.Bytes()
	l, err := shardtest.LayoutOf(file)
	if err != nil {
		t.Fatal(err)
	}
	return file, l
}

func scanned(file []byte) *scanner {
	s := &scanner{f: &File{Path: "a.tsm", Size: int64(len(file)), r: bytes.NewReader(file), Range: point.NoTime}}
	s.run()
	return s
}

// Records that are odd but name blocks one behind the other are all taken, without a search
// for the next sound one behind each, and without a fault in memory for each.
func TestManyOddRecords(t *testing.T) {
	const n = maxFaults + 100
	for name, odd := range map[string]struct {
		patch  func(file []byte, k shardtest.KeyPlace)
		faults int
		more   int
	}{
		"types":          {func(file []byte, k shardtest.KeyPlace) { file[k.Type.Offset] = 9 }, maxFaults + 1, 100},
		"bare keys":      {func(file []byte, k shardtest.KeyPlace) { file[k.Name.End()-2] = '~' }, 0, 0},
		"bare, one type": {func(file []byte, k shardtest.KeyPlace) { file[k.Name.End()-2] = '~' }, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			file, l := manyKeys(t, n)
			for _, k := range l.Keys {
				odd.patch(file, k)
			}
			if odd.faults == 1 {
				file[l.Keys[n/2].Type.Offset] = 9
			}
			s := scanned(file)
			got := s.told()
			if s.f.Columns != n || s.f.Blocks != n || len(got) != odd.faults || s.scanned > s.f.indexEnd-s.f.indexStart {
				t.Fatalf("%d columns, %d blocks, %d faults, %d bytes scanned", s.f.Columns, s.f.Blocks, len(got), s.scanned)
			}
			if odd.more > 0 {
				last := got[maxFaults]
				if !errors.Is(last.Err, errMore) || !strings.HasSuffix(last.Err.Error(), fmt.Sprintf("%d faults", odd.more)) || last.Lost {
					t.Errorf("%v", &last)
				}
			}
		})
	}
}

// An index that has the walk search up to its end behind each record is given up.
func TestIndexOfLies(t *testing.T) {
	file, l := manyKeys(t, 3000)
	places := make([][]byte, len(l.Keys))
	for i, k := range l.Keys {
		places[i] = slices.Clone(k.Blocks[0].Entry.Of(file)[16:])
	}
	for i, k := range l.Keys { // the other way round, which is legal, and no key is one
		copy(file[k.Blocks[0].Entry.Offset+16:], places[len(places)-1-i])
		file[k.Name.End()-2] = '~'
	}
	binary.BigEndian.PutUint16(file[l.Keys[2999].Count.Offset:], 9)
	s := scanned(file)
	most := 4*l.Index.Size + 1<<20 + 2*l.Index.Size
	if last := s.faults[len(s.faults)-1]; s.scanned > most || !slices.ContainsFunc(s.faults, func(f fault.Fault) bool { return errors.Is(f.Err, errGivenUp) && f.Lost }) {
		t.Errorf("%d bytes scanned of %d, %d faults, last %v", s.scanned, l.Index.Size, len(s.faults), &last)
	}
}
