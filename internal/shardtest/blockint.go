// SPDX-License-Identifier: Apache-2.0

package shardtest

import "encoding/binary"

// Family names one of the engine's two encoders. They write the same format and
// differ only in when integers are packed.
type Family uint8

// The encoder families.
const (
	Stream Family = iota // point by point: cache snapshots
	Batch                // whole slices: compactions
)

// AppendInts appends the value section of an integer block, or with the bits of
// uint64 values that of an unsigned block. A packing other than Auto is used even if the
// engine would choose another one; it panics if the values cannot be stored so.
func AppendInts(dst []byte, values []int64, family Family, packing Packing) []byte {
	if len(values) == 0 {
		return dst
	}
	deltas, equal, largest := intDeltas(values)
	if packing == Auto {
		if family == Stream {
			largest = max(largest, deltas[0])
		}
		packing = chooseInts(len(values), equal, largest)
	}
	dst = binary.BigEndian.AppendUint64(append(dst, packing.nibble()), deltas[0])
	deltas = deltas[1:]
	switch packing {
	case RunLength:
		if !equal {
			panic("shardtest: run-length needs integers at equal distances")
		}
		var delta uint64
		if len(deltas) > 0 {
			delta = deltas[0]
		}
		return binary.AppendUvarint(binary.AppendUvarint(dst, delta), uint64(len(deltas)))
	case Packed:
		return AppendSimple8b(dst, deltas)
	default:
		for _, d := range deltas {
			dst = binary.BigEndian.AppendUint64(dst, d)
		}
		return dst
	}
}

func chooseInts(n int, equal bool, largest uint64) Packing {
	switch {
	case n > 2 && equal:
		return RunLength
	case largest > maxSimple8b:
		return Raw
	default:
		return Packed
	}
}

// intDeltas gives the zigzag deltas, the first one being the first value. equal and
// largest are about the others.
func intDeltas(values []int64) (deltas []uint64, equal bool, largest uint64) {
	deltas = make([]uint64, len(values))
	equal = true
	var last int64
	for i, v := range values {
		d := v - last // wraps
		last = v
		deltas[i] = uint64(d<<1) ^ uint64(d>>63)
		if i > 0 {
			equal = equal && deltas[i] == deltas[1]
			largest = max(largest, deltas[i])
		}
	}
	return deltas, equal, largest
}
