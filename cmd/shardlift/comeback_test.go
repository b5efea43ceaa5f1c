// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shardlift/shardlift/internal/faultproxy"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/lpjudge"
	"github.com/shardlift/shardlift/internal/shardtest"
)

// Every recorded volume comes back whole into an empty server: by an export that is piped
// into an import, by way of a directory, and by a replay; and once more into the
// server that has it already.
func TestVolumesComeBack(t *testing.T) {
	influxdtest.Require(t)
	for _, name := range testvolume.Names(t) {
		t.Run(name, func(t *testing.T) {
			v := testvolume.Open(t, name)
			want := slices.DeleteFunc(slices.Clone(v.Want), func(v lpjudge.Value) bool { return v.DB == "_internal" })
			s := influxdtest.Start(t, influxdtest.Options{})
			to := []string{"--url", s.URL, "--policy-duration", "INF", "--quiet"}
			dir := filepath.Join(t.TempDir(), "out") + "/"
			steps := []struct {
				name string
				run  func(t *testing.T)
			}{
				{"pipe", func(t *testing.T) {
					pipe(t, []string{"export", v.Dir, "--out", "-", "--quiet"}, append([]string{"import", "-"}, to...))
				}},
				{"directory", func(t *testing.T) {
					succeed(t, "export", v.Dir, "--out", dir, "--split", "shard", "--compress=zstd", "--quiet")
					verified(t, name, append([]string{"import", dir, "--verify"}, to...)...)
				}},
				{"replay", func(t *testing.T) { verified(t, name, append([]string{"replay", v.Dir, "--verify"}, to...)...) }},
			}
			for _, step := range steps {
				t.Run(step.name, func(t *testing.T) {
					t.Setenv("XDG_STATE_HOME", t.TempDir())
					step.run(t)
					same := func(when string) {
						t.Helper()
						got := serverValues(t, s.URL)
						if diff := lpjudge.Diff(want, got, 20); diff != nil {
							t.Errorf("%s: %d values wanted, %d answered:\n%s", when, len(want), len(got), strings.Join(diff, "\n"))
						}
					}
					same("once")
					if step.name == "replay" {
						step.run(t)
						same("twice")
					}
					for _, db := range databases(want) {
						s.Exec("DROP DATABASE " + influxdtest.Ident(db))
					}
				})
			}
		})
	}
}

// verified runs a command with --verify. Of the volume of names a server does not find again
// all that it stores; it has to say that this is not proven, and nothing else.
func verified(t *testing.T, volume string, args ...string) {
	t.Helper()
	if volume != "names" {
		succeed(t, args...)
		return
	}
	cmd, stderr := command(t, args...)
	err := cmd.Run()
	if cmd.ProcessState.ExitCode() != exitFaults || !strings.Contains(stderr.String(), ": 0 missing, 0 may be, 8 could not be asked for\n") {
		t.Fatalf("shardlift %q: %v\n%s", args, err, stderr)
	}
}

func databases(values []lpjudge.Value) []string {
	var names []string
	for _, v := range values {
		names = append(names, v.DB)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// pipe runs two commands, the output of the first being the input of the second.
func pipe(t *testing.T, from, to []string) {
	t.Helper()
	first, firstSays := command(t, from...)
	second, secondSays := command(t, to...)
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	second.Stdin = out
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	if err := second.Run(); err != nil {
		t.Errorf("shardlift %q: %v\n%s", to, err, secondSays)
	}
	if err := first.Wait(); err != nil {
		t.Errorf("shardlift %q: %v\n%s", from, err, firstSays)
	}
}

// A signal ends an import and a replay with 130, and the same command carries on.
func TestInterruptedDeliveryCarriesOn(t *testing.T) {
	influxdtest.Require(t)
	parent := t.TempDir()
	t.Setenv("XDG_STATE_HOME", filepath.Join(parent, "state"))
	source, file := filepath.Join(parent, "volume"), filepath.Join(parent, "many.lp.gz")
	volumeKinds["many"](shardtest.NewVolume(t, source))
	succeed(t, "export", source, "--out", file, "--compress", "--quiet")
	_, report, err := lpjudge.ReadPath(file, lpjudge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		signal     syscall.Signal
		args       []string
		checkpoint string
	}{
		"import": {syscall.SIGINT, []string{"import", file}, filepath.Join(parent, ".many.lp.gz.shardlift-import")},
		"replay": {syscall.SIGTERM, []string{"replay", source}, filepath.Join(parent, "state", "shardlift", "replay-*.json")},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := influxdtest.Start(t, influxdtest.Options{})
			p := faultproxy.Start(t, faultproxy.Options{Upstream: s.URL})
			args := append(c.args, "--url", p.URL)
			slow := append(slices.Clone(args), "--batch-points", "100", "--concurrency", "1", "--quiet")
			inOrder := false
			for i := 0; i < tries && !inOrder; i++ {
				p.Requests(twoAndNoMore())
				before := p.Faults()
				cmd, stderr := command(t, slow...)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if err := p.Await(t.Context(), func([]faultproxy.Event) bool { return p.Faults() > before }); err != nil {
					t.Fatal(err)
				}
				checkpoint := waitFor(t, c.checkpoint)
				if err := cmd.Process.Signal(c.signal); err != nil {
					t.Fatalf("it has ended already: %v", err)
				}
				_ = cmd.Wait() // the exit code tells
				if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
					t.Fatalf("exit code %d\n%s", code, stderr)
				}
				inOrder = strings.HasPrefix(stderr.String(), "shardlift: interrupted; run the same command again to carry on ("+checkpoint+")")
				if !inOrder && !late(cmd, stderr) {
					t.Fatalf("it says %q", stderr)
				}
			}
			if !inOrder {
				t.Fatal("it never ends in order")
			}
			p.Requests(nil)
			cmd, stderr := command(t, args...)
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			if got := stderr.String(); !strings.Contains(got, "shardlift: carrying on from ") || !strings.Contains(got, "all runs together") {
				t.Errorf("it says %q", got)
			}
			if got := len(serverValues(t, s.URL)); got != report.Values {
				t.Errorf("%d values are there, want %d", got, report.Values)
			}
		})
	}
}

// twoAndNoMore lets two writes be answered, and none that comes after them.
func twoAndNoMore() faultproxy.Schedule {
	n := 0
	return func(r faultproxy.Request) faultproxy.Fault {
		if r.Write < 0 {
			return faultproxy.Fault{}
		}
		if n++; n <= 2 {
			return faultproxy.Fault{}
		}
		return faultproxy.Fault{Do: faultproxy.Stall}
	}
}

// waitFor waits until there is a file of that pattern, and gives its name.
func waitFor(t *testing.T, pattern string) string {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if len(names) > 0 {
			return names[0]
		}
	}
	t.Fatalf("no %s came", pattern)
	return ""
}

// docs/cli.md has every field of what import and replay print as JSON.
func TestEveryDeliveryFieldIsDocumented(t *testing.T) {
	influxdtest.Require(t)
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", dir)
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec("CREATE DATABASE db WITH DURATION 100000d NAME rp")
	s.Write("db", "rp", "m f=true 1700000000000000000")
	lines := "# DDL\nCREATE DATABASE db WITH NAME rp\n# DML\n# CONTEXT-DATABASE:db\n# CONTEXT-RETENTION-POLICY:rp\n" +
		"m f=1 1700000000000000001\nok f=1 1700000000000000001\nno point\n"
	file := filepath.Join(dir, "in.lp")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "volume")
	volumeKinds["nan"](shardtest.NewVolume(t, source))
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"import":  {"import", file, "--verify"},
		"dry run": {"import", file, "--dry-run"},
		"replay":  {"replay", source, "--verify"},
		"failed":  {"import", file, "--max-rejects", "0"},
	} {
		cmd, stderr := command(t, append(args, "--json", "--url", s.URL)...)
		summary, _ := cmd.Output() // the exit code tells
		if code := cmd.ProcessState.ExitCode(); code != exitFaults && code != exitFailed {
			t.Errorf("%s: exit code %d\n%s", name, code, stderr)
		}
		var fields any
		if err := json.Unmarshal(summary, &fields); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, summary)
		}
		eachKey(fields, func(key string) {
			if !strings.Contains(string(text), "`"+key+"`") {
				t.Errorf("%s: field %s is not in docs/cli.md", name, key)
			}
		})
	}
}
