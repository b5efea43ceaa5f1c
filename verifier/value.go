// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"errors"
	"hash/maphash"
	"math"
	"strconv"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// Values are compared in a form that is the same on both sides, whatever the text and
// whatever type a query casts numbers to:
//
//	whole numbers from -2^63 to 2^63-1    their bits, also of floats
//	whole numbers up to 2^64-1            their bits, apart
//	other floats, -0 among them           their bits, apart
//	strings, booleans                     their bytes, 0 or 1
//
// Within one type no two values have the same form. What type a field has is compared by
// itself.
type form struct {
	sort byte
	bits uint64
	text []byte
}

const (
	formWhole byte = iota + 1
	formLarge
	formFloat
	formText
	formTruth
)

func formOfInt(n int64) form { return form{sort: formWhole, bits: uint64(n)} } //nolint:gosec // bits

func formOfUint(n uint64) form {
	if n > math.MaxInt64 {
		return form{sort: formLarge, bits: n}
	}
	return form{sort: formWhole, bits: n}
}

func formOfFloat(f float64) form {
	switch {
	case f != math.Trunc(f) || f == 0 && math.Signbit(f) || f < -1<<63 || f >= 1<<64:
		return form{sort: formFloat, bits: math.Float64bits(f)}
	case f < 1<<63:
		return formOfInt(int64(f))
	}
	return form{sort: formLarge, bits: uint64(f)}
}

var errNoValue = errors.New("a line holds a value that is none")

// numberKind gives the type of a number as written.
func numberKind(raw []byte) point.Kind {
	switch raw[len(raw)-1] {
	case 'i':
		return point.Integer
	case 'u':
		return point.Unsigned
	}
	return point.Float
}

// formOf gives the form of a value as written. The text of a string is in buf.
func formOf(raw []byte, class class, buf *[]byte) (f form, err error) {
	switch class {
	case text:
		*buf = lineprotocol.AppendText((*buf)[:0], raw)
		return form{sort: formText, text: *buf}, nil
	case boolean:
		if c := raw[0]; c == 't' || c == 'T' {
			return form{sort: formTruth, bits: 1}, nil
		}
		return form{sort: formTruth}, nil
	}
	digits := raw[:len(raw)-1]
	switch numberKind(raw) {
	case point.Integer:
		var n int64
		n, err = strconv.ParseInt(string(digits), 10, 64)
		f = formOfInt(n)
	case point.Unsigned:
		var n uint64
		n, err = strconv.ParseUint(string(digits), 10, 64)
		f = formOfUint(n)
	default:
		var x float64
		x, err = strconv.ParseFloat(string(raw), 64)
		f = formOfFloat(x)
	}
	if err != nil {
		return form{}, errNoValue
	}
	return f, nil
}

// formOfAnswer gives the form of a value that a target answered: of a field that has several
// numeric types there under several casts. It is false where there is none.
func formOfAnswer(values []target.Value) (form, bool) {
	v := values[0]
	if !v.Known {
		return form{}, false
	}
	switch v.Kind {
	case point.String:
		return form{sort: formText, text: v.Text}, true
	case point.Boolean:
		return form{sort: formTruth, bits: v.Bits}, true
	case point.Integer:
		return formOfInt(int64(v.Bits)), true //nolint:gosec // bits
	case point.Unsigned:
		return formOfUint(v.Bits), true
	}
	x := math.Float64frombits(v.Bits)
	f := formOfFloat(x)
	if x == 1<<64 && len(values) > 2 && values[2].Bits > 1<<63 { // rounded up
		return formOfUint(values[2].Bits), true
	}
	if len(values) == 1 || f.sort == formFloat || !values[1].Known {
		return f, true
	}
	// A cast to float rounds large integers, one to integer does not.
	switch n := int64(values[1].Bits); { //nolint:gosec // bits
	case f.sort == formWhole, x == 1<<63 && n > 0:
		return formOfInt(n), true
	case len(values) > 2 && values[2].Known:
		return formOfUint(values[2].Bits), true
	}
	return f, true
}

// castsOf gives the casts under which the values of a column are asked for: one where the
// target has one type, else those that together tell them apart.
func castsOf(class class, there kinds) []point.Kind {
	switch {
	case class == text:
		return []point.Kind{point.String}
	case class == boolean:
		return []point.Kind{point.Boolean}
	case there == kindsOf(point.Float), there == kindsOf(point.Integer), there == kindsOf(point.Unsigned):
		for _, k := range []point.Kind{point.Float, point.Integer, point.Unsigned} {
			if there == kindsOf(k) {
				return []point.Kind{k}
			}
		}
	case there.has(point.Unsigned):
		return []point.Kind{point.Float, point.Integer, point.Unsigned}
	}
	return []point.Kind{point.Float, point.Integer}
}

// kinds is a set of kinds.
type kinds uint8

func kindsOf(k point.Kind) kinds           { return 1 << k }
func (s kinds) has(k point.Kind) bool      { return s&kindsOf(k) != 0 }
func (s kinds) without(others kinds) kinds { return s &^ others }

// words names the kinds.
func (s kinds) words() (list []string) {
	for k := range point.Kind(point.NumKinds) {
		if s.has(k) {
			list = append(list, k.String())
		}
	}
	return list
}

// hash gives a hash of a form.
func (f form) hash(seed maphash.Seed) uint64 {
	if f.sort == formText {
		return mix(maphash.Bytes(seed, f.text) + uint64(formText))
	}
	return mix(f.bits ^ uint64(f.sort)<<56 ^ uint64(f.sort)*0x9e3779b97f4a7c15)
}

// A hash of a series does not depend on how its names are escaped, nor on the order of its
// tags. A tag without a value is none.
func hashTag(key, value uint64) uint64 { return mix(mix(key) + value) }

// hashSeries gives the hash of a series key as written.
func hashSeries(seed maphash.Seed, raw, tags []byte) uint64 {
	sum := hashName(seed, raw, point.UnescapeMeasurement)
	for {
		key, value, rest, ok := point.NextTag(tags)
		if !ok {
			return mix(sum)
		}
		if len(value) > 0 {
			sum += hashTag(hashName(seed, key, point.UnescapeTag), hashName(seed, value, point.UnescapeTag))
		}
		tags = rest
	}
}

// hashName gives the hash of a name as a person would type it.
func hashName(seed maphash.Seed, raw []byte, unescape func([]byte) string) uint64 {
	if bytes.IndexByte(raw, '\\') >= 0 {
		return maphash.String(seed, unescape(raw))
	}
	return maphash.Bytes(seed, raw)
}

// hashAnswer gives the same of a series that a target answered.
func hashAnswer(seed maphash.Seed, measurement string, tags map[string]string) uint64 {
	sum := maphash.String(seed, measurement)
	for key, value := range tags {
		if value != "" {
			sum += hashTag(maphash.String(seed, key), maphash.String(seed, value))
		}
	}
	return mix(sum)
}

// keyHash gives a hash of where a value stands: its series, field and time.
func keyHash(series uint64, col *column, time int64) uint64 {
	return mix(mix(series^mix(col.hash+uint64(col.class))) + uint64(time)) //nolint:gosec // bits
}

// valueHash gives a hash of where a value stands and what it is.
func valueHash(key, value uint64) uint64 { return mix(key + value) }

// answerText writes a value that a target answered as it is written in a line. Where it
// was cast to several types, its own is not known.
func answerText(values []target.Value) string {
	f, ok := formOfAnswer(values)
	if !ok {
		return ""
	}
	switch f.sort {
	case formText:
		return string(lineprotocol.AppendString(nil, f.text))
	case formTruth:
		return strconv.FormatBool(f.bits == 1)
	case formFloat:
		return strconv.FormatFloat(math.Float64frombits(f.bits), 'g', -1, 64)
	case formLarge:
		return suffixed(strconv.FormatUint(f.bits, 10), values)
	}
	if len(values) == 1 && values[0].Kind == point.Float {
		return strconv.FormatFloat(math.Float64frombits(values[0].Bits), 'g', -1, 64)
	}
	return suffixed(strconv.FormatInt(int64(f.bits), 10), values) //nolint:gosec // bits
}

func suffixed(digits string, values []target.Value) string {
	if len(values) > 1 {
		return digits
	}
	switch values[0].Kind {
	case point.Integer:
		return digits + "i"
	case point.Unsigned:
		return digits + "u"
	}
	return digits
}
