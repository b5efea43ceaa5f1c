// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/shardlift/shardlift/point"
)

const (
	splits      = 20 // of the time of one bucket: to a millionth
	shardSplits = 5  // the same where only another shard has fewer: of a day to less than an hour, the shortest
)

// splits is how often a time is halved for what a query met.
func (m *measurement) splits(err error) int {
	switch {
	case !errors.Is(err, errTooManySeries):
		return splits
	case m.crowded:
		return 0
	}
	return shardSplits
}

// counts are what a query answered: by column of the ask and slot of it, -1 where the
// target does not say; and what it has in buckets of which the input has none.
type counts struct {
	there [][]int64
	extra []extra
}

// extra is a number of values of a column in a bucket without a slot.
type extra struct {
	column int // of the ask
	bucket int64
	there  int64
}

func newCounts(columns, slots int) *counts {
	c := &counts{there: make([][]int64, columns)}
	for i := range c.there {
		c.there[i] = make([]int64, slots)
	}
	return c
}

func (c *counts) reset() {
	for _, row := range c.there {
		clear(row)
	}
	c.extra = c.extra[:0]
}

// add adds counts of a part of the ask: from a column and a slot on.
func (c *counts) add(part *counts, column, slot int) {
	for i, row := range part.there {
		for k, n := range row {
			to := &c.there[column+i][slot+k]
			if n < 0 || *to < 0 {
				*to = -1
			} else {
				*to += n
			}
		}
	}
	for _, x := range part.extra {
		x.column += column
		c.extra = append(c.extra, x)
	}
}

// fill counts what the target has.
func (q *Paced) fill(ctx context.Context, a ask) (*counts, error) {
	out := newCounts(len(a.columns), len(a.slots))
	if a.first == a.last {
		return out, q.fillSpan(ctx, a, a.span(), out, 0)
	}
	if parts := a.apart(); parts != nil {
		return out, q.fillParts(ctx, parts, out)
	}
	if len(a.slots) == 0 && apart(a.first, a.last) >= askBuckets { // first whether there is anything
		sums := newCounts(len(a.columns), 1)
		err := q.fillSpan(ctx, a, a.span(), sums, splits)
		switch {
		case errors.Is(err, errTooMuch):
			return out, q.fillLess(ctx, a, out, err)
		case err == nil && slices.ContainsFunc(sums.there, func(row []int64) bool { return row[0] != 0 }):
			return out, q.fillParts(ctx, a.halves(), out)
		}
		return out, err
	}
	if why := a.tooWide(a.span(), true); why != nil {
		return out, q.fillLess(ctx, a, out, why)
	}
	err := q.rows(ctx, a.question(a.span(), true, true), len(a.columns)+1, out.reset, func(_ string, row []any) error {
		at, err := whole(row[0])
		if err != nil {
			return err
		}
		return out.take(&a, bucketOf(at, a.m.width), row)
	})
	a.learn(a.span(), err, columnsFirst(err))
	if errors.Is(err, errTooMuch) {
		out.reset()
		return out, q.fillLess(ctx, a, out, err)
	}
	return out, err
}

// tooWide is fit.tooWide. Where the input has nothing a target seldom has anything, and
// long times are asked for as a whole.
func (a *ask) tooWide(span point.TimeRange, cuttable bool) error {
	if len(a.slots) == 0 {
		return nil
	}
	return a.m.counts.tooWide(len(a.columns), span, cuttable)
}

// learn notes how a query for the ask's columns ended.
func (a *ask) learn(span point.TimeRange, err error, cutColumns bool) {
	switch {
	case len(a.slots) == 0:
	case errors.Is(err, errTooMuch):
		a.m.counts.refused(len(a.columns), span, a.m.width, cutColumns && len(a.columns) > 1)
	case err == nil:
		a.m.counts.fitted(len(a.columns), span)
	}
}

// fillLess asks for the halves of an ask of several buckets that was too much: of its
// columns where these have too many series or take too long, each of which has them anew;
// else of its time.
func (q *Paced) fillLess(ctx context.Context, a ask, out *counts, why error) error {
	if len(a.columns) == 1 || !columnsFirst(why) {
		return q.fillParts(ctx, a.halves(), out)
	}
	half := len(a.columns) / 2
	for _, part := range [][2]int{{0, half}, {half, len(a.columns)}} {
		b := a
		b.columns = a.columns[part[0]:part[1]]
		c, err := q.fill(ctx, b)
		if err != nil {
			return err
		}
		out.add(c, part[0], 0)
	}
	return nil
}

// take takes a row of a bucket.
func (c *counts) take(a *ask, bucket int64, row []any) error {
	k, found := slices.BinarySearchFunc(a.slots, bucket, func(s int32, b int64) int { return cmp.Compare(a.m.buckets[s], b) })
	if !found && !a.extra {
		return nil // the target has values where the input has none
	}
	for i := range a.columns {
		if row[i+1] == nil {
			continue
		}
		n, err := whole(row[i+1])
		switch {
		case err != nil:
			return err
		case found:
			c.there[i][k] += n
		case n > 0:
			c.extra = append(c.extra, extra{i, bucket, n})
		}
	}
	return nil
}

// fillParts asks for the parts of an ask, which lie one behind the other.
func (q *Paced) fillParts(ctx context.Context, parts []ask, out *counts) error {
	slot := 0
	for _, part := range parts {
		c, err := q.fill(ctx, part)
		if err != nil {
			return err
		}
		out.add(c, 0, slot)
		slot += len(part.slots)
	}
	return nil
}

// fillSpan counts what the target has in span, which lies in one bucket, or in which the
// input has nothing. It asks without groups: the first and last nanosecond of all time are
// lost in them.
func (q *Paced) fillSpan(ctx context.Context, a ask, span point.TimeRange, out *counts, depth int) error {
	sums := make([]int64, len(a.columns))
	halvable := depth < splits && span.Max > span.Min
	err := a.tooWide(span, halvable && !a.m.crowded)
	if err == nil {
		err = q.sums(ctx, &a, span, len(a.columns) > 1 || halvable || a.first != a.last, sums)
		a.learn(span, err, true)
	}
	switch {
	case err == nil:
		out.put(&a, sums)
		return nil
	case !errors.Is(err, errTooMuch), a.first != a.last:
		return err
	case len(a.columns) > 1:
		return q.fillColumns(ctx, a, span, out, depth)
	case depth < a.m.splits(err) && span.Max > span.Min:
		mid := middle(span)
		if err := q.fillSpan(ctx, a, point.TimeRange{Min: span.Min, Max: mid}, out, depth+1); err != nil || out.unknown() {
			return err // a part that is not known makes the whole so
		}
		return q.fillSpan(ctx, a, point.TimeRange{Min: mid + 1, Max: span.Max}, out, depth+1)
	}
	a.m.crowded = a.m.crowded || errors.Is(err, errTooManySeries)
	a.m.counts.gaveUp(a.m.width)
	if len(out.there[0]) > 0 {
		out.there[0][0] = -1
	} else {
		out.extra = append(out.extra, extra{0, a.first, -1})
	}
	return nil
}

// sums asks for the counts of a span.
func (q *Paced) sums(ctx context.Context, a *ask, span point.TimeRange, splittable bool, sums []int64) error {
	return q.rows(ctx, a.question(span, false, splittable), len(a.columns)+1, func() { clear(sums) }, func(_ string, row []any) error {
		for i := range sums {
			if row[i+1] == nil {
				continue
			}
			n, err := whole(row[i+1])
			if err != nil {
				return err
			}
			sums[i] += n
		}
		return nil
	})
}

// put takes the sums of a span.
func (c *counts) put(a *ask, sums []int64) {
	for i, n := range sums {
		switch {
		case len(c.there[i]) > 0 && c.there[i][0] >= 0:
			c.there[i][0] += n
		case len(c.there[i]) == 0 && n > 0 && a.extra:
			k := slices.IndexFunc(c.extra, func(x extra) bool { return x.column == i })
			if k < 0 {
				k = len(c.extra)
				c.extra = append(c.extra, extra{i, a.first, 0})
			}
			if c.extra[k].there >= 0 {
				c.extra[k].there += n
			}
		}
	}
}

// unknown reports whether the target did not say what it has in the one bucket that one
// column was asked for.
func (c *counts) unknown() bool {
	return len(c.there[0]) > 0 && c.there[0][0] < 0 || len(c.extra) > 0 && c.extra[len(c.extra)-1].there < 0
}

// fillColumns is fillSpan for some of the columns, and then for the others.
func (q *Paced) fillColumns(ctx context.Context, a ask, span point.TimeRange, out *counts, depth int) error {
	half := len(a.columns) / 2
	for _, part := range [][2]int{{0, half}, {half, len(a.columns)}} {
		b := a
		b.columns = a.columns[part[0]:part[1]]
		c := newCounts(len(b.columns), len(a.slots))
		if err := q.fillSpan(ctx, b, span, c, depth); err != nil {
			return err
		}
		out.add(c, part[0], 0)
	}
	return nil
}

// question is the query for the counts of all of its columns.
func (a *ask) question(span point.TimeRange, grouped, splittable bool) question {
	out := question{database: a.p.database, statement: a.statement(span, grouped)}
	if splittable {
		least := *a
		least.columns = a.columns[:1]
		out.least = least.statement(point.TimeRange{Min: span.Min, Max: span.Min}, false)
	}
	return out
}

// statement is the same as text.
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
	appendFrom(&b, a.p.policy, a.name)
	appendWhere(&b, span, a.rules)
	if grouped {
		b.WriteString(" GROUP BY time(" + strconv.FormatInt(a.m.width, 10) + "ns) fill(none)")
	}
	return b.String()
}

func appendFrom(b *strings.Builder, policy, measurement string) {
	b.WriteString(" FROM ")
	if policy != "" {
		appendIdent(b, policy)
		b.WriteByte('.')
	}
	appendIdent(b, measurement)
}

// appendWhere appends what times are asked for, and what series.
func appendWhere(b *strings.Builder, span point.TimeRange, rules string) {
	b.WriteString(" WHERE time >= " + strconv.FormatInt(span.Min, 10) + " AND time <= " + strconv.FormatInt(span.Max, 10) + rules)
}
