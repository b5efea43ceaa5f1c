// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"sort"

	"github.com/shardlift/shardlift/point"
)

var (
	errKeyLength = errors.New("index record has an empty key")
	errNoEntries = errors.New("index record has no entries")
	errRecordEnd = errors.New("index record reaches behind the index")
)

// head is a record without its entries.
type head struct {
	pos        int64
	key        []byte // aliases the window
	kind       byte
	count      int
	entriesPos int64
	next       int64 // position of the record behind
}

// parse reads the head of the record at pos.
func (f *File) parse(w *window, pos int64, h *head) error {
	b, err := w.at(pos, 2)
	if err != nil {
		return recordEnd(err)
	}
	keyLen := int(binary.BigEndian.Uint16(b))
	return f.parseAs(w, pos, keyLen, -1, h)
}

// parseAs is parse with a key length, and a count unless it is negative, that are
// known better than what is stored.
func (f *File) parseAs(w *window, pos int64, keyLen, count int, h *head) error {
	if keyLen == 0 {
		return errKeyLength
	}
	b, err := w.at(pos, 2+keyLen+3)
	if err != nil {
		return recordEnd(err)
	}
	h.pos = pos
	h.key = b[2 : 2+keyLen : 2+keyLen]
	h.kind = b[2+keyLen]
	h.count = count
	if count < 0 {
		h.count = int(binary.BigEndian.Uint16(b[3+keyLen:]))
	}
	if h.count == 0 {
		return errNoEntries
	}
	h.entriesPos = pos + int64(len(b))
	h.next = h.entriesPos + int64(h.count)*entrySize
	if h.next > f.indexEnd {
		return errRecordEnd
	}
	return nil
}

// recordEnd gives the end of the region its name; read errors stay what they are.
func recordEnd(err error) error {
	if errors.Is(err, errEnd) {
		return errRecordEnd
	}
	return err
}

// Reader walks records in key order. It belongs to one goroutine.
type Reader struct {
	f   *File
	w   window
	pos int64
	err error

	before int // blocks of the records before pos
}

// Reset gives a reader of f whose buffer holds size bytes: r with the buffer that it
// has, if that fits, or a new one, if r is nil.
func (r *Reader) Reset(f *File, size int) *Reader {
	if r == nil {
		r = &Reader{}
	}
	r.f, r.pos, r.err = f, f.indexEnd, nil
	r.w.reset(f.r, f.indexEnd, size)
	return r
}

// Seek puts the reader before the first record whose key is not below key.
func (r *Reader) Seek(key string, rec *Record) bool {
	marks := r.f.Marks
	lo, hi := 0, len(marks)
	for lo < hi {
		if mid := (lo + hi) / 2; marks[mid].Key <= key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	r.pos, r.before, r.err = r.f.indexStart, 0, nil
	if lo > 0 {
		r.pos, r.before = marks[lo-1].Pos, marks[lo-1].Before
	}
	for r.Next(rec) {
		if string(rec.Key) >= key {
			return true
		}
	}
	return false
}

// Err says why records were passed over: the file could be read when it was opened
// and cannot be now.
func (r *Reader) Err() error { return r.err }

// Next reads the next record into rec. Damaged records, reported when the file was
// opened, are passed over.
func (r *Reader) Next(rec *Record) bool {
	for r.pos < r.f.indexEnd {
		var h head
		var err error
		if fix, ok := r.f.repairs[r.pos]; ok {
			if fix.drop {
				r.pos = fix.next
				continue
			}
			err = r.f.parseAs(&r.w, r.pos, fix.keyLen, fix.count, &h)
		} else {
			err = r.f.parse(&r.w, r.pos, &h)
		}
		if err == nil {
			err = r.fill(rec, &h)
		}
		if err == nil {
			r.pos = h.next
			rec.Before = r.before
			r.before += h.count
			return true
		}
		r.err = cmp.Or(r.err, err)
		r.toMark()
	}
	return false
}

// toMark goes to the next place at which a record is known to start.
func (r *Reader) toMark() {
	marks := r.f.Marks
	i := sort.Search(len(marks), func(i int) bool { return marks[i].Pos > r.pos })
	if i == len(marks) {
		r.pos = r.f.indexEnd
		return
	}
	r.pos, r.before = marks[i].Pos, marks[i].Before
}

// entryBatch is how many entries are read at a time.
const entryBatch = 1024

// fill reads the entries once for what a record says of them all.
func (r *Reader) fill(rec *Record, h *head) error {
	rec.Key = append(rec.Key[:0], h.key...)
	rec.Kind, rec.Count, rec.entriesPos = point.Kind(h.kind), h.count, h.entriesPos
	rec.Suspect, rec.Bytes = false, 0
	hash := uint64(h.count) //nolint:gosec // a count of 16 bits
	prev := Entry{}
	for done := 0; done < h.count; {
		n := min(h.count-done, entryBatch)
		size := n * entrySize
		b, err := r.w.at(h.entriesPos+int64(done)*entrySize, size)
		if err != nil {
			return err
		}
		for i := 0; i < size; i += entrySize {
			e := decodeEntry(b[i:])
			if len(r.f.entries) > 0 {
				e = r.f.mended(h.entriesPos+int64(done*entrySize+i), e)
			}
			if done+i == 0 {
				rec.First = e
				rec.Suspect = e.Min > e.Max
			} else if e.Min <= prev.Max || e.Min > e.Max {
				rec.Suspect = true
			}
			hash = mix(mix(hash, uint64(e.Min)), uint64(e.Max)) //nolint:gosec // hashed bits
			rec.Bytes += int64(e.Size)
			prev = e
		}
		done += n
	}
	rec.Last, rec.Times = prev, hash
	return nil
}

// mix is one step of a hash of times; it need not withstand an attacker, since
// blocks that it calls alike are compared byte by byte before that is used.
func mix(h, v uint64) uint64 {
	h = (h ^ v) * 0x9E3779B97F4A7C15
	return h ^ h>>29
}

// mended gives the entry at pos as the neighbours prove it to be.
func (f *File) mended(pos int64, e Entry) Entry {
	if m, ok := f.entries[pos]; ok {
		return m
	}
	return e
}

// Entries appends the entries from..from+n of rec to dst.
func (r *Reader) Entries(dst []Entry, rec *Record, from, n int) ([]Entry, error) {
	for n > 0 {
		step := min(n, entryBatch)
		pos := rec.entriesPos + int64(from)*entrySize
		b, err := r.w.at(pos, step*entrySize)
		if err != nil {
			return dst, err
		}
		for i := 0; i < len(b); i += entrySize {
			e := decodeEntry(b[i:])
			if len(r.f.entries) > 0 {
				e = r.f.mended(pos+int64(i), e)
			}
			dst = append(dst, e)
		}
		from += step
		n -= step
	}
	return dst, nil
}

// hasSeparator reports whether a key looks like a composite key.
func hasSeparator(key []byte) bool { return bytes.Contains(key, []byte(point.KeySeparator)) }
