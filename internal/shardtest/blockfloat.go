// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// floatEnd is the bit pattern that ends a float stream. It is also what math.NaN
// returns, so a stored NaN must have other bits.
const floatEnd = 0x7FF8000000000001

// AppendFloats appends the value section of a float block. It stores infinities and
// every NaN but one: the bits 7FF8000000000001 (math.NaN) end the stream, and it panics.
func AppendFloats(dst []byte, values []float64) []byte {
	prev := uint64(floatEnd)
	if len(values) > 0 {
		prev = checkedBits(values[0])
	}
	dst = binary.BigEndian.AppendUint64(append(dst, 0x10), prev)
	if len(values) == 0 {
		return dst
	}
	w := bitWriter{dst: dst}
	window := xorWindow{lead: 64} // wider than any xor has zeros: none yet
	for _, v := range values[1:] {
		b := checkedBits(v)
		window.write(&w, b^prev)
		prev = b
	}
	window.write(&w, prev^floatEnd)
	return w.flush()
}

func checkedBits(v float64) uint64 {
	b := math.Float64bits(v)
	if b == floatEnd {
		panic("shardtest: math.NaN ends a float block and cannot be stored in it")
	}
	return b
}

// xorWindow is the span of bits in which the last xor was written.
type xorWindow struct{ lead, trail int }

func (x *xorWindow) write(w *bitWriter, xor uint64) {
	if xor == 0 {
		w.write(0, 1)
		return
	}
	// The field for leading zeros has five bits; the engine masks and does not clamp.
	lead, trail := bits.LeadingZeros64(xor)&31, bits.TrailingZeros64(xor)
	if lead >= x.lead && trail >= x.trail {
		w.write(0b10, 2)
		w.write(xor>>x.trail, 64-x.lead-x.trail)
		return
	}
	x.lead, x.trail = lead, trail
	n := 64 - lead - trail
	w.write(0b11, 2)
	w.write(uint64(lead), 5)
	w.write(uint64(n&63), 6) // 64 is written as 0
	w.write(xor>>trail, n)
}

// bitWriter appends bits, the most significant one first.
type bitWriter struct {
	dst []byte
	acc uint64 // the lowest n bits are not yet written
	n   int    // below 8 between calls
}

// write appends the lowest n bits of v; those above must be zero.
func (w *bitWriter) write(v uint64, n int) {
	if n > 56 { // with up to 7 bits waiting more would not fit
		w.write(v>>32, n-32)
		v, n = v&(1<<32-1), 32
	}
	w.acc, w.n = w.acc<<n|v, w.n+n
	for w.n >= 8 {
		w.n -= 8
		w.dst = append(w.dst, byte(w.acc>>w.n))
	}
}

// flush pads the last byte with zeros and returns what was written.
func (w *bitWriter) flush() []byte {
	if w.n > 0 {
		w.dst = append(w.dst, byte(w.acc<<(8-w.n)))
	}
	return w.dst
}
