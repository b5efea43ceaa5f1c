// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"fmt"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// maxOddCopies is of how many copies of shards it is told what line protocol cannot carry;
// the others are counted.
const maxOddCopies = 100

// uncarried is what is sound in a source and cannot be written as line protocol: an export
// of it has faults, and the source has not.
type uncarried struct {
	notNumbers tsmreader.Uncarried
	outOfTime  tsmreader.Uncarried
	columns    int64  // whose names cannot be written
	key        string // the first of them
	why        error
}

// names looks at the names of the series at hand.
func (u *uncarried) names(c *tsmreader.Cursor) {
	bad := lineprotocol.CheckSeries(c.Series())
	for field := range c.Fields() {
		why := bad
		if why == nil {
			why = lineprotocol.CheckField(field)
		}
		if why == nil {
			continue
		}
		if u.columns == 0 {
			u.key, u.why = string(c.Series())+point.KeySeparator+string(field), why
		}
		u.columns++
	}
}

func (u *uncarried) add(o *uncarried) {
	u.notNumbers.Add(o.notNumbers)
	u.outOfTime.Add(o.outOfTime)
	if u.columns == 0 {
		u.key, u.why = o.key, o.why
	}
	u.columns += o.columns
}

// notes tells of it; where names the copy.
func (u *uncarried) notes(where string) (notes []string) {
	const export = "which line protocol cannot carry: an export leaves them out and ends with 3, unless they are deleted or overwritten"
	add := func(n int64, one, many, first string, why error) {
		if n == 0 {
			return
		}
		what := fmt.Sprintf("%d %s", n, many)
		if n == 1 {
			what = one
		}
		notes = append(notes, fmt.Sprintf("%s: %s, first %q (%v), %s", where, what, first, why, export))
	}
	add(u.columns, "1 column by its name", "columns by their names", u.key, u.why)
	add(u.notNumbers.Values, "1 value", "values", u.notNumbers.Key, lineprotocol.ErrNotANumber)
	add(u.outOfTime.Values, "1 value", "values", u.outOfTime.Key, lineprotocol.ErrTimeRange)
	return notes
}

// oddCopies collects what line protocol cannot carry, copy by copy.
type oddCopies struct {
	of    *shardCopy // at hand
	sum   uncarried
	notes int
	more  int // copies that are not told
}

// carry adds what a task found, in the order of the copies; nil is the end.
func (r *sourceRun) carry(t *task) {
	o := &r.odd
	if o.of != nil && (t == nil || t.of != o.of) {
		switch notes := o.sum.notes(o.of.name()); {
		case len(notes) == 0:
		case o.notes == maxOddCopies:
			o.more++
		default:
			o.notes++
			r.report.Notes = append(r.report.Notes, notes...)
		}
		o.sum = uncarried{}
	}
	if t == nil {
		if o.more > 0 {
			r.report.Notes = append(r.report.Notes, fmt.Sprintf("%d more shards hold what line protocol cannot carry", o.more))
		}
		return
	}
	o.of = t.of
	o.sum.add(&t.odd)
}

// name names the copy, with its path where there are others.
func (c *shardCopy) name() string {
	name := fmt.Sprintf("shard %d of %s.%s", c.shard.ID, c.shard.Database, c.shard.Policy)
	if len(c.shard.Replicas) > 1 {
		name += " in " + c.path
	}
	return name
}
