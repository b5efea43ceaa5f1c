// SPDX-License-Identifier: Apache-2.0

package target

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// A node that fails is left out for shortestPause, and twice as long each further time.
const (
	shortestPause = 250 * time.Millisecond
	longestPause  = 30 * time.Second
)

// node is one server of the target. Target.mu guards what changes.
type node struct {
	name    string   // its URL without credentials
	url     *url.URL // the same
	creds   credentials
	hider   *strings.Replacer
	timeout time.Duration
	querier querier // for answers that come whole
	packing packing

	plainJSON atomic.Bool // it does not answer in MessagePack

	inFlight int
	failures int       // in a row
	until    time.Time // it is left out until then
}

func newNode(i int, raw string, cfg Config) (*node, error) {
	u, user, err := parseNodeURL(i, raw)
	if err != nil {
		return nil, err
	}
	creds, err := cfg.credentialsFor(user)
	if err != nil {
		return nil, fmt.Errorf("URL %s: %w", u, err)
	}
	n := &node{name: u.String(), url: u, creds: creds, hider: creds.hider(), timeout: cfg.Timeout}
	n.packing.init(cfg.Encoding, isLoopback(u.Hostname()))
	return n, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// hide takes credentials out of a text that came from outside.
func (n *node) hide(text string) string { return n.hider.Replace(text) }

// at gives the URL of one of the node's handlers.
func (n *node) at(path string, params url.Values) string {
	u := *n.url
	u.Path += path
	u.RawQuery = params.Encode()
	return u.String()
}

// lease is the use of a node for one request.
type lease struct {
	*node
	failures int // of the node when the request began
}

// take chooses the node for a request: of those that are not left out the one with the
// fewest requests in flight, in turn where there are several. A node that failed and
// whose time has come gets one request to show itself. Where all are left out it is the
// one whose time comes first: whoever sends decides about waiting. It gives nil where
// all nodes were tried.
func (t *Target) take(tried map[*node]bool) *lease {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	var best, soonest *node
	for i := range t.nodes {
		n := t.nodes[(t.turn+i)%len(t.nodes)]
		if tried[n] {
			continue
		}
		if soonest == nil || n.until.Before(soonest.until) {
			soonest = n
		}
		if n.failures > 0 && (n.until.After(now) || n.inFlight > 0) {
			continue
		}
		if best == nil || n.inFlight < best.inFlight {
			best = n
		}
	}
	t.turn = (t.turn + 1) % len(t.nodes)
	if best == nil {
		best = soonest
	}
	if best == nil {
		return nil
	}
	best.inFlight++
	return &lease{best, best.failures}
}

// lend is take for a certain node.
func (t *Target) lend(n *node) *lease {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.inFlight++
	return &lease{n, n.failures}
}

// giveBack ends a request; err is how it ended. An error that is not the node's says
// nothing of it.
func (t *Target) giveBack(l *lease, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.inFlight--
	e, isAnswer := asError(err)
	switch {
	case err != nil && !isAnswer:
	case err == nil || e.Class != Temporary && e.Class != Overloaded:
		l.node.failures, l.until = 0, time.Time{}
	case l.failures == l.node.failures: // else another request that ran beside this one has told it
		l.node.failures++
		l.until = time.Now().Add(max(pause(l.node.failures), e.RetryAfter))
	}
}

// pause is how long a node is left out after so many failures in a row, with jitter so
// that several senders do not come back together.
func pause(failures int) time.Duration {
	d := longestPause
	if n := failures - 1; n < 16 {
		d = min(shortestPause<<n, longestPause)
	}
	return d/2 + rand.N(d/2+1)
}
