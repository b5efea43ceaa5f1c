// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"errors"
	"math"

	"github.com/shardlift/shardlift/point"
)

// Why a server does not take a time.
var (
	errTimeDigits   = errors.New("the time is not a whole number")
	errTimeOverflow = errors.New("the time does not fit into 64 bits of nanoseconds")
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
	t := int64(n) * unit //nolint:gosec // compared right above
	if negative {
		t = -t
	}
	if t < point.MinTime || t > point.MaxTime {
		return 0, ErrTimeRange
	}
	return t, nil
}
