// SPDX-License-Identifier: Apache-2.0

package lpjudge

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// errOpen is a file that ends inside a string or behind a backslash.
var errOpen = errors.New("the text ends inside a string or behind a backslash")

// lineReader cuts text into logical lines: one comment, or one point with the line
// feeds that its strings hold.
type lineReader struct {
	r      *bufio.Reader
	number int    // physical number, from 1, of the last line's first line
	next   int    // physical lines read so far
	line   []byte // reused
	// noNewline is set when the last line has no line feed at its end.
	noNewline bool
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 1<<20)}
}

// read gives the next logical line without its line feed, or io.EOF. The line is
// valid until the next call. With plain set quotes mean nothing, as in statements.
func (l *lineReader) read(plain bool) ([]byte, error) {
	l.line = l.line[:0]
	l.number = l.next + 1
	var quotes quoteState
	for {
		from := len(l.line)
		err := l.readPhysical()
		if err == io.EOF && len(l.line) == 0 { //nolint:errorlint // bufio gives it bare
			return nil, io.EOF
		}
		if err != nil && err != io.EOF { //nolint:errorlint // bufio gives it bare
			return nil, err
		}
		ended := err == nil
		plain = plain || l.line[0] == '#'
		if !plain && !quotes.scan(l.line[from:]) {
			if !ended {
				return nil, errOpen
			}
			continue // the line feed belongs to the point
		}
		l.noNewline = !ended
		return bytes.TrimSuffix(l.line, []byte("\n")), nil
	}
}

// readPhysical appends everything up to and with the next line feed to l.line.
func (l *lineReader) readPhysical() error {
	for {
		part, err := l.r.ReadSlice('\n')
		l.line = append(l.line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			l.next++
			return err
		}
	}
}

// quoteState follows a point through its bytes as far as is needed to know whether a
// line feed ends it.
type quoteState struct {
	escaped  bool // the byte before is a backslash that counts
	inFields bool
	afterEq  bool // in a field's value
	inString bool
}

// scan goes over one physical line and reports whether the point ends with it.
func (q *quoteState) scan(line []byte) bool {
	for _, c := range line {
		if q.escaped {
			q.escaped = false
			continue
		}
		switch {
		case c == '\\':
			q.escaped = true
		case q.inString:
			q.inString = c != '"'
		case c == '\n':
			return true
		case !q.inFields:
			q.inFields = c == ' '
		case c == '=':
			q.afterEq = true
		case c == ',':
			q.afterEq = false
		case c == '"' && q.afterEq:
			q.inString = true
		}
	}
	return !q.inString && !q.escaped && len(line) > 0 && line[len(line)-1] != '\n'
}
