// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/shardlift/shardlift/point"
)

// Value is one value of a row. Its zero value is that there is none.
type Value struct {
	Kind  point.Kind
	Known bool   // there is one
	Bits  uint64 // of a float, an integer, or a boolean (0 or 1)
	Text  []byte // of a string
}

// RowSink takes rows as they arrive.
type RowSink interface {
	// Begin comes before the rows of a series. One with many rows begins several times.
	// Tags of which the series has none are empty.
	Begin(name string, tags map[string]string) error
	// Row takes one row. values, and what they hold, are valid until it returns.
	Row(timeNano int64, values []Value) error
}

const (
	packedType  = "application/x-msgpack"
	packedAlive = 1024 // rows between two signs of life
)

// Rows runs one query for values, and hands out its answer row by row. kinds are those
// that the query casts its columns to, behind the time. The answer comes as MessagePack,
// which keeps each bit of a number and strings that are no UTF-8; from a server that does
// not know it as JSON, in which bytes of such strings are lost. Where a node does not
// answer the next one is asked, but not once something was handed out. An error of out
// ends it and is returned as it is.
func (t *Target) Rows(ctx context.Context, database, statement string, kinds []point.Kind, out RowSink) error {
	return t.ask(ctx, func(n *node) (bool, error) {
		if n.plainJSON.Load() {
			return t.each(ctx, n, database, statement, jsonRows(kinds, out))
		}
		started, err := t.packedRows(ctx, n, database, statement, kinds, out)
		if errors.Is(err, errNotPacked) {
			n.plainJSON.Store(true)
			return t.each(ctx, n, database, statement, jsonRows(kinds, out))
		}
		return started, err
	})
}

// errNotPacked says that a server answers in JSON, whatever it is asked for.
var errNotPacked = errors.New("the answer is JSON")

// packedRows asks one node. As with each, a part of the answer has to come within the
// timeout.
func (t *Target) packedRows(ctx context.Context, n *node, database, statement string, kinds []point.Kind, out RowSink) (started bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(n.timeout, func() { cancel(errTimeout) })
	defer late.Stop()
	resp, kind, err := t.askChunks(ctx, n, database, statement, packedType)
	if err != nil {
		return false, n.finishQuery(ctx, err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	if kind != packedType && resp.StatusCode == http.StatusOK && kind == jsonType {
		return false, errNotPacked
	}
	if kind != packedType {
		return false, n.finishQuery(ctx, refusal(resp))
	}
	u := newUnpacker(resp.Body, kinds, out, func() { late.Reset(n.timeout) })
	err = u.run()
	if sink, ok := errors.AsType[*sinkError](err); ok {
		return u.started, sink.error
	}
	if err != nil && context.Cause(ctx) == nil {
		if _, said := errors.AsType[statementError](err); !said {
			err = brokenOff(err.Error())
		}
	}
	return u.started, n.finishQuery(ctx, err)
}

// sinkError is an error of whoever takes the rows.
type sinkError struct{ error }

func (e *sinkError) Unwrap() error { return e.error }

// classifyAnswer says what it means that the answer to a query holds no rows at all.
func classifyAnswer(a answer) *Error {
	s := a.read()
	if s.influx && s.text != "" {
		if e := classifyStatement(s.text); a.status < 500 && a.status != http.StatusTooManyRequests || e.Class != Fatal {
			return e
		}
	}
	e := &Error{Status: a.status, Message: s.message(), Class: Temporary, Dropped: -1}
	if !s.influx {
		e.Message = s.strange()
	}
	switch {
	case a.saysHTTPS():
		e.Class, e.Message = Fatal, speaksHTTPS
	case a.status >= 300 && a.status < 400:
		e.Class, e.Message = Fatal, redirected(a.header.Get("Location"))
	case a.status == http.StatusBadRequest && !s.influx: // a proxy's
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooManyRequests,
		a.status == http.StatusServiceUnavailable, a.status == http.StatusGatewayTimeout:
		e.Class = Overloaded
	case a.status >= 300 && a.status < 500:
		e.Class = Fatal
	}
	return e
}

// jsonRows makes rows of an answer in JSON, whose numbers do not tell their type.
func jsonRows(kinds []point.Kind, out RowSink) func(Series) error {
	values := make([]Value, len(kinds))
	return func(s Series) error {
		if err := out.Begin(s.Name, s.Tags); err != nil {
			return err
		}
		for _, row := range s.Values {
			nano, err := jsonRow(row, kinds, values)
			if err != nil {
				return fmt.Errorf("read an answer: %w", err)
			}
			if err := out.Row(nano, values); err != nil {
				return err
			}
		}
		return nil
	}
}

// jsonRow reads a row into values, which has room for one of each kind.
func jsonRow(row []any, kinds []point.Kind, values []Value) (timeNano int64, err error) {
	if len(row) != len(kinds)+1 {
		return 0, fmt.Errorf("it has %d columns for %d", len(row)-1, len(kinds))
	}
	at, ok := row[0].(json.Number)
	if !ok {
		return 0, fmt.Errorf("%v is no time", row[0])
	}
	if timeNano, err = at.Int64(); err != nil {
		return 0, err
	}
	for i, v := range row[1:] {
		if values[i], err = jsonValue(v, kinds[i]); err != nil {
			return 0, err
		}
	}
	return timeNano, nil
}

// jsonValue reads a value of a known type.
func jsonValue(v any, kind point.Kind) (Value, error) {
	switch v := v.(type) {
	case nil:
		return Value{}, nil
	case string:
		return Value{Kind: point.String, Known: true, Text: []byte(v)}, nil
	case bool:
		out := Value{Kind: point.Boolean, Known: true}
		if v {
			out.Bits = 1
		}
		return out, nil
	case json.Number:
		out := Value{Kind: kind, Known: true}
		var err error
		switch kind {
		case point.Integer:
			var n int64
			n, err = v.Int64()
			out.Bits = uint64(n) //nolint:gosec // bits
		case point.Unsigned:
			out.Bits, err = strconv.ParseUint(v.String(), 10, 64)
		default:
			var f float64
			f, err = v.Float64()
			out.Kind, out.Bits = point.Float, math.Float64bits(f)
		}
		return out, err
	}
	return Value{}, fmt.Errorf("%v is no value", v)
}
