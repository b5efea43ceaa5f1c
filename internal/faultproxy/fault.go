// SPDX-License-Identifier: Apache-2.0

package faultproxy

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Moment is when a fault strikes.
type Moment int

// The moments of a request. Connect comes before any: its faults are met by connections,
// see Proxy.Connections.
const (
	AfterBody  Moment = iota // all of the request has come
	BeforeBody               // its head has come
	InBody                   // half of its body has come
	InAnswer                 // half of the answer is gone
	Connect                  // the first bytes of the connection have come
)

var moments = map[Moment]string{
	AfterBody: "after the body", BeforeBody: "before the body", InBody: "in the body", InAnswer: "in the answer", Connect: "at the start",
}

// String gives the moment in words.
func (m Moment) String() string { return moments[m] }

// Action is what a fault does.
type Action int

// The actions.
const (
	Pass  Action = iota // nothing: the server answers
	Reset               // the connection is cut, as by a crash
	Close               // the connection is ended
	Stall               // nothing more happens, until Release or the end of the proxy
	Delay               // the server answers, but Fault.Delay later
	Say                 // the proxy answers, with Fault.Raw
)

var actions = map[Action]string{Pass: "pass", Reset: "reset", Close: "close", Stall: "stall", Delay: "delay", Say: "answer"}

// Fault is what happens to a request. The zero value passes it on.
type Fault struct {
	Name string // of an answer, for people
	At   Moment
	Do   Action

	// Passed gives the server what had come of the request before the fault strikes: of a
	// body in its middle a half, which no server can take.
	Passed bool

	Delay time.Duration
	Raw   []byte // the whole answer as it goes over the wire
	Hang  bool   // keep the connection after it, where the whole request has come
}

// String gives the fault in words.
func (f Fault) String() string {
	if f.Do == Pass {
		return actions[Pass]
	}
	text := f.Name
	if text == "" {
		text = actions[f.Do]
	}
	text += " " + f.At.String()
	if f.Passed {
		text += ", passed on"
	}
	return text
}

// After gives the fault at another moment.
func (f Fault) After(m Moment) Fault {
	f.At = m
	return f
}

// PassedOn gives the fault after the server got the request.
func (f Fault) PassedOn() Fault {
	f.Passed = true
	return f
}

// Answer is an answer by the proxy, which keeps the connection. Fields are "Name: value".
func Answer(status int, body string, fields ...string) Fault {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	for _, f := range fields {
		b.WriteString(f + "\r\n")
	}
	if status != http.StatusNoContent {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return Fault{Name: fmt.Sprintf("answer %d", status), Do: Say, Raw: []byte(b.String()), Hang: true}
}

// Named gives the fault another name.
func (f Fault) Named(name string) Fault {
	f.Name = name
	return f
}

const (
	asJSON = "Content-Type: application/json"
	asHTML = "Content-Type: text/html"
	asText = "Content-Type: text/plain; charset=utf-8"
	page   = "<html><head><title>Sorry</title></head><body><h1>Sorry</h1>Please try again later.</body></html>\n"
)

// Catalogue gives every fault that passes when it is waited for and the request sent again:
// in the end all points have to be stored.
func Catalogue() []Fault {
	faults := cuts()
	for _, f := range answers() {
		faults = append(faults, f, f.PassedOn())
	}
	return append(faults,
		Answer(http.StatusRequestEntityTooLarge, `{"error":"Request Entity Too Large"}`+"\n", asJSON, "Connection: close").After(InBody).Named("413 and close"),
		Answer(http.StatusRequestEntityTooLarge, page, asHTML, "Connection: close").After(BeforeBody).Named("413 of a gateway and close"),
		Answer(http.StatusServiceUnavailable, page, asHTML, "Connection: close").After(InBody).Named("503 and close"),
		Answer(http.StatusRequestTimeout, page, asHTML, "Connection: close").After(InBody).Named("408 and close"),
	)
}

// cuts are faults of the way, at every moment.
func cuts() []Fault {
	var faults []Fault
	for _, do := range []Action{Reset, Close, Stall} {
		for _, at := range []Moment{BeforeBody, InBody, AfterBody, InAnswer} {
			f := Fault{At: at, Do: do}
			faults = append(faults, f, f.PassedOn())
		}
	}
	slow := Fault{Do: Delay, Delay: 200 * time.Millisecond}
	return append(faults, slow, slow.After(InAnswer), slow.After(BeforeBody))
}

// answers are answers to a whole request.
func answers() []Fault {
	return []Fault{
		Answer(http.StatusRequestTimeout, "Request Timeout\n", asText),
		Answer(http.StatusTooManyRequests, `{"error":"too many requests"}`+"\n", asJSON, "Retry-After: 1"),
		Answer(http.StatusTooManyRequests, page, asHTML, "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT").Named("429 until a date"),
		Answer(http.StatusTooManyRequests, "", "Retry-After: soon").Named("429 without sense"),
		Answer(http.StatusInternalServerError, `{"error":"timeout"}`+"\n", asJSON).Named("500 timeout"),
		Answer(http.StatusInternalServerError, `{"error":"engine: cache-max-memory-size exceeded: (1074000000/1073741824)"}`+"\n", asJSON).Named("500 cache full"),
		Answer(http.StatusInternalServerError, "Internal Server Error\n", asText).Named("500 plain"),
		Answer(http.StatusInternalServerError, `{"error":"engine is closed"}`+"\n", asJSON).Named("500 closed"),
		Answer(http.StatusBadGateway, page, asHTML).Named("502 page"),
		Answer(http.StatusServiceUnavailable, "request throttled, exceeds timeout\n", asText).Named("503 throttled"),
		Answer(http.StatusServiceUnavailable, page, asHTML, "Retry-After: 1").Named("503 page"),
		Answer(http.StatusGatewayTimeout, page, asHTML).Named("504 page"),
		Answer(http.StatusOK, page, asHTML).Named("200 page"),
		{Name: "answer without end", Do: Say, Raw: []byte("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 500\r\n\r\n{\"error\":\"ti")},
		{Name: "head without end", Do: Say, Raw: []byte("HTTP/1.1 204 No Content\r\nContent-Type: appl")},
		{Name: "chunk without end", Do: Say, Raw: []byte("HTTP/1.1 500 Internal Server Error\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{\"error\":")},
		{Name: "garbage", Do: Say, Raw: []byte("\x16\x03\x01\x00\x9f\xff\x00garbage\r\n\r\n")},
		{Name: "another protocol", Do: Say, Raw: []byte("SSH-2.0-OpenSSH_9.2p1\r\n")},
		{Name: "short Content-Length", Do: Say, Hang: true, Raw: []byte("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\n{\"error\":\"timeout\"}\n")},
		{Name: "Content-Length of no number", Do: Say, Raw: []byte("HTTP/1.1 500 Internal Server Error\r\nContent-Length: many\r\n\r\n{}\n")},
		{Name: "400 of somebody else", Do: Say, Hang: true, Raw: Answer(http.StatusBadRequest, page, asHTML).Raw},
		Answer(http.StatusBadRequest, `{"error":"partial write: field type conflict: input field \"f\" on measurement \"m\" is type float, already exists as type integer dropped=1"}`+"\n", asJSON).Named("400 once"),
	}
}
