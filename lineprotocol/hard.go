// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import "bytes"

// toil keeps what is spent on points that turn out to be none within bounds. In a text
// made for that, every line could begin something long that fails late.
type toil struct {
	spent int64 // bytes walked over in vain
	until int64 // lines before this offset are bad, all of them
	why   error
}

// freeToil is what may be spent in any case, and toilRate what may be spent for each byte
// of the input. Damage that happens by accident stays far below.
const (
	freeToil = 4 * MaxPoint
	toilRate = 4
)

// inVain notes that the point at offset failed after n bytes.
func (t *toil) inVain(offset int64, n int, why error) {
	t.spent += int64(n)
	if t.spent > freeToil+toilRate*offset {
		t.until, t.why = offset+int64(n), why
	}
}

// hard makes a token of any point, or of a bad line.
func (s *Scanner) hard() bool {
	offset := s.base + int64(s.pos)
	if offset < s.toil.until {
		return s.physical(BadToken, s.toil.why)
	}
	var w walk
	w.key = s.sameKey(s.buf[s.pos:s.end])
	w.at = w.key
	for {
		b := s.buf[s.pos:s.end]
		n, err := w.point(b, s.atEOF())
		if err == errMore { //nolint:errorlint // a sign, and never wrapped
			if len(b) <= MaxPoint && (s.fill() || s.atEOF()) {
				continue
			}
			if len(b) <= MaxPoint {
				return s.fail()
			}
			err = ErrTooLong
		}
		var t Token
		if err == nil {
			t, err = s.parts(b[:n:n], &w)
		}
		if err != nil {
			s.toil.inVain(offset, w.at, err)
			return s.physical(BadToken, reason(b, w.lines || w.quoted, err))
		}
		s.emit(&t, n)
		if w.lines {
			s.line += int64(bytes.Count(s.tok.Text, lineFeed))
		}
		return true
	}
}

var lineFeed = []byte{'\n'}

// parts makes a token of the point b, which w went over.
func (s *Scanner) parts(b []byte, w *walk) (t Token, err error) {
	if len(b) > MaxPoint {
		return t, ErrTooLong
	}
	if w.odd {
		w.split(b)
	}
	t = Token{Kind: PointToken, Key: b[:w.key:w.key], Fields: b[w.from:w.end:w.end]}
	if b[0] == ',' {
		return t, ErrNoMeasurement
	}
	if w.from == len(b) {
		return t, errNoFields
	}
	if t.Time, err = splitTime(b[w.end:]); err != nil {
		return t, err
	}
	if b[len(b)-1] == '\r' {
		return t, ErrCarriageReturn
	}
	if w.lines {
		err = s.check(&t)
	} else if bytes.IndexByte(t.Fields, '=') < 0 {
		err = errFieldFormat
	}
	if err == nil && !w.odd {
		s.key = append(s.key[:0], t.Key...)
	}
	return t, err
}

// check checks a point in full, but for the size of its time.
func (s *Scanner) check(t *Token) error {
	err := CheckKey(t.Key)
	if err != nil {
		return err
	}
	if s.fields, err = ParseFields(s.fields, t.Fields); err != nil {
		return err
	}
	for i := range s.fields {
		if len(t.Key)+keyJoint+len(s.fields[i].Key) > maxKey {
			return errFieldTooLong
		}
	}
	return nil
}

// reason gives what a person should know of the first line of b, which is bad. Where
// it tried to go on over its line feed, that is what is wrong with it.
func reason(b []byte, over bool, why error) error {
	i := bytes.IndexByte(b, '\n')
	switch {
	case i < 0:
		return why
	case i > 0 && b[i-1] == '\r':
		return ErrCarriageReturn
	case over && danglingBackslash(b[:i]):
		return errDangles
	case over && i <= MaxPoint:
		return errQuotes
	}
	return why
}

// AppendEnds appends to dst, for each point of text, the offset behind its line feed. The
// text must be whole points that a Scanner found good, one behind the other.
func AppendEnds(dst []int, text []byte) []int {
	for from := 0; from < len(text); {
		b := text[from:]
		n := bytes.IndexByte(b, '\n')
		if n < 0 {
			n = len(b)
		}
		if bytes.IndexByte(b[:n], '"') >= 0 || bytes.IndexByte(b[:n], '\\') >= 0 {
			var w walk
			if end, err := w.point(b, true); err == nil {
				n = end
			}
		}
		from = min(from+n+1, len(text))
		dst = append(dst, from)
	}
	return dst
}
