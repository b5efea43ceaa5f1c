// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/shardlift/shardlift/internal/faultproxy"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// A signal ends an import, with 130 and a state that carries on: while it writes, and while
// it waits for whatever does not come, for longer than anything here is waited for.
func TestInterruptedImport(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	stall := faultproxy.Fault{Do: faultproxy.Stall}
	refused := faultproxy.Answer(http.StatusBadRequest, `{"error":"partial write: no dropped=1"}`)
	cases := map[string]struct {
		schedule faultproxy.Schedule
		down     bool
		more     []string
		signal   syscall.Signal
	}{
		"server stalls":          {lastingFrom(3, stall), false, nil, syscall.SIGINT},
		"stalls in the body":     {lastingFrom(3, stall.After(faultproxy.BeforeBody)), false, nil, syscall.SIGINT},
		"stalls after storing":   {lastingFrom(3, stall.PassedOn()), false, nil, syscall.SIGINT},
		"stalls in the answer":   {lastingFrom(3, stall.After(faultproxy.InAnswer).PassedOn()), false, nil, syscall.SIGINT},
		"all nodes down":         {held(3), true, nil, syscall.SIGINT},
		"told to wait":           {lastingFrom(3, faultproxy.Answer(http.StatusTooManyRequests, "", "Retry-After: 3600")), false, []string{"--retry-for", "3h"}, syscall.SIGTERM},
		"every request fails":    {lastingFrom(3, faultproxy.Answer(http.StatusBadGateway, "<html>")), false, nil, syscall.SIGINT},
		"server cannot be asked": {onlyQueries(stall), false, nil, syscall.SIGINT},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, s, name)
			f.proxy.Requests(c.schedule)
			args := f.unhurried(c.more...)
			p := f.start(nil, args...)
			if name == "server cannot be asked" {
				if err := f.proxy.Await(t.Context(), func(e []faultproxy.Event) bool { return len(e) > 0 && e[len(e)-1].Fault.Do != faultproxy.Pass }); err != nil {
					t.Fatal(err)
				}
			} else {
				f.await(5)
			}
			if c.down {
				f.proxy.Down()
			}
			r := f.interrupt(p, c.signal)
			r.says(t, "interrupted")
			if c.down {
				if err := f.proxy.Up(); err != nil {
					t.Fatal(err)
				}
			}
			f.proxy.Requests(nil)
			f.done(f.run(args...))
		})
	}
	for name, signal := range map[string]syscall.Signal{"writing": syscall.SIGINT, "terminated": syscall.SIGTERM, "everything is refused": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, s, name)
			answer := faultproxy.Fault{} // the server's
			if name == "everything is refused" {
				answer = refused
			}
			r := f.interruptAt(5, lastingFrom(3, answer), signal, f.unhurried()...)
			r.says(t, "interrupted")
			f.proxy.Requests(nil)
			r = f.run(f.unhurried()...)
			if name != "everything is refused" { // some of it, by a lie
				f.done(r)
			}
		})
	}
}

// onlyQueries gives every question the same fault.
func onlyQueries(fault faultproxy.Fault) faultproxy.Schedule {
	return func(r faultproxy.Request) faultproxy.Fault {
		if r.Path == "/query" {
			return fault
		}
		return faultproxy.Fault{}
	}
}

// interrupt signals the command, which must end.
func (d *desk) interrupt(p *process, signal syscall.Signal) result {
	d.t.Helper()
	p.signal(signal)
	r := p.wait()
	r.must(d.t, exitInterrupted)
	return r
}

// interruptAt runs a command and signals it while its n-th write waits for the answer that
// the schedule gives. A write behind that one gets none: however late the command comes to
// the signal, it cannot have ended by then.
func (f *faulty) interruptAt(n int, schedule faultproxy.Schedule, signal syscall.Signal, args ...string) result {
	f.t.Helper()
	running := make(chan *process, 1)
	writes := 0 // the proxy asks for one request at a time
	f.proxy.Requests(func(r faultproxy.Request) faultproxy.Fault {
		if r.Write < 0 {
			return schedule(r)
		}
		if writes++; writes == n {
			if err := (<-running).cmd.Process.Signal(signal); err != nil {
				f.t.Errorf("signal: %v", err)
			}
		}
		if writes > n {
			return faultproxy.Fault{Do: faultproxy.Stall}
		}
		return schedule(r)
	})
	p := f.start(nil, args...)
	running <- p
	r := p.wait()
	r.must(f.t, exitInterrupted)
	return r
}

// An import from a pipe in which nothing comes ends likewise, and carries on when the same
// comes again.
func TestInterruptedStdin(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	f := newFaulty(t, s, "db")
	f.text, f.points = sample(40_000), 40_000 // more than is read ahead
	args := f.unhurried("--batch-points", "500")
	args[1] = "-"
	p, w := f.fed(args...)
	if _, err := io.WriteString(w, f.text[:len(f.text)/2]); err != nil {
		t.Fatal(err)
	}
	f.await(3)
	f.interrupt(p, syscall.SIGINT)
	_ = w.Close() // nobody reads any more
	p, w = f.fed(args...)
	_, err := io.WriteString(w, f.text)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Error(err)
	}
	f.done(p.wait())
}

// fed starts the command with a pipe that the test writes to.
func (d *desk) fed(args ...string) (*process, *os.File) {
	d.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		d.t.Fatal(err)
	}
	p := d.start(r, args...)
	_ = r.Close() // the process has its own
	return p, w
}

// So does a replay.
func TestInterruptedReplay(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	v := testvolume.Open(t, "demo")
	f := newFaulty(t, s, "telegraf")
	for _, name := range []string{"writing", "stalls", "down"} {
		t.Run(name, func(t *testing.T) {
			args := []string{"replay", v.Dir, "--url", f.proxy.URL, "--policy-duration", "INF", "--quiet", "--batch-points", "50"}
			if name == "writing" {
				f.interruptAt(3, lastingFrom(0, faultproxy.Fault{}), syscall.SIGINT, args...)
			} else {
				f.proxy.Requests(held(2))
				before := f.proxy.Faults()
				p := f.start(nil, args...)
				if err := f.proxy.Await(t.Context(), func([]faultproxy.Event) bool { return f.proxy.Faults() > before }); err != nil {
					t.Fatal(err)
				}
				if name == "down" {
					f.proxy.Down()
				}
				f.interrupt(p, syscall.SIGINT)
			}
			f.proxy.Requests(nil)
			if err := f.proxy.Up(); err != nil {
				t.Fatal(err)
			}
			f.ends(exitDone, args...)
			want := slices.DeleteFunc(slices.Clone(v.Want), func(v lpjudge.Value) bool { return v.DB != "telegraf" })
			compare(t, name, want, dump(t, s, "telegraf"))
			s.Exec(`DROP DATABASE "telegraf"`)
		})
	}
}
