// SPDX-License-Identifier: Apache-2.0

package walfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/shardlift/shardlift/tsmreader/internal/codec"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

// Type is the kind of an entry.
type Type uint8

// The three types of entries.
const (
	Write       Type = 1
	Delete      Type = 2
	DeleteRange Type = 3
)

const headerSize = 5

// Reasons why an entry is bad.
var (
	ErrTorn   = errors.New("segment is torn here, as after a crash")
	ErrDamage = errors.New("entry is damaged; the segment ends here for the engine too")
	errType   = errors.New("unknown entry type")
	errRead   = errors.New("read entry")
	errLength = errors.New("entry is longer than the rest of the segment")
)

// Segment is one segment file, as large as it was when it was opened.
type Segment struct {
	Path string
	R    io.ReaderAt
	Size int64
}

// Reader gives the entries of a segment one by one. It belongs to one goroutine.
type Reader struct {
	// Salvage goes on behind a bad entry, at the next place where one can be read.
	Salvage bool

	seg    Segment
	pos    int64 // of the next entry
	start  int64 // of the current one
	typ    Type
	head   [headerSize]byte
	raw    []byte
	body   []byte
	faults []fault.Fault
	done   bool
	probed int64 // bytes read in search of entries
}

// Reset makes r read seg from its start, with the buffers it has.
func (r *Reader) Reset(seg Segment) {
	*r = Reader{Salvage: r.Salvage, seg: seg, raw: r.raw, body: r.body}
}

// Faults gives what was wrong so far.
func (r *Reader) Faults() []fault.Fault { return r.faults }

// Type is the type of the current entry.
func (r *Reader) Type() Type { return r.typ }

// Offset is where the current entry starts in the segment.
func (r *Reader) Offset() int64 { return r.start }

// Next reads the next entry whose body parses. False is the end of the segment, or
// of what can be read of it; see Faults.
func (r *Reader) Next() bool {
	for !r.done && r.pos < r.seg.Size {
		r.start = r.pos
		next, err := r.read(r.pos)
		if err == nil {
			r.pos = next
			return true
		}
		r.bad(err)
	}
	r.done = true
	return false
}

// read decodes the entry at pos and gives the position behind it.
func (r *Reader) read(pos int64) (int64, error) {
	left := r.seg.Size - pos
	if left < headerSize {
		return 0, ErrTorn
	}
	h := r.head[:]
	if err := r.readAt(h, pos); err != nil {
		return 0, err
	}
	size := int64(binary.BigEndian.Uint32(h[1:]))
	typ := Type(h[0])
	if typ < Write || typ > DeleteRange {
		return 0, fmt.Errorf("%w %d", errType, h[0])
	}
	if size > left-headerSize {
		return 0, errLength
	}
	if int64(cap(r.raw)) < size {
		r.raw = make([]byte, size+size/4)
	}
	r.raw = r.raw[:size]
	if err := r.readAt(r.raw, pos+headerSize); err != nil {
		return 0, err
	}
	var err error
	if r.body, err = codec.Unsnap(r.body, r.raw); err != nil {
		return 0, err
	}
	r.typ = typ
	return pos + headerSize + size, check(typ, r.body)
}

func (r *Reader) readAt(b []byte, pos int64) error {
	n, err := r.seg.R.ReadAt(b, pos)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", errRead, err)
}

// bad reports the entry at start and ends the segment, or goes on behind the damage.
func (r *Reader) bad(why error) {
	next, entries := r.findNext(r.start + 1)
	size := r.seg.Size - r.start
	switch {
	case next >= 0 && r.Salvage:
		size = next - r.start
		why = fmt.Errorf("entry is damaged and left out: %w", why)
	case next >= 0:
		why = fmt.Errorf("%w, %d bytes are lost; at least %d entries behind it could be salvaged, from byte %d: %w",
			ErrDamage, size, entries, next, why)
	case errors.Is(why, errRead):
		why = fmt.Errorf("%d bytes are lost: %w", size, why)
	default:
		why = fmt.Errorf("%w, %d bytes are lost: %w", ErrTorn, size, why)
	}
	r.faults = append(r.faults, fault.New(r.seg.Path, fault.WAL, r.start, size, true, why))
	if next < 0 || !r.Salvage {
		r.done = true
		return
	}
	r.pos = next
}

// pageSize is what is passed over where a segment cannot be read.
const pageSize = 4096

// findNext looks for the first position from which an entry can be read, and counts
// the entries that follow one another from there (up to 100). It is -1 without one.
func (r *Reader) findNext(from int64) (pos int64, entries int) {
	buf := make([]byte, min(64<<10, max(r.seg.Size-from, 0)))
	for pos = from; pos <= r.seg.Size-headerSize; {
		n := int(min(int64(len(buf)), r.seg.Size-pos))
		if err := r.readAt(buf[:n], pos); err != nil {
			n = int(min(int64(n), pageSize-pos%pageSize)) // up to the end of the page
			if err := r.readAt(buf[:n], pos); err != nil {
				pos += int64(n)
				continue
			}
		}
		for i := 0; i+headerSize <= n; i++ {
			at := pos + int64(i)
			if !r.probe(buf[i:], at) {
				continue
			}
			next, err := r.read(at)
			if err != nil || !named(r.typ, r.body) {
				continue
			}
			for entries = 1; entries < 100 && next < r.seg.Size; entries++ {
				if next, err = r.read(next); err != nil {
					break
				}
			}
			return at, entries
		}
		pos += int64(max(n-headerSize+1, 1))
	}
	return -1, 0
}

// probe reports whether head, at the position at, may start an entry that is worth a
// read. What is read in vain is bounded by the size of the segment.
func (r *Reader) probe(head []byte, at int64) bool {
	if t := Type(head[0]); t < Write || t > DeleteRange {
		return false
	}
	size := int64(binary.BigEndian.Uint32(head[1:]))
	if size < 2 || size > r.seg.Size-at-headerSize || r.probed > 1<<16+16*r.seg.Size {
		return false
	}
	r.probed += headerSize + size
	return true
}

// Whole reports whether the frames of a segment's entries end where it ends.
func Whole(seg Segment) bool {
	pos := int64(0)
	for pos < seg.Size {
		var h [headerSize]byte
		n, _ := seg.R.ReadAt(h[:], pos)
		if t := Type(h[0]); n < headerSize || t < Write || t > DeleteRange {
			return false
		}
		pos += headerSize + int64(binary.BigEndian.Uint32(h[1:]))
	}
	return pos == seg.Size
}
