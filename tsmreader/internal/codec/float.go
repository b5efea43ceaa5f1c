// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"math"
	"slices"
)

// endOfFloats is the one NaN that ends a float section and is never a value.
const endOfFloats = 0x7FF8000000000001

// bitReader takes bits off the front of data, most significant first. The top
// `have` bits of buf are the next ones; bits behind them may already be data too,
// and are put there again by the next refill.
type bitReader struct {
	data []byte
	pos  int
	buf  uint64
	have uint
}

// refill tops buf up to at least 57 bits, or to all that is left.
func (r *bitReader) refill() {
	if r.pos+8 <= len(r.data) {
		r.buf |= binary.BigEndian.Uint64(r.data[r.pos:]) >> r.have
		taken := (64 - r.have) >> 3
		r.pos += int(taken)
		r.have += taken << 3
		return
	}
	for r.have <= 56 && r.pos < len(r.data) {
		r.buf |= uint64(r.data[r.pos]) << (56 - r.have)
		r.pos++
		r.have += 8
	}
}

// skip drops n < 64 bits that are there.
func (r *bitReader) skip(n uint) {
	r.buf <<= n
	r.have -= n
}

// take reads n bits, 1..64.
func (r *bitReader) take(n uint) (uint64, bool) {
	if n > 32 {
		high, ok := r.take(n - 32)
		if !ok {
			return 0, false
		}
		low, ok := r.take(32)
		return high<<32 | low, ok
	}
	if r.have < n {
		r.refill()
		if r.have < n {
			return 0, false
		}
	}
	v := r.buf >> (64 - n)
	r.skip(n)
	return v, true
}

// Floats appends the n values of src to dst: a first value, then the differences as
// exclusive-or with the value before. A stream that ends before or goes on after
// n values is ErrCount.
func Floats(dst []float64, src []byte, n int) ([]float64, error) {
	dst, _, err := FloatsFinite(dst, src, n)
	return dst, err
}

// FloatsFinite is Floats, and says whether all values are numbers: neither NaN nor infinite.
func FloatsFinite(dst []float64, src []byte, n int) (_ []float64, finite bool, err error) {
	if len(src) < 9 {
		if len(src) == 0 && n == 0 {
			return dst, true, nil
		}
		return dst, true, ErrShort
	}
	v := binary.BigEndian.Uint64(src[1:])
	if v == endOfFloats {
		if n != 0 {
			return dst, true, ErrCount
		}
		return dst, true, nil
	}
	if n == 0 {
		return dst, true, ErrCount
	}
	// Each further value takes at least one bit, the first and the end 64 or more.
	if n > len(src)*8 {
		return dst, true, ErrCount
	}
	at := len(dst)
	dst = slices.Grow(dst, n)[:at+n]
	got, finite, err := gorilla(dst[at:], v, src[9:])
	return dst[:at+got], finite, err
}

// infinity is the bits that only infinities and NaN have all set; above is one more than
// their lowest, so that its sum with them, and with nothing less, reaches the sign.
const (
	infinity = 0x7ff << 52
	above    = 1 << 52
)

// gorilla fills out, whose first value is v, from the bits of data, and wants the
// end mark behind the last. It says how many values it set, and whether they are numbers.
func gorilla(out []float64, v uint64, data []byte) (set int, finite bool, err error) {
	r := bitReader{data: data}
	width, trail := uint(64), uint(0)
	form := v&infinity + above // of all values together: the sign is set if one is no number
	out[0] = math.Float64frombits(v)
	for i := 1; ; i++ {
		r.refill()
		if r.have == 0 {
			return min(i, len(out)), form>>63 == 0, ErrShort
		}
		if r.buf>>63 == 0 { // the same value again
			r.skip(1)
			if i == len(out) {
				return i, form>>63 == 0, ErrCount
			}
			out[i] = math.Float64frombits(v)
			continue
		}
		if r.have < 2 {
			return min(i, len(out)), form>>63 == 0, ErrShort
		}
		if r.buf>>62 == 3 { // a new window
			if r.have < 13 {
				return min(i, len(out)), form>>63 == 0, ErrShort
			}
			lead := uint(r.buf>>57) & 0x1f
			width = uint(r.buf>>51) & 0x3f
			r.skip(13)
			if width == 0 {
				width = 64
			}
			if lead+width > 64 {
				return min(i, len(out)), form>>63 == 0, ErrEncoding
			}
			trail = 64 - lead - width
		} else {
			r.skip(2)
		}
		var m uint64
		if width <= r.have && width < 64 {
			m = r.buf >> (64 - width)
			r.skip(width)
		} else {
			var ok bool
			if m, ok = r.take(width); !ok {
				return min(i, len(out)), form>>63 == 0, ErrShort
			}
		}
		v ^= m << trail
		if v == endOfFloats {
			if i != len(out) {
				return i, form>>63 == 0, ErrCount
			}
			return i, form>>63 == 0, nil
		}
		if i == len(out) {
			return i, form>>63 == 0, ErrCount
		}
		form |= v&infinity + above
		out[i] = math.Float64frombits(v)
	}
}

// NotNumbers counts NaN and infinities.
func NotNumbers(values []float64) (n int) {
	for _, v := range values {
		if math.Float64bits(v)&infinity == infinity {
			n++
		}
	}
	return n
}
