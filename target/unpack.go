// SPDX-License-Identifier: Apache-2.0

package target

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/tinylib/msgp/msgp"

	"github.com/shardlift/shardlift/point"
)

// What an answer may claim to hold.
const (
	mostElements = 1 << 22 // of a list or an object
	mostText     = 64 << 20
	unpackBytes  = 256 << 10
)

// unpacker reads answers in MessagePack: objects of the form of the answers in JSON, one
// behind the other.
//
//	{"results": [{"series": [{"name", "tags", "columns", "values": [[time, value...]...]}],
//	              "partial": more follow, "error": text}], "error": text}
type unpacker struct {
	r       *msgp.Reader
	out     RowSink
	alive   func()
	kinds   []point.Kind // of the columns, as they were cast
	values  []Value
	started bool // something was handed out
	results bool // some came
	more    bool // the last result said that more follow
	rows    int
}

func newUnpacker(r io.Reader, kinds []point.Kind, out RowSink, alive func()) *unpacker {
	u := &unpacker{r: msgp.NewReaderSize(r, unpackBytes), out: out, alive: alive, kinds: kinds, values: make([]Value, len(kinds))}
	u.r.SetMaxElements(mostElements)
	u.r.SetMaxStringLength(mostText)
	return u
}

// run reads to the end. Its errors are statementError, *sinkError, or say that the answer
// makes no sense or broke off.
func (u *unpacker) run() error {
	for {
		if _, err := u.r.R.Peek(1); errors.Is(err, io.EOF) {
			switch {
			case u.more:
				return io.ErrUnexpectedEOF
			case !u.results:
				return errNoResults
			}
			return nil
		} else if err != nil {
			return err
		}
		u.alive()
		if err := u.message(); err != nil {
			return err
		}
	}
}

// object calls f for each key of an object.
func (u *unpacker) object(f func(key string) error) error {
	n, err := u.r.ReadMapHeader()
	for ; err == nil && n > 0; n-- {
		var key []byte
		if key, err = u.r.ReadMapKeyPtr(); err == nil {
			err = f(string(key))
		}
	}
	return err
}

// list calls f for each element of a list.
func (u *unpacker) list(f func() error) error {
	n, err := u.r.ReadArrayHeader()
	for ; err == nil && n > 0; n-- {
		err = f()
	}
	return err
}

func (u *unpacker) failure() error {
	text, err := u.r.ReadString()
	if err != nil {
		return err
	}
	return statementError(text)
}

func (u *unpacker) message() error {
	return u.object(func(key string) error {
		switch key {
		case "results":
			return u.list(u.result)
		case "error":
			return u.failure()
		}
		return u.r.Skip()
	})
}

func (u *unpacker) result() error {
	u.results, u.more = true, false
	return u.object(func(key string) error {
		switch key {
		case "series":
			return u.list(u.series)
		case "error":
			return u.failure()
		case "partial":
			var err error
			u.more, err = u.r.ReadBool()
			return err
		}
		return u.r.Skip()
	})
}

// series reads a run of rows; what they belong to comes before them.
func (u *unpacker) series() error {
	name, columns := "", -1
	tags := map[string]string{}
	return u.object(func(key string) (err error) {
		switch key {
		case "name":
			name, err = u.r.ReadString()
		case "tags":
			err = u.object(func(tag string) (err error) {
				tags[tag], err = u.r.ReadString()
				return err
			})
		case "columns":
			columns = 0
			err = u.list(func() error {
				columns++
				return u.r.Skip()
			})
		case "values":
			if columns != len(u.values)+1 {
				return fmt.Errorf("an answer has %d columns for %d", columns-1, len(u.values))
			}
			u.started = true
			if err := u.out.Begin(name, tags); err != nil {
				return &sinkError{err}
			}
			err = u.list(u.row)
		default:
			err = u.r.Skip()
		}
		return err
	})
}

func (u *unpacker) row() error {
	if u.rows++; u.rows%packedAlive == 0 {
		u.alive()
	}
	n, err := u.r.ReadArrayHeader()
	if err != nil {
		return err
	}
	if int64(n) != int64(len(u.values))+1 {
		return fmt.Errorf("a row has %d values for %d", n, len(u.values)+1)
	}
	at, err := u.r.ReadInt64()
	if err != nil {
		return err
	}
	for i := range u.values {
		v := &u.values[i]
		if err := u.value(v); err != nil {
			return err
		}
		if v.Kind == point.Integer && u.kinds[i] == point.Unsigned { // small numbers do not tell
			v.Kind = point.Unsigned
		}
	}
	if err := u.out.Row(at, u.values); err != nil {
		return &sinkError{err}
	}
	return nil
}

// value reads one into v, whose text's memory is used again.
func (u *unpacker) value(v *Value) error {
	kind, err := u.r.NextType()
	if err != nil {
		return err
	}
	v.Known = true
	switch kind {
	case msgp.NilType:
		v.Known = false
		return u.r.ReadNil()
	case msgp.Float64Type, msgp.Float32Type:
		var f float64
		f, err = u.r.ReadFloat64()
		v.Kind, v.Bits = point.Float, math.Float64bits(f)
	case msgp.IntType:
		var n int64
		n, err = u.r.ReadInt64()
		v.Kind, v.Bits = point.Integer, uint64(n) //nolint:gosec // bits
	case msgp.UintType:
		v.Kind = point.Unsigned
		v.Bits, err = u.r.ReadUint64()
	case msgp.BoolType:
		var b bool
		b, err = u.r.ReadBool()
		v.Kind, v.Bits = point.Boolean, 0
		if b {
			v.Bits = 1
		}
	case msgp.StrType:
		v.Kind = point.String
		v.Text, err = u.r.ReadStringAsBytes(v.Text)
	default:
		return fmt.Errorf("a value is a %s", kind)
	}
	return err
}
