// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"errors"
	"io"
)

const (
	readSize = 256 << 10 // what is asked of the reader at a time; it stays in the cache
	lineRoom = 64 << 10  // room for the start of a line that the reads have cut
	lookout  = 32 << 10  // how far ahead quotes and backslashes are looked for
	longText = 64 << 10  // what is handed out of a line longer than MaxPoint
)

// Scanner finds the points of a text that comes in pieces. It belongs to one goroutine.
//
// A point ends where a server ends it: at the first line feed that neither stands in a
// string nor behind a backslash. A line that is no point comes as a BadToken, and
// scanning goes on with the next physical line, so that an unclosed string costs its
// own line only.
//
// A point on one line is only looked at as far as its parts must be found; one that
// spans several lines is checked in full, lest a torn line swallow those behind it.
type Scanner struct {
	r   io.Reader
	err error // of r; io.EOF at its end

	buf      []byte
	pos, end int // of what is read and not handed out

	// There is no quote and no backslash between pos and these; there may be one at them.
	quote, slash int

	zeros, zeroAt int64 // NULs in front of lines, and the offset of the first

	base int64 // offset of buf[0] in the input
	line int64 // of buf[pos]

	key    []byte // of the point before: consecutive ones mostly share it
	tok    Token
	fields []Field

	toil toil
}

// NewScanner gives a Scanner for all that r holds.
func NewScanner(r io.Reader) *Scanner {
	s := &Scanner{}
	s.Reset(r, 1, 0)
	return s
}

// Reset goes on with r, whose first byte has the given line number, from 1, and offset
// in the whole input. Of the reader before nothing is kept but the buffer.
func (s *Scanner) Reset(r io.Reader, line, offset int64) {
	*s = Scanner{r: r, buf: s.buf, key: s.key[:0], fields: s.fields, base: offset, line: line}
}

// Token gives what Next or NextLine found. It is valid until their next call.
func (s *Scanner) Token() *Token { return &s.tok }

// Err gives the error of the reader, unless that was io.EOF. A line that the error cut
// off is not handed out.
func (s *Scanner) Err() error {
	if s.atEOF() {
		return nil
	}
	return s.err
}

// Zeros tells how many NULs Next has passed over in front of lines, and the offset of the
// first. Nobody writes them: a file system gives them where data never reached the disk.
func (s *Scanner) Zeros() (n, first int64) { return s.zeros, s.zeroAt }

func (s *Scanner) atEOF() bool { return errors.Is(s.err, io.EOF) }

// fill reads more, and reports whether anything came. What is left moves to the front of
// the buffer.
func (s *Scanner) fill() bool {
	if s.err != nil {
		return false
	}
	if s.pos > 0 {
		s.base += int64(s.pos)
		s.quote = max(s.quote-s.pos, 0)
		s.slash = max(s.slash-s.pos, 0)
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos = 0
	}
	if len(s.buf)-s.end < readSize/2 {
		grown := make([]byte, max(2*len(s.buf), readSize+lineRoom))
		copy(grown, s.buf[:s.end])
		s.buf = grown
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:min(len(s.buf), s.end+readSize)])
		s.end += n
		s.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// fail drops the line that an error of the reader has cut off.
func (s *Scanner) fail() bool {
	s.pos = s.end
	return false
}

// Next goes to the next point, comment or bad line. Blank lines are passed over, and so
// are blanks, tabs and NULs at the start of a line. It is false at the end, or when the
// reader failed: ask Err.
func (s *Scanner) Next() bool {
	for {
		if s.pos == s.end && !s.fill() {
			return false
		}
		switch c := s.buf[s.pos]; c {
		case ' ', '\t':
			s.pos++
		case 0:
			if s.zeros == 0 {
				s.zeroAt = s.base + int64(s.pos)
			}
			s.zeros++
			s.pos++
		case '\n':
			s.pos++
			s.line++
		case '\r':
			if !s.blankCR() {
				return s.hard()
			}
		case '#':
			return s.physical(CommentToken, nil)
		default:
			return s.easy() || s.hard()
		}
	}
}

// blankCR passes over a carriage return if nothing but a line feed is behind it.
func (s *Scanner) blankCR() bool {
	if s.end-s.pos < 2 {
		s.fill()
	}
	if s.pos+1 < s.end && s.buf[s.pos+1] == '\n' || s.pos+1 == s.end && s.atEOF() {
		s.pos++
		return true
	}
	return false
}

// easy makes a token of an ordinary point: one that stands whole in the buffer, on one
// line without quotes and backslashes. It is false where anything is not as usual.
func (s *Scanner) easy() bool {
	b := s.buf[s.pos:s.end]
	n := bytes.IndexByte(b, '\n')
	if n < 0 {
		return false
	}
	b = b[:n:n]
	key := s.sameKey(b)
	if s.before(&s.quote, '"', s.pos+key, s.pos+n) || s.before(&s.slash, '\\', s.pos+key, s.pos+n) {
		return false
	}
	if key == 0 {
		key = bytes.IndexByte(b, ' ')
		if key < 0 || key > maxKey || b[0] == ',' {
			return false
		}
		s.key = append(s.key[:0], b[:key]...)
	}
	from := key + 1
	if from == n || b[from] <= ' ' {
		from = key + blanks(b[key:])
	}
	fields := b[from:]
	var digits []byte
	if to := bytes.IndexByte(fields, ' '); to >= 0 {
		var err error
		if digits, err = splitTime(fields[to:]); err != nil {
			return false
		}
		fields = fields[:to:to]
	}
	if bytes.IndexByte(fields, '=') < 0 || digits == nil && b[n-1] == '\r' {
		return false
	}
	t := &s.tok
	t.Kind, t.Err = PointToken, nil
	t.Text, t.Key, t.Fields, t.Time = b, b[:key:key], fields, digits
	t.Line, t.Offset = s.line, s.base+int64(s.pos)
	t.End = t.Offset + int64(n) + 1
	s.pos += n + 1
	s.line++
	return true
}

// sameKey gives the length of the key of b if it is that of the point before, else 0.
func (s *Scanner) sameKey(b []byte) int {
	n := len(s.key)
	if n == 0 || n >= len(b) || b[n] != ' ' || string(b[:n]) != string(s.key) {
		return 0
	}
	return n
}

// before reports whether c stands in the buffer between from and end, where *seen is
// how far the buffer is known to be free of c.
func (s *Scanner) before(seen *int, c byte, from, end int) bool {
	at := max(*seen, from)
	for at < end && s.buf[at] != c {
		to := min(max(end, at+lookout), s.end)
		i := bytes.IndexByte(s.buf[at:to], c)
		if i < 0 {
			i = to - at
		}
		at += i
	}
	*seen = at
	return at < end
}

// NextLine goes to the next physical line as it stands, blank or not: for texts in which
// quotes mean nothing, such as statements. Its token is a LineToken, with ErrTooLong as
// its Err where Text is only the beginning.
func (s *Scanner) NextLine() bool {
	if s.pos == s.end && !s.fill() {
		return false
	}
	return s.physical(LineToken, nil)
}

// physical makes a token of the physical line at hand.
func (s *Scanner) physical(kind TokenKind, why error) bool {
	for from := 0; ; {
		b := s.buf[s.pos:s.end]
		n := bytes.IndexByte(b[from:], '\n')
		switch {
		case n >= 0 && from+n <= MaxPoint:
			s.emit(&Token{Kind: kind, Err: why}, from+n)
			return true
		case n >= 0 || len(b) > MaxPoint:
			return s.long(kind)
		}
		from = len(b)
		if !s.fill() {
			if !s.atEOF() {
				return s.fail()
			}
			s.emit(&Token{Kind: kind, Err: why}, from)
			return true
		}
	}
}

// emit hands out t, whose text is the next n bytes. Behind them stands a line feed, or
// the input ends.
func (s *Scanner) emit(t *Token, n int) {
	t.Text = s.buf[s.pos : s.pos+n : s.pos+n]
	t.Line, t.Offset = s.line, s.base+int64(s.pos)
	s.pos += n
	if s.pos < s.end {
		s.pos++
		s.line++
	}
	t.End = s.base + int64(s.pos)
	s.tok = *t
}

// long hands out the beginning of a physical line that is too long, and passes over
// the rest.
func (s *Scanner) long(kind TokenKind) bool {
	if kind != LineToken {
		kind = BadToken
	}
	t := Token{Kind: kind, Err: ErrTooLong, Line: s.line, Offset: s.base + int64(s.pos)}
	t.Text = bytes.Clone(s.buf[s.pos : s.pos+longText])
	for {
		n := bytes.IndexByte(s.buf[s.pos:s.end], '\n')
		if n >= 0 {
			s.pos += n + 1
			s.line++
			break
		}
		s.pos = s.end
		if !s.fill() {
			if !s.atEOF() {
				return false
			}
			break
		}
	}
	t.End = s.base + int64(s.pos)
	s.tok = t
	return true
}
