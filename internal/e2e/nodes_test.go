// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shardlift/shardlift/internal/faultproxy"
	"github.com/shardlift/shardlift/internal/influxdtest"
)

// pair is an import into two nodes, which are two ways to one server.
type pair struct {
	*faulty
	second *faultproxy.Proxy
}

func newPair(t *testing.T, s *influxdtest.Server, db string) *pair {
	t.Helper()
	return &pair{newFaulty(t, s, db), faultproxy.Start(t, faultproxy.Options{Upstream: s.URL})}
}

func (p *pair) args(more ...string) []string {
	return p.unhurried(append([]string{"--url", p.second.URL}, more...)...)
}

// inTurn gives the nodes one request after the other: with several at a time, and a machine
// that has no time for one of them, the other node may get them all.
func (p *pair) inTurn() []string {
	return p.args("--concurrency", "1")
}

// writes counts the requests of points that a node stored.
func writes(p *faultproxy.Proxy) int {
	n := 0
	for _, e := range p.Events() {
		if e.Write >= 0 && e.Stored {
			n++
		}
	}
	return n
}

// Load is spread over the nodes; one that is down, goes down or is sick is left out, and
// everything arrives.
func TestTwoNodes(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	t.Run("both up", func(t *testing.T) {
		p := newPair(t, s, "both")
		p.done(p.run(p.inTurn()...))
		if a, b := writes(p.proxy), writes(p.second); a != 10 || b != 10 {
			t.Errorf("%d and %d requests", a, b)
		}
	})
	for _, first := range []bool{true, false} {
		t.Run(fmt.Sprintf("one down from the start, the first: %t", first), func(t *testing.T) {
			p := newPair(t, s, fmt.Sprint("start", first))
			down := p.second
			if first {
				down = p.proxy
			}
			down.Down()
			r := p.run(p.args()...)
			p.done(r)
			if !strings.Contains(r.out, down.URL) || !strings.Contains(r.out, "refused") { // nobody should find out later
				t.Errorf("the summary does not tell of the node: %s", r.out)
			}
		})
		t.Run(fmt.Sprintf("one goes down, the first: %t", first), func(t *testing.T) {
			p := newPair(t, s, fmt.Sprint("middle", first))
			down, other := p.second, p.proxy
			if first {
				down, other = other, down
			}
			down.Requests(held(3))
			run := p.start(nil, p.inTurn()...)
			if err := down.AwaitWrites(t.Context(), 4); err != nil {
				t.Fatal(err)
			}
			down.Down()
			p.done(run.wait())
			if n := writes(other); n < 10 {
				t.Errorf("the other node got %d requests", n)
			}
		})
	}
	for name, fault := range map[string]faultproxy.Fault{
		"stalls":    {Do: faultproxy.Stall},
		"is sick":   faultproxy.Answer(500, `{"error":"engine: cache-max-memory-size exceeded: (1/1)"}`),
		"is broken": {Do: faultproxy.Reset, Passed: true},
	} {
		t.Run("one "+name, func(t *testing.T) {
			p := newPair(t, s, name)
			p.second.Requests(lastingFrom(2, fault))
			p.done(p.runHurried(p.argsFor(fault, "--url", p.second.URL)...))
		})
	}
	t.Run("both down in turn", func(t *testing.T) {
		p := newPair(t, s, "turn")
		p.proxy.Requests(held(2))
		p.second.Requests(held(3))
		run := p.start(nil, p.args()...)
		seen := map[*faultproxy.Proxy]int{}
		for i, way := range []*faultproxy.Proxy{p.proxy, p.second, p.proxy, p.second} {
			other := []*faultproxy.Proxy{p.second, p.proxy}[i%2]
			for way.Faults() == seen[way] {
				select {
				case <-run.done:
					t.Fatalf("it has ended: %s", run.wait().err)
				case <-time.After(time.Second):
					other.Release() // where all requests stall
				}
			}
			way.Down()
			way.Requests(held(2)) // less than the run has to write, by all four
			seen[way] = way.Faults()
			if err := way.Up(); err != nil {
				t.Fatal(err)
			}
		}
		p.proxy.Requests(nil)
		p.second.Requests(nil)
		release(run, p.proxy, p.second)
		p.done(run.wait())
	})
	t.Run("both down, then up", func(t *testing.T) {
		p := newPair(t, s, "updown")
		p.proxy.Requests(held(2))
		p.second.Requests(held(2))
		run := p.start(nil, p.args("--retry-for", "3s")...)
		if err := p.proxy.AwaitWrites(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		p.proxy.Down()
		p.second.Down()
		r := run.wait()
		r.must(t, exitFailed)
		r.says(t, "refused")
		for _, way := range []*faultproxy.Proxy{p.proxy, p.second} {
			way.Requests(nil)
			if err := way.Up(); err != nil {
				t.Fatal(err)
			}
		}
		p.done(p.run(p.args()...))
	})
}
