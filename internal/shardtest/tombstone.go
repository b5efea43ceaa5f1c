// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"math"
	"strings"
	"sync"
)

// Tombstone deletes the times from Min to Max, both included, of one column of one
// TSM file.
type Tombstone struct {
	Key      string
	Min, Max int64
}

// WholeColumn deletes all times of a column.
func WholeColumn(key string) Tombstone { return Tombstone{key, math.MinInt64, math.MaxInt64} }

// The first four bytes of tombstone files of version 2 to 4.
const (
	tombstoneV2 = "\x00\x00\x15\x02"
	tombstoneV3 = "\x00\x00\x15\x03"
	tombstoneV4 = "\x00\x00\x15\x04"
)

// TombstoneV1 gives a file of version 1, a list of whole columns. Keys must not hold a
// line feed.
func TombstoneV1(keys ...string) []byte {
	if len(keys) == 0 {
		return nil
	}
	return []byte(strings.Join(keys, "\n") + "\n")
}

// TombstoneV2 gives a file of version 2: plain entries.
func TombstoneV2(entries ...Tombstone) []byte {
	return AppendTombstones([]byte(tombstoneV2), entries...)
}

// TombstoneV3 gives a file of version 3: one compressed stream.
func TombstoneV3(entries ...Tombstone) []byte {
	return append([]byte(tombstoneV3), gzipMember(AppendTombstones(nil, entries...))...)
}

// TombstoneV4 gives a file of version 4 with a member for every list.
func TombstoneV4(members ...[]Tombstone) []byte {
	file := []byte(tombstoneV4)
	for _, entries := range members {
		file = AppendTombstoneMember(file, entries...)
	}
	return file
}

// AppendTombstoneMember adds a delete to a file of version 4, or starts one when file
// is empty.
func AppendTombstoneMember(file []byte, entries ...Tombstone) []byte {
	if len(file) == 0 {
		file = []byte(tombstoneV4)
	}
	return append(file, gzipMember(AppendTombstones(nil, entries...))...)
}

// AppendTombstones appends plain entries without any header.
func AppendTombstones(dst []byte, entries ...Tombstone) []byte {
	for _, e := range entries {
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(e.Key))), e.Key...)
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.Min))
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.Max))
	}
	return dst
}

// gzipWriters keeps compressors, which take a megabyte each.
var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func gzipMember(b []byte) []byte {
	var out bytes.Buffer
	w := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	w.Reset(&out)
	_, err := w.Write(b)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a bytes.Buffer takes everything
	}
	return out.Bytes()
}
