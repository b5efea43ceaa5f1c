// SPDX-License-Identifier: Apache-2.0

package faultproxy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/faultproxy"
)

// upstream is a server that keeps the bodies of whole requests.
type upstream struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	torn   int
	news   chan struct{}
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{news: make(chan struct{}, 1000)}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		u.mu.Lock()
		if err != nil {
			u.torn++
		} else {
			u.bodies = append(u.bodies, string(b))
		}
		u.mu.Unlock()
		u.news <- struct{}{}
		if strings.HasSuffix(r.URL.Path, "/query") {
			_, _ = io.WriteString(w, strings.Repeat("a long answer ", 10_000)) // the test reads it
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) got() (whole []string, torn int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.bodies, u.torn
}

// newClient gives a client that does nothing by itself.
func newClient(t *testing.T, timeout time.Duration) *http.Client {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// post posts a body; the answer is "status body" or "".
func post(t *testing.T, c *http.Client, url, body string) (string, error) {
	t.Helper()
	return postIn(t.Context(), t, c, url, body)
}

// patient is the context of a client that gives up when it has met a stall, and not before.
func patient(t *testing.T, p *faultproxy.Proxy, f faultproxy.Fault) context.Context {
	t.Helper()
	ctx, giveUp := context.WithCancel(t.Context())
	t.Cleanup(giveUp)
	if f.Do == faultproxy.Stall {
		go func() {
			_ = p.Await(ctx, func(e []faultproxy.Event) bool { return len(e) > 0 }) // the test is over otherwise
			giveUp()
		}()
	}
	return ctx
}

func postIn(ctx context.Context, t *testing.T, c *http.Client, url, body string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/write?db=d", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	b, err := io.ReadAll(resp.Body)
	return strings.TrimSpace(resp.Status + " " + string(b)), err
}

// Without a schedule a proxy cannot be told from its server, and connections are kept.
func TestPassesOn(t *testing.T) {
	u := newUpstream(t)
	p := faultproxy.Start(t, faultproxy.Options{Upstream: u.URL})
	c := newClient(t, time.Minute)
	bodies := []string{"one", "", strings.Repeat("long", 1<<20), "four"}
	for _, b := range bodies {
		if got, err := post(t, c, p.URL, b); got != "204 No Content" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
	resp, err := c.Get(p.URL + "/query")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if len(b) != 140_000 || err != nil || resp.Body.Close() != nil {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	whole, _ := u.got()
	if diff := cmp.Diff(append(bodies, ""), whole); diff != "" {
		t.Errorf("bodies (-sent +got):\n%.500s", diff)
	}
	var writes []int
	for _, e := range p.Events() {
		writes = append(writes, e.Write)
	}
	if diff := cmp.Diff([]int{0, -1, 1, 2, -1}, writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

// Every fault is what it says for client, server and events; and when it is over the next
// request goes through.
func TestCatalogue(t *testing.T) {
	for _, f := range faultproxy.Catalogue() {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t)
			p := faultproxy.Start(t, faultproxy.Options{Upstream: u.URL})
			p.Requests(faultproxy.Writes(f))
			body := strings.Repeat("m f=1\n", 1<<20) // more than the buffers on the way hold
			got, err := postIn(patient(t, p, f), t, newClient(t, time.Minute), p.URL, body)
			if ok := got == "204 No Content" && err == nil; ok != (f.Do == faultproxy.Delay) {
				t.Errorf("the client got %q, %v", got, err)
			}
			early := f.At == faultproxy.BeforeBody || f.At == faultproxy.InBody
			if f.Passed || f.Do == faultproxy.Delay {
				<-u.news
			}
			whole, torn := u.got()
			if stored := len(whole) == 1; stored != (f.Do == faultproxy.Delay || f.Passed && !early) {
				t.Errorf("the server has it: %t", stored)
			}
			if (torn == 1) != (f.Passed && early) {
				t.Errorf("the server has a part: %d", torn)
			}
			again, err := post(t, newClient(t, time.Minute), p.URL, "m f=2")
			if again != "204 No Content" || err != nil {
				t.Errorf("afterwards: %q, %v", again, err)
			}
			events := p.Events()
			if len(events) != 2 || events[0].Fault.String() != f.String() || events[0].Stored != (len(whole) == 1) {
				t.Fatalf("events %+v", events)
			}
			want := map[faultproxy.Moment]int{faultproxy.BeforeBody: 0, faultproxy.InBody: len(body) / 2, faultproxy.AfterBody: len(body), faultproxy.InAnswer: len(body)}[f.At]
			if f.Do != faultproxy.Delay && events[0].Body != int64(want) {
				t.Errorf("%d bytes of the body came", events[0].Body)
			}
		})
	}
}

// The list holds what it is to hold, each under a name of its own.
func TestCatalogueIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range faultproxy.Catalogue() {
		if name := f.String(); seen[name] || name == "pass" {
			t.Errorf("%q is there twice, or is none", name)
		}
		seen[f.String()] = true
	}
	for _, name := range []string{
		"reset before the body", "reset in the body", "reset after the body", "reset in the answer", "reset after the body, passed on", "stall after the body",
		"delay after the body", "answer 408 after the body", "413 and close in the body", "answer 429 after the body", "500 timeout after the body, passed on", "500 cache full after the body", "500 plain after the body",
		"502 page after the body", "503 throttled after the body", "504 page after the body", "garbage after the body", "answer without end after the body", "short Content-Length after the body", "200 page after the body",
	} {
		if !seen[name] {
			t.Errorf("no fault %q", name)
		}
	}
}

func TestAnswers(t *testing.T) {
	u := newUpstream(t)
	p := faultproxy.Start(t, faultproxy.Options{Upstream: u.URL})
	p.Requests(faultproxy.Writes(
		faultproxy.Answer(http.StatusTooManyRequests, "slow down\n", "Retry-After: 7"),
		faultproxy.Answer(http.StatusTemporaryRedirect, "", "Location: /elsewhere"),
		faultproxy.Answer(http.StatusUnauthorized, `{"error":"authorization failed"}`+"\n").PassedOn(),
	))
	c := newClient(t, time.Minute)
	var got []string
	for range 4 {
		answer, err := post(t, c, p.URL, "m f=1")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, answer)
	}
	want := []string{"429 Too Many Requests slow down", "307 Temporary Redirect", `401 Unauthorized {"error":"authorization failed"}`, "204 No Content"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if whole, _ := u.got(); len(whole) != 2 || p.Faults() != 3 {
		t.Errorf("the server got %q; %d faults", whole, p.Faults())
	}
}

func TestConnections(t *testing.T) {
	u := newUpstream(t)
	cases := map[string]faultproxy.Fault{
		"reset":  {Do: faultproxy.Reset},
		"ended":  {Do: faultproxy.Close},
		"answer": {Do: faultproxy.Say, Raw: []byte("go away\r\n")},
		"silent": {Do: faultproxy.Stall},
	}
	for _, secure := range []bool{false, true} {
		for name, f := range cases {
			opts, client := faultproxy.Options{Upstream: u.URL}, newClient(t, time.Minute)
			if secure {
				other := httptest.NewTLSServer(nil) // for its certificate
				defer other.Close()
				opts.TLS = other.TLS.Clone()
				opts.TLS.NextProtos = nil
				client = other.Client()
				name += " in the handshake"
			}
			t.Run(name, func(t *testing.T) {
				p := faultproxy.Start(t, opts)
				p.Connections(f)
				if got, err := postIn(patient(t, p, f), t, client, p.URL, "m f=1"); err == nil {
					t.Errorf("answer %q", got)
				}
				if got, err := post(t, client, p.URL, "m f=2"); got != "204 No Content" || err != nil {
					t.Errorf("afterwards: %q, %v", got, err)
				}
				if n := p.Faults(); n != 1 {
					t.Errorf("%d faults", n)
				}
			})
		}
	}
}

// A proxy that is down refuses, and takes what is under way with it.
func TestDownAndUp(t *testing.T) {
	u := newUpstream(t)
	p := faultproxy.Start(t, faultproxy.Options{Upstream: u.URL})
	p.Requests(faultproxy.Writes(faultproxy.Fault{Do: faultproxy.Stall}))
	c := newClient(t, time.Minute)
	stalled := make(chan error, 1)
	go func() {
		_, err := post(t, c, p.URL, "m f=1")
		stalled <- err
	}()
	if err := p.AwaitWrites(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	p.Down()
	if err := <-stalled; err == nil {
		t.Error("a request survived")
	}
	if _, err := post(t, c, p.URL, "m f=1"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("while it is down: %v", err)
	}
	if err := p.Up(); err != nil {
		t.Fatal(err)
	}
	if got, err := post(t, c, p.URL, "m f=1"); got != "204 No Content" || err != nil {
		t.Errorf("up again: %q, %v", got, err)
	}
}

func TestReleaseEndsStalls(t *testing.T) {
	u := newUpstream(t)
	p := faultproxy.Start(t, faultproxy.Options{Upstream: u.URL})
	p.Requests(faultproxy.All(faultproxy.Fault{Do: faultproxy.Stall}))
	done := make(chan error)
	for range 3 {
		go func() {
			_, err := post(t, newClient(t, time.Minute), p.URL, "m f=1")
			done <- err
		}()
	}
	if err := p.AwaitWrites(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	for ended := 0; ended < 3; { // one may record its stall just before it begins to wait
		p.Release()
		select {
		case err := <-done:
			if err == nil {
				t.Error("a request went through")
			}
			ended++
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestAwaitEndsWithContext(t *testing.T) {
	p := faultproxy.Start(t, faultproxy.Options{Upstream: "http://127.0.0.1:1"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.AwaitWrites(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The same seed gives the same faults, whatever else is asked.
func TestRandomIsDeterministic(t *testing.T) {
	draw := func(seed uint64) []string {
		s := faultproxy.Random(seed, 0.5, faultproxy.Catalogue()...)
		var names []string
		for i := range 200 {
			names = append(names, s(faultproxy.Request{N: i, Write: i}).String())
			if f := s(faultproxy.Request{N: i, Write: -1}); f.Do != faultproxy.Pass {
				t.Errorf("a query met %s", f)
			}
		}
		return names
	}
	if diff := cmp.Diff(draw(1), draw(1)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(draw(1), draw(2)) {
		t.Error("two seeds give the same")
	}
	passed := strings.Count(strings.Join(draw(1), "\n")+"\n", "pass\n")
	if passed < 60 || passed > 140 {
		t.Errorf("%d of 200 pass", passed)
	}
}

// What the server sends is what comes out, byte for byte, also when the request is compressed.
func TestBodiesAreLeftAlone(t *testing.T) {
	var got []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body) // compared below
		w.Header().Set("X-Seen", r.Header.Get("Content-Encoding")+" "+r.Host+" "+r.URL.String())
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("no\n")) // compared below
	}))
	defer s.Close()
	p := faultproxy.Start(t, faultproxy.Options{Upstream: s.URL})
	body := []byte{0x1f, 0x8b, 0, 1, 2, 0xff}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/write?db=a%2Fb&rp=c+d", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Encoding", "gzip")
	resp, err := newClient(t, time.Minute).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.Body.Close() != nil {
		t.Fatal(err)
	}
	want := "gzip " + strings.TrimPrefix(p.URL, "http://") + " /write?db=a%2Fb&rp=c+d"
	if !bytes.Equal(got, body) || string(text) != "no\n" || resp.StatusCode != http.StatusBadRequest || resp.Header.Get("X-Seen") != want {
		t.Errorf("%q, %d %q, seen %q", got, resp.StatusCode, text, resp.Header.Get("X-Seen"))
	}
}
