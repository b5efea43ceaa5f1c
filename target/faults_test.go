// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/shardlift/shardlift/target"
)

// settled waits until no more goroutines run than before.
func settled(t *testing.T, before int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// stalled is a server that takes requests and never answers while the test runs.
func stalled(t *testing.T) (url string, arrived <-chan string) {
	t.Helper()
	end, got := make(chan struct{}), make(chan string, 16)
	url = serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices a client that leaves
		got <- r.URL.Path
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(end) })
	return url, got
}

// calls are all that a Target does.
func calls(tg *target.Target) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"write": func(ctx context.Context) error { return tg.Write(ctx, "db", "", []byte("m f=1 1\n")) },
		"check": func(ctx context.Context) error { _, err := tg.Check(ctx); return err },
		"query": func(ctx context.Context) error { _, err := tg.Query(ctx, "", "SHOW DATABASES"); return err },
		"each": func(ctx context.Context) error {
			return tg.Each(ctx, "", "SHOW DATABASES", func(target.Series) error { return nil })
		},
		"rows": func(ctx context.Context) error { return tg.Rows(ctx, "", "SELECT f FROM m", nil, &rowTaker{}) },
	}
}

func TestTimeout(t *testing.T) {
	url, _ := stalled(t)
	before := runtime.NumGoroutine()
	tg := open(t, target.Config{URLs: []string{url}, Timeout: 50 * time.Millisecond})
	for name, call := range calls(tg) {
		got, text := errorOf(t, call(t.Context()))
		if got.Class != target.Overloaded || got.Status != 0 || !strings.HasPrefix(text, url+": ") {
			t.Errorf("%s: %+v %s", name, got, text)
		}
	}
	settled(t, before) // though the server still stalls
}

func TestCancel(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() { settled(t, before) })
	url, arrived := stalled(t)
	tg := open(t, target.Config{URLs: []string{url}})
	why := errors.New("enough")
	for name, call := range calls(tg) {
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-arrived
			cancel(why)
		}()
		err := call(ctx)
		if _, is := errors.AsType[*target.Error](err); is || !errors.Is(err, why) || target.Retryable(err) {
			t.Errorf("%s: %v", name, err)
		}
		if err := call(ctx); !errors.Is(err, why) {
			t.Errorf("%s once more: %v", name, err)
		}
	}
}

// A node that stops in the middle of an answer.
func TestStalledChunks(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() { settled(t, before) })
	end := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f"],"values":[[1,2]],"partial":true}],"partial":true}]}`+"\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(end) })
	n := 0
	count := func(s target.Series) error { n += len(s.Values); return nil }
	for timeout := time.Second; n == 0 && timeout < 5*time.Minute; timeout *= 2 { // a busy machine takes long to the middle
		tg := open(t, target.Config{URLs: []string{url}, Timeout: timeout})
		got, text := errorOf(t, tg.Each(t.Context(), "db", "SELECT f FROM m", count))
		if got.Class != target.Overloaded || !strings.Contains(text, "no answer in time") {
			t.Errorf("%+v %s", got, text)
		}
	}
	if n != 1 {
		t.Errorf("%d points", n)
	}
	tg := open(t, target.Config{URLs: []string{url}})
	ctx, cancel := context.WithCancel(t.Context())
	err := tg.Each(ctx, "db", "SELECT f FROM m", func(target.Series) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// An answer that ends between two chunks, with nothing to tell it but the mark of the chunk
// before: a proxy that speaks HTTP/1.0, or that lost its server, ends it so.
func TestEndsBetweenChunks(t *testing.T) {
	chunks := []string{
		`{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f"],"values":[[1,2]]}],"partial":true}]}` + "\n",
		`{"results":[{"statement_id":0,"series":[{"name":"n","columns":["time","f"],"values":[[1,2]]}]}]}` + "\n",
	}
	for n := range len(chunks) + 1 {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, strings.Join(chunks[:n], ""))
		})
		tg := open(t, target.Config{URLs: []string{url}})
		came := 0
		err := tg.Each(t.Context(), "db", "SELECT f FROM /m|n/", func(target.Series) error { came++; return nil })
		if came != n {
			t.Errorf("%d of %d chunks came", came, n)
		}
		if n == len(chunks) {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if got, text := errorOf(t, err); got.Class != target.Temporary || !strings.Contains(text, "the answer broke off") {
			t.Errorf("%d chunks: %+v %s", n, got, text)
		}
	}
}

// What breaks connections, and what is no InfluxDB.
func TestBrokenAnswers(t *testing.T) {
	say := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(c, text)
			}
			_ = c.Close()
		}
	}
	tests := map[string]struct {
		do   func(net.Conn)
		says string
	}{
		"closed at once":   {func(c net.Conn) { _ = c.Close() }, ""},
		"closed later":     {hangUp, ""},
		"no answer":        {say(""), "EOF"},
		"half a status":    {say("HTTP/1.1 20"), ""},
		"half the headers": {say("HTTP/1.1 204 No Content\r\nX-Infl"), ""},
		"half the body":    {say("HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{\"error\":"), ""},
		"half a chunk":     {say("HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nabc"), ""},
		"another protocol": {say("220 mail.example ESMTP\r\n"), ""},
		"binary":           {say("\x00\x01\x02\x03\x04\x05\x06\x07\n"), ""},
		"a page":           {say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<h1>Log in</h1>"), "does not look like InfluxDB"},
		"a proxy's 502":    {say("HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 10\r\n\r\n<h1>x</h1>"), "502"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			t.Cleanup(func() { settled(t, before) })
			tg := open(t, target.Config{URLs: []string{"http://" + listen(t, tt.do)}, Timeout: 10 * time.Minute})
			for call, f := range calls(tg) {
				got, text := errorOf(t, f(t.Context()))
				if got.Class != target.Temporary || !strings.Contains(text, tt.says) {
					t.Errorf("%s: %+v %s", call, got, text)
				}
			}
		})
	}
}

// A server that closes a connection on a body that is too large for it loses its answer.
func TestResetOfLargeBody(t *testing.T) {
	tg := open(t, target.Config{URLs: []string{"http://" + listen(t, hangUp)}, Encoding: target.EncodeNone})
	err := tg.Write(t.Context(), "db", "", make([]byte, 8<<20))
	wantError(t, err, outcome{Class: target.Temporary, Dropped: -1}, "may not take so many")
}

// The answer comes while the body is still being sent. The caller has its memory back then.
func TestEarlyAnswer(t *testing.T) {
	answered := make(chan struct{})
	url := "http://" + listen(t, func(c net.Conn) {
		if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.CopyN(io.Discard, req.Body, 1000)
			_, _ = io.WriteString(c, "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n")
		}
		<-answered
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	})
	tg := open(t, target.Config{URLs: []string{url}, Encoding: target.EncodeNone})
	lines := make([]byte, 64<<20) // more than any socket holds
	err := tg.Write(t.Context(), "db", "", lines)
	clear(lines) // the race detector tells where anyone still reads
	close(answered)
	wantError(t, err, outcome{target.TooLarge, 413, false, -1, false}, "413")
	if s := tg.Stats(); s.BodyBytes == 0 || s.BodyBytes >= int64(len(lines)) {
		t.Errorf("%+v", s)
	}
}

// An answer without end is not kept, and not waited for.
func TestEndlessAnswer(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() { settled(t, before) })
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		for _, err := w.Write(make([]byte, 4096)); err == nil; _, err = w.Write(make([]byte, 4096)) {
		}
	})
	tg := open(t, target.Config{URLs: []string{url}})
	got, text := errorOf(t, tg.Write(t.Context(), "db", "", []byte("m f=1 1\n")))
	if got.Status != http.StatusBadRequest || len(text) > 1000 {
		t.Errorf("%+v %s", got, text)
	}
}

func TestRedirect(t *testing.T) {
	reached := make(chan string, 16)
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		reached <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Authorization")
		accept(w, r)
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", other+"/there"+r.URL.Path+"?p=secret")
			w.WriteHeader(status)
		})
		for _, cfg := range []target.Config{{JWT: "secret"}, {Username: "bob", Password: "secret"}} {
			cfg.URLs = []string{url}
			tg := open(t, cfg)
			for name, call := range calls(tg) {
				got, text := errorOf(t, call(t.Context()))
				if got.Class != target.Fatal || !strings.Contains(text, "redirects to "+other+"/there/") || strings.Contains(text, "secret") {
					t.Errorf("%d %s: %+v %s", status, name, got, text)
				}
			}
		}
	}
	select {
	case r := <-reached:
		t.Errorf("followed: %s", r)
	default:
	}
}
