// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shardlift/shardlift/target"
)

func TestOpenRefuses(t *testing.T) {
	a := newAuthority(t)
	noPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(noPEM, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := []string{"http://localhost:8086"}
	tests := map[string]struct {
		cfg  target.Config
		says string
	}{
		"no URL":              {target.Config{}, "no URL"},
		"no scheme":           {target.Config{URLs: []string{"localhost:8086"}}, `"localhost:8086": it has to begin with http://`},
		"other scheme":        {target.Config{URLs: []string{"udp://localhost:8089"}}, "http://"},
		"no host":             {target.Config{URLs: []string{"http://:8086"}}, "no host"},
		"unreadable":          {target.Config{URLs: []string{"http://a b:8086"}}, "cannot be read"},
		"password with slash": {target.Config{URLs: []string{one[0], "http://bob:sec/secret@host:8086"}}, "URL number 2: it cannot be read"},
		"password with blank": {target.Config{URLs: []string{"http://bob:my secret@host:8086"}}, "written as %XX"},
		"user, no scheme":     {target.Config{URLs: []string{"bob:secret@host:8086"}}, "URL number 1"},
		"login in parameters": {target.Config{URLs: []string{"http://host:8086?u=bob&p=secret"}}, "parameters"},
		"named twice":         {target.Config{URLs: []string{"http://bob:secret@host:8086", "http://host:8086/"}}, "http://host:8086 is named twice"},
		"two kinds":           {target.Config{URLs: one, Username: "bob", Token: "secret"}, "more than one kind"},
		"token and JWT":       {target.Config{URLs: one, JWT: "secret", Token: "secret"}, "more than one kind"},
		"URL user and token":  {target.Config{URLs: []string{"http://bob:secret@host"}, Token: "secret"}, "beside a token"},
		"no user":             {target.Config{URLs: one, Password: "secret"}, "without a user"},
		"colon in user":       {target.Config{URLs: one, Username: "secret:x"}, "colon"},
		"colon in URL user":   {target.Config{URLs: []string{"http://secret%3Ax:secret@host"}}, "colon"},
		"token of two lines":  {target.Config{URLs: one, Token: "secret\nsecret"}, "cannot be sent"},
		"API":                 {target.Config{URLs: one, API: "v3"}, `"v3"`},
		"encoding":            {target.Config{URLs: one, Encoding: "gzip"}, `"gzip"`},
		"consistency":         {target.Config{URLs: one, Consistency: "two"}, `"two"`},
		"timeout":             {target.Config{URLs: one, Timeout: -1}, "negative"},
		"no such CA":          {target.Config{URLs: one, CACert: "/nonexistent"}, "read CA certificate"},
		"CA is no PEM":        {target.Config{URLs: one, CACert: noPEM}, "no certificate in PEM form"},
		"certificate alone":   {target.Config{URLs: one, ClientCert: a.file}, "go together"},
		"not its key":         {target.Config{URLs: one, ClientCert: a.file, ClientKey: noPEM}, "client certificate"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := target.Open(tt.cfg)
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
}

// Servers that repeat what they were sent, wherever they can.
func TestCredentialsAreHidden(t *testing.T) {
	echo := func(status int, format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			text := r.Header.Get("Authorization") + " " + r.URL.String() + " my secret my%20secret my+secret"
			w.Header().Set("X-Influxdb-Version", "1.8 "+text)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, format, text)
		}
	}
	ways := map[string]http.HandlerFunc{
		"page":    echo(http.StatusOK, "<h1>%s</h1>"),
		"results": echo(http.StatusOK, `{"results":[{"error":%q}]}`),
		"location": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/"+r.Header.Get("Authorization"), http.StatusFound)
		},
	}
	for _, status := range []int{400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 502, 503, 504} {
		ways[fmt.Sprintf("%d JSON", status)] = echo(status, `{"error":%q}`)
		ways[fmt.Sprintf("%d text", status)] = echo(status, "%s")
	}
	gone := httptest.NewServer(http.HandlerFunc(accept))
	gone.Close()
	urls := map[string]string{
		"gone": gone.URL, "cut off": "http://" + listen(t, hangUp),
		"https": strings.Replace(serve(t, accept), "http:", "https:", 1),
	}
	for name, h := range ways {
		urls[name] = serve(t, h)
	}
	for name, url := range urls {
		for kind, cfg := range map[string]target.Config{
			"password": {Username: "bob", Password: "my secret"},
			"token":    {Token: "bob:my secret"},
			"bearer":   {JWT: "my secret"},
			"token v2": {Token: "my secret", API: target.V2},
			"user v2":  {Username: "bob", Password: "my secret", API: target.V2},
			"in URL":   {URLs: []string{strings.Replace(url, "://", "://bob:my%20secret@", 1)}},
		} {
			if cfg.URLs == nil {
				cfg.URLs = []string{url}
			}
			cfg.Timeout = 10 * time.Second
			tg := open(t, cfg)
			for call, f := range calls(tg) {
				err := f(t.Context())
				if err == nil {
					continue // of check, where only a part of it fails
				}
				text := fmt.Sprintf("%v %+v", err, err)
				for _, secret := range []string{"my secret", "my%20secret", "my+secret", "bob:my", "Ym9iOm15IHNlY3JldA=="} {
					if strings.Contains(text, secret) {
						t.Errorf("%s, %s, %s: %s", name, kind, call, text)
					}
				}
			}
			nodes, _ := tg.Check(t.Context())
			if text := fmt.Sprintf("%v", nodes); strings.Contains(text, "secret") && !strings.Contains(text, "[hidden]") {
				t.Errorf("%s, %s: %s", name, kind, text)
			}
		}
	}
}

const proxyEnv = "TARGET_TEST_BEHIND_PROXY"

// The environment's proxy is read once in a process, so the test runs itself as one
// that has it.
func TestProxy(t *testing.T) {
	if url := os.Getenv(proxyEnv); url != "" {
		behindProxy(url)
		os.Exit(0)
	}
	seen := make(chan string, 16)
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		seen <- r.Host + r.URL.Path + " " + r.Header.Get("Proxy-Authorization")
		accept(w, r)
	})
	tests := map[string]struct{ proxy, url, want string }{
		"http":  {strings.Replace(proxy, "://", "://me:secret@", 1), "http://influx.invalid:8086/p", "write: <nil>"},
		"https": {proxy, "https://influx.invalid:8086", "class 0: https://influx.invalid:8086: the proxy answered 407"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestProxy$")
			cmd.Env = append(os.Environ(), proxyEnv+"="+tt.url, "HTTP_PROXY="+tt.proxy, "HTTPS_PROXY="+tt.proxy, "NO_PROXY=")
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), tt.want) || strings.Contains(string(out), "secret") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	if got := <-seen; got != "influx.invalid:8086/p/write Basic bWU6c2VjcmV0" {
		t.Errorf("the proxy saw %s", got)
	}
}

func behindProxy(url string) {
	tg, err := target.Open(target.Config{URLs: []string{url}})
	if err != nil {
		_, _ = io.WriteString(os.Stdout, "open: "+err.Error())
		return
	}
	err = tg.Write(context.Background(), "db", "", []byte("m f=1 1\n"))
	if e, ok := errors.AsType[*target.Error](err); ok {
		_, _ = fmt.Fprintf(os.Stdout, "class %d: %v", e.Class, err)
		return
	}
	_, _ = fmt.Fprintf(os.Stdout, "write: %v", err)
}
