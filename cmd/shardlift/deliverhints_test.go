// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/target"
	"github.com/shardlift/shardlift/verifier"
)

// What a real client says of servers that are not what the URL says.
func TestTargetHint(t *testing.T) {
	quiet := func(s *httptest.Server) *httptest.Server {
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		t.Cleanup(s.Close)
		return s
	}
	refuses := func(code int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Influxdb-Version", "1.6.7")
			w.WriteHeader(code)
			fmt.Fprint(w, `{"error":"no"}`) //nolint:errcheck // a test server
		})
	}
	plain := quiet(httptest.NewServer(refuses(http.StatusUnauthorized)))
	secure := quiet(httptest.NewUnstartedServer(refuses(http.StatusUnauthorized)))
	secure.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	secure.StartTLS()
	cases := map[string]struct {
		cfg  target.Config
		want string // how the hint begins
	}{
		"http for https": {target.Config{URLs: []string{strings.Replace(secure.URL, "https:", "http:", 1)}}, "write https:// in --url"},
		"https for http": {target.Config{URLs: []string{strings.Replace(plain.URL, "http:", "https:", 1)}}, "write http:// in --url"},
		"authority":      {target.Config{URLs: []string{secure.URL}}, "name the file with the authority's certificate with --ca-cert; a server that signed its own is the authority"},
		"nobody":         {target.Config{URLs: []string{plain.URL}}, "give the user with --username"},
		"a user":         {target.Config{URLs: []string{plain.URL}, Username: "u", Password: "p"}, "the name or the password"},
		"no password":    {target.Config{URLs: []string{plain.URL}, Username: "u"}, "no password was given: name a file that has it with --password-file"},
		"a user in URL":  {target.Config{URLs: []string{strings.Replace(plain.URL, "//", "//u:p@", 1)}}, "the name or the password"},
		"a token":        {target.Config{URLs: []string{plain.URL}, Token: "abc"}, "the target does not take this token"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.cfg.API = target.V1
			tg, err := target.Open(c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer tg.Close() //nolint:errcheck // idle connections
			err = tg.Write(t.Context(), "db", "", []byte("m f=1 1\n"))
			d := &delivery{target: c.cfg}
			if got := d.hint(err, &deliveryOutcome{}); !strings.HasPrefix(got, c.want) {
				t.Errorf("%v: hint %q, want %q", err, got, c.want)
			}
		})
	}
	d := &delivery{api: target.V2}
	for text, want := range map[string]string{"Please provide either orgID or org": "name the organization", `bucket "x" not found`: "make the bucket"} {
		err := &target.Error{Node: "http://h", Class: target.Fatal, Status: http.StatusNotFound, Message: text}
		if got := d.hint(err, &deliveryOutcome{}); !strings.HasPrefix(got, want) {
			t.Errorf("%s: hint %q", text, got)
		}
	}
	other := &target.Error{Node: "https://h", Class: target.Fatal, Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}}
	if got := d.hint(other, &deliveryOutcome{}); !strings.HasPrefix(got, "is --url right?") {
		t.Errorf("another host: hint %q", got)
	}
	if got := d.hint(lpfile.ErrChanged, &deliveryOutcome{Checkpoint: "c", Summary: &importer.Summary{Resumed: true}}); !strings.HasPrefix(got, "give the same input again") {
		t.Errorf("another stream: hint %q", got)
	}
	if got := d.hint(&lpfile.DamagedError{}, &deliveryOutcome{}); !strings.HasPrefix(got, "get a whole copy of the file, or name") {
		t.Errorf("a damaged export: hint %q", got)
	}
	if got := d.hint(&lpfile.DamagedError{}, &deliveryOutcome{Checkpoint: "c"}); !strings.HasSuffix(got, "with --restart") {
		t.Errorf("a damaged input: hint %q", got)
	}
	junk := &lpfile.DamagedError{Junk: true, Offset: 17}
	for checkpoint, want := range map[string]string{"": "whole; if the rest is not yours, head -c 17 FILE ", "c": "whole, and sent; if the rest is not yours, head -c 17 FILE "} {
		if got := d.hint(junk, &deliveryOutcome{Checkpoint: checkpoint}); !strings.HasPrefix(got, "all in front of that place is "+want) {
			t.Errorf("junk behind an input: hint %q", got)
		}
	}
}

// The command that sends rejects again can be run as it is printed.
func TestSameTarget(t *testing.T) {
	d := &delivery{flags: &deliveryFlags{}, target: target.Config{URLs: []string{"http://u:secret@h:8086", "http://i"}}}
	d.flags.URL = d.target.URLs
	d.flags.Target, d.flags.Org, d.flags.MapBucket, d.flags.TokenFile = "v2", "my org", []string{"db/rp=b"}, "token"
	d.flags.Password, d.flags.Username = "secret", "me"
	want := " --url http://h:8086 --url http://i --username me --token-file token --target v2 --org 'my org' --map-bucket 'db/rp=b'"
	if got := d.sameTarget(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestHintOfATargetThatWentAway(t *testing.T) {
	late := &target.Error{Node: "http://h", Class: target.Overloaded, Message: "no answer in time"}
	err := &importer.GaveUpError{Place: importer.Place{Database: "db"}, After: time.Second, Tries: 2, Err: late}
	if got := err.Error(); !strings.HasPrefix(got, "write to db: nothing got through") {
		t.Error(got)
	}
	d := &delivery{}
	o := &deliveryOutcome{Checkpoint: "c", Summary: &importer.Summary{}}
	if got := d.hint(err, o); !strings.HasPrefix(got, "the target did not recover in time") || !strings.HasSuffix(got, "carries on (c)") {
		t.Errorf("never there: %q", got)
	}
	closed := &target.Error{Node: "http://h", Class: target.Temporary, Err: syscall.ECONNREFUSED}
	if got, want := d.hint(closed, o), "nothing listens there: is the server running, and is --url right? The same command run again carries on (c)"; got != want {
		t.Errorf("closed: %q", got)
	}
	o.Stored = 7
	if got := d.hint(err, o); !strings.HasPrefix(got, "look at the target's log") {
		t.Errorf("gone: %q", got)
	}
}

// What cannot be reached is not told to send less, and a comparison names only flags that it has.
func TestHintOfAComparison(t *testing.T) {
	stranger := &target.Error{Node: "http://h", Class: target.Temporary, Status: http.StatusOK, Message: "the answer does not look like InfluxDB's: hello"}
	cases := map[string]struct {
		err  *target.Error
		want string // how the hint begins
	}{
		"late":     {&target.Error{Node: "http://h", Class: target.Overloaded, Message: "no answer in time"}, "the server did not recover in time: is it up? Look at its log; --timeout"},
		"busy":     {&target.Error{Node: "http://h", Class: target.Temporary, Status: http.StatusServiceUnavailable}, "the server did not recover in time: is it up? Look at its log; --timeout"},
		"stranger": {stranger, "is --against right? Another program answers there"},
		"a path":   {&target.Error{Node: "http://h/x", Class: target.Fatal, Status: http.StatusNotFound}, "is --against right? It names"},
		"closed":   {&target.Error{Node: "http://h", Class: target.Temporary, Err: syscall.ECONNREFUSED}, "nothing listens there: is the server running, and is --against right?"},
	}
	a := &againstRun{}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := a.hint(c.err); !strings.HasPrefix(got, c.want) {
				t.Errorf("%v: hint %q, want %q", c.err, got, c.want)
			}
		})
	}
	o := &deliveryOutcome{Checkpoint: "c"}
	for name, want := range map[string]string{
		"late":   notInTime + "; the same command run again carries on (c)",
		"closed": "nothing listens there: is the server running, and is --url right? The same command run again carries on (c)",
	} {
		err := fmt.Errorf("verify: %w", &verifier.GaveUpError{Queries: 6, Err: cases[name].err})
		if got := (&delivery{}).hint(err, o); got != want {
			t.Errorf("%v of an import: hint %q, want %q", err, got, want)
		}
	}
	if got := (&delivery{}).hint(stranger, &deliveryOutcome{}); !strings.HasPrefix(got, "is --url right? Another program") {
		t.Errorf("hint of an import %q", got)
	}
}

func TestSomeLines(t *testing.T) {
	if got, want := someLines("write: full\nwrite: full\nclose: \x1b"), "write: full\nclose: \\x1b"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestShortLine(t *testing.T) {
	long := strings.Repeat("ü", reasonShown/2)
	for text, want := range map[string]string{
		"a\nb":       `a\x0ab`,
		"x" + long:   "x" + long[:reasonShown-2] + "...",
		long[:10]:    long[:10],
		long:         long,
		long + "end": long + "...",
	} {
		if got := shortLine(text); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}
