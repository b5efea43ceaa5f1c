// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"cmp"
	"iter"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/codec"
)

// Uncarried counts values that line protocol has no form for, those too that are deleted or
// overwritten. Key is the first column with some.
type Uncarried struct {
	Values int64
	Key    string
}

// Add adds what comes behind u.
func (u *Uncarried) Add(o Uncarried) {
	u.Key = cmp.Or(u.Key, o.Key)
	u.Values += o.Values
}

// countUncarried looks at the values of a block, or of the WAL, that lie within span; floats
// is empty where they are none, or all numbers.
func (c *Cursor) countUncarried(col *column, n *Checked, span point.TimeRange, times []int64, floats []float64) {
	if odd := codec.NotNumbers(floats); odd > 0 {
		n.NotNumbers.Add(Uncarried{int64(odd), c.keyOf(col)})
	}
	if span.Min >= point.MinTime && span.Max <= point.MaxTime {
		return
	}
	odd := int64(0)
	for _, t := range times {
		if t < point.MinTime || t > point.MaxTime {
			odd++
		}
	}
	n.OutOfTime.Add(Uncarried{odd, c.keyOf(col)})
}

// Fields gives the names of the current series' fields, each valid until Next.
func (c *Cursor) Fields() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range c.columns {
			if !yield(c.columns[i].field) {
				return
			}
		}
	}
}
