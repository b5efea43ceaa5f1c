// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
)

// Survey is what is known of the inputs before they are replayed.
type Survey struct {
	// Statements are the DDL of the inputs, in order, with the names that stand there:
	// the mapping is not applied. Next does not hand them out again.
	Statements []string
	// Places are where points go, mapped, in the order of their first one.
	Places []Place
	// Complete says that Places has all of them, and the time range of each. It is so
	// after a deep survey, and where manifests say it, unless Stdin is set.
	Complete bool
	// Stdin says that there are inputs that can be read but once, of which nothing is
	// known.
	Stdin bool

	Files  int   // regular files
	Bytes  int64 // of the files as they lie there
	Points int64 // that will be replayed from the files; -1 where that is not known
	// Notes are worth telling: files of a directory that are not read, and after a deep
	// survey what cannot be.
	Notes []string
}

// Place is a place that points go to.
type Place struct {
	importer.Place
	Span   point.TimeRange // of the points; empty where it is not known
	Points int64           // -1 where it is not known
}

// Survey reads the heads of all regular files, or, if deep is set, all of them with all
// filters. What can be read only once is left alone, and so is what cannot be read: that
// is for Next to say, behind all points in front of the damage. Files of an export that
// are not what its manifest says are an error.
func (r *Reader) Survey(ctx context.Context, deep bool) (*Survey, error) {
	if err := r.verify(ctx); err != nil {
		return nil, err
	}
	s := &Survey{Complete: true, Notes: slices.Clone(r.notes)}
	book := &placeBook{at: map[importer.Place]int{}}
	for _, in := range r.inputs {
		if in.once {
			s.Stdin, s.Complete, s.Points = true, false, -1
			continue
		}
		s.Files++
		s.Bytes += in.size
		switch {
		case deep:
			if err := r.deep(ctx, in, s, book); err != nil {
				return nil, err
			}
		case in.listed != nil && in.listed.known:
			r.fromManifest(in, s, book)
		default:
			r.fromHead(in, s, book)
		}
	}
	s.Places = book.places
	return s, nil
}

// placeBook adds up what is known of places.
type placeBook struct {
	places []Place
	at     map[importer.Place]int
}

func (b *placeBook) add(p Place) {
	i, ok := b.at[p.Place]
	if !ok {
		b.at[p.Place] = len(b.places)
		b.places = append(b.places, p)
		return
	}
	have := &b.places[i]
	if have.Points < 0 || p.Points < 0 {
		have.Points = -1
	} else {
		have.Points += p.Points
	}
	have.Span = have.Span.Union(p.Span)
}

// fromHead takes what stands in front of the first point.
func (r *Reader) fromHead(in *input, s *Survey, book *placeBook) {
	s.Statements = append(s.Statements, in.head.statements...)
	in.surveyed = in.head.end
	if in.head.points {
		s.Complete, s.Points = false, -1
		book.add(Place{Place: r.cfg.Mapping.Place(in.head.place), Span: point.NoTime, Points: -1})
	}
}

// fromManifest takes what the manifest says. How many points the filters leave, it does
// not know.
func (r *Reader) fromManifest(in *input, s *Survey, book *placeBook) {
	s.Statements = append(s.Statements, in.head.statements...)
	in.surveyed = in.head.end
	for _, p := range in.listed.places {
		if p.Points == 0 || !p.Span.Overlaps(r.window) {
			continue
		}
		p.Place = r.cfg.Mapping.Place(p.Place)
		if sel := r.cfg.Selection; sel != nil && (sel.HasSeriesFilter() || sel.HasFieldFilter()) || !r.window.Covers(p.Span) {
			p.Points = -1
		}
		p.Span = p.Span.Intersect(r.window)
		if p.Points < 0 {
			s.Points = -1
		}
		if s.Points >= 0 {
			s.Points += p.Points
		}
		book.add(p)
	}
}

// deep reads a whole file.
func (r *Reader) deep(ctx context.Context, in *input, s *Survey, book *placeBook) (err error) {
	one := *in
	one.surveyed = 0
	sub := &Reader{
		cfg: r.cfg, inputs: []*input{&one}, unit: r.unit, now: r.now, window: r.window,
		read: r.cfg.Surveyed, verified: true, scan: lineprotocol.NewScanner(nil),
	}
	sub.cfg.Progress = &importer.Progress{}
	defer func() { err = errors.Join(err, sub.Close()) }()
	var b importer.Batch
	for {
		item, err := sub.Next(ctx, &b)
		if errors.Is(err, io.EOF) {
			break
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			s.Notes = append(s.Notes, err.Error())
			break
		}
		s.Statements = append(s.Statements, item.Statements...)
		if b.Points > 0 {
			book.add(Place{Place: b.Place, Span: b.Span, Points: int64(b.Points)})
		}
		if s.Points >= 0 {
			s.Points += int64(b.Points)
		}
	}
	in.surveyed = math.MaxInt64
	return nil
}
