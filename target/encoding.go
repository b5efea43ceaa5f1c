// SPDX-License-Identifier: Apache-2.0

package target

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

const (
	// tinyBody is what is not worth compressing.
	tinyBody = 1 << 10
	// measuredBody is the shortest body whose way is measured: the system takes shorter
	// ones into its own memory at once.
	measuredBody = 128 << 10
	// slowPace is 100 MB/s in nanoseconds for a byte. Packing at level 1 costs 1 to 2 ns of a
	// core for a byte of lines, unpacking as much of the server's, and what is sent is a
	// tenth: on a way slower than this that is clearly less than the wait for the wire. On
	// a faster one the wire is not what the writes wait for, and the server needs its cores
	// for the points.
	slowPace = 10.0
	// paceWeight is what a new measurement counts in the moving average.
	paceWeight = 0.25
	// Only plain bodies tell the pace. While bodies are compressed one goes plain now and
	// then, first after firstProbe, and more seldom while it finds the way still slow.
	firstProbe = 16
	lastProbe  = 1024
	// gzipRefusals is how often in a row a node has to refuse compressed bodies before it
	// gets plain ones: once, it may have been the way.
	gzipRefusals = 2
)

// packing decides for one node whether request bodies are compressed.
type packing struct {
	mode     Encoding
	loopback bool

	mu       sync.Mutex
	pace     float64 // ns a byte; 0 while not known
	sent     int     // compressed since the last probe
	probe    int     // how many are sent between probes
	refusals int     // of compressed bodies in a row
}

func (p *packing) init(mode Encoding, loopback bool) {
	p.mode, p.loopback, p.probe = mode, loopback, firstProbe
}

// payload is a request's body.
type payload struct {
	bytes  []byte
	packed bool
	buffer *bytes.Buffer // holds bytes; nil where they are the caller's
}

var (
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	packers = sync.Pool{New: func() any {
		w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant
		}
		return w
	}}
)

// release gives the memory back. Nobody may read the payload after it.
func (p payload) release() {
	if p.buffer != nil {
		buffers.Put(p.buffer)
	}
}

// pack makes a request's body of lines.
func (p *packing) pack(lines []byte) (payload, error) {
	if !p.wanted(len(lines)) {
		return payload{bytes: lines}, nil
	}
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	w.Reset(buf)
	_, err := w.Write(lines)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		buffers.Put(buf)
		return payload{}, err
	}
	return payload{bytes: buf.Bytes(), packed: true, buffer: buf}, nil
}

// wanted decides about one body.
func (p *packing) wanted(size int) bool {
	if size < tinyBody || p.mode == EncodeNone || p.mode == EncodeAuto && p.loopback {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refusals >= gzipRefusals {
		return false
	}
	if p.mode == EncodeGzip {
		return true
	}
	if p.pace < slowPace {
		return false
	}
	if p.sent >= p.probe && size >= measuredBody {
		p.sent, p.probe = 0, min(2*p.probe, lastProbe)
		return false
	}
	p.sent++
	return true
}

// measure makes a context whose request tells how fast its body leaves.
func (p *packing) measure(ctx context.Context, body payload) context.Context {
	size := len(body.bytes)
	if p.mode != EncodeAuto || p.loopback || body.packed || size < measuredBody {
		return ctx
	}
	var began time.Time // both hooks are called by the goroutine that writes
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { began = time.Now() },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil && !began.IsZero() {
				p.learn(size, time.Since(began))
			}
		},
	})
}

// learn takes a measurement into the average.
func (p *packing) learn(size int, took time.Duration) {
	pace := float64(took.Nanoseconds()) / float64(size)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pace == 0 {
		p.pace = pace
	} else {
		p.pace += paceWeight * (pace - p.pace)
	}
	if p.pace < slowPace {
		p.probe = firstProbe
	}
}

// answered learns from an answer whether the node unpacks bodies.
func (p *packing) answered(a answer, e *Error) {
	if !a.packed {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case e == nil || e.Class == Refused:
		p.refusals = 0
	case a.refusesGzip():
		p.refusals++
	}
}

// refusesGzip reports whether an answer to a compressed body says that it could not be
// unpacked, or that it was taken for points.
func (a answer) refusesGzip() bool {
	switch a.status {
	case http.StatusUnsupportedMediaType:
		return a.packed
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return a.packed && saysGzip(a.read().text)
	default:
		return false
	}
}
