// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// errTimeout ends a request that took longer than Config.Timeout.
var errTimeout = errors.New("no answer in time")

// Write sends lines of points, with times in nanoseconds, to one node: one attempt. Empty
// lines test credentials and place. Errors are *Error, but where ctx ended: then they
// wrap its cause. The lines are not read any more once Write has returned.
func (t *Target) Write(ctx context.Context, database, policy string, lines []byte) error {
	l := t.take(nil)
	err := t.writeTo(ctx, l, database, policy, lines)
	t.giveBack(l, err)
	return err
}

func (t *Target) writeTo(ctx context.Context, l *lease, database, policy string, lines []byte) error {
	payload, err := l.packing.pack(lines)
	if err != nil {
		return l.finish(&Error{Message: "compress the request: " + err.Error(), Class: Fatal, Dropped: -1, Err: err})
	}
	defer payload.release()
	t.stats.requests.Add(1)
	body := newBody(payload.bytes, &t.stats.bodyBytes)
	defer func() {
		if body.detach() > 0 {
			t.stats.textBytes.Add(int64(len(lines)))
		}
	}()
	req, err := t.writeRequest(l.node, database, policy, body, payload.packed)
	if err != nil {
		return l.finish(&Error{Message: "make the request: " + err.Error(), Class: Fatal, Dropped: -1})
	}
	a, err := t.exchange(ctx, l.node, req, payload)
	if err != nil {
		return err
	}
	e := classify(a)
	l.packing.answered(a, e)
	if len(lines) == 0 && a.takesNothing() {
		return nil
	}
	return l.finish(e)
}

// finish puts the node to an error.
func (n *node) finish(e *Error) error {
	if e == nil {
		return nil
	}
	e.Node, e.Message = n.name, n.hide(e.Message)
	return e
}

// writeRequest makes a request of either API.
func (t *Target) writeRequest(n *node, database, policy string, b *body, packed bool) (*http.Request, error) {
	api := t.API()
	path, params := "/write", url.Values{"db": {database}, "precision": {"ns"}}
	if api == V2 {
		path, params = "/api/v2/write", url.Values{"bucket": {t.cfg.Bucket(database, policy)}, "precision": {"ns"}}
		if t.cfg.Org != "" {
			params.Set("org", t.cfg.Org)
		}
	} else {
		if policy != "" {
			params.Set("rp", policy)
		}
		if t.cfg.Consistency != "" {
			params.Set("consistency", t.cfg.Consistency)
		}
	}
	req, err := t.newRequest(n, http.MethodPost, n.at(path, params), api)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	if packed {
		req.Header.Set("Content-Encoding", "gzip")
	}
	if b.size > 0 {
		// With GetBody the transport takes another connection where it could write nothing at
		// all, because the server had closed an idle one. That is no failure of the node, and
		// nothing else of a POST is repeated.
		req.ContentLength = int64(b.size)
		req.Body = b.reader()
		req.GetBody = func() (io.ReadCloser, error) { return b.reader(), nil }
	}
	return req, nil
}

// Bucket names the bucket of 2.x that stands for a database and its policy.
func (c *Config) Bucket(database, policy string) string {
	name := database
	if policy != "" {
		name += "/" + policy
	}
	if mapped, ok := c.Buckets[name]; ok {
		return mapped
	}
	return name
}

// newRequest makes a request with the node's credentials. The context comes with exchange.
func (t *Target) newRequest(n *node, method, address string, api API) (*http.Request, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	if auth := n.creds.header(api); auth != "" {
		req.Header.Set("Authorization", auth)
	}
	if t.cfg.UserAgent != "" {
		req.Header.Set("User-Agent", t.cfg.UserAgent)
	}
	return req, nil
}

// exchange sends a request and reads the answer to its end. Its error is an *Error, or
// wraps the cause of ctx where that ended.
func (t *Target) exchange(ctx context.Context, n *node, req *http.Request, p payload) (answer, error) {
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, t.cfg.Timeout, errTimeout)
	defer cancel()
	a, err := t.roundTrip(n, req.WithContext(n.packing.measure(ctx, p)))
	a.packed = p.packed
	if err == nil || a.enough() {
		return a, nil
	}
	if parent.Err() != nil {
		return a, fmt.Errorf("%s %s: %w", req.Method, n.name, context.Cause(parent))
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("%w (%s)", errTimeout, t.cfg.Timeout)
	}
	return a, n.finish(classifyTransport(err, len(p.bytes)))
}

// Of an answer's body answerBytes are kept. More is read up to drainBytes, so that the
// connection can be used again, and with even more it is closed.
const (
	answerBytes = 64 << 10
	drainBytes  = 1 << 20
)

func (t *Target) roundTrip(n *node, req *http.Request) (answer, error) {
	resp, err := t.client.Do(req)
	if err != nil {
		if a, ok := brokenHeader(err); ok {
			return a, nil
		}
		return answer{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // nothing of it is missed
	a := answer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, answerBytes)); err == nil {
		_, err = io.CopyN(io.Discard, resp.Body, drainBytes)
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return a, fmt.Errorf("the answer (%d) broke off: %w", a.status, err)
	}
	return a, nil
}
