// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/faultproxy"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// kills is how often the tests with kill -9 strike, each of them: SHARDLIFT_KILLS.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("SHARDLIFT_KILLS")
	if text == "" {
		return 5
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("SHARDLIFT_KILLS: %v", err)
	}
	return n
}

// killed is an import or a replay that is killed.
type killed struct {
	*desk
	server *influxdtest.Server
	proxy  *faultproxy.Proxy
	rng    *rand.Rand
	args   []string
	stdin  string // given anew to each run, if not empty
	noted  string // name of the rejects file, if there is to be one
	total  int    // points, about
	struck int    // kills that met a run
	ended  int    // runs that were done before their kill: the next one starts anew
}

// pace makes a run of a few hundred requests take about two seconds.
func (k *killed) pace() []string {
	return []string{"--pps", strconv.Itoa(k.total * 2 / 3), "--batch-points", strconv.Itoa(k.total / 80), "--quiet", "--json"}
}

func (k *killed) input() io.Reader {
	if k.stdin == "" {
		return nil
	}
	return strings.NewReader(k.stdin)
}

// rejectsText is what stands in the rejects file; "" where there is to be none.
func (k *killed) rejectsText() string {
	k.t.Helper()
	if k.noted == "" {
		return ""
	}
	return k.text(k.noted)
}

// strike starts the command and kills it: at any time, or just when the server is about to
// get or has just stored some request.
func (k *killed) strike() {
	k.t.Helper()
	before, noted, begun := len(k.proxy.Events()), k.rejectsText(), len(k.checkpoints()) > 0
	moment := k.rng.IntN(3)
	f := faultproxy.Fault{}
	switch moment {
	case 0:
		f = faultproxy.Fault{Do: faultproxy.Stall, At: faultproxy.InBody}
	case 1:
		f = faultproxy.Fault{Do: faultproxy.Stall, Passed: true}
	}
	nth := k.rng.IntN(30)
	count := 0
	k.proxy.Requests(func(r faultproxy.Request) faultproxy.Fault {
		if r.Write < 0 {
			return faultproxy.Fault{}
		}
		if count++; count <= nth {
			return faultproxy.Fault{}
		}
		return f
	})
	p := k.start(k.input(), k.args...)
	if moment == 2 {
		select {
		case <-time.After(time.Duration(k.rng.IntN(2500)) * time.Millisecond):
		case <-p.done:
		}
	} else {
		struck := make(chan struct{})
		go func() {
			defer close(struck)
			_ = k.proxy.Await(k.t.Context(), func(events []faultproxy.Event) bool {
				return slices.ContainsFunc(events[before:], func(e faultproxy.Event) bool { return e.Fault.Do != faultproxy.Pass })
			}) // the test is over if it does not come
		}()
		select {
		case <-struck:
		case <-p.done:
		}
	}
	if p.kill() {
		k.struck++
		if len(k.checkpoints()) == 0 && (begun || k.rejectsText() != noted) {
			k.ended++ // it was done, and had only to tell
		}
	} else if code := p.cmd.ProcessState.ExitCode(); code != exitDone && code != exitFaults {
		k.t.Fatalf("it ended by itself, with %d: %s", code, p.err.String())
	} else {
		k.ended++
	}
	k.proxy.Release()
	k.proxy.Requests(nil)
}

// withRejects gives text with points that a server refuses which knows m's field "refused"
// as a string.
func withRejects(n int) (all, good string, bad []string) {
	var a strings.Builder
	good = sample(n)
	for i := range 12 {
		bad = append(bad, fmt.Sprintf("m,host=h%d refused=%d %d", i, i, monday2020+int64(i)*int64(n)*50e9))
	}
	for i, part := range cutPoints(good, 12) {
		a.WriteString(part + bad[i] + "\n")
	}
	return a.String(), good, bad
}

// cutPoints cuts a sample into parts of whole points.
func cutPoints(text string, parts int) []string {
	points := strings.SplitAfter(text, "\nm,host=")
	for i := range points {
		if i < len(points)-1 {
			points[i] = strings.TrimSuffix(points[i], "m,host=")
		}
		if i > 0 {
			points[i] = "m,host=" + points[i]
		}
	}
	var out []string
	for part := range slices.Chunk(points, (len(points)+parts-1)/parts) {
		out = append(out, strings.Join(part, ""))
	}
	return out
}

// An import that is killed at any moment and started again, as often as it takes, stores
// everything, and every refused point stands in the rejects file once.
func TestKilledImport(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	const points = 3000
	all, good, bad := withRejects(points)
	seed, _ := random(t, 0)
	for _, way := range []string{"file", "stdin"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, uint64(len(way))))
			proxy := faultproxy.Start(t, faultproxy.Options{Upstream: s.URL})
			for round, struck := 0, 0; struck < kills(t); round++ {
				k := &killed{desk: newDesk(t), server: s, proxy: proxy, rng: rng, total: points}
				db := fmt.Sprint(way, round)
				s.Exec(fmt.Sprintf("CREATE DATABASE %q", db))
				s.Write(db, "", fmt.Sprintf("m,host=first refused=\"text\" %d\n", monday2020))
				for i := range 6 { // in every shard
					s.Write(db, "", fmt.Sprintf("m,host=first refused=\"text\" %d\n", monday2020+int64(i)*7*24*3600e9))
				}
				input, rejects := k.file("in.lp", all), "in.lp.rejects.lp"
				if way == "stdin" {
					k.stdin, input, rejects = all, "-", "shardlift-rejects.lp"
				}
				k.args = append([]string{"import", input, "--url", proxy.URL, "--database", db, "--concurrency", fmt.Sprint(1 + rng.IntN(4))}, k.pace()...)
				k.noted = rejects
				for range 1 + rng.IntN(3) {
					k.strike()
				}
				struck += k.struck
				k.start(k.input(), k.args...).wait().must(t, exitFaults)
				if left := k.checkpoints(); len(left) > 0 {
					t.Errorf("checkpoints %q are left", left)
				}
				got := slices.DeleteFunc(dump(t, s, db), func(v lpjudge.Value) bool { return v.Series == "m,host=first" })
				compare(t, db, valuesOf(t, good, db, "autogen"), got)
				if diff := cmp.Diff(slices.Repeat(bad, k.ended+1), k.rejected(rejects)); diff != "" {
					t.Errorf("%s after %d kills: rejects (-want +got):\n%s", db, k.struck, diff)
				}
				s.Exec(fmt.Sprintf("DROP DATABASE %q", db))
				if t.Failed() {
					return
				}
			}
		})
	}
}

// So does a replay.
func TestKilledReplay(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	v := testvolume.Open(t, "demo")
	s := influxdtest.Start(t, influxdtest.Options{})
	proxy := faultproxy.Start(t, faultproxy.Options{Upstream: s.URL})
	seed, _ := random(t, 0)
	rng := rand.New(rand.NewPCG(seed, 7))
	for struck := 0; struck < kills(t); {
		k := &killed{desk: newDesk(t), server: s, proxy: proxy, rng: rng, total: 6000}
		k.args = append([]string{"replay", v.Dir, "--url", proxy.URL, "--policy-duration", "INF", "--concurrency", fmt.Sprint(1 + rng.IntN(4))}, k.pace()...)
		for range 1 + rng.IntN(3) {
			k.strike()
		}
		struck += k.struck
		k.start(nil, k.args...).wait().must(t, exitDone)
		if left := k.checkpoints(); len(left) > 0 {
			t.Errorf("checkpoints %q are left", left)
		}
		compare(t, "replay", slices.DeleteFunc(slices.Clone(v.Want), func(v lpjudge.Value) bool { return v.DB != "telegraf" }), dump(t, s, "telegraf"))
		s.Exec(`DROP DATABASE "telegraf"`)
		if t.Failed() {
			return
		}
	}
}

// A server that is killed and comes back, as often as it may be, holds everything in the
// end: what it acknowledged is on its disk, and what it did not is sent again.
func TestKilledServer(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	seed, _ := random(t, 0)
	rng := rand.New(rand.NewPCG(seed, 8))
	s := influxdtest.Start(t, influxdtest.Options{SnapshotMemory: 200 << 10, SnapshotCold: time.Second})
	v := testvolume.Open(t, "demo")
	for struck, round := 0, 0; struck < kills(t); round++ {
		k := &killed{desk: newDesk(t), server: s, total: 3000}
		db, text := fmt.Sprint("db", round), sample(3000)
		want := valuesOf(t, text, db, "autogen")
		s.Exec("CREATE DATABASE " + influxdtest.Ident(db))
		k.args = append([]string{"import", k.file("in.lp", text), "--url", s.URL, "--database", db}, k.pace()...)
		if round%2 == 1 {
			k.total, db = 6000, "telegraf"
			want = slices.DeleteFunc(slices.Clone(v.Want), func(v lpjudge.Value) bool { return v.DB != db })
			k.args = append([]string{"replay", v.Dir, "--url", s.URL, "--policy-duration", "INF"}, k.pace()...)
		}
		p := k.start(nil, k.args...)
		for left, running := 8, true; running; { // a server that never lives long enough for a request takes none
			var strike <-chan time.Time
			if left > 0 {
				strike = time.After(300*time.Millisecond + time.Duration(rng.IntN(900))*time.Millisecond)
			}
			select {
			case <-p.done:
				running = false
			case <-strike:
				s.Kill()
				s.Restart()
				struck++
				left--
			}
		}
		r := p.wait()
		if r.code == exitFailed && r.summary.Stored == 0 { // it was struck while it asked who is there
			r = k.run(k.args...)
		}
		r.must(t, exitDone)
		compare(t, db, want, dump(t, s, db))
		s.Exec(fmt.Sprintf("DROP DATABASE %q", db))
		if t.Failed() {
			return
		}
	}
}
