// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"bytes"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/shardlift/shardlift/lineprotocol"
)

// shards knows which shards of the target can take several requests at a time.
//
// The first request for a shard has InfluxDB 1.x make the shard's cache. One that comes
// at the same moment may write into what is there before, which keeps nothing: it is
// acknowledged, stands in the WAL and is in no query until the server starts again; and
// where the cache is flushed before that, the WAL goes and the points with it. (Seen with
// 1.6.7, in one of some thousand shards that four requests began.) So where a shard has
// taken nothing yet, one request goes first.
type shards struct {
	mu    sync.Mutex
	taken map[shard]bool
	since time.Time // when taken was empty
}

// shard is one of a place, with its number.
type shard struct {
	place  Place
	number int64
}

// trust is how long a shard is taken for one that has a cache. A server drops those of
// shards that nobody writes to, by default after ten minutes.
const trust = time.Minute

// shardNumber gives the number of a time's shard. A server cuts time into shards from the
// year 1 on.
func shardNumber(t int64, width time.Duration) int64 {
	epoch := time.Unix(0, 0)
	n, rest := t/int64(width), t%int64(width)
	if rest < 0 {
		n, rest = n-1, rest+int64(width)
	}
	if before := int64(epoch.Sub(epoch.Truncate(width))); rest >= int64(width)-before {
		n++
	}
	return n
}

// shardsOf gives the numbers of all shards that a batch writes to, in order; nothing where
// the width is not known.
func shardsOf(b *Batch, width time.Duration) []int64 {
	if width <= 0 {
		return nil
	}
	first, last := shardNumber(b.Span.Min, width), shardNumber(b.Span.Max, width)
	if first == last {
		return []int64{first}
	}
	if first+1 == last {
		return []int64{first, last}
	}
	numbers := make([]int64, 0, 8)
	from := 0
	for _, end := range lineprotocol.AppendEnds(nil, b.Text) {
		line := bytes.TrimRight(b.Text[from:end], "\n")
		from = end
		t, err := strconv.ParseInt(string(line[bytes.LastIndexByte(line, ' ')+1:]), 10, 64)
		if err != nil {
			continue // the server will tell
		}
		if n := shardNumber(t, width); len(numbers) == 0 || numbers[len(numbers)-1] != n {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// apart reports whether two batches must not be on their way together, since a shard of
// both may have taken nothing yet.
func (s *shards) apart(a, b *entry) bool {
	x, y := a.shards, b.shards
	if len(x) == 0 || len(y) == 0 || !mayBeSame(a.batch.at(), b.batch.at()) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.since) > trust {
		s.taken = nil
	}
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0] < y[0]:
			x = x[1:]
		case x[0] > y[0]:
			y = y[1:]
		case !s.taken[shard{b.batch.at(), x[0]}]:
			return true
		default:
			x, y = x[1:], y[1:]
		}
	}
	return false
}

// took notes that the target has acknowledged a batch.
func (s *shards) took(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken == nil || time.Since(s.since) > trust {
		s.taken, s.since = map[shard]bool{}, time.Now()
	}
	for _, n := range e.shards {
		s.taken[shard{e.batch.at(), n}] = true
	}
}

// forget is called when the target may have started again, with no caches.
func (s *shards) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = nil
}
