// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// largeBody is the size from which a broken connection may have been a refusal: a server
// that does not want so much closes it, and its 413 is lost.
const largeBody = 1 << 20

// classifyTransport says what it means that there is no answer to a request with a body
// of size bytes.
func classifyTransport(err error, size int) *Error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // its URL is the request's
	}
	e := &Error{Message: err.Error(), Class: Temporary, Err: err, Dropped: -1}
	if errors.Is(err, errTimeout) {
		e.Class = Overloaded
		return e
	}
	if hint := hintTLS(err); hint != "" {
		e.Class, e.Message = Fatal, hint+": "+e.Message
		return e
	}
	if p, ok := errors.AsType[*proxyError](err); ok {
		if p.status < 500 {
			e.Class = Fatal
		}
		return e
	}
	if strings.Contains(e.Message, "malformed HTTP") {
		e.Message = notInflux + ": " + e.Message
	}
	if size >= largeBody && isBroken(e.Message) {
		e.Message += fmt.Sprintf(" (while %d bytes were sent: the server may not take so many at once)", size)
	}
	return e
}

func isBroken(text string) bool {
	return hasAny(text, "connection reset", "broken pipe", "EOF", "server closed", "forcibly closed", "connection was aborted")
}

// hintTLS puts into words what is wrong with certificates, "" where nothing is.
func hintTLS(err error) string {
	if record, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		if string(record.RecordHeader[:]) == "HTTP/" {
			return "it speaks http, and the URL says https"
		}
		return ""
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is signed by an authority that is not trusted here; name the authority's certificate"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "its certificate is for another host name"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "its certificate is expired or not valid yet (is the clock right?)"
		}
		return "its certificate is not valid"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not trusted"
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return hintAlert(alert)
	}
	return ""
}

// hintAlert is for what the other side of a handshake complains about (RFC 8446, 6.2).
func hintAlert(alert tls.AlertError) string {
	switch alert {
	case 42, 43, 44, 45, 46, 48, 49:
		return "it does not take the client certificate"
	case 116:
		return "it wants a client certificate"
	case 40, 70, 71:
		return "it and this client have no common way to encrypt"
	default:
		return ""
	}
}

// proxyError is what a proxy said instead of making a tunnel.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy answered %d %s", e.status, http.StatusText(e.status))
}

func checkProxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{resp.StatusCode}
}

// redirected says where a node sends its clients. That is not followed: the credentials
// would go there too.
func redirected(location string) string {
	if u, err := url.Parse(location); err == nil && location != "" {
		u.User, u.RawQuery, u.Fragment = nil, "", ""
		return "it redirects to " + shorten(u.String(), shownPageBytes) + ", which is not followed; name that place if it is right"
	}
	return "it redirects, which is not followed"
}
