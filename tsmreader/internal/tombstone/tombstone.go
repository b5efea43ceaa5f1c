// SPDX-License-Identifier: Apache-2.0

package tombstone

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

const (
	magicV2    = 0x1502
	magicV3    = 0x1503
	magicV4    = 0x1504
	headerSize = 4
)

// maxKey is the longest composite key that the engine takes.
const maxKey = 65535

// maxFaults is how many faults of a file are told one by one: junk may have one in each
// second byte.
const maxFaults = 1000

var (
	errKey      = errors.New("key length is out of range: the deletes behind are unknown")
	errCut      = errors.New("ends inside an entry: the deletes behind are unknown")
	errRange    = errors.New("entry ends before it starts and deletes nothing")
	errBare     = errors.New("key has no field part: it cannot be told what it deletes")
	errHeadless = errors.New("has no version header; its compressed deletes are applied")
	errHeader   = errors.New("version header is damaged; the deletes behind it are applied")
	errMore     = errors.New("more is wrong from here on, and is not told one by one")
)

// Decode gives every delete of a file of size bytes to add, in the order of the file;
// key is valid only during the call. Damage comes as faults; those that are Lost say
// that deletes are missing, so that deleted points come back. path is for them.
func Decode(path string, r io.ReaderAt, size int64, add func(key []byte, r point.TimeRange)) []fault.Fault {
	d := decoder{path: path, r: r, size: size, add: add}
	var b [headerSize + 3]byte
	n, err := r.ReadAt(b[:min(size, int64(len(b)))], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		d.report(0, size, fmt.Errorf("read: %w", err))
		return d.faults
	}
	d.decode(b[:n])
	if d.more > 0 {
		d.rest.Err = fmt.Errorf("%w: %d faults", errMore, d.more)
		d.faults = append(d.faults, d.rest)
	}
	return d.faults
}

type decoder struct {
	path   string
	r      io.ReaderAt
	size   int64
	add    func(key []byte, r point.TimeRange)
	faults []fault.Fault
	more   int         // above maxFaults,
	rest   fault.Fault // and what stands for them

	// For members, one after the other: many are small.
	raw, body *bufio.Reader
	unzip     *gzip.Reader
}

// note keeps a fault, or counts it.
func (d *decoder) note(f fault.Fault) {
	if len(d.faults) < maxFaults {
		d.faults = append(d.faults, f)
		return
	}
	if d.more == 0 {
		d.rest = fault.New(d.path, fault.Tombstone, f.Offset, d.size-f.Offset, false, nil)
	}
	d.more++
	d.rest.Lost = d.rest.Lost || f.Lost
}

// decode reads the file that starts with head.
func (d *decoder) decode(head []byte) {
	version := uint32(0)
	if len(head) >= headerSize {
		version = binary.BigEndian.Uint32(head)
	}
	switch {
	case version == magicV2:
		d.plain()
	case version == magicV3 || version == magicV4:
		d.members(headerSize)
	case isMember(head):
		d.doubt(0, 0, errHeadless)
		d.members(0)
	case len(head) > headerSize && isMember(head[headerSize:]):
		d.doubt(0, headerSize, errHeader)
		d.members(headerSize)
	case len(head) > headerSize && head[0] == 0 && d.looksPlain():
		d.doubt(0, headerSize, errHeader)
		d.plain()
	default:
		d.text(bufio.NewReaderSize(d.from(0), 64<<10))
	}
}

// from reads the file from off to its end.
func (d *decoder) from(off int64) *io.SectionReader {
	return io.NewSectionReader(d.r, off, d.size-off)
}

// report notes missing deletes.
func (d *decoder) report(off, size int64, err error) {
	d.note(fault.New(d.path, fault.Tombstone, off, size, true, err))
}

// doubt notes what is wrong and costs no delete.
func (d *decoder) doubt(off, size int64, err error) {
	d.note(fault.New(d.path, fault.Tombstone, off, size, false, err))
}

// plain reads entries that are not compressed.
func (d *decoder) plain() {
	e := entries{add: d.add, odd: func(key []byte, lost bool, err error) { d.oddEntry(headerSize, key, lost, err) }}
	if err := e.read(bufio.NewReader(d.from(headerSize))); err != nil {
		d.report(headerSize+e.whole, d.size-headerSize-e.whole, err)
	}
}

// looksPlain reports whether what stands behind the header are entries up to the end.
func (d *decoder) looksPlain() bool {
	sound := true
	e := entries{add: func([]byte, point.TimeRange) {}, odd: func([]byte, bool, error) { sound = false }}
	return e.read(bufio.NewReader(d.from(headerSize))) == nil && sound
}

// oddEntry reports one entry that is of no use.
func (d *decoder) oddEntry(off int64, key []byte, lost bool, err error) {
	f := fault.New(d.path, fault.Tombstone, off, 0, lost, err)
	f.Key = string(key)
	d.note(f)
}

// entries reads entries one behind the other.
type entries struct {
	add   func(key []byte, r point.TimeRange)
	odd   func(key []byte, lost bool, err error) // for entries that delete nothing
	key   []byte
	whole int64 // bytes of whole entries
}

// read reads up to the end of r.
func (e *entries) read(r io.Reader) error {
	for {
		var b [4]byte
		n, err := io.ReadFull(r, b[:])
		if errors.Is(err, io.EOF) && n == 0 {
			return nil
		}
		if err != nil {
			return cutError(err)
		}
		size := binary.BigEndian.Uint32(b[:])
		if size == 0 || size > maxKey {
			return fmt.Errorf("%w: %d", errKey, size)
		}
		if cap(e.key) < int(size)+16 {
			e.key = make([]byte, size+16, 2*size+16)
		}
		e.key = e.key[:size+16]
		if _, err := io.ReadFull(r, e.key); err != nil {
			return cutError(err)
		}
		e.whole += int64(size) + 20
		e.one(e.key[:size], point.TimeRange{
			Min: int64(binary.BigEndian.Uint64(e.key[size:])),   //nolint:gosec // two's complement on disk
			Max: int64(binary.BigEndian.Uint64(e.key[size+8:])), //nolint:gosec // two's complement on disk
		})
	}
}

func (e *entries) one(key []byte, t point.TimeRange) {
	switch {
	case t.Empty():
		e.odd(key, false, errRange)
	case !bytes.Contains(key, []byte(point.KeySeparator)):
		e.odd(key, true, errBare)
	default:
		e.add(key, t)
	}
}

func cutError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return fmt.Errorf("%w: %w", errCut, err)
}

// text reads version 1: keys, one a line.
func (d *decoder) text(r *bufio.Reader) {
	off := int64(0)
	for {
		line, err := readLine(r)
		key := bytes.TrimSuffix(line, []byte("\n"))
		switch {
		case len(key) > maxKey:
			d.report(off, d.size-off, fmt.Errorf("%w: more than %d", errKey, maxKey))
			return
		case len(key) > 0 && !bytes.Contains(key, []byte(point.KeySeparator)):
			d.oddEntry(off, key, true, errBare)
		case len(key) > 0:
			d.add(key, point.AllTime)
		}
		off += int64(len(line))
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			d.report(off, d.size-off, fmt.Errorf("read: %w", err))
			return
		}
	}
}

// readLine reads up to and with the next newline, but no more than a key can have.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	line = bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) && len(line) <= maxKey {
		var more []byte
		more, err = r.ReadSlice('\n')
		line = append(line, more...)
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		err = nil
	}
	return line, err
}
