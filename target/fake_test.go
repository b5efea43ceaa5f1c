// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// quiet is for servers that say what clients do wrong.
var quiet = log.New(io.Discard, "", 0)

// accept takes every request.
func accept(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.WriteHeader(http.StatusNoContent)
}

// serve starts a server for what the real one cannot do.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	s.Config.ErrorLog = quiet
	t.Cleanup(s.Close)
	return s.URL
}

// listen accepts connections and does to them what f does, until the test ends.
func listen(t testing.TB, f func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f(c)
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

// hangUp reads a little and closes, with a reset where more came.
func hangUp(c net.Conn) {
	_, _ = c.Read(make([]byte, 16))
	_ = c.Close()
}

// countNew counts connections.
func countNew(n *atomic.Int64) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			n.Add(1)
		}
	}
}
