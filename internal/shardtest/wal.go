// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/golang/snappy"

	"github.com/shardlift/shardlift/point"
)

// The types of WAL entries.
const (
	WALWrite       = 1
	WALDelete      = 2
	WALDeleteRange = 3
)

// walKinds gives the WAL's number of a kind.
var walKinds = [point.NumKinds]byte{
	point.Float: 1, point.Integer: 2, point.Boolean: 3, point.String: 4, point.Unsigned: 5,
}

// WAL builds one segment in memory. The zero value is an empty segment.
type WAL struct {
	data    []byte
	entries []Span
}

// Write appends one write entry. Times may be unsorted and repeat; a key should stand
// in one column only.
func (w *WAL) Write(columns ...Column) { w.Raw(WALWrite, AppendWALColumns(nil, columns...)) }

// Delete appends an entry that deletes whole columns. Current engines read this old form
// and no longer write it.
func (w *WAL) Delete(keys ...string) { w.Raw(WALDelete, []byte(strings.Join(keys, "\n"))) }

// DeleteRange appends an entry that deletes the times from minTime to maxTime, both
// included, of columns.
func (w *WAL) DeleteRange(minTime, maxTime int64, keys ...string) {
	body := binary.BigEndian.AppendUint64(nil, uint64(minTime))
	body = binary.BigEndian.AppendUint64(body, uint64(maxTime))
	for _, k := range keys {
		body = append(binary.BigEndian.AppendUint32(body, uint32(len(k))), k...)
	}
	w.Raw(WALDeleteRange, body)
}

// Raw appends an entry with any type and body.
func (w *WAL) Raw(entryType byte, body []byte) {
	packed := snappy.Encode(nil, body)
	start := int64(len(w.data))
	w.data = binary.BigEndian.AppendUint32(append(w.data, entryType), uint32(len(packed)))
	w.data = append(w.data, packed...)
	w.entries = append(w.entries, Span{start, int64(len(w.data)) - start})
}

// Tail appends bytes that are no entry: what a crash leaves.
func (w *WAL) Tail(b []byte) { w.data = append(w.data, b...) }

// Truncate cuts the segment behind its last entry, as a server does at start.
func (w *WAL) Truncate() { w.data = w.data[:w.validSize()] }

func (w *WAL) validSize() int64 {
	if len(w.entries) == 0 {
		return 0
	}
	return w.entries[len(w.entries)-1].End()
}

// Bytes gives a copy of the segment.
func (w *WAL) Bytes() []byte { return slices.Clone(w.data) }

// Entries tells where the entries lie: type (1 byte), length (4), data.
func (w *WAL) Entries() []Span { return slices.Clone(w.entries) }

// AppendWALColumns appends the body of a write entry, before compression.
func AppendWALColumns(dst []byte, columns ...Column) []byte {
	for _, c := range columns {
		c.check()
		dst = binary.BigEndian.AppendUint16(append(dst, walKinds[c.Kind]), uint16(len(c.Key)))
		dst = binary.BigEndian.AppendUint32(append(dst, c.Key...), uint32(c.Len()))
		for i, t := range c.Times {
			dst = binary.BigEndian.AppendUint64(dst, uint64(t))
			dst = appendWALValue(dst, c.Run, i)
		}
	}
	return dst
}

func appendWALValue(dst []byte, run Run, i int) []byte {
	switch run.Kind {
	case point.Float:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(run.Floats[i]))
	case point.Boolean:
		if run.Bools[i] {
			return append(dst, 1)
		}
		return append(dst, 0)
	case point.String:
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(run.Strings[i])))
		return append(dst, run.Strings[i]...)
	default:
		return binary.BigEndian.AppendUint64(dst, uint64(run.Ints[i]))
	}
}
