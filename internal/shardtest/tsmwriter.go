// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
)

// TSMWriter writes a TSM file as it goes, in ascending key order. It keeps the index
// and one block in memory.
type TSMWriter struct {
	PerBlock int // values per block; 0 means 1000
	Encoding Encoding

	w       io.Writer
	offset  int64
	block   []byte
	index   []byte
	lastKey []byte
	countAt int // where the entry count of the last key stands in index
	err     error
}

// NewTSMWriter writes to w, which should be buffered.
func NewTSMWriter(w io.Writer) *TSMWriter {
	f := &TSMWriter{w: w}
	f.write([]byte(tsmHeader))
	return f
}

// Write appends values of a column, sorted by time. Called again with the same key it
// goes on with that column. It copies what it needs. Keys that do not ascend panic. It returns the first
// error of the underlying writer.
func (f *TSMWriter) Write(key []byte, run Run) error {
	run.check()
	perBlock := cmp.Or(f.PerBlock, defaultPerBlock)
	for i := 0; i < run.Len() && f.err == nil; i += perBlock {
		f.writeBlock(key, run.Slice(i, min(i+perBlock, run.Len())))
	}
	return f.err
}

func (f *TSMWriter) writeBlock(key []byte, run Run) {
	if order := bytes.Compare(key, f.lastKey); order < 0 {
		panic(fmt.Sprintf("shardtest: key %q after %q", key, f.lastKey))
	} else if order > 0 {
		f.lastKey = append(f.lastKey[:0], key...)
		f.index = appendKeyRecord(f.index, key, run.Kind, 0)
		f.countAt = len(f.index) - 2
	}
	count := f.index[f.countAt:]
	n := binary.BigEndian.Uint16(count) + 1
	if n == 0 {
		panic(fmt.Sprintf("shardtest: more than 65535 blocks of %q in one file", key))
	}
	binary.BigEndian.PutUint16(count, n)

	f.block = append(f.block[:0], 0, 0, 0, 0) // room for the checksum
	f.block = AppendBlock(f.block, run, f.Encoding)
	putChecksum(f.block)
	f.index = appendEntry(f.index, run.Times[0], run.Times[run.Len()-1], f.offset, int64(len(f.block)))
	f.write(f.block)
}

// Close writes the index and the footer. It does not close the underlying writer.
func (f *TSMWriter) Close() error {
	f.index = binary.BigEndian.AppendUint64(f.index, uint64(f.offset))
	f.write(f.index)
	return f.err
}

func (f *TSMWriter) write(b []byte) {
	if f.err != nil {
		return
	}
	n, err := f.w.Write(b)
	f.offset += int64(n)
	if err != nil {
		f.err = fmt.Errorf("write tsm file: %w", err)
	}
}
