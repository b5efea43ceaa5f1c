// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

// File is an open TSM file whose index was walked. It may be read by several
// goroutines at once, each with readers of its own.
type File struct {
	Path    string
	Size    int64
	Range   point.TimeRange // of all entries, as the index says
	Columns int             // records of the index that can be used
	Blocks  int             // their entries
	Marks   []Mark          // starting points for readers, in key order

	r          io.ReaderAt
	closer     io.Closer
	indexStart int64
	indexEnd   int64
	repairs    map[int64]repair // by position of a record
	entries    map[int64]Entry  // mended entries, by their position
}

// Mark is a place where a reader may start.
type Mark struct {
	Key    string // of the record at Pos
	Pos    int64  // in the file
	Before int    // blocks of the records before
	Weight int64  // work between this mark and the next: bytes of blocks, and some for the index
}

// Reasons why a file, or a part of it, cannot be used.
var (
	ErrEmpty      = errors.New("file is empty")
	ErrTooShort   = errors.New("file is too short to be a TSM file")
	ErrMagic      = errors.New("does not start with the TSM magic number")
	ErrVersion    = errors.New("unknown TSM version")
	ErrNoIndex    = errors.New("no index found: its columns cannot be told apart")
	ErrIndexStart = errors.New("index does not lie where the footer says; found by its content")
	ErrIndexCut   = errors.New("footer is missing or damaged; the index was found by its content")
	ErrBehind     = errors.New("the file goes on behind its footer: what stands there is not read")
)

// Open opens path read-only and walks its index. What is damaged comes as faults and
// the rest of the file can be used; an error is an open or stat that was refused.
func Open(path string) (*File, []fault.Fault, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	st, err := r.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, r.Close())
	}
	if !st.Mode().IsRegular() {
		return nil, nil, errors.Join(fmt.Errorf("open %s: not a regular file", path), r.Close())
	}
	f, faults := New(path, r, st.Size())
	f.closer = r
	return f, faults, nil
}

// New is Open for anything that can be read at random places.
func New(path string, r io.ReaderAt, size int64) (*File, []fault.Fault) {
	f := &File{Path: path, Size: size, r: r, Range: point.NoTime}
	s := scanner{f: f}
	s.run()
	return f, s.told()
}

// Close closes the file.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// checkHeader reports a header that is not a TSM file's.
func (s *scanner) checkHeader() {
	var b [headerSize]byte
	_, err := readFull(s.f.r, b[:], 0)
	switch {
	case err != nil:
		err = fmt.Errorf("read header: %w", err)
	case binary.BigEndian.Uint32(b[:]) != magic:
		err = ErrMagic
	case b[4] != version:
		err = fmt.Errorf("%w %d", ErrVersion, b[4])
	default:
		return
	}
	s.report(fault.Header, 0, headerSize, false, err)
}

// locate sets the borders of the index by the footer, or says why that cannot be.
func (f *File) locate() error {
	if f.Size < headerSize+blockMin+recordMin+footerSize {
		if f.Size == 0 {
			return ErrEmpty
		}
		return ErrTooShort
	}
	var b [footerSize]byte
	if _, err := readFull(f.r, b[:], f.Size-footerSize); err != nil {
		return fmt.Errorf("read footer: %w", err)
	}
	start := binary.BigEndian.Uint64(b[:])
	if start < headerSize+blockMin || start > uint64(f.Size-footerSize-recordMin) {
		return fmt.Errorf("footer says that the index starts at %d of %d bytes", start, f.Size)
	}
	f.indexStart, f.indexEnd = int64(start), f.Size-footerSize //nolint:gosec // compared above
	return nil
}

// inData reports whether the entry's block lies between header and index.
func (f *File) inData(e Entry) bool {
	return e.Offset >= headerSize && e.Size >= blockMin && e.Offset <= f.indexStart && int64(e.Size) <= f.indexStart-e.Offset
}
