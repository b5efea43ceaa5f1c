// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"fmt"

	"golang.org/x/time/rate"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// Asker answers queries: *target.Target.
type Asker interface {
	// Each runs one query and hands out its answer in chunks. Errors that say what to
	// do are *target.Error.
	Each(ctx context.Context, database, statement string, out func(target.Series) error) error
}

// Options say how to compare.
type Options struct {
	// QueryRate is how many queries a second the target gets at the most; 0: no limit.
	QueryRate float64
	// Progress is called after each query with how many are done, and of how many.
	Progress func(done, all int)
	// Recount reads the input again, for points that may have come twice: it hands to
	// add, in any pieces, lines as they were given to Counter.Add, refused ones too. All
	// lines of the place and measurement (a name as a person would type it) with times in
	// span have to come; others may. It may be called several times. An error of add is
	// to be returned. Where Recount is nil such cells are uncertain.
	Recount func(ctx context.Context, database, policy, measurement string, span point.TimeRange, add func(lines []byte) error) error
	// MostListed is how many differences of each sort the report lists; 0: 1000.
	MostListed int

	hashes int64 // kept at a time to tell repeated values; for tests
}

// comparison is one call of Compare.
type comparison struct {
	c      *Counter
	opts   Options
	ask    asker
	report *Report
}

// Compare asks the target how many values it has where c counted some, one query after
// the other. It looks at no other times and names. The report is there with an error,
// too, as far as the comparison came. c must not be used meanwhile.
func Compare(ctx context.Context, t Asker, c *Counter, opts Options) (*Report, error) {
	if opts.MostListed == 0 {
		opts.MostListed = 1000
	}
	if opts.hashes == 0 {
		opts.hashes = mostHashes
	}
	v := &comparison{c: c, opts: opts, report: &Report{}, ask: asker{t: t, limiter: rate.NewLimiter(rate.Inf, 1)}}
	if opts.QueryRate > 0 {
		v.ask.limiter.SetLimit(rate.Limit(opts.QueryRate))
	}
	if c.uncounted > 0 {
		v.report.skip(Difference{Span: point.NoTime, Sent: c.uncounted, Reason: noRoom}, opts.MostListed)
	}
	type job struct {
		p    *place
		m    *measurement
		asks int
	}
	var jobs []job
	all, done := 0, 0
	for _, p := range c.sortedPlaces() {
		reasons := unasked(p)
		for _, m := range p.sortedMeasurements() {
			switch {
			case reasons[m] != "":
				v.skipMeasurement(p, m, reasons[m])
			case !speakable(p.policy):
				v.skipMeasurement(p, m, noForm)
			default:
				n := len(plan(p, m, askable(m)))
				jobs = append(jobs, job{p, m, n})
				all += n
			}
		}
	}
	for _, j := range jobs {
		err := v.measurement(ctx, j.p, j.m, func() {
			done++
			if opts.Progress != nil {
				opts.Progress(done, all)
			}
		})
		if err != nil {
			return v.report, fmt.Errorf("count %s on the target: %w", placeName(j.p.database, j.p.policy), err)
		}
	}
	return v.report, nil
}

// askable gives the columns that a query can ask for; see skipColumns for the others.
func askable(m *measurement) []int32 {
	columns := m.sortedColumns()
	out := columns[:0]
	for _, i := range columns {
		if name := m.columns[i].name(); name != "time" && speakable(name) {
			out = append(out, i)
		}
	}
	return out
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
		name := c.name()
		if name != "time" && speakable(name) {
			continue
		}
		sum := Difference{Database: p.database, Policy: p.policy, Measurement: nameOf(m), Field: name, Kind: words[c.class], Reason: noForm, Span: point.NoTime}
		for s := range c.cells {
			d := v.difference(p, m, i, int32(s))
			if name == "time" {
				d.Reason = fieldTime
				d.Repeats = 0
				v.report.judge(d, v.opts.MostListed)
			} else if d.Sent > 0 {
				sum.Sent += d.Sent
				sum.Span = sum.Span.Union(d.Span)
			}
		}
		v.report.skip(sum, v.opts.MostListed)
	}
}

// difference describes a cell, with nothing there.
func (v *comparison) difference(p *place, m *measurement, column, slot int32) Difference {
	c := &m.columns[column]
	d := Difference{Database: p.database, Policy: p.policy, Measurement: nameOf(m), Field: c.name(), Kind: words[c.class]}
	d.Span, _ = spanOf(m.buckets[slot], m.width)
	if int(slot) < len(c.cells) {
		d.Sent, d.Repeats = c.cells[slot].sent, min(c.cells[slot].loose, max(c.cells[slot].sent-1, 0))
	}
	return d
}

// measurement compares one.
func (v *comparison) measurement(ctx context.Context, p *place, m *measurement, step func()) error {
	v.skipColumns(p, m)
	var again []repeated
	for _, a := range plan(p, m, askable(m)) {
		there := make([][]int64, len(a.columns))
		for i := range there {
			there[i] = make([]int64, len(a.slots))
		}
		if err := v.ask.fill(ctx, a, there); err != nil {
			return err
		}
		for i, column := range a.columns {
			for k, slot := range a.slots {
				d := v.difference(p, m, column, slot)
				d.There = there[i][k]
				switch {
				case d.There < 0:
					d.There, d.Reason = 0, tooMuch
					v.report.skip(d, v.opts.MostListed)
				case d.There < d.Sent && d.Repeats > 0 && v.opts.Recount != nil:
					again = append(again, repeated{d, column, slot})
				default:
					v.report.judge(d, v.opts.MostListed)
				}
			}
		}
		step()
		if len(again) >= mostAgain {
			if err := v.recount(ctx, p, m, again); err != nil {
				return err
			}
			again = again[:0]
		}
	}
	return v.recount(ctx, p, m, again)
}
