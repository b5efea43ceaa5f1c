// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

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
	errUnclear   = errors.New("key or its neighbour's is not in ascending order: neither column can be trusted and both are left out")
	errMendLen   = errors.New("length or count of the record is damaged; mended from the record behind, and the name taken as it stands")
	errMendEntry = errors.New("offset or size of an entry is damaged; mended from its neighbours and the block's checksum")
	errType      = errors.New("index holds an unknown block type; the type that the block itself has is taken")
	errMore      = errors.New("more is wrong with the index, and is not told one by one")
	errBounds    = errors.New("entry points outside the blocks; its block is lost")
)

// carefulWalk walks a damaged index: it tells the records apart by what they say of
// the blocks, which follow one another, and keeps for readers what it mended or dropped.
type carefulWalk struct {
	*scanner
	next    int64  // where the next block should start
	last    Entry  // the entry before,
	lastPos int64  // where it lies, 0 if there is none,
	lastKey string // and whose it is
	before  []byte // the key before s.prev
	prevRec head   // the record of s.prev, its key left out
	held    bool   // prevRec waits to be counted
	heldA   Entry
	heldZ   Entry
	named   []span // what the entries name of the data region
	loose   bool   // blocks do not lie in the order of the index: nothing tells where a lost one is
}

// mayScan is how many bytes resync may pass over in all: what stands between sound records
// is scanned once, and a few times up to the end; an index made up of lies would have it
// scanned again for each record.
func (c *carefulWalk) mayScan() int64 { return 4*(c.f.indexEnd-c.f.indexStart) + 1<<20 }

// span is a part of the file, without its end.
type span struct{ from, to int64 }

func (s *scanner) careful() {
	s.reset()
	f := s.f
	f.repairs, f.entries = map[int64]repair{}, map[int64]Entry{}
	c := carefulWalk{scanner: s, next: headerSize}
	c.loose = c.outOfOrder()
	pos := f.indexStart
	for pos < f.indexEnd {
		if len(f.repairs)+len(f.entries) > maxRepairs || s.scanned > c.mayScan() {
			s.report(fault.Index, pos, f.indexEnd-pos, true, errGivenUp)
			f.repairs[pos] = repair{drop: true, next: f.indexEnd}
			break
		}
		pos = c.step(pos)
	}
	c.mendLast()
	c.release()
	s.closeMark()
	c.reportGaps()
}

// outOfOrder reports whether the blocks lie in another order than the index names
// them, which is legal, rather than some of its entries being damaged.
func (c *carefulWalk) outOfOrder() bool {
	var h head
	total, wrong := 0, 0
	next := int64(headerSize)
	for pos, skips := c.f.indexStart, 0; pos < c.f.indexEnd; pos = h.next {
		if c.f.parse(&c.w, pos, &h) != nil {
			if skips++; skips > 4 {
				break
			}
			h.next = c.resync(pos)
			continue
		}
		for i := range h.count {
			b, err := c.w.at(h.entriesPos+int64(i)*entrySize, entrySize)
			if err != nil {
				break
			}
			e := decodeEntry(b)
			if total++; e.Offset != next {
				wrong++
			}
			next = e.end()
		}
	}
	return wrong > 2 && 2*wrong > total
}

// step takes the record at pos, or what can be saved of it, and gives the next position.
func (c *carefulWalk) step(pos int64) int64 {
	f := c.f
	var h head
	err := f.parse(&c.w, pos, &h)
	tiles := err == nil && c.tilesOn(&h)
	if tiles && c.leadsOn(&h) {
		return c.takeAt(pos, &h)
	}
	// A wrong length or count swallows other records: see what fits up to the next one.
	from := pos
	if tiles {
		from = h.next - 1
	}
	q := c.resync(from)
	good := tiles || err == nil && c.loose && q >= h.next && c.allHold(&h)
	if m, ok := c.mend(pos, q, good); ok {
		f.repairs[pos] = repair{keyLen: len(m.key), count: m.count}
		c.report(fault.Index, pos, q-pos, false, errMendLen)
		c.lastFault().Key = string(m.key)
		c.take(&m)
		return q
	}
	if good || err == nil && h.next == q {
		return c.takeAt(pos, &h)
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

// takeAt takes the record at pos as it is stored. Its key is read again: looking
// ahead moved the buffer.
func (c *carefulWalk) takeAt(pos int64, h *head) int64 {
	if err := c.f.parse(&c.w, pos, h); err != nil {
		c.report(fault.Index, pos, h.next-pos, true, err)
		c.f.repairs[pos] = repair{drop: true, next: h.next}
		return h.next
	}
	c.take(h)
	return h.next
}

// skipTo moves on to the block of the record at q.
func (c *carefulWalk) skipTo(q int64) {
	c.next, c.lastPos = c.f.indexStart, 0
	var h head
	if q < c.f.indexEnd && c.plausible(q, headerSize, &h) {
		if e, ok := c.firstEntry(&h); ok {
			c.next = e.Offset
		}
	}
}

// resync finds the next position at which a sound record starts, or the end. Bytes that
// happen to be a length can make one long key of what lies between them and the entries
// of a record further on: of all candidates the one goes that reaches its entries first,
// with the shortest key.
func (c *carefulWalk) resync(pos int64) int64 {
	f := c.f
	var h, behind head
	best, entries := f.indexEnd, f.indexEnd
	for q := pos + 1; q <= min(entries, f.indexEnd-recordMin); q++ {
		if _, err := c.w.at(q, recordMin); err != nil {
			q |= 4095 // unreadable: go on behind this page
			continue
		}
		if !c.plausible(q, headerSize, &h) {
			continue
		}
		first, ok := c.firstEntry(&h)
		if ok && h.entriesPos <= entries &&
			(h.next == f.indexEnd || c.plausible(h.next, headerSize, &behind) || c.holds(first)) {
			best, entries = q, h.entriesPos
		}
	}
	c.scanned += entries - pos
	return best
}

// firstEntry reads the first entry of h.
func (s *scanner) firstEntry(h *head) (Entry, bool) {
	b, err := s.w.at(h.entriesPos, entrySize)
	if err != nil {
		return Entry{}, false
	}
	return decodeEntry(b), true
}

// tilesOn reports whether the blocks of h follow the block before and one another.
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

// leadsOn reports whether the index ends behind h, or goes on with a record that can be one.
func (c *carefulWalk) leadsOn(h *head) bool {
	var behind head
	return h.next == c.f.indexEnd || c.plausible(h.next, headerSize, &behind) || c.chains(h)
}

// chains reports whether the record behind h, however odd its key or type, names the block
// behind the last of h.
func (c *carefulWalk) chains(h *head) bool {
	b, err := c.w.at(h.next-entrySize, entrySize)
	if err != nil {
		return false
	}
	end := decodeEntry(b).end()
	var behind head
	if c.f.parse(&c.w, h.next, &behind) != nil {
		return false
	}
	e, ok := c.firstEntry(&behind)
	return ok && e.Offset == end && c.f.inData(e)
}

// take checks a record whose frame is sound: its key against the keys before, its
// entries against the blocks.
func (c *carefulWalk) take(h *head) {
	key := append([]byte(nil), h.key...)
	first, last := c.takeEntries(h, string(key))
	if !point.Kind(h.kind).Valid() {
		c.report(fault.Index, h.pos, h.next-h.pos, false, errType)
		c.lastFault().Key = string(key)
	}
	switch order := bytes.Compare(key, c.prev); {
	case len(c.prev) == 0 || order > 0:
		c.release()
		c.before = append(c.before[:0], c.prev...)
	case order == 0:
		c.dropHeld(errTwice)
		c.drop(h, key, first, last, errTwice)
		return
	case !c.held || bytes.Compare(key, c.before) <= 0:
		c.drop(h, key, first, last, errOrder)
		return
	case c.nextKeyBelow(h):
		c.dropHeld(errOrder) // this key and the next are in order, the one before stands out
	default:
		c.dropHeld(errUnclear)
		c.drop(h, key, first, last, errUnclear)
		c.prev = append(c.prev[:0], c.before...)
		return
	}
	c.prev = append(c.prev[:0], key...)
	c.prevRec, c.held, c.heldA, c.heldZ = *h, true, first, last
	c.prevRec.key = nil
}

// nextKeyBelow reports whether the key behind h is below the key before h.
func (c *carefulWalk) nextKeyBelow(h *head) bool {
	var behind head
	return h.next < c.f.indexEnd && c.f.parse(&c.w, h.next, &behind) == nil && bytes.Compare(behind.key, c.prev) < 0
}

// drop leaves a record out.
func (c *carefulWalk) drop(h *head, key []byte, first, last Entry, why error) {
	rec := Record{First: first, Last: last}
	c.report(fault.Index, h.pos, h.next-h.pos, true, why)
	fl := c.lastFault()
	fl.Key, fl.Range = string(key), rec.Range()
	c.f.repairs[h.pos] = repair{drop: true, next: h.next}
}

// dropHeld leaves the record before out.
func (c *carefulWalk) dropHeld(why error) {
	if c.held {
		c.drop(&c.prevRec, c.prev, c.heldA, c.heldZ, why)
		c.held = false
	}
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
func (c *carefulWalk) takeEntries(h *head, key string) (first, last Entry) {
	for i := range h.count {
		pos := h.entriesPos + int64(i)*entrySize
		b, err := c.w.at(pos, entrySize)
		if err != nil {
			c.report(fault.Index, pos, entrySize, true, fmt.Errorf("read entry: %w", err))
			c.lastFault().Key = key
			break
		}
		e := decodeEntry(b)
		if e.Offset != c.next || !c.f.inData(e) {
			e = c.mendEntry(h, key, pos, e)
		}
		if i == 0 {
			first = e
		}
		last = e
		if c.f.inData(e) {
			c.addBlock(e)
			c.name(e)
			c.next, c.last, c.lastPos, c.lastKey = e.end(), e, pos, key
		}
	}
	return first, last
}

// name notes what e names of the data region.
func (c *carefulWalk) name(e Entry) {
	if n := len(c.named); n > 0 && c.named[n-1].to == e.Offset {
		c.named[n-1].to = e.end()
		return
	}
	c.named = append(c.named, span{e.Offset, e.end()})
}

// reportGaps reports what no entry names of the data region.
func (c *carefulWalk) reportGaps() {
	slices.SortFunc(c.named, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	at := int64(headerSize)
	for _, s := range append(c.named, span{c.f.indexStart, c.f.indexStart}) {
		if n := s.from - at; n > 0 {
			c.report(fault.Block, at, n, true, unreferenced(n))
		}
		at = max(at, s.to)
	}
}
