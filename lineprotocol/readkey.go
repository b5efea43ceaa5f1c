// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"errors"
	"slices"

	"github.com/shardlift/shardlift/point"
)

// maxKey is how long a series key may be, and together with keyJoint a series key and
// a field key.
const (
	maxKey   = 65535
	keyJoint = len(point.KeySeparator)
)

// Why a server does not take a key.
var (
	errNoFields     = errors.New("there are no fields behind the key")
	errKeyTooLong   = errors.New("the key is longer than 65535 bytes")
	errTagKey       = errors.New("a tag has no key")
	errTagValue     = errors.New("a tag has no value")
	errTagFormat    = errors.New("an equals sign stands bare in a tag's value")
	errTagTwice     = errors.New("a tag stands there twice")
	errBlankInKey   = errors.New("a blank ends the key early")
	errKeyBackslash = errors.New("a backslash at the end of the key swallows what follows")
)

// CheckKey says whether a server takes key as the measurement and the tags of a line:
// without the blank behind it, and as written, still escaped. Tags may be in any order.
// A separator counts as escaped if the byte right before it is a backslash.
func CheckKey(key []byte) error {
	if len(key) == 0 || key[0] == ',' {
		return ErrNoMeasurement
	}
	if len(key) > maxKey {
		return errKeyTooLong
	}
	if key[len(key)-1] == '\\' {
		return errKeyBackslash
	}
	measurement, tags := point.SplitSeries(key)
	if hasBare(measurement, ' ') {
		return errBlankInKey
	}
	return checkTags(tags)
}

// checkTags goes over tags, each with the comma before it.
func checkTags(tags []byte) error {
	var last []byte
	sorted := true
	for rest := tags; len(rest) > 0; {
		tag := rest[1:]
		end := point.IndexUnescaped(tag, ',')
		tag, rest = tag[:end], tag[end:]
		eq := point.IndexUnescaped(tag, '=')
		name, value := tag[:eq], tag[min(eq+1, len(tag)):]
		switch {
		case len(name) == 0:
			return errTagKey
		case len(value) == 0:
			return errTagValue
		case hasBare(tag, ' '):
			return errBlankInKey
		case hasBare(bytes.TrimPrefix(value, []byte("=")), '='): // as the first byte it is let through
			return errTagFormat
		case string(name) == "time":
			return ErrTagTime
		}
		switch c := bytes.Compare(last, name); {
		case c == 0:
			return errTagTwice
		case c > 0:
			sorted = false
		}
		last = name
	}
	if !sorted {
		return checkTwice(tags)
	}
	return nil
}

// checkTwice looks for a tag that stands twice among tags out of order.
func checkTwice(tags []byte) error {
	var names [][]byte
	for len(tags) > 0 {
		name, _, rest, _ := point.NextTag(tags)
		names, tags = append(names, name), rest
	}
	slices.SortFunc(names, bytes.Compare)
	for i := 1; i < len(names); i++ {
		if bytes.Equal(names[i-1], names[i]) {
			return errTagTwice
		}
	}
	return nil
}

// hasBare reports whether c stands in b without a backslash right before it.
func hasBare(b []byte, c byte) bool { return point.IndexUnescaped(b, c) < len(b) }
