// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
)

// suspect is a cell whose values are worth a look.
type suspect struct {
	column      int32
	bucket      int64
	sent, there int64
	digested    bool // its values were compared already
}

// mostSuspects is how many cells of a measurement are looked into.
const mostSuspects = 1 << 16

// findings is what comes out of the counts of one measurement.
type findings struct {
	again    []repeated // cells to be counted again
	equal    [][]bool   // by column and slot: to be compared value by value; nil: none of the column
	suspects []suspect
	expired  *Expired // of the place; nil where its policy keeps everything, or is not known
}

// isEqual reports whether a cell is to be compared value by value.
func (f *findings) isEqual(column, slot int32) bool {
	return f.equal[column] != nil && f.equal[column][slot]
}

// suspect notes a cell for the search for single values.
func (v *comparison) suspect(f *findings, d *Difference, column int32, bucket int64, digested bool) {
	switch {
	case v.report.Points == nil:
	case len(f.suspects) < mostSuspects:
		f.suspects = append(f.suspects, suspect{column, bucket, d.Sent, d.There, digested})
	default:
		v.report.Points.bound(d.Sent, d.There)
	}
}

// measurement compares one.
func (v *comparison) measurement(ctx context.Context, j *job, m *measurement) error {
	p := j.p
	v.skipColumns(p, m)
	v.compareTypes(j, m)
	f := &findings{equal: make([][]bool, len(m.columns))}
	for _, a := range v.plan(p, m, askable(m)) {
		c, err := v.ask.fill(ctx, a)
		if err != nil {
			return err
		}
		if a.lacks(c) {
			if err := v.learnPolicy(ctx, j); err != nil {
				return err
			}
		}
		f.expired = j.expired
		for i, column := range a.columns {
			for k, slot := range a.slots {
				v.cell(f, p, m, column, slot, c.there[i][k])
			}
		}
		for _, x := range c.extra {
			v.extraCell(f, p, m, a.columns[x.column], x)
		}
		v.step()
		if len(f.again) >= mostAgain {
			if err := v.recount(ctx, p, m, f); err != nil {
				return err
			}
		}
	}
	if err := v.recount(ctx, p, m, f); err != nil {
		return err
	}
	if v.opts.Exact {
		if err := v.compareDigests(ctx, j, m, f); err != nil {
			return err
		}
	}
	return v.lookInto(ctx, j, m, f.suspects)
}

// lacks reports whether the target has fewer values in some cell than were sent.
func (a *ask) lacks(c *counts) bool {
	for i, column := range a.columns {
		cells := a.m.columns[column].cells
		for k, slot := range a.slots {
			if there := c.there[i][k]; there >= 0 && int(slot) < len(cells) && there < cells[slot].sent {
				return true
			}
		}
	}
	return false
}

// cell judges one by the number of its values on the target, or puts it off.
func (v *comparison) cell(f *findings, p *place, m *measurement, column, slot int32, there int64) {
	d := v.difference(p, m, column, m.buckets[slot], slot)
	d.There = there
	switch {
	case there < 0:
		d.There, d.Reason = 0, tooMuch
		v.report.skip(d, v.opts.MostListed)
	case d.Sent > 0 && d.Repeats > 0 && v.opts.Reread != nil && (there < d.Sent || v.opts.Extra || v.opts.Exact):
		f.again = append(f.again, repeated{d, column, slot})
	default:
		v.settle(f, m, d, column, slot)
	}
}

// settle judges a cell, and says what is still to be done about it.
func (v *comparison) settle(f *findings, m *measurement, d Difference, column, slot int32) {
	if d.Sent == 0 && d.There > 0 && v.opts.Extra { // all that the input had there was refused
		v.report.more(d, v.opts.MostListed)
		v.suspect(f, &d, column, m.buckets[slot], false)
		return
	}
	v.judge(f, d)
	c := &m.columns[column]
	switch {
	case d.Sent == 0:
	case d.There < d.Sent, d.There > d.Sent && v.opts.Extra:
		v.suspect(f, &d, column, m.buckets[slot], false)
	case !v.opts.Exact:
	case d.There > d.Sent, c.cells[slot].loose > 0: // sums of hashes cannot be compared
		v.uncomparable(f, m, &d, column, slot)
	default:
		if f.equal[column] == nil {
			f.equal[column] = make([]bool, len(m.buckets))
		}
		f.equal[column][slot] = true
	}
}

// uncomparable is for cells whose values can only be compared one by one: the input holds
// some of them twice, or the target has more.
func (v *comparison) uncomparable(f *findings, m *measurement, d *Difference, column, slot int32) {
	if v.report.Points != nil && len(f.suspects) < mostSuspects {
		f.suspects = append(f.suspects, suspect{column, m.buckets[slot], d.Sent, d.There, false})
		return
	}
	v.report.Unproven += d.Sent
}

// extraCell judges a bucket in which the input has nothing.
func (v *comparison) extraCell(f *findings, p *place, m *measurement, column int32, x extra) {
	d := v.difference(p, m, column, x.bucket, -1)
	if d.There = x.there; x.there < 0 {
		d.There, d.Reason = 0, tooMuch
		if v.report.Points != nil {
			v.report.Points.AtLeast = true
		}
	}
	v.report.more(d, v.opts.MostListed)
	v.suspect(f, &d, column, x.bucket, false)
}
