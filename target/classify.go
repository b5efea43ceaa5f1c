// SPDX-License-Identifier: Apache-2.0

package target

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// classify says what an answer to a request means. It is nil for success, which is 204
// and nothing else: a page with status 200 is some proxy's.
//
// The messages of a server quote points, so texts are looked for at their start, or where
// no point can stand.
func classify(a answer) *Error {
	if a.status == http.StatusNoContent {
		return nil
	}
	s := a.read()
	if a.status == http.StatusOK && s.influx && len(a.body) == 0 {
		return nil // 1.x may say so to nothing but comments
	}
	e := &Error{Status: a.status, Message: s.message(), Dropped: -1}
	switch {
	case a.status < 300:
		e.Class, e.Message = Temporary, s.strange()
	case a.status < 400:
		e.Class, e.Message = Fatal, redirected(a.header.Get("Location"))
	case a.status < 500:
		e.request(a, s)
	default:
		e.failure(s)
	}
	if e.Class == Temporary || e.Class == Overloaded {
		e.RetryAfter = retryAfter(a.header.Get("Retry-After"), time.Now())
	}
	return e
}

// request classifies 4xx.
func (e *Error) request(a answer, s said) {
	switch a.status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		e.refusal(a, s)
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		e.Class = Overloaded
	case http.StatusTooEarly:
		e.Class = Temporary
	case http.StatusRequestEntityTooLarge:
		e.Class = TooLarge
	case http.StatusUnsupportedMediaType:
		e.Class = Fatal
		if a.packed {
			e.Class, e.Message = Temporary, "it does not take compressed requests: "+e.Message
		}
	default:
		e.Class = Fatal
		if !s.influx {
			e.Message = s.strange()
		}
	}
}

// refusal classifies 400 and 422: the points are to blame, or the parameters, or what
// arrived of the body.
func (e *Error) refusal(a answer, s said) {
	switch {
	case a.saysHTTPS():
		e.Class, e.Message = Fatal, speaksHTTPS
	case !s.influx:
		e.Class, e.Message = Temporary, s.strange()
	case a.refusesGzip():
		e.Class, e.Message = Temporary, "it could not unpack the request: "+e.Message
	case saysPoints(s.text):
		e.refused(s)
	case saysCutOff(s.text):
		e.Class, e.Message = Temporary, "the request did not arrive whole: "+e.Message
	case saysParameter(s.text):
		e.Class = Fatal
	default:
		e.refused(s)
	}
}

func (e *Error) refused(s said) {
	e.Class = Refused
	beforeAnyPoint, _, _ := strings.Cut(s.text, "'")
	e.Partial = strings.Contains(beforeAnyPoint, "partial write")
	e.Dropped = dropped(s)
}

// failure classifies 5xx.
func (e *Error) failure(s said) {
	e.Class = Temporary
	text := strings.ToLower(s.text)
	switch {
	case e.Status == http.StatusServiceUnavailable, e.Status == http.StatusGatewayTimeout:
		e.Class = Overloaded
		return
	case e.Status != http.StatusInternalServerError:
	case startsWithAny(text, "retention policy not found", "database not found"):
		e.Class = Fatal
		return
	case hasAny(text, "timeout", "timed out", "cache-max-memory-size exceeded", "engine: cache", "queue is full", "queue full"):
		e.Class = Overloaded
		return
	case s.text == http.StatusText(http.StatusInternalServerError), strings.Contains(text, "a panic has occurred"):
		e.Poison = true // what a handler says that panicked
		return
	}
	if !s.influx {
		e.Message = s.strange()
	}
}

// saysPoints knows how messages start that are about points.
func saysPoints(text string) bool {
	return startsWithAny(text, "unable to parse", "partial write", "field type conflict", "failure writing points")
}

// saysParameter knows the messages of 400 that are about the request and not its points.
func saysParameter(text string) bool {
	return hasAny(text, "database is required", "bucket is required", "please provide either", "orgID", "retention policy not found") ||
		startsWithAny(text, "invalid consistency level", "invalid precision", "precision must be", "invalid bucket", "bucket ", "database ")
}

// saysCutOff knows what servers say where the body broke off on its way to them.
func saysCutOff(text string) bool {
	return text == "EOF" || hasAny(text, "unexpected EOF", "i/o timeout", "connection reset by peer",
		"use of closed network connection", "client disconnected")
}

// saysGzip knows what servers say that could not unpack a body, and those that took it
// for points: gzip begins with 1F 8B 08, whose middle byte JSON cannot hold.
func saysGzip(text string) bool {
	return text == "EOF" || text == "unexpected EOF" || hasAny(text, "gzip: ", "flate: ", "invalid gzip") ||
		hasAny(text, "\x1f\x8b\x08", "\x1f\ufffd\x08", `\x1f\x8b\b`)
}

var droppedAt = []*regexp.Regexp{
	regexp.MustCompile(`(?s)dropped=(\d+)(?: for database: .*)?\s*$`), // 1.12 adds the place
	regexp.MustCompile(`^[a-z :]*partial write: dropped (\d+) points`),
}

// dropped finds how many points the server says it dropped.
func dropped(s said) int {
	if s.lines > 0 {
		return s.lines
	}
	for _, re := range droppedAt {
		if m := re.FindStringSubmatch(s.text); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				return n
			}
		}
	}
	return -1
}

// longestWait is the most that Retry-After is believed.
const longestWait = 5 * time.Minute

// retryAfter reads the header, seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	seconds, err := strconv.ParseUint(value, 10, 64)
	switch {
	case err == nil && seconds < uint64(longestWait/time.Second):
		return time.Duration(seconds) * time.Second
	case err == nil || errors.Is(err, strconv.ErrRange):
		return longestWait
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), longestWait)
	}
	return 0
}

// redirected says where a node sends its clients. That is not followed: the credentials
// would go there too.
func redirected(location string) string {
	place := placeOf(location)
	if place == "" {
		return "it redirects, which is not followed"
	}
	return "it redirects to " + place + ", which is not followed; name that place if it is right"
}
