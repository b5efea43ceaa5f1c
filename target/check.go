// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const unknownVersion = "unknown"

// Check asks every node who it is, all at a time, and settles the API where that is Auto.
// The error is that no node answered, or that credentials were refused.
func (t *Target) Check(ctx context.Context) ([]Node, error) {
	nodes := make([]Node, len(t.nodes))
	var wg sync.WaitGroup
	for i, n := range t.nodes {
		wg.Go(func() {
			l := t.lend(n)
			nodes[i] = t.ping(ctx, n)
			t.giveBack(l, nodes[i].Err)
		})
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
		if isRefused(n.Err) {
			return n.Err
		}
		if n.Err != nil {
			errs = append(errs, n.Err)
		}
	}
	if len(errs) == 1 && len(nodes) == 1 {
		return errs[0]
	}
	if len(errs) == len(nodes) {
		return fmt.Errorf("no node answered: %w", errors.Join(errs...))
	}
	if t.cfg.API != Auto {
		return nil
	}
	first := nodes[slices.IndexFunc(nodes, func(n Node) bool { return n.Err == nil })]
	if major(first.Version) >= 2 {
		t.api.Store(V2)
	} else {
		t.api.Store(V1)
	}
	return nil
}

// isRefused reports whether an error says that credentials were refused.
func isRefused(err error) bool {
	e, ok := asError(err)
	return ok && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
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

// ping asks a node for its version. The client for queries has a ping too, but that one
// tells neither the build nor the status, and knows no context.
func (t *Target) ping(ctx context.Context, n *node) Node {
	out := Node{URL: n.name, Version: unknownVersion}
	a, err := t.get(ctx, n, "/ping", nil)
	if err != nil {
		out.Err = err
		return out
	}
	version := a.header.Get("X-Influxdb-Version")
	out.Build = n.hide(a.header.Get("X-Influxdb-Build"))
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
		out.Err = n.finish(&Error{Status: a.status, Message: a.read().strange(), Class: Temporary, Dropped: -1})
	default:
		out.Err = n.finish(classify(a))
	}
	return out
}

func (t *Target) get(ctx context.Context, n *node, path string, params url.Values) (answer, error) {
	req, err := t.newRequest(n, http.MethodGet, n.at(path, params), t.API())
	if err != nil {
		return answer{}, n.finish(&Error{Message: "make the request: " + err.Error(), Class: Fatal, Dropped: -1})
	}
	return t.exchange(ctx, n, req, payload{})
}

// tryCredentials asks for something harmless that needs a login. Only a refused login is
// an error: what a target cannot answer it need not know. The status decides, which the
// client for queries does not tell.
func (t *Target) tryCredentials(ctx context.Context, n *node, version int) error {
	path, params := "/query", url.Values{"q": {"SHOW DATABASES"}}
	buckets := t.API() == V2 && version == 2
	if buckets {
		path, params = "/api/v2/buckets", url.Values{"limit": {"1"}}
	}
	a, err := t.get(ctx, n, path, params)
	if err != nil {
		return nil //nolint:nilerr // the node answered a moment ago; whoever writes will see
	}
	// A token of 2.x may be for writing only.
	if e := n.finish(classify(a)); isRefused(e) && (!buckets || a.status == http.StatusUnauthorized) {
		return e
	}
	return nil
}
