// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// influxHeaders are what InfluxDB sends with every answer.
var influxHeaders = map[string]string{"X-Influxdb-Version": "1.8.10", "X-Influxdb-Build": "OSS"}

type verdict struct {
	Class      Class
	Partial    bool
	Dropped    int
	Poison     bool
	RetryAfter time.Duration
}

func TestClassify(t *testing.T) {
	proxy := map[string]string{"Content-Type": "text/html"}
	with := func(name, value string) map[string]string {
		return map[string]string{"X-Influxdb-Version": "1.8.10", name: value}
	}
	refused := verdict{Class: Refused, Dropped: -1}
	tests := map[string]struct {
		status int
		header map[string]string
		body   string
		packed bool
		want   verdict
		says   string
	}{
		"none parsed": {400, influxHeaders, `{"error":"unable to parse 'm f= 1': missing field value"}` + "\n", false, refused, "missing field value"},
		"several not parsed": {
			400, influxHeaders, `{"error":"unable to parse 'm': missing fields\nunable to parse 'n': missing fields"}`, false, refused,
			"unable to parse 'm': missing fields\nunable to parse 'n'",
		},
		"some not parsed": {
			400, influxHeaders, `{"error":"partial write: unable to parse 'm f=': missing field value dropped=0"}`, false,
			verdict{Class: Refused, Partial: true},
			"dropped=0",
		},
		"type conflict": {
			400, influxHeaders, `{"error":"partial write: field type conflict: input field \"f\" on measurement \"m\" is type integer, already exists as type float dropped=1"}`, false,
			verdict{Class: Refused, Partial: true, Dropped: 1},
			`field "f"`,
		},
		"beyond the policy":       {400, influxHeaders, `{"error":"partial write: points beyond retention policy dropped=1234"}`, false, verdict{Class: Refused, Partial: true, Dropped: 1234}, ""},
		"series limit":            {400, influxHeaders, `{"error":"partial write: max-series-per-database limit exceeded: (1000) dropped=7"}`, false, verdict{Class: Refused, Partial: true, Dropped: 7}, ""},
		"tag limit":               {400, influxHeaders, `{"error":"partial write: max-values-per-tag limit exceeded (100/100): measurement=\"m\" tag=\"t\" value=\"v\" dropped=2"}`, false, verdict{Class: Refused, Partial: true, Dropped: 2}, ""},
		"1.12 with the place":     {400, influxHeaders, `{"error":"partial write: field type conflict: x dropped=3 for database: a for retention policy: b"}`, false, verdict{Class: Refused, Partial: true, Dropped: 3}, ""},
		"1.12 beyond the policy":  {400, influxHeaders, `{"error":"partial write: dropped 5 points outside retention policy of duration 24h0m0s - oldest point x"}`, false, verdict{Class: Refused, Partial: true, Dropped: 5}, ""},
		"old, without a count":    {400, influxHeaders, `{"error":"field type conflict: input field \"f\""}`, false, refused, ""},
		"unknown words":           {400, influxHeaders, `{"error":"points and I do not get along"}`, false, refused, ""},
		"words in a point":        {400, influxHeaders, `{"error":"unable to parse 'm partial write: database is required dropped=9 unexpected EOF': bad"}`, false, refused, ""},
		"dropped too large":       {400, influxHeaders, `{"error":"partial write: x dropped=99999999999999999999"}`, false, verdict{Class: Refused, Partial: true, Dropped: -1}, ""},
		"2.x type conflict":       {422, nil, `{"code":"unprocessable entity","message":"failure writing points to database: partial write: field type conflict: x dropped=1"}`, false, verdict{Class: Refused, Partial: true, Dropped: 1}, "type conflict"},
		"2.x parse error":         {400, nil, `{"code":"invalid","message":"unable to parse 'm': missing fields"}`, false, refused, "missing fields"},
		"3.x partial":             {400, nil, `{"error":"partial write of line protocol occurred","data":[{"original_line":"a","line_number":2,"error_message":"No fields were provided"},{"error_message":"b"}]}`, false, verdict{Class: Refused, Partial: true, Dropped: 2}, "No fields"},
		"3.x whole":               {400, nil, `{"error":"parsing failed for write_lp endpoint","data":{"original_line":"a","error_message":"No fields"}}`, false, refused, "No fields"},
		"no database named":       {400, influxHeaders, `{"error":"database is required"}`, false, verdict{Class: Fatal, Dropped: -1}, ""},
		"consistency":             {400, influxHeaders, `{"error":"invalid consistency level"}`, false, verdict{Class: Fatal, Dropped: -1}, ""},
		"precision":               {400, influxHeaders, `{"error":"invalid precision \"x\""}`, false, verdict{Class: Fatal, Dropped: -1}, ""},
		"2.x without org":         {400, nil, `{"code":"invalid","message":"please provide either orgID or org"}`, false, verdict{Class: Fatal, Dropped: -1}, ""},
		"cut off":                 {400, influxHeaders, `{"error":"unexpected EOF"}`, false, verdict{Class: Temporary, Dropped: -1}, "did not arrive whole"},
		"read timed out":          {400, influxHeaders, `{"error":"read tcp 1.2.3.4:8086-\u003e1.2.3.5:999: i/o timeout"}`, false, verdict{Class: Temporary, Dropped: -1}, ""},
		"bad gzip":                {400, influxHeaders, `{"error":"gzip: invalid header"}`, true, verdict{Class: Temporary, Dropped: -1}, "unpack"},
		"gzip taken for points":   {400, influxHeaders, "{\"error\":\"unable to parse '\x1f\x8b\x08\x00x': missing fields\"}", true, verdict{Class: Temporary, Dropped: -1}, ""},
		"gzip in a line":          {400, influxHeaders, `{"error":"unable to parse '\\x1f': missing fields"}`, true, refused, ""},
		"a proxy's 400":           {400, proxy, "<html><body>Bad <b>Request</b></body></html>", false, verdict{Class: Temporary, Dropped: -1}, "does not look like InfluxDB's: Bad Request"},
		"http to an https server": {400, nil, "Client sent an HTTP request to an HTTPS server.\n", false, verdict{Class: Fatal, Dropped: -1}, "speaks https"},
		"only the header says":    {400, map[string]string{"X-Influxdb-Error": "partial write: x dropped=4"}, "", false, verdict{Class: Refused, Partial: true, Dropped: 4}, "dropped=4"},

		"401":               {401, map[string]string{"WWW-Authenticate": `Basic realm="InfluxDB"`}, `{"error":"authorization failed"}`, false, verdict{Class: Fatal, Dropped: -1}, "authorization failed"},
		"403":               {403, influxHeaders, `{"error":"\"bob\" user is not authorized to write to database \"t1\""}`, false, verdict{Class: Fatal, Dropped: -1}, "bob"},
		"a proxy's 403":     {403, proxy, "<h1>Forbidden</h1>", false, verdict{Class: Fatal, Dropped: -1}, "does not look like"},
		"404 database":      {404, influxHeaders, `{"error":"database not found: \"nope\""}`, false, verdict{Class: Fatal, Dropped: -1}, "nope"},
		"404 bucket":        {404, nil, `{"code":"not found","message":"bucket \"x\" not found"}`, false, verdict{Class: Fatal, Dropped: -1}, "bucket"},
		"404 page":          {404, nil, "404 page not found\n", false, verdict{Class: Fatal, Dropped: -1}, "does not look like"},
		"405":               {405, nil, "", false, verdict{Class: Fatal, Dropped: -1}, "does not look like"},
		"408":               {408, nil, "", false, verdict{Class: Overloaded, Dropped: -1}, ""},
		"413":               {413, influxHeaders, `{"error":"Request Entity Too Large"}`, false, verdict{Class: TooLarge, Dropped: -1}, ""},
		"a proxy's 413":     {413, proxy, "<html>\n<head><title>413 Request Entity Too Large</title></head></html>", false, verdict{Class: TooLarge, Dropped: -1}, "413: 413 Request"},
		"415 packed":        {415, nil, "", true, verdict{Class: Temporary, Dropped: -1}, "compressed"},
		"415 plain":         {415, nil, "", false, verdict{Class: Fatal, Dropped: -1}, ""},
		"425":               {425, nil, "", false, verdict{Class: Temporary, Dropped: -1}, ""},
		"429 seconds":       {429, map[string]string{"Retry-After": "7"}, `{"code":"too many requests","message":"slow down"}`, false, verdict{Class: Overloaded, Dropped: -1, RetryAfter: 7 * time.Second}, "slow down"},
		"429 a day":         {429, map[string]string{"Retry-After": "86400"}, "", false, verdict{Class: Overloaded, Dropped: -1, RetryAfter: 5 * time.Minute}, ""},
		"429 forever":       {429, map[string]string{"Retry-After": "99999999999999999999999"}, "", false, verdict{Class: Overloaded, Dropped: -1, RetryAfter: 5 * time.Minute}, ""},
		"429 a far date":    {429, map[string]string{"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, "", false, verdict{Class: Overloaded, Dropped: -1, RetryAfter: 5 * time.Minute}, ""},
		"429 a past date":   {429, map[string]string{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", false, verdict{Class: Overloaded, Dropped: -1}, ""},
		"429 nonsense":      {429, map[string]string{"Retry-After": "-3 soon"}, "", false, verdict{Class: Overloaded, Dropped: -1}, ""},
		"503 throttled":     {503, influxHeaders, "request throttled, queue full\n", false, verdict{Class: Overloaded, Dropped: -1}, "queue full"},
		"a proxy's 503":     {503, with("Retry-After", "1"), "<html>", false, verdict{Class: Overloaded, Dropped: -1, RetryAfter: time.Second}, ""},
		"unknown policy":    {500, influxHeaders, `{"error":"retention policy not found: timeout"}`, false, verdict{Class: Fatal, Dropped: -1}, "timeout"},
		"500 timeout":       {500, influxHeaders, `{"error":"timeout"}`, false, verdict{Class: Overloaded, Dropped: -1}, ""},
		"full cache":        {500, influxHeaders, `{"error":"engine: cache-max-memory-size exceeded: (101/100)"}`, false, verdict{Class: Overloaded, Dropped: -1}, ""},
		"panic":             {500, influxHeaders, "Internal Server Error\n", false, verdict{Class: Temporary, Dropped: -1, Poison: true}, "Internal"},
		"panic of 2.x":      {500, nil, `{"code":"internal error","message":"a panic has occurred: x"}`, false, verdict{Class: Temporary, Dropped: -1, Poison: true}, ""},
		"500 other":         {500, influxHeaders, `{"error":"engine is closed"}`, false, verdict{Class: Temporary, Dropped: -1}, "answered 500: engine"},
		"502":               {502, proxy, "<h1>Bad Gateway</h1>", false, verdict{Class: Temporary, Dropped: -1}, "does not look like"},
		"504":               {504, proxy, "<h1>Gateway Time-out</h1>", false, verdict{Class: Overloaded, Dropped: -1}, ""},
		"507":               {507, nil, "", false, verdict{Class: Temporary, Dropped: -1}, ""},
		"200 page":          {200, proxy, "<html><style>p {}</style>Log in</html>", false, verdict{Class: Temporary, Dropped: -1}, "InfluxDB's: Log in"},
		"200 JSON":          {200, nil, `{"error":"x"}`, false, verdict{Class: Temporary, Dropped: -1}, ""},
		"200 nothing":       {200, nil, "", false, verdict{Class: Temporary, Dropped: -1}, ""},
		"202":               {202, influxHeaders, "", false, verdict{Class: Temporary, Dropped: -1}, ""},
		"301":               {301, map[string]string{"Location": "https://u:secret@b/x?p=secret#secret"}, "", false, verdict{Class: Fatal, Dropped: -1}, "redirects to https://b/x, which"},
		"302 without place": {302, nil, "", false, verdict{Class: Fatal, Dropped: -1}, "redirects, which"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			for k, v := range tt.header {
				header.Set(k, v)
			}
			e := classify(answer{status: tt.status, header: header, body: []byte(tt.body), packed: tt.packed})
			if e == nil {
				t.Fatal("taken for success")
			}
			if diff := cmp.Diff(tt.want, verdict{e.Class, e.Partial, e.Dropped, e.Poison, e.RetryAfter}); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(e.Error(), tt.says) || strings.Contains(e.Error(), "secret") {
				t.Errorf("says %q, want %q", e, tt.says)
			}
			if want := tt.want.Class == Temporary || tt.want.Class == Overloaded; Retryable(e) != want {
				t.Errorf("retryable: %t", !want)
			}
		})
	}
}

func TestClassifySuccess(t *testing.T) {
	header := http.Header{"X-Influxdb-Version": {"1.6.7"}}
	for name, a := range map[string]answer{
		"204":                             {status: 204, header: http.Header{}},
		"200 of InfluxDB, which is empty": {status: 200, header: header},
	} {
		if e := classify(a); e != nil {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestRetryAfterDate(t *testing.T) {
	now := time.Date(2019, 5, 19, 12, 0, 0, 0, time.UTC)
	got := retryAfter(now.Add(42*time.Second).Format(http.TimeFormat), now)
	if got != 42*time.Second {
		t.Errorf("got %s", got)
	}
}

func TestClassifyTransport(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	tests := map[string]struct {
		err  error
		size int
		want Class
		says string
	}{
		"refused":            {dial(syscall.ECONNREFUSED), 0, Temporary, "connection refused"},
		"no such host":       {dial(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}), 0, Temporary, "no such host"},
		"unreachable":        {dial(syscall.EHOSTUNREACH), 0, Temporary, "no route"},
		"connect timed out":  {dial(context.DeadlineExceeded), 0, Temporary, ""},
		"reset":              {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, 100, Temporary, "reset by peer"},
		"reset of much":      {&net.OpError{Op: "write", Err: syscall.ECONNRESET}, 5 << 20, Temporary, "may not take so many"},
		"broken pipe":        {&net.OpError{Op: "write", Err: syscall.EPIPE}, 5 << 20, Temporary, "may not take so many"},
		"end":                {io.EOF, 0, Temporary, "EOF"},
		"answer broke off":   {fmt.Errorf("the answer (400) broke off: %w", io.ErrUnexpectedEOF), 0, Temporary, "broke off"},
		"our timeout":        {fmt.Errorf("%w (1s)", errTimeout), 0, Overloaded, "no answer in time"},
		"the other client's": {context.DeadlineExceeded, 0, Overloaded, ""},
		"garbage":            {errors.New(`malformed HTTP response "\x00"`), 0, Temporary, "does not look like"},
		"proxy forbids":      {&proxyError{403}, 0, Fatal, "403 Forbidden"},
		"proxy fails":        {&proxyError{502}, 0, Temporary, "502"},
		"alert":              {&net.OpError{Op: "remote error", Err: errors.New("tls: unknown certificate authority")}, 0, Fatal, "client certificate"},
		"alert internal":     {&net.OpError{Op: "remote error", Err: errors.New("tls: internal error")}, 0, Temporary, "internal error"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := &url.Error{Op: "Post", URL: "http://x/write?db=secret", Err: tt.err}
			e := classifyTransport(err, tt.size)
			if e.Class != tt.want || !strings.Contains(e.Error(), tt.says) || strings.Contains(e.Error(), "secret") {
				t.Errorf("class %d: %v", e.Class, e)
			}
			if !errors.Is(e, tt.err) {
				t.Errorf("%v does not wrap its cause", e)
			}
		})
	}
}

// What the client for queries says, word for word.
func TestClassifyQuery(t *testing.T) {
	tests := map[string]struct {
		err    error
		want   Class
		status int
	}{
		"statement":          {statementError("database not found: x"), Fatal, 200},
		"credentials":        {statementError("authorization failed"), Fatal, 401},
		"rights":             {statementError("error authorizing query: bob not authorized to execute statement 'DROP DATABASE x', requires admin privilege"), Fatal, 403},
		"too many queries":   {statementError("max-concurrent-queries limit exceeded(1, 1)"), Overloaded, 200},
		"a proxy's 502":      {errors.New(`received status code 502 from downstream server, with response body: "<h1>"`), Temporary, 502},
		"a proxy's 503":      {errors.New("received status code 503 from downstream server"), Overloaded, 503},
		"a proxy's 401":      {errors.New(`expected json response, got "text/html", with status: 401 and response body: "with status: 200"`), Fatal, 401},
		"page":               {errors.New(`expected json response, got "text/html", with status: 200 and response body: "x"`), Temporary, 200},
		"empty":              {errors.New("expected json response, got empty body, with status: 408"), Overloaded, 408},
		"cut":                {errors.New("unable to decode json: received status code 200 err: unexpected EOF"), Temporary, 200},
		"2.x":                {errors.New("received status code 401 from server"), Fatal, 401},
		"connection":         {&url.Error{Op: "Post", URL: "http://x/query?q=secret", Err: syscall.ECONNRESET}, Temporary, 0},
		"redirect":           {&url.Error{Op: "Get", URL: "x", Err: &redirectError{"https://u:secret@y/?q=secret"}}, Fatal, 0},
		"chunk":              {errors.New("the answer broke off"), Temporary, 0},
		"its own time is up": {&url.Error{Op: "Post", URL: "x", Err: context.DeadlineExceeded}, Overloaded, 0},
	}
	for name, tt := range tests {
		e := classifyQuery(tt.err)
		if e.Class != tt.want || e.Status != tt.status || strings.Contains(e.Error(), "secret") {
			t.Errorf("%s: class %d, status %d: %v", name, e.Class, e.Status, e)
		}
	}
}

func TestRetryable(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nil":                {nil, false},
		"temporary":          {&Error{Class: Temporary}, true},
		"overloaded wrapped": {fmt.Errorf("write batch: %w", &Error{Class: Overloaded, Err: context.DeadlineExceeded}), true},
		"refused":            {&Error{Class: Refused}, false},
		"too large":          {&Error{Class: TooLarge}, false},
		"fatal":              {&Error{}, false},
		"cancelled":          {fmt.Errorf("x: %w", context.Canceled), false},
		"deadline":           {context.DeadlineExceeded, false},
		"cancelled inside":   {&Error{Class: Temporary, Err: context.Canceled}, false},
		"other":              {io.EOF, false},
	} {
		if got := Retryable(tt.err); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
