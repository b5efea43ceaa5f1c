// SPDX-License-Identifier: Apache-2.0

package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// A line of the tests is "series field=value time"; what its measurement is called says
// what the server does with it.
const (
	goodLine     = "good"     // stored
	conflictLine = "conflict" // field type conflict
	oldLine      = "old"      // beyond the policy
	badLine      = "bad"      // unable to parse
	poisonLine   = "poison"   // the server fails, and writes nothing of the request
	hugeLine     = "huge"     // longer than the largest body
)

// server is a model of one: what it stores, and what goes wrong on the way.
type server struct {
	mu      sync.Mutex
	rnd     *rand.Rand
	faults  float64 // share of the requests that something happens to
	maxBody int
	values  map[string]string // place, series, field and time → value
	writes  int
	busy    int
	most    int // requests at a time
	hook    sync.Mutex
	onWrite func(n int) // called with each request's number, one call at a time
	delay   func() time.Duration
	answer  func(n int) error // what to answer instead; nil for nothing
}

func newServer(seed uint64) *server {
	return &server{rnd: rand.New(rand.NewPCG(seed, 1)), maxBody: 1500, values: map[string]string{}}
}

func (s *server) Write(ctx context.Context, db, rp string, lines []byte) error {
	s.mu.Lock()
	s.writes++
	n := s.writes
	s.busy++
	s.most = max(s.most, s.busy)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.busy--
		s.mu.Unlock()
	}()
	if s.onWrite != nil {
		s.hook.Lock()
		s.onWrite(n)
		s.hook.Unlock()
	}
	if s.delay != nil {
		time.Sleep(s.delay())
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s.answer != nil {
		if err := s.answer(n); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, after := s.rnd.Float64() < s.faults, s.rnd.Float64() < s.faults
	if before {
		return s.fault()
	}
	err := s.store(importer.Place{Database: db, Policy: rp}, lines)
	if after {
		return s.fault()
	}
	return err
}

// fault is one of the temporary ones.
func (s *server) fault() error {
	all := []*target.Error{
		{Message: "connection refused", Class: target.Temporary},
		{Message: "connection reset", Class: target.Temporary},
		{Message: "timeout", Class: target.Overloaded},
		{Status: 429, Class: target.Overloaded, RetryAfter: 3 * time.Second},
		{Status: 500, Message: "timeout", Class: target.Overloaded},
		{Status: 500, Message: "Internal Server Error", Class: target.Temporary, Poison: true},
		{Status: 502, Message: "<html>", Class: target.Temporary},
		{Status: 503, Class: target.Overloaded},
	}
	return all[s.rnd.IntN(len(all))]
}

// shardWidth is the time that one shard covers.
const shardWidth = 100

// store takes lines as a server does: the bad ones are told, and of the shards one.
func (s *server) store(p importer.Place, lines []byte) error {
	if len(lines) > s.maxBody {
		return &target.Error{Status: 413, Class: target.TooLarge, Message: "Request Entity Too Large"}
	}
	if bytes.Contains(lines, []byte(poisonLine)) {
		return &target.Error{Status: 500, Message: "Internal Server Error", Class: target.Temporary, Poison: true}
	}
	var unparsed []string
	conflicts := map[int64]int{}
	reasons := map[int64]string{}
	old, good := 0, 0
	for line := range strings.Lines(string(lines)) {
		line = strings.TrimSuffix(line, "\n")
		parts := strings.Split(line, " ")
		t, err := strconv.ParseInt(parts[2], 10, 64)
		if err != nil {
			panic(err)
		}
		measurement, _, _ := strings.Cut(parts[0], ",")
		field, value, _ := strings.Cut(parts[1], "=")
		switch measurement {
		case badLine:
			unparsed = append(unparsed, fmt.Sprintf("unable to parse '%s': missing field value", line))
		case conflictLine:
			conflicts[t/shardWidth]++
			reasons[t/shardWidth] = fmt.Sprintf(`field type conflict: input field "%s" on measurement "%s" is type integer, already exists as type float`, field, measurement)
		case oldLine:
			old++
		default:
			good++
			s.values[fmt.Sprint(p, parts[0], field, t)] = value
		}
	}
	refused := func(reason string, n int) error {
		return &target.Error{Status: 400, Class: target.Refused, Partial: true, Dropped: n, Message: fmt.Sprintf("partial write: %s dropped=%d", reason, n)}
	}
	for shard, n := range conflicts { // any one of them
		return refused(reasons[shard], n)
	}
	switch {
	case old > 0:
		return refused("points beyond retention policy", old)
	case len(unparsed) > 0 && good == 0:
		return &target.Error{Status: 400, Class: target.Refused, Dropped: -1, Message: strings.Join(unparsed, "\n")}
	case len(unparsed) > 0:
		return refused(strings.Join(unparsed, "\n"), 0)
	}
	return nil
}

// feed hands out lines in batches. Its marks are the number of lines done.
type feed struct {
	lines    []string
	per      int
	next     int
	place    func(i int) importer.Place
	rejects  map[int]importer.Reject // before the line of that number
	endsWith error
}

func newFeed(lines []string, per int) *feed {
	return &feed{lines: lines, per: per, place: func(int) importer.Place { return importer.Place{Database: "db"} }}
}

// resume goes on behind a mark.
func (f *feed) resume(mark json.RawMessage) {
	f.next = 0
	if mark != nil {
		if err := json.Unmarshal(mark, &f.next); err != nil {
			panic(err)
		}
	}
}

func (f *feed) Next(ctx context.Context, b *importer.Batch) (importer.Item, error) {
	var item importer.Item
	if ctx.Err() != nil {
		return item, context.Cause(ctx)
	}
	b.Input = "in"
	b.Place = f.place(min(f.next, len(f.lines)-1))
	for f.next < len(f.lines) && b.Points < f.per && f.place(f.next) == b.Place {
		if r, ok := f.rejects[f.next]; ok {
			item.Rejects = append(item.Rejects, r)
		}
		f.add(b, f.lines[f.next])
		b.Lines = append(b.Lines, int64(f.next+1))
		f.next++
	}
	b.Mark = f.next
	if b.Points == 0 && f.next == len(f.lines) {
		return item, errors.Join(f.endsWith, io.EOF)
	}
	return item, nil
}

func (f *feed) add(b *importer.Batch, line string) {
	parts := strings.Split(line, " ")
	t, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		panic(err)
	}
	b.Text = append(append(b.Text, line...), '\n')
	b.Points++
	span := point.TimeRange{Min: t, Max: t}
	b.Span = b.Span.Union(span)
	field, _, _ := strings.Cut(parts[1], "=")
	b.Stretches = append(b.Stretches, importer.Stretch{Series: sum(parts[0]), Field: sum(field), Span: span})
}

func sum(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return h.Sum64()
}

// randomLines makes lines of few series and times, so that many write the same value.
// special is the share of those that the server does not take.
func randomLines(rnd *rand.Rand, n int, special float64) []string {
	kinds := []string{conflictLine, oldLine, badLine, poisonLine, hugeLine}
	out := make([]string, n)
	for i := range out {
		m, tag := goodLine, ""
		if rnd.Float64() < special {
			m = kinds[rnd.IntN(len(kinds))]
		}
		if m == hugeLine {
			tag = strings.Repeat("x", 2000)
		}
		out[i] = fmt.Sprintf("%s,t=%d%s f%d=%d %d", m, rnd.IntN(5), tag, rnd.IntN(2), i, rnd.IntN(4*shardWidth))
	}
	return out
}

// expected gives what the server holds when all lines were sent one after the other,
// and which lines are refused.
func expected(f *feed) (values map[string]string, refused []string) {
	s := newServer(0)
	for i, line := range f.lines {
		if strings.HasPrefix(line, goodLine) {
			_ = s.store(f.place(i), []byte(line+"\n")) // takes them all
		} else {
			refused = append(refused, line)
		}
	}
	return s.values, refused
}
