// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// Cleanup ends what a script started.
func (tb scriptTB) Cleanup(f func()) { tb.ts.Defer(f) }

func (tb scriptTB) Logf(format string, args ...any) { tb.ts.Logf(format, args...) }

var _ influxdtest.TB = scriptTB{}

// servers are those of all scripts, by the name of the script and their URL.
var servers sync.Map

type serverKey struct{ script, url string }

// startServer starts an influxd, and says in INFLUX_URL, INFLUX_HOST and INFLUX_PORT where
// it is. With "auth" it asks for a password; that is in INFLUX_SECRET.
func startServer(ts *testscript.TestScript, neg bool, args []string) {
	auth := slices.Equal(args, []string{"auth"})
	usageIf(ts, neg || len(args) > 0 && !auth, "influxd [auth]")
	s := influxdtest.Start(scriptTB{ts}, influxdtest.Options{Auth: auth})
	u, err := url.Parse(s.URL)
	ts.Check(err)
	host, port, err := net.SplitHostPort(u.Host)
	ts.Check(err)
	ts.Setenv("INFLUX_URL", s.URL)
	ts.Setenv("INFLUX_HOST", host)
	ts.Setenv("INFLUX_PORT", port)
	if auth {
		ts.Setenv("INFLUX_SECRET", influxdtest.Password)
	}
	servers.Store(serverKey{ts.Name(), s.URL}, s)
	ts.Defer(func() { servers.Delete(serverKey{ts.Name(), s.URL}) })
}

// serverOf gives the server that the script started last.
func serverOf(ts *testscript.TestScript) *influxdtest.Server {
	s, ok := servers.Load(serverKey{ts.Name(), ts.Getenv("INFLUX_URL")})
	if !ok {
		ts.Fatalf("no influxd was started")
	}
	return s.(*influxdtest.Server) //nolint:forcetypeassert // nothing else is stored
}

// query runs statements and prints what they answer: a line for each row, with the
// series in front.
func query(ts *testscript.TestScript, neg bool, args []string) {
	usageIf(ts, neg || len(args) < 2, "query DATABASE STATEMENT...")
	s := serverOf(ts)
	for _, statement := range args[1:] {
		series, err := s.TryQuery(args[0], statement)
		ts.Check(err)
		for _, one := range series {
			for _, row := range one.Values {
				_, err := fmt.Fprintln(ts.Stdout(), strings.TrimSpace(fmt.Sprint(one.Name, " ", strings.Trim(fmt.Sprint(row), "[]"))))
				ts.Check(err)
			}
		}
	}
}

// write stores a file with line protocol, as any program would.
func write(ts *testscript.TestScript, neg bool, args []string) {
	usageIf(ts, neg || len(args) != 3, "write DATABASE POLICY FILE")
	ts.Check(serverOf(ts).TryWrite(args[0], args[1], ts.ReadFile(args[2])))
}

// answers compares the server with the part of a recorded volume that the flags of judge
// choose; as=OLD=NEW says that a database has another name there.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	usageIf(ts, neg || len(args) < 1, "answers NAME [NAME=VALUE...]")
	names := map[string]string{}
	want := testvolume.Open(scriptTB{ts}, args[0]).Want
	for _, arg := range append([]string{"-database=_internal"}, args[1:]...) {
		name, value, _ := strings.Cut(arg, "=")
		if name == "as" {
			old, now, _ := strings.Cut(value, "=")
			names[old] = now
			continue
		}
		f := chooser(ts, name, value)
		want = slices.DeleteFunc(slices.Clone(want), func(v lpjudge.Value) bool { return !f(v) })
	}
	for i := range want {
		if now, ok := names[want[i].DB]; ok {
			want[i].DB = now
		}
	}
	if len(want) == 0 {
		ts.Fatalf("these flags choose nothing of %s", args[0])
	}
	got := serverValues(ts, serverOf(ts).URL)
	if diff := lpjudge.Diff(want, got, 20); diff != nil {
		ts.Fatalf("%d values wanted, %d answered:\n%s", len(want), len(got), strings.Join(diff, "\n"))
	}
}

// serverValues gives every value that a server has.
func serverValues(tb interface{ Fatalf(string, ...any) }, at string) []lpjudge.Value {
	server := lpjudge.Server{URL: at, User: influxdtest.User, Password: influxdtest.Password}
	dbs, err := server.Databases(context.Background())
	if err != nil {
		tb.Fatalf("ask the server: %v", err)
	}
	values, err := lpjudge.Dump(context.Background(), server, dbs...)
	if err != nil {
		tb.Fatalf("ask the server: %v", err)
	}
	return values
}

// stopServer ends the server.
func stopServer(ts *testscript.TestScript, neg bool, args []string) {
	usageIf(ts, neg || len(args) != 0, "stop")
	serverOf(ts).Stop()
}

// nowhere sets a variable to a URL at which nobody listens: a port that was free a moment ago
// may be anybody's by now, but nobody has the first one.
func nowhere(ts *testscript.TestScript, neg bool, args []string) {
	usageIf(ts, neg || len(args) != 1, "nowhere VARIABLE")
	ts.Setenv(args[0], "http://127.0.0.1:1")
}
