// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
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
		err = wrapped.Err // its URL is the request's, with what was asked
	}
	e := &Error{Message: err.Error(), Class: Temporary, Err: err, Dropped: -1}
	proxy, isProxy := errors.AsType[*proxyError](err)
	hint := hintTLS(err)
	switch {
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded) && !isDial(err):
		e.Class = Overloaded
	case hint != "":
		e.Class, e.Message = Fatal, hint+": "+e.Message
	case isProxy:
		if proxy.status < 500 {
			e.Class = Fatal
		}
	case hasAny(e.Message, "malformed HTTP", "malformed MIME", "unsupported transfer encoding", "exceeded MaxResponseHeaderBytes"):
		e.Message = notInflux + ": " + e.Message
	case size >= largeBody && isBroken(e.Message):
		e.Message += fmt.Sprintf(" (while %d bytes were sent: the server may not take so many at once)", size)
	}
	return e
}

// isDial reports whether a connection was never made.
func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func isBroken(text string) bool {
	return hasAny(text, "connection reset", "broken pipe", "EOF", "server closed", "use of closed network connection", "forcibly closed", "connection was aborted")
}

// hintTLS puts into words what is wrong with certificates, "" where nothing is.
func hintTLS(err error) string {
	if errors.Is(err, http.ErrSchemeMismatch) {
		return "it speaks http, and the URL says https"
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
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return hintAlert(op.Err.Error())
	}
	return ""
}

// hintAlert is for what the other side of a handshake complains about.
func hintAlert(alert string) string {
	switch {
	case strings.HasSuffix(alert, "certificate required"):
		return "it wants a client certificate"
	case hasAny(alert, "certificate", "access denied"):
		return "it does not take the client certificate"
	case hasAny(alert, "handshake failure", "protocol version not supported", "insufficient security"):
		return "it and this client have no common way to encrypt, or it wants a client certificate"
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

// placeOf gives an address as it may be shown: without user and parameters.
func placeOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment = nil, "", false, ""
	return shorten(u.String(), shownPageBytes)
}
