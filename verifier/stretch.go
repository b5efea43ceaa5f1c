// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// exactValues is about how many values one query asks for.
const exactValues = 1 << 20

// stretch is a part of a measurement whose values are asked for: some columns, some time.
type stretch struct {
	p       *place
	m       *measurement
	columns []int32
	casts   [][]point.Kind // by column
	rules   string
}

// newStretch gives one; there says what types the columns have on the target.
func (v *comparison) newStretch(j *job, m *measurement, columns []int32) *stretch {
	s := &stretch{p: j.p, m: m, columns: columns, rules: v.rules}
	for _, i := range columns {
		c := &m.columns[i]
		s.casts = append(s.casts, castsOf(c.class, j.schema[nameOf(m)][c.name()]&numeric))
	}
	return s
}

// question is the query for the values in a span, and the types of its columns.
func (s *stretch) question(span point.TimeRange, splittable bool) (question, []point.Kind) {
	out := question{database: s.p.database}
	if splittable {
		out.least, _ = s.part(0, 1).statement(point.TimeRange{Min: span.Min, Max: span.Min})
	}
	var kinds []point.Kind
	out.statement, kinds = s.statement(span)
	return out, kinds
}

// statement is the same as text.
func (s *stretch) statement(span point.TimeRange) (string, []point.Kind) {
	var b strings.Builder
	var kinds []point.Kind
	b.WriteString("SELECT ")
	for n, i := range s.columns {
		for _, k := range s.casts[n] {
			if len(kinds) > 0 {
				b.WriteByte(',')
			}
			appendIdent(&b, s.m.columns[i].name())
			b.WriteString("::" + k.String())
			kinds = append(kinds, k)
		}
	}
	appendFrom(&b, s.p.policy, nameOf(s.m))
	appendWhere(&b, span, s.rules)
	b.WriteString(" GROUP BY *")
	return b.String(), kinds
}

// part is the stretch for some of the columns.
func (s *stretch) part(from, to int) *stretch {
	out := *s
	out.columns, out.casts = s.columns[from:to], s.casts[from:to]
	return &out
}

// takers take the values of a stretch.
type takers struct {
	start  func()                                                                // before each attempt of a query: what it gave is void
	series func(tags map[string]string) error                                    // before values of a series
	value  func(column int32, time int64, f form, answered []target.Value) error // of the series; valid until it returns
	end    func() error                                                          // the query is done
}

// values asks for the values of a stretch in a span, which is cut where it is too much for
// the target.
func (q *Paced) values(ctx context.Context, s *stretch, span point.TimeRange, to takers, depth int) error {
	halvable := depth < splits && span.Max > span.Min
	err := s.m.rows.tooWide(len(s.columns), span, halvable && !s.m.crowded)
	if err == nil {
		ask, kinds := s.question(span, len(s.columns) > 1 || halvable)
		err = q.try(ctx, ask, to.start, func() error {
			return q.t.Rows(ctx, ask.database, ask.statement, kinds, &rowTaker{s: s, to: to})
		})
		s.learn(span, err)
	}
	switch {
	case err == nil:
		return to.end()
	case !errors.Is(err, errTooMuch):
		return err
	case len(s.columns) > 1 && columnsFirst(err): // each column has its series anew
		return q.halves(ctx, s, span, to, depth)
	case span.Max > span.Min && depth < s.m.splits(err):
		mid := middle(span)
		if err := q.values(ctx, s, point.TimeRange{Min: span.Min, Max: mid}, to, depth+1); err != nil {
			return err
		}
		return q.values(ctx, s, point.TimeRange{Min: mid + 1, Max: span.Max}, to, depth+1)
	case len(s.columns) > 1:
		return q.halves(ctx, s, span, to, depth)
	}
	s.m.crowded = s.m.crowded || errors.Is(err, errTooManySeries)
	s.m.rows.gaveUp(s.m.width)
	return fmt.Errorf("the target does not give the values of %q field %q at %s: %w", nameOf(s.m), s.m.columns[s.columns[0]].name(), point.FormatTime(span.Min), err)
}

// learn notes how a query for the stretch's columns ended.
func (s *stretch) learn(span point.TimeRange, err error) {
	if err == nil {
		s.m.rows.fitted(len(s.columns), span)
	} else if errors.Is(err, errTooMuch) {
		s.m.rows.refused(len(s.columns), span, s.m.width, len(s.columns) > 1 && (columnsFirst(err) || span.Max == span.Min))
	}
}

// halves is values for one half of the columns, and then for the other.
func (q *Paced) halves(ctx context.Context, s *stretch, span point.TimeRange, to takers, depth int) error {
	half := len(s.columns) / 2
	if err := q.values(ctx, s.part(0, half), span, to, depth); err != nil {
		return err
	}
	return q.values(ctx, s.part(half, len(s.columns)), span, to, depth)
}

// rowTaker cuts rows into values.
type rowTaker struct {
	s  *stretch
	to takers
}

// Begin begins a series.
func (r *rowTaker) Begin(_ string, tags map[string]string) error { return r.to.series(tags) }

// Row takes a row.
func (r *rowTaker) Row(time int64, values []target.Value) error {
	for n, i := range r.s.columns {
		answered := values[:len(r.s.casts[n])]
		values = values[len(answered):]
		if f, ok := formOfAnswer(answered); ok {
			if err := r.to.value(i, time, f, answered); err != nil {
				return err
			}
		}
	}
	return nil
}

// middle gives the last nanosecond of the first half of a span of several.
func middle(span point.TimeRange) int64 {
	return span.Min + int64(apart(span.Min, span.Max)/2) //nolint:gosec // half of the distance
}

// parts cuts a span into equal parts, so that each has about so many of its values.
func parts(span point.TimeRange, values, most int64) []point.TimeRange {
	n := uint64(max(1, (values+most-1)/most))
	width := apart(span.Min, span.Max)/n + 1 // nanoseconds, rounded up
	var out []point.TimeRange
	for at := uint64(0); ; at += width {
		from := span.Min + int64(at)
		if apart(span.Min, span.Max)-at < width {
			return append(out, point.TimeRange{Min: from, Max: span.Max})
		}
		out = append(out, point.TimeRange{Min: from, Max: from + int64(width-1)}) //nolint:gosec // likewise
	}
}
