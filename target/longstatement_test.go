// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// rowCount counts rows.
type rowCount int

func (*rowCount) Begin(string, map[string]string) error { return nil }
func (r *rowCount) Row(int64, []target.Value) error     { *r++; return nil }

// A statement may be longer than the URL that a proxy takes, and credentials are in none.
func TestLongStatement(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{Auth: true})
	s.Exec(`CREATE DATABASE "db"`)
	name := strings.Repeat("é ", 6000)
	s.Write("db", "", strings.ReplaceAll(name, " ", `\ `)+" f=1 5\n")
	upstream, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(upstream)
	var longest atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := len(r.RequestURI)
		longest.Store(max(longest.Load(), int64(n)))
		switch {
		case n > 4<<10:
			w.WriteHeader(http.StatusRequestURITooLong)
		case strings.Contains(r.RequestURI, influxdtest.Password):
			w.WriteHeader(http.StatusTeapot)
		default:
			// Whole before it is passed on: a server that answers makes the rest of a request unreadable, its end too, and
			// the proxy would then give up an answer that is on its way.
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			forward.ServeHTTP(w, r)
		}
	}))
	defer proxy.Close()
	tg := open(t, target.Config{URLs: []string{proxy.URL}, Username: influxdtest.User, Password: influxdtest.Password})
	statement := `SELECT "f"::float FROM "autogen"."` + name + `" WHERE time >= 5 AND time <= 5`
	rows := 0
	if err := tg.Each(t.Context(), "db", statement, func(s target.Series) error { rows += len(s.Values); return nil }); err != nil || rows != 1 {
		t.Errorf("%d rows, %v", rows, err)
	}
	var packed rowCount
	if err := tg.Rows(t.Context(), "db", statement+" GROUP BY *", []point.Kind{point.Float}, &packed); err != nil || packed != 1 {
		t.Errorf("%d packed rows, %v", packed, err)
	}
	if n := longest.Load(); n > 200 {
		t.Errorf("a URL has %d bytes", n)
	}
}
