// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// silentServer does not answer some statements in time.
type silentServer struct {
	*valueServer
	silent func(n int, statement string) bool
	late   time.Duration // until it fails; 0 is a 503 at once
	asks   int
	after  int // asked since it failed last
}

func (s *silentServer) refusal(statement string) error {
	s.asks++
	s.after++
	if !s.silent(s.asks, statement) {
		return nil
	}
	time.Sleep(s.late)
	s.after = 0
	return &target.Error{Node: "http://h:8086", Class: target.Overloaded, Message: "no answer in time"}
}

func (s *silentServer) Each(ctx context.Context, db, statement string, out func(target.Series) error) error {
	err := s.refusal(statement)
	if err != nil || statement == nothing || strings.HasSuffix(statement, "GROUP BY *") { // nobody reads these here
		return err
	}
	return s.valueServer.Each(ctx, db, statement, out)
}

func (s *silentServer) Rows(ctx context.Context, db, statement string, kinds []point.Kind, out target.RowSink) error {
	if err := s.refusal(statement); err != nil {
		return err
	}
	return s.valueServer.Rows(ctx, db, statement, kinds, out)
}

// compareSilent compares 4 fields on 8 days.
func compareSilent(t *testing.T, s *silentServer) (*Report, error) {
	t.Helper()
	var all strings.Builder
	for d := range 8 {
		fmt.Fprintf(&all, "m a=1,b=2,c=3,d=4 %d\n", int64(d)*day)
	}
	s.valueServer = serverOf(t, all.String())
	c := NewCounter(nil).WithDigests()
	if err := c.Add("db", "rp", []byte(all.String())); err != nil {
		t.Fatal(err)
	}
	return Compare(t.Context(), NewPaced(s, 20), c, Options{Exact: true})
}

// A server that answers nothing, or not even the least part of a query, is not asked for
// ever smaller ones: what a split of three failures would come to is tried at once.
func TestServerThatIsDown(t *testing.T) {
	counts := func(s string) bool { return strings.HasPrefix(s, "SELECT count") }
	cases := map[string]struct {
		silent func(n int, statement string) bool
		asked  int64 // for what failed
		only   string
	}{
		"all":    {func(n int, _ string) bool { return n > 1 }, 7, nothing},
		"counts": {func(_ int, s string) bool { return counts(s) }, 11, "one field at one time"},
		"values": {func(_ int, s string) bool { return strings.HasPrefix(s, "SELECT") && !counts(s) }, 11, "one field at one time"},
		"fields": {func(_ int, s string) bool { return strings.HasPrefix(s, "SHOW FIELD KEYS") }, 6, ""}, // there is no less of it
	}
	for name, c := range cases {
		for _, late := range []time.Duration{0, time.Minute} {
			t.Run(fmt.Sprint(name, " after ", late), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := &silentServer{silent: c.silent, late: late}
					_, err := compareSilent(t, server)
					e, ok := errors.AsType[*GaveUpError](err)
					if !ok || e.Queries != c.asked || e.Only != c.only || server.after != 0 {
						t.Fatalf("%v, and asked %d times behind it", err, server.after)
					}
					if least, most := 15*time.Second+6*late, 48*time.Second+7*late; e.After < least || e.After > most {
						t.Errorf("gave up after %s, want %s to %s", e.After, least, most)
					}
				})
			})
		}
	}
}

var timesPart = regexp.MustCompile(`time >= (\d+) AND time <= (\d+)`)

// spanAsked gives the nanoseconds from the first to the last that a query asks for.
func spanAsked(statement string) (nano int64, ok bool) {
	part := timesPart.FindStringSubmatch(statement)
	if part == nil {
		return 0, false
	}
	from, _ := strconv.ParseInt(part[1], 10, 64)
	to, _ := strconv.ParseInt(part[2], 10, 64)
	return to - from, true
}

// A server that answers smaller queries gets these, also where it was away in between.
func TestServerThatIsBusy(t *testing.T) {
	cases := map[string]func(n int, statement string) bool{
		"too large": func(_ int, statement string) bool {
			span, ok := spanAsked(statement)
			return ok && int64(strings.Count(statement, "::"))*span > 6*day
		},
		"too many fields": func(_ int, statement string) bool { return strings.Count(statement, "::") > 2 },
		"away at first":   func(n int, _ string) bool { return n > 1 && n < 8 },
		"away for values": func(n int, _ string) bool { return n > 2 && n < 9 },
	}
	for name, silent := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &silentServer{silent: silent, late: time.Minute}
				r, err := compareSilent(t, server)
				if err != nil || !r.Proven() || r.ValuesCompared != 32 || server.asks < 10 || server.asks > 80 {
					t.Errorf("%v after %d queries: %+v", err, server.asks, r)
				}
			})
		})
	}
}

// The worst is a server that answers the least of each query, and no more: each further cut
// costs it one timeout.
func TestServerThatAnswersTheLeast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &silentServer{late: time.Minute, silent: func(_ int, statement string) bool {
			span, ok := spanAsked(statement)
			return ok && span > 0
		}}
		_, err := compareSilent(t, server)
		e, ok := errors.AsType[*GaveUpError](err)
		if cuts := 2 + 3 + 20; !ok || e.Queries != attempts || e.Only != "" || server.asks != 1+lessAfter+cuts-1+2*cuts+attempts {
			t.Errorf("%v after %d queries", err, server.asks)
		}
		if took := time.Since(server.start); took > 36*time.Minute {
			t.Errorf("gave up after %s", took)
		}
	})
}

func TestGaveUpText(t *testing.T) {
	late := &target.Error{Node: "http://h:8086", Message: "no answer in time (1m0s)"}
	for want, e := range map[string]*GaveUpError{
		"asked 6 times in 41s: http://h:8086: no answer in time (1m0s)":                                    {Queries: 6, After: 41300 * time.Millisecond, Err: late},
		"asked 7 times in 7m30s, at last only for SHOW DATABASES: http://h:8086: no answer in time (1m0s)": {Queries: 7, After: 450 * time.Second, Only: nothing, Err: late},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
