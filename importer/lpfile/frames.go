// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// frames passes a zstd stream on and knows where its frames end. The zstd package does not
// tell: it takes up to three bytes of anything behind a frame for the next one, cut off.
// Layout: RFC 8878, section 3.1.
type frames struct {
	r       io.Reader
	head    []byte // of the header at hand, of a frame or a block
	left    uint64 // bytes to pass over until the next header
	inFrame bool   // the next header is of a block
	sum     bool   // the frame ends in a checksum
	lost    bool   // what came is no frame, and no more is known
}

const (
	blockHeader   = 3
	blockRepeated = 1 // kind of a block that has one byte, whatever its size says
	frameSum      = 4 // bytes of a checksum
)

func (f *frames) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	f.pass(p[:n])
	return n, err
}

func (f *frames) pass(b []byte) {
	for len(b) > 0 && !f.lost {
		if f.left > 0 {
			n := min(f.left, uint64(len(b)))
			f.left -= n
			b = b[n:]
			continue
		}
		f.head = append(f.head, b[0])
		b = b[1:]
		if f.inFrame {
			f.block()
		} else {
			f.frame()
		}
	}
}

// frame looks at the header of a frame, if it is whole.
func (f *frames) frame() {
	var h zstd.Header
	switch err := h.Decode(f.head); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return
	case err != nil:
		f.lost = true
	case h.Skippable:
		f.left = uint64(h.SkippableSize)
	default:
		f.inFrame, f.sum = true, h.HasCheckSum
	}
	f.head = f.head[:0]
}

// block looks at the header of a block, if it is whole.
func (f *frames) block() {
	if len(f.head) < blockHeader {
		return
	}
	bits := uint64(f.head[0]) | uint64(f.head[1])<<8 | uint64(f.head[2])<<16
	last, kind, size := bits&1 != 0, bits>>1&3, bits>>3
	f.head = f.head[:0]
	f.left = size
	if kind == blockRepeated {
		f.left = 1
	}
	if last {
		f.inFrame = false
		if f.sum {
			f.left += frameSum
		}
	}
}

// junk says how many bytes stand behind the last frame that no frame begins with; 0 where
// the stream ends with a frame, or within one.
func (f *frames) junk() int {
	n := len(f.head)
	if f.lost || f.inFrame || n == 0 || n >= len(zstdMagic) || string(f.head) == zstdMagic[:n] {
		return 0
	}
	if f.head[0]&0xf0 == skippedFirst && string(f.head[1:]) == skippedMagic[:n-1] {
		return 0
	}
	return n
}
