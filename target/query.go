// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Series is one series of a query's answer. Numbers are json.Number.
type Series struct {
	Name    string
	Tags    map[string]string
	Columns []string
	Values  [][]any
}

// Query runs one statement and gives its answer, times in nanoseconds. An error of the
// statement, which comes with status 200, is an *Error with class Fatal. Where a node
// does not answer the next one is asked.
func (t *Target) Query(ctx context.Context, database, statement string) ([]Series, error) {
	var out []Series
	err := t.ask(ctx, func(n *node) (bool, error) {
		var err error
		out, err = n.query(ctx, database, statement)
		return false, err
	})
	return out, err
}

// Each runs one query and hands out its answer in chunks as it arrives: a long series
// comes as several. Where a node does not answer the next one is asked, but not once
// something was handed out. An error of out ends it and is returned as it is.
func (t *Target) Each(ctx context.Context, database, statement string, out func(Series) error) error {
	return t.ask(ctx, func(n *node) (bool, error) {
		return t.each(ctx, n, database, statement, out)
	})
}

// ask calls one node after the other until one answers. f also says whether it is too late
// to ask another.
func (t *Target) ask(ctx context.Context, f func(*node) (started bool, err error)) error {
	tried := map[*node]bool{}
	var last error
	for l := t.take(tried); l != nil; l = t.take(tried) {
		tried[l.node] = true
		started, err := f(l.node)
		t.giveBack(l, err)
		e, ok := asError(err)
		if err == nil || started || !ok || e.Class != Temporary && e.Class != Overloaded || ctx.Err() != nil {
			return err
		}
		last = err
	}
	return last
}

// query asks one node for an answer that comes whole.
func (n *node) query(ctx context.Context, database, statement string) ([]Series, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, n.timeout, errTimeout)
	defer cancel()
	out, err := n.querier.Query(ctx, database, statement)
	return out, n.finishQuery(ctx, err)
}

// each asks one node for an answer in chunks. A chunk has to come within the timeout; the
// whole answer may take longer.
func (t *Target) each(ctx context.Context, n *node, database, statement string, out func(Series) error) (started bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(n.timeout, func() { cancel(errTimeout) })
	defer late.Stop()
	var outErr error
	err = t.chunks(ctx, n, database, statement, func(s Series) error {
		late.Stop()
		started = true
		if outErr = out(s); outErr != nil {
			return outErr
		}
		late.Reset(n.timeout)
		return nil
	})
	if outErr != nil {
		return started, outErr
	}
	return started, n.finishQuery(ctx, err)
}

// finishQuery makes an *Error of what the client for queries said, but where the
// caller's context ended.
func (n *node) finishQuery(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errTimeout) {
		return fmt.Errorf("query %s: %w", n.name, cause)
	} else if cause != nil {
		err = cause
	}
	if errors.Is(err, errTimeout) {
		err = fmt.Errorf("%w (%s)", errTimeout, n.timeout)
	}
	return n.finish(classifyQuery(err))
}

// statementError is what a server says to a statement, with any status.
type statementError string

func (e statementError) Error() string { return string(e) }

// classifyQuery says what it means that a query failed. Of answers that are no JSON the
// client for queries gives only a text, with the status in it.
func classifyQuery(err error) *Error {
	if e, ok := asError(err); ok { // of an answer without rows
		return e
	}
	if s, ok := errors.AsType[statementError](err); ok {
		return classifyStatement(string(s))
	}
	if r, ok := errors.AsType[*redirectError](err); ok {
		return &Error{Message: redirected(r.location), Class: Fatal, Dropped: -1}
	}
	e := classifyTransport(err, 0)
	if m := clientStatus.FindStringSubmatch(e.Message); m != nil {
		e.status(m[1])
	}
	e.Message = shorten(e.Message, shownBytes)
	return e
}

// clientStatus finds the status in what the client says of an answer that it could not use.
var clientStatus = regexp.MustCompile(`^(?:received status code|unable to decode json: received status code|expected json response, got .*?with status:) (\d{3})`)

// status classifies an answer of which only the status is known.
func (e *Error) status(digits string) {
	e.Status, _ = strconv.Atoi(digits)
	foreign := !strings.HasSuffix(e.Message, "from server") // else it is JSON without an error
	switch {
	case strings.Contains(e.Message, httpToHTTPS):
		e.Class, e.Message = Fatal, speaksHTTPS
		return
	case e.Status == http.StatusBadRequest && foreign: // a proxy's
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooManyRequests,
		e.Status == http.StatusServiceUnavailable, e.Status == http.StatusGatewayTimeout:
		e.Class = Overloaded
	case e.Status >= 300 && e.Status < 500:
		e.Class = Fatal
	}
	if foreign {
		e.Message = said{text: e.Message}.strange()
	}
}

// classifyStatement is for the server's own words.
func classifyStatement(text string) *Error {
	e := &Error{Status: http.StatusOK, Message: shorten(text, shownBytes), Class: Fatal, Dropped: -1}
	switch {
	case hasAny(text, "authorization failed", "unable to parse authentication credentials", "unauthorized access",
		"token is expired", "signature is invalid", "token required", "bearer auth", "unsupported authentication"):
		e.Status = http.StatusUnauthorized
	case strings.HasPrefix(text, "error authorizing query"):
		e.Status = http.StatusForbidden
	case hasAny(text, "max-concurrent-queries limit exceeded", "query-timeout limit exceeded"), text == "timeout", strings.EqualFold(text, "too many requests"):
		e.Class = Overloaded
	}
	return e
}
