// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

// maxRepairs bounds what a careful walk keeps and tries; a file with more damage
// than that gives up the rest of its index, and says so.
const maxRepairs = 4096

// repair is what readers do at the position of a damaged record.
type repair struct {
	drop   bool
	next   int64 // with drop: where to go on
	keyLen int
	count  int
}

var (
	errOrder     = errors.New("key is not in ascending order: the column cannot be trusted and is left out")
	errTwice     = errors.New("key comes twice: neither column can be trusted and both are left out")
	errGarbage   = errors.New("index cannot be read here; reading goes on at the next sound record")
	errGivenUp   = errors.New("index is damaged in too many places; the rest of it is left out")
	errMendLen   = errors.New("length or count of the record is damaged; mended from the record behind")
	errMendEntry = errors.New("offset or size of an entry is damaged; mended from its neighbours and the block's checksum")
	errType      = errors.New("index holds an unknown block type; the type that the block itself has is taken")
	errBounds    = errors.New("entry points outside the blocks; its block is lost")
)

// careful walks a damaged index: it tells the records apart by what they say of the
// blocks, which follow one another, and keeps for readers what it mended or dropped.
type carefulWalk struct {
	*scanner
	next    int64 // where the next block should start
	last    Entry // the entry before, and where it lies
	lastPos int64
	before  []byte // the key before s.prev
	prevRec head   // the record of s.prev, its key left out
	held    bool   // prevRec waits to be counted
	heldA   Entry
	heldZ   Entry
}

func (s *scanner) careful() {
	s.reset()
	f := s.f
	f.repairs, f.entries = map[int64]repair{}, map[int64]Entry{}
	c := carefulWalk{scanner: s, next: headerSize}
	pos := f.indexStart
	for pos < f.indexEnd {
		if len(f.repairs)+len(f.entries) > maxRepairs {
			s.report(fault.Index, pos, f.indexEnd-pos, true, errGivenUp)
			f.repairs[pos] = repair{drop: true, next: f.indexEnd}
			break
		}
		pos = c.step(pos)
	}
	c.release()
	s.closeMark()
	if c.next < f.indexStart {
		s.report(fault.Block, c.next, f.indexStart-c.next, true, unreferenced(f.indexStart-c.next))
	}
}

// step takes the record at pos, or what can be saved of it, and gives the next position.
func (c *carefulWalk) step(pos int64) int64 {
	f := c.f
	var h, behind head
	err := f.parse(&c.w, pos, &h)
	sound := err == nil && (c.tilesOn(&h) || h.next == f.indexEnd || c.plausible(h.next, headerSize, &behind))
	if sound {
		err = f.parse(&c.w, pos, &h) // the key again: looking ahead moved the buffer
	}
	if err == nil && sound {
		c.take(&h)
		return h.next
	}
	q := c.resync(pos)
	if h, ok := c.mend(pos, q); ok {
		f.repairs[pos] = repair{keyLen: len(h.key), count: h.count}
		c.report(fault.Index, pos, q-pos, false, errMendLen).Key = string(h.key)
		c.take(&h)
		return q
	}
	if err == nil {
		err = errGarbage
	} else {
		err = fmt.Errorf("%w: %w", errGarbage, err)
	}
	c.report(fault.Index, pos, q-pos, true, err)
	f.repairs[pos] = repair{drop: true, next: q}
	c.skipTo(q)
	return q
}

// skipTo moves on to the block of the record at q, counting what lies between.
func (c *carefulWalk) skipTo(q int64) {
	to := c.f.indexStart
	var h head
	if q < c.f.indexEnd && c.plausible(q, c.next, &h) {
		if b, err := c.w.at(h.entriesPos, entrySize); err == nil {
			to = decodeEntry(b).Offset
		}
	}
	if to > c.next {
		c.report(fault.Block, c.next, to-c.next, true, unreferenced(to-c.next))
		c.next = to
	}
	c.lastPos = 0
}

// resync finds the next position at which a sound record starts, or the end.
func (c *carefulWalk) resync(pos int64) int64 {
	f := c.f
	var h, behind head
	for q := pos + 1; q <= f.indexEnd-recordMin; q++ {
		if _, err := c.w.at(q, recordMin); err != nil {
			q = (q | 4095) // unreadable: go on behind this page
			continue
		}
		if !c.plausible(q, c.next, &h) {
			continue
		}
		first, ok := c.firstEntry(&h)
		if ok && (h.next == f.indexEnd || c.plausible(h.next, headerSize, &behind) || f.checksumHolds(first)) {
			return q
		}
	}
	return f.indexEnd
}

// firstEntry reads the first entry of h.
func (s *scanner) firstEntry(h *head) (Entry, bool) {
	b, err := s.w.at(h.entriesPos, entrySize)
	if err != nil {
		return Entry{}, false
	}
	return decodeEntry(b), true
}

// tilesOn reports whether the blocks of h follow the block before and one another:
// then the record is sound, whatever comes behind it.
func (c *carefulWalk) tilesOn(h *head) bool {
	next := c.next
	for i := range h.count {
		b, err := c.w.at(h.entriesPos+int64(i)*entrySize, entrySize)
		if err != nil {
			return false
		}
		e := decodeEntry(b)
		if e.Offset != next || !c.f.inData(e) {
			return false
		}
		next = e.end()
	}
	return true
}

// mend reads the record between pos and q with another key length or count, if just
// one pair fits and its first block follows the block before.
func (c *carefulWalk) mend(pos, q int64) (head, bool) {
	f := c.f
	for count := int64(1); count <= 65535; count++ {
		keyLen := q - pos - 5 - count*entrySize
		if keyLen < 1 {
			break
		}
		if keyLen > 65535 {
			continue
		}
		var h head
		if f.parseAs(&c.w, pos, int(keyLen), int(count), &h) != nil || h.next != q || !hasSeparator(h.key) {
			continue
		}
		b, err := c.w.at(pos, int(h.entriesPos-pos)+entrySize)
		if err != nil {
			continue
		}
		h.key = b[2 : 2+keyLen : 2+keyLen]
		stored := int64(binary.BigEndian.Uint16(b)) == keyLen || int64(binary.BigEndian.Uint16(b[3+keyLen:])) == count
		if e := decodeEntry(b[len(b)-entrySize:]); stored && e.Offset == c.next && f.inData(e) {
			return h, true
		}
	}
	return head{}, false
}

// take checks a record whose frame is sound: its key against the keys before, its
// entries against the blocks.
func (c *carefulWalk) take(h *head) {
	f := c.f
	key := append([]byte(nil), h.key...)
	first, last := c.takeEntries(h)
	if !point.Kind(h.kind).Valid() {
		c.report(fault.Index, h.pos, h.next-h.pos, false, errType).Key = string(key)
	}
	drop := func(h *head, key []byte, r point.TimeRange, why error) {
		fl := c.report(fault.Index, h.pos, h.next-h.pos, true, why)
		fl.Key, fl.Range = string(key), r
		f.repairs[h.pos] = repair{drop: true, next: h.next}
	}
	rec := Record{First: first, Last: last}
	switch order := bytes.Compare(key, c.prev); {
	case len(c.prev) == 0 || order > 0:
		c.release()
		c.before = append(c.before[:0], c.prev...)
	case order == 0:
		if c.held {
			held := Record{First: c.heldA, Last: c.heldZ}
			drop(&c.prevRec, c.prev, held.Range(), errTwice)
			c.held = false
		}
		drop(h, key, rec.Range(), errTwice)
		return
	case bytes.Compare(key, c.before) > 0 && c.held:
		// The key before stands out: this one fits behind the one before that.
		held := Record{First: c.heldA, Last: c.heldZ}
		drop(&c.prevRec, c.prev, held.Range(), errOrder)
	default:
		drop(h, key, rec.Range(), errOrder)
		return
	}
	c.prev = append(c.prev[:0], key...)
	c.prevRec, c.held, c.heldA, c.heldZ = *h, true, first, last
	c.prevRec.key = nil
}

// release counts the record that waited for its successor's key.
func (c *carefulWalk) release() {
	if !c.held {
		return
	}
	c.held = false
	c.mark(c.prev, c.prevRec.pos)
	c.addRecord(&c.prevRec, c.heldA, c.heldZ)
}

// takeEntries looks at every entry of h, mends or reports what does not fit.
func (c *carefulWalk) takeEntries(h *head) (first, last Entry) {
	for i := range h.count {
		pos := h.entriesPos + int64(i)*entrySize
		b, err := c.w.at(pos, entrySize)
		if err != nil {
			c.report(fault.Index, pos, entrySize, true, fmt.Errorf("read entry: %w", err))
			break
		}
		e := decodeEntry(b)
		if e.Offset != c.next || !c.f.inData(e) {
			e = c.mendEntry(h, pos, e)
		}
		if i == 0 {
			first = e
		}
		last = e
		if c.f.inData(e) {
			c.addBlock(e)
			c.next, c.last, c.lastPos = e.end(), e, pos
		}
	}
	return first, last
}
