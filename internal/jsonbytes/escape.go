// SPDX-License-Identifier: Apache-2.0

// Package jsonbytes writes strings of any bytes as JSON, and reads them again.
//
// Names of databases, measurements and files may be no UTF-8, of which JSON knows nothing
// else; encoding/json puts U+FFFD in the place of what it cannot write, so that two names
// become one. Here each byte that is no UTF-8 is \xNN, with two small hexadecimal digits;
// and so that a name may hold just these four characters, a backslash that stands before
// such digits is \x5c. All other strings are written as they are.
package jsonbytes

import (
	"strings"
	"unicode/utf8"
)

const digits = "0123456789abcdef"

// Escape gives s as UTF-8.
func Escape(s string) string {
	if utf8.ValidString(s) && !strings.Contains(s, `\x`) {
		return s
	}
	var b strings.Builder
	put := func(c byte) { b.WriteString(`\x` + digits[c>>4:c>>4+1] + digits[c&15:c&15+1]) }
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		_, escape := escaped(s[i:])
		if escape || r == utf8.RuneError && n == 1 {
			put(s[i])
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// Unescape gives what Escape was given.
func Unescape(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c, ok := escaped(s[i:])
		if !ok {
			b = append(b, s[i])
			continue
		}
		b = append(b, c)
		i += len(`\xNN`) - 1
	}
	return string(b)
}

// escaped reads \xNN at the beginning of s.
func escaped(s string) (c byte, ok bool) {
	if len(s) < len(`\xNN`) || s[:2] != `\x` {
		return 0, false
	}
	high, low := strings.IndexByte(digits, s[2]), strings.IndexByte(digits, s[3])
	if high < 0 || low < 0 {
		return 0, false
	}
	return byte(high<<4 | low), true //nolint:gosec // each is below 16
}
