// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"bytes"
	"hash/maphash"

	"github.com/shardlift/shardlift/point"
)

// Piece is a run of points of one shard, as Stream hands it out.
type Piece struct {
	Database, Policy string
	Shard            uint64

	Text   []byte // whole lines; the receiver's until Release
	Points int64
	Values int64
	Span   point.TimeRange // of the first and the last of the points' times
	Series []SeriesRun     // what it writes, where Options.PieceSeries asks for it

	Position Position // where reading goes on behind this piece

	free chan []byte
	from []byte // composite key that the task goes on with; nil: the one that it began with
}

// SeriesRun is a run of points of one series.
type SeriesRun struct {
	Hash uint64 // of the series key; the same within one Stream
	Span point.TimeRange
}

// Release gives the text back. Neither it nor the piece may be used any more.
func (p *Piece) Release() {
	if p.Text != nil {
		reuse(p.free, p.Text)
		p.Text = nil
	}
}

// pieces is what a worker of a stream notes about its text. For files only bytes is set.
type pieces struct {
	bytes  int // of text that make a piece
	points int // the same of points; 0: any number
	series bool
	seed   maphash.Seed

	piece *Piece // that the text at hand is for; nil: no stream
	cut   point.Batch
	group []byte // series at hand, up to the first separator
	begun bool   // group is set
	from  []byte // composite key behind the last series that is whole; empty: none is
	hash  uint64 // of the series at hand
}

// hashSeed is one for all workers.
var hashSeed = maphash.MakeSeed()

func newPieces(o *Options) pieces {
	p := pieces{bytes: textPiece}
	if !o.stream {
		return p
	}
	p.points, p.series, p.seed = o.PiecePoints, o.PieceSeries, hashSeed
	if o.PieceBytes > 0 {
		p.bytes = min(p.bytes, o.PieceBytes)
	}
	p.piece = newPiece()
	return p
}

func newPiece() *Piece { return &Piece{Span: point.NoTime} }

// reset forgets the task before.
func (p *pieces) reset() {
	if p.piece != nil {
		p.piece = newPiece()
	}
	p.begun, p.from = false, p.from[:0]
}

// onto says that a series begins. The one before is whole then. But behind a fault no
// series counts as whole until the task is done: faults come with the task, and whoever
// goes on from the middle of it has to find them again.
//
// What counts is the series key up to the first separator, by which columns are sorted;
// series that hold the separator themselves stand among those of that group.
func (p *pieces) onto(series []byte, sound bool) {
	if p.piece == nil {
		return
	}
	if p.series {
		p.hash = maphash.Bytes(p.seed, series)
	}
	group, _, _ := point.SplitKey(series)
	if p.begun && bytes.Equal(group, p.group) {
		return
	}
	if p.begun && sound {
		p.from = appendAfter(p.from[:0], p.group)
	}
	p.group, p.begun = append(p.group[:0], group...), true
}

// appendAfter appends the lowest composite key behind all those of a series.
func appendAfter(dst, series []byte) []byte {
	dst = append(append(dst, series...), point.KeySeparator...)
	dst[len(dst)-1]++
	return dst
}

// part gives the batch, cut where the piece has as many points as it may.
func (p *pieces) part(b *point.Batch, row int) *point.Batch {
	if p.points == 0 {
		return b
	}
	end := row + p.points - int(p.piece.Points)
	if end >= len(b.Times) {
		return b
	}
	p.cut = *b
	p.cut.Times = b.Times[:end]
	return &p.cut
}

// full reports whether the piece has as many points as it may.
func (p *pieces) full() bool { return p.points > 0 && int(p.piece.Points) >= p.points }

// count adds points of the series at hand.
func (p *pieces) count(points, values int64, span point.TimeRange) {
	if p.piece == nil || points == 0 {
		return
	}
	t := p.piece
	t.Points += points
	t.Values += values
	t.Span = t.Span.Union(span)
	if !p.series {
		return
	}
	if n := len(t.Series); n > 0 && t.Series[n-1].Hash == p.hash {
		t.Series[n-1].Span = t.Series[n-1].Span.Union(span)
		return
	}
	t.Series = append(t.Series, SeriesRun{Hash: p.hash, Span: span})
}

// take gives the piece for the text at hand, and begins another.
func (p *pieces) take() *Piece {
	t := p.piece
	if t == nil {
		return nil
	}
	if len(p.from) > 0 {
		t.from = bytes.Clone(p.from)
	}
	p.piece = newPiece()
	return t
}
