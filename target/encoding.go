// SPDX-License-Identifier: Apache-2.0

package target

import (
	"bytes"
	"context"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// tinyBody is what is not worth compressing.
const tinyBody = 1 << 10

// packing decides for one node whether request bodies are compressed.
type packing struct{ on bool }

func (p *packing) init(e Encoding, _ bool) { p.on = e == EncodeGzip }

// payload is a request's body.
type payload struct {
	bytes  []byte
	packed bool
	buffer *bytes.Buffer // holds bytes; nil where they are the caller's
}

var (
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	writers = sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		return w
	}}
)

func (p payload) release() {
	if p.buffer != nil {
		buffers.Put(p.buffer)
	}
}

func (p *packing) pack(lines []byte) (payload, error) {
	if !p.on || len(lines) < tinyBody {
		return payload{bytes: lines}, nil
	}
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	w := writers.Get().(*gzip.Writer)
	defer writers.Put(w)
	w.Reset(buf)
	if _, err := w.Write(lines); err != nil {
		return payload{}, err
	}
	if err := w.Close(); err != nil {
		return payload{}, err
	}
	return payload{bytes: buf.Bytes(), packed: true, buffer: buf}, nil
}

func (p *packing) measure(ctx context.Context, _ payload) context.Context { return ctx }

func (p *packing) answered(bool, answer, *Error) {}
