// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

const unknownVersion = "unknown"

// Check asks every node who it is, and settles the API where that is Auto. The error is
// that no node answered, or that credentials were refused.
func (t *Target) Check(ctx context.Context) ([]Node, error) {
	nodes := make([]Node, len(t.nodes))
	var wg sync.WaitGroup
	for i, n := range t.nodes {
		wg.Go(func() { nodes[i] = t.ping(ctx, n) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nodes, context.Cause(ctx)
	}
	if err := t.settle(nodes); err != nil {
		return nodes, err
	}
	errs := make([]error, len(t.nodes))
	for i, n := range t.nodes {
		if nodes[i].Err == nil {
			wg.Go(func() { errs[i] = t.tryCredentials(ctx, n, major(nodes[i].Version)) })
		}
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nodes, context.Cause(ctx)
	}
	for _, err := range errs {
		if err != nil {
			return nodes, err
		}
	}
	return nodes, nil
}

// settle chooses the API by the first node that answered.
func (t *Target) settle(nodes []Node) error {
	var errs []error
	for _, n := range nodes {
		if n.Err != nil {
			if e, ok := asError(n.Err); ok && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden) {
				return n.Err
			}
			errs = append(errs, n.Err)
			continue
		}
		if t.cfg.API == Auto {
			api := V1
			if major(n.Version) >= 2 {
				api = V2
			}
			t.api.Store(api)
		}
		return nil
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return fmt.Errorf("no node answered: %w", errors.Join(errs...))
}

// major gives the first number of "1.8.10" or "v2.7.1"; 0 where there is none.
func major(version string) int {
	first, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

// ping asks a node for its version. The client for queries has a ping too, but it gives
// neither the build nor the status, and a page with status 204 would do for it.
func (t *Target) ping(ctx context.Context, n *node) Node {
	out := Node{URL: n.name, Version: unknownVersion}
	a, err := t.get(ctx, n, "/ping", nil)
	if err != nil {
		out.Err = err
		return out
	}
	version := a.header.Get("X-Influxdb-Version")
	out.Build = a.header.Get("X-Influxdb-Build")
	if version == "" && a.status == http.StatusOK {
		var doc struct{ Version string } // 3.x
		if json.Unmarshal(a.body, &doc) == nil {
			version = doc.Version
		}
	}
	if version != "" {
		out.Version = n.hide(version)
	}
	switch {
	case a.status == http.StatusNoContent, a.status == http.StatusOK && version != "":
	case a.status == http.StatusNotFound && t.cfg.API == V2: // it may know writes only
	case a.status < 300:
		out.Err = n.finish(&Error{Status: a.status, Message: strange(a.read()), Class: Temporary})
	default:
		out.Err = n.finish(classify(a))
	}
	return out
}

func (t *Target) get(ctx context.Context, n *node, path string, params url.Values) (answer, error) {
	req, err := t.newRequest(n, http.MethodGet, n.at(path, params), t.API())
	if err != nil {
		return answer{}, &Error{Node: n.name, Message: "make the request: " + n.hide(err.Error()), Class: Fatal}
	}
	return t.exchange(ctx, n, req, payload{})
}

// tryCredentials asks for something harmless that needs a login. Only a refused login is
// an error: what a target cannot answer it need not know.
func (t *Target) tryCredentials(ctx context.Context, n *node, version int) error {
	if t.API() == V2 && version == 2 {
		a, err := t.get(ctx, n, "/api/v2/buckets", url.Values{"limit": {"1"}})
		if err == nil && a.status == http.StatusUnauthorized {
			return n.finish(classify(a))
		}
		return nil
	}
	_, err := n.query(ctx, t.cfg.Timeout, "", "SHOW DATABASES")
	if e, ok := asError(err); ok && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden) {
		return err
	}
	return nil
}
