// SPDX-License-Identifier: Apache-2.0

package lpjudge

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Type is the letter of a value's type in the normal form.
type Type byte

// The five types.
const (
	Float    Type = 'f'
	Integer  Type = 'i'
	Unsigned Type = 'u'
	Boolean  Type = 'b'
	String   Type = 's'
)

// Value is one field of one series at one time.
type Value struct {
	DB, RP string
	Series string // in normal form, escaped, see the package comment
	Field  string // plain
	Type   Type
	// Val is the value as text: a float in its shortest form that reads back to the
	// same bits (-0 is "-0"), "true" or "false", a string as it is.
	Val  string
	Time int64 // Unix nanoseconds
}

// String is the value's line of the normal form, without the line feed.
func (v Value) String() string { return string(v.append(nil)) }

func (v Value) append(b []byte) []byte {
	b = append(appendEscaped(b, v.DB, ""), '\t')
	b = append(appendEscaped(b, v.RP, ""), '\t')
	b = append(append(b, v.Series...), '\t')
	b = append(appendEscaped(b, v.Field, ""), '\t', byte(v.Type), '\t')
	b = append(appendEscaped(b, v.Val, ""), '\t')
	return strconv.AppendInt(b, v.Time, 10)
}

// place is what two versions of a value have in common.
type place struct {
	db, rp, series, field string
	time                  int64
}

func (v Value) place() place { return place{v.DB, v.RP, v.Series, v.Field, v.Time} }

// ParseValue reads one line of the normal form.
func ParseValue(line string) (Value, error) {
	cols := strings.Split(line, "\t")
	if len(cols) != 7 {
		return Value{}, fmt.Errorf("%d columns instead of 7 in %q", len(cols), line)
	}
	if len(cols[4]) != 1 || !strings.Contains("fiubs", cols[4]) {
		return Value{}, fmt.Errorf("type %q in %q", cols[4], line)
	}
	time, err := strconv.ParseInt(cols[6], 10, 64)
	if err != nil {
		return Value{}, fmt.Errorf("time in %q: %w", line, err)
	}
	v := Value{Series: cols[2], Type: Type(cols[4][0]), Time: time}
	for i, dst := range map[int]*string{0: &v.DB, 1: &v.RP, 3: &v.Field, 5: &v.Val} {
		if *dst, err = unescapeNormal(cols[i]); err != nil {
			return Value{}, fmt.Errorf("column %d of %q: %w", i+1, line, err)
		}
	}
	return v, nil
}

// WriteNormal writes the values in normal form, sorted. The order of values changes.
func WriteNormal(w io.Writer, values []Value) error {
	lines := make([]string, len(values))
	for i, v := range values {
		lines[i] = v.String()
	}
	slices.Sort(lines)
	bw := bufio.NewWriter(w)
	for _, line := range lines {
		_, _ = bw.WriteString(line)
		_ = bw.WriteByte('\n')
	}
	return bw.Flush()
}

// ReadNormal reads what WriteNormal wrote.
func ReadNormal(r io.Reader) ([]Value, error) {
	var values []Value
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<30)
	for sc.Scan() {
		v, err := ParseValue(sc.Text())
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, sc.Err()
}

// ReadNormalFile reads a file in normal form, plain or compressed.
func ReadNormalFile(path string) ([]Value, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	r, done, err := decompress(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	defer done()
	values, err := ReadNormal(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return values, nil
}

// tag is one plain key and value.
type tag struct{ key, value string }

// normalSeries puts a series into normal form. It sorts tags.
func normalSeries(measurement string, tags []tag) string {
	slices.SortFunc(tags, func(a, b tag) int { return strings.Compare(a.key, b.key) })
	b := appendEscaped(nil, measurement, ",=")
	for _, t := range tags {
		b = appendEscaped(append(b, ','), t.key, ",=")
		b = appendEscaped(append(b, '='), t.value, ",=")
	}
	return string(b)
}

// appendEscaped appends s so that it holds no tab, line feed or invalid UTF-8, with a
// backslash also before each of the bytes in special.
func appendEscaped(b []byte, s, special string) []byte {
	const hex = "0123456789abcdef"
	for i := 0; i < len(s); {
		c := s[i]
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == '\\' || strings.IndexByte(special, c) >= 0:
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < ' ' || c == 0x7f || (c >= utf8.RuneSelf && size == 1):
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return b
}

func unescapeNormal(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		rest := s[i:]
		switch {
		case strings.HasPrefix(rest, `\`):
			b.WriteByte('\\')
		case strings.HasPrefix(rest, "n"):
			b.WriteByte('\n')
		case strings.HasPrefix(rest, "r"):
			b.WriteByte('\r')
		case strings.HasPrefix(rest, "t"):
			b.WriteByte('\t')
		case strings.HasPrefix(rest, "x") && len(rest) >= 3:
			n, err := strconv.ParseUint(rest[1:3], 16, 8)
			if err != nil {
				return "", fmt.Errorf("escape \\x%s", rest[1:3])
			}
			b.WriteByte(byte(n))
			i += 2
		default:
			return "", fmt.Errorf("backslash before %q", rest)
		}
	}
	return b.String(), nil
}
