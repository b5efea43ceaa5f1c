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
	blocks  int      // used buffers of text
	pos     int      // first value that was not given yet
}

func (s *slot) reset() {
	s.times, s.floats, s.ints, s.bools, s.strings = s.times[:0], s.floats[:0], s.ints[:0], s.bools[:0], s.strings[:0]
	s.blocks, s.pos = 0, 0
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
		if s.blocks == len(s.text) {
			s.text = append(s.text, nil)
		}
		s.strings, s.text[s.blocks], err = codec.Strings(s.strings, s.text[s.blocks], values, n)
		s.blocks++
	}
	if err != nil {
		s.cut(kind, at)
	}
	return at, err
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
