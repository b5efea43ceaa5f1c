// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// ErrChanged is why a stream does not go on from a position.
var ErrChanged = errors.New("the source changed since it was read")

// Position is a place in a stream. As JSON it can be kept, and a later Stream with the
// same Catalog and Selection goes on from it.
//
// All points before it are in pieces before it. Those behind it come again, and perhaps
// some that were in pieces before: reading goes on where a series begins, or, where
// something in it was unreadable, a run of series.
type Position struct {
	Shard string `json:"shard"`          // for people: shard 12 of "db"."rp"
	Index int    `json:"index"`          // of the shard among those selected
	From  []byte `json:"from,omitempty"` // composite key in the shard that comes next; empty: all of it comes
	Done  bool   `json:"done,omitempty"` // nothing of the shard comes any more

	// Sources is a fingerprint of the files of all shards up to this one, as they were
	// when they were opened: names, sizes and times of modification.
	Sources string `json:"sources"`

	// Found is what the Summary has to tell of what lies before the position.
	Found *Found `json:"found,omitempty"`
}

// Found is what was come upon up to a position.
type Found struct {
	Faults  []Fault   `json:"faults,omitempty"`
	More    int       `json:"more,omitempty"` // further faults, only counted
	LeftOut []LeftOut `json:"leftOut,omitempty"`
	Notes   []string  `json:"notes,omitempty"`
}

// mostFound is how many of each kind a position holds: it is kept again and again.
const mostFound = 256

// start is where a stream begins, and the fingerprint of the shards opened so far.
type start struct {
	index   int
	from    string
	sources string
}

// Stream hands the selected points to out, piece by piece, in the order of an export and
// with the same text, but for its header. out is called by one goroutine, and may keep
// pieces until it releases them; its error ends the stream. Reading is ahead of it by
// no more than an export is ahead of a slow output.
//
// from is where to go on, or nil. It is ErrChanged if the sources up to there are not
// what they were. Of Options, Output and what Format says about files do not count. The
// Summary is as that of Run. Behind a position its faults, what was left out and its
// notes are those from the very beginning; the counts are of what this call read.
func Stream(ctx context.Context, opts Options, from *Position, out func(context.Context, *Piece) error) (*Summary, error) {
	opts = forStream(opts).withDefaults()
	r := newRun(opts)
	s := &stream{outputs: newOutputs(r), out: out}
	r.out = s
	return r.run(ctx, func() error { return s.resume(r, from) })
}

func forStream(opts Options) Options {
	opts.stream, opts.Output = true, Output{}
	opts.Format = Format{Bare: true, OneField: opts.Format.OneField, Unsigned: opts.Format.Unsigned}
	return opts
}

// stream is the sink that makes pieces of chunks.
type stream struct {
	*outputs
	out  func(context.Context, *Piece) error
	held *Piece // its position depends on what comes

	before []Fault // found before the position, and how many more only were counted
	more   int
}

// resume makes the run go on from a position.
func (s *stream) resume(r *run, from *Position) error {
	s.openBooks(r.plan.files[0])
	if from == nil {
		return nil
	}
	shards := r.plan.files[0].shards
	if from.Index < 0 || from.Index >= len(shards) {
		return fmt.Errorf("%w: %s is not there", ErrChanged, from.Shard)
	}
	p := r.opts.Progress
	for i, sh := range shards[:from.Index+1] {
		files := filesOf(sh)
		next := fingerprint(r.start.sources, sh, files)
		if i < from.Index || from.Done {
			r.start.sources = next
			r.start.index = i + 1
			p.ShardsDone.Add(1)
			p.DoneBytes.Add(sizeOf(files))
		}
		if i == from.Index && next != from.Sources {
			return fmt.Errorf("%w up to %s", ErrChanged, from.Shard)
		}
	}
	if !from.Done {
		r.start.from = string(from.From)
	}
	if f := from.Found; f != nil {
		s.more, s.before = f.More, f.Faults
		s.info.Faults = append(s.info.Faults, f.Faults...)
		s.info.LeftOut = append(s.info.LeftOut, f.LeftOut...)
		s.info.Notes = append(s.info.Notes, f.Notes...)
	}
	return nil
}

// begin has nothing to open: the books were opened before.
func (*stream) begin(*file, bool) error { return nil }

// write makes a piece of a chunk and hands out the one before.
func (s *stream) write(ctx context.Context, t *task, c chunk) error {
	s.info.OutputBytes += int64(len(c.text))
	if err := s.give(ctx); err != nil {
		return err
	}
	sh, p := t.run.shard, c.piece
	p.Database, p.Policy, p.Shard = sh.Database, sh.Policy, sh.ID
	p.Text, p.free = c.text, s.free
	p.Position = s.position(t)
	if p.Position.From = p.from; p.from == nil {
		p.Position.From = []byte(t.rng.From)
	}
	s.held = p
	return nil
}

// report books what the task found, and hands out its last piece, behind which the next
// task begins.
func (s *stream) report(ctx context.Context, t *task) error {
	t.faults = slices.DeleteFunc(t.faults, s.known)
	before := len(s.info.LeftOut)
	s.book(t)
	s.info.LeftOut = append(s.info.LeftOut[:before], slices.DeleteFunc(s.info.LeftOut[before:], func(l LeftOut) bool {
		return slices.Contains(s.info.LeftOut[:before], l) // of a shard that was opened by the run before, too
	})...)
	if s.held == nil {
		return nil
	}
	s.held.Position = s.position(t)
	s.held.Position.From = []byte(t.rng.To)
	s.held.Position.Done = t.rng.To == ""
	return s.give(ctx)
}

// known reports whether a fault was found by the run that is carried on.
func (s *stream) known(f Fault) bool {
	return len(s.before) > 0 && slices.Contains(s.before, asJSON(f))
}

// asJSON gives a fault as it comes back from a checkpoint: without what JSON does not show.
func asJSON(f Fault) Fault {
	b, err := jsonbytes.Marshal(f)
	back := Fault{}
	if err != nil || jsonbytes.Unmarshal(b, &back) != nil {
		return f // cannot be
	}
	return back
}

// position gives the position within the task's shard, with all that was found until now.
func (s *stream) position(t *task) Position {
	return Position{
		Shard: t.run.name, Index: t.run.index, Sources: t.run.sources, Found: s.found(),
	}
}

// found gives what is in the books. It shares their memory, to which only is appended.
func (s *stream) found() *Found {
	i := s.info
	if len(i.Faults)+len(i.LeftOut)+len(i.Notes) == 0 {
		return nil
	}
	return &Found{
		Faults: head(i.Faults), LeftOut: head(i.LeftOut), Notes: head(i.Notes),
		More: s.more + max(0, len(i.Faults)-mostFound),
	}
}

func head[E any](s []E) []E {
	n := min(len(s), mostFound)
	return s[:n:n]
}

// give hands out the piece that is held.
func (s *stream) give(ctx context.Context) error {
	p := s.held
	if p == nil {
		return nil
	}
	s.held = nil
	return s.out(ctx, p)
}

// end closes the books.
func (s *stream) end(f *file) error {
	if s.more > 0 {
		s.info.Notes = append(s.info.Notes, fmt.Sprintf("%d more faults were found by the runs that this one carried on", s.more))
	}
	return s.outputs.end(f)
}

// nameOf names a shard for people.
func nameOf(sh *volume.Shard) string {
	return fmt.Sprintf("shard %d of %q.%q", sh.ID, sh.Database, sh.Policy)
}

// filesOf gives the files of a shard, and none where they cannot be listed: opening it says
// why, as a fault of this shard.
func filesOf(sh *volume.Shard) []tsmreader.File {
	files, _ := tsmreader.Stat(Sources(sh))
	return files
}

func sizeOf(files []tsmreader.File) int64 {
	n := int64(0)
	for _, f := range files {
		n += f.Size
	}
	return n
}

// fingerprint tells the files of shards apart: before is that of the shards before.
// Directories are not part of it, so that a snapshot may be attached elsewhere.
func fingerprint(before string, sh *volume.Shard, files []tsmreader.File) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\n%q %q %d\n", before, sh.Database, sh.Policy, sh.ID) // a hash takes all
	for _, f := range files {
		_, _ = fmt.Fprintf(h, "%q %d %d\n", filepath.Base(f.Path), f.Size, f.ModTime.UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
