// SPDX-License-Identifier: Apache-2.0

package faultproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// TB is the part of testing.TB that a proxy needs.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(f func())
}

// Options say what a proxy stands between.
type Options struct {
	Upstream string      // URL of the server
	TLS      *tls.Config // of the side to the clients; nil is plain
	// Trust is how the server's side is dialled where Upstream is https; nil trusts all.
	Trust *tls.Config
}

// Event is what happened to a request, or to a connection that met a fault.
type Event struct {
	Request
	Fault  Fault
	Status int   // of the server's answer; 0 where there is none
	Body   int64 // bytes of it that came
	Stored bool  // the server got all of the request and said 204
}

// Proxy is one proxy. Its methods may be used from any number of goroutines.
type Proxy struct {
	URL string // the same as long as the proxy lives, also while it is down

	opts      Options
	addr      string
	upstream  *url.URL
	transport *http.Transport
	ctx       context.Context // ends with the proxy
	end       context.CancelFunc
	work      sync.WaitGroup

	mu          sync.Mutex
	listener    net.Listener // nil while down
	clients     map[net.Conn]struct{}
	requests    Schedule
	connections []Fault
	n, writes   int
	events      []Event
	news        chan struct{} // closed when an event comes, and made anew
	release     chan struct{} // closed by Release, and made anew
	ended       bool
}

// Start runs a proxy until the test ends.
func Start(tb TB, opts Options) *Proxy {
	tb.Helper()
	p, err := New(opts)
	if err != nil {
		tb.Fatalf("start proxy: %v", err)
	}
	tb.Cleanup(p.Close)
	return p
}

// New runs a proxy until Close.
func New(opts Options) (*Proxy, error) {
	upstream, err := url.Parse(opts.Upstream)
	if err != nil {
		return nil, err
	}
	trust := opts.Trust
	if trust == nil {
		trust = &tls.Config{InsecureSkipVerify: true} // a test's own server on loopback
	}
	ctx, end := context.WithCancel(context.Background())
	p := &Proxy{
		opts: opts, upstream: upstream, ctx: ctx, end: end,
		transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16, TLSClientConfig: trust},
		clients:   map[net.Conn]struct{}{}, news: make(chan struct{}), release: make(chan struct{}),
	}
	l, err := listenAnywhere()
	if err != nil {
		return nil, err
	}
	p.addr = l.Addr().String()
	p.URL = "http://" + p.addr
	if opts.TLS != nil {
		p.URL = "https://" + p.addr
	}
	p.serve(l)
	return p, nil
}

// listenAnywhere takes a port below the usual ephemeral range, so that no outgoing
// connection has it when a proxy that was down comes up again.
func listenAnywhere() (l net.Listener, err error) {
	for range 100 {
		if l, err = listen(fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(10000))); err == nil {
			return l, nil
		}
	}
	return nil, err
}

func listen(addr string) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
}

// Requests says what happens to the requests from now on; nil passes them on.
func (p *Proxy) Requests(s Schedule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = s
}

// Connections gives the next connections these faults, one each; what they say about
// moments does not count. Fault{} lets one in.
func (p *Proxy) Connections(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connections = faults
}

// Release ends everything that stalls now, with a reset.
func (p *Proxy) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.release)
	p.release = make(chan struct{})
}

// Down refuses connections from now on and cuts those that are there.
func (p *Proxy) Down() {
	p.mu.Lock()
	l := p.listener
	p.listener = nil
	clients := p.clients
	p.clients = map[net.Conn]struct{}{}
	p.mu.Unlock()
	if l != nil {
		_ = l.Close() // nobody listens any more either way
	}
	for c := range clients {
		reset(c)
	}
}

// Up takes connections again.
func (p *Proxy) Up() error {
	p.mu.Lock()
	up := p.listener != nil
	p.mu.Unlock()
	if up {
		return nil
	}
	l, err := listen(p.addr)
	if err != nil {
		return err
	}
	p.serve(l)
	return nil
}

// Close ends the proxy and waits until nothing of it is left.
func (p *Proxy) Close() {
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return
	}
	p.ended = true
	p.end()
	p.mu.Unlock()
	p.Down()
	p.transport.CloseIdleConnections()
	p.work.Wait()
	p.transport.CloseIdleConnections()
}

// Events gives what happened so far.
func (p *Proxy) Events() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

// Faults counts the requests and connections that met a fault.
func (p *Proxy) Faults() int {
	n := 0
	for _, e := range p.Events() {
		if e.Fault.Do != Pass {
			n++
		}
	}
	return n
}

// Await returns once enough has happened, as the function says, or with ctx's error.
func (p *Proxy) Await(ctx context.Context, enough func([]Event) bool) error {
	for {
		p.mu.Lock()
		events, news := slices.Clone(p.events), p.news
		p.mu.Unlock()
		if enough(events) {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-news:
		}
	}
}

// AwaitWrites returns once that many requests of points were answered or met their fault.
func (p *Proxy) AwaitWrites(ctx context.Context, n int) error {
	return p.Await(ctx, func(events []Event) bool {
		for _, e := range events {
			if e.Write >= 0 {
				n--
			}
		}
		return n <= 0
	})
}

func (p *Proxy) record(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
	close(p.news)
	p.news = make(chan struct{})
}

// serve accepts until the listener is closed.
func (p *Proxy) serve(l net.Listener) {
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	p.work.Go(func() {
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			p.accept(l, conn)
		}
	})
}

// accept takes a connection of a listener that may just have gone down.
func (p *Proxy) accept(l net.Listener, conn net.Conn) {
	p.mu.Lock()
	if p.listener != l {
		p.mu.Unlock()
		reset(conn)
		return
	}
	p.clients[conn] = struct{}{}
	var f Fault
	if len(p.connections) > 0 {
		f, p.connections = p.connections[0], p.connections[1:]
	}
	p.mu.Unlock()
	p.work.Go(func() {
		p.talk(conn, f)
		p.mu.Lock()
		delete(p.clients, conn)
		p.mu.Unlock()
		_ = conn.Close() // it has done what it could
	})
}

// reset closes a connection so that the other side is told that it broke.
func reset(conn net.Conn) {
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0) // else it is merely closed
	}
	_ = conn.Close()
}
