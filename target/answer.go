// SPDX-License-Identifier: Apache-2.0

package target

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
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
	lines  int    // how many lines the server names one by one (3.x)
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
		s.readLines(doc.Data)
		return s
	}
	if text := a.header.Get("X-Influxdb-Error"); text != "" {
		return said{text: text, influx: true}
	}
	return said{text: strings.TrimSpace(string(a.body)), influx: a.header.Get("X-Influxdb-Version") != ""}
}

// readLines reads what 3.x says of single lines: an array, or of one line an object.
func (s *said) readLines(data json.RawMessage) {
	type reason struct {
		Message string `json:"error_message"`
	}
	var many []reason
	if json.Unmarshal(data, &many) == nil && len(many) > 0 {
		s.lines = len(many)
		s.text += ": " + many[0].Message
		return
	}
	var one reason
	if json.Unmarshal(data, &one) == nil && one.Message != "" {
		s.text += ": " + one.Message
	}
}

// enough reports whether an answer that broke off says all: a server that refuses a body
// closes the connection, and the end of its words may be lost.
func (a answer) enough() bool {
	switch a.status {
	case 0, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusInternalServerError:
		return json.Valid(a.body) || a.saysHTTPS()
	default:
		return a.status >= 300
	}
}

// brokenHeader finds what InfluxDB said where the transport does not take its answer: the
// message also stands in a header, and with a point in it that holds control characters
// that is none. The status is lost, but not what such messages mean.
func brokenHeader(err error) (answer, bool) {
	_, quoted, ok := strings.Cut(err.Error(), "malformed MIME header line: ")
	if !ok {
		return answer{}, false
	}
	line, uerr := strconv.Unquote(quoted)
	if uerr != nil {
		return answer{}, false
	}
	const name = "X-Influxdb-Error"
	key, text, _ := strings.Cut(line, ":")
	if text = strings.TrimSpace(text); !strings.EqualFold(key, name) || !saysPoints(text) {
		return answer{}, false
	}
	return answer{status: http.StatusBadRequest, header: http.Header{name: {text}}}, true
}

// httpToHTTPS is what Go's servers say to http on a port for https.
const (
	httpToHTTPS = "HTTP request to an HTTPS server"
	speaksHTTPS = "it speaks https, and the URL says http"
)

func (a answer) saysHTTPS() bool {
	return a.status == http.StatusBadRequest && strings.Contains(string(a.body), httpToHTTPS)
}

const (
	shownBytes     = 2 << 10 // of a server's message
	shownPageBytes = 200     // of a page, which nobody reads to its end
	notInflux      = "the answer does not look like InfluxDB's"
)

// message is what people get to see.
func (s said) message() string {
	if s.influx {
		return shorten(s.text, shownBytes)
	}
	return s.page()
}

var htmlTag = regexp.MustCompile(`(?s)<(style|script)\b.*?</(style|script)>|<[^>]*>`)

// page is the text of a page on one line.
func (s said) page() string {
	return shorten(strings.Join(strings.Fields(htmlTag.ReplaceAllString(s.text, " ")), " "), shownPageBytes)
}

// strange is the message of an answer that something other than InfluxDB gave.
func (s said) strange() string {
	if page := s.page(); page != "" {
		return notInflux + ": " + page
	}
	return notInflux
}

// takesNothing reports whether a node refused an empty body because it is empty (2.x).
func (a answer) takesNothing() bool {
	return a.status == http.StatusBadRequest && hasAny(a.read().text, "writing requires points", "no data written")
}

func hasAny(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

func startsWithAny(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.HasPrefix(text, p) {
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
