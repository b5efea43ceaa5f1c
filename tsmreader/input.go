// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"bytes"
	"math"

	"github.com/shardlift/shardlift/tsmreader/internal/tsmfile"
)

// input gives the columns of one TSM file, or of one replica's WAL, in key order.
type input struct {
	rank    int // order of precedence: a higher rank wins
	replica int
	number  int   // of the file, among those of all replicas
	before  int64 // stretches of the files before it

	file    *tsmfile.File
	index   *tsmfile.Reader
	lookups *tsmfile.Reader // for entries far behind; small
	blocks  *tsmfile.BlockReader
	size    int // of its buffer
	rec     tsmfile.Record
	stones  map[string]deletions

	log  *walTable
	next int // in log.keys

	key  []byte
	last int // chain of the series that this file gave last, or -1

	// Where the blocks of the series lie in the file.
	low, high int64
}

// advance moves to the next column whose key is below to; false is the end.
func (in *input) advance(to string) bool {
	if in.log != nil {
		if in.next >= len(in.log.keys) || to != "" && in.log.keys[in.next] >= to {
			return false
		}
		in.key = append(in.key[:0], in.log.keys[in.next]...)
		in.next++
		return true
	}
	if !in.index.Next(&in.rec) || to != "" && string(in.rec.Key) >= to {
		return false
	}
	in.key = in.rec.Key
	return true
}

// begin forgets what was noted of the series before.
func (in *input) begin() { in.last, in.low, in.high = -1, math.MaxInt64, 0 }

// note takes down where the blocks of the column at hand lie.
func (in *input) note() {
	in.low = min(in.low, in.rec.First.Offset)
	in.high = max(in.high, in.rec.Last.Offset+int64(in.rec.Last.Size))
}

// near reports whether the blocks of the series fit the file's buffer together.
func (in *input) near() bool { return in.low >= 0 && in.high-in.low <= int64(in.size) }

// heap is the inputs that have a column left, the lowest key first; of equal keys the
// lowest rank.
type heap []*input

func (h heap) less(i, j int) bool {
	if c := bytes.Compare(h[i].key, h[j].key); c != 0 {
		return c < 0
	}
	return h[i].rank < h[j].rank
}

func (h heap) down(i int) {
	for {
		l := 2*i + 1
		if l >= len(h) {
			return
		}
		if r := l + 1; r < len(h) && h.less(r, l) {
			l = r
		}
		if !h.less(l, i) {
			return
		}
		h[i], h[l] = h[l], h[i]
		i = l
	}
}

// build makes a heap of inputs in any order.
func (h heap) build() {
	for i := len(h)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

// step moves the first input on and drops it at its end.
func (h *heap) step(to string) {
	old := *h
	if !old[0].advance(to) {
		n := len(old) - 1
		old[0] = old[n]
		*h = old[:n]
	}
	h.down(0)
}
