// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"encoding/binary"

	"github.com/golang/snappy"

	"github.com/shardlift/shardlift/point"
)

// Encoding is how a block is written; its zero value is what a cache snapshot does.
type Encoding struct {
	Family Family
	Times  Packing
	Ints   Packing // for integer and unsigned values
}

// AppendBlock appends a block body: type byte, length of the timestamp section, that
// section, values. The checksum before it is the file writer's. The run is stored
// in its own order, duplicates included.
func AppendBlock(dst []byte, run Run, enc Encoding) []byte {
	run.check()
	times := AppendTimes(nil, run.Times, enc.Times)
	dst = append(dst, byte(run.Kind))
	dst = binary.AppendUvarint(dst, uint64(len(times)))
	return AppendValues(append(dst, times...), run, enc)
}

// AppendValues appends the value section alone.
func AppendValues(dst []byte, run Run, enc Encoding) []byte {
	switch run.Kind {
	case point.Float:
		return AppendFloats(dst, run.Floats)
	case point.Boolean:
		return AppendBools(dst, run.Bools)
	case point.String:
		return AppendStrings(dst, run.Strings)
	default:
		return AppendInts(dst, run.Ints, enc.Family, enc.Ints)
	}
}

// AppendBools appends the value section of a boolean block.
func AppendBools(dst []byte, values []bool) []byte {
	dst = binary.AppendUvarint(append(dst, 0x10), uint64(len(values)))
	w := bitWriter{dst: dst}
	for _, v := range values {
		if v {
			w.write(1, 1)
		} else {
			w.write(0, 1)
		}
	}
	return w.flush()
}

// AppendStrings appends the value section of a string block.
func AppendStrings(dst []byte, values [][]byte) []byte {
	var plain []byte
	for _, v := range values {
		plain = append(binary.AppendUvarint(plain, uint64(len(v))), v...)
	}
	return append(append(dst, 0x10), snappy.Encode(nil, plain)...)
}
