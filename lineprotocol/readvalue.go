// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/shardlift/shardlift/point"
)

// Why a server does not take a value.
var (
	errNumber  = errors.New("a value is not a number")
	errInteger = errors.New("an integer does not fit into 64 bits")
	errBoolean = errors.New("a value is neither a number nor a boolean nor a string in quotes")
)

// kindOf gives the type of a value that is sound.
func kindOf(value []byte) point.Kind {
	switch c := value[0]; {
	case c == '"':
		return point.String
	case c != '-' && c != '.' && (c < '0' || c > '9'):
		return point.Boolean
	}
	switch value[len(value)-1] {
	case 'i':
		return point.Integer
	case 'u':
		return point.Unsigned
	}
	return point.Float
}

// plainValue gives the type of a number or boolean; it is false where b is neither.
func plainValue(b []byte) (point.Kind, bool) {
	if len(b) == 0 {
		return 0, false
	}
	if c := b[0]; (c < '0' || c > '9') && c != '-' && c != '.' {
		return point.Boolean, isBoolean(b)
	}
	digits, kind := b, point.Float
	switch b[len(b)-1] {
	case 'i':
		digits, kind = b[:len(b)-1], point.Integer
	case 'u':
		digits, kind = b[:len(b)-1], point.Unsigned
	}
	if kind == point.Float && len(b) < largeFloat && isDecimal(b) {
		return kind, true
	}
	if kind == point.Integer && len(b) < largeInt && isWhole(digits) {
		return kind, true
	}
	return kind, checkNumber(b) == nil
}

// From how many bytes on a number without exponent may be too large.
const (
	largeInt   = 19
	largeFloat = 300
)

// isDecimal reports whether b is digits with at most one point, perhaps with a minus
// sign.
func isDecimal(b []byte) bool {
	if b[0] == '-' {
		b = b[1:]
	}
	digits, points := 0, 0
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			points++
		default:
			return false
		}
	}
	return digits > 0 && points < 2
}

// checkValue checks the value at the start of b, unless it is a string, and gives its
// length then; of a string 0.
func checkValue(b []byte) (int, error) {
	if len(b) == 0 || b[0] == ',' || b[0] == ' ' {
		return 0, errNoFieldValue
	}
	if b[0] == '"' {
		return 0, nil
	}
	n := 0
	for n < len(b) && b[n] != ',' && b[n] != ' ' {
		n++
	}
	value := b[:n]
	switch c := b[0]; {
	case c >= '0' && c <= '9' || c == '-' || c == '.':
		return n, checkNumber(value)
	case isBoolean(value):
		return n, nil
	default:
		return n, fmt.Errorf("%w: %q", errBoolean, cut(value))
	}
}

func isBoolean(b []byte) bool {
	switch string(b) {
	case "t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE":
		return true
	}
	return false
}

// checkNumber checks a number that starts with a digit, a point or a minus sign.
func checkNumber(b []byte) error {
	digits := b
	switch b[len(b)-1] {
	case 'i', 'u':
		digits = b[:len(b)-1]
		if isWhole(digits) {
			return checkRange(digits, b[len(b)-1])
		}
		return fmt.Errorf("%w: %q", errNumber, cut(b))
	}
	for _, c := range digits {
		if (c < '0' || c > '9') && bytes.IndexByte([]byte(".eE+-"), c) < 0 {
			return fmt.Errorf("%w: %q", errNumber, cut(b))
		}
	}
	if f, err := strconv.ParseFloat(string(digits), 64); err != nil || math.IsInf(f, 0) {
		return fmt.Errorf("%w: %q", errNumber, cut(b))
	}
	return nil
}

// isWhole reports whether b is digits, perhaps with a minus sign.
func isWhole(b []byte) bool {
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// checkRange checks a whole number of a type with the given suffix.
func checkRange(digits []byte, suffix byte) error {
	if len(digits) < largeInt {
		if suffix == 'u' && digits[0] == '-' {
			return fmt.Errorf("%w: %q", errNumber, digits)
		}
		return nil
	}
	var err error
	if suffix == 'i' {
		_, err = strconv.ParseInt(string(digits), 10, 64)
	} else {
		_, err = strconv.ParseUint(string(digits), 10, 64)
	}
	if err != nil {
		return fmt.Errorf("%w: %q", errInteger, cut(digits))
	}
	return nil
}

// cut shortens what is shown in an error.
func cut(b []byte) []byte { return b[:min(len(b), 64)] }
