// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"github.com/shardlift/shardlift/point"
)

const (
	firstPatience = 4
	mostPatience  = 1 << 12
)

// limit is how much fitted after a target refused more, so that the next queries begin
// there. Now and then more is tried, ever more seldom as long as that fails at once.
type limit struct {
	most     uint64 // 0: nothing was refused
	answered int    // queries in a row at the limit
	patience int    // so many before more is tried
	grown    bool   // and not tried yet
}

// refused notes that more than that was too much.
func (l *limit) refused(less uint64) {
	switch {
	case l.patience == 0:
		l.patience = firstPatience
	case l.grown:
		l.patience = min(2*l.patience, mostPatience)
	}
	l.most, l.answered, l.grown = max(less, 1), 0, false
}

// fitted notes that so much was answered.
func (l *limit) fitted(n uint64) {
	if l.most == 0 || n <= l.most/2 {
		return
	}
	if l.grown {
		l.grown, l.patience = false, firstPatience
	}
	if l.answered++; l.answered >= l.patience {
		l.most, l.answered, l.grown = max(2*l.most+1, l.most), 0, true // of nanoseconds from first to last, too
	}
}

func (l *limit) exceeded(n uint64) bool { return l.most > 0 && n > l.most }

// fit is how much of one measurement a target takes at a time.
type fit struct{ columns, nano limit }

// refused notes what a query asked for that was too much. What is cut next is its columns,
// or its time, of which the larger half has half a bucket more than the half.
func (f *fit) refused(columns int, span point.TimeRange, width int64, cutColumns bool) {
	nano := apart(span.Min, span.Max)
	switch {
	case cutColumns:
		f.columns.refused(uint64(columns+1) / 2) //nolint:gosec // a number of columns
	case nano >= uint64(width): //nolint:gosec // positive
		f.nano.refused(nano/2 + uint64(width)/2) //nolint:gosec // positive
	default:
		f.nano.refused(nano / 2)
	}
}

// fitted notes what a query asked for that was answered.
func (f *fit) fitted(columns int, span point.TimeRange) {
	f.columns.fitted(uint64(columns)) //nolint:gosec // a number of columns
	f.nano.fitted(apart(span.Min, span.Max))
}

// gaveUp notes that no shorter time helps: the next bucket is asked for as a whole.
func (f *fit) gaveUp(width int64) {
	if f.nano.most > 0 {
		f.nano.most, f.nano.answered, f.nano.grown = uint64(max(width-1, 1)), 0, false
	}
}

// tooWide gives the error with which an ask would be refused, by what was refused before;
// or nil.
func (f *fit) tooWide(columns int, span point.TimeRange, cuttable bool) error {
	switch {
	case columns > 1 && f.columns.exceeded(uint64(columns)):
		return errTooManySeries
	case cuttable && f.nano.exceeded(apart(span.Min, span.Max)):
		return errTooMuch
	}
	return nil
}
