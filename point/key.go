// SPDX-License-Identifier: Apache-2.0

package point

import (
	"bytes"
	"strings"
)

// KeySeparator stands between the series key and the field key in the composite
// key under which TSM files, WAL entries and tombstones store a column.
const KeySeparator = "#!~#"

var keySeparator = []byte(KeySeparator)

// SplitKey splits a composite key at the first separator. Both parts alias key.
// ok is false where there is no separator; series is then the whole key.
//
// The series part is escaped as it stood in the accepted line; the field is not.
func SplitKey(key []byte) (series, field []byte, ok bool) {
	return bytes.Cut(key, keySeparator)
}

// SplitKeyAt is SplitKey at the nth separator (0 is the first); it is for the rare
// keys whose measurement or tags contain the separator themselves.
func SplitKeyAt(key []byte, nth int) (series, field []byte, ok bool) {
	from := 0
	for {
		i := bytes.Index(key[from:], keySeparator)
		if i < 0 {
			return key, nil, false
		}
		if nth == 0 {
			at := from + i
			return key[:at:at], key[at+len(keySeparator):], true
		}
		nth--
		from += i + 1
	}
}

// SplitSeries cuts a stored series key into its still escaped measurement and the
// tags behind it: ",k=v,k2=v2", or nothing. Both alias series.
// A comma right behind a backslash does not end the measurement.
func SplitSeries(series []byte) (measurement, tags []byte) {
	i := IndexUnescaped(series, ',')
	if i == len(series) {
		return series, nil
	}
	return series[:i:i], series[i:]
}

// NextTag takes the first tag off tags, which must be empty or start with a comma.
// key and value are still escaped and alias tags. ok is false at the end; a tag
// without "=" comes with a nil value.
func NextTag(tags []byte) (key, value, rest []byte, ok bool) {
	if len(tags) == 0 || tags[0] != ',' {
		return nil, nil, nil, false
	}
	tag := tags[1:]
	if end := IndexUnescaped(tag, ','); end < len(tag) {
		tag, rest = tag[:end:end], tag[end:]
	}
	eq := IndexUnescaped(tag, '=')
	if eq == len(tag) {
		return tag, nil, rest, true
	}
	return tag[:eq:eq], tag[eq+1:], rest, true
}

// IndexUnescaped gives the place of the first c that does not follow a backslash
// directly, or len(b). The engine looks at one byte only: in `\\,` the comma counts as escaped.
func IndexUnescaped(b []byte, c byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], c)
		if i < 0 {
			return len(b)
		}
		i += from
		if i == 0 || b[i-1] != '\\' {
			return i
		}
		from = i + 1
	}
}

var (
	measurementUnescaper = strings.NewReplacer(`\,`, `,`)
	spaceUnescaper       = strings.NewReplacer(`\ `, ` `)
	equalsUnescaper      = strings.NewReplacer(`\=`, `=`)
)

// UnescapeMeasurement gives the measurement name that a person would type.
func UnescapeMeasurement(b []byte) string {
	s := string(b)
	if !strings.Contains(s, `\`) {
		return s
	}
	return spaceUnescaper.Replace(measurementUnescaper.Replace(s))
}

// UnescapeTag gives a tag key or tag value as a person would type it. As in the
// engine the replacements run one after the other over the whole text.
func UnescapeTag(b []byte) string {
	s := string(b)
	if !strings.Contains(s, `\`) {
		return s
	}
	return equalsUnescaper.Replace(spaceUnescaper.Replace(measurementUnescaper.Replace(s)))
}
