// SPDX-License-Identifier: Apache-2.0

package faultproxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// talk speaks to one client until it goes or a fault ends it.
func (p *Proxy) talk(conn net.Conn, f Fault) {
	c := &client{p: p, raw: conn, conn: conn}
	if f.Do != Pass {
		c.greet(f)
		return
	}
	if p.opts.TLS != nil {
		c.conn = tls.Server(conn, p.opts.TLS)
	}
	c.br = bufio.NewReaderSize(c.conn, 64<<10)
	for {
		req, err := http.ReadRequest(c.br)
		if err != nil {
			return
		}
		if !c.request(req) {
			return
		}
	}
}

// client is one connection.
type client struct {
	p    *Proxy
	raw  net.Conn // below TLS
	conn net.Conn
	br   *bufio.Reader
}

// greet does what a fault wants with a connection, after its first bytes.
func (c *client) greet(f Fault) {
	var first [5]byte
	if _, err := io.ReadFull(c.raw, first[:]); err != nil {
		return
	}
	f.At = Connect
	e := Event{Request: Request{N: -1, Write: -1}, Fault: f}
	c.act(f, &e)
}

// act does what ends a connection, and waits where it is to wait. It records the event before.
func (c *client) act(f Fault, e *Event) {
	c.p.record(*e)
	switch f.Do {
	case Stall:
		c.p.wait(0)
		reset(c.raw)
	case Reset:
		reset(c.raw)
	case Say:
		_, _ = c.conn.Write(f.Raw) // the client may be gone
	case Pass, Close, Delay:
	}
}

// wait waits for a time, or for Release if it is 0. It is false at the end of the proxy.
func (p *Proxy) wait(d time.Duration) bool {
	p.mu.Lock()
	release := p.release
	p.mu.Unlock()
	var late <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		late, release = t.C, nil
	}
	select {
	case <-late:
	case <-release:
	case <-p.ctx.Done():
		return false
	}
	return true
}

// decide counts a request and asks the schedule.
func (p *Proxy) decide(req *http.Request) (Request, Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := Request{N: p.n, Write: -1, Method: req.Method, Path: req.URL.Path, Length: req.ContentLength, Encoding: req.Header.Get("Content-Encoding")}
	p.n++
	if strings.HasSuffix(r.Path, "/write") && r.Length != 0 {
		r.Write = p.writes
		p.writes++
	}
	if p.requests == nil {
		return r, Fault{}
	}
	return r, p.requests(r)
}

// request serves one request, and reports whether the connection can go on.
func (c *client) request(req *http.Request) bool {
	r, f := c.p.decide(req)
	e := &Event{Request: r, Fault: f}
	if f.Do == Delay && f.At == BeforeBody && !c.p.wait(f.Delay) {
		return false
	}
	if strings.EqualFold(req.Header.Get("Expect"), "100-continue") && (f.Do == Pass || f.At != BeforeBody) {
		if _, err := io.WriteString(c.conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return false
		}
	}
	switch {
	case f.Do == Pass || f.Do == Delay:
		return c.pass(req, f, e)
	case f.At == BeforeBody || f.At == InBody:
		c.early(req, f, e)
		return false
	}
	return c.late(req, f, e)
}

// pass lets the server answer.
func (c *client) pass(req *http.Request, f Fault, e *Event) bool {
	body := &counted{r: req.Body, length: req.ContentLength}
	resp, err := c.p.ask(req, body)
	e.Body = body.n.Load()
	if err != nil { // as if the client had spoken to the server itself
		c.p.record(*e)
		reset(c.raw)
		return false
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end, or the client is cut off
	e.Status, e.Stored = resp.StatusCode, resp.StatusCode == http.StatusNoContent
	if f.Do == Delay && f.At != BeforeBody && !c.p.wait(f.Delay) {
		return false
	}
	c.p.record(*e)
	resp.Close = resp.Close || req.Close || !body.whole()
	return resp.Write(c.conn) == nil && !resp.Close
}

// early strikes before the whole request has come.
func (c *client) early(req *http.Request, f Fault, e *Event) {
	var half bytes.Buffer
	if f.At == InBody {
		n := req.ContentLength / 2
		if n <= 0 {
			n = 1 << 10
		}
		e.Body, _ = io.CopyN(&half, req.Body, n) // less, if the client is gone
	}
	if f.Passed {
		resp, err := c.p.ask(req, &counted{r: io.MultiReader(&half, torn{})})
		if err == nil { // it answered to what it saw
			e.Status = resp.StatusCode
			_ = resp.Body.Close() // nobody wants to know
		}
	}
	c.act(f, e)
}

// torn is where a request ends that does not end.
type torn struct{}

var errTorn = errors.New("the client is gone")

func (torn) Read([]byte) (int, error) { return 0, errTorn }

// late strikes when the whole request has come.
func (c *client) late(req *http.Request, f Fault, e *Event) bool {
	text, err := io.ReadAll(req.Body)
	e.Body = int64(len(text))
	if err != nil {
		return false
	}
	answer := []byte("HTTP/1.1 204 No Content\r\nContent-Type: application/json\r\n\r\n")
	if f.Passed {
		resp, err := c.p.ask(req, &counted{r: bytes.NewReader(text)})
		if err == nil {
			e.Status, e.Stored = resp.StatusCode, resp.StatusCode == http.StatusNoContent
			var b bytes.Buffer
			if resp.Write(&b) == nil {
				answer = b.Bytes()
			}
			_ = resp.Body.Close() // written already
		}
	}
	if f.At == InAnswer {
		if _, err := c.conn.Write(answer[:len(answer)/2]); err != nil {
			return false
		}
	}
	c.act(f, e)
	return f.Do == Say && f.Hang && !req.Close
}

// ask hands a request on to the server.
func (p *Proxy) ask(req *http.Request, body *counted) (*http.Response, error) {
	out := req.Clone(p.ctx)
	out.URL.Scheme, out.URL.Host = p.upstream.Scheme, p.upstream.Host
	out.RequestURI = ""
	out.Close = false
	out.Header.Del("Connection")
	out.Header.Del("Expect")
	out.Body = body
	if req.ContentLength == 0 {
		out.Body = http.NoBody
		body.ended.Store(true)
	}
	return p.transport.RoundTrip(out)
}

// counted is a body that knows how much of it was read.
type counted struct {
	r      io.Reader
	length int64 // as announced; not positive where it was not
	n      atomic.Int64
	ended  atomic.Bool
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	if errors.Is(err, io.EOF) {
		c.ended.Store(true)
	}
	return n, err
}

// whole reports whether nothing of the body is left on the connection.
func (c *counted) whole() bool { return c.ended.Load() || c.length > 0 && c.n.Load() == c.length }

// Close leaves the rest of the body where it is.
func (c *counted) Close() error { return nil }
