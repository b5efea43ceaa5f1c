// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"bytes"
	"hash/maphash"
	"strconv"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
)

// timeDigits is what a time and the blank in front of it may add to a line.
const timeDigits = 21

// point takes a point. It is false where it has to begin the next batch.
func (r *Reader) point(b *importer.Batch, tok *lineprotocol.Token) (bool, error) {
	if b.Points > 0 && (b.Points >= r.cfg.BatchPoints || len(b.Text)+len(tok.Text)+timeDigits >= r.cfg.BatchBytes || b.Place != r.place) {
		return false, nil
	}
	t := r.now
	if len(tok.Time) > 0 {
		var err error
		if t, err = lineprotocol.ParseTime(tok.Time, r.unit); err != nil {
			return r.reject(tok, err.Error()), nil
		}
	}
	if !r.window.Contains(t) {
		r.skipped.OutsideWindow++
		return true, nil
	}
	s := &r.series
	if !bytes.Equal(tok.Key, s.key) {
		s.set(tok.Key)
		s.taken = r.cfg.Selection == nil || r.cfg.Selection.Series(s.key)
		s.bad = ""
		if r.cfg.Check {
			if err := lineprotocol.CheckKey(s.key); err != nil {
				s.bad = err.Error()
			}
		}
	}
	if !s.taken {
		r.skipped.OtherSeries++
		return true, nil
	}
	if s.bad != "" {
		return r.reject(tok, s.bad), nil
	}
	from := len(b.Text)
	taken, err := r.appendPoint(b, tok, t)
	if err != nil {
		return r.reject(tok, err.Error()), nil
	}
	if !taken {
		r.skipped.NoField++
		return true, nil
	}
	if b.Points == 0 {
		b.Place = r.place
	}
	b.Points++
	b.Lines = append(b.Lines, tok.Line)
	b.Span.Min, b.Span.Max = min(b.Span.Min, t), max(b.Span.Max, t)
	s.extend(b, tok.Fields, t)
	r.last.from = from
	return true, nil
}

// appendPoint appends the text of a point: as it is where nothing of it has to change.
// It is false where no field is left.
func (r *Reader) appendPoint(b *importer.Batch, tok *lineprotocol.Token, t int64) (bool, error) {
	same := r.unit == 1 && len(tok.Time) > 0
	if r.cfg.Check || r.cfg.Selection != nil && r.cfg.Selection.HasFieldFilter() {
		var err error
		if r.fields, err = lineprotocol.ParseFields(r.fields, tok.Fields); err != nil {
			return false, err
		}
		all, some := r.chooseFields()
		if !some {
			return false, nil
		}
		if !all {
			r.skipped.CutPoints++
			b.Text = r.appendFields(append(b.Text, tok.Key...))
			b.Text = appendTime(b.Text, t)
			return true, nil
		}
	}
	if same {
		b.Text = append(append(b.Text, tok.Text...), '\n')
		return true, nil
	}
	b.Text = append(append(append(b.Text, tok.Key...), ' '), tok.Fields...)
	b.Text = appendTime(b.Text, t)
	return true, nil
}

// chooseFields marks the fields that are not to be taken, by a key of nil.
func (r *Reader) chooseFields() (all, some bool) {
	all = true
	if r.cfg.Selection == nil || !r.cfg.Selection.HasFieldFilter() {
		return true, true
	}
	for i := range r.fields {
		f := &r.fields[i]
		name := f.Key
		if bytes.IndexByte(name, '\\') >= 0 {
			name = []byte(lineprotocol.UnescapeField(name))
		}
		if r.cfg.Selection.Field(name) {
			some = true
		} else {
			f.Key, all = nil, false
		}
	}
	return all, some
}

// appendFields appends the fields that were chosen, as they were written.
func (r *Reader) appendFields(dst []byte) []byte {
	sep := byte(' ')
	for i := range r.fields {
		if f := &r.fields[i]; f.Key != nil {
			dst = append(dst, sep)
			dst = append(append(append(dst, f.Key...), '='), f.Value...)
			sep = ','
		}
	}
	return dst
}

func appendTime(dst []byte, t int64) []byte {
	return append(strconv.AppendInt(append(dst, ' '), t, 10), '\n')
}

// series is the series of the point before, so that what is known of it is not found
// out again for each point.
type series struct {
	key   []byte
	hash  uint64
	taken bool
	bad   string // why the key is none; only looked at with Config.Check

	open  bool   // the batch's last stretch is of this series
	field []byte // the only field of that stretch, where it has one
	buf   []byte
}

// begin starts a batch.
func (s *series) begin() { s.open = false }

func (s *series) set(key []byte) {
	s.key = append(s.key[:0], key...)
	s.hash = s.sum(key)
	s.open = false
}

// hashSeed is the same for all readers of a process.
var hashSeed = maphash.MakeSeed()

// sum gives the same number for keys that a server may take for the same series: with
// tags in another order, and with backslashes that are not needed.
func (s *series) sum(key []byte) uint64 {
	if bytes.IndexByte(key, '\\') >= 0 {
		return s.sumEscaped(key)
	}
	h := uint64(0)
	for {
		i := bytes.IndexByte(key, ',')
		if i < 0 {
			return nonZero(h + maphash.Bytes(hashSeed, key))
		}
		h += maphash.Bytes(hashSeed, key[:i])
		key = key[i+1:]
	}
}

func (s *series) sumEscaped(key []byte) uint64 {
	h, tags := uint64(0), key
	measurement, tags := point.SplitSeries(tags)
	h += maphash.Bytes(hashSeed, s.bare(measurement))
	for {
		k, v, rest, ok := point.NextTag(tags)
		if !ok {
			return nonZero(h)
		}
		tag := tags[1 : 1+len(k)]
		if v != nil {
			tag = tags[1 : 2+len(k)+len(v)]
		}
		h += maphash.Bytes(hashSeed, s.bare(tag))
		tags = rest
	}
}

// bare drops backslashes.
func (s *series) bare(b []byte) []byte {
	s.buf = s.buf[:0]
	for _, c := range b {
		if c != '\\' {
			s.buf = append(s.buf, c)
		}
	}
	return s.buf
}

func nonZero(h uint64) uint64 { return max(h, 1) }

// extend adds a point to the batch's stretches.
func (s *series) extend(b *importer.Batch, fields []byte, t int64) {
	n := len(b.Stretches)
	if s.open {
		last := &b.Stretches[n-1]
		if last.Field == 0 || onlyField(fields, s.field) {
			last.Span.Min, last.Span.Max = min(last.Span.Min, t), max(last.Span.Max, t)
			return
		}
	}
	next := importer.Stretch{Series: s.hash, Span: point.TimeRange{Min: t, Max: t}}
	if key := fieldKey(fields); key != nil && isOnly(fields[len(key)+1:]) {
		s.field = append(s.field[:0], fields[:len(key)+1]...)
		next.Field = nonZero(maphash.Bytes(hashSeed, s.bare(key)))
	}
	b.Stretches = append(b.Stretches, next)
	s.open = true
}

// onlyField reports whether fields are one, that begins with key and its equals sign.
func onlyField(fields, key []byte) bool {
	return bytes.HasPrefix(fields, key) && isOnly(fields[len(key):])
}

// fieldKey gives the key of the first field, as written; nil where there is none.
func fieldKey(fields []byte) []byte {
	for from := 0; ; {
		i := bytes.IndexByte(fields[from:], '=')
		if i < 0 {
			return nil
		}
		i += from
		if i == 0 || fields[i-1] != '\\' {
			return fields[:i]
		}
		from = i + 1
	}
}

// isOnly reports whether a value is the only one of its point. In doubt it is not.
func isOnly(value []byte) bool {
	if len(value) == 0 || value[0] != '"' {
		return bytes.IndexByte(value, ',') < 0
	}
	for i := 1; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case '"':
			return i == len(value)-1
		}
	}
	return false
}
