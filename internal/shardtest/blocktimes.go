// SPDX-License-Identifier: Apache-2.0

package shardtest

import "encoding/binary"

// Packing names one of the three ways to store times and integers.
type Packing uint8

// The packings. Auto is what the engine would choose.
const (
	Auto      Packing = iota
	Raw               // 8 bytes each
	Packed            // simple8b
	RunLength         // one delta and a count
)

// nibble gives the number that stands in the high half of a section's first byte.
func (p Packing) nibble() byte { return byte(p-Raw) << 4 }

// maxExponent is the largest power of ten by which time deltas are divided.
const maxExponent = 12

// AppendTimes appends a timestamp section. The times need not ascend. Without times
// it appends nothing. A packing other than Auto is used even if the engine would choose
// another one; it panics if the times cannot be stored so.
func AppendTimes(dst []byte, times []int64, packing Packing) []byte {
	if len(times) == 0 {
		return dst
	}
	deltas, equal, largest := timeDeltas(times)
	if packing == Auto {
		packing = chooseTimes(len(times), equal, largest)
	}
	first := uint64(times[0])
	if packing == Raw {
		dst = binary.BigEndian.AppendUint64(append(dst, Raw.nibble()), first)
		for _, d := range deltas {
			dst = binary.BigEndian.AppendUint64(dst, d)
		}
		return dst
	}
	exponent, scale := commonPowerOfTen(deltas)
	dst = binary.BigEndian.AppendUint64(append(dst, packing.nibble()|exponent), first)
	if packing == RunLength {
		if !equal {
			panic("shardtest: run-length needs times at equal distances")
		}
		var delta uint64
		if len(deltas) > 0 {
			delta = deltas[0] / scale
		}
		return binary.AppendUvarint(binary.AppendUvarint(dst, delta), uint64(len(times)))
	}
	for i := range deltas {
		deltas[i] /= scale
	}
	return AppendSimple8b(dst, deltas)
}

func chooseTimes(n int, equal bool, largest uint64) Packing {
	switch {
	case n > 1 && equal:
		return RunLength
	case largest > maxSimple8b:
		return Raw
	default:
		return Packed
	}
}

func timeDeltas(times []int64) (deltas []uint64, equal bool, largest uint64) {
	deltas = make([]uint64, len(times)-1)
	equal = true
	for i := range deltas {
		deltas[i] = uint64(times[i+1]) - uint64(times[i])
		equal = equal && deltas[i] == deltas[0]
		largest = max(largest, deltas[i])
	}
	return deltas, equal, largest
}

// commonPowerOfTen gives the largest 10^exponent, at most 10^12, that divides all deltas.
func commonPowerOfTen(deltas []uint64) (exponent byte, scale uint64) {
	exponent, scale = maxExponent, 1e12
	for _, d := range deltas {
		for d%scale != 0 {
			exponent, scale = exponent-1, scale/10
		}
	}
	return exponent, scale
}
