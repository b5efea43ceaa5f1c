// SPDX-License-Identifier: Apache-2.0

package tombstone

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

const (
	magicV2 = 0x1502
	magicV3 = 0x1503
	magicV4 = 0x1504
)

// maxKey is the longest composite key that the engine takes.
const maxKey = 65535

var (
	errKey      = errors.New("key length is out of range")
	errCut      = errors.New("ends inside an entry: the deletes behind are unknown")
	errRange    = errors.New("entry ends before it starts")
	errHeadless = errors.New("has no version header; its compressed deletes are applied")
)

// Read gives every delete of path to add, in the order of the file; key is valid only
// during the call. Damage comes as faults, and what stands before it was added.
// An error is a file that could not be opened.
func Read(path string, add func(key []byte, r point.TimeRange)) ([]fault.Fault, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	faults := Decode(path, f, add)
	return faults, f.Close()
}

// Decode is Read for an open stream; path is for the faults.
func Decode(path string, r io.Reader, add func(key []byte, r point.TimeRange)) []fault.Fault {
	d := decoder{path: path, add: add}
	br := bufio.NewReaderSize(r, 64<<10)
	head, err := br.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		d.report(0, fmt.Errorf("read: %w", err))
		return d.faults
	}
	version := uint32(0)
	if len(head) == 4 {
		version = binary.BigEndian.Uint32(head)
	}
	switch {
	case version == magicV2:
		_, _ = br.Discard(4) // peeked above
		d.entries(br, 4)
	case version == magicV3 || version == magicV4:
		_, _ = br.Discard(4) // peeked above
		d.compressed(br, 4)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b, 0x08}):
		d.report(0, errHeadless)
		d.faults[len(d.faults)-1].Lost = false
		d.compressed(br, 0)
	default:
		d.text(br)
	}
	return d.faults
}

type decoder struct {
	path   string
	add    func(key []byte, r point.TimeRange)
	faults []fault.Fault
}

// report notes a fault. Lost means: deletes are missing, so that deleted points come back.
func (d *decoder) report(off int64, err error) {
	d.faults = append(d.faults, fault.New(d.path, fault.Tombstone, off, 0, true, err))
}

// compressed reads gzip members one behind the other.
func (d *decoder) compressed(r *bufio.Reader, off int64) {
	if _, err := r.Peek(1); errors.Is(err, io.EOF) {
		return // a header and no delete yet
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		d.report(off, fmt.Errorf("decompress: %w", err))
		return
	}
	d.entries(bufio.NewReader(z), off)
}

// entries reads entries up to the end. off is where they, or their compressed
// form, start in the file.
func (d *decoder) entries(r *bufio.Reader, off int64) {
	var key []byte
	for {
		var b [4]byte
		n, err := io.ReadFull(r, b[:])
		if errors.Is(err, io.EOF) && n == 0 {
			return
		}
		if err != nil {
			d.report(off, cutError(err))
			return
		}
		size := binary.BigEndian.Uint32(b[:])
		if size == 0 || size > maxKey {
			d.report(off, fmt.Errorf("%w: %d", errKey, size))
			return
		}
		if cap(key) < int(size)+16 {
			key = make([]byte, size+16, 2*size+16)
		}
		key = key[:size+16]
		if _, err := io.ReadFull(r, key); err != nil {
			d.report(off, cutError(err))
			return
		}
		t := point.TimeRange{
			Min: int64(binary.BigEndian.Uint64(key[size:])),   //nolint:gosec // two's complement on disk
			Max: int64(binary.BigEndian.Uint64(key[size+8:])), //nolint:gosec // two's complement on disk
		}
		if t.Empty() {
			d.report(off, fmt.Errorf("%w: %q", errRange, key[:size]))
			continue
		}
		d.add(key[:size], t)
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
		if key := bytes.TrimSuffix(line, []byte("\n")); len(key) > 0 {
			if len(key) > maxKey {
				d.report(off, fmt.Errorf("%w: more than %d", errKey, maxKey))
				return
			}
			d.add(key, point.AllTime)
		}
		off += int64(len(line))
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			d.report(off, fmt.Errorf("read: %w", err))
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
