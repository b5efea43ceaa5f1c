// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"context"
	"errors"
	"io"
)

// Blocks of text that are read ahead.
const (
	aheadBlocks = 4
	aheadBytes  = 256 << 10
)

// ahead reads a stream in a goroutine of its own, so that unpacking and waiting go on
// while points are taken apart.
type ahead struct {
	full chan block
	free chan []byte
	stop chan struct{}
	done chan struct{}

	ctx  context.Context // of the call that reads
	cur  block
	rest []byte
}

// block is a piece of text, and what came behind it.
type block struct {
	text []byte
	err  error
}

// readAhead starts to read r. When it is done or was stopped it calls end, in that
// goroutine.
func readAhead(r io.Reader, end func()) *ahead {
	a := &ahead{
		full: make(chan block, aheadBlocks), free: make(chan []byte, aheadBlocks),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	for range aheadBlocks {
		a.free <- nil // made when it is needed, so that a small input takes little
	}
	go func() {
		defer close(a.done)
		defer end()
		a.run(r)
	}()
	return a
}

func (a *ahead) run(r io.Reader) {
	for {
		var buf []byte
		select {
		case buf = <-a.free:
		case <-a.stop:
			return
		}
		if buf == nil {
			buf = make([]byte, aheadBytes)
		}
		b := a.fill(r, buf)
		select {
		case a.full <- b:
		case <-a.stop:
			return
		}
		if b.err != nil {
			return
		}
	}
}

// fill reads until the block is full or nothing more comes.
func (a *ahead) fill(r io.Reader, buf []byte) block {
	n, idle := 0, 0
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if err != nil {
			return block{buf[:n], err}
		}
		if m > 0 {
			idle = 0
		} else if idle++; idle == 100 {
			return block{buf[:n], io.ErrNoProgress}
		}
		select {
		case <-a.stop:
			return block{buf[:n], errClosed}
		default:
		}
	}
	return block{buf[:n], nil}
}

var errClosed = errors.New("the input was closed")

// Read gives what was read ahead. It waits no longer than the context of the call does.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.cur.err != nil {
			return 0, a.cur.err
		}
		if a.cur.text != nil {
			a.free <- a.cur.text[:cap(a.cur.text)] // has room for all blocks
			a.cur = block{}
		}
		select {
		case a.cur = <-a.full:
			a.rest = a.cur.text
		case <-a.ctx.Done():
			return 0, context.Cause(a.ctx)
		}
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// close stops reading. With wait it comes back when nothing of it is left; a read that
// may wait forever cannot be waited for.
func (a *ahead) close(wait bool) {
	close(a.stop)
	if wait {
		<-a.done
	}
}
