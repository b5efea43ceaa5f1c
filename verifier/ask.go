// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

const (
	attempts   = 6
	firstPause = time.Second
	splits     = 20 // of the time of one bucket: to a millionth
)

// errTooMuch says that a query has to ask for less.
var errTooMuch = errors.New("the target does not count as much at a time")

// asker sends queries at a limited rate, and again where their failure may pass.
type asker struct {
	t       Asker
	limiter *rate.Limiter
}

// fill puts into there, by column and slot, what the target has; -1 where it does not say.
func (q *asker) fill(ctx context.Context, a ask, there [][]int64) error {
	if len(a.slots) == 1 {
		span, _ := spanOf(a.m.buckets[a.slots[0]], a.m.width)
		return q.fillSpan(ctx, a, span, there, 0)
	}
	first, _ := spanOf(a.m.buckets[a.slots[0]], a.m.width)
	last, _ := spanOf(a.m.buckets[a.slots[len(a.slots)-1]], a.m.width)
	statement := a.statement(point.TimeRange{Min: first.Min, Max: last.Max}, true)
	err := q.try(ctx, a.p.database, statement, true, func() {
		for _, row := range there {
			clear(row)
		}
	}, func(row []any) error {
		at, err := whole(row[0])
		if err != nil {
			return err
		}
		b := bucketOf(at, a.m.width)
		k, ok := slices.BinarySearchFunc(a.slots, b, func(s int32, b int64) int {
			return compare(a.m.buckets[s], b)
		})
		if !ok {
			return nil // the target has values where the input has none
		}
		return addRow(there, k, row)
	}, len(a.columns))
	if !errors.Is(err, errTooMuch) {
		return err
	}
	half := len(a.slots) / 2
	for _, part := range [][2]int{{0, half}, {half, len(a.slots)}} {
		b := a
		b.slots = a.slots[part[0]:part[1]]
		rows := make([][]int64, len(there))
		for i := range rows {
			rows[i] = there[i][part[0]:part[1]]
			clear(rows[i])
		}
		if err := q.fill(ctx, b, rows); err != nil {
			return err
		}
	}
	return nil
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// fillSpan adds to the only slot what the target has in span. It asks without groups: the
// first and last nanosecond of all time are lost in them.
func (q *asker) fillSpan(ctx context.Context, a ask, span point.TimeRange, there [][]int64, depth int) error {
	sums := make([][]int64, len(there))
	for i := range sums {
		sums[i] = []int64{0}
	}
	splittable := len(a.columns) > 1 || depth < splits && span.Max > span.Min
	err := q.try(ctx, a.p.database, a.statement(span, false), splittable, func() {
		for _, s := range sums {
			s[0] = 0
		}
	}, func(row []any) error { return addRow(sums, 0, row) }, len(a.columns))
	switch {
	case err == nil:
		for i := range there {
			if there[i][0] >= 0 {
				there[i][0] += sums[i][0]
			}
		}
		return nil
	case !errors.Is(err, errTooMuch):
		return err
	case len(a.columns) > 1:
		half := len(a.columns) / 2
		left, right := a, a
		left.columns, right.columns = a.columns[:half], a.columns[half:]
		if err := q.fillSpan(ctx, left, span, there[:half], depth); err != nil {
			return err
		}
		return q.fillSpan(ctx, right, span, there[half:], depth)
	case splittable:
		mid := span.Min/2 + span.Max/2
		if err := q.fillSpan(ctx, a, point.TimeRange{Min: span.Min, Max: mid}, there, depth+1); err != nil || there[0][0] < 0 {
			return err
		}
		return q.fillSpan(ctx, a, point.TimeRange{Min: mid + 1, Max: span.Max}, there, depth+1)
	}
	there[0][0] = -1
	return nil
}

// statement is the query for all of its columns.
func (a *ask) statement(span point.TimeRange, grouped bool) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	for n, i := range a.columns {
		if n > 0 {
			b.WriteByte(',')
		}
		b.WriteString("count(")
		appendIdent(&b, a.m.columns[i].name())
		b.WriteString("::" + casts[a.m.columns[i].class] + ")")
	}
	b.WriteString(" FROM ")
	if a.p.policy != "" {
		appendIdent(&b, a.p.policy)
		b.WriteByte('.')
	}
	appendIdent(&b, a.name)
	b.WriteString(" WHERE time >= " + strconv.FormatInt(span.Min, 10) + " AND time <= " + strconv.FormatInt(span.Max, 10))
	if grouped {
		b.WriteString(" GROUP BY time(" + strconv.FormatInt(a.m.width, 10) + "ns) fill(none)")
	}
	return b.String()
}

// try runs a query until it is answered, or gives up. start is called before each
// attempt. errTooMuch comes only for what can be split.
func (q *asker) try(ctx context.Context, database, statement string, splittable bool, start func(), row func([]any) error, columns int) error {
	for n := 1; ; n++ {
		if err := q.limiter.Wait(ctx); err != nil {
			return err
		}
		start()
		err := q.t.Each(ctx, database, statement, func(s target.Series) error {
			for _, r := range s.Values {
				if len(r) != columns+1 {
					return fmt.Errorf("an answer has %d columns for %d", len(r)-1, columns)
				}
				if err := row(r); err != nil {
					return err
				}
			}
			return nil
		})
		e, ok := errors.AsType[*target.Error](err)
		switch {
		case !ok || ctx.Err() != nil:
			return err
		case strings.Contains(e.Message, "max-select-"):
			return errTooMuch
		case e.Class == target.Overloaded && splittable && n == 3:
			return errTooMuch
		case e.Class != target.Temporary && e.Class != target.Overloaded, n == attempts:
			return err
		}
		half := firstPause << n / 4
		pause := max(e.RetryAfter, half+rand.N(2*half))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// addRow adds the counts of a row to slot k of their columns.
func addRow(to [][]int64, k int, row []any) error {
	for i := range to {
		if row[i+1] == nil {
			continue
		}
		n, err := whole(row[i+1])
		if err != nil {
			return err
		}
		to[i][k] += n
	}
	return nil
}

// whole reads a number of an answer.
func whole(v any) (int64, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, fmt.Errorf("read an answer: %v is no number", v)
	}
	return n.Int64()
}
