// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"math"
	"math/bits"
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

// digitPairs holds "00" to "99".
const digitPairs = "00010203040506070809" +
	"10111213141516171819" +
	"20212223242526272829" +
	"30313233343536373839" +
	"40414243444546474849" +
	"50515253545556575859" +
	"60616263646566676869" +
	"70717273747576777879" +
	"80818283848586878889" +
	"90919293949596979899"

// powers10[i] is 10^i, the lowest number of i+1 digits.
var powers10 = [20]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// digits counts the decimal digits of n, by its bits: 1233/4096 is close to log10 of 2.
func digits(n uint64) int {
	d := bits.Len64(n|1) * 1233 >> 12
	if n >= powers10[d] {
		d++
	}
	return max(d, 1)
}

// extend makes dst n bytes longer; the new bytes hold anything.
func extend(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst[:len(dst)+n]
	}
	return append(dst, make([]byte, n)...)
}

// appendUint appends n in decimal, its digits put right where they belong.
func appendUint(dst []byte, n uint64) []byte {
	if n < 10 {
		return append(dst, byte('0'+n))
	}
	dst = extend(dst, digits(n))
	i := len(dst)
	for n >= 100 {
		p := n % 100 * 2
		n /= 100
		i -= 2
		dst[i], dst[i+1] = digitPairs[p], digitPairs[p+1]
	}
	if n >= 10 {
		dst[i-2], dst[i-1] = digitPairs[2*n], digitPairs[2*n+1]
	} else {
		dst[i-1] = byte('0' + n)
	}
	return dst
}

// AppendInt appends n in decimal, without the i that marks an integer.
func AppendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendUint(append(dst, '-'), -uint64(n)) //nolint:gosec // the lowest value wraps to itself
	}
	return appendUint(dst, uint64(n))
}

// clock writes times, rendering only the half of the digits that changed.
type clock struct {
	text    []byte // of the time last written; nine digits of nanoseconds at its end
	seconds uint64
	nanos   uint64
}

const nanosPerSecond = 1e9

// append appends t. Times before 1970 and in the first seconds of it are rare enough
// to take the plain way.
func (c *clock) append(dst []byte, t int64) []byte {
	if t < nanosPerSecond {
		return AppendInt(dst, t)
	}
	sec, nanos := uint64(t)/nanosPerSecond, uint64(t)%nanosPerSecond
	if sec != c.seconds {
		c.text = appendUint(c.text[:0], sec)
		c.text = append(c.text, "000000000"...)
		c.seconds, c.nanos = sec, 0
	}
	if nanos != c.nanos {
		c.nanos = nanos
		tail := c.text[len(c.text)-9:]
		for i := 7; i > 0; i -= 2 {
			p := nanos % 100 * 2
			nanos /= 100
			tail[i], tail[i+1] = digitPairs[p], digitPairs[p+1]
		}
		tail[0] = byte('0' + nanos)
	}
	return append(dst, c.text...)
}
