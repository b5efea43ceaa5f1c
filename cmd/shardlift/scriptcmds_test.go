// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/lpjudge"
	"github.com/shardlift/shardlift/internal/shardtest"
)

var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits":     exits,
	"volume":    copyVolume,
	"mkvolume":  makeVolume,
	"damage":    damage,
	"judge":     judge,
	"same":      same,
	"influxd":   startServer,
	"stop":      stopServer,
	"query":     query,
	"write":     write,
	"answers":   answers,
	"nowhere":   nowhere,
	"interrupt": interrupt,
}

func usageIf(ts *testscript.TestScript, wrong bool, usage string) {
	if wrong {
		ts.Fatalf("usage: %s", usage)
	}
}

// sources are the source trees of a script, which no command may change.
type sources struct{ prints map[string]map[string]string }

type sourcesKey struct{}

func sourcesOf(ts *testscript.TestScript) *sources {
	s, _ := ts.Value(sourcesKey{}).(*sources)
	return s
}

// remember takes the state of a source tree as the one to keep.
func (s *sources) remember(ts *testscript.TestScript, dir string) {
	prints, err := shardtest.Fingerprint(dir)
	ts.Check(err)
	s.prints[dir] = prints
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	usageIf(ts, neg || len(args) < 2, "exits CODE PROGRAM ARG...")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ee, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		code = ee.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
	for dir, before := range sourcesOf(ts).prints {
		after, err := shardtest.Fingerprint(dir)
		ts.Check(err)
		if diff := cmp.Diff(before, after); diff != "" {
			ts.Fatalf("the source has changed (-before +after):\n%s", diff)
		}
	}
}

// tries is how often a test strikes that can come too late on a busy machine: at a command
// that is done, or that had not the time to end in order.
const tries = 20

// interrupt runs a program, interrupts it when it has said something, and wants something else
// to be said at its end. Where it had not the time to end in order it is run again.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	usageIf(ts, neg || len(args) < 3, "interrupt WHEN WANT PROGRAM ARG...")
	said := ""
	for range tries {
		if said = interrupted(ts, args[0], args[2:]); strings.Contains(said, args[1]) {
			_, err := io.WriteString(ts.Stderr(), said)
			ts.Check(err)
			return
		}
	}
	ts.Fatalf("it never says %q, but\n%s", args[1], said)
}

// interrupted gives what a program writes to stderr that is interrupted when it says something.
func interrupted(ts *testscript.TestScript, when string, argv []string) (said string) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"HOME", "PATH", "TZ"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	says, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	for lines := bufio.NewScanner(says); lines.Scan(); {
		if !strings.Contains(said, when) && strings.Contains(lines.Text(), when) { // once: another one would kill it
			ts.Check(cmd.Process.Signal(os.Interrupt))
		}
		said += lines.Text() + "\n"
	}
	_ = cmd.Wait() // the exit code tells
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		ts.Fatalf("exit code %d, want %d; it says\n%s", code, exitInterrupted, said)
	}
	return said
}

func copyVolume(ts *testscript.TestScript, neg bool, args []string) {
	usageIf(ts, neg || len(args) != 2, "volume NAME DIR")
	dst := ts.MkAbs(args[1])
	ts.Check(os.CopyFS(dst, os.DirFS(testvolume.Open(scriptTB{ts}, args[0]).Dir)))
	sourcesOf(ts).remember(ts, dst)
}

func makeVolume(ts *testscript.TestScript, neg bool, args []string) {
	usageIf(ts, neg || len(args) != 2 || volumeKinds[args[0]] == nil,
		fmt.Sprintf("mkvolume %s DIR", strings.Join(slices.Sorted(maps.Keys(volumeKinds)), "|")))
	dst := ts.MkAbs(args[1])
	volumeKinds[args[0]](shardtest.NewVolume(scriptTB{ts}, dst))
	sourcesOf(ts).remember(ts, dst)
}

func damage(ts *testscript.TestScript, neg bool, args []string) {
	usageIf(ts, neg || len(args) != 1, "damage DIR")
	root := ts.MkAbs(args[0])
	var first string
	ts.Check(filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && first == "" && filepath.Ext(path) == ".tsm" {
			first = path
		}
		return err
	}))
	data, err := os.ReadFile(first)
	ts.Check(err)
	layout, err := shardtest.LayoutOf(data)
	ts.Check(err)
	ts.Check(os.WriteFile(first, shardtest.Flip(data, 8*layout.Keys[0].Blocks[0].Values.Offset), 0o644))
	for dir := range sourcesOf(ts).prints {
		if strings.HasPrefix(first, dir+string(filepath.Separator)) {
			sourcesOf(ts).remember(ts, dir)
		}
	}
}

func same(ts *testscript.TestScript, neg bool, args []string) {
	usageIf(ts, len(args) != 2, "[!] same DIR DIR")
	var trees [2]map[string]string
	for i, dir := range args {
		root := ts.MkAbs(dir)
		trees[i] = map[string]string{}
		ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, _ := filepath.Rel(root, path)
			b, err := os.ReadFile(path)
			trees[i][name] = string(b)
			return err
		}))
	}
	if len(trees[0]) == 0 {
		ts.Fatalf("%s holds no files", args[0])
	}
	if equal := maps.Equal(trees[0], trees[1]); equal == neg {
		ts.Fatalf("%s holds %q, %s holds %q; the same: %t", args[0], slices.Sorted(maps.Keys(trees[0])),
			args[1], slices.Sorted(maps.Keys(trees[1])), equal)
	}
}

// judge compares an export with the part of a recorded volume that the flags choose:
// database=X, retention=X, measurement=X, -measurement=X (not that one), tag=k=v,
// field=X, start=TIME, end=TIME (RFC 3339), internal; context=DB.RP is for exports without headers.
func judge(ts *testscript.TestScript, neg bool, args []string) {
	usageIf(ts, neg || len(args) < 2, "judge OUT NAME [NAME=VALUE...]")
	want := testvolume.Open(scriptTB{ts}, args[1]).Want
	take := map[string]func(v lpjudge.Value) bool{
		"internal": func(v lpjudge.Value) bool { return v.DB != "_internal" },
	}
	var opts lpjudge.Options
	for i, arg := range args[2:] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "internal":
			delete(take, "internal")
		case "context":
			opts.DB, opts.RP, _ = strings.Cut(value, ".")
		default:
			take[strconv.Itoa(i)] = chooser(ts, name, value)
		}
	}
	want = slices.DeleteFunc(slices.Clone(want), func(v lpjudge.Value) bool {
		for _, f := range take {
			if !f(v) {
				return true
			}
		}
		return false
	})
	if len(want) == 0 {
		ts.Fatalf("these flags choose nothing of %s", args[1])
	}
	got, report, err := lpjudge.ReadPath(ts.MkAbs(args[0]), opts)
	ts.Check(err)
	if diff := lpjudge.Diff(want, got, 20); diff != nil {
		ts.Fatalf("%d values wanted, %d exported:\n%s", len(want), len(got), strings.Join(diff, "\n"))
	}
	if report.NoNewline {
		ts.Fatalf("the last line has no line feed")
	}
}

// chooser gives the test for one flag of judge.
func chooser(ts *testscript.TestScript, name, value string) func(v lpjudge.Value) bool {
	at := func() int64 {
		t, err := time.Parse(time.RFC3339Nano, value)
		ts.Check(err)
		return t.UnixNano()
	}
	measurement := func(v lpjudge.Value) string {
		m, _, _ := strings.Cut(v.Series, ",")
		return m
	}
	switch name {
	case "database":
		return func(v lpjudge.Value) bool { return v.DB == value }
	case "retention":
		return func(v lpjudge.Value) bool { return v.RP == value }
	case "-database":
		return func(v lpjudge.Value) bool { return v.DB != value }
	case "measurement":
		return func(v lpjudge.Value) bool { return measurement(v) == value }
	case "-measurement":
		return func(v lpjudge.Value) bool { return measurement(v) != value }
	case "tag":
		return func(v lpjudge.Value) bool { return strings.Contains(v.Series+",", ","+value+",") }
	case "field":
		return func(v lpjudge.Value) bool { return v.Field == value }
	case "start":
		t := at()
		return func(v lpjudge.Value) bool { return v.Time >= t }
	case "end":
		t := at()
		return func(v lpjudge.Value) bool { return v.Time <= t }
	}
	ts.Fatalf("judge knows no %s", name)
	return nil
}
