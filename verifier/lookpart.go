// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// part looks into one span: the input goes into the table, the answer is held against it,
// and where something is left the input is read again for the values themselves.
func (l *look) part(ctx context.Context, span point.TimeRange, pass, passes uint64) error {
	l.span, l.pass, l.passes = span, pass, passes
	l.table.reset()
	l.sum, l.tried = tally{}, tally{}
	if !l.ch.extraOnly {
		if err := l.reread(ctx, l.remember); err != nil {
			return err
		}
	}
	s := l.v.newStretch(l.j, l.m, l.ch.columns)
	if err := l.v.ask.values(ctx, s, span, l.takers(), 0); err != nil && !errors.Is(err, errEnough) {
		return err
	} else if err != nil {
		l.enough = true
		l.merge()
	}
	missing := l.table.unseen()
	l.missing += missing
	l.extra += l.sum.extra
	l.differing += l.sum.differing
	if err := l.findSource(ctx, missing); err != nil {
		return err
	}
	before := len(l.v.report.Points.List)
	l.list()
	l.listed += len(l.v.report.Points.List) - before
	l.v.step()
	return nil
}

// list puts what was found into the report, as far as there is room.
func (l *look) list() {
	all := l.sum.list
	slices.SortStableFunc(all, comparePoints)
	p := l.v.report.Points
	p.List = append(p.List, all[:min(len(all), p.room())]...)
}

// reread reads what the input has of the span; take is told of each value, by its number in
// the line at hand.
func (l *look) reread(ctx context.Context, take func(i int) error) error {
	err := l.v.opts.Reread(ctx, l.j.p.database, l.j.p.policy, nameOf(l.m), l.span, func(lines []byte) error {
		return l.reader.each(lines, l.m, func() error {
			for i := range l.reader.hits {
				if err := take(i); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil && !errors.Is(err, errFull) {
		return fmt.Errorf("read the input again: %w", err)
	}
	return err
}

// remember puts the i-th value of the line at hand into the table; the last one counts.
func (l *look) remember(i int) error {
	w := &l.reader
	key, ok := l.wants(w.canon, w.hits[i], w.time)
	if !ok {
		return nil
	}
	f, err := w.form(i)
	if err != nil {
		return err
	}
	if !l.table.put(key, f.hash(w.c.seed), l.v.opts.hashes) {
		return errFull
	}
	return nil
}

// takers hold an answer against the table.
func (l *look) takers() takers {
	return takers{
		start: func() { l.tried = tally{} },
		series: func(tags map[string]string) error {
			l.series, l.tags, l.text = hashAnswer(l.v.c.seed, nameOf(l.m), tags), tags, ""
			return nil
		},
		value: l.answered,
		end: func() error {
			l.merge()
			if l.full(&l.sum) {
				return errEnough
			}
			return nil
		},
	}
}

// merge takes over what a query gave.
func (l *look) merge() {
	l.sum.extra += l.tried.extra
	l.sum.differing += l.tried.differing
	l.sum.list = append(l.sum.list, l.tried.list...)
	l.sum.keys = append(l.sum.keys, l.tried.keys...)
	l.tried = tally{}
}

// full reports whether a chunk that only the target has needs no further look.
func (l *look) full(t *tally) bool {
	return l.ch.extraOnly && len(t.list)+len(l.sum.list) >= l.v.report.Points.room()
}

func (l *look) answered(column int32, time int64, f form, values []target.Value) error {
	key, ok := l.wants(l.series, column, time)
	if !ok {
		return nil
	}
	what := Extra
	switch known, same := l.table.see(key, f.hash(l.v.c.seed)); {
	case same:
		return nil
	case known:
		what = Differs
		l.tried.differing++
	case !l.v.opts.Extra:
		return nil
	default:
		l.tried.extra++
	}
	if len(l.tried.list)+len(l.sum.list) < l.v.report.Points.room() {
		if l.text == "" {
			l.text = seriesText(nameOf(l.m), l.tags)
		}
		d := l.describe(what, l.text, column, time)
		d.Target = answerText(values)
		l.tried.list = append(l.tried.list, d)
		l.tried.keys = append(l.tried.keys, key)
	}
	if l.full(&l.tried) {
		return errEnough
	}
	return nil
}

func (l *look) describe(what, series string, column int32, time int64) PointDifference {
	return PointDifference{
		What: what, Database: l.j.p.database, Policy: l.j.p.policy, Measurement: nameOf(l.m), Series: series,
		Field: l.m.columns[column].name(), Time: time,
	}
}

// findSource reads the input again for the values of what is listed as different, and for
// those that are missing.
func (l *look) findSource(ctx context.Context, missing int64) error {
	at := map[uint64]int{} // in the list
	for i, key := range l.sum.keys {
		if l.sum.list[i].What == Differs {
			at[key] = i
		}
	}
	room := l.v.report.Points.room() // for missing ones, beside the others: then the first count
	if missing == 0 && len(at) == 0 {
		return nil
	}
	return l.reread(ctx, func(i int) error {
		w := &l.reader
		column := w.hits[i]
		key, ok := l.wants(w.canon, column, w.time)
		if !ok {
			return nil
		}
		n, listed := at[key]
		if !listed {
			if l.table.seen(key) || room == 0 {
				return nil
			}
			room--
			n = len(l.sum.list)
			at[key] = n
			l.sum.list = append(l.sum.list, l.describe(Missing, seriesOf(w.key), column, w.time))
		}
		l.sum.list[n].Source = sourceText(w.values[i], l.m.columns[column].class)
		return nil
	})
}

// sourceText writes a value of the input for people.
func sourceText(raw []byte, class class) string {
	if class == boolean {
		f, err := formOf(raw, class, nil)
		if err == nil && f.bits == 1 {
			return "true"
		}
		return "false"
	}
	return string(raw)
}
