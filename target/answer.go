// SPDX-License-Identifier: Apache-2.0

package target

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// answer is what a node said to a request.
type answer struct {
	status int
	header http.Header
	body   []byte // the first of it
	packed bool   // the request's body was compressed
}

// said is the text of an answer.
type said struct {
	text   string // the server's message, or the start of a page
	influx bool   // it has the form of InfluxDB's answers
	lines  int    // that the server names one by one (3.x)
}

// read finds the message: {"error": ...} of 1.x and 3.x, {"message": ...} of 2.x, or text
// with InfluxDB's headers.
func (a answer) read() said {
	var doc struct {
		Error   string          `json:"error"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	if json.Unmarshal(a.body, &doc) == nil && doc.Error+doc.Message != "" {
		s := said{influx: true, text: doc.Message}
		if s.text == "" {
			s.text = doc.Error
		}
		s.text += lineReasons(doc.Data, &s.lines)
		return s
	}
	if text := a.header.Get("X-Influxdb-Error"); text != "" {
		return said{text: text, influx: true}
	}
	text := string(bytes.TrimSpace(a.body))
	return said{text: text, influx: a.header.Get("X-Influxdb-Version") != ""}
}

// lineReasons reads what 3.x says of single lines.
func lineReasons(data json.RawMessage, lines *int) string {
	type reason struct {
		Message string `json:"error_message"`
		Line    int    `json:"line_number"`
	}
	var many []reason
	if json.Unmarshal(data, &many) != nil {
		var one reason
		if json.Unmarshal(data, &one) != nil || one.Message == "" {
			return ""
		}
		return ": " + one.Message
	}
	if *lines = len(many); *lines == 0 {
		return ""
	}
	return ": " + many[0].Message
}

const (
	shownBytes      = 2 << 10 // of a message; a page is cut sooner
	shownPageBytes  = 200
	longestWait     = 5 * time.Minute
	notInflux       = "the answer does not look like InfluxDB's"
	internalFailure = "Internal Server Error"
)

// classify says what an answer to a write means. It is nil for success.
func classify(a answer) *Error {
	if a.status == http.StatusNoContent {
		return nil
	}
	s := a.read()
	e := &Error{Status: a.status, Message: shorten(s.text, shownBytes), Dropped: -1}
	switch {
	case a.status < 300:
		if s.influx && len(a.body) == 0 && a.status == http.StatusOK {
			return nil // 1.x, to nothing but comments
		}
		e.Class, e.Message = Temporary, strange(s)
	case a.status < 400:
		e.Class, e.Message = Fatal, redirected(a.header.Get("Location"))
	case a.status < 500:
		classifyRequest(e, a, s)
	default:
		classifyFailure(e, s)
	}
	if e.Class == Temporary || e.Class == Overloaded {
		e.RetryAfter = retryAfter(a.header.Get("Retry-After"), time.Now())
	}
	return e
}

// classifyRequest is for 4xx.
func classifyRequest(e *Error, a answer, s said) {
	switch a.status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		classifyRefusal(e, a, s)
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
			e.Message = strange(s)
		}
	}
}

// classifyRefusal is for 400 and 422: the points are to blame, or the parameters, or what
// arrived of the body.
func classifyRefusal(e *Error, a answer, s said) {
	switch {
	case !s.influx && strings.Contains(s.text, "HTTP request to an HTTPS server"):
		e.Class, e.Message = Fatal, "it speaks https, and the URL says http"
	case !s.influx:
		e.Class, e.Message = Temporary, strange(s)
	case a.packed && saysGzip(s.text), saysCutOff(s.text):
		e.Class, e.Message = Temporary, "the request did not arrive whole: "+e.Message
	case saysParameter(s.text):
		e.Class = Fatal
	default:
		e.Class = Refused
		e.Partial = strings.Contains(s.text, "partial write")
		e.Dropped = dropped(s)
	}
}

// classifyFailure is for 5xx.
func classifyFailure(e *Error, s said) {
	text := strings.ToLower(s.text)
	e.Class = Temporary
	switch e.Status {
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.Class = Overloaded
	case http.StatusInternalServerError:
		switch {
		case hasAny(text, "retention policy not found", "database not found"):
			e.Class = Fatal
		case hasAny(text, "timeout", "timed out", "cache-max-memory-size exceeded", "engine: cache",
			"hinted handoff queue", "queue is full", "queue full"):
			e.Class = Overloaded
		case s.text == internalFailure, strings.Contains(text, "a panic has occurred"):
			e.Poison = true
		}
	}
	if !s.influx && !e.Poison && e.Class == Temporary {
		e.Message = strange(s)
	}
}

// saysParameter knows the messages of 400 that are about the request and not its points.
func saysParameter(text string) bool {
	return hasAny(text, "database is required", "invalid consistency level", "invalid precision",
		"precision must be", "please provide either", "orgID or org", "bucket is required", "invalid bucket")
}

// saysCutOff knows what servers say where the body broke off on its way to them.
func saysCutOff(text string) bool {
	switch text {
	case "EOF", "unexpected EOF":
		return true
	}
	return !strings.Contains(text, "unable to parse") &&
		hasAny(text, "i/o timeout", "connection reset by peer", "use of closed network connection", "client disconnected")
}

// saysGzip knows what servers say that could not unpack a body, and what those say that
// took it for points.
func saysGzip(text string) bool {
	return text == "EOF" || text == "unexpected EOF" ||
		strings.HasPrefix(text, "gzip: ") || strings.HasPrefix(text, "flate: ") || strings.Contains(text, "\x1f\x8b") ||
		strings.Contains(text, `\x1f`)
}

var (
	droppedSuffix = regexp.MustCompile(`dropped=(\d+)`)
	droppedPoints = regexp.MustCompile(`dropped (\d+) points`)
)

// dropped finds how many points the server says it dropped: the last place where it
// does, since points stand in the message too.
func dropped(s said) int {
	if s.lines > 0 {
		return s.lines
	}
	for _, re := range []*regexp.Regexp{droppedSuffix, droppedPoints} {
		all := re.FindAllStringSubmatch(s.text, -1)
		if len(all) == 0 {
			continue
		}
		if n, err := strconv.Atoi(all[len(all)-1][1]); err == nil {
			return n
		}
	}
	return -1
}

// retryAfter reads the header, seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	var d time.Duration
	if seconds, err := strconv.ParseInt(strings.TrimSpace(value), 10, 32); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), longestWait)
}

// takesNothing reports whether a node refused an empty body because it is empty (2.x).
func (a answer) takesNothing() bool {
	return a.status == http.StatusBadRequest && hasAny(strings.ToLower(a.read().text), "writing requires points", "no data")
}

// strange describes an answer that something else than InfluxDB gave.
func strange(s said) string {
	if s.text == "" {
		return notInflux
	}
	return notInflux + ": " + shorten(strings.Join(strings.Fields(s.text), " "), shownPageBytes)
}

func hasAny(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

func shorten(text string, limit int) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "..."
}
