// SPDX-License-Identifier: Apache-2.0

package lpjudge

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Times outside these cannot be written.
const (
	minTime = math.MinInt64 + 2
	maxTime = math.MaxInt64 - 1
)

// point is one parsed line.
type point struct {
	series string
	fields []field
	time   int64
}

type field struct {
	key string
	typ Type
	val string
}

// pointParser remembers the last series, which the next line usually has too.
type pointParser struct {
	lastRaw    string
	lastNormal string
}

// parse reads one logical line. The point's fields are valid until the next call.
func (p *pointParser) parse(line []byte, pt *point) error {
	end := unescaped(line, 0, " ")
	if end < 0 {
		return errors.New("no fields")
	}
	if string(line[:end]) != p.lastRaw || end == 0 {
		normal, err := parseSeries(line[:end])
		if err != nil {
			return err
		}
		p.lastRaw, p.lastNormal = string(line[:end]), normal
	}
	pt.series = p.lastNormal
	pt.fields = pt.fields[:0]
	rest, err := pt.parseFields(line[end+1:])
	if err != nil {
		return err
	}
	pt.time, err = parseTime(string(rest))
	return err
}

// unescaped finds the first of the given bytes, from i on, that does not follow a
// backslash directly. The server does not count backslashes in names.
func unescaped(b []byte, i int, any string) int {
	for ; i < len(b); i++ {
		if strings.IndexByte(any, b[i]) >= 0 && (i == 0 || b[i-1] != '\\') {
			return i
		}
	}
	return -1
}

func parseSeries(raw []byte) (string, error) {
	if len(raw) == 0 || strings.IndexByte(" ,\t\x00#", raw[0]) >= 0 {
		return "", fmt.Errorf("measurement missing, or begins with a byte that cannot begin one: %q", raw)
	}
	end := unescaped(raw, 0, ",")
	if end < 0 {
		end = len(raw)
	}
	// A server names the measurement with \= and \" replaced as well.
	measurement := unescape(raw[:end], `, ="`)
	var tags []tag
	for end < len(raw) {
		raw = raw[end+1:]
		if end = unescaped(raw, 0, ","); end < 0 {
			end = len(raw)
		}
		t := raw[:end]
		eq := unescaped(t, 0, "=")
		if eq <= 0 || eq == len(t)-1 || unescaped(t, eq+1, "=") >= 0 {
			return "", fmt.Errorf("tag %q", t)
		}
		tags = append(tags, tag{unescape(t[:eq], ",= "), unescape(t[eq+1:], ",= ")})
	}
	normal := normalSeries(measurement, tags)
	for i := 1; i < len(tags); i++ {
		if tags[i].key == tags[i-1].key {
			return "", fmt.Errorf("tag key %q twice", tags[i].key)
		}
	}
	return normal, nil
}

// unescape takes away the backslashes that stand before one of the given bytes.
func unescape(b []byte, before string) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) && strings.IndexByte(before, b[i+1]) >= 0 {
			i++
		}
		out = append(out, b[i])
	}
	return string(out)
}

// parseFields reads the fields and gives what follows the blank behind them.
func (pt *point) parseFields(b []byte) (rest []byte, err error) {
	for {
		eq := unescaped(b, 0, "=, ")
		if eq <= 0 || b[eq] != '=' {
			return nil, fmt.Errorf("field key at %q", clip(b))
		}
		f := field{key: unescape(b[:eq], `,= "`)}
		for _, other := range pt.fields {
			if other.key == f.key {
				return nil, fmt.Errorf("field %q twice", f.key)
			}
		}
		if b, err = f.parseValue(b[eq+1:]); err != nil {
			return nil, fmt.Errorf("field %q: %w", f.key, err)
		}
		pt.fields = append(pt.fields, f)
		if len(b) == 0 {
			return nil, errors.New("no time")
		}
		stop := b[0]
		b = b[1:]
		switch stop {
		case ' ':
			return b, nil
		case ',':
		default:
			return nil, fmt.Errorf("byte %q behind field %q", stop, f.key)
		}
	}
}

// parseValue reads one value and gives what follows it.
func (f *field) parseValue(b []byte) (rest []byte, err error) {
	if len(b) > 0 && b[0] == '"' {
		f.typ = String
		f.val, rest, err = parseString(b[1:])
		return rest, err
	}
	end := bytes.IndexAny(b, ", ")
	if end < 0 {
		end = len(b)
	}
	f.typ, f.val, err = parseScalar(string(b[:end]))
	return b[end:], err
}

func parseString(b []byte) (val string, rest []byte, err error) {
	var out []byte
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '"':
			return string(out), b[i+1:], nil
		case c == '\\' && i+1 < len(b) && (b[i+1] == '"' || b[i+1] == '\\'):
			i++
			c = b[i]
		}
		out = append(out, c)
	}
	return "", nil, errors.New("string without an end")
}

func parseScalar(s string) (Type, string, error) {
	switch s {
	case "t", "T", "true", "True", "TRUE":
		return Boolean, "true", nil
	case "f", "F", "false", "False", "FALSE":
		return Boolean, "false", nil
	}
	head, last := "", byte(0)
	if len(s) > 0 {
		head, last = s[:len(s)-1], s[len(s)-1]
	}
	switch {
	case last == 'i' && isDigits(strings.TrimPrefix(head, "-")):
		n, err := strconv.ParseInt(head, 10, 64)
		return Integer, strconv.FormatInt(n, 10), err
	case last == 'u' && isDigits(head):
		n, err := strconv.ParseUint(head, 10, 64)
		return Unsigned, strconv.FormatUint(n, 10), err
	case isFloat(s):
		f, err := strconv.ParseFloat(s, 64)
		return Float, formatFloat(f), err
	}
	return 0, "", fmt.Errorf("value %q", clip([]byte(s)))
}

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// isFloat knows the numbers that a 1.x server takes: no plus sign in front, no
// hexadecimal, no underscore, no infinity.
func isFloat(s string) bool {
	s = strings.TrimPrefix(s, "-")
	if e := strings.IndexAny(s, "eE"); e >= 0 {
		exp := s[e+1:]
		if strings.HasPrefix(exp, "+") || strings.HasPrefix(exp, "-") {
			exp = exp[1:]
		}
		if !isDigits(exp) {
			return false
		}
		s = s[:e]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	return isDigits(whole + fraction)
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func parseTime(s string) (int64, error) {
	t, err := strconv.ParseInt(s, 10, 64)
	if err != nil || !isDigits(strings.TrimPrefix(s, "-")) {
		return 0, fmt.Errorf("time %q", clip([]byte(s)))
	}
	if t < minTime || t > maxTime {
		return 0, fmt.Errorf("time %d cannot be written", t)
	}
	return t, nil
}

// clip keeps messages short.
func clip(b []byte) []byte {
	const most = 120
	return b[:min(len(b), most)]
}
