// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// errJunk is why the end of a stream is not the end of its input.
var errJunk = errors.New("something stands behind the end of the stream")

const (
	gzipMagic  = "\x1f\x8b"
	gzipHeader = 10 // bytes of the shortest one
)

// members reads gzip members one behind the other. The gzip package does so, too, but
// takes up to nine bytes of anything for a header that is cut off.
type members struct {
	buf    *bufio.Reader
	member *gzip.Reader // always of one member only
}

func newMembers(buf *bufio.Reader) (*members, error) {
	member, err := gzip.NewReader(buf)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &members{buf: buf, member: member}, nil
}

// Read gives text; io.EOF comes where no byte follows a member.
func (m *members) Read(p []byte) (int, error) {
	n, err := m.member.Read(p)
	if err == io.EOF { //nolint:errorlint // the end of a member is io.EOF itself
		err = m.next()
	}
	return n, err
}

// next goes on with the next member.
func (m *members) next() error {
	b, err := m.buf.Peek(gzipHeader)
	switch n := min(len(b), len(gzipMagic)); {
	case n == 0 || err != nil && err != io.EOF: // the input may have been changed, which says more
		return err
	case string(b[:n]) != gzipMagic[:n]:
		return errJunk
	}
	if err := m.member.Reset(m.buf); err != nil {
		if err == io.EOF { //nolint:errorlint // as above; a member has begun, so that this is no end
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	m.member.Multistream(false)
	return nil
}
