// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
)

// Reader is the feed. It belongs to one goroutine.
type Reader struct {
	cfg    Config
	inputs []*input
	notes  []string
	unit   int64
	now    int64 // cut to the unit
	window point.TimeRange
	read   *atomic.Int64

	verified bool  // manifests were compared with their files
	fail     error // what every further Next gives

	at     int   // input that is read, or is next
	text   *text // of it, or nil
	state  state
	place  importer.Place // as state says, mapped
	scan   *lineprotocol.Scanner
	held   bool // the scanner's token was not taken yet
	last   last
	resume *mark // where to begin, until that is done

	item     importer.Item
	itemSize int
	skipped  Skipped
	series   series
	fields   []lineprotocol.Field
}

// last is the token that was taken last, for a mark behind it.
type last struct {
	line, offset, end int64
	single            bool // has no line feed in it
	from              int  // of its text in the batch, or -1
}

// Open finds the inputs and looks at the heads of regular files. Errors: a file that is
// missing or of no use, a directory without any, an unfinished or damaged export, Stdin
// twice, and points of which nobody says where they belong.
func Open(ctx context.Context, cfg Config) (*Reader, error) {
	r := &Reader{cfg: cfg, window: point.AllTime, scan: lineprotocol.NewScanner(nil)}
	var err error
	if r.unit, err = unitNano(cfg.Precision); err != nil {
		return nil, err
	}
	r.now = cfg.Now - cfg.Now%r.unit
	if r.cfg.BatchPoints <= 0 {
		r.cfg.BatchPoints = DefaultBatchPoints
	}
	if r.cfg.BatchBytes <= 0 {
		r.cfg.BatchBytes = DefaultBatchBytes
	}
	if r.cfg.Progress == nil {
		r.cfg.Progress = &importer.Progress{}
	}
	r.read = &r.cfg.Progress.Read
	if r.cfg.Surveyed == nil {
		r.cfg.Surveyed = &atomic.Int64{}
	}
	if cfg.Selection != nil {
		r.window = cfg.Selection.Window()
	}
	if err := r.find(); err != nil {
		return nil, err
	}
	total, whole := int64(0), true
	for _, in := range r.inputs {
		if in.once {
			whole = false
			continue
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := r.readHead(in, r.scan); err != nil {
			return nil, err
		}
		total += in.size
	}
	if whole {
		r.cfg.Progress.Total.Store(total)
	}
	return r, nil
}

// Next fills b with the points that follow. The error is io.EOF at the end. What came
// before an error is handed out first; after it there is no more.
func (r *Reader) Next(ctx context.Context, b *importer.Batch) (importer.Item, error) {
	if r.fail != nil {
		return importer.Item{}, r.fail
	}
	r.item, r.itemSize = importer.Item{}, 0
	r.last.from = -1
	r.series.begin()
	b.Reset()
	if b.Text == nil {
		b.Text = make([]byte, 0, min(r.cfg.BatchBytes, 4*DefaultBatchBytes))
	}
	if err := r.fill(ctx, b); err != nil {
		r.fail = err
		if b.Points == 0 && len(r.item.Rejects)+len(r.item.Statements) == 0 {
			return importer.Item{}, err
		}
		b.Mark = r.markBehind(b)
	}
	r.cfg.Progress.Points.Add(int64(b.Points))
	item := r.item
	r.item = importer.Item{}
	return item, nil
}

// fill takes tokens until the batch ends, and marks where.
func (r *Reader) fill(ctx context.Context, b *importer.Batch) error {
	if err := r.verify(ctx); err != nil {
		return err
	}
	if r.text != nil {
		r.text.use(ctx)
	}
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if r.text == nil {
			if r.at == len(r.inputs) {
				return io.EOF
			}
			if err := r.openInput(ctx); err != nil {
				return err
			}
		}
		b.Input = r.inputs[r.at].path
		if !r.advance() {
			if err := r.endInput(b); err != nil {
				return err
			}
			if b.Mark != nil {
				return nil
			}
			continue
		}
		tok := r.scan.Token()
		taken, err := r.take(b, tok)
		if err != nil {
			return err
		}
		if !taken {
			r.held = true
			b.Mark = r.markAt(tok.Line, tok.Offset)
			return nil
		}
		r.last.line, r.last.offset, r.last.end = tok.Line, tok.Offset, tok.End
		r.last.single = tok.Kind != lineprotocol.PointToken
	}
}

// advance goes to the next token, unless there is one that was not taken.
func (r *Reader) advance() bool {
	if r.held {
		r.held = false
		return true
	}
	if r.state.section == inDDL {
		return r.scan.NextLine()
	}
	return r.scan.Next()
}

// openInput opens the next input, at the place where a run before ended or at its start.
func (r *Reader) openInput(ctx context.Context) error {
	in := r.inputs[r.at]
	t, err := in.open(r.cfg.Stdin, r.read)
	if err != nil {
		return err
	}
	r.text = t
	t.use(ctx)
	line, offset := int64(1), int64(0)
	r.state = state{}
	if m := r.resume; m != nil {
		r.resume = nil
		if err := t.skip(ctx, m.Offset, m.Sum); err != nil {
			return err
		}
		r.state, line, offset = m.state(), m.Line, m.Offset
	}
	if offset == 0 {
		offset = t.skipMark()
	}
	r.scan.Reset(t, line, offset)
	r.last = last{line: line, offset: offset, end: offset, from: -1}
	r.replace()
	return nil
}

// endInput ends an input that has no more tokens, and with it the batch if it holds
// anything.
func (r *Reader) endInput(b *importer.Batch) error {
	if err := r.scan.Err(); err != nil {
		return err
	}
	err := r.text.close()
	r.text = nil
	r.at++
	if err != nil {
		return err
	}
	if b.Points > 0 || len(r.item.Rejects)+len(r.item.Statements) > 0 {
		b.Mark = mark{Input: r.at, Line: 1, Skipped: r.skipped}
	}
	return nil
}

// replace says anew where points belong.
func (r *Reader) replace() {
	r.place = r.cfg.Mapping.Place(r.state.place(&r.cfg, r.inputs[r.at]))
}

// take takes a token. It is false where the batch has to end in front of it.
func (r *Reader) take(b *importer.Batch, tok *lineprotocol.Token) (bool, error) {
	r.last.from = -1
	switch {
	case isComment(tok):
		r.comment(tok)
		return true, nil
	case r.state.section == inDDL:
		return r.statement(b, tok)
	case r.state.section == inHead && startsDDL(tok):
		taken, err := r.statement(b, tok)
		if taken {
			r.state.section = inDDL
		}
		return taken, err
	}
	r.state.section = inPoints
	if r.place.Database == "" {
		return false, noDatabase(r.inputs[r.at], tok.Line)
	}
	if tok.Kind != lineprotocol.PointToken {
		return r.reject(tok, tok.Err.Error()), nil
	}
	return r.point(b, tok)
}

// maxItem bounds statements and rejects of one item.
const (
	maxItem      = 1000
	maxItemBytes = 1 << 20
)

// itemFull reports whether one more does not fit.
func (r *Reader) itemFull() bool {
	return len(r.item.Statements)+len(r.item.Rejects) >= maxItem || r.itemSize >= maxItemBytes
}

// statement takes a line of a DDL section. What is to be run before the points behind it
// must not come with those in front of it.
func (r *Reader) statement(b *importer.Batch, tok *lineprotocol.Token) (bool, error) {
	in := r.inputs[r.at]
	text, err := statement(in, tok)
	if err != nil || text == "" || tok.Offset < in.surveyed {
		return err == nil, err
	}
	if b.Points > 0 || len(r.item.Rejects) > 0 || r.itemFull() {
		return false, nil
	}
	r.item.Statements = append(r.item.Statements, text)
	r.itemSize += len(text)
	return true, nil
}

// maxRejectText is how much of a line that is no point is kept.
const maxRejectText = 64 << 10

// kept begins a line that is kept as a comment, and that must not say anything as one.
const kept = "## "

// reject takes a line that is no point, or a point that no server would take.
func (r *Reader) reject(tok *lineprotocol.Token, reason string) bool {
	if r.itemFull() {
		return false
	}
	text := slices.Clone(tok.Text[:min(len(tok.Text), maxRejectText)])
	switch {
	case tok.Kind == lineprotocol.BadToken && tok.End-tok.Offset > maxRejectText+1:
		// The rest of such a line might have been what was wrong with it, so that its
		// beginning must not pass for a point when the rejects are read again.
		text = append([]byte(kept), text...)
		reason += "; only the first 64 KiB of the line are kept, as a comment"
	case tok.Kind == lineprotocol.BadToken && r.unit != 1:
		reason += "; a time in it is not in ns but in " + r.cfg.Precision
	case tok.Kind != lineprotocol.BadToken:
		text = r.refusedPoint(tok)
	}
	r.item.Rejects = append(r.item.Rejects, importer.Reject{
		Place: r.place, Input: r.inputs[r.at].path, Line: tok.Line, Text: text, Reason: reason,
	})
	r.itemSize += len(text)
	return true
}

// refusedPoint gives the text of a point for the rejects, with its time in nanoseconds, as
// whoever reads them again takes it. Where that cannot be the point becomes a comment:
// it would be another one.
func (r *Reader) refusedPoint(tok *lineprotocol.Token) []byte {
	if r.unit == 1 {
		return slices.Clone(tok.Text)
	}
	t := r.now
	if len(tok.Time) > 0 {
		var err error
		if t, err = lineprotocol.ParseTime(tok.Time, r.unit); err != nil {
			return append([]byte(kept), bytes.ReplaceAll(tok.Text, []byte{'\n'}, []byte("\n"+kept))...)
		}
	}
	return strconv.AppendInt(slices.Concat(tok.Key, []byte{' '}, tok.Fields, []byte{' '}), t, 10)
}

// Skipped counts what was left out so far, since the very start for a run that was
// carried on.
func (r *Reader) Skipped() Skipped { return r.skipped }

// Close ends reading. A read of Stdin that waits for more is left behind; it ends with
// what it waits for.
func (r *Reader) Close() error {
	if r.fail == nil || errors.Is(r.fail, io.EOF) {
		r.fail = errClosed
	}
	if r.text == nil {
		return nil
	}
	t := r.text
	r.text = nil
	return t.close()
}
