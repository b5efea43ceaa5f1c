// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/point"
)

// replayConfig says how a replayFeed packs batches. Zero values take lpfile's defaults.
type replayConfig struct {
	// A batch has no more points than BatchPoints and no more bytes than BatchBytes, but
	// for single pieces whose lines are long.
	BatchPoints, BatchBytes int

	Progress *importer.Progress // Read, Total and Points are kept here; may be nil

	Home func(importer.Place) importer.Place // as importer.Options has it; nil: each place is its own
}

// replayFeed is the importer.Feed that reads shards. It belongs to one goroutine, and
// has one of its own that reads ahead, until Close.
//
// A batch ends where the shard changes, so that a request writes to one shard of the
// source, and mostly to one of the target.
//
// Within a shard every point comes once, and so it does in shards that hold other times:
// then no two batches write one value, and they are Unique. Two shards may hold the same
// point where no metastore tells their times (there is none, or the shard is an orphan),
// where a group was truncated and another made for the rest of its time, and where the
// mapping puts two policies into one. Then the batches say which series they write, so that none
// overtakes an earlier one of the same: the shard that comes last wins, as it does when
// an export is imported. (A shard with points beyond the times of its group, put there by
// hand, is not noticed: of a point that it shares with another, any of the two may win.)
type replayFeed struct {
	mapping *importer.Mapping
	config  replayConfig
	reading *exporter.Progress
	shared  map[importer.Place]bool // by home: two shards that go there may hold the same point

	pieces chan *exporter.Piece
	held   *exporter.Piece // that did not fit
	shard  int             // that the batch at hand is of
	cancel context.CancelFunc
	done   chan struct{} // closed when reading ended; then the two below are set
	sum    *exporter.Summary
	err    error
}

// piecesAhead is how many pieces wait for the feed, beside those that wait in the exporter.
const piecesAhead = 4

// newReplayFeed begins to read. from is the mark of a batch of a run before, or nothing.
func newReplayFeed(ctx context.Context, opts exporter.Options, mapping *importer.Mapping, from json.RawMessage, cfg replayConfig) (*replayFeed, error) {
	if cfg.BatchPoints <= 0 {
		cfg.BatchPoints = lpfile.DefaultBatchPoints
	}
	if cfg.BatchBytes <= 0 {
		cfg.BatchBytes = lpfile.DefaultBatchBytes
	}
	if cfg.Progress == nil {
		cfg.Progress = &importer.Progress{}
	}
	if cfg.Home == nil {
		cfg.Home = func(p importer.Place) importer.Place { return p }
	}
	if opts.Progress == nil {
		opts.Progress = &exporter.Progress{}
	}
	at, err := positionOf(from)
	if err != nil {
		return nil, err
	}
	outline, err := exporter.Survey(ctx, opts, false)
	if err != nil {
		return nil, err
	}
	f := &replayFeed{
		mapping: mapping, config: cfg, reading: opts.Progress, shared: sharedPlaces(outline.Shards, mapping, cfg.Home),
		pieces: make(chan *exporter.Piece, piecesAhead), done: make(chan struct{}),
	}
	// A piece has about so many bytes: half of what fits leaves room for its last line.
	opts.PiecePoints, opts.PieceBytes, opts.PieceSeries = cfg.BatchPoints, max(cfg.BatchBytes/2, 1), len(f.shared) > 0
	ctx, f.cancel = context.WithCancel(ctx)
	go func() {
		defer close(f.done)
		f.sum, f.err = exporter.Stream(ctx, opts, at, f.take)
	}()
	return f, nil
}

// positionOf reads a mark.
func positionOf(mark json.RawMessage) (*exporter.Position, error) {
	if len(mark) == 0 || string(mark) == "null" {
		return nil, nil //nolint:nilnil // no mark is the start
	}
	at := &exporter.Position{}
	if err := jsonbytes.Unmarshal(mark, at); err != nil {
		return nil, fmt.Errorf("read the position in the checkpoint: %w", err)
	}
	return at, nil
}

// sharedPlaces gives the places of the target that two shards go to which may hold the
// same point, as home names them.
func sharedPlaces(shards []exporter.ShardOutline, mapping *importer.Mapping, home func(importer.Place) importer.Place) map[importer.Place]bool {
	type target struct {
		importer.Place
		exporter.ShardOutline
	}
	var all []target
	for _, s := range shards {
		all = append(all, target{home(mapping.Place(importer.Place{Database: s.Database, Policy: s.Policy})), s})
	}
	slices.SortFunc(all, func(a, b target) int {
		return cmp.Or(cmp.Compare(a.Place.Database, b.Place.Database), cmp.Compare(a.Place.Policy, b.Place.Policy),
			cmp.Compare(a.Window.Min, b.Window.Min))
	})
	shared := map[importer.Place]bool{}
	for i := range all {
		for j := i + 1; j < len(all) && !shared[all[i].Place] && all[j].Place == all[i].Place && all[j].Window.Min <= all[i].Window.Max; j++ {
			if (all[i].Group == exporter.GroupID{}) || all[i].Group != all[j].Group {
				shared[all[i].Place] = true
			}
		}
	}
	return shared
}

// take hands a piece from the reading goroutine to Next.
func (f *replayFeed) take(ctx context.Context, p *exporter.Piece) error {
	select {
	case f.pieces <- p:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Next packs the pieces that follow into b. It is io.EOF at the end. Other errors are
// those of exporter.Stream, or ctx's; what was read before them has been handed out.
func (f *replayFeed) Next(ctx context.Context, b *importer.Batch) (importer.Item, error) {
	for {
		p, err := f.next(ctx)
		if err != nil {
			if b.Points > 0 {
				break // the error comes again
			}
			f.progress(err)
			return importer.Item{}, err
		}
		if b.Points > 0 && !f.fits(b, p) {
			f.held = p
			break
		}
		f.add(b, p)
		if b.Points >= f.config.BatchPoints || len(b.Text) >= f.config.BatchBytes {
			break
		}
	}
	f.give(b)
	return importer.Item{}, nil
}

// next gives the piece that follows.
func (f *replayFeed) next(ctx context.Context) (*exporter.Piece, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if p := f.held; p != nil {
		f.held = nil
		return p, nil
	}
	select {
	case p := <-f.pieces:
		return p, nil
	default:
	}
	select {
	case p := <-f.pieces:
		return p, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-f.done:
	}
	select {
	case p := <-f.pieces: // the last ones
		return p, nil
	default:
	}
	if f.err != nil {
		if errors.Is(f.err, exporter.ErrChanged) {
			return nil, fmt.Errorf("%w; --restart begins anew", f.err)
		}
		return nil, f.err
	}
	return nil, io.EOF
}

// fits reports whether p goes into the batch, which has points.
func (f *replayFeed) fits(b *importer.Batch, p *exporter.Piece) bool {
	return p.Position.Index == f.shard && b.Points+int(p.Points) <= f.config.BatchPoints &&
		len(b.Text)+len(p.Text) <= f.config.BatchBytes
}

// add puts p into the batch.
func (f *replayFeed) add(b *importer.Batch, p *exporter.Piece) {
	if b.Points == 0 {
		f.shard = p.Position.Index
		b.Place = f.mapping.Place(importer.Place{Database: p.Database, Policy: p.Policy})
		b.Input = p.Position.Shard
		b.Unique = !f.shared[f.config.Home(b.Place)]
		b.Span = point.NoTime
	}
	b.Text = append(b.Text, p.Text...)
	b.Points += int(p.Points)
	b.Span = b.Span.Union(p.Span)
	b.Mark = p.Position
	if !b.Unique {
		for _, r := range p.Series {
			if n := len(b.Stretches); n > 0 && b.Stretches[n-1].Series == r.Hash {
				b.Stretches[n-1].Span = b.Stretches[n-1].Span.Union(r.Span)
				continue
			}
			b.Stretches = append(b.Stretches, importer.Stretch{Series: r.Hash, Span: r.Span})
		}
	}
	p.Release()
}

// give counts a batch that is handed out.
func (f *replayFeed) give(b *importer.Batch) {
	f.config.Progress.Points.Add(int64(b.Points))
	f.progress(nil)
}

// progress tells how far reading is, which is ahead of the batches by what waits between.
// At the end all was read, though files that are read on the side are counted nowhere.
func (f *replayFeed) progress(err error) {
	p := f.config.Progress
	p.Total.Store(f.reading.TotalBytes.Load())
	p.Read.Store(f.reading.DoneBytes.Load())
	if errors.Is(err, io.EOF) {
		p.Read.Store(p.Total.Load())
	}
}

// Summary tells what was read, with all faults and refusals and what was left out, those of
// the runs that this one carried on among them. It is nil until Next gave io.EOF, and of no
// feed at all.
func (f *replayFeed) Summary() *exporter.Summary {
	if f == nil {
		return nil
	}
	select {
	case <-f.done:
		return f.sum
	default:
		return nil
	}
}

// Close ends reading and waits until no file is open. Its error is always nil.
func (f *replayFeed) Close() error {
	f.cancel()
	<-f.done
	return nil
}
