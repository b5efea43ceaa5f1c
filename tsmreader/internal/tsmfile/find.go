// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

// found is a place where the index may start: the record of the block behind the header.
type found struct {
	start   int64
	entries int64 // of that record
	ok      bool
}

// findIndex decides where a damaged file's index lies. located is what is wrong with
// the footer. Unless the footer leads to the record of the first block, that is looked
// for by its content. False: there is no index.
func (s *scanner) findIndex(located error) bool {
	f := s.f
	byFooter, end := f.indexStart, f.indexEnd
	entries, named := s.startsAt(byFooter, located)
	f.indexStart, f.indexEnd = f.Size, f.Size
	var at found
	if named {
		// A wrong footer may lead to bytes that make one long key of all up to the first entries.
		at = s.recordBefore(entries + 16)
	} else {
		at = s.firstRecord()
	}
	if located == nil && s.trustFooter(byFooter, end, at, named) {
		if !s.endsBefore(byFooter) {
			f.indexStart, f.indexEnd = byFooter, end
		}
		return true
	}
	footer := max(f.Size-footerSize, 0)
	if !at.ok {
		f.indexStart, f.indexEnd = 0, 0
		s.report(fault.Footer, footer, f.Size-footer, true, located)
		if f.Size > 0 {
			s.report(fault.Index, -1, 0, true, ErrNoIndex)
		}
		return false
	}
	if s.endsBefore(at.start) {
		return true
	}
	f.indexStart, f.indexEnd = at.start, s.indexEndFrom(at.start)
	why := ErrIndexStart
	if located != nil || f.indexEnd == f.Size {
		why = ErrIndexCut
	}
	s.report(fault.Footer, footer, f.Size-footer, false, why)
	return true
}

// trustFooter decides between the footer's word for the start of the index and what
// was found by content.
func (s *scanner) trustFooter(byFooter, end int64, at found, named bool) bool {
	if !at.ok || at.start == byFooter {
		return true
	}
	if at.start < byFooter && byFooter < at.entries {
		// Either the footer is wrong or the length of the first key: the one that fewer bits make right.
		return s.wrongLength(byFooter, at.entries) < bits.OnesCount64(uint64(byFooter^at.start)) //nolint:gosec // bits
	}
	return !named && s.recordIn(byFooter, end, at.start)
}

// wrongLength counts the bits in which the length of a key at pos differs from what it
// has to be for its entries to lie at entries.
func (s *scanner) wrongLength(pos, entries int64) int {
	keyLen := entries - 3 - (pos + 2)
	b, err := s.w.at(pos, int(entries-pos))
	if err != nil || keyLen < 1 || keyLen > math.MaxUint16 || !hasSeparator(b[2:2+keyLen]) {
		return 64
	}
	return bits.OnesCount16(binary.BigEndian.Uint16(b) ^ uint16(keyLen))
}

// startsAt reports whether the record at pos, unless the footer is damaged, names the
// block behind the header, and gives where its entries lie.
func (s *scanner) startsAt(pos int64, located error) (entries int64, ok bool) {
	var h head
	s.w = window{r: s.f.r, limit: s.f.indexEnd, buf: make([]byte, scanBuffer)}
	if located != nil || !s.plausible(pos, headerSize, &h) {
		return 0, false
	}
	e, ok := s.firstEntry(&h)
	return h.entriesPos, ok && e.Offset == headerSize
}

// recordIn reports whether a sound record can start at pos of an index that ends at end,
// and ends itself at or before the record at next.
func (s *scanner) recordIn(pos, end, next int64) bool {
	f := s.f
	f.indexStart, f.indexEnd = pos, end
	s.w = window{r: f.r, limit: end, buf: make([]byte, scanBuffer)}
	var h head
	ok := s.plausible(pos, headerSize, &h) && h.next <= next
	f.indexStart, f.indexEnd = f.Size, f.Size
	return ok
}

// endsBefore reports whether the index that begins at start ends with its footer before the
// file does, as in one that was padded, and then takes and reports that.
func (s *scanner) endsBefore(start int64) bool {
	f := s.f
	indexEnd := s.indexEndFrom(start)
	end := indexEnd + footerSize
	if end >= f.Size || !s.footerBegins(indexEnd, start) {
		return false
	}
	f.indexStart, f.indexEnd = start, indexEnd
	s.report(fault.Footer, end, f.Size-end, false, ErrBehind)
	return true
}

// indexEndFrom follows the records from start on: the index ends before the footer, or
// the start of one, if they do, and otherwise, as in a file that was cut, with the file.
func (s *scanner) indexEndFrom(start int64) int64 {
	f := s.f
	s.w = window{r: f.r, limit: f.Size, buf: make([]byte, scanBuffer)}
	var h head
	for pos := start; pos < f.Size; pos = h.next {
		if f.Size-pos == footerSize || s.footerBegins(pos, start) {
			return pos
		}
		if f.parse(&s.w, pos, &h) != nil {
			break
		}
	}
	return f.Size
}

// footerBegins reports whether the footer that an index at start has stands at pos, as far
// as the file goes. No record looks like one: it would have no key.
func (s *scanner) footerBegins(pos, start int64) bool {
	b, err := s.w.at(pos, int(min(s.f.Size-pos, footerSize)))
	return err == nil && bytes.HasPrefix(binary.BigEndian.AppendUint64(nil, uint64(start)), b) //nolint:gosec // an offset
}

// firstRecord searches the file for the bytes that say "offset 5" and, before them,
// for the record that they belong to.
func (s *scanner) firstRecord() found {
	var pattern [8]byte
	binary.BigEndian.PutUint64(pattern[:], headerSize)
	s.w = window{r: s.f.r, limit: s.f.Size, buf: make([]byte, scanBuffer)}
	for at := int64(headerSize + blockMin + 22); at < s.w.limit; {
		n := int(min(int64(scanBuffer), s.w.limit-at))
		b, err := s.w.at(at, n)
		if err != nil {
			if n = int(min(int64(n), 4096-at%4096)); n > 0 { // up to the end of the page
				b, err = s.w.at(at, n)
			}
		}
		if err != nil {
			at += int64(n)
			continue
		}
		i := bytes.Index(b, pattern[:])
		if i < 0 {
			at += int64(max(n-len(pattern)+1, 1))
			continue
		}
		hit := at + int64(i)
		if r := s.recordBefore(hit); r.ok {
			return r
		}
		at = hit + 1
	}
	return found{}
}

// recordBefore finds the start of the record whose first entry has its offset at hit.
// The first block proves the entry before the key is looked for.
func (s *scanner) recordBefore(hit int64) found {
	const longest = 2 + math.MaxUint16 + 3 + 16 // of what stands before the offset
	const near = 3 + 16                         // type, count, times
	b, err := s.w.at(hit-near, near+12)
	if err != nil {
		return found{}
	}
	e := decodeEntry(b[3:])
	kind, count := point.Kind(b[0]), binary.BigEndian.Uint16(b[1:])
	if e.Min > e.Max || count == 0 || !kind.Valid() || e.end() > hit-near || !s.holds(e) {
		return found{}
	}
	from := max(hit-longest, e.end())
	before := int(hit - from)
	if b, err = s.w.at(from, before); err != nil {
		return found{}
	}
	for keyLen := 1; keyLen <= before-near-2; keyLen++ {
		at := before - near - keyLen - 2
		if int(binary.BigEndian.Uint16(b[at:])) == keyLen && hasSeparator(b[at+2:at+2+keyLen]) {
			return found{from + int64(at), hit - 16, true}
		}
	}
	return found{}
}
