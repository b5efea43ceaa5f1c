// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shardlift/shardlift/internal/faultproxy"
	"github.com/shardlift/shardlift/internal/influxdtest"
)

// faulty is an import of some points through a proxy.
type faulty struct {
	*desk
	proxy  *faultproxy.Proxy
	server *influxdtest.Server
	db     string
	text   string
	points int64 // in it
	path   string
}

// faultyPoints make twenty requests.
const faultyPoints, faultyBatch = 1000, "50"

func newFaulty(t *testing.T, s *influxdtest.Server, db string) *faulty {
	t.Helper()
	f := &faulty{desk: newDesk(t), server: s, db: db, text: sample(faultyPoints), points: faultyPoints}
	f.proxy = faultproxy.Start(t, faultproxy.Options{Upstream: s.URL})
	f.path = f.file("in.lp", f.text)
	create := "CREATE DATABASE " + influxdtest.Ident(db)
	if err := s.TryExec(create); err != nil {
		t.Fatal(err)
	}
	return f
}

// args is the command line, which is the same each time. Requests that stall are soon sent
// again, and so are those that a busy machine is late with: see unhurried.
func (f *faulty) args(more ...string) []string {
	return append([]string{
		"import", f.path, "--url", f.proxy.URL, "--database", f.db, "--json", "--quiet",
		"--batch-points", faultyBatch, "--concurrency", "2", "--timeout", "1s", "--retry-for", "10m",
	}, more...)
}

// unhurried is args for runs where a request that only comes late need not be sent again.
func (f *faulty) unhurried(more ...string) []string {
	return f.args(append([]string{"--timeout", "10m"}, more...)...)
}

// argsFor is what a fault makes it: a server that stalls is not waited for.
func (f *faulty) argsFor(fault faultproxy.Fault, more ...string) []string {
	if fault.Do == faultproxy.Stall {
		return f.args(more...)
	}
	return f.unhurried(more...)
}

// runHurried runs a command with a short timeout. The first question, whether anyone is
// there, is put once: where the machine is late with the answer the run has not begun, and
// is begun again.
func (f *faulty) runHurried(args ...string) (r result) {
	f.t.Helper()
	for range 100 {
		r = f.run(args...)
		if r.code != exitFailed || r.summary.Requests > 0 || !strings.Contains(r.summary.Error, "no answer in time") {
			break
		}
	}
	return r
}

// release lets go of what stalls until the process has ended: a request may begin to stall
// just after the others were let go.
func release(p *process, ways ...*faultproxy.Proxy) {
	for {
		for _, way := range ways {
			way.Release()
		}
		select {
		case <-p.done:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// whole fails where the server lacks a point.
func (f *faulty) whole(what string) {
	f.t.Helper()
	compare(f.t, what, valuesOf(f.t, f.text, f.db, "autogen"), dump(f.t, f.server, f.db))
}

// done fails where the run did not end well, with all points.
func (f *faulty) done(r result) {
	f.t.Helper()
	r.must(f.t, exitDone)
	f.whole("import")
	if r.summary.Stored != f.points || r.summary.Rejected != 0 {
		f.t.Errorf("%d points stored and %d rejected of %d", r.summary.Stored, r.summary.Rejected, f.points)
	}
	if left := f.names(); !slices.Equal(left, []string{"in.lp"}) {
		f.t.Errorf("files %q are left", left)
	}
}

func (f *faulty) names() []string {
	return append(names(f.t, f.dir), names(f.t, f.home+"/.local/state/shardlift")...)
}

// carryOn lets the proxy pass all and runs the same command again, but for how long it waits
// for a server that is slow.
func (f *faulty) carryOn(more ...string) {
	f.t.Helper()
	f.proxy.Requests(nil)
	f.proxy.Connections()
	f.done(f.run(f.unhurried(more...)...))
}

// name makes a fault's name one of a database.
func faultName(i int, f faultproxy.Fault) string { return fmt.Sprintf("f%02d %s", i, f) }

// A fault that passes, at any moment of a request, with and without the server having
// got it, ends in all points stored.
func TestPassingFaults(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	for i, fault := range faultproxy.Catalogue() {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, s, faultName(i, fault))
			pass := faultproxy.Fault{}
			faults := []faultproxy.Fault{pass, fault, pass, pass, fault, fault, pass, fault}
			want := 4
			if strings.Contains(fault.Name, "413") { // each halves the bodies, down to single points
				faults, want = faults[:5], 2
			}
			f.proxy.Requests(faultproxy.Writes(faults...))
			f.done(f.runHurried(f.argsFor(fault)...))
			if n := f.proxy.Faults(); n != want {
				t.Errorf("%d faults were met", n)
			}
		})
	}
}

// So do connections that do not come about.
func TestPassingFaultsOfConnections(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	certificates := newCertificates(t)
	pass := faultproxy.Fault{}
	for name, fault := range map[string]faultproxy.Fault{
		"reset": {Do: faultproxy.Reset}, "ended": {Do: faultproxy.Close}, "silent": {Do: faultproxy.Stall},
		"garbage": {Do: faultproxy.Say, Raw: []byte("go away\r\n")},
	} {
		for _, secure := range []bool{false, true} {
			if secure {
				name += " in the handshake"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFaulty(t, s, name)
				var more []string
				if secure {
					f.proxy = faultproxy.Start(t, faultproxy.Options{Upstream: s.URL, TLS: certificates.server(t)})
					more = []string{"--ca-cert", certificates.ca}
				}
				// The first connections are for the check, which is one of several: cut the
				// kept one, so that others are made.
				cut := faultproxy.Fault{Do: faultproxy.Reset}
				f.proxy.Requests(faultproxy.Writes(pass, pass, cut, cut, pass, cut))
				f.proxy.Connections(pass, pass, pass, fault, fault, pass, fault)
				f.done(f.runHurried(f.argsFor(fault, more...)...))
				if n := f.proxy.Faults(); n < 4 {
					t.Errorf("%d faults were met", n)
				}
			})
		}
	}
}

// Everything at once, chosen by a seed.
func TestRandomFaults(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	seed, _ := random(t, 0)
	s := influxdtest.Start(t, influxdtest.Options{})
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, s, fmt.Sprint("random ", i))
			// Enough answers of 413 would cut all down to single points, and refuse those.
			some := slices.DeleteFunc(faultproxy.Catalogue(), func(f faultproxy.Fault) bool { return strings.Contains(f.Name, "413") })
			f.proxy.Requests(faultproxy.Random(seed+uint64(i), 0.3, some...))
			f.done(f.runHurried(f.args("--compress-requests", []string{"on", "off"}[i%2])...))
		})
	}
}

// A fault that stays ends the run when its budget is used up, with exit code 1 and a state
// from which the same command carries on.
func TestLastingFaults(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	cases := map[string]faultproxy.Fault{
		"reset":           {Do: faultproxy.Reset, Passed: true},
		"stall":           {Do: faultproxy.Stall},
		"cache full":      faultproxy.Answer(http.StatusInternalServerError, `{"error":"engine: cache-max-memory-size exceeded: (1/1)"}`),
		"throttled":       faultproxy.Answer(http.StatusServiceUnavailable, "request throttled, queue full\n"),
		"wait an hour":    faultproxy.Answer(http.StatusTooManyRequests, "", "Retry-After: 3600"),
		"gateway":         faultproxy.Answer(http.StatusBadGateway, "<html>no"),
		"always 200":      faultproxy.Answer(http.StatusOK, "<html>welcome"),
		"plain 500":       faultproxy.Answer(http.StatusInternalServerError, "Internal Server Error\n"),
		"400 of a filter": faultproxy.Answer(http.StatusBadRequest, "<html>your request looks odd"),
	}
	for name, fault := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, s, name)
			f.proxy.Requests(lastingFrom(7, fault))
			args := f.unhurried("--retry-for", "2s")
			if fault.Do == faultproxy.Stall { // what passes must have time to
				args = f.args("--timeout", "3s", "--retry-for", "12s")
			}
			r := f.runHurried(args...)
			r.must(t, exitFailed)
			f.stopped(r)
			f.carryOn()
		})
	}
}

// lastingFrom passes n writes on and gives all others the same fault.
func lastingFrom(n int, fault faultproxy.Fault) faultproxy.Schedule {
	return func(r faultproxy.Request) faultproxy.Fault {
		if r.Write < n {
			return faultproxy.Fault{}
		}
		return fault
	}
}

// held lets the next n writes be answered and no more: a run that has more to write goes on
// until the test has done what it wants to do meanwhile, however late it comes to it.
func held(n int) faultproxy.Schedule {
	return func(r faultproxy.Request) faultproxy.Fault {
		if r.Write < 0 {
			return faultproxy.Fault{}
		}
		if n--; n >= 0 {
			return faultproxy.Fault{}
		}
		return faultproxy.Fault{Do: faultproxy.Stall}
	}
}

// stopped fails where a run that ended early did not leave what it has to.
func (f *faulty) stopped(r result) {
	f.t.Helper()
	if left := f.checkpoints(); len(left) != 1 {
		f.t.Errorf("checkpoints %q", left)
	}
	if r.summary.Rejected != 0 || f.desk.text("in.lp.rejects.lp") != "" {
		f.t.Errorf("%d points were rejected", r.summary.Rejected)
	}
	if r.err == "" || r.summary.Error == "" {
		f.t.Errorf("it says %q and %q", r.err, r.summary.Error)
	}
	if strings.Count(r.err, "\n") > 6 {
		f.t.Errorf("it says too much: %s", r.err)
	}
	stored := 0
	for _, e := range f.proxy.Events() {
		if e.Stored && e.Write >= 0 && e.Fault.Do == faultproxy.Pass {
			stored++
		}
	}
	if r.summary.Stored > int64(stored*50) {
		f.t.Errorf("%d points stored, but only %d requests were acknowledged", r.summary.Stored, stored)
	}
}

// What is no use to repeat ends the run at once, whenever it comes.
func TestFatalAnswers(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	cases := map[string]faultproxy.Fault{
		"401":        faultproxy.Answer(http.StatusUnauthorized, `{"error":"authorization failed"}`+"\n", `WWW-Authenticate: Basic realm="InfluxDB"`),
		"403":        faultproxy.Answer(http.StatusForbidden, `{"error":"\"bob\" user is not authorized to write to database \"db\""}`+"\n"),
		"404":        faultproxy.Answer(http.StatusNotFound, `{"error":"database not found: \"db\""}`+"\n"),
		"404 page":   faultproxy.Answer(http.StatusNotFound, "<html>not here"),
		"405":        faultproxy.Answer(http.StatusMethodNotAllowed, "no\n"),
		"no policy":  faultproxy.Answer(http.StatusInternalServerError, `{"error":"retention policy not found: autogen"}`+"\n"),
		"redirected": faultproxy.Answer(http.StatusTemporaryRedirect, "", "Location: http://127.0.0.1:1/write"),
		"login page": faultproxy.Answer(http.StatusFound, "<html>", "Location: https://login.example/"),
		"bad level":  faultproxy.Answer(http.StatusBadRequest, `{"error":"invalid consistency level"}`+"\n"),
	}
	for name, fault := range cases {
		for _, at := range []int{0, 7} {
			t.Run(fmt.Sprintf("%s at %d", name, at), func(t *testing.T) {
				t.Parallel()
				f := newFaulty(t, s, fmt.Sprint(name, at))
				f.proxy.Requests(lastingFrom(at, fault))
				r := f.run(f.unhurried()...)
				r.must(t, exitFailed)
				if at > 0 {
					f.stopped(r)
				}
				if n := f.proxy.Faults(); n > 4 {
					t.Errorf("it was sent %d times", n)
				}
				f.carryOn()
			})
		}
	}
}

// A server that is not there at all is told, at once: nobody waits for ten minutes to
// hear of a wrong URL.
func TestNobodyThere(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	f := newFaulty(t, s, "db")
	f.proxy.Down()
	r := f.run(f.unhurried("--retry-for", "2s")...)
	r.must(t, exitFailed)
	r.says(t, "refused")
	if err := f.proxy.Up(); err != nil {
		t.Fatal(err)
	}
	f.carryOn()
}

// So is a server that goes away and stays away; and one that comes back is used again.
func TestServerGoesAway(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	t.Run("for good", func(t *testing.T) {
		f := newFaulty(t, s, "good")
		f.proxy.Requests(held(4))
		p := f.start(nil, f.unhurried("--retry-for", "2s")...)
		f.await(5)
		f.proxy.Down()
		r := p.wait()
		r.must(t, exitFailed)
		f.stopped(r)
		if err := f.proxy.Up(); err != nil {
			t.Fatal(err)
		}
		f.carryOn()
	})
	t.Run("for a while", func(t *testing.T) {
		f := newFaulty(t, s, "while")
		p := f.start(nil, f.unhurried("--pps", "800")...)
		for n := 2; n <= 14; n += 4 {
			f.await(n)
			f.proxy.Down()
			if err := f.proxy.Up(); err != nil {
				t.Fatal(err)
			}
		}
		f.done(p.wait())
	})
}

// await waits until so many requests of points have been answered.
func (f *faulty) await(n int) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), endless)
	defer cancel()
	if err := f.proxy.AwaitWrites(ctx, n); err != nil {
		f.t.Fatalf("%d requests of points do not come: %v", n, err)
	}
}

// Questions and statements meet faults, too.
func TestFaultsOfQueries(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	for i, fault := range []faultproxy.Fault{
		{Do: faultproxy.Reset},
		{Do: faultproxy.Reset, Passed: true},
		{Do: faultproxy.Close, At: faultproxy.InAnswer, Passed: true},
		{Do: faultproxy.Stall},
		faultproxy.Answer(http.StatusServiceUnavailable, "<html>later"),
		faultproxy.Answer(http.StatusTooManyRequests, "", "Retry-After: 1"),
		faultproxy.Answer(http.StatusOK, "<html>welcome"),
		faultproxy.Answer(http.StatusOK, `{"results":[{"statement_id":0`),
	} {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, s, fmt.Sprint("query", i))
			met := 0
			f.proxy.Requests(func(r faultproxy.Request) faultproxy.Fault {
				if strings.HasSuffix(r.Path, "/query") && met < 2 {
					met++
					return fault
				}
				return faultproxy.Fault{}
			})
			r := f.run(f.argsFor(fault)...)
			if r.code == exitDone {
				f.done(r)
				return
			}
			// It may give up before it has begun, if it says so.
			r.must(t, exitFailed)
			if r.err == "" {
				t.Error("it says nothing")
			}
			f.carryOn()
		})
	}
}

// Two imports at a time, through faults, do not disturb each other.
func TestTwoImportsAtOnce(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	one, two := newFaulty(t, s, "one"), newFaulty(t, s, "two")
	var g errgroup.Group
	for _, f := range []*faulty{one, two} {
		f.proxy.Requests(faultproxy.Random(1, 0.2, faultproxy.Fault{Do: faultproxy.Reset, Passed: true}))
		p := f.start(nil, f.unhurried()...)
		g.Go(func() error {
			if <-p.done; p.cmd.ProcessState.ExitCode() != exitDone {
				return errors.New(p.err.String())
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	one.whole("the first")
	two.whole("the second")
}
