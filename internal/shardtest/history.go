// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"slices"
	"strings"

	"github.com/shardlift/shardlift/point"
)

// History is the life of one shard. Every operation is applied at once to Seen,
// which is what a query shows, and by the engine's rules to a cache, WAL segments, TSM
// files and tombstones; Save writes those. The two know nothing of each other.
//
// A real server is not always of that opinion: of 1,500 random histories without kinks
// influxd 1.6.7 showed an older value in one, and of 300 with crashes in two. Those two were right
// again with other block lengths, so the cause is probably how it orders blocks that overlap
// in part. Seen is what docs/formats.md says, the newest.
//
// Operations on TSM files name generations by their position, oldest first.
type History struct {
	Seen Contents // what a query shows
	Ops  []Op     // what was done

	// How files are made from now on. TombstoneVersion counts for tombstone files that
	// are begun; 0 means 4, and with 1 to 3 a delete of all times goes into the WAL in its
	// old form too. KeysPerFile splits what a flush or a compaction writes; 0 means
	// no limit. PerBlock and Shuffle are as in TSM and count when Save is called.
	TombstoneVersion int
	KeysPerFile      int
	PerBlock         int
	Shuffle          uint64

	series     map[string]string                // the series of every composite key that was written
	kinds      map[string]map[string]point.Kind // the last type by measurement and field
	cache      Contents
	segments   []*segment // the last one is written to
	files      []*tsmFile // in path order
	generation int        // the last one given
	down       bool       // a crash that no restart has followed yet
}

// segment is a WAL segment.
type segment struct {
	number int
	wal    WAL
}

// NewHistory begins with an empty shard.
func NewHistory() *History {
	return &History{
		Seen:     Contents{},
		series:   map[string]string{},
		kinds:    map[string]map[string]point.Kind{},
		cache:    Contents{},
		segments: []*segment{{number: 1}},
	}
}

// Write is one request: values into the cache and one entry into the WAL. A column
// should come once; its times may repeat and need not ascend.
func (h *History) Write(writes ...Write) {
	h.begin(Op{Name: "Write", Writes: writes})
	var columns []Column
	for _, w := range writes {
		c := Column{Key: Key(w.Series, w.Field), Run: w.Run}
		h.series[c.Key] = w.Series
		h.setKind(w)
		columns = append(columns, c)
	}
	h.Seen.Set(columns...)

	h.cache.Set(columns...)
	h.current().wal.Write(columns...)
}

// Delete deletes a window of the series that match: from Seen; from the cache with one
// WAL entry that names the columns found there; and by tombstones for the files that
// hold such columns.
func (h *History) Delete(match Match, window point.TimeRange) {
	h.begin(Op{Name: "Delete", Match: match, Window: window})
	for _, key := range h.matching(h.Seen.Keys(), match) {
		h.Seen.Delete(key, window)
	}

	for _, f := range h.files {
		f.delete(h.matching(f.keys(), match), window, h.TombstoneVersion)
	}
	if cached := h.matching(h.cache.Keys(), match); len(cached) > 0 {
		for _, key := range cached {
			h.cache.Delete(key, window)
		}
		if window == point.AllTime && h.TombstoneVersion%4 != 0 && !strings.Contains(strings.Join(cached, ""), "\n") {
			h.current().wal.Delete(cached...)
		} else {
			h.current().wal.DeleteRange(window.Min, window.Max, cached...)
		}
	}
}

// Flush writes the cache as a new generation, drops the WAL and starts a new
// segment. With crashed the server dies before it drops the WAL.
func (h *History) Flush(crashed bool) {
	h.begin(Op{Name: "Flush", Crashed: crashed})
	next := h.current().number + 1
	for _, part := range h.parts(h.cache) {
		h.generation++
		h.files = append(h.files, &tsmFile{generation: h.generation, sequence: 1, columns: part})
	}
	if len(h.cache) > 0 && !crashed {
		h.cache, h.segments = Contents{}, nil
	}
	h.segments = append(h.segments, &segment{number: next})
	h.down = crashed
}

// Compact merges the generations from and to and all between, tombstones applied,
// into a file of the newest of them. With crashed the server dies before it removes the old ones.
func (h *History) Compact(from, to int, crashed bool) {
	h.begin(Op{Name: "Compact", From: from, To: to, Crashed: crashed})
	generations := h.Generations()
	var older, inputs, newer []*tsmFile
	for _, f := range h.files {
		switch {
		case f.generation < generations[from]:
			older = append(older, f)
		case f.generation > generations[to]:
			newer = append(newer, f)
		default:
			inputs = append(inputs, f)
		}
	}
	merged := Contents{}
	for _, f := range inputs {
		merged.Set(f.alive()...)
	}
	last := inputs[len(inputs)-1]
	if !crashed {
		inputs = nil
	}
	for i, part := range h.parts(merged) {
		inputs = append(inputs, &tsmFile{
			generation: last.generation, sequence: last.sequence + 1 + i,
			columns: part, family: Batch,
		})
	}
	h.files = slices.Concat(older, inputs, newer)
	h.down = crashed
}

// Roll starts a new WAL segment, as the engine does when one is full.
func (h *History) Roll() {
	h.begin(Op{Name: "Roll"})
	h.segments = append(h.segments, &segment{number: h.current().number + 1})
}

// Tear kills the server while it appends an entry that nobody was promised: the
// current segment gets the bytes as its tail. Any operation after it restarts first.
func (h *History) Tear(tail []byte) {
	h.begin(Op{Name: "Tear"})
	h.current().wal.Tail(tail)
	h.down = true
}

// Restart stops the server and starts it again: a torn tail is cut, an empty last
// segment goes, and a generation number is skipped.
func (h *History) Restart() {
	h.down = false
	h.begin(Op{Name: "Restart"})
	h.generation++
	last := h.current()
	last.wal.Truncate()
	if len(last.wal.data) == 0 && len(h.segments) > 1 {
		h.segments = h.segments[:len(h.segments)-1]
	}
}

// Generations gives the generation numbers in use, ascending.
func (h *History) Generations() []int {
	var all []int
	for _, f := range h.files {
		all = append(all, f.generation)
	}
	return slices.Compact(all)
}

func (h *History) begin(op Op) {
	if h.down {
		h.Restart()
	}
	h.Ops = append(h.Ops, op)
}

func (h *History) current() *segment { return h.segments[len(h.segments)-1] }

// matching gives the keys whose series match.
func (h *History) matching(keys []string, match Match) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !match.Series(h.series[key]) })
}
