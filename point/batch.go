// SPDX-License-Identifier: Apache-2.0

package point

// Batch is a run of rows of one series: row i is Times[i] with, for every
// column, the value at i where Has(i) is true.
//
// The memory belongs to whoever filled the batch; see there how long it lives.
type Batch struct {
	Times   []int64 // Unix nanoseconds, strictly ascending
	Columns []Column
}

// Column is one field of a batch. Exactly one of the value slices is used,
// chosen by Kind, and it has one element per row of the batch.
type Column struct {
	Field []byte // field key as stored: unescaped
	Kind  Kind

	Floats  []float64 // Kind Float
	Ints    []int64   // Kind Integer, and Kind Unsigned as the bits of a uint64
	Bools   []bool    // Kind Boolean
	Strings [][]byte  // Kind String, unescaped

	// Gaps marks the rows without a value: bit i%64 of Gaps[i/64]. Nil when every
	// row has one, which is the usual case. A value slot in a gap holds anything.
	Gaps []uint64
}

// Has reports whether row i of the column holds a value.
func (c *Column) Has(i int) bool {
	return c.Gaps == nil || c.Gaps[i>>6]&(1<<(uint(i)&63)) == 0
}

// Values counts the values of the batch, gaps left out.
func (b *Batch) Values() int {
	n := 0
	for i := range b.Columns {
		n += len(b.Times) - countGaps(b.Columns[i].Gaps, len(b.Times))
	}
	return n
}
