// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"cmp"
	"slices"
)

// conflicts reports whether a and a later batch b may write the same value, so that b
// must wait for a. It may say yes without need, never no.
func conflicts(a, b *Batch) bool {
	if a.Unique && b.Unique || !a.Span.Overlaps(b.Span) || !mayBeSame(a.at(), b.at()) {
		return false
	}
	if len(a.Stretches) == 0 || len(b.Stretches) == 0 {
		return true
	}
	return meet(bySeries(a), bySeries(b))
}

// at gives the place that counts for the order.
func (b *Batch) at() Place {
	if b.home != (Place{}) {
		return b.home
	}
	return b.Place
}

// mayBeSame reports whether two places can be one: the empty policy is one of the named.
func mayBeSame(a, b Place) bool {
	return a.Database == b.Database && (a.Policy == b.Policy || a.Policy == "" || b.Policy == "")
}

// bySeries sorts the batch's stretches; nobody needs them in another order.
func bySeries(b *Batch) []Stretch {
	less := func(x, y Stretch) int { return cmp.Compare(x.Series, y.Series) }
	if !slices.IsSortedFunc(b.Stretches, less) {
		slices.SortFunc(b.Stretches, less)
	}
	return b.Stretches
}

// meet walks two sorted lists and looks for stretches of one series, with a field in
// common, whose times overlap.
func meet(a, b []Stretch) bool {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Series < b[0].Series:
			a = a[1:]
		case a[0].Series > b[0].Series:
			b = b[1:]
		default:
			n, m := sameSeries(a), sameSeries(b)
			for _, x := range a[:n] {
				for _, y := range b[:m] {
					if x.Span.Overlaps(y.Span) && (x.Field == y.Field || x.Field == 0 || y.Field == 0) {
						return true
					}
				}
			}
			a, b = a[n:], b[m:]
		}
	}
	return false
}

// sameSeries counts the stretches at the front that are of one series.
func sameSeries(s []Stretch) int {
	n := 1
	for n < len(s) && s[n].Series == s[0].Series {
		n++
	}
	return n
}
