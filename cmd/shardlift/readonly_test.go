// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/shardtest"
)

// mutating matches system calls that could change a file, a directory or what is known of one,
// or that would lock it: all but opening it to read, asking for its state and the like.
var mutating = regexp.MustCompile(`\b(?:open|openat|openat2|open_by_handle_at)\(.*\bO_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b|` +
	`\b(?:creat|truncate|ftruncate|fallocate|rename|renameat|renameat2|link|linkat|symlink|symlinkat|unlink|unlinkat|mkdir|mkdirat|rmdir|` +
	`mknod|mknodat|chmod|fchmod|fchmodat|fchmodat2|chown|fchown|lchown|fchownat|utime|utimes|utimensat|futimesat|setxattr|lsetxattr|fsetxattr|` +
	`removexattr|lremovexattr|fremovexattr|flock|mount|umount2)\(|\bfcntl\(.*F_(?:OFD_)?SETLK`)

const traced = "%file,ftruncate,fallocate,fchmod,fchown,fsetxattr,fremovexattr,flock,fcntl"

// trace runs a command under strace and gives the system calls that are not mere reading of
// what lies below dir.
func trace(t *testing.T, dir string, argv ...string) (bad []string, calls int) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "trace")
	cmd, stderr := prepare(exec.CommandContext(t.Context(), "strace", append([]string{"-f", "-y", "-s", "4096", "-e", "trace=" + traced, "-o", log}, argv...)...))
	cmd.Dir = filepath.Dir(dir)
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() < 0 {
		t.Fatalf("strace %q: %v\n%s", argv, err, stderr)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, dir) {
			continue
		}
		calls++
		if mutating.MatchString(line) {
			bad = append(bad, strings.TrimSpace(line))
		}
	}
	return bad, calls
}

// requireStrace skips a test where there is no strace, but not in CI.
func requireStrace(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("strace is not installed")
	}
	t.Skip("strace is not installed (make deps installs it); how sources are opened was not checked")
}

// soundAndBroken gives two copies of a volume, one of them damaged, in one directory.
func soundAndBroken(t *testing.T) (source, broken string) {
	t.Helper()
	parent := t.TempDir()
	source, broken = filepath.Join(parent, "sound"), filepath.Join(parent, "broken")
	for _, dir := range []string{source, broken} {
		if err := os.CopyFS(dir, os.DirFS(testvolume.Open(t, "deletes").Dir)); err != nil {
			t.Fatal(err)
		}
	}
	flipFirst(t, broken)
	t.Setenv("XDG_STATE_HOME", filepath.Join(parent, "state"))
	return source, broken
}

// onlyRead fails for every command that does more with its source, its second word, than
// read it.
func onlyRead(t *testing.T, commands map[string][]string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range commands {
		t.Run(name, func(t *testing.T) {
			bad, calls := trace(t, args[1], append([]string{self}, args...)...)
			if len(bad) > 0 {
				t.Errorf("system calls on the source:\n%s", strings.Join(bad, "\n"))
			}
			if calls < 10 {
				t.Errorf("only %d system calls on the source were seen", calls)
			}
		})
	}
}

// Nothing below a source is ever opened but to be read, nor locked, whatever becomes of
// the replay.
func TestReplayOpensSourcesReadOnly(t *testing.T) {
	requireStrace(t)
	source, broken := soundAndBroken(t)
	at := influxdtest.Start(t, influxdtest.Options{}).URL
	onlyRead(t, map[string][]string{
		"sound":   {"replay", source, "--url", at, "--policy-duration", "INF", "--verify"},
		"damaged": {"replay", broken, "--url", at, "--policy-duration", "INF"},
	})
}

// The same of an export, and of what needs no server.
func TestSourcesAreOpenedReadOnly(t *testing.T) {
	requireStrace(t)
	source, broken := soundAndBroken(t)
	onlyRead(t, map[string][]string{
		"file":            {"export", source, "--out", "out.lp"},
		"directory":       {"export", source, "--out", "out/", "--split", "shard", "--compress"},
		"stdout":          {"export", source, "--out", "-", "--one-field-per-line"},
		"damaged":         {"export", broken, "--out", "damaged.lp", "--salvage"},
		"strict":          {"export", broken, "--out", "strict.lp", "--strict"},
		"refused":         {"export", source, "--out", filepath.Join(source, "data", "out.lp")},
		"refuseds":        {"export", source, "--out", filepath.Join(source, "out") + "/"},
		"dry run":         {"replay", source, "--dry-run"},
		"verify":          {"verify", source},
		"verify damage":   {"verify", broken, "--checksums", "--salvage"},
		"inspect":         {"inspect", source, "--free-at", source},
		"inspect refused": {"inspect", source, "--html", filepath.Join(source, "page.html")},
		"inspect deep":    {"inspect", broken, "--deep", "--salvage", "--json"},
		"refused replay":  {"replay", source, "--url", "http://127.0.0.1:1", "--rejects", filepath.Join(source, "r.lp")},
	})
	t.Run("metastore", func(t *testing.T) { // which takes too few calls for onlyRead
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range []string{"table", "influxql"} {
			bad, calls := trace(t, source, self, "inspect", source, "--metastore", "--format", format)
			if len(bad) > 0 || calls == 0 {
				t.Errorf("%d system calls on the source, of which are wrong: %q", calls, bad)
			}
		}
	})
	t.Run("seen", func(t *testing.T) { // or all of the above means nothing
		for _, does := range []string{"touch data/x", ": >>data/x", "mv data/x data/y", "chmod 700 data/y", "flock data/y true", "rm data/y"} {
			if bad, _ := trace(t, source, "sh", "-c", "cd "+source+" && "+does); len(bad) == 0 {
				t.Errorf("%q was not seen", does)
			}
		}
	})
}

// flipFirst damages the first TSM file below dir.
func flipFirst(t *testing.T, dir string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "data/*/*/*/*.tsm"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no TSM files below %s", dir)
	}
	data, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	layout, err := shardtest.LayoutOf(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(paths[0], shardtest.Flip(data, 8*layout.Keys[0].Blocks[0].Values.Offset), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What may not be read or written is told, with what to do about it. As root, who may
// read everything, the test lets nobody run the program.
func TestPermissions(t *testing.T) {
	parent := t.TempDir()
	source := filepath.Join(parent, "volume")
	v := shardtest.NewVolume(t, source)
	volumeKinds["bare"](v)
	closed, file := filepath.Join(parent, "closed"), v.Shard("db", "autogen", 1).DataDir()+"/000000001-000000001.tsm"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(closed, 0o500))
	must(os.Mkdir(filepath.Join(parent, "open"), 0o777))
	must(os.Chmod(filepath.Join(parent, "open"), 0o777))
	must(os.Chmod(filepath.Dir(parent), 0o755))
	must(os.Chmod(file, 0))
	out := filepath.Join(parent, "open", "out.lp")
	for _, c := range []struct {
		name   string
		before func()
		args   []string
		code   int
		want   []string
	}{
		{"unreadable file", nil, []string{"export", source, "--out", out}, exitFaults, []string{file + ": ", "permission denied\n", "hint: " + permissionHint}},
		{"unreadable file, inspected", nil, []string{"inspect", source}, exitFaults, []string{file + ": ", "permission denied\n", "hint: " + permissionHint}},
		{"verify", nil, []string{"verify", source}, exitFaults, []string{file + ": shard: ", "permission denied\n", "of which 1 lost something\nhint: " + permissionHint}},
		{"unwritable output", nil, []string{"export", source, "--out", filepath.Join(closed, "out.lp")}, exitFailed, []string{"permission denied\nhint: name a place that this user may write to"}},
		{"unwritable directory", nil, []string{"export", source, "--out", filepath.Join(closed, "out") + "/"}, exitFailed, []string{"permission denied\nhint: name a place that this user may write to"}},
		{"unreadable source", func() { must(os.Chmod(source, 0)) }, []string{"export", source, "--out", out}, exitFailed, []string{"shardlift: open source " + source, "permission denied\nhint: " + permissionHint}},
		{"unreadable source, inspected", nil, []string{"inspect", source}, exitFailed, []string{"shardlift: open source " + source, "permission denied\nhint: " + permissionHint}},
		{"unreadable metastore", nil, []string{"inspect", source, "--metastore"}, exitFailed, []string{source, "permission denied\nhint: " + permissionHint}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.before != nil {
				c.before()
			}
			cmd, stderr := asNobody(t, parent, append(c.args, "--quiet")...)
			_ = cmd.Run() // the exit code tells
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("%q is missing in:\n%s", want, stderr)
				}
			}
		})
	}
	must(os.Chmod(source, 0o700))
}

// asNobody gives shardlift as a process without privileges.
func asNobody(t *testing.T, dir string, args ...string) (*exec.Cmd, interface{ String() string }) {
	t.Helper()
	if os.Geteuid() != 0 {
		return command(t, args...)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "shardlift") // where nobody may run it
	if _, err := os.Stat(path); err != nil {
		if err := os.WriteFile(path, program, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd, stderr := prepare(exec.CommandContext(t.Context(), path, args...))
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd, stderr
}
