// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/shardlift/shardlift/tsmreader/internal/codec"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

// mend reads the record between pos and q with another key length or count. One of the
// two must be as it is stored, and every block must be proven. If the record is good
// already as far as it goes, only its count can be too low.
func (c *carefulWalk) mend(pos, q int64, good bool) (head, bool) {
	b, err := c.w.at(pos, 2)
	if err != nil {
		return head{}, false
	}
	storedLen := int64(binary.BigEndian.Uint16(b))
	for count := int64(1); count <= math.MaxUint16; count++ {
		keyLen := q - pos - 5 - count*entrySize
		if keyLen < 1 {
			break
		}
		if keyLen > math.MaxUint16 {
			continue
		}
		var h head
		if c.f.parseAs(&c.w, pos, int(keyLen), int(count), &h) != nil || h.next != q || !hasSeparator(h.key) {
			continue
		}
		h.key = bytes.Clone(h.key) // looking further moves the buffer
		stored, err := c.w.at(h.entriesPos-countSize, countSize)
		if err != nil {
			continue
		}
		sameCount := count == int64(binary.BigEndian.Uint16(stored))
		if sameLen := keyLen == storedLen; sameLen == sameCount || good && !sameLen {
			continue
		}
		if c.proven(&h) {
			return h, true
		}
	}
	return head{}, false
}

// proven reports whether the blocks of h follow the block before, one another, and lead
// to the one behind; or, in a file whose blocks lie in another order, are all sound.
func (c *carefulWalk) proven(h *head) bool {
	if c.loose {
		return c.allHold(h)
	}
	if !c.tilesOn(h) {
		return false
	}
	last, err := c.w.at(h.next-entrySize, entrySize)
	return err == nil && c.follows(h.next, h, decodeEntry(last).end())
}

// allHold reports whether the checksums of all blocks of h hold.
func (c *carefulWalk) allHold(h *head) bool {
	for i := range h.count {
		b, err := c.w.at(h.entriesPos+int64(i)*entrySize, entrySize)
		if err != nil {
			return false
		}
		if e := decodeEntry(b); e.Min > e.Max || !c.holds(e) {
			return false
		}
	}
	return true
}

// mendEntry looks at an entry whose block does not lie where the block before ends.
// What the block's checksum proves is taken; the rest is reported.
func (c *carefulWalk) mendEntry(h *head, key string, pos int64, e Entry) Entry {
	f := c.f
	if c.loose {
		if !f.inData(e) {
			c.reportEntry(pos, key, true, errBounds, e)
		}
		return e
	}
	// The size of the entry before may be wrong, and this one right.
	if c.lastPos > 0 && f.inData(e) && c.mendSize(e.Offset) {
		return e
	}
	moved := e
	moved.Offset = c.next
	asStored, asExpected := c.holds(e), c.holds(moved)
	if asExpected && (!asStored || c.timesFit(moved) && (!c.timesFit(e) || c.follows(pos+entrySize, h, moved.end()))) {
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
	}
	return e
}

// mendSize gives the entry before the size with which it reaches up to end, if that
// makes it sound.
func (c *carefulWalk) mendSize(end int64) bool {
	n := end - c.last.Offset
	if n <= 0 || n > math.MaxUint32 || c.holds(c.last) {
		return false
	}
	before := c.last
	before.Size = uint32(n)
	if !c.holds(before) {
		return false
	}
	c.f.entries[c.lastPos] = before
	c.reportEntry(c.lastPos, c.lastKey, false, errMendEntry, before)
	c.name(before)
	return true
}

// mendLast looks at the last entry, behind which there is none to tell of its size.
func (c *carefulWalk) mendLast() {
	if c.lastPos > 0 && c.next != c.f.indexStart && !c.loose {
		c.mendSize(c.f.indexStart)
	}
}

// timesFit reports whether the block of e holds the times that e gives.
func (c *carefulWalk) timesFit(e Entry) bool {
	b := BlockReader{f: c.f, w: window{r: c.f.r, limit: c.f.indexStart}}
	block, err := b.Block(e)
	if err != nil {
		return false
	}
	_, section, _, err := codec.Split(block)
	if err != nil {
		return false
	}
	times, err := codec.Times(nil, section)
	return err == nil && len(times) > 0 && slices.Min(times) == e.Min && slices.Max(times) == e.Max
}

// holds reports whether the checksum of e's block holds. What is read to see that is
// bounded by the size of the file: an index made up of lies must not keep us for ever.
func (s *scanner) holds(e Entry) bool {
	if !s.f.inData(e) || s.tried > 8*s.f.Size {
		return false
	}
	s.tried += int64(e.Size)
	return s.f.checksumHolds(e)
}

func (c *carefulWalk) reportEntry(pos int64, key string, lost bool, why error, e Entry) {
	c.report(fault.Index, pos, entrySize, lost, why)
	fl := c.lastFault()
	fl.Key = key
	if why != errBounds { //nolint:errorlint // our own value, passed as it is
		fl.Range = e.Range()
	}
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
	return e.Size, c.holds(e)
}
