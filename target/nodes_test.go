// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/target"
)

// counted is a server that counts its requests and can be told what to answer.
type counted struct {
	url    string
	n      atomic.Int64
	status atomic.Int64
	hold   chan chan struct{} // where not nil, each request sends a channel and waits for it
}

func newCounted(t *testing.T, hold chan chan struct{}) *counted {
	t.Helper()
	c := &counted{hold: hold}
	c.status.Store(http.StatusNoContent)
	c.url = serve(t, func(w http.ResponseWriter, r *http.Request) {
		c.n.Add(1)
		if c.hold != nil {
			release := make(chan struct{})
			c.hold <- release
			<-release
		}
		if r.URL.Path == "/query" && c.status.Load() == http.StatusNoContent {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"results":[{"statement_id":0}]}`))
			return
		}
		w.WriteHeader(int(c.status.Load()))
	})
	return c
}

func TestSpread(t *testing.T) {
	var nodes []*counted
	cfg := target.Config{}
	for range 3 {
		nodes = append(nodes, newCounted(t, nil))
		cfg.URLs = append(cfg.URLs, nodes[len(nodes)-1].url)
	}
	tg := open(t, cfg)
	for range 30 {
		if err := tg.Write(t.Context(), "db", "", []byte("m f=1 1\n")); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range nodes {
		if got := n.n.Load(); got != 10 {
			t.Errorf("node %d got %d requests", i, got)
		}
	}
}

// A node that is slow gets fewer requests: those in flight count.
func TestFewestInFlight(t *testing.T) {
	hold := make(chan chan struct{})
	slow, quick := newCounted(t, hold), newCounted(t, nil)
	tg := open(t, target.Config{URLs: []string{slow.url, quick.url}})
	var wg sync.WaitGroup
	write := func() {
		if err := tg.Write(t.Context(), "db", "", []byte("m f=1 1\n")); err != nil {
			t.Error(err)
		}
	}
	wg.Go(write)
	release := <-hold
	for range 10 {
		write()
	}
	if got := quick.n.Load(); got != 10 {
		t.Errorf("the quick node got %d", got)
	}
	close(release)
	wg.Wait()
}

func TestFailingNode(t *testing.T) {
	good, bad := newCounted(t, nil), newCounted(t, nil)
	bad.status.Store(http.StatusBadGateway)
	tg := open(t, target.Config{URLs: []string{bad.url, good.url}})
	failed := 0
	for range 20 {
		if err := tg.Write(t.Context(), "db", "", []byte("m f=1 1\n")); err != nil {
			failed++
		}
	}
	// It is tried again when its pause is over, which a slow machine may see.
	if got := bad.n.Load(); failed == 0 || int(got) != failed || failed > 10 {
		t.Errorf("%d failed, the bad node got %d", failed, got)
	}
	// All nodes are left out now: one is used all the same.
	good.status.Store(http.StatusServiceUnavailable)
	before := good.n.Load() + bad.n.Load()
	for range 5 {
		if err := tg.Write(t.Context(), "db", "", []byte("m f=1 1\n")); !target.Retryable(err) {
			t.Error(err)
		}
	}
	if got := good.n.Load() + bad.n.Load() - before; got != 5 {
		t.Errorf("%d requests", got)
	}
	good.status.Store(http.StatusNoContent)
	bad.status.Store(http.StatusNoContent)
	if err := tg.Write(t.Context(), "db", "", []byte("m f=1 1\n")); err != nil {
		t.Error(err)
	}
}

// What a node says of points or places says nothing against the node.
func TestRefusingNodeStays(t *testing.T) {
	a, b := newCounted(t, nil), newCounted(t, nil)
	a.status.Store(http.StatusNotFound)
	tg := open(t, target.Config{URLs: []string{a.url, b.url}})
	for range 10 {
		_ = tg.Write(t.Context(), "db", "", []byte("m f=1 1\n"))
	}
	if a.n.Load() != 5 || b.n.Load() != 5 {
		t.Errorf("%d and %d requests", a.n.Load(), b.n.Load())
	}
}

func TestQueryAsksNext(t *testing.T) {
	gone := httptest.NewServer(http.HandlerFunc(accept))
	gone.Close()
	failing, good := newCounted(t, nil), newCounted(t, nil)
	failing.status.Store(http.StatusBadGateway)
	for name, f := range map[string]func(tg *target.Target) error{
		"query": func(tg *target.Target) error { return calls(tg)["query"](t.Context()) },
		"each":  func(tg *target.Target) error { return calls(tg)["each"](t.Context()) },
	} {
		tg := open(t, target.Config{URLs: []string{gone.URL, failing.url, good.url}})
		for range 3 {
			if err := f(tg); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		none := open(t, target.Config{URLs: []string{gone.URL, failing.url}})
		if err := f(none); !target.Retryable(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckNodes(t *testing.T) {
	gone := httptest.NewServer(http.HandlerFunc(accept))
	gone.Close()
	node := func(version, build string) string {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Influxdb-Version", version)
			w.Header().Set("X-Influxdb-Build", build)
			w.WriteHeader(http.StatusNoContent)
		})
	}
	page := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<h1>It works!</h1>")) })
	three := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"version":"3.0.1","revision":"x"}`))
	})
	nothing := serve(t, http.NotFound)
	one, one8, two := node("1.7.11-c1.7.11", "ENT"), node("1.8.10", "OSS"), node("v2.7.1", "OSS")
	tests := map[string]struct {
		urls []string
		api  target.API
		want target.API
		bad  []bool
	}{
		"one":                 {[]string{one8}, "", target.V1, []bool{false}},
		"two":                 {[]string{two}, "", target.V2, []bool{false}},
		"three":               {[]string{three}, "", target.V2, []bool{false}},
		"two as one":          {[]string{two}, target.V1, target.V1, []bool{false}},
		"versions differ":     {[]string{one, one8}, "", target.V1, []bool{false, false}},
		"some gone":           {[]string{gone.URL, page, two}, "", target.V2, []bool{true, true, false}},
		"all gone":            {[]string{gone.URL, page}, "", target.Auto, []bool{true, true}},
		"writes only":         {[]string{nothing}, target.V2, target.V2, []bool{false}},
		"writes only, unsaid": {[]string{nothing}, "", target.Auto, []bool{true}},
	}
	versions := map[string]string{one: "1.7.11-c1.7.11", one8: "1.8.10", two: "v2.7.1", three: "3.0.1"}
	builds := map[string]string{one: "ENT", one8: "OSS", two: "OSS"}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tg := open(t, target.Config{URLs: tt.urls, API: tt.api})
			nodes, err := tg.Check(t.Context())
			var want []target.Node
			all := true
			for i, url := range tt.urls {
				n := target.Node{URL: url, Version: "unknown", Build: builds[url]}
				if v, ok := versions[url]; ok {
					n.Version = v
				}
				if (nodes[i].Err != nil) != tt.bad[i] {
					t.Errorf("%s: %v", url, nodes[i].Err)
				}
				nodes[i].Err = nil
				all = all && tt.bad[i]
				want = append(want, n)
			}
			if diff := cmp.Diff(want, nodes); diff != "" || (err != nil) != all || tg.API() != tt.want {
				t.Errorf("%s, %v, %s", tg.API(), err, diff)
			}
		})
	}
}

// Whoever writes one request after the other keeps one connection, also over refusals.
func TestConnectionsAreKept(t *testing.T) {
	var opened atomic.Int64
	n := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n%2 == 0 {
			accept(w, r)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"partial write: ` + strings.Repeat("x", 200<<10) + `"}`))
	}))
	s.Config.ConnState = countNew(&opened)
	s.Start()
	t.Cleanup(s.Close)
	tg := open(t, target.Config{URLs: []string{s.URL}})
	for range 50 {
		_ = tg.Write(t.Context(), "db", "", make([]byte, 100<<10))
	}
	if got := opened.Load(); got != 1 {
		t.Errorf("%d connections", got)
	}
}
