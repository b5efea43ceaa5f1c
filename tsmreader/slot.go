// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"sort"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/codec"
)

// slot holds decoded values of one chain: in time order, each time once, without
// those that are deleted or outside the window.
type slot struct {
	times   []int64
	floats  []float64
	ints    []int64
	bools   []bool
	strings [][]byte
	text    [][]byte // what strings alias, a buffer for each block
	starts  []int    // first value that aliases the buffer, of those used
	pos     int      // first value that was not given yet
}

func (s *slot) reset() {
	s.times, s.floats, s.ints, s.bools, s.strings = s.times[:0], s.floats[:0], s.ints[:0], s.bools[:0], s.strings[:0]
	s.starts, s.pos = s.starts[:0], 0
}

// left is how many values were not given yet.
func (s *slot) left() int { return len(s.times) - s.pos }

// last is the time of the last value.
func (s *slot) last() int64 { return s.times[len(s.times)-1] }

// upTo is how many values, from pos on, are not later than t.
func (s *slot) upTo(t int64) int {
	rest := s.times[s.pos:]
	if len(rest) == 0 || rest[len(rest)-1] <= t {
		return len(rest)
	}
	return sort.Search(len(rest), func(i int) bool { return rest[i] > t })
}

// decode appends the values of a block. at is where they start; what was there stays.
func (s *slot) decode(kind point.Kind, times, values []byte) (at int, err error) {
	at = len(s.times)
	if s.times, err = codec.Times(s.times, times); err != nil {
		s.cut(kind, at)
		return at, err
	}
	n := len(s.times) - at
	switch kind {
	case point.Float:
		s.floats, err = codec.Floats(s.floats, values, n)
	case point.Integer, point.Unsigned:
		s.ints, err = codec.Integers(s.ints, values, n)
	case point.Boolean:
		s.bools, err = codec.Booleans(s.bools, values, n)
	case point.String:
		i := len(s.starts)
		if i == len(s.text) {
			s.text = append(s.text, nil)
		}
		s.starts = append(s.starts, at)
		s.strings, s.text[i], err = codec.Strings(s.strings, s.text[i], values, n)
	}
	if err != nil {
		s.cut(kind, at)
	}
	return at, err
}

// weight is what the slot holds, in values; 16 bytes of text count as one.
func (s *slot) weight() int {
	n := len(s.times)
	for i := range s.starts {
		n += len(s.text[i]) / 16
	}
	return n
}

// forget drops the values that were given: a slot that is filled again before it is
// quite empty would grow for as long as the series goes on.
func (s *slot) forget(kind point.Kind) {
	if s.pos == 0 {
		return
	}
	left := len(s.times) - s.pos
	copy(s.times, s.times[s.pos:])
	switch kind {
	case point.Float:
		copy(s.floats, s.floats[s.pos:])
	case point.Integer, point.Unsigned:
		copy(s.ints, s.ints[s.pos:])
	case point.Boolean:
		copy(s.bools, s.bools[s.pos:])
	case point.String:
		copy(s.strings, s.strings[s.pos:])
		s.forgetText()
	}
	s.pos = 0
	s.cut(kind, left)
}

// forgetText moves the buffers that no value aliases any more behind the others.
func (s *slot) forgetText() {
	for len(s.starts) > 1 && s.starts[1] <= s.pos {
		first := s.text[0]
		n := copy(s.text, s.text[1:len(s.starts)])
		s.text[n] = first
		s.starts = s.starts[:copy(s.starts, s.starts[1:])]
	}
	for i := range s.starts {
		s.starts[i] = max(0, s.starts[i]-s.pos)
	}
}

// cut drops everything from at on.
func (s *slot) cut(kind point.Kind, at int) {
	s.times = s.times[:at]
	switch kind {
	case point.Float:
		s.floats = s.floats[:at]
	case point.Integer, point.Unsigned:
		s.ints = s.ints[:at]
	case point.Boolean:
		s.bools = s.bools[:at]
	case point.String:
		s.strings = s.strings[:at]
	}
}

// remove drops n values from at on.
func (s *slot) remove(kind point.Kind, at, n int) {
	for i := at; i+n < len(s.times); i++ {
		s.move(kind, i, i+n)
	}
	s.cut(kind, len(s.times)-n)
}

// move copies the value at from to to.
func (s *slot) move(kind point.Kind, to, from int) {
	s.times[to] = s.times[from]
	switch kind {
	case point.Float:
		s.floats[to] = s.floats[from]
	case point.Integer, point.Unsigned:
		s.ints[to] = s.ints[from]
	case point.Boolean:
		s.bools[to] = s.bools[from]
	case point.String:
		s.strings[to] = s.strings[from]
	}
}

// order sorts the values from at on by time where they are not, and keeps the last
// of equal times: very old engines wrote blocks like that.
func (s *slot) order(kind point.Kind, at int) {
	sorted := true
	for i := at + 1; i < len(s.times) && sorted; i++ {
		sorted = s.times[i-1] < s.times[i]
	}
	if sorted {
		return
	}
	sort.Stable(&tail{s, kind, at})
	keep := at
	for i := at; i < len(s.times); i++ {
		if i+1 < len(s.times) && s.times[i+1] == s.times[i] {
			continue
		}
		s.move(kind, keep, i)
		keep++
	}
	s.cut(kind, keep)
}

// drop removes the values from at on that are outside the window or deleted. The
// deleted windows are disjoint and in time order.
func (s *slot) drop(kind point.Kind, at int, window point.TimeRange, deleted deletions) {
	n := len(s.times)
	if n == at {
		return
	}
	span := point.TimeRange{Min: s.times[at], Max: s.times[n-1]}
	if window.Covers(span) && !deleted.overlap(span) {
		return
	}
	keep := at
	for i := at; i < n; i++ {
		t := s.times[i]
		for len(deleted) > 0 && deleted[0].Max < t {
			deleted = deleted[1:]
		}
		if !window.Contains(t) || len(deleted) > 0 && deleted[0].Contains(t) {
			continue
		}
		s.move(kind, keep, i)
		keep++
	}
	s.cut(kind, keep)
}

// tail sorts what a slot holds from at on.
type tail struct {
	s    *slot
	kind point.Kind
	at   int
}

func (t *tail) Len() int           { return len(t.s.times) - t.at }
func (t *tail) Less(i, j int) bool { return t.s.times[t.at+i] < t.s.times[t.at+j] }
func (t *tail) Swap(i, j int) {
	s, i, j := t.s, t.at+i, t.at+j
	s.times[i], s.times[j] = s.times[j], s.times[i]
	switch t.kind {
	case point.Float:
		s.floats[i], s.floats[j] = s.floats[j], s.floats[i]
	case point.Integer, point.Unsigned:
		s.ints[i], s.ints[j] = s.ints[j], s.ints[i]
	case point.Boolean:
		s.bools[i], s.bools[j] = s.bools[j], s.bools[i]
	case point.String:
		s.strings[i], s.strings[j] = s.strings[j], s.strings[i]
	}
}
