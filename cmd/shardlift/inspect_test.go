// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/inspector"
)

func TestHasUnicode(t *testing.T) {
	for env, want := range map[string]bool{
		"":                                      false,
		"LANG=C":                                false,
		"LANG=en_US.UTF-8":                      true,
		"LANG=de_DE.utf8":                       true,
		"LANG=en_US.UTF-8 TERM=dumb":            false,
		"LANG=en_US.UTF-8 TERM=xterm":           true,
		"LANG=en_US.UTF-8 LC_ALL=C":             false,
		"LANG=C LC_CTYPE=C.UTF-8":               true,
		"LC_ALL=POSIX LC_CTYPE=C.UTF-8":         false,
		"LANG=en_US.ISO-8859-1 TERM=xterm-utf8": false,
	} {
		if got := hasUnicode(getenvOf(env)); got != want {
			t.Errorf("%q: %t", env, got)
		}
	}
}

// getenvOf looks variables up in a text.
func getenvOf(env string) func(name string) string {
	return func(name string) string {
		for v := range strings.FieldsSeq(env) {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		bytes, free int64
		want        string
	}{
		{90, 100, "fits"},
		{91, 100, "does not fit"},
		{0, 0, "fits"},
		{1, 0, "does not fit"},
		{1, -1, ""},
		{1 << 62, 1<<63 - 1, "fits"},
	} {
		if got := fits(c.bytes, c.free); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.bytes, c.free, got, c.want)
		}
	}
}

// Estimates have no more digits than they are good for, and numbers that were counted have all.
func TestEstimatesAreShort(t *testing.T) {
	write := func(exact bool) string {
		var b strings.Builder
		s := inspector.Stats{Shards: 1, Points: inspector.Amount{N: 1_938_990, Exact: exact}, Values: inspector.Amount{N: 21_502_582, Exact: exact}}
		p := &paper{w: &b}
		p.report(&inspectCmd{showFlags: showFlags{Shards: true}}, &inspector.Report{
			Totals:    s,
			Databases: []inspector.Database{{Name: "db", Stats: s, Policies: []inspector.Policy{{Name: "p", Stats: s, Shards: []inspector.Shard{{ID: 1, Stats: s}}}}}},
			Estimate:  &inspector.Estimate{Points: 1_938_990, Values: 21_502_582, SampleBytes: 1, AllBytes: 2},
		})
		return b.String()
	}
	for text, wants := range map[string]map[string]int{
		write(false): {" ~1,940,000\n": 2, "  ~1,940,000 points, ~21,500,000 values;": 1, "938": 0},
		write(true):  {" 1,938,990\n": 2, "  1,938,990 points, 21,502,582 values;": 1, "~": 0},
	} {
		for want, n := range wants {
			if got := strings.Count(text, want); got != n {
				t.Errorf("%q is there %d times, not %d, in\n%s", want, got, n, text)
			}
		}
	}
}

func TestTook(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0 ms", 0.0001: "1 ms", 0.0042: "5 ms", 0.339: "340 ms", 0.994: "990 ms", 0.996: "1 s", 1.26: "1.3 s", 59: "59 s", 61: "1m1s",
	} {
		if got := took(seconds); got != want {
			t.Errorf("%g s: %q, want %q", seconds, got, want)
		}
	}
}

// What is advised fits what was found, and names the same sources and selection again.
func TestAdvise(t *testing.T) {
	some := func(edit func(r *inspector.Report)) *inspector.Report {
		r := &inspector.Report{Totals: inspector.Stats{Shards: 1, Points: inspector.Amount{N: 5}}}
		r.Databases = []inspector.Database{{Name: "db", Policies: []inspector.Policy{{Name: "p", Shards: make([]inspector.Shard, 1)}}}}
		edit(r)
		return r
	}
	all := []string{"export v", "export v --compress", "replay v --url http://localhost:8086", "verify v", "inspect v --deep"}
	plain := inspectCmd{sourceFlags: sourceFlags{Sources: []string{"v"}}}
	for name, c := range map[string]struct {
		cmd    inspectCmd
		report *inspector.Report
		want   []string
	}{
		"nothing": {plain, &inspector.Report{}, nil},
		"sound":   {plain, some(func(*inspector.Report) {}), all},
		"read whole": {plain, some(func(r *inspector.Report) {
			r.Deep, r.Totals.Points.Exact = true, true
		}), all[:4]},
		"no room for text": {plain, some(func(r *inspector.Report) {
			r.Estimate = &inspector.Estimate{TextBytes: 100, FreeBytes: 50}
		}), all[1:]},
		"free space is not known": {plain, some(func(r *inspector.Report) {
			r.Estimate = &inspector.Estimate{TextBytes: 100, FreeBytes: -1}
		}), all},
		"expired": {plain, some(func(r *inspector.Report) { r.Databases[0].Policies[0].Shards[0].Expired = true }), append(
			append(all[:2:2], "replay v --url http://localhost:8086 --policy-duration INF"), all[3:]...)},
		"damaged WAL": {
			plain, some(func(r *inspector.Report) {
				r.Faults = []exporter.Fault{{Part: "wal"}, {Part: "wal", Reason: salvageable}}
			}),
			append(all[:5:5], "export v --salvage"),
		},
		"orphans and a metastore": {plain, some(func(r *inspector.Report) {
			r.LeftOut = []exporter.LeftOut{{Reason: "foreign"}, {Reason: "unlisted: the metastore does not list it"}}
			r.Volumes = []inspector.Volume{{Meta: "m", Sound: true}}
		}), append(all[:5:5], "inspect v --metastore", "inspect v --orphans")},
		"all flags": {
			inspectCmd{
				sourceFlags: sourceFlags{DataDir: "a b", WALDir: "w", MetaDir: "m", AllVolumes: true, Orphans: true},
				selectionFlags: selectionFlags{
					Database: []string{"x", "y*"}, Retention: []string{"r"}, Shard: []string{"1"}, Measurement: []string{"/m/"}, ExcludeMeasurement: []string{"n"},
					Tag: []string{"host=a"}, Field: []string{"f"}, Start: "-1", End: "now-7d", IncludeInternal: true,
				},
				lookFlags: lookFlags{readFlags: readFlags{Salvage: true}},
			},
			some(func(r *inspector.Report) {
				r.Deep, r.Faults, r.LeftOut = true, []exporter.Fault{{Reason: salvageable}}, []exporter.LeftOut{{Reason: "deleted"}}
				r.Estimate = &inspector.Estimate{TextBytes: 100}
			}),
			[]string{
				"export" + allFlags + " --compress", "replay" + allFlags + " --url http://localhost:8086",
				"verify --datadir 'a b' --waldir w --metadir m --all-volumes --orphans",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, a := range advise(&c.cmd, c.report) {
				got = append(got, strings.TrimPrefix(a.command, "shardlift "))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

const salvageable = "segment ends here, 9 bytes are lost; at least 1 entries behind it could be salvaged, from byte 50: x"

const allFlags = " --datadir 'a b' --waldir w --metadir m --all-volumes --orphans --database x --database 'y*' --retention r --shard 1 --measurement /m/" +
	" --exclude-measurement n --tag 'host=a' --field f --start=-1 --end now-7d --include-internal"

// Of long lists the first are printed, and how many more there are.
func TestLongLists(t *testing.T) {
	r := &inspector.Report{Databases: []inspector.Database{{Name: "db", Policies: []inspector.Policy{{Name: "p"}}}}}
	rp := &r.Databases[0].Policies[0]
	for i := range 30 {
		name := fmt.Sprintf("x%02d", i)
		rp.Gaps = append(rp.Gaps, inspector.Gap{Start: day(float64(2 * i)), End: day(float64(2*i + 1)), Groups: 1})
		r.Missing = append(r.Missing, inspector.MissingShard{Database: "db", Policy: "p", ID: uint64(i), Start: day(float64(2 * i)), End: day(float64(2*i + 1))})
		rp.Measurements = append(rp.Measurements, inspector.Measurement{Name: name, Series: inspector.Amount{N: int64(i), Exact: true}, Tags: []inspector.Tag{{Key: "t" + name, Values: inspector.Amount{N: int64(i), Exact: true}}}})
		r.Conflicts = append(r.Conflicts, inspector.Conflict{Database: "db", Policy: "p", Measurement: "m", Field: name, Kinds: []inspector.ConflictKind{{Kind: "float"}, {Kind: "integer"}}})
	}
	write := func(c inspectCmd) string {
		var b strings.Builder
		p := &paper{w: &b}
		p.report(&c, r)
		return b.String()
	}
	text := write(inspectCmd{})
	for want, n := range map[string]int{
		"and 20 more; --json has them all": 3, "and 25 more; --measurements lists them all": 2, "\n  db        p       m            x": 20, "  x29 ": 2, "tx29 ": 1, "  x24 ": 0,
	} {
		if got := strings.Count(text, want); got != n {
			t.Errorf("%q is there %d times, not %d, in\n%s", want, got, n, text)
		}
	}
	text = write(inspectCmd{showFlags: showFlags{Measurements: true}})
	for _, want := range []string{"x00", "x24", "x29", "tx00"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if got := strings.Count(text, "and 20 more"); got != 2 {
		t.Errorf("%d lists are cut, want holes and missing shards, in\n%s", got, text)
	}
}

// A writer that fails makes the command fail.
func TestReportNeedsItsOutput(t *testing.T) {
	p := &paper{w: failing{}}
	p.report(&inspectCmd{}, sampleReport())
	if !errors.Is(p.err, errFull) {
		t.Errorf("%v", p.err)
	}
}

var errFull = errors.New("no room")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

// How it ended is in the JSON and in the exit code, and the report goes to stdout alone.
func TestInspectOutcome(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context //nolint:containedctx // a case
		report *inspector.Report
		err    error
		cmd    inspectCmd
		code   int
		out    string // begins so
		stderr string // is so
	}{
		"sound": {t.Context(), &inspector.Report{Notes: []string{"a\nb"}}, nil, inspectCmd{}, exitDone, "Sources\n", "note         a\\x0ab\n"},
		"quiet": {t.Context(), &inspector.Report{Notes: []string{"a"}}, nil, inspectCmd{lookFlags: lookFlags{Quiet: true}}, exitDone, "Sources\n", ""},
		"faults": {
			t.Context(), &inspector.Report{Faults: []exporter.Fault{{File: "f", Offset: -1, Part: "index", Reason: "bad"}}}, nil,
			inspectCmd{lookFlags: lookFlags{Quiet: true}},
			exitFaults, "Sources\n", "fault: f: index: bad\nshardlift: finished with 1 fault, of which 0 lost something\n",
		},
		"JSON": {
			t.Context(), &inspector.Report{Faults: []exporter.Fault{{}}}, nil,
			inspectCmd{showFlags: showFlags{Format: jsonFormat}},
			exitFaults, `{"tool":"shardlift dev","command":"inspect","exitCode":3,"selected":false,"deep":false,"volumes":null,`, "",
		},
		"failed": {t.Context(), nil, errors.New("no"), inspectCmd{}, exitFailed, "", "shardlift: no\n"},
		"failed, JSON": {
			t.Context(), nil, errors.New("no"),
			inspectCmd{showFlags: showFlags{Format: jsonFormat}},
			exitFailed, `{"tool":"shardlift dev","command":"inspect","exitCode":1,"error":"no"}` + "\n", "shardlift: no\n",
		},
		"interrupted": {cancelled, nil, context.Canceled, inspectCmd{}, exitInterrupted, "", "shardlift: interrupted\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, stderr bytes.Buffer
			o := c.cmd.outcome(c.ctx, c.report, c.err)
			if err := o.tell(console{out: &out, err: &stderr}, &c.cmd); err != nil {
				t.Fatal(err)
			}
			if o.ExitCode != c.code || !strings.HasPrefix(out.String(), c.out) || (c.out == "") != (out.Len() == 0) || stderr.String() != c.stderr {
				t.Errorf("exit code %d\n%s\n%s", o.ExitCode, &out, &stderr)
			}
		})
	}
}

// The report comes through JSON as it is.
func TestReportAsJSON(t *testing.T) {
	var out bytes.Buffer
	i := inspectCmd{showFlags: showFlags{Format: jsonFormat}}
	if err := i.outcome(t.Context(), sampleReport(), nil).tell(console{out: &out, err: &out}, &i); err != nil {
		t.Fatal(err)
	}
	var got inspectOutcome
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(sampleReport())
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(got.Report)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(again)); diff != "" || got.ExitCode != exitFaults {
		t.Errorf("exit code %d (-want +got)\n%s", got.ExitCode, diff)
	}
}

func TestInspectGauge(t *testing.T) {
	var p inspector.Progress
	p.Shards.Store(4)
	p.ShardsDone.Store(1)
	p.TotalBytes.Store(100)
	p.DoneBytes.Store(25)
	p.Columns.Store(1234)
	shown(t, inspectGauge(&p)(2*time.Second), "25 % of 100 B, shard 1 of 4, 1,234 columns, about 6s left")
	p.Fault.Store(2)
	s := inspectGauge(&p)(2 * time.Second)
	shown(t, s, "25 % of 100 B, shard 1 of 4, 1,234 columns, 2 faults, about 6s left")
	if want := "shard 1/4 2 faults"; s.brief != want {
		t.Errorf("the bar says %q, want %q", s.brief, want)
	}
}
