// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"errors"

	"github.com/shardlift/shardlift/point"
)

// Why a server does not take fields.
var (
	errNoFieldKey   = errors.New("a field has no key")
	errNoFieldValue = errors.New("a field has no value")
	errFieldFormat  = errors.New("the fields are not key=value, with commas between them")
	errQuotes       = errors.New("a string is not closed")
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
// built for it take. Fields come in their order, also one that comes twice, whose last
// value counts, and one named time, which a server passes over, unless there is no
// other one: then it is an error. dst is truncated, appended to and given back.
func ParseFields(dst []Field, fields []byte) ([]Field, error) {
	dst, ok := plainFields(dst[:0], fields)
	if !ok {
		var err error
		if dst, err = anyFields(dst[:0], fields); err != nil {
			return dst, err
		}
	}
	for i := range dst {
		if string(dst[i].Key) != "time" {
			return dst, nil
		}
	}
	return dst, ErrFieldTime
}

// inKey marks the bytes that mean nothing but themselves in a field key.
var inKey = func() (t [256]bool) {
	for c := range t {
		t[c] = c != '\\' && c != '"' && c != ',' && c != '=' && c != ' '
	}
	return t
}()

// plainFields is anyFields where nothing is escaped and all is well; otherwise it is
// false.
func plainFields(dst []Field, b []byte) ([]Field, bool) {
	for i := 0; ; i++ { // over the comma
		start := i
		for i < len(b) && inKey[b[i]] {
			i++
		}
		if i == start || i+1 >= len(b) || b[i] != '=' {
			return dst, false
		}
		f := Field{Key: b[start:i:i]}
		i++
		n, ok := 0, false
		if b[i] == '"' {
			f.Kind = point.String
			n, ok = plainString(b[i:])
		} else {
			for n < len(b)-i && b[i+n] != ',' {
				n++
			}
			f.Kind, ok = plainValue(b[i : i+n])
		}
		if !ok {
			return dst, false
		}
		f.Value = b[i : i+n : i+n]
		dst = append(dst, f)
		if i += n; i == len(b) {
			return dst, true
		}
	}
}

// plainString gives the length of the string at the start of b. It is false if the value
// goes on behind it.
func plainString(b []byte) (int, bool) {
	for i, q := 1, 0; ; {
		if q < i {
			n := bytes.IndexByte(b[i:], '"')
			if n < 0 {
				return 0, false
			}
			q = i + n
		}
		e := bytes.IndexByte(b[i:q], '\\')
		if e < 0 {
			return q + 1, q+1 == len(b) || b[q+1] == ','
		}
		i += e + 2
	}
}

// anyFields takes any field section apart as a server does: first it walks over it,
// then it cuts at what it takes for the signs between keys and values.
func anyFields(dst []Field, b []byte) ([]Field, error) {
	if err := checkFields(b); err != nil {
		return dst, err
	}
	for len(b) > 0 {
		eq := point.IndexUnescaped(b, '=')
		f := Field{Key: b[:eq:eq]}
		b = b[min(eq+1, len(b)):]
		end := valueEnd(b)
		f.Value = b[:end:end]
		b = b[min(end+1, len(b)):]
		if len(f.Value) == 0 {
			return dst, errNoFieldValue
		}
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

// UnescapeField gives the field key that a server stores for one as written.
func UnescapeField(key []byte) string {
	if bytes.IndexByte(key, '\\') < 0 {
		return string(key)
	}
	return string(unescapeFieldKey(key))
}
