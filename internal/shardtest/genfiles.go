// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Totals counts what a generator wrote.
type Totals struct {
	Shards, Series, Columns int
	Points, Values          int64
	Bytes                   int64 // of the TSM files
}

func (t *Totals) add(o Totals) {
	t.Shards += o.Shards
	t.Series += o.Series
	t.Columns += o.Columns
	t.Points += o.Points
	t.Values += o.Values
	t.Bytes += o.Bytes
}

// firstError is a Failer that keeps the first failure and lets the caller go on.
type firstError struct{ err error }

// Helper does nothing.
func (*firstError) Helper() {}

// Fatalf keeps the error.
func (f *firstError) Fatalf(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// tsmOnDisk is a TSM file that is being written.
type tsmOnDisk struct {
	*TSMWriter
	file *os.File
	buf  *bufio.Writer
}

func createTSM(s *Shard, generation, sequence int) (*tsmOnDisk, error) {
	f, err := os.Create(filepath.Join(s.DataDir(), TSMName(generation, sequence)))
	if err != nil {
		return nil, fmt.Errorf("create tsm file: %w", err)
	}
	buf := bufio.NewWriterSize(f, 1<<20)
	return &tsmOnDisk{TSMWriter: NewTSMWriter(buf), file: f, buf: buf}, nil
}

// finish ends the file and adds its size to total.
func (f *tsmOnDisk) finish(total *int64) error {
	err := errors.Join(f.Close(), f.buf.Flush())
	if info, statErr := f.file.Stat(); statErr == nil {
		*total += info.Size()
	}
	return errors.Join(err, f.file.Close())
}
