// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/faultproxy"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// comparison is what verify --against tells, as far as it is looked at here.
type comparison struct {
	Verify struct {
		Values         int64
		ValuesCompared int64
		UnaskedValues  int64
		Unproven       int64
		Points         struct {
			Missing, Extra, Differing int64
			AtLeast                   bool
			List                      []struct {
				What, Database, Policy, Measurement, Field, Time, Source, Target string
				Tags                                                             map[string]string
			}
		}
	}
}

func (r result) comparison(t *testing.T) (c comparison) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.out), &c); err != nil {
		t.Fatalf("%v in %q", err, r.out)
	}
	return c
}

// against gives a command line.
func (r *recorded) against(source string, more ...string) []string {
	return append([]string{"verify", source, "--against", r.server.URL, "--exact", "--query-rate", "0", "--json", "--quiet"}, more...)
}

// Every recorded volume is what a server has that it was replayed into, value by value, and
// so are its exports. What then gets lost on the server is named, and nothing else.
func TestAgainstRecordedVolumes(t *testing.T) {
	influxdtest.Require(t)
	for _, name := range testvolume.Names(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRecorded(t, name)
			proven, unasked := exitDone, int64(0)
			if name == "names" { // some of which a server stores and does not find again
				proven, unasked = exitFaults, 8
			}
			r.ends(proven, r.into("replay", r.volume.Dir, "--verify-exact")...)
			inspect := filepath.Join(r.dir, "inspect.lp.gz")
			toFile(t, r.volume.Dir, inspect, only(t, r.dbs...), compressed(exporter.Gzip), oneField)
			for _, source := range []string{r.volume.Dir, inspect} {
				c := r.ends(proven, r.against(source)...).comparison(t)
				if c.Verify.ValuesCompared != c.Verify.Values || c.Verify.Unproven != 0 || c.Verify.UnaskedValues != unasked {
					t.Errorf("%s: %d of %d values compared", source, c.Verify.ValuesCompared, c.Verify.Values)
				}
				if n := c.Verify.Values + c.Verify.UnaskedValues; n < int64(len(r.want)) {
					t.Errorf("%s: %d values of %d", source, n, len(r.want))
				}
			}
			r.plant(proven, r.volume.Dir, inspect)
		})
	}
}

// plant changes some values on the server, which then have to be found.
func (r *recorded) plant(code int, sources ...string) {
	r.t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	want := []string{}
	for range 5 {
		v := r.want[rng.IntN(len(r.want))]
		if v.Type != lpjudge.Float || strings.Contains(v.Series, `\`) {
			continue
		}
		line := fmt.Sprintf("%s %s=-12345.5 %d", v.Series, strings.NewReplacer(",", `\,`, "=", `\=`, " ", `\ `, `"`, `\"`).Replace(v.Field), v.Time)
		if err := r.server.TryWrite(v.DB, v.RP, line); err != nil {
			continue // of another type in this shard
		}
		text := fmt.Sprintf("differs %s %s %s %s -12345.5", v.DB, v.RP, v.Field, time.Unix(0, v.Time).UTC().Format(time.RFC3339Nano))
		if !slices.Contains(want, text) {
			want = append(want, text)
		}
	}
	slices.Sort(want)
	if len(want) > 0 {
		code = exitFaults
	}
	for _, source := range sources {
		got := []string{}
		for _, d := range r.ends(code, r.against(source)...).comparison(r.t).Verify.Points.List {
			got = append(got, fmt.Sprintf("%s %s %s %s %s %s", d.What, d.Database, d.Policy, d.Field, d.Time, d.Target))
		}
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			r.t.Errorf("%s (-want +got):\n%s", source, d)
		}
	}
}

// A way to the server that fails for a time changes nothing of what is found; one that fails
// for good is an error, and no good result.
func TestAgainstWithFaults(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "db"`)
	d := newDesk(t)
	text := sample(2000)
	path := d.file("in.lp", text)
	s.Write("db", "", text)
	s.Write("db", "", fmt.Sprintf("m,host=h0,region=r\\ 0 f=7 %d", monday2020))
	for i, fault := range slices.Concat(faultproxy.Catalogue(), []faultproxy.Fault{{}}) {
		if strings.Contains(fault.Name, "413") || fault.Do == faultproxy.Stall && fault.Passed {
			continue // of bodies
		}
		t.Run(fmt.Sprintf("%02d %s", i, fault), func(t *testing.T) {
			t.Parallel()
			p := faultproxy.Start(t, faultproxy.Options{Upstream: s.URL})
			timeout := "10m"
			if fault.Do == faultproxy.Stall {
				timeout = "5s" // and what passes must have time to
			}
			var r result
			for range 20 { // where the machine is late with the first answers, which are not waited for twice
				asked := 0
				p.Requests(func(r faultproxy.Request) faultproxy.Fault {
					if asked++; r.Path != "/query" || asked != 4 && asked != 9 {
						return faultproxy.Fault{}
					}
					return fault
				})
				r = d.run("verify", path, "--database", "db", "--against", p.URL, "--exact", "--json", "--quiet", "--timeout", timeout, "--query-rate", "0")
				if r.code != exitFailed || p.Faults() > 0 {
					break
				}
			}
			if r.code == exitFailed { // a fault that does not look as if it would pass
				if strings.Contains(r.out, `"verify":`) {
					t.Errorf("half a comparison: %s", r.out)
				}
				if fault.Do != faultproxy.Say {
					t.Errorf("failed: %s", r.out)
				}
				return
			}
			r.must(t, exitFaults)
			c := r.comparison(t)
			if p := c.Verify.Points; p.Missing != 0 || p.Extra != 0 || p.Differing != 1 || p.List[0].Source != "0.5" || p.List[0].Target != "7" {
				t.Errorf("%s", r.out)
			}
		})
	}
	t.Run("for good", func(t *testing.T) {
		t.Parallel()
		p := faultproxy.Start(t, faultproxy.Options{Upstream: s.URL})
		asked := 0
		p.Requests(func(r faultproxy.Request) faultproxy.Fault {
			if asked++; r.Path != "/query" || asked < 6 {
				return faultproxy.Fault{}
			}
			return faultproxy.Fault{At: faultproxy.InAnswer, Do: faultproxy.Reset}
		})
		r := d.ends(exitFailed, "verify", path, "--database", "db", "--against", p.URL, "--exact")
		r.says(t, "shardlift: ", "hint: ")
		if strings.Contains(r.err, "verified") || strings.Contains(r.err, "all are there") {
			t.Errorf("half a comparison: %s", r.err)
		}
	})
}
