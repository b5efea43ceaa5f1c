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

	mu       sync.Mutex
	data     []byte
	detached bool
}

// detach ends all reading, at once.
func (b *body) detach() {
	b.mu.Lock()
	b.data, b.detached = nil, true
	b.mu.Unlock()
}

func (b *body) reader() io.ReadCloser { return &bodyReader{body: b} }

type bodyReader struct {
	*body
	off int
}

func (r *bodyReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.detached {
		return 0, errDetached
	}
	if r.off >= len(r.data) {
		return 0, io.EOF
	}
	n := copy(p, r.data[r.off:])
	r.off += n
	r.sent.Add(int64(n))
	return n, nil
}

func (r *bodyReader) Close() error { return nil }
