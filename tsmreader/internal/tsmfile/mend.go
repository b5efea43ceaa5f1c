// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"bytes"
	"encoding/binary"

	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

// mendEntry looks at an entry whose block does not lie where the block before ends.
// What the block's checksum proves is taken; the rest is reported.
func (c *carefulWalk) mendEntry(h *head, pos int64, e Entry) Entry {
	f := c.f
	key := string(h.key)
	// The size of the entry before may be wrong, and this one right.
	if c.lastPos > 0 && f.inData(e) && e.Offset > c.last.Offset && !f.checksumHolds(c.last) && e.Offset-c.last.Offset < 1<<32 {
		before := c.last
		before.Size = uint32(e.Offset - before.Offset) //nolint:gosec // compared above
		if f.checksumHolds(before) {
			f.entries[c.lastPos] = before
			c.report(fault.Index, c.lastPos, entrySize, false, errMendEntry).Range = before.Range()
			return e
		}
	}
	moved := e
	moved.Offset = c.next
	asStored := f.inData(e) && f.checksumHolds(e)
	asExpected := f.inData(moved) && f.checksumHolds(moved)
	if asExpected && (!asStored || c.follows(pos+entrySize, h, moved.end())) {
		f.entries[pos] = moved
		c.reportEntry(pos, key, false, errMendEntry, moved)
		return moved
	}
	if size, ok := c.sizeByNext(pos+entrySize, h, moved); ok && !asStored {
		moved.Size = size
		f.entries[pos] = moved
		c.reportEntry(pos, key, false, errMendEntry, moved)
		return moved
	}
	if !f.inData(e) {
		c.reportEntry(pos, key, true, errBounds, e)
		return e
	}
	if gap := e.Offset - c.next; gap > 0 {
		c.report(fault.Block, c.next, gap, true, unreferenced(gap))
	}
	return e
}

func (c *carefulWalk) reportEntry(pos int64, key string, lost bool, why error, e Entry) {
	fl := c.report(fault.Index, pos, entrySize, lost, why)
	fl.Key, fl.Range = key, e.Range()
}

// nextOffset gives where the block behind the entry before pos starts: by the next
// entry of h, the first of the record behind, or the start of the index.
func (c *carefulWalk) nextOffset(pos int64, h *head) (int64, bool) {
	if pos < h.next {
		b, err := c.w.at(pos, entrySize)
		if err != nil {
			return 0, false
		}
		return decodeEntry(b).Offset, true
	}
	if h.next >= c.f.indexEnd {
		return c.f.indexStart, true
	}
	var behind head
	if !c.plausible(h.next, headerSize, &behind) {
		return 0, false
	}
	b, err := c.w.at(behind.entriesPos, entrySize)
	if err != nil {
		return 0, false
	}
	return decodeEntry(b).Offset, true
}

// follows reports whether the block behind starts at end.
func (c *carefulWalk) follows(pos int64, h *head, end int64) bool {
	off, ok := c.nextOffset(pos, h)
	return ok && off == end
}

// sizeByNext tries the size that reaches up to the next block.
func (c *carefulWalk) sizeByNext(pos int64, h *head, e Entry) (uint32, bool) {
	off, ok := c.nextOffset(pos, h)
	if !ok || off <= e.Offset || off-e.Offset >= 1<<32 {
		return 0, false
	}
	e.Size = uint32(off - e.Offset) //nolint:gosec // compared above
	return e.Size, c.f.inData(e) && c.f.checksumHolds(e)
}

// findIndex looks for the index by its content when the footer does not lead to one:
// its first record is the one whose first block lies right behind the header.
func (s *scanner) findIndex(located error) bool {
	f := s.f
	if located != nil && (f.Size < headerSize+blockMin+recordMin) {
		s.report(fault.Footer, 0, f.Size, true, located)
		return false
	}
	// The footer, if there is one, is the last 8 bytes; a cut file has none.
	f.indexStart = f.Size
	for _, cut := range []int64{footerSize, 0} {
		f.indexEnd = f.Size - cut
		s.w = window{r: f.r, limit: f.indexEnd, buf: make([]byte, scanBuffer)}
		start, ok := s.firstRecord()
		if !ok {
			continue
		}
		f.indexStart = start
		why := ErrIndexStart
		if located != nil {
			why = ErrIndexCut
		}
		s.report(fault.Footer, max(f.Size-footerSize, 0), footerSize, false, why)
		return true
	}
	why := ErrNoIndex
	if located != nil {
		s.report(fault.Footer, max(f.Size-footerSize, 0), min(f.Size, footerSize), true, located)
	}
	s.report(fault.Index, -1, 0, true, why)
	f.indexStart, f.indexEnd = 0, 0
	return false
}

// firstRecord searches the file for the bytes that say "offset 5" and, before them,
// for the record that they belong to.
func (s *scanner) firstRecord() (int64, bool) {
	var pattern [8]byte
	binary.BigEndian.PutUint64(pattern[:], headerSize)
	for at := int64(headerSize); at < s.w.limit; {
		n := int(min(int64(len(s.w.buf)), s.w.limit-at))
		b, err := s.w.at(at, n)
		if err != nil {
			at += 4096
			continue
		}
		i := bytes.Index(b, pattern[:])
		if i < 0 {
			at += int64(max(n-len(pattern)+1, 1))
			continue
		}
		hit := at + int64(i)
		if start, ok := s.recordBefore(hit); ok {
			return start, true
		}
		at = hit + 1
	}
	return 0, false
}

// recordBefore finds the start of the record whose first entry has its offset at hit.
func (s *scanner) recordBefore(hit int64) (int64, bool) {
	entries := hit - 16
	for keyLen := int64(1); keyLen <= 65535; keyLen++ {
		pos := entries - 3 - keyLen - 2
		if pos < headerSize+blockMin {
			return 0, false
		}
		b, err := s.w.at(pos, 2)
		if err != nil {
			return 0, false
		}
		if int64(binary.BigEndian.Uint16(b)) != keyLen {
			continue
		}
		s.f.indexStart = pos
		var h, behind head
		if s.plausible(pos, headerSize, &h) && (h.next == s.f.indexEnd || s.plausible(h.next, headerSize, &behind)) &&
			s.firstBlockHolds(pos, h.entriesPos) {
			return pos, true
		}
		s.f.indexStart = s.f.Size
	}
	return 0, false
}

// firstBlockHolds checks the one block that a found index surely names.
func (s *scanner) firstBlockHolds(pos, entries int64) bool {
	b, err := s.w.at(pos, int(entries-pos)+entrySize)
	if err != nil {
		return false
	}
	e := decodeEntry(b[len(b)-entrySize:])
	return s.f.checksumHolds(e)
}
