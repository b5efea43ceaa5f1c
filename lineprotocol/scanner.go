// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"errors"
	"io"
)

// readSize is how much is asked of the reader at a time.
const readSize = 1 << 20

// Scanner finds the points of a text that comes in pieces. It belongs to one goroutine.
//
// A point ends where a server ends it: at the first line feed that neither stands in a
// string nor behind a backslash. A line that is no point comes as a BadToken, and
// scanning goes on with the next physical line, so that an unclosed string costs its
// own line only.
type Scanner struct {
	r   io.Reader
	err error // of r; io.EOF at its end

	buf      []byte
	pos, end int // of what is read and not handed out

	line, offset int64 // of buf[pos]
	tok          Token
	fields       []Field
}

// NewScanner gives a Scanner for all that r holds.
func NewScanner(r io.Reader) *Scanner {
	s := &Scanner{}
	s.Reset(r, 1, 0)
	return s
}

// Reset goes on with r, whose first byte has the given line number, from 1, and offset
// in the whole input. Nothing of the reader before is kept but the buffer.
func (s *Scanner) Reset(r io.Reader, line, offset int64) {
	*s = Scanner{r: r, buf: s.buf, fields: s.fields, line: line, offset: offset}
}

// Token gives what Next or NextLine found. It is valid until their next call.
func (s *Scanner) Token() *Token { return &s.tok }

// Err gives the error of the reader, unless that was io.EOF. A line that the error cut
// is not handed out.
func (s *Scanner) Err() error {
	if errors.Is(s.err, io.EOF) {
		return nil
	}
	return s.err
}

// fill reads more, and reports whether anything came.
func (s *Scanner) fill() bool {
	if s.err != nil {
		return false
	}
	if s.pos > 0 && len(s.buf)-s.end < readSize {
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos = 0
	}
	if len(s.buf)-s.end < readSize {
		s.buf = append(s.buf, make([]byte, max(len(s.buf), 2*readSize))...)
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end : s.end+readSize])
		s.end += n
		s.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// done reports whether nothing comes any more.
func (s *Scanner) done() bool { return errors.Is(s.err, io.EOF) }

// skip passes over n bytes, which hold no line feed.
func (s *Scanner) skip(n int) {
	s.pos += n
	s.offset += int64(n)
}

// Next goes to the next point, comment or bad line. Blank lines are passed over, and so
// are blanks at the start of a line. It is false at the end, or when the reader failed.
func (s *Scanner) Next() bool {
	for {
		if s.pos == s.end && !s.fill() {
			return false
		}
		switch s.buf[s.pos] {
		case ' ', '\t', 0:
			s.skip(1)
		case '\n':
			s.skip(1)
			s.line++
		case '#':
			return s.physical(CommentToken, nil)
		default:
			return s.point()
		}
	}
}

// NextLine goes to the next physical line as it stands, blank or not: for texts in which
// quotes mean nothing, such as statements.
func (s *Scanner) NextLine() bool {
	if s.pos == s.end && !s.fill() {
		return false
	}
	return s.physical(LineToken, nil)
}

// physical makes a token of the physical line at hand.
func (s *Scanner) physical(kind TokenKind, err error) bool {
	for from := 0; ; {
		n := bytes.IndexByte(s.buf[s.pos+from:s.end], '\n')
		switch {
		case n >= 0:
			return s.token(Token{Kind: kind, Err: err}, from+n)
		case s.end-s.pos > MaxPoint:
			return s.long(kind)
		}
		from = s.end - s.pos
		if s.fill() {
			continue
		}
		return s.done() && s.token(Token{Kind: kind, Err: err}, from)
	}
}

// token hands out t, whose text is the next n bytes. What stands behind them is a line
// feed or the end.
func (s *Scanner) token(t Token, n int) bool {
	t.Text = s.buf[s.pos : s.pos+n : s.pos+n]
	t.Line, t.Offset = s.line, s.offset
	s.skip(n)
	s.line += int64(bytes.Count(t.Text, []byte{'\n'}))
	if s.pos < s.end {
		s.skip(1)
		s.line++
	}
	t.End = s.offset
	s.tok = t
	return true
}

// long hands out the beginning of a physical line that is too long, and passes over
// the rest of it.
func (s *Scanner) long(kind TokenKind) bool {
	if kind == PointToken {
		kind = BadToken
	}
	t := Token{Kind: kind, Err: ErrTooLong, Text: bytes.Clone(s.buf[s.pos : s.pos+MaxPoint]), Line: s.line, Offset: s.offset}
	for {
		n := bytes.IndexByte(s.buf[s.pos:s.end], '\n')
		if n >= 0 {
			s.skip(n + 1)
			s.line++
			break
		}
		s.skip(s.end - s.pos)
		if !s.fill() {
			if !s.done() {
				return false
			}
			break
		}
	}
	t.End = s.offset
	s.tok = t
	return true
}

// point makes a token of the point at hand.
func (s *Scanner) point() bool {
	for {
		text := s.buf[s.pos:s.end]
		n, ok := lineEnd(text)
		if !ok && len(text) <= MaxPoint && s.fill() {
			continue
		}
		if !ok && s.err != nil && !s.done() {
			return false
		}
		var t Token
		err := ErrTooLong
		if n <= MaxPoint {
			t, err = s.split(text[:n])
		}
		if err != nil {
			return s.physical(BadToken, err)
		}
		return s.token(t, n)
	}
}

// lineEnd gives the place of the line feed that ends the point at the start of b, or
// len(b) with false where there is none: quotes count behind the first blank, and only
// where there are more equals signs than commas.
func lineEnd(b []byte) (n int, ok bool) {
	fields, quoted := false, false
	surplus := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '\n':
			if !quoted {
				return i, true
			}
		case ' ':
			fields = true
		case '=':
			if fields && !quoted {
				surplus++
			}
		case ',':
			if fields && !quoted {
				surplus--
			}
		case '"':
			if fields && surplus > 0 {
				quoted = !quoted
			}
		}
	}
	return len(b), false
}

// split finds the parts of a point. One that spans several lines is checked in full.
func (s *Scanner) split(b []byte) (Token, error) {
	t := Token{Kind: PointToken}
	if b[len(b)-1] == '\r' {
		return t, ErrCarriageReturn
	}
	if b[0] == ',' {
		return t, ErrNoMeasurement
	}
	key := bareIndex(b, ' ')
	from := key + blanks(b[key:])
	if from == len(b) {
		return t, errNoFields
	}
	to := from + fieldsEnd(b[from:])
	t.Key, t.Fields = b[:key:key], b[from:to:to]
	var err error
	if t.Time, err = splitTime(b[to:]); err != nil {
		return t, err
	}
	if bytes.IndexByte(b, '\n') >= 0 || b[len(b)-1] == '\\' {
		return t, s.check(&t)
	}
	if bytes.IndexByte(t.Fields, '=') < 0 {
		return t, errFieldFormat
	}
	return t, nil
}

// check checks a point in full, but for the size of its time.
func (s *Scanner) check(t *Token) error {
	if err := CheckKey(t.Key); err != nil {
		return err
	}
	var err error
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

// blanks counts the blanks, tabs and NULs at the start of b.
func blanks(b []byte) int {
	for i, c := range b {
		if c != ' ' && c != '\t' && c != 0 {
			return i
		}
	}
	return len(b)
}

// fieldsEnd gives the place of the blank that ends the field section, or len(b).
func fieldsEnd(b []byte) int {
	quoted := false
	surplus := 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\':
			i++
		case c == '"' && surplus > 0:
			quoted = !quoted
		case quoted:
		case c == ' ':
			return i
		case c == '=':
			surplus++
		case c == ',':
			surplus--
		}
	}
	return len(b)
}

// splitTime finds the time in what stands behind the field section.
func splitTime(b []byte) ([]byte, error) {
	b = b[blanks(b):]
	n := 0
	if len(b) > 1 && b[0] == '-' {
		n = 1
	}
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	switch {
	case len(b) == 0:
		return nil, nil
	case n == 0 || n < len(b) && b[n] != ' ':
		return nil, errTimeDigits
	case len(bytes.TrimLeft(b[n:], " ")) > 0:
		return nil, errBehindTime
	}
	return b[:n:n], nil
}

// AppendEnds appends to dst, for each point of text, the offset behind its line feed. The
// text must be whole points that a Scanner found good, one behind the other.
func AppendEnds(dst []int, text []byte) []int {
	for from := 0; from < len(text); {
		n, _ := lineEnd(text[from:])
		from = min(from+n+1, len(text))
		dst = append(dst, from)
	}
	return dst
}
