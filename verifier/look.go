// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shardlift/shardlift/point"
)

// errFull says that a table has no room for more.
var errFull = errors.New("too many values at a time")

// errEnough ends a query when enough was found.
var errEnough = errors.New("enough")

// chunk is what is looked into at a time: neighbouring buckets with suspects in them.
type chunk struct {
	columns     []int32  // no more than 32
	at          []int8   // by column of the measurement: where in columns, or -1
	wanted      []uint32 // by bucket from the first on: bits of columns
	first       int64    // bucket
	sent, there int64    // in all
	undigested  int64    // of sent: not compared before
	extraOnly   bool     // the input has nothing of it
	missing     int64    // how many at least, by the counts
	more        int64
}

// lookInto finds the single values that differ in suspicious cells, until enough are listed.
func (v *comparison) lookInto(ctx context.Context, j *job, m *measurement, suspects []suspect) error {
	points := v.report.Points
	if points == nil {
		return nil
	}
	slices.SortFunc(suspects, func(a, b suspect) int {
		return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.column, b.column))
	})
	if len(suspects) > 0 && j.schema == nil { // which tells how to ask
		var err error
		if j.schema, err = v.ask.schema(ctx, j.p); err != nil {
			return err
		}
	}
	for len(suspects) > 0 {
		if points.room() <= 0 {
			for _, s := range suspects {
				points.bound(s.sent, s.there)
			}
			return nil
		}
		ch, n := v.chunk(m, suspects)
		suspects = suspects[n:]
		if err := v.lookIntoChunk(ctx, j, m, ch); err != nil {
			return fmt.Errorf("look for single values: %w", err)
		}
	}
	return nil
}

// chunk takes suspects from the front, of one bucket and as many more as there is room for.
func (v *comparison) chunk(m *measurement, suspects []suspect) (*chunk, int) {
	ch := &chunk{first: suspects[0].bucket, extraOnly: suspects[0].sent == 0, at: make([]int8, len(m.columns))}
	for i := range ch.at {
		ch.at[i] = -1
	}
	size := 0
	for n, s := range suspects {
		if n > 0 && (apart(ch.first, s.bucket) > uint64(len(ch.wanted)) || ch.sent+ch.there+s.sent+s.there > v.opts.hashes || ch.extraOnly != (s.sent == 0)) {
			return ch, n
		}
		if ch.at[s.column] < 0 {
			size += len(m.columns[s.column].raw) + len(`count(""::boolean),`)
			if n > 0 && (len(ch.columns) == askFields || size > askBytes) {
				return ch, n
			}
			ch.at[s.column] = int8(len(ch.columns)) //nolint:gosec // few
			ch.columns = append(ch.columns, s.column)
		}
		for apart(ch.first, s.bucket) >= uint64(len(ch.wanted)) {
			ch.wanted = append(ch.wanted, 0)
		}
		ch.wanted[apart(ch.first, s.bucket)] |= 1 << ch.at[s.column]
		ch.sent += s.sent
		ch.there += s.there
		if !s.digested {
			ch.undigested += s.sent
		}
		ch.missing += max(0, s.sent-s.there)
		ch.more += max(0, s.there-s.sent)
	}
	return ch, len(suspects)
}

// lookIntoChunk takes the chunk's time in parts that fit into the table.
func (v *comparison) lookIntoChunk(ctx context.Context, j *job, m *measurement, ch *chunk) error {
	span := spanWithin(ch.first, ch.first+int64(len(ch.wanted))-1, m.width, v.window(j.p))
	l := &look{v: v, j: j, m: m, ch: ch, reader: walker{c: v.c, keep: true}}
	l.reader.enter(j.p)
	pending := parts(span, max(ch.sent, ch.there), max(v.opts.hashes/2, 1))
	for len(pending) > 0 && v.report.Points.room() > 0 && !l.enough {
		part := pending[0]
		err := l.part(ctx, part, 0, 1)
		if errors.Is(err, errFull) && part.Min < part.Max {
			mid := middle(part)
			pending = append([]point.TimeRange{{Min: part.Min, Max: mid}, {Min: mid + 1, Max: part.Max}}, pending[1:]...)
			continue
		}
		if errors.Is(err, errFull) {
			err = l.inPasses(ctx, part)
		}
		if errors.Is(err, errTooMuch) { // even for one field at one time
			v.report.Unproven += ch.undigested
			v.report.Points.AtLeast = true
			break
		}
		if err != nil {
			return err
		}
		pending = pending[1:]
	}
	l.add(len(pending) > 0)
	return nil
}

// add puts the sums of a chunk into the report. Where not all was looked into, the counts
// say how many there are at least.
func (l *look) add(rest bool) {
	v, ch, p := l.v, l.ch, l.v.report.Points
	if !rest && v.opts.Exact {
		v.report.ValuesCompared += ch.undigested
	}
	if rest || l.enough {
		p.AtLeast = p.AtLeast || rest && !ch.extraOnly
		l.missing, l.extra = max(l.missing, ch.missing), max(l.extra, ch.more)
	}
	p.Missing += l.missing
	if v.opts.Extra {
		p.Extra += l.extra
	}
	p.Differing += l.differing
}

// inPasses takes a nanosecond that has more values than fit, those of a part of the hashes
// at a time.
func (l *look) inPasses(ctx context.Context, part point.TimeRange) error {
	for passes := uint64(2); ; passes *= 2 {
		before := l.finds
		err := error(nil)
		for pass := uint64(0); pass < passes && err == nil; pass++ {
			err = l.part(ctx, part, pass, passes)
		}
		if !errors.Is(err, errFull) {
			return err
		}
		l.finds = before // what the passes before found comes again
		l.v.report.Points.List = l.v.report.Points.List[:len(l.v.report.Points.List)-l.listed]
		l.listed = 0
	}
}

// finds is what a look found.
type finds struct{ missing, extra, differing int64 }

// look finds the values of a chunk that differ.
type look struct {
	v  *comparison
	j  *job
	m  *measurement
	ch *chunk
	finds
	enough bool // no need to go on: all that can be listed is
	listed int  // by part since passes began

	span         point.TimeRange
	pass, passes uint64
	table        table
	reader       walker

	series uint64 // of the answer
	tags   map[string]string
	text   string // of the same, once it is needed
	tried  tally  // of the query at hand
	sum    tally  // of all before it
}

// tally is what answers brought to light.
type tally struct {
	extra, differing int64
	list             []PointDifference
	keys             []uint64 // of list
}

// wants reports whether a value belongs to what is looked into, and gives the hash of its
// place.
func (l *look) wants(series uint64, column int32, time int64) (uint64, bool) {
	at := l.ch.at[column]
	if at < 0 || !l.span.Contains(time) {
		return 0, false
	}
	b := bucketOf(time, l.m.width) - l.ch.first
	if b < 0 || b >= int64(len(l.ch.wanted)) || l.ch.wanted[b]&(1<<at) == 0 {
		return 0, false
	}
	key := keyHash(series, &l.m.columns[column], time)
	return key, key%l.passes == l.pass
}
