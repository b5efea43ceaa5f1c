// SPDX-License-Identifier: Apache-2.0

package walfile

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/shardlift/shardlift/point"
)

var (
	errBody  = errors.New("entry does not hold what its lengths say")
	errValue = errors.New("unknown value type")
)

// kinds maps the value types of the log to those of blocks.
var kinds = [...]point.Kind{1: point.Float, 2: point.Integer, 3: point.Boolean, 4: point.String, 5: point.Unsigned}

// Values are the values of one column in a write entry, in the order they came. They
// alias the reader's memory and are valid until its Next.
type Values struct {
	Key   []byte
	Kind  point.Kind
	Count int
	body  []byte // from the first time on
}

// check walks a body without keeping anything: an entry is good as a whole or not.
func check(typ Type, body []byte) error {
	switch typ {
	case Write:
		return eachWrite(body, func(Values) {})
	case DeleteRange:
		return eachRange(body, func([]byte, point.TimeRange) {})
	default:
		return nil
	}
}

// named reports whether a body that parses begins with a key that can be one, which
// bytes that happen to parse hardly do.
func named(typ Type, body []byte) bool {
	var key []byte
	first := func(k []byte) {
		if key == nil {
			key = k
		}
	}
	switch typ {
	case Write:
		_ = eachWrite(body, func(v Values) { first(v.Key) })
	case DeleteRange:
		_ = eachRange(body, func(k []byte, _ point.TimeRange) { first(k) })
	default:
		key, _, _ = bytes.Cut(body, []byte{'\n'})
	}
	return bytes.Contains(key, []byte(point.KeySeparator))
}

// EachWrite gives the columns of the current write entry.
func (r *Reader) EachWrite(f func(Values)) error { return eachWrite(r.body, f) }

// EachDelete gives the deletes of the current delete or delete range entry. key is
// valid until Next.
func (r *Reader) EachDelete(f func(key []byte, t point.TimeRange)) error {
	if r.typ == DeleteRange {
		return eachRange(r.body, f)
	}
	for rest := r.body; len(rest) > 0; {
		var key []byte
		if key, rest, _ = bytes.Cut(rest, []byte{'\n'}); len(key) > 0 {
			f(key, point.AllTime)
		}
	}
	return nil
}

func eachWrite(b []byte, f func(Values)) error {
	for len(b) > 0 {
		if len(b) < 3 {
			return errBody
		}
		if b[0] == 0 || int(b[0]) >= len(kinds) {
			return errValue
		}
		v := Values{Kind: kinds[b[0]]}
		n := int(binary.BigEndian.Uint16(b[1:]))
		b = b[3:]
		if n+4 > len(b) {
			return errBody
		}
		v.Key = b[:n:n]
		count := binary.BigEndian.Uint32(b[n:])
		b = b[n+4:]
		size, ok := valuesSize(v.Kind, count, b)
		if !ok {
			return errBody
		}
		v.Count, v.body = int(count), b[:size:size]
		b = b[size:]
		f(v)
	}
	return nil
}

// valuesSize is how many bytes of b the count values take, if they are there.
func valuesSize(kind point.Kind, count uint32, b []byte) (int, bool) {
	if count == 0 {
		return 0, false
	}
	left := uint64(len(b))
	switch kind {
	case point.Boolean:
		return int(count) * 9, uint64(count)*9 <= left
	case point.String:
		size := 0
		for range count {
			if len(b)-size < 12 {
				return 0, false
			}
			n := uint64(binary.BigEndian.Uint32(b[size+8:]))
			size += 12
			if n > uint64(len(b)-size) { //nolint:gosec // size <= len(b)
				return 0, false
			}
			size += int(n) //nolint:gosec // compared above
		}
		return size, true
	default:
		return int(count) * 16, uint64(count)*16 <= left
	}
}

func eachRange(b []byte, f func(key []byte, t point.TimeRange)) error {
	if len(b) < 16 {
		return errBody
	}
	t := point.TimeRange{
		Min: int64(binary.BigEndian.Uint64(b)),     //nolint:gosec // two's complement on disk
		Max: int64(binary.BigEndian.Uint64(b[8:])), //nolint:gosec // two's complement on disk
	}
	for b = b[16:]; len(b) > 0; {
		if len(b) < 4 {
			return errBody
		}
		n := uint64(binary.BigEndian.Uint32(b))
		b = b[4:]
		if n > uint64(len(b)) {
			return errBody
		}
		f(b[:n:n], t) // a window that ends before it starts deletes nothing
		b = b[n:]
	}
	return nil
}

// Numbers calls f with each time and the 64 bits of each value; a boolean is 0 or 1.
// It is for every kind but String.
func (v Values) Numbers(f func(t int64, bits uint64)) {
	b := v.body
	for range v.Count {
		t := int64(binary.BigEndian.Uint64(b)) //nolint:gosec // two's complement on disk
		if v.Kind == point.Boolean {
			bit := uint64(0)
			if b[8] == 1 {
				bit = 1
			}
			f(t, bit)
			b = b[9:]
			continue
		}
		f(t, binary.BigEndian.Uint64(b[8:]))
		b = b[16:]
	}
}

// Times calls f with each time.
func (v Values) Times(f func(t int64)) {
	if v.Kind == point.String {
		v.Strings(func(t int64, _ []byte) { f(t) })
		return
	}
	v.Numbers(func(t int64, _ uint64) { f(t) })
}

// Strings calls f with each time and string; s is valid until the reader's Next.
func (v Values) Strings(f func(t int64, s []byte)) {
	b := v.body
	for range v.Count {
		t := int64(binary.BigEndian.Uint64(b)) //nolint:gosec // two's complement on disk
		n := binary.BigEndian.Uint32(b[8:])
		f(t, b[12:12+n:12+n])
		b = b[12+n:]
	}
}
