// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/target"
)

// request is what a server of 2.x saw.
type request struct {
	Path, Query, Auth, Encoding, Agent, Body string
	Length                                   int64
}

// recorder answers as 2.x and keeps the last request.
type recorder struct {
	last   request
	status int
	answer string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("X-Influxdb-Version", "v2.7.1")
	if strings.HasSuffix(req.URL.Path, "/ping") {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var in io.Reader = req.Body
	if req.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if in, err = gzip.NewReader(req.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	b, err := io.ReadAll(in)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := req.Header
	r.last = request{req.URL.Path, req.URL.RawQuery, h.Get("Authorization"), h.Get("Content-Encoding"), h.Get("User-Agent"), string(b), req.ContentLength}
	status := r.status
	if req.Method == http.MethodGet && status == http.StatusNoContent {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, r.answer)
}

func TestV2(t *testing.T) {
	long := strings.Repeat("m f=1 1\n", 1000)
	tests := map[string]struct {
		cfg              target.Config
		db, policy, text string
		want             request
	}{
		"token": {
			target.Config{Token: "abc==", Org: "my org", UserAgent: "shardlift/1"},
			"db", "rp", "m f=1 1\n",
			request{"/api/v2/write", "bucket=db%2Frp&org=my+org&precision=ns", "Token abc==", "", "shardlift/1", "m f=1 1\n", 8},
		},
		"default policy": {
			target.Config{Username: "bob", Password: "pa:ss"},
			"db", "", "m f=1 1\n",
			request{"/api/v2/write", "bucket=db&precision=ns", "Token bob:pa:ss", "", "Go-http-client/1.1", "m f=1 1\n", 8},
		},
		"mapped, consistency is not for it": {
			target.Config{JWT: "a.b.c", Consistency: "all", Buckets: map[string]string{"db/rp": "b&b"}},
			"db", "rp", "m f=1 1\n",
			request{"/api/v2/write", "bucket=b%26b&precision=ns", "Bearer a.b.c", "", "Go-http-client/1.1", "m f=1 1\n", 8},
		},
		"no credentials": {
			target.Config{},
			"db", "rp", "",
			request{"/api/v2/write", "bucket=db%2Frp&precision=ns", "", "", "Go-http-client/1.1", "", 0},
		},
		"packed": {
			target.Config{Encoding: target.EncodeGzip},
			"db", "rp", long,
			request{"/api/v2/write", "bucket=db%2Frp&precision=ns", "", "gzip", "Go-http-client/1.1", long, 0},
		},
		"1.x with a path": {
			target.Config{API: target.V1, Consistency: "all", Username: "bob"},
			"d/b", "r p", "m f=1 1\n",
			request{"/write", "consistency=all&db=d%2Fb&precision=ns&rp=r+p", "Basic Ym9iOg==", "", "Go-http-client/1.1", "m f=1 1\n", 8},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := &recorder{status: http.StatusNoContent}
			tt.cfg.URLs = []string{serve(t, r.ServeHTTP) + "/pre%20fix/"}
			tg := open(t, tt.cfg)
			if _, err := tg.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := tg.Write(t.Context(), tt.db, tt.policy, []byte(tt.text)); err != nil {
				t.Fatal(err)
			}
			tt.want.Path = "/pre fix" + tt.want.Path
			if tt.want.Encoding != "" {
				tt.want.Length = tg.Stats().BodyBytes
			}
			if diff := cmp.Diff(tt.want, r.last); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV2Answers(t *testing.T) {
	r := &recorder{}
	tg := open(t, target.Config{URLs: []string{serve(t, r.ServeHTTP)}, API: target.V2, Token: "my-token"})
	write := func(status int, answer, text string) error {
		r.status, r.answer = status, answer
		return tg.Write(t.Context(), "db", "", []byte(text))
	}
	if err := write(400, `{"code":"invalid","message":"writing requires points"}`, ""); err != nil {
		t.Errorf("empty: %v", err)
	}
	wantError(t, write(422, `{"code":"unprocessable entity","message":"failure writing points to database: partial write: field type conflict: x dropped=1"}`, "m f=1 1\n"),
		outcome{target.Refused, 422, true, 1, false}, "type conflict")
	wantError(t, write(404, `{"code":"not found","message":"bucket \"db\" not found"}`, ""), outcome{target.Fatal, 404, false, -1, false}, "bucket")
	r.status, r.answer = 401, `{"code":"unauthorized","message":"no my-token here"}`
	_, err := tg.Check(t.Context())
	wantError(t, err, outcome{target.Fatal, 401, false, -1, false}, "no [hidden] here")
	r.status = 403 // a token for writing only
	if _, err := tg.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// Servers that do not unpack bodies.
func TestGzipRefused(t *testing.T) {
	for name, refuse := range map[string]func(w http.ResponseWriter, body []byte){
		"415": func(w http.ResponseWriter, _ []byte) { w.WriteHeader(http.StatusUnsupportedMediaType) },
		"unexpected EOF": func(w http.ResponseWriter, _ []byte) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"unexpected EOF"}`)
		},
		"taken for points": func(w http.ResponseWriter, b []byte) {
			w.Header().Set("X-Influxdb-Version", "x")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, "unable to parse '%s': missing fields", b[:20])
		},
	} {
		t.Run(name, func(t *testing.T) {
			packed, plain := 0, 0
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				if r.Header.Get("Content-Encoding") == "" {
					plain++
					w.WriteHeader(http.StatusNoContent)
					return
				}
				packed++
				refuse(w, b)
			})
			tg := open(t, target.Config{URLs: []string{url}, Encoding: target.EncodeGzip})
			lines := []byte(strings.Repeat("m f=1 1\n", 1000))
			for range 2 {
				if err := tg.Write(t.Context(), "db", "", lines); !target.Retryable(err) {
					t.Errorf("got %v", err)
				}
			}
			for range 3 {
				if err := tg.Write(t.Context(), "db", "", lines); err != nil {
					t.Error(err)
				}
			}
			if packed != 2 || plain != 3 {
				t.Errorf("%d packed, %d plain", packed, plain)
			}
		})
	}
}

// A server of 2.x that has no database mapped to a bucket answers, and does not say that
// there is nothing.
func TestEachWithoutResults(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("X-Influxdb-Version", "v2.7.5")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"code":"not found","message":"no dbrp mapping found"}`)
	})
	tg := open(t, target.Config{URLs: []string{url}, API: target.V2, Org: "o"})
	err := tg.Each(t.Context(), "db", "SELECT count(f) FROM m", func(target.Series) error { return nil })
	got, text := errorOf(t, err)
	if got.Class != target.Fatal || !strings.Contains(text, "no results") {
		t.Errorf("%+v: %s", got, text)
	}
}
