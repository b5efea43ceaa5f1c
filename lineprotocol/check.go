// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"errors"

	"github.com/shardlift/shardlift/point"
)

// Why a key cannot be written so that a server reads the same key back.
var (
	ErrNewline        = errors.New("a line break in the key ends the line")
	ErrBackslash      = errors.New("a backslash at the end of the key or of one of its parts swallows what follows")
	ErrComment        = errors.New("a measurement that starts with # is read as a comment")
	ErrBlank          = errors.New("a measurement that starts with a tab or a NUL loses it")
	ErrNoMeasurement  = errors.New("there is no measurement")
	ErrTag            = errors.New("a tag without a key or a value, or with a bare blank or equals sign, does not parse")
	ErrTagTime        = errors.New("a tag named time makes the server drop the point")
	ErrFieldTime      = errors.New("a field named time is dropped by the server")
	ErrNoField        = errors.New("the field has no name")
	ErrFieldKey       = errors.New("backslashes in the field key make the server read another one")
	ErrNotANumber     = errors.New("NaN and infinities have no form in line protocol")
	ErrTimeRange      = errors.New("time is outside what a server takes")
	ErrUnsignedTooBig = errors.New("unsigned value is too large for an integer")
	ErrUnsignedRound  = errors.New("unsigned value was rounded: a float does not hold all of its digits")
)

// CheckSeries says whether a stored series key can be written. The server finds the
// parts by the byte before a separator, and the end of the line by counting backslashes
// in pairs; a key is good if both readings agree with what is stored.
func CheckSeries(key []byte) error {
	if len(key) == 0 || key[0] == ',' {
		return ErrNoMeasurement
	}
	switch key[0] {
	case '#':
		return ErrComment
	case '\t', 0, ' ':
		return ErrBlank
	}
	if bytes.IndexByte(key, '\\') < 0 && bytes.IndexByte(key, '\n') >= 0 {
		return ErrNewline
	}
	if key[len(key)-1] == '\\' {
		return ErrBackslash
	}
	if err := checkPairs(key); err != nil {
		return err
	}
	measurement, tags := point.SplitSeries(key)
	if hasBare(measurement, ' ') {
		return ErrTag
	}
	var last []byte
	sorted := true
	for rest := tags; len(rest) > 0; {
		var k, v []byte
		k, v, rest, _ = point.NextTag(rest)
		if len(k) == 0 || len(v) == 0 || hasBare(k, ' ') || hasBare(v, ' ') || hasBare(v, '=') {
			return ErrTag
		}
		if string(k) == "time" {
			return ErrTagTime
		}
		switch c := bytes.Compare(last, k); {
		case c == 0:
			return errTagTwice
		case c > 0:
			sorted = false
		}
		last = k
	}
	if !sorted {
		return checkTwice(tags)
	}
	return nil
}

// checkPairs walks b as the server's line scanner does, a backslash taking the next
// byte with it: no line break may stand free, and the end must not be taken.
func checkPairs(b []byte) error {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
			if i == len(b) {
				return ErrBackslash
			}
		case '\n':
			return ErrNewline
		}
	}
	return nil
}

// CheckField says whether a field key can be written. Backslashes have no escape of
// their own, so keys with some before special characters come back changed.
func CheckField(name []byte) error {
	if len(name) == 0 {
		return ErrNoField
	}
	if string(name) == "time" {
		return ErrFieldTime
	}
	if bytes.IndexByte(name, '\\') < 0 {
		if bytes.IndexByte(name, '\n') >= 0 {
			return ErrNewline
		}
		return nil
	}
	written := AppendFieldKey(nil, name)
	for i := 0; i < len(written); i++ {
		switch written[i] {
		case '\\':
			i++
			if i == len(written) {
				return ErrBackslash
			}
		case '\n':
			return ErrNewline
		case ',', '=', ' ':
			return ErrFieldKey
		}
	}
	if name[len(name)-1] == '\\' {
		return ErrBackslash
	}
	if !bytes.Equal(unescapeFieldKey(written), name) {
		return ErrFieldKey
	}
	return nil
}

// unescapeFieldKey reads a written field key as the server does.
func unescapeFieldKey(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) && isFieldSpecial(b[i+1]) {
			i++
		}
		out = append(out, b[i])
	}
	return out
}

func isFieldSpecial(c byte) bool { return c == ',' || c == '"' || c == ' ' || c == '=' }

// AppendFieldKey appends a stored field key, escaped.
func AppendFieldKey(dst, name []byte) []byte {
	for _, c := range name {
		if isFieldSpecial(c) {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return dst
}

// AppendString appends a string value in quotes. Line breaks stay as they are: they
// are part of the value, not the end of the line.
func AppendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for {
		i := bytes.IndexAny(s, `"\`)
		if i < 0 {
			break
		}
		dst = append(dst, s[:i]...)
		dst = append(dst, '\\', s[i])
		s = s[i+1:]
	}
	dst = append(dst, s...)
	return append(dst, '"')
}
