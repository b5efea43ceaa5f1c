// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"encoding/binary"
	"math"
	"strconv"
)

// maxExact is the largest integer below which a float64 holds every one.
const maxExact = 1 << 53

// AppendFloat appends f in a form that parses back to the same bits; NaN and
// infinities have none. Most recorded values are whole or have a few decimals, and
// for those a quotient of small numbers says so faster than a general algorithm: n/10^k
// is rounded correctly, so if it equals f its digits parse to f.
func AppendFloat(dst []byte, f float64) []byte {
	a := math.Abs(f)
	if a >= 1e15 || a < 1e-6 && f != 0 {
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	}
	if math.Signbit(f) {
		dst = append(dst, '-')
	}
	if n := uint64(a); float64(n) == a {
		return appendUint(dst, n)
	}
	scale := uint64(10)
	for k := 1; k <= 4; k++ {
		n := math.Round(a * float64(scale))
		if n >= maxExact {
			break
		}
		if n/float64(scale) == a {
			return appendDecimal(dst, uint64(n), scale, k)
		}
		scale *= 10
	}
	return strconv.AppendFloat(dst, a, 'f', -1, 64)
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

// isSmallWhole reports whether f is a whole number from 0 to 2^53 and not -0.
func isSmallWhole(f float64) bool {
	return f >= 0 && f < maxExact && f == float64(uint64(f)) && !math.Signbit(f)
}

// digitPairs[n] is the two digits of n, the first in the low byte. It is longer than
// 100 so that an index of seven bits needs no check.
var digitPairs = func() (p [128]uint16) {
	for n := range 100 {
		p[n] = uint16('0'+n/10) | uint16('0'+n%10)<<8 //nolint:gosec // digits
	}
	return p
}()

// putPair writes the two digits of n < 100 at i.
func putPair(buf []byte, i int, n uint64) {
	binary.LittleEndian.PutUint16(buf[i:], digitPairs[n&127])
}

// putUint writes n in decimal at i, for which buf must have 20 bytes, and gives the
// index behind it. Up to eight digits it takes no loop; the size of a column's values
// hardly changes, so that the branches are foreseen.
func putUint(buf []byte, i int, n uint64) int {
	switch {
	case n < 10:
		buf[i] = byte('0' + n)
		return i + 1
	case n < 100:
		putPair(buf, i, n)
		return i + 2
	case n < 10000:
		if n < 1000 {
			buf[i] = byte('0' + n/100)
			putPair(buf, i+1, n%100)
			return i + 3
		}
		return putFour(buf, i, n)
	case n < 1e8:
		i = putUint(buf, i, n/10000)
		return putFour(buf, i, n%10000)
	case n < 1e16:
		i = putUint(buf, i, n/1e8)
		n %= 1e8
		i = putFour(buf, i, n/10000)
		return putFour(buf, i, n%10000)
	}
	i = putUint(buf, i, n/1e16)
	n %= 1e16
	i = putFour(buf, i, n/1e12)
	i = putFour(buf, i, n/1e8%10000)
	i = putFour(buf, i, n/10000%10000)
	return putFour(buf, i, n%10000)
}

// putFour writes the four digits of n < 10000.
func putFour(buf []byte, i int, n uint64) int {
	high := n / 100
	putPair(buf, i, high)
	putPair(buf, i+2, n-100*high)
	return i + 4
}

// putInt is putUint for signed numbers; it wants 20 bytes too.
func putInt(buf []byte, i int, n int64) int {
	if n < 0 {
		buf[i] = '-'
		return putUint(buf, i+1, -uint64(n)) //nolint:gosec // the lowest value wraps to itself
	}
	return putUint(buf, i, uint64(n))
}

// maxDigits is the length of the longest integer.
const maxDigits = 20

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
	text    [20]byte // of the time last written
	len     int
	seconds uint64
	nanos   uint64
}

const nanosPerSecond = 1e9

// put writes t at i, for which buf must have 20 bytes, and gives the index behind it.
// Times before the first second of 1970 are rare enough to take the plain way.
func (c *clock) put(buf []byte, i int, t int64) int {
	if t < nanosPerSecond {
		return putInt(buf, i, t)
	}
	sec, nanos := uint64(t)/nanosPerSecond, uint64(t)%nanosPerSecond
	if sec != c.seconds {
		n := putUint(c.text[:], 0, sec)
		copy(c.text[n:], "000000000")
		c.len, c.seconds, c.nanos = n+9, sec, 0
	}
	if nanos != c.nanos {
		c.nanos = nanos
		at := c.len - 9
		c.text[at] = byte('0' + nanos/1e8)
		nanos %= 1e8
		putFour(c.text[:], at+1, nanos/10000)
		putFour(c.text[:], at+5, nanos%10000)
	}
	*(*[20]byte)(buf[i:]) = c.text
	return i + c.len
}
