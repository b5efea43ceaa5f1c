// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/target"
)

func TestHTTPS(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.issue(t, "server", leaf())
	s := influxdtest.Start(t, influxdtest.Options{Set: map[string]string{
		"http.https-enabled":     "true",
		"http.https-certificate": strconv.Quote(cert),
		"http.https-private-key": strconv.Quote(key),
	}})
	https := strings.Replace(s.URL, "http:", "https:", 1)
	elsewhere := leaf()
	elsewhere.IPAddresses, elsewhere.DNSNames = nil, []string{"elsewhere.example"}
	pair, err := tls.LoadX509KeyPair(a.issue(t, "elsewhere", elsewhere))
	if err != nil {
		t.Fatal(err)
	}
	other := startTLS(t, &tls.Config{Certificates: []tls.Certificate{pair}}) // a machine need not know localhost
	tests := map[string]struct {
		cfg  target.Config
		says string // "" where it works
	}{
		"authority named":     {target.Config{URLs: []string{https}, CACert: a.file}, ""},
		"check switched off":  {target.Config{URLs: []string{https}, InsecureSkipVerify: true}, ""},
		"authority not known": {target.Config{URLs: []string{https}}, "not trusted here"},
		"other host name":     {target.Config{URLs: []string{other}, CACert: a.file}, "another host name"},
		"http instead":        {target.Config{URLs: []string{s.URL}}, "speaks https"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tg := open(t, tt.cfg)
			_, err := tg.Check(t.Context())
			_, queryErr := tg.Query(t.Context(), "", "CREATE DATABASE db")
			writeErr := tg.Write(t.Context(), "db", "", []byte("m f=1 1\n"))
			for what, err := range map[string]error{"check": err, "query": queryErr, "write": writeErr} {
				if tt.says == "" {
					if err != nil {
						t.Errorf("%s: %v", what, err)
					}
					continue
				}
				if got, text := errorOf(t, err); got.Class != target.Fatal || !strings.Contains(text, tt.says) {
					t.Errorf("%s: %+v %s", what, got, text)
				}
			}
		})
	}
}

// startTLS starts a server that says 204 to everything, over TLS.
func startTLS(t *testing.T, cfg *tls.Config) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(accept))
	s.Config.ErrorLog = quiet
	s.TLS = cfg
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestClientCertificate(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.issue(t, "server", leaf())
	clientCert, clientKey := a.issue(t, "client", leaf())
	other := newAuthority(t)
	otherCert, otherKey := other.issue(t, "client", leaf())
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		url := startTLS(t, &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: version,
		})
		for name, tt := range map[string]struct{ cert, key, says string }{
			"good":  {clientCert, clientKey, ""},
			"other": {otherCert, otherKey, "client certificate"},
			"none":  {"", "", "client certificate"},
		} {
			t.Run(fmt.Sprintf("%s %s", tls.VersionName(version), name), func(t *testing.T) {
				tg := open(t, target.Config{URLs: []string{url}, CACert: a.file, ClientCert: tt.cert, ClientKey: tt.key})
				err := tg.Write(t.Context(), "db", "", []byte("m f=1 1\n"))
				if tt.says == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				for target.Retryable(err) { // TLS 1.3 refuses when the request is on its way, which may meet a closed connection
					err = tg.Write(t.Context(), "db", "", []byte("m f=1 1\n"))
				}
				if got, text := errorOf(t, err); got.Class != target.Fatal || !strings.Contains(text, tt.says) {
					t.Errorf("%+v %s", got, text)
				}
			})
		}
	}
}

func TestOddTLS(t *testing.T) {
	a := newAuthority(t)
	expired := leaf()
	expired.NotAfter = time.Now().Add(-time.Minute)
	cert, key := a.issue(t, "expired", expired)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewServer(http.HandlerFunc(accept))
	t.Cleanup(plain.Close)
	tests := map[string]struct {
		url  string
		want target.Class
		says string
	}{
		"expired":             {startTLS(t, &tls.Config{Certificates: []tls.Certificate{pair}}), target.Fatal, "expired"},
		"only an old version": {startTLS(t, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}), target.Fatal, "no common way"},
		"https instead":       {strings.Replace(plain.URL, "http:", "https:", 1), target.Fatal, "speaks http,"},
		"handshake cut off":   {"https://" + listen(t, hangUp), target.Temporary, ""},
		"garbage":             {"https://" + listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "garbage garbage garbage"); hangUp(c) }), target.Temporary, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tg := open(t, target.Config{URLs: []string{tt.url}, CACert: a.file})
			err := tg.Write(t.Context(), "db", "", []byte("m f=1 1\n"))
			if got, text := errorOf(t, err); got.Class != tt.want || !strings.Contains(text, tt.says) {
				t.Errorf("%+v %s", got, text)
			}
		})
	}
}
