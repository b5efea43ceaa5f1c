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

// Why a server does not take fields.
var (
	errNoFieldKey   = errors.New("a field has no key")
	errNoFieldValue = errors.New("a field has no value")
	errFieldFormat  = errors.New("the fields are not key=value, with commas between them")
	errQuotes       = errors.New("a string is not closed")
	errNumber       = errors.New("a value is not a number")
	errInteger      = errors.New("an integer does not fit into 64 bits")
	errBoolean      = errors.New("a value is neither a number nor a boolean nor a string in quotes")
	errFieldTooLong = errors.New("key and field key together are longer than 65535 bytes")
)

// Field is one field of a line, as written: the key still escaped, strings still in
// quotes, integers with their suffix. Both parts alias the line.
type Field struct {
	Key, Value []byte
	Kind       point.Kind
}

// ParseFields takes the field section of a line apart. It takes what a server takes and
// refuses what a server refuses, except that 1u is an unsigned value, which only servers
// built for it take. dst is truncated, appended to and given back.
func ParseFields(dst []Field, fields []byte) ([]Field, error) {
	dst = dst[:0]
	if err := checkFields(fields); err != nil {
		return dst, err
	}
	for len(fields) > 0 {
		eq := bareIndex(fields, '=')
		f := Field{Key: fields[:eq:eq]}
		fields = fields[min(eq+1, len(fields)):]
		end := valueEnd(fields)
		f.Value = fields[:end:end]
		fields = fields[min(end+1, len(fields)):]
		f.Kind = kindOf(f.Value)
		dst = append(dst, f)
	}
	return dst, nil
}

// valueEnd gives the place of the comma behind a value, or len(b).
func valueEnd(b []byte) int {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			if i+1 < len(b) && (b[i+1] == '"' || b[i+1] == '\\') {
				i++
			}
		case '"':
			quoted = !quoted
		case ',':
			if !quoted {
				return i
			}
		}
	}
	return len(b)
}

func kindOf(value []byte) point.Kind {
	if len(value) == 0 {
		return point.Float
	}
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

// checkFields walks over a field section as a server does. Equals signs and commas are
// counted, and quotes mean something only where there are more of the former.
func checkFields(b []byte) error {
	quoted := false
	equals, commas := 0, 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\':
			i++
		case c == '"' && equals > commas:
			quoted = !quoted
		case quoted:
		case c == ' ':
			return errFieldFormat
		case c == ',':
			commas++
		case c == '=':
			equals++
			if i == 0 || b[i-1] == ',' && (i == 1 || b[i-2] != '\\') {
				return errNoFieldKey
			}
			n, err := checkValue(b[i+1:])
			if err != nil {
				return err
			}
			i += n
		}
	}
	switch {
	case quoted:
		return errQuotes
	case equals == 0 || commas != equals-1:
		return errFieldFormat
	case b[len(b)-1] == '\\' && danglingBackslash(b):
		return errFieldFormat
	}
	return nil
}

// danglingBackslash reports whether b ends with a backslash that takes a byte behind b
// along.
func danglingBackslash(b []byte) bool {
	n := 0
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
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
	default:
		return n, checkBoolean(value)
	}
}

func checkBoolean(b []byte) error {
	switch string(b) {
	case "t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE":
		return nil
	}
	return fmt.Errorf("%w: %q", errBoolean, cut(b))
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
	if len(digits) < 19 {
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

// UnescapeField gives the field key that a server stores for one as written.
func UnescapeField(key []byte) string {
	if bytes.IndexByte(key, '\\') < 0 {
		return string(key)
	}
	return string(unescapeFieldKey(key))
}
