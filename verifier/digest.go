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

// digests sums up what a target has, as the counter summed up the input.
type digests struct {
	v       *comparison
	m       *measurement
	place   map[int32]int // of a column among those asked for
	first   int64         // bucket
	buckets int
	series  uint64

	near point.TimeRange // of the bucket met last
	at   int             // which one that is, from the first

	tried, done []digest // by column and bucket; of the query at hand, and of all before it
}

type digest struct {
	sum   uint64
	count int64
}

// compareDigests compares the values of the cells that have as many there.
func (v *comparison) compareDigests(ctx context.Context, j *job, m *measurement, f *findings) error {
	columns := askable(m)
	for len(columns) > 0 {
		n := fieldsOfAsk(m, columns)
		group := columns[:n:n]
		columns = columns[n:]
		for slots := f.equalSlots(m, group); len(slots) > 0; {
			k := m.slotsOfStretch(group, slots, v.opts.values)
			if err := v.digestRun(ctx, j, m, group, slots[:k], f); err != nil {
				return err
			}
			v.step()
			slots = slots[k:]
		}
	}
	return nil
}

// equalSlots are the slots in which cells of the columns are to be compared.
func (f *findings) equalSlots(m *measurement, columns []int32) []int32 {
	return slices.DeleteFunc(m.sortedSlots(columns), func(slot int32) bool {
		return !slices.ContainsFunc(columns, func(column int32) bool { return f.isEqual(column, slot) })
	})
}

// slotsOfStretch says how many of the slots go into one query: neighbours, with no more
// values than that.
func (m *measurement) slotsOfStretch(columns, slots []int32, most int64) int {
	values := m.sent(columns, int(slots[0]))
	for n := 1; n < len(slots); n++ {
		values += m.sent(columns, int(slots[n]))
		if values > most || apart(m.buckets[slots[n-1]], m.buckets[slots[n]]) > 1 {
			return n
		}
	}
	return len(slots)
}

// countStretches says how many queries compareDigests will send, for the progress.
func (v *comparison) countStretches(m *measurement) int {
	n := 0
	for columns := askable(m); len(columns) > 0; {
		k := fieldsOfAsk(m, columns)
		for slots := m.sortedSlots(columns[:k]); len(slots) > 0; n++ {
			slots = slots[m.slotsOfStretch(columns[:k], slots, v.opts.values):]
		}
		columns = columns[k:]
	}
	return n
}

// digestRun compares a run of slots.
func (v *comparison) digestRun(ctx context.Context, j *job, m *measurement, columns, slots []int32, f *findings) error {
	// Those in which something is to be compared.
	asked := slices.DeleteFunc(slices.Clone(columns), func(column int32) bool {
		return !slices.ContainsFunc(slots, func(slot int32) bool { return f.isEqual(column, slot) })
	})
	d := &digests{v: v, m: m, place: map[int32]int{}, first: m.buckets[slots[0]], buckets: len(slots), near: point.NoTime}
	for n, i := range asked {
		d.place[i] = n
	}
	d.tried, d.done = make([]digest, len(asked)*len(slots)), make([]digest, len(asked)*len(slots))
	span := spanWithin(d.first, m.buckets[slots[len(slots)-1]], m.width, v.window(j.p))
	values := int64(0)
	for _, s := range slots {
		values += m.sent(asked, int(s))
	}
	// each goes through the cells that are to be compared.
	each := func(do func(column, slot int32, there digest)) {
		for n, i := range asked {
			for k, s := range slots {
				if f.isEqual(i, s) {
					do(i, s, d.done[n*len(slots)+k])
				}
			}
		}
	}
	for _, part := range parts(span, values, v.opts.values) {
		err := v.ask.values(ctx, v.newStretch(j, m, asked), part, d.takers(), 0)
		if errors.Is(err, errTooMuch) { // even for one field at one time
			each(func(column, slot int32, _ digest) { v.report.Unproven += m.columns[column].cells[slot].sent })
			return nil
		}
		if err != nil {
			return err
		}
	}
	each(func(column, slot int32, there digest) { v.judgeDigest(f, j.p, m, column, slot, there) })
	return nil
}

// judgeDigest compares one cell.
func (v *comparison) judgeDigest(f *findings, p *place, m *measurement, column, slot int32, there digest) {
	c := &m.columns[column]
	v.report.ValuesCompared += c.cells[slot].sent
	if there.sum == c.sums[slot] && there.count == c.cells[slot].sent {
		return
	}
	d := v.difference(p, m, column, m.buckets[slot], slot)
	d.There = there.count
	v.report.differ(d, v.opts.MostListed)
	v.suspect(f, &d, column, m.buckets[slot], true)
}

func (d *digests) takers() takers {
	name := nameOf(d.m)
	return takers{
		start: func() { clear(d.tried) },
		series: func(tags map[string]string) error {
			d.series = hashAnswer(d.v.c.seed, name, tags)
			return nil
		},
		value: func(column int32, time int64, f form, _ []target.Value) error {
			if !d.near.Contains(time) {
				b := bucketOf(time, d.m.width)
				d.near, _ = spanOf(b, d.m.width)
				d.at = int(b - d.first)
			}
			if d.at < 0 || d.at >= d.buckets {
				return fmt.Errorf("an answer holds %s, which was not asked for", point.FormatTime(time))
			}
			to := &d.tried[d.place[column]*d.buckets+d.at]
			to.sum += valueHash(keyHash(d.series, &d.m.columns[column], time), f.hash(d.v.c.seed))
			to.count++
			return nil
		},
		end: func() error {
			for i := range d.tried {
				d.done[i].sum += d.tried[i].sum
				d.done[i].count += d.tried[i].count
			}
			return nil
		},
	}
}
