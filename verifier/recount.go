// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"fmt"

	"github.com/shardlift/shardlift/point"
)

const (
	mostHashes = 1 << 21 // values whose hashes are kept at a time: 32 MiB
	mostPasses = 32      // over the input, for mostAgain cells of one measurement
	mostAgain  = 1 << 16
)

// repeated is a cell in which the target has fewer values than were sent, some of which
// may be repeats of others.
type repeated struct {
	Difference
	column, slot int32
}

// recount counts distinct values in cells of one measurement, by reading the input again,
// and judges these cells. Where they have too many values for one set, each pass takes
// those of a part of the hashes.
func (v *comparison) recount(ctx context.Context, p *place, m *measurement, f *findings) error {
	cells := f.again
	f.again = f.again[:0]
	if len(cells) == 0 {
		return nil
	}
	sent, span := int64(0), point.NoTime
	for _, r := range cells {
		sent += r.Sent
		span = span.Union(r.Span)
	}
	passes := (sent + v.opts.hashes - 1) / v.opts.hashes
	if passes > mostPasses || m.forgot {
		for _, r := range cells {
			r.Reason = cannotRecount
			v.judge(f, r.Difference)
			v.report.Unproven += min(r.Sent, r.There)
		}
		return nil
	}
	d := newDistinct(v.c, p, m, cells)
	for d.pass = range uint64(passes) { //nolint:gosec // positive
		d.passes = uint64(passes)
		d.set.reset()
		if err := v.opts.Reread(ctx, p.database, p.policy, nameOf(m), span, d.add); err != nil {
			return fmt.Errorf("read the input again: %w", err)
		}
	}
	for i, r := range cells {
		switch n := d.counts[i]; {
		case n < r.Sent-r.Repeats:
			r.Reason = otherInput
		default:
			v.report.Repeats += r.Sent - n
			r.Sent, r.Repeats = n, 0
		}
		v.settle(f, m, r.Difference, r.column, r.slot)
	}
	return nil
}

// distinct counts the distinct values of some cells.
type distinct struct {
	w            walker
	m            *measurement
	wanted       [][]int32 // by column and slot: number of the cell, from 1; 0 for others
	counts       []int64
	set          hashSet
	pass, passes uint64
}

func newDistinct(c *Counter, p *place, m *measurement, cells []repeated) *distinct {
	d := &distinct{w: walker{c: c}, m: m, wanted: make([][]int32, len(m.columns)), counts: make([]int64, len(cells))}
	d.w.enter(p)
	for i, r := range cells {
		if d.wanted[r.column] == nil {
			d.wanted[r.column] = make([]int32, len(m.buckets))
		}
		d.wanted[r.column][r.slot] = int32(i) + 1
	}
	return d
}

// add counts the values of lines that belong to the cells and were not seen before.
func (d *distinct) add(lines []byte) error {
	return d.w.each(lines, d.m, func() error {
		slot := d.m.find(d.w.time)
		for _, i := range d.w.hits {
			if slot < 0 || d.wanted[i] == nil || d.wanted[i][slot] == 0 {
				continue
			}
			hash := keyHash(d.w.series, &d.m.columns[i], d.w.time)
			if hash%d.passes == d.pass && d.set.add(hash) {
				d.counts[d.wanted[i][slot]-1]++
			}
		}
		return nil
	})
}

// hashSet is a set of hashes.
type hashSet struct {
	slots []uint64 // a power of two; 0 is free
	used  int
}

func (s *hashSet) reset() {
	if s.slots == nil {
		s.slots = make([]uint64, 1<<12)
	}
	clear(s.slots)
	s.used = 0
}

// add reports whether the hash was not there.
func (s *hashSet) add(hash uint64) bool {
	hash = max(hash, 1)
	mask := uint64(len(s.slots) - 1) //nolint:gosec // never empty
	i := hash >> 20 & mask
	for ; s.slots[i] != 0; i = (i + 1) & mask {
		if s.slots[i] == hash {
			return false
		}
	}
	s.slots[i] = hash
	if s.used++; s.used > len(s.slots)/2 {
		old := s.slots
		s.slots, s.used = make([]uint64, 2*len(old)), 0
		for _, h := range old {
			if h != 0 {
				s.add(h)
			}
		}
	}
	return true
}
