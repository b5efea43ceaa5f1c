// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/shardlift/shardlift/point"
)

// ErrChecksum says that a block is not what was written.
var ErrChecksum = errors.New("checksum does not match")

// ErrOutside says that an entry points outside the blocks; Open reported it.
var ErrOutside = errors.New("entry points outside the blocks")

// BlockReader reads blocks through a buffer. It belongs to one goroutine.
type BlockReader struct {
	f *File
	w window
}

// NewBlockReader gives a reader that reads size bytes at a time.
func (f *File) NewBlockReader(size int) *BlockReader {
	b := &BlockReader{w: window{buf: make([]byte, size)}}
	b.Reset(f)
	return b
}

// Reset makes b read f, with the buffer it has.
func (b *BlockReader) Reset(f *File) {
	b.f = f
	b.w.reset(f.r, f.indexStart, len(b.w.buf))
}

// Block reads the block of e and checks its checksum. The data, from the type byte
// on, are valid until the next call.
func (b *BlockReader) Block(e Entry) ([]byte, error) {
	if !b.f.inData(e) {
		return nil, ErrOutside
	}
	raw, err := b.w.at(e.Offset, int(e.Size))
	if err != nil {
		return nil, fmt.Errorf("read block: %w", err)
	}
	if crc32.ChecksumIEEE(raw[4:]) != binary.BigEndian.Uint32(raw) {
		return nil, ErrChecksum
	}
	return raw[4:], nil
}

// checksumHolds reads the block of e just to see whether it is one.
func (f *File) checksumHolds(e Entry) bool {
	if !f.inData(e) {
		return false
	}
	b := BlockReader{f: f, w: window{r: f.r, limit: f.indexStart}}
	_, err := b.Block(e)
	return err == nil
}

// Kind gives the type of the block of e; ok is false where it cannot be read.
func (b *BlockReader) Kind(e Entry) (kind point.Kind, ok bool) {
	block, err := b.Block(e)
	if err != nil {
		return 0, false
	}
	kind = point.Kind(block[0])
	return kind, kind.Valid()
}
