// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"encoding/binary"

	"github.com/shardlift/shardlift/point"
)

const (
	headerSize = 5
	footerSize = 8
	entrySize  = 28
	recordMin  = 2 + 1 + 3 + entrySize // key of one byte, one entry
	blockMin   = 4 + 2                 // checksum, type, length of times
	countSize  = 2
	magic      = 0x16D116D1
	version    = 1
)

// Entry is one block's line in the index.
type Entry struct {
	Min, Max int64 // first and last time, Unix nanoseconds
	Offset   int64 // of the block's checksum, from the start of the file
	Size     uint32
}

// Range is the entry's window.
func (e Entry) Range() point.TimeRange { return point.TimeRange{Min: e.Min, Max: e.Max} }

// end is the offset behind the block. Offsets near 2^63 wrap and fail every check.
func (e Entry) end() int64 { return e.Offset + int64(e.Size) }

// decodeEntry reads the 28 bytes at the start of b.
func decodeEntry(b []byte) Entry {
	_ = b[entrySize-1]
	return Entry{
		Min:    int64(binary.BigEndian.Uint64(b)),      //nolint:gosec // two's complement on disk
		Max:    int64(binary.BigEndian.Uint64(b[8:])),  //nolint:gosec // two's complement on disk
		Offset: int64(binary.BigEndian.Uint64(b[16:])), //nolint:gosec // two's complement on disk
		Size:   binary.BigEndian.Uint32(b[24:]),
	}
}

// Record is one column's part of the index.
type Record struct {
	Key   []byte     // composite key; overwritten when the record is read again
	Kind  point.Kind // as the index says; may be invalid in a damaged file
	Count int        // blocks

	Before int // blocks of the records before it in the file

	First, Last Entry  // the first and the last block's entry
	Bytes       int64  // of all blocks
	Times       uint64 // equal for records whose blocks have the same times
	Suspect     bool   // the entries' times do not ascend: legal, but they must be looked at

	entriesPos int64 // where the entries lie
}

// Range is the window that the entries claim.
func (r *Record) Range() point.TimeRange {
	return point.TimeRange{Min: min(r.First.Min, r.Last.Min), Max: max(r.First.Max, r.Last.Max)}
}
