// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/shardlift/shardlift/point"
)

// UnsignedAs says how unsigned values are written. A stock 1.x server refuses them.
type UnsignedAs int

// The ways.
const (
	UnsignedKeep    UnsignedAs = iota // 1u
	UnsignedInteger                   // 1i; what is too large is refused
	UnsignedFloat                     // 1
)

var unsignedNames = [...]string{UnsignedKeep: "keep", UnsignedInteger: "integer", UnsignedFloat: "float"}

// MarshalText gives the word for u: keep, integer or float.
func (u UnsignedAs) MarshalText() ([]byte, error) { return []byte(unsignedNames[u]), nil }

// UnmarshalText reads one of the words.
func (u *UnsignedAs) UnmarshalText(text []byte) error {
	i := slices.Index(unsignedNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("unsigned values are written as keep, integer or float, not %q", text)
	}
	*u = UnsignedAs(i)
	return nil
}

// Refusal is a run of values of one column that could not be written as they are.
type Refusal struct {
	Field  []byte // the column, or nil for whole rows; valid until the next Refusals
	Err    error
	Values int             // how many
	Range  point.TimeRange // of the first and the last
	Kept   bool            // written, but not to the last digit
}

// Encoder writes the batches of one series after the other. Its zero value is ready.
// It belongs to one goroutine and allocates nothing once its buffers have grown.
type Encoder struct {
	Unsigned UnsignedAs

	prefix []byte
	names  []fieldName
	cells  []cell
	clock  clock
	room   int // bytes that a line takes at the most, but for its strings

	points, values int64
	first, last    int64 // times of these points
	refusals       []Refusal
}

// fieldName is a column's name as it is written.
type fieldName struct {
	raw  []byte
	text []byte // comma, escaped name, equals sign
	err  error
	// short is text where that fits: a fixed size is stored without a call.
	short    [shortName]byte
	shortLen int // 0 where it does not fit
}

const (
	shortName = 32
	maxNumber = 32 // bytes of a number or boolean with what marks its type
)

// cell is what the loop over a row needs of a column, side by side.
type cell struct {
	mode   mode
	short  [shortName]byte // copied from the name
	len    int
	ints   []int64
	floats []float64

	// The value written last, and where its text lies in the buffer at hand: nearly half
	// of what machines report is what they reported before, and copying is faster.
	last      uint64
	at, width int
	decimals  int // of the float written last
}

// copied is how much is copied of a text, whatever its width: no number takes more. The
// longest are like -0.0000012345678901234567.
const copied = maxNumber

// mode tells which columns take the quick way: those with a short and sound name and
// no gaps, of integers or floats.
type mode uint8

const (
	anyColumn mode = iota
	denseInts
	denseFloats
)

// Series starts a series. key is its stored key, for which CheckSeries was nil.
func (e *Encoder) Series(key []byte) {
	e.prefix = append(e.prefix[:0], key...)
}

// Span gives the times of the first and the last point written since Counts was called;
// for points of one series, in the order of their times, it is the range of them all.
func (e *Encoder) Span() point.TimeRange {
	if e.points == 0 {
		return point.NoTime
	}
	return point.TimeRange{Min: e.first, Max: e.last}
}

// Counts gives the points and values written since the last call.
func (e *Encoder) Counts() (points, values int64) {
	points, values = e.points, e.values
	e.points, e.values = 0, 0
	return points, values
}

// Refusals gives what could not be written since the last call. It is valid until
// the next Append.
func (e *Encoder) Refusals() []Refusal {
	r := e.refusals
	e.refusals = e.refusals[:0]
	return r
}

// Append appends the rows of b from row on, one line each, until dst holds limit bytes
// or more, and gives the row to go on with: len(b.Times) at the end.
func (e *Encoder) Append(dst []byte, b *point.Batch, row, limit int) ([]byte, int) {
	e.prepare(b)
	for ; row < len(b.Times) && len(dst) < limit; row++ {
		dst = e.line(dst, b, row)
	}
	return dst, row
}

// prepare renders the names of the columns, unless they are those of the batch before,
// and lays out the cells of a row.
func (e *Encoder) prepare(b *point.Batch) {
	for len(e.names) < len(b.Columns) {
		e.names = append(e.names, fieldName{})
		e.cells = append(e.cells, cell{})
	}
	e.room = len(e.prefix) + 2*maxNumber
	for i := range b.Columns {
		col, name, c := &b.Columns[i], &e.names[i], &e.cells[i]
		if len(name.text) == 0 || !bytes.Equal(name.raw, col.Field) {
			name.set(col.Field)
		}
		e.room += max(len(name.text), shortName) + maxNumber
		c.mode, c.short, c.len, c.ints, c.floats, c.width = anyColumn, name.short, name.shortLen, col.Ints, col.Floats, 0
		switch {
		case col.Gaps != nil || name.err != nil || name.shortLen == 0:
		case col.Kind == point.Integer:
			c.mode = denseInts
		case col.Kind == point.Float:
			c.mode = denseFloats
		}
	}
}

func (n *fieldName) set(field []byte) {
	if n.raw = append(n.raw[:0], field...); n.raw == nil {
		n.raw = []byte{} // an empty name is one: nil stands for whole rows
	}
	n.text = append(AppendFieldKey(append(n.text[:0], ','), field), '=')
	n.err = CheckField(field)
	n.shortLen = 0
	if len(n.text) <= shortName {
		n.shortLen = copy(n.short[:], n.text)
	}
}

// grow makes room for at least n more bytes.
func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	return slices.Grow(dst, n)
}

// line appends row i, or nothing where it has no value that can be written. Room for
// all but strings is made beforehand, so that the rest is stores at an index.
func (e *Encoder) line(dst []byte, b *point.Batch, i int) []byte {
	start := len(dst)
	t := b.Times[i]
	if t < point.MinTime || t > point.MaxTime {
		e.refuse(nil, ErrTimeRange, t, false)
		return dst
	}
	dst = grow(dst, e.room)
	buf := dst[:cap(dst)]
	n := start + copy(buf[start:], e.prefix)
	body := n
	values := int64(0)
	cells := e.cells[:len(b.Columns)]
	for c := range cells {
		cell := &cells[c]
		switch cell.mode {
		case denseInts:
			v := uint64(cell.ints[i]) //nolint:gosec // its bits
			*(*[shortName]byte)(buf[n:]) = cell.short
			n += cell.len
			if v == cell.last && cell.width > 0 {
				*(*[copied]byte)(buf[n:]) = *(*[copied]byte)(buf[cell.at:])
			} else {
				end := putInt(buf, n, cell.ints[i])
				buf[end] = 'i'
				cell.last, cell.width = v, end+1-n
			}
			cell.at = n
			n += cell.width
			values++
			continue
		case denseFloats:
			v := math.Float64bits(cell.floats[i])
			if v&infinity == infinity {
				break
			}
			*(*[shortName]byte)(buf[n:]) = cell.short
			n += cell.len
			if v == cell.last && cell.width > 0 {
				*(*[copied]byte)(buf[n:]) = *(*[copied]byte)(buf[cell.at:])
			} else {
				cell.last, cell.width = v, cell.putFloat(buf, n, cell.floats[i])-n
			}
			cell.at = n
			n += cell.width
			values++
			continue
		case anyColumn:
		}
		var ok bool
		if buf, n, ok = e.cell(buf, n, b, c, i); ok {
			values++
		}
	}
	if values == 0 {
		return dst[:start]
	}
	buf[body] = ' ' // in place of the first comma
	if e.points == 0 {
		e.first = t
	}
	e.last = t
	e.points++
	e.values += values
	buf[n] = ' '
	n = e.clock.put(buf, n+1, t)
	buf[n] = '\n'
	return buf[:n+1]
}

// infinity is the bits that only infinities and NaN have all set.
const infinity = 0x7FF << 52

// putFloat writes a finite f at n and gives the index behind it.
func (c *cell) putFloat(buf []byte, n int, f float64) int {
	if isSmallWhole(f) {
		return putUint(buf, n, uint64(f))
	}
	text, decimals := appendFloat(buf[:n], f, c.decimals)
	c.decimals = decimals
	return len(text)
}

// cell writes name and value of any column at n, or nothing where there is no value
// that can be written. buf may have to grow for strings.
func (e *Encoder) cell(buf []byte, n int, b *point.Batch, c, i int) (_ []byte, next int, ok bool) {
	col, name := &b.Columns[c], &e.names[c]
	if !col.Has(i) {
		return buf, n, false
	}
	if name.err != nil {
		e.refuse(name.raw, name.err, b.Times[i], false)
		return buf, n, false
	}
	text := append(buf[:n], name.text...)
	text, ok = e.value(text, col, i, b.Times[i])
	if !ok {
		return buf, n, false
	}
	text = grow(text, e.room)
	return text[:cap(text)], len(text), true
}

// value appends the value of row i; ok is false where it has no form.
func (e *Encoder) value(dst []byte, col *point.Column, i int, t int64) (_ []byte, ok bool) {
	switch col.Kind {
	case point.Float:
		f := col.Floats[i]
		if math.IsNaN(f) || math.IsInf(f, 0) {
			e.refuse(col.Field, ErrNotANumber, t, false)
			return dst, false
		}
		return AppendFloat(dst, f), true
	case point.Integer:
		return append(AppendInt(dst, col.Ints[i]), 'i'), true
	case point.Boolean:
		if col.Bools[i] {
			return append(dst, "true"...), true
		}
		return append(dst, "false"...), true
	case point.String:
		return AppendString(dst, col.Strings[i]), true
	default:
		return e.unsigned(dst, col, i, t)
	}
}

func (e *Encoder) unsigned(dst []byte, col *point.Column, i int, t int64) (_ []byte, ok bool) {
	u := uint64(col.Ints[i]) //nolint:gosec // the bits of an unsigned value
	switch e.Unsigned {
	case UnsignedInteger:
		if u > math.MaxInt64 {
			e.refuse(col.Field, ErrUnsignedTooBig, t, false)
			return dst, false
		}
		return append(appendUint(dst, u), 'i'), true
	case UnsignedFloat:
		f := float64(u)
		if f >= 1<<64 || uint64(f) != u {
			e.refuse(col.Field, ErrUnsignedRound, t, true)
		}
		return AppendFloat(dst, f), true
	default:
		return append(appendUint(dst, u), 'u'), true
	}
}

// refuse notes a value that was not written, together with those like it before.
func (e *Encoder) refuse(field []byte, why error, t int64, kept bool) {
	for i := range e.refusals {
		r := &e.refusals[i]
		if r.Err == why && bytes.Equal(r.Field, field) { //nolint:errorlint // the package's own values, compared as such
			r.Values++
			r.Range = r.Range.Union(point.TimeRange{Min: t, Max: t})
			return
		}
	}
	e.refusals = append(e.refusals, Refusal{Field: bytes.Clone(field), Err: why, Values: 1, Range: point.TimeRange{Min: t, Max: t}, Kept: kept})
}
