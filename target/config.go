// SPDX-License-Identifier: Apache-2.0

package target

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

const defaultTimeout = 60 * time.Second

// Open checks the configuration and reads its files. It does not talk to anyone.
func Open(cfg Config) (*Target, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	security, err := cfg.tls()
	if err != nil {
		return nil, err
	}
	t := &Target{cfg: cfg, client: newHTTPClient(security)}
	t.api.Store(cfg.API)
	for i, raw := range cfg.URLs {
		n, err := newNode(i, raw, cfg)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(t.nodes, func(o *node) bool { return o.name == n.name }) {
			return nil, fmt.Errorf("URL %s is named twice", n.name)
		}
		if err := n.openQuerier(cfg, security); err != nil {
			return nil, err
		}
		t.nodes = append(t.nodes, n)
	}
	return t, nil
}

// check refuses what no request could be made of, and fills in what is not said.
func (c *Config) check() error {
	switch c.API {
	case "":
		c.API = Auto
	case Auto, V1, V2:
	default:
		return fmt.Errorf("API %q: it is auto, v1 or v2", c.API)
	}
	switch c.Encoding {
	case "":
		c.Encoding = EncodeAuto
	case EncodeAuto, EncodeGzip, EncodeNone:
	default:
		return fmt.Errorf("compression of requests %q: it is auto, on or off", c.Encoding)
	}
	switch c.Consistency {
	case "", "any", "one", "quorum", "all":
	default:
		return fmt.Errorf("consistency %q: it is any, one, quorum or all", c.Consistency)
	}
	if c.Timeout < 0 {
		return fmt.Errorf("timeout %s: it cannot be negative", c.Timeout)
	}
	if len(c.URLs) == 0 {
		return errors.New("no URL of a node is named")
	}
	return c.checkCredentials()
}

// parseNodeURL takes a node's URL apart. Its errors do not show the URL where it may
// hold a password: what does not parse may hold it anywhere.
func parseNodeURL(i int, raw string) (*url.URL, *url.Userinfo, error) {
	shown := fmt.Sprintf("%q", raw)
	if strings.ContainsAny(raw, "@?#") {
		shown = fmt.Sprintf("number %d", i+1)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("URL %s: it cannot be read; special characters in names and passwords are written as %%XX", shown)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, nil, fmt.Errorf("URL %s: it has to begin with http:// or https://", shown)
	case u.Hostname() == "":
		return nil, nil, fmt.Errorf("URL %s: it names no host", shown)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, nil, fmt.Errorf("URL %s: it cannot have parameters", shown)
	}
	user := u.User
	u.User = nil
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, user, nil
}

// tls makes the settings for https from the files. It is never nil.
func (c *Config) tls() (*tls.Config, error) {
	out := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: c.InsecureSkipVerify, // where the user asks for it
	}
	if c.CACert != "" {
		pem, err := os.ReadFile(c.CACert)
		if err != nil {
			return nil, fmt.Errorf("read CA certificate: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read CA certificate: %s holds no certificate in PEM form", c.CACert)
		}
	}
	if (c.ClientCert == "") != (c.ClientKey == "") {
		return nil, errors.New("a client certificate and its key go together: one of them is missing")
	}
	if c.ClientCert != "" {
		pair, err := tls.LoadX509KeyPair(c.ClientCert, c.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("read client certificate and key: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

const (
	dialTimeout      = 15 * time.Second
	handshakeTimeout = 15 * time.Second
	idleTimeout      = 90 * time.Second
	maxIdlePerNode   = 256 // more than anyone writes with: none is closed to be opened again
	ioBufferBytes    = 64 << 10
)

// newHTTPClient makes the client that writes and pings. It keeps connections open, and
// speaks HTTP/1.1 only: over HTTP/2 all requests would share one connection.
func newHTTPClient(security *tls.Config) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        security.Clone(),
			TLSHandshakeTimeout:    handshakeTimeout,
			DisableCompression:     true, // answers are short
			MaxIdleConnsPerHost:    maxIdlePerNode,
			IdleConnTimeout:        idleTimeout,
			WriteBufferSize:        ioBufferBytes,
			ReadBufferSize:         ioBufferBytes,
			MaxResponseHeaderBytes: 1 << 20,
			Protocols:              protocols,
			OnProxyConnectResponse: checkProxyAnswer,
		},
		// A redirect may lead anywhere, and credentials would go with it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
