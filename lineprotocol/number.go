// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// maxExact is the largest integer below which a float64 holds every one.
const maxExact = 1 << 53

// maxPlain is where floats begin to be written with an exponent.
const maxPlain = 1e15

// AppendFloat appends f in a form that parses back to the same bits; NaN and
// infinities have none.
func AppendFloat(dst []byte, f float64) []byte {
	dst, _ = appendFloat(dst, f, 1)
	return dst
}

// Decimals that are tried before the general algorithm, and the mark of a column
// whose values need that.
const (
	maxDecimals  = 4
	manyDecimals = maxDecimals + 1
)

// appendFloat is AppendFloat for a column whose last value had so many decimals, at
// least 1; it gives the number for the next. Most recorded values are whole or have a
// few decimals, and a quotient of small numbers says so faster than a general
// algorithm: n/10^k is rounded correctly, so if it equals f its digits parse to f.
func appendFloat(dst []byte, f float64, decimals int) ([]byte, int) {
	a := math.Abs(f)
	if a >= maxPlain || a < 1e-6 && f != 0 {
		return strconv.AppendFloat(dst, f, 'g', -1, 64), decimals
	}
	if math.Signbit(f) {
		dst = append(dst, '-')
	}
	if n := uint64(a); float64(n) == a {
		return appendUint(dst, n), decimals
	}
	if decimals < manyDecimals {
		scale := uint64(10)
		for k := 1; k <= maxDecimals; k++ {
			n := math.Round(a * float64(scale))
			if n >= maxExact {
				break
			}
			if n/float64(scale) == a {
				return appendDecimal(dst, uint64(n), scale, k), k
			}
			scale *= 10
		}
	}
	before := len(dst)
	dst = strconv.AppendFloat(dst, a, 'f', -1, 64)
	// Few digits after all: the next value is worth a try again.
	if len(dst)-before < 8 {
		return dst, 1
	}
	return dst, manyDecimals
}

// appendDecimal appends n/scale with k decimals.
func appendDecimal(dst []byte, n, scale uint64, k int) []byte {
	dst = appendUint(dst, n/scale)
	dst = append(dst, '.')
	frac := n % scale
	at := len(dst)
	dst = append(dst, "0000"[:k]...)
	for i := at + k - 1; i >= at; i-- {
		dst[i] = byte('0' + frac%10)
		frac /= 10
	}
	return dst
}

// isSmallWhole reports whether f is a whole number from 0 to 10^15, from where on there
// is an exponent, and not -0.
func isSmallWhole(f float64) bool {
	return f >= 0 && f < maxPlain && f == float64(uint64(f)) && !math.Signbit(f)
}

// eightDigits gives the digits of n < 10^8, one a byte, the first in the lowest: the
// halves, quarters and eighths of the number are split side by side in one word. The
// factors are 2^20/100 and 2^10/10, rounded up: exact for what is divided.
func eightDigits(n uint64) uint64 {
	high := n / 10000
	x := high | (n-high*10000)<<32
	q := x * 10486 >> 20 & 0x0000007f_0000007f
	x = q | (x-q*100)<<16
	q = x * 103 >> 10 & 0x000f000f_000f000f
	return q | (x-q*10)<<8
}

// asciiZeros turns eight digits into text.
const asciiZeros = 0x3030303030303030

// digitPairs[n] is the two digits of n, the first in the low byte. It is longer than
// 100 so that an index of seven bits needs no check.
var digitPairs = func() (p [128]uint16) {
	for n := range 100 {
		p[n] = uint16('0'+n/10) | uint16('0'+n%10)<<8
	}
	return p
}()

// putUint writes n in decimal at i, for which buf must have 24 bytes, and gives the
// index behind it.
func putUint(buf []byte, i int, n uint64) int {
	switch {
	case n < 10:
		buf[i] = byte('0' + n)
		return i + 1
	case n < 100:
		binary.LittleEndian.PutUint16(buf[i:], digitPairs[n&127])
		return i + 2
	case n >= 1e8:
		i = putUint(buf, i, n/1e8)
		binary.LittleEndian.PutUint64(buf[i:], eightDigits(n%1e8)|asciiZeros)
		return i + 8
	}
	x := eightDigits(n)
	zeros := bits.TrailingZeros64(x|1<<56) >> 3 // in front; the last digit stays
	binary.LittleEndian.PutUint64(buf[i:], (x|asciiZeros)>>(8*zeros))
	return i + 8 - zeros
}

// putInt is putUint for signed numbers; it wants 25 bytes.
func putInt(buf []byte, i int, n int64) int {
	if n < 0 {
		buf[i] = '-'
		return putUint(buf, i+1, -uint64(n)) //nolint:gosec // the lowest value wraps to itself
	}
	return putUint(buf, i, uint64(n))
}

// maxDigits is the room that an integer needs while it is written.
const maxDigits = 25

// appendUint appends n in decimal.
func appendUint(dst []byte, n uint64) []byte {
	dst = grow(dst, maxDigits)
	return dst[:putUint(dst[:cap(dst)], len(dst), n)]
}

// AppendInt appends n in decimal, without the i that marks an integer.
func AppendInt(dst []byte, n int64) []byte {
	dst = grow(dst, maxDigits)
	return dst[:putInt(dst[:cap(dst)], len(dst), n)]
}

// clock writes times, rendering the seconds and the nanoseconds only when they change.
type clock struct {
	text    [32]byte // of the time last written
	len     int
	seconds uint64
	nanos   uint64
}

const nanosPerSecond = 1e9

// put writes t at i, for which buf must have 32 bytes, and gives the index behind it.
// Times before the first second of 1970 are rare enough to take the plain way.
func (c *clock) put(buf []byte, i int, t int64) int {
	if t < nanosPerSecond {
		return putInt(buf, i, t)
	}
	sec, nanos := uint64(t)/nanosPerSecond, uint64(t)%nanosPerSecond
	if high := sec / 1e8; sec != c.seconds {
		if high > 0 && high == c.seconds/1e8 {
			binary.LittleEndian.PutUint64(c.text[c.len-17:], eightDigits(sec%1e8)|asciiZeros)
		} else {
			n := putUint(c.text[:], 0, sec)
			copy(c.text[n:], "000000000")
			c.len, c.nanos = n+9, 0
		}
		c.seconds = sec
	}
	if nanos != c.nanos {
		c.nanos = nanos
		at := c.len - 9
		c.text[at] = byte('0' + nanos/1e8)
		binary.LittleEndian.PutUint64(c.text[at+1:], eightDigits(nanos%1e8)|asciiZeros)
	}
	*(*[32]byte)(buf[i:]) = c.text
	return i + c.len
}
