// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"errors"
	"hash/maphash"
	"slices"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
)

// Why lines cannot be counted: they were not checked before.
var (
	errNoKey   = errors.New("a line has no fields behind its key")
	errNoField = errors.New("the fields of a line are not key=value")
	errNoTime  = errors.New("a line has no time in nanoseconds")
)

// walker goes over lines of one place. Consecutive lines of one series cost a comparison
// of their keys, fields that come in the order of the columns one of their names.
type walker struct {
	c    *Counter
	p    *place
	make bool // measurements and columns that are not known yet
	keep bool // what is needed to compare values: canon and values

	key    []byte // of the series at hand, copied
	m      *measurement
	series uint64 // hash of place and series

	time int64
	hits []int32 // columns of the line at hand, each once

	canon  uint64   // hash of the series whatever its escapes
	values [][]byte // of hits, as written; they alias the line
	buf    []byte   // text of a string
}

// enter goes on with lines of another place.
func (w *walker) enter(p *place) {
	if w.p != p {
		w.p, w.m, w.key = p, nil, w.key[:0]
	}
}

// next takes the line at the start of b apart, and gives what follows it. Of a
// measurement that is not known, and shall not be made, m is nil.
func (w *walker) next(b []byte) ([]byte, error) {
	n := len(w.key)
	if n == 0 || len(b) <= n || b[n] != ' ' || !bytes.Equal(b[:n], w.key) {
		if n = point.IndexUnescaped(b, ' '); n == 0 || n == len(b) {
			return nil, errNoKey
		}
		w.enterSeries(b[:n])
	}
	b = b[n:]
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == 0) {
		b = b[1:]
	}
	b, err := w.fields(b)
	if err != nil {
		return nil, err
	}
	return w.readTime(b)
}

// each takes the lines of one measurement apart, but for excluded ones.
func (w *walker) each(lines []byte, m *measurement, take func() error) error {
	for len(lines) > 0 {
		rest, err := w.next(lines)
		if err != nil {
			return err
		}
		line := lines[:len(lines)-len(rest)]
		lines = rest
		if w.m != m || w.c.isExcluded(w, line) {
			continue
		}
		if err := take(); err != nil {
			return err
		}
	}
	return nil
}

// enterSeries goes on with another series key.
func (w *walker) enterSeries(key []byte) {
	w.key = append(w.key[:0], key...)
	raw, tags := point.SplitSeries(w.key)
	m := w.p.measurements[string(raw)]
	if m == nil && w.make {
		m = w.c.addMeasurement(w.p, raw)
	}
	w.m = m
	if w.keep {
		w.canon = hashSeries(w.c.seed, raw, tags)
	}
	w.series = w.p.hash ^ maphash.Bytes(w.c.seed, raw)
	// Tags may come in any order: a sum does not see it.
	for len(tags) > 0 {
		end := point.IndexUnescaped(tags[1:], ',') + 1
		w.series += maphash.Bytes(w.c.seed, tags[:end])
		tags = tags[end:]
	}
}

// fields finds the columns of the fields at the start of b.
func (w *walker) fields(b []byte) ([]byte, error) {
	w.c.line++
	w.hits, w.values = w.hits[:0], w.values[:0]
	at := 0 // the column that is expected
	for {
		n := -1
		if w.m != nil && at < len(w.m.columns) {
			if raw := w.m.columns[at].raw; len(b) > len(raw) && b[len(raw)] == '=' && string(b[:len(raw)]) == raw {
				n = len(raw)
			}
		}
		found := n >= 0
		if !found {
			n = point.IndexUnescaped(b, '=')
		}
		if n == 0 || n+1 >= len(b) {
			return nil, errNoField
		}
		kind := classOf(b[n+1])
		if !found || w.m.columns[at].class != kind {
			at = w.column(b[:n], kind)
		}
		b = b[n+1:]
		if n = valueEnd(b, kind); n == 0 {
			return nil, errNoField
		}
		if at >= 0 {
			w.hit(at, b[:n])
		}
		at++
		b = b[n:]
		if len(b) == 0 || b[0] != ',' {
			return b, nil
		}
		b = b[1:]
	}
}

// hit notes the value of a column. Of a field that stands there twice the last one counts.
func (w *walker) hit(at int, value []byte) {
	c := &w.m.columns[at]
	if c.line != w.c.line {
		c.line = w.c.line
		w.hits = append(w.hits, int32(at)) //nolint:gosec // columns are limited
		if w.keep {
			w.values = append(w.values, value)
		}
	} else if w.keep {
		w.values[slices.Index(w.hits, int32(at))] = value //nolint:gosec // columns are limited
	}
}

// form gives the form of the i-th value of the line; it is valid until the next call.
func (w *walker) form(i int) (form, error) {
	return formOf(w.values[i], w.m.columns[w.hits[i]].class, &w.buf)
}

// column finds a column by its field key as written; -1 where it is not to be counted.
func (w *walker) column(raw []byte, kind class) int {
	if w.m == nil {
		if w.make {
			w.c.uncounted++
		}
		return -1
	}
	i := w.m.lookup(raw, kind)
	if i < 0 && w.make {
		i = w.c.addColumn(w.m, raw, kind)
	} else if i < 0 {
		i = w.m.otherSpelling(raw, kind)
	}
	return int(i)
}

// valueEnd gives the length of the value at the start of b.
func valueEnd(b []byte, kind class) int {
	if kind == text {
		return textEnd(b)
	}
	for i, c := range b {
		if c == ',' || c == ' ' || c == '\n' {
			return i
		}
	}
	return len(b)
}

// textEnd is valueEnd of a string, which starts with a quote.
func textEnd(b []byte) int {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ',', ' ', '\n':
			if !quoted {
				return i
			}
		}
	}
	return len(b)
}

// readTime reads the time at the start of b, up to the line feed.
func (w *walker) readTime(b []byte) ([]byte, error) {
	i := 0
	for i < len(b) && b[i] == ' ' || i < len(b) && b[i] == '\t' {
		i++
	}
	start := i
	for i < len(b) && b[i] != '\n' && b[i] != ' ' {
		i++
	}
	var err error
	if w.time, err = lineprotocol.ParseTime(b[start:i], 1); err != nil {
		return nil, errors.Join(errNoTime, err)
	}
	for i < len(b) && b[i] == ' ' {
		i++
	}
	if i == len(b) {
		return nil, nil
	}
	if b[i] != '\n' {
		return nil, errNoTime
	}
	return b[i+1:], nil
}
