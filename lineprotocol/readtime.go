// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"github.com/shardlift/shardlift/point"
)

// Why a server does not take a time.
var (
	errTimeDigits   = errors.New("the time is not a whole number")
	errTimeOverflow = errors.New("the time does not fit into 64 bits of nanoseconds: is its unit right?")
	errBehindTime   = errors.New("something stands behind the time")
)

// ParseTime gives the Unix nanoseconds of a line's time: digits, perhaps with a minus
// sign, that count units of unit nanoseconds. What does not fit, or what a server refuses
// as out of range, is an error.
func ParseTime(digits []byte, unit int64) (int64, error) {
	d := digits
	negative := len(d) > 0 && d[0] == '-'
	if negative {
		d = d[1:]
	}
	if len(d) == 0 {
		return 0, errTimeDigits
	}
	n, overflow := uint64(0), false
	for _, c := range d {
		if c -= '0'; c > 9 {
			return 0, errTimeDigits
		}
		overflow = overflow || n > (math.MaxInt64-9)/10 && n > (math.MaxInt64-uint64(c))/10
		n = n*10 + uint64(c)
	}
	if overflow || n > math.MaxInt64/uint64(unit) { //nolint:gosec // units are positive
		return 0, errTimeOverflow
	}
	t := int64(n) * unit
	if negative {
		t = -t
	}
	if t < point.MinTime || t > point.MaxTime {
		return 0, ErrTimeRange
	}
	return t, nil
}

// splitTime finds the time in what stands behind the field section.
func splitTime(b []byte) ([]byte, error) {
	if len(b) == usualTime+1 && areDigits(b[1:]) {
		return b[1:], nil
	}
	b = b[blanks(b):]
	n := 0
	if len(b) > 1 && b[0] == '-' {
		n = 1
	}
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	switch {
	case len(b) == 0:
		return nil, nil
	case n == 0 || b[n-1] == '-' || n < len(b) && b[n] != ' ':
		return nil, errTimeDigits
	case len(bytes.TrimLeft(b[n:], " ")) > 0:
		return nil, errBehindTime
	}
	return b[:n:n], nil
}

// usualTime is the number of digits of the nanoseconds of this century.
const usualTime = 19

// areDigits looks at usualTime bytes, eight at a time.
func areDigits(b []byte) bool {
	_ = b[usualTime-1]
	x := binary.LittleEndian.Uint64(b)
	y := binary.LittleEndian.Uint64(b[8:])
	z := binary.LittleEndian.Uint64(b[usualTime-8:])
	return notDigits(x)|notDigits(y)|notDigits(z) == 0
}

// notDigits is 0 if all bytes of x are digits: their upper half is 3, and stays so
// when 6 is added.
func notDigits(x uint64) uint64 {
	const upper, threes, sixes = 0xF0F0F0F0F0F0F0F0, 0x3030303030303030, 0x0606060606060606
	return (x&upper ^ threes) | ((x+sixes)&upper ^ threes)
}
