// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"errors"

	"github.com/shardlift/shardlift/point"
)

var (
	errMore    = errors.New("more of the text is needed")
	errDangles = errors.New("a backslash at the end of the line swallows the line feed")
)

// walk finds the end and the parts of the point at the start of a text, of which more
// may come: it carries on where it stopped. Offsets count from the start of the text.
//
// A server reads a line twice. When it looks for the end of the line a backslash takes the
// next byte with it, and quotes mean something behind the first blank, where there
// are more equals signs than commas. When it takes the line apart, a blank ends the key
// unless a backslash stands right before. Only behind two backslashes do the two find
// different blanks; such a point is odd.
type walk struct {
	at        int // the next byte to look at
	key       int // length of the key; 0 as long as it is not known
	from, end int // of the fields; end is 0 as long as it is not known
	surplus   int // equals signs less commas
	fields    bool
	quoted    bool
	closed    bool // a string has just ended
	loose     bool // a string does not fill its value
	lines     bool // a line feed was passed
	odd       bool
}

// point looks for the end of the point: the place of its line feed, or len(b) with final
// set. Its error is errMore where b does not hold all of it, or else why it is none.
func (w *walk) point(b []byte, final bool) (n int, err error) {
	if w.key == 0 && !w.odd {
		if err := w.findKey(b, final); err != nil {
			return 0, err
		}
	}
	if w.odd {
		return w.oddEnd(b, final)
	}
	if w.from == 0 {
		for w.at < len(b) && isBlank(b[w.at]) {
			w.at++
		}
		if w.at == len(b) && !final {
			return 0, errMore
		}
		w.from = w.at
	}
	if w.end == 0 {
		if err := w.findEnd(b, final); err != nil {
			return 0, err
		}
	}
	return w.lineFeed(b, final)
}

// short is what a walk gives at the end of b.
func short(final bool, err error) error {
	if final {
		return err
	}
	return errMore
}

// findKey looks for the blank that ends the key.
func (w *walk) findKey(b []byte, final bool) error {
	for ; w.at < len(b); w.at++ {
		if w.at > maxKey {
			return errKeyTooLong
		}
		switch b[w.at] {
		case '\\':
			if w.at+1 == len(b) {
				return short(final, errNoFields)
			}
			w.at++
			w.lines = w.lines || b[w.at] == '\n'
		case '\n':
			return errNoFields
		case ' ':
			if b[w.at-1] == '\\' {
				*w = walk{odd: true}
			} else {
				w.key = w.at
			}
			return nil
		}
	}
	return short(final, errNoFields)
}

// findEnd looks for the blank or the line feed that ends the fields.
func (w *walk) findEnd(b []byte, final bool) error {
	for w.at < len(b) {
		if w.quoted {
			if !w.string(b) {
				return short(final || w.loose && w.lines, errQuotes)
			}
			continue
		}
		if w.closed || w.at == w.from {
			c := b[w.at]
			w.loose = w.loose || w.closed && c != ',' && c != ' ' && c != '\n'
			w.closed = false
			w.jump(b)
		}
		if w.loose && w.lines {
			return errQuotes // a bare quote, or something behind the string
		}
		switch c := b[w.at]; c {
		case ' ', '\n':
			w.end = w.at
			return nil
		case '=':
			w.surplus++
		case ',':
			w.surplus--
		case '"':
			if w.surplus > 0 {
				w.quoted = true
				w.loose = w.loose || b[w.at-1] != '='
			}
		case '\\':
			if w.at+1 == len(b) {
				return short(final, errDangles)
			}
			w.at++
			w.lines = w.lines || b[w.at] == '\n'
		}
		w.at++
	}
	if !final || w.quoted || w.loose && w.lines {
		return short(final, errQuotes)
	}
	w.end = w.at
	return nil
}

// jump goes over a long run of values without strings at once.
func (w *walk) jump(b []byte) {
	b = b[w.at:]
	n := bytes.IndexByte(b, '\n')
	if n < longRun {
		return
	}
	if i := bytes.IndexByte(b[:n], '"'); i >= 0 {
		n = i
	}
	if n < longRun || bytes.IndexByte(b[:n], '\\') >= 0 {
		return
	}
	if i := bytes.IndexByte(b[:n], ' '); i >= 0 {
		n = i
	}
	w.surplus += bytes.Count(b[:n], equalsSign) - bytes.Count(b[:n], comma)
	w.at += n
}

const longRun = 32

var equalsSign, comma = []byte{'='}, []byte{','}

// string goes to the byte behind the quote that ends the string, and reports whether
// it is there.
func (w *walk) string(b []byte) bool {
	start := w.at
	for {
		q := bytes.IndexByte(b[w.at:], '"')
		end := w.at + q
		if q < 0 {
			end = len(b)
		}
		for w.at <= end {
			i := bytes.IndexByte(b[w.at:end], '\\')
			if i < 0 {
				break
			}
			if w.at+i+1 == len(b) {
				w.at += i
				end = w.at // comes again together with its byte
				q = -1
				break
			}
			w.at += i + 2
		}
		if w.at > end {
			continue // that quote was escaped
		}
		w.at = end
		w.lines = w.lines || bytes.IndexByte(b[start:end], '\n') >= 0
		if q < 0 {
			return false
		}
		w.at++
		w.quoted, w.closed = false, true
		return true
	}
}

// lineFeed goes from the end of the fields to the line feed.
func (w *walk) lineFeed(b []byte, final bool) (int, error) {
	w.at = max(w.at, w.end)
	i := bytes.IndexByte(b[w.at:], '\n')
	if i < 0 {
		w.at = len(b)
		return w.at, short(final, nil)
	}
	w.at += i
	return w.at, nil
}

// oddEnd looks for the end of an odd point, byte by byte.
func (w *walk) oddEnd(b []byte, final bool) (int, error) {
	for ; w.at < len(b); w.at++ {
		switch c := b[w.at]; {
		case c == '\\':
			if w.at+1 == len(b) {
				return w.at, short(final, errDangles)
			}
			w.at++
		case c == '\n' && !w.quoted:
			return w.at, nil
		case c == ' ':
			w.fields = true
		case !w.fields || w.quoted && c != '"':
		case c == '=':
			w.surplus++
		case c == ',':
			w.surplus--
		case c == '"' && w.surplus > 0:
			w.quoted = !w.quoted
		}
	}
	if w.quoted {
		return w.at, short(final, errQuotes)
	}
	return w.at, short(final, nil)
}

// split finds the key and the fields of an odd point, which is b: it is then no longer
// odd.
func (w *walk) split(b []byte) {
	w.key = point.IndexUnescaped(b, ' ')
	w.from = w.key + blanks(b[w.key:])
	f := walk{at: w.from}
	if f.findEnd(b, true) != nil {
		f.end = len(b)
	}
	w.end = f.end
	w.lines = true // what is odd is checked in full
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == 0 }

// blanks counts the blanks, tabs and NULs at the start of b.
func blanks(b []byte) int {
	for i, c := range b {
		if !isBlank(c) {
			return i
		}
	}
	return len(b)
}
