// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/target"
)

// probeTurn is more than all requests that can be on their way.
const probeTurn = 1 << 20

// maxProbe is the longest line that is kept for a probe.
const maxProbe = 64 << 10

// prober keeps the last point, in the order of the feed, that was acknowledged. Sending
// it again tells whether the server stores anything at the moment, and changes nothing:
// no acknowledged point comes behind it, and the others are yet to be sent.
type prober struct {
	turn  *semaphore.Weighted // a request takes one, a probe all
	note  sync.Mutex          // guards what follows
	seq   int64
	place Place
	line  []byte
}

// noted remembers the last line of an acknowledged request. Requests of one batch come in
// order, but for points that were put off; those do not count.
func (p *prober) noted(seq int64, place Place, lines []byte) {
	lines = bytes.TrimRight(lines, "\n")
	p.note.Lock()
	defer p.note.Unlock()
	if seq < p.seq || len(lines) == 0 {
		return
	}
	line := lines[bytes.LastIndexByte(lines, '\n')+1:]
	if bytes.IndexByte(line, '"') >= 0 { // that line feed may stand within a string
		ends := lineprotocol.AppendEnds(nil, lines)
		line = lines
		if n := len(ends); n > 1 {
			line = lines[ends[n-2]:]
		}
	}
	p.seq, p.place, p.line = seq, place, p.line[:0]
	if len(line) <= maxProbe { // else there is none: it may have overwritten the one before
		p.line = append(append(p.line, line...), '\n')
	}
}

// write sends lines one time and notes how that went.
func (r *run) write(ctx context.Context, seq int64, place Place, lines []byte) error {
	if err := r.prober.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer r.prober.turn.Release(1)
	began := time.Now()
	r.requests.Add(1)
	err := r.opts.Sender.Write(ctx, place.Database, place.Policy, lines)
	switch te, ok := errors.AsType[*target.Error](err); {
	case err == nil:
		r.lastSuccess.Store(time.Now().UnixNano())
		r.latency.add(time.Since(began))
		r.prober.noted(seq, place, lines)
	case ok && te.Class == target.Refused:
		r.lastSuccess.Store(time.Now().UnixNano()) // it looked at the points
	}
	return err
}

// probe reports whether the server stores a point that it stored before.
func (r *run) probe(ctx context.Context) bool {
	p := &r.prober
	if p.turn.Acquire(ctx, probeTurn) != nil { // nothing else is on its way then
		return false
	}
	defer p.turn.Release(probeTurn)
	if len(p.line) == 0 {
		return false
	}
	r.requests.Add(1)
	return r.opts.Sender.Write(ctx, p.place.Database, p.place.Policy, p.line) == nil
}

// probeState is what a checkpoint keeps of it, for a run that is carried on and finds no
// other point that the server takes.
type probeState struct {
	Place Place  `json:"place"`
	Line  []byte `json:"line"`
}

func (p *prober) state() *probeState {
	p.note.Lock()
	defer p.note.Unlock()
	if len(p.line) == 0 {
		return nil
	}
	return &probeState{Place: p.place, Line: bytes.Clone(p.line)}
}

func (p *prober) restore(s *probeState) {
	if s != nil {
		p.place, p.line = s.Place, s.Line
	}
}
