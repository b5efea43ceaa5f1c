// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/point"
)

// Options say how to compare.
type Options struct {
	// Selection is what was taken of the input: the target is asked for the same window,
	// tags, measurements and fields. Nil is everything.
	Selection *filter.Selection
	// Extra looks for what the target has beyond the input: in other measurements and
	// fields, and at other times between the ends of the window, which are those of the
	// selection or else, place by place, those of the input.
	Extra bool
	// Exact compares every value where the counts agree. The Counter needs WithDigests.
	Exact bool
	// MaxDifferences is how many single values that differ are looked up and listed.
	MaxDifferences int
	// Progress is called after each query with how many are done, and of how many.
	Progress func(done, all int)
	// Reread reads the input again, where points may have come twice, and to find single
	// values: it hands to add, in any pieces, lines as they were given to Counter.Add,
	// refused ones too, and in the same order. All lines of the place and measurement (a
	// name as a person would type it) with times in span have to come; others may. It may
	// be called several times. An error of add is to be returned. Where Reread is nil
	// repeated points are uncertain, and no single values are listed.
	Reread func(ctx context.Context, database, policy, measurement string, span point.TimeRange, add func(lines []byte) error) error
	// MostListed is how many differences of each sort the report lists; 0: 1000.
	MostListed int
	// Now tells what time it is, for what a policy no longer keeps; nil: time.Now.
	Now func() time.Time

	hashes int64 // kept at a time to tell values; for tests
	values int64 // asked for at a time; for tests
}

// comparison is one call of Compare.
type comparison struct {
	c      *Counter
	opts   Options
	ask    *Paced
	report *Report
	rules  string // conditions on tags, for every query

	policies map[string][]policy // by database, once they were asked for

	done, all int // queries
	answered  bool
}

// Compare asks the target how many values it has where c counted some, one query after
// the other, and goes further as the options say. The report is there with an error, too,
// as far as the comparison came. c must not be used meanwhile.
func Compare(ctx context.Context, q *Paced, c *Counter, opts Options) (*Report, error) {
	if opts.MostListed == 0 {
		opts.MostListed = 1000
	}
	if opts.hashes == 0 {
		opts.hashes = mostHashes
	}
	if opts.values == 0 {
		opts.values = exactValues
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Exact = opts.Exact && c.digests
	v := &comparison{c: c, opts: opts, ask: q, report: &Report{Exact: opts.Exact, Extra: opts.Extra}, policies: map[string][]policy{}}
	if opts.MaxDifferences > 0 && opts.Reread != nil {
		v.report.Points = &Points{most: opts.MaxDifferences}
	}
	before := q.queries
	defer func() {
		v.report.Queries = q.queries - before
		v.report.Points.sort()
	}()
	var err error
	if v.rules, err = tagConditions(opts.Selection); err != nil {
		return v.report, err
	}
	if c.uncounted > 0 {
		v.report.skip(Difference{Span: point.NoTime, Sent: c.uncounted, Reason: noRoom}, opts.MostListed)
	}
	var jobs []*job
	for _, p := range c.sortedPlaces() {
		j, err := v.prepare(ctx, p)
		if err != nil {
			return v.report, v.failed(p, err)
		}
		jobs = append(jobs, j)
	}
	for _, j := range jobs {
		if err := v.place(ctx, j); err != nil {
			return v.report, v.failed(j.p, err)
		}
	}
	return v.report, nil
}

func (v *comparison) failed(p *place, err error) error {
	return fmt.Errorf("compare %s with the target: %w", placeName(p.database, p.policy), err)
}

// job is what there is to compare in a place.
type job struct {
	p            *place
	schema       schema
	measurements []*measurement
	absent       error // why the target has nothing of it

	policyKnown bool // as far as the target tells
	expired     *Expired
}

// prepare finds out what there is to compare, and reports what there is no way to ask for.
func (v *comparison) prepare(ctx context.Context, p *place) (*job, error) {
	j := &job{p: p}
	reasons := unasked(p)
	switch {
	case !speakable(p.policy), !speakable(p.database):
		for _, m := range p.sortedMeasurements() {
			v.skipMeasurement(p, m, noForm)
		}
		return j, nil
	case v.opts.Extra || v.opts.Exact:
		var err error
		if j.schema, err = v.ask.schema(ctx, p); isAbsent(err) {
			j.absent = err
		} else if err != nil {
			return nil, err
		}
	}
	for _, m := range p.sortedMeasurements() {
		if reasons[m] != "" {
			v.skipMeasurement(p, m, reasons[m])
			continue
		}
		j.measurements = append(j.measurements, m)
	}
	if v.opts.Extra && !v.window(p).Empty() {
		j.measurements = v.withExtra(j, reasons)
	}
	for _, m := range j.measurements {
		v.all += len(v.plan(p, m, askable(m)))
		if v.opts.Exact {
			v.all += v.countStretches(m)
		}
	}
	return j, nil
}

// place compares one.
func (v *comparison) place(ctx context.Context, j *job) error {
	v.answered = false
	for _, m := range j.measurements {
		if j.absent == nil {
			err := v.measurement(ctx, j, m)
			if err == nil {
				continue
			}
			if !isAbsent(err) || v.answered {
				return err
			}
			j.absent = err
		}
		v.absent(j.p, m)
	}
	v.tellExpired(j)
	return nil
}

// absent reports a measurement of a database or policy that the target does not have.
func (v *comparison) absent(p *place, m *measurement) {
	for _, i := range m.sortedColumns() {
		for s := range m.columns[i].cells {
			d := v.difference(p, m, i, m.buckets[s], int32(s))
			d.Reason = NoPlace
			v.report.judge(d, v.opts.MostListed)
			v.report.Points.absent(d.Sent, d.Repeats)
		}
	}
}

// window gives the times of a place that are compared.
func (v *comparison) window(p *place) point.TimeRange {
	w := p.span
	if s := v.opts.Selection; s != nil {
		if at := s.Window().Min; at != math.MinInt64 {
			w.Min = max(at, point.MinTime)
		}
		if at := s.Window().Max; at != math.MaxInt64 {
			w.Max = min(at, point.MaxTime)
		}
	}
	return w
}

// step tells that a query was answered.
func (v *comparison) step() {
	v.answered = true
	v.done++
	if v.opts.Progress != nil {
		v.opts.Progress(v.done, max(v.done, v.all))
	}
}

// askable gives the columns that a query can ask for; see skipColumns for the others.
func askable(m *measurement) []int32 {
	columns := m.sortedColumns()
	return slices.DeleteFunc(columns, func(i int32) bool { return !m.columns[i].askable() })
}

func (c *column) askable() bool {
	name := c.name()
	return name != "time" && speakable(name)
}

// skipMeasurement reports that a measurement is not asked for.
func (v *comparison) skipMeasurement(p *place, m *measurement, reason string) {
	d := Difference{Database: p.database, Policy: p.policy, Measurement: nameOf(m), Reason: reason, Span: point.NoTime}
	for s, b := range m.buckets {
		span, _ := spanOf(b, m.width)
		for i := range m.columns {
			if cells := m.columns[i].cells; s < len(cells) && cells[s].sent > 0 {
				d.Sent += cells[s].sent
				d.Span = d.Span.Union(span)
			}
		}
	}
	v.report.skip(d, v.opts.MostListed)
}

// skipColumns reports the fields of a measurement that are not asked for.
func (v *comparison) skipColumns(p *place, m *measurement) {
	for _, i := range m.sortedColumns() {
		c := &m.columns[i]
		if c.askable() {
			continue
		}
		name := c.name()
		sum := Difference{Database: p.database, Policy: p.policy, Measurement: nameOf(m), Field: name, Kind: words[c.class], Reason: noForm, Span: point.NoTime}
		for s := range c.cells {
			d := v.difference(p, m, i, m.buckets[s], int32(s))
			if name == "time" {
				d.Reason = fieldTime
				d.Repeats = 0
				v.report.judge(d, v.opts.MostListed)
				v.report.Points.absent(d.Sent, 0)
			} else if d.Sent > 0 {
				sum.Sent += d.Sent
				sum.Span = sum.Span.Union(d.Span)
			}
		}
		v.report.skip(sum, v.opts.MostListed)
	}
}

// difference describes a cell, with nothing there. A bucket in which the input has
// nothing has the slot -1.
func (v *comparison) difference(p *place, m *measurement, column int32, bucket int64, slot int32) Difference {
	c := &m.columns[column]
	d := Difference{Database: p.database, Policy: p.policy, Measurement: nameOf(m), Field: c.name(), Kind: words[c.class]}
	d.Span, _ = spanOf(bucket, m.width)
	if slot >= 0 && int(slot) < len(c.cells) {
		d.Sent, d.Repeats = c.cells[slot].sent, min(c.cells[slot].loose, max(c.cells[slot].sent-1, 0))
	}
	return d
}
