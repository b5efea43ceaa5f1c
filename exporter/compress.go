// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A compressor makes one member of a run of series: a whole gzip member or zstd frame.
// Members put one behind the other are a valid file of their kind, so each worker
// compresses its text while that is still in the processor's cache.
type compressor interface {
	io.Writer
	Reset(w io.Writer)
	Close() error
}

// newCompressor gives a compressor, or nil for plain text.
func newCompressor(f Format) (compressor, error) {
	switch f.Compression {
	case Gzip:
		return gzip.NewWriterLevel(nil, f.Level)
	case Zstd:
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
			zstd.WithWindowSize(zstdWindow), zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(f.Level)))
	case None:
		return nil, nil //nolint:nilnil // plain text has no compressor
	}
	return nil, fmt.Errorf("unknown compression %q", f.Compression)
}

// zstdWindow bounds what a zstd encoder looks back to, and so its memory.
const zstdWindow = 1 << 20

// CheckLevel says whether a compression has a level.
func CheckLevel(c Compression, level int) error {
	lo, hi := 0, 0
	switch c {
	case Gzip:
		lo, hi = 1, 9
	case Zstd:
		lo, hi = 1, 22
	case None:
	}
	if level != 0 && (level < lo || level > hi) {
		return fmt.Errorf("compression %s has no level %d (%d to %d)", c, level, lo, hi)
	}
	return nil
}
