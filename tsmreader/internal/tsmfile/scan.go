// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"bytes"
	"fmt"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

// Marks are set every markEvery bytes of index or block data, or more rarely where
// that would give more than about maxMarks of them.
const (
	markEvery = 16 << 10
	maxMarks  = 2048
)

// scanBuffer is the buffer of the walk over the index when a file is opened.
const scanBuffer = 64 << 10

// scanner walks the index of one file when it is opened.
type scanner struct {
	f      *File
	w      window
	faults []fault.Fault

	// What the walk adds up.
	prev       []byte // key of the record before
	starts     uint64 // sums of hashed block starts and ends: equal, but for the
	ends       uint64 // two borders, if and only if the blocks tile the data region
	every      int64  // distance of marks
	weight     int64  // since the last mark
	sinceIndex int64
	tried      int64 // bytes of blocks that were read to prove an entry
	scanned    int64 // bytes of the index that were looked at to find a record

	more     int         // faults above maxFaults,
	rest     fault.Fault // what stands for them,
	uncalled fault.Fault // and the last of them
}

// maxFaults is how many faults of an index are told one by one.
const maxFaults = 2 * maxRepairs

func (s *scanner) report(part fault.Part, off, size int64, lost bool, err error) {
	f := fault.New(s.f.Path, part, off, size, lost, err)
	if len(s.faults) < maxFaults {
		s.faults = append(s.faults, f)
		return
	}
	if s.more == 0 {
		s.rest = fault.New(s.f.Path, fault.Index, off, 0, false, nil)
	}
	s.more++
	s.rest.Lost = s.rest.Lost || lost
	s.uncalled = f
}

// lastFault is what was reported last, for what is known besides.
func (s *scanner) lastFault() *fault.Fault {
	if s.more > 0 {
		return &s.uncalled
	}
	return &s.faults[len(s.faults)-1]
}

// told gives the faults.
func (s *scanner) told() []fault.Fault {
	if s.more == 0 {
		return s.faults
	}
	s.rest.Err = fmt.Errorf("%w: %d faults", errMore, s.more)
	return append(s.faults, s.rest)
}

// run finds the index and walks it: at full speed first, carefully if that shows
// anything odd.
func (s *scanner) run() {
	located := s.f.locate()
	if located == nil && s.walk() && s.tiles() {
		s.checkHeader()
		return
	}
	if s.findIndex(located) {
		s.checkHeader()
		s.careful()
	}
}

// reset forgets what a walk added up.
func (s *scanner) reset() {
	f := s.f
	f.Range, f.Columns, f.Blocks, f.Marks = point.NoTime, 0, 0, nil
	s.w = window{r: f.r, limit: f.indexEnd, buf: make([]byte, scanBuffer)}
	s.prev, s.starts, s.ends, s.weight, s.sinceIndex = s.prev[:0], 0, 0, 0, 0
	s.every = max(markEvery, (f.indexEnd-headerSize)/maxMarks)
}

// walk reads every record of a sound index. It is false, with nothing to be trusted
// added up, at the first thing that does not fit.
func (s *scanner) walk() bool {
	s.reset()
	f := s.f
	var h head
	for pos := f.indexStart; pos < f.indexEnd; pos = h.next {
		if f.parse(&s.w, pos, &h) != nil || !point.Kind(h.kind).Valid() {
			return false
		}
		if len(s.prev) > 0 && bytes.Compare(h.key, s.prev) <= 0 {
			return false
		}
		s.prev = append(s.prev[:0], h.key...)
		s.mark(h.key, pos)
		first, last, ok := s.addEntries(&h)
		if !ok {
			return false
		}
		s.addRecord(&h, first, last)
	}
	return f.Columns > 0
}

// mark sets a mark at pos if the last one is far enough behind.
func (s *scanner) mark(key []byte, pos int64) {
	f := s.f
	if len(f.Marks) > 0 && s.weight < s.every && s.sinceIndex < s.every {
		return
	}
	s.closeMark()
	f.Marks = append(f.Marks, Mark{Key: string(key), Pos: pos, Before: f.Blocks})
}

// closeMark gives the last mark the weight that was added up since.
func (s *scanner) closeMark() {
	if n := len(s.f.Marks); n > 0 {
		// An index byte costs far less than a byte of a block, which becomes many bytes of text.
		s.f.Marks[n-1].Weight += s.weight + s.sinceIndex/8
	}
	s.weight, s.sinceIndex = 0, 0
}

// addEntries checks the entries of h against the data region and adds up where
// their blocks start and end.
func (s *scanner) addEntries(h *head) (first, last Entry, ok bool) {
	f := s.f
	for done := 0; done < h.count; {
		n := min(h.count-done, entryBatch)
		b, err := s.w.at(h.entriesPos+int64(done)*entrySize, n*entrySize)
		if err != nil {
			return first, last, false
		}
		for i := 0; i < len(b); i += entrySize {
			e := decodeEntry(b[i:])
			if !f.inData(e) {
				return first, last, false
			}
			s.addBlock(e)
			if done+i == 0 {
				first = e
			}
			last = e
		}
		done += n
	}
	return first, last, true
}

// addBlock adds a block to the sums that tiles compares.
func (s *scanner) addBlock(e Entry) {
	s.starts += mix(1, uint64(e.Offset)) //nolint:gosec // hashed bits
	s.ends += mix(1, uint64(e.end()))    //nolint:gosec // hashed bits
	s.weight += int64(e.Size)
}

// addRecord counts a record that can be used.
func (s *scanner) addRecord(h *head, first, last Entry) {
	f := s.f
	f.Columns++
	f.Blocks += h.count
	s.sinceIndex += h.next - h.pos
	r := Record{First: first, Last: last}
	f.Range = f.Range.Union(r.Range())
}

// tiles reports whether the blocks added up cover the data region, each byte once,
// in whatever order: then the starts and the region's end are the same numbers as
// the ends and the region's start.
func (s *scanner) tiles() bool {
	s.closeMark()
	return s.starts+mix(1, uint64(s.f.indexStart)) == s.ends+mix(1, headerSize) //nolint:gosec // hashed bits
}

// plausible is a test that garbage hardly passes, unless its length happens to lead to
// the entries of a true record: it fits, has a type and a separator in its key, and its
// first block lies at or behind next.
func (s *scanner) plausible(pos, next int64, h *head) bool {
	f := s.f
	if f.parse(&s.w, pos, h) != nil || !point.Kind(h.kind).Valid() {
		return false
	}
	b, err := s.w.at(pos, int(h.entriesPos-pos)+entrySize)
	if err != nil {
		return false
	}
	h.key = b[2 : 2+len(h.key) : 2+len(h.key)]
	e := decodeEntry(b[len(b)-entrySize:])
	return e.Offset >= next && f.inData(e) && e.Min <= e.Max && hasSeparator(h.key)
}

// unreferenced describes bytes of the data region that no entry names.
func unreferenced(n int64) error {
	return fmt.Errorf("%d bytes of blocks are named by no index entry: whose they are is not known", n)
}
