// SPDX-License-Identifier: Apache-2.0

package target

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

var errDetached = errors.New("the request is over")

// body is what a request sends. The transport may go on reading after the answer is
// there, for a refused body even long after; detach keeps it from memory that the
// caller has back by then.
type body struct {
	sent *atomic.Int64 // counts what the transport took

	mu    sync.Mutex
	data  []byte // nil once detached
	size  int
	taken int // by the present reader
}

func newBody(data []byte, sent *atomic.Int64) *body {
	return &body{data: data, size: len(data), sent: sent}
}

// detach ends all reading, at once, and tells how much was taken.
func (b *body) detach() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = nil
	return b.taken
}

// reader reads it from the start. What an earlier reader gave out was never written: the
// transport starts again only then.
func (b *body) reader() io.ReadCloser {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent.Add(int64(-b.taken))
	b.taken = 0
	return &bodyReader{body: b}
}

type bodyReader struct {
	*body
	off int
}

func (r *bodyReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// First the end: the transport looks for it after all is sent, and the answer may be
	// quicker. An error then would cost the connection.
	if r.off >= r.size {
		return 0, io.EOF
	}
	if r.data == nil {
		return 0, errDetached
	}
	n := copy(p, r.data[r.off:])
	r.off += n
	r.taken = r.off
	r.sent.Add(int64(n))
	return n, nil
}

func (r *bodyReader) Close() error { return nil }
