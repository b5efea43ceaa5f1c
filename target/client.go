// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"

	influx "github.com/influxdata/influxdb1-client/v2"
)

// querier runs statements on one node. Its errors are statementError, or the client's.
type querier interface {
	Query(ctx context.Context, database, statement string) ([]Series, error)
	Close() error
}

// openQuerier makes the node's client for queries.
func (n *node) openQuerier(cfg Config, security *tls.Config) (err error) {
	n.querier, err = newClient(n, cfg, security)
	return err
}

// client is influxdb1-client, the official client of 1.x. It knows no contexts: a call
// runs beside the caller, who may leave; the client's own timeout ends it.
type client struct{ influx.Client }

// newClient makes one. The client cannot send a token, and follows redirects with the
// credentials. But it asks for a proxy with each request, before that is written: there
// the header is set and a redirect is stopped.
func newClient(n *node, cfg Config, security *tls.Config) (*client, error) {
	auth := n.creds.header(V1)
	c, err := influx.NewHTTPClient(influx.HTTPConfig{
		Addr:      n.name,
		UserAgent: cfg.UserAgent,
		Timeout:   cfg.Timeout,
		TLSConfig: security.Clone(),
		Proxy: func(req *http.Request) (*url.URL, error) {
			if req.Response != nil { // the answer that sent the client here
				return nil, &redirectError{req.URL.String()}
			}
			if auth != "" {
				req.Header.Set("Authorization", auth)
			}
			return http.ProxyFromEnvironment(req)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("URL %s: %w", n.name, err)
	}
	return &client{c}, nil
}

// redirectError stops a request that was sent elsewhere.
type redirectError struct{ location string }

func (e *redirectError) Error() string { return "redirected" }

// Query runs a statement.
func (c *client) Query(ctx context.Context, database, statement string) ([]Series, error) {
	resp, err := await(ctx, func() (*influx.Response, error) {
		return c.Client.Query(influx.NewQuery(statement, database, "ns"))
	}, func(*influx.Response) {})
	if err != nil {
		return nil, err
	}
	var out []Series
	err = eachSeries(resp, func(s Series, partial bool) error {
		if partial { // max-row-limit; answers in chunks have none
			return statementError("the server cut the answer: it has more rows than its max-row-limit")
		}
		out = append(out, s)
		return nil
	})
	return out, err
}

// errNoResults is what an answer means that is JSON of some other kind. Taken for an empty
// one it would say that nothing is there.
const errNoResults = statementError("the answer to a query holds no results: the server does not take such queries, or (2.x) no database is mapped to the bucket")

// eachSeries goes through an answer. An error of any statement is an error.
func eachSeries(resp *influx.Response, f func(s Series, partial bool) error) error {
	if err := resp.Error(); err != nil {
		return statementError(err.Error())
	}
	for _, result := range resp.Results {
		for _, row := range result.Series {
			s := Series{Name: row.Name, Tags: row.Tags, Columns: row.Columns, Values: row.Values}
			if err := f(s, row.Partial); err != nil {
				return err
			}
		}
	}
	return nil
}

// await runs call beside the caller, who goes on when ctx ends. A result that then
// comes too late is dropped.
func await[T any](ctx context.Context, call func() (T, error), drop func(T)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result)
	go func() {
		v, err := call()
		select {
		case done <- result{v, err}:
		case <-ctx.Done():
			if err == nil {
				drop(v)
			}
		}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
