// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardlift/shardlift/internal/shardtest"
)

// command gives shardlift as a process of its own, with stderr in a buffer.
func command(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return prepare(exec.CommandContext(t.Context(), self, args...))
}

func prepare(cmd *exec.Cmd) (*exec.Cmd, *bytes.Buffer) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SHARDLIFT_") }), asCommand+"=1")
	return cmd, &stderr
}

// succeed runs shardlift, which must end with 0.
func succeed(t *testing.T, args ...string) {
	t.Helper()
	cmd, stderr := command(t, args...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("shardlift %q: %v\n%s", args, err, stderr)
	}
}

// contents gives all files of a directory, unfinished ones too.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(b)
	}
	return files
}

// kill starts shardlift and kills it after some time; it reports whether it had ended by then.
func kill(t *testing.T, after time.Duration, args ...string) (ended bool) {
	t.Helper()
	cmd, stderr := command(t, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill() // it may be gone
	err := cmd.Wait()
	if err != nil && cmd.ProcessState.ExitCode() >= 0 {
		t.Fatalf("it ended by itself: %v\n%s", err, stderr)
	}
	return err == nil
}

// rounds is how often the kill tests begin anew.
const rounds = 4

// An export that is killed, and killed again while it carries on, ends with the bytes of
// one that was let alone; and nothing ever looks finished that is not.
func TestKilledExportCarriesOn(t *testing.T) {
	parent := t.TempDir()
	source := filepath.Join(parent, "volume")
	volumeKinds["wide"](shardtest.NewVolume(t, source))
	args := func(dir string) []string {
		return []string{"export", source, "--split", "shard", "--compress", "--quiet", "--out", dir + "/"}
	}
	began := time.Now()
	succeed(t, args(filepath.Join(parent, "want"))...)
	whole := time.Since(began)
	want := contents(t, filepath.Join(parent, "want"))
	killed := 0
	for round := 0; round < rounds || killed == 0; round++ {
		dir := filepath.Join(parent, "out", fmt.Sprint(round))
		for range 2 {
			after := rand.N(whole)
			ended := kill(t, after, args(dir)...)
			if !ended {
				killed++
			} else {
				whole = whole*3/4 + 1 // the first run met a busier machine
			}
			got := contents(t, dir)
			if _, finished := got["manifest.json"]; finished {
				delete(got, ".manifest.unfinished.json") // it goes after the manifest has come
				if !maps.Equal(got, want) {
					t.Errorf("killed after %v: there is a manifest, but only %q", after, slices.Sorted(maps.Keys(got)))
				}
			} else if ended {
				t.Errorf("ended after %v without a manifest", after)
			}
			for name, text := range got {
				if !strings.HasPrefix(name, ".") && text != want[name] {
					t.Errorf("killed after %v: %s looks finished, with %d bytes of %d", after, name, len(text), len(want[name]))
				}
			}
		}
		succeed(t, args(dir)...)
		if got := contents(t, dir); !maps.Equal(got, want) {
			t.Errorf("round %d: files %q differ from %q", round, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
}

// A single file is the old one until it is the new one.
func TestKilledExportToFile(t *testing.T) {
	parent := t.TempDir()
	source, out := filepath.Join(parent, "volume"), filepath.Join(parent, "out.lp.gz")
	volumeKinds["wide"](shardtest.NewVolume(t, source))
	args := []string{"export", source, "--compress", "--quiet", "--out", out}
	began := time.Now()
	succeed(t, args...)
	whole := time.Since(began)
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for range rounds {
		if err := os.WriteFile(out, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		ended := kill(t, rand.N(whole), args...)
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if !ended && string(got) != "mine" && !bytes.Equal(got, want) {
			t.Errorf("after a kill the file has %d bytes, which are neither the old nor the new ones", len(got))
		}
		succeed(t, args...)
		if got, err = os.ReadFile(out); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the export after a kill differs: %v", err)
		}
		if left := contentsBut(t, parent, "volume"); len(left) != 1 {
			t.Errorf("files %q are left", left)
		}
	}
}

// contentsBut lists the names in a directory but for one.
func contentsBut(t *testing.T, dir, but string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != but {
			names = append(names, e.Name())
		}
	}
	return names
}

// late reports whether a signal came too late, or the command could not end in order within
// its patience, so that it was ended. Then it says no more than this.
func late(cmd *exec.Cmd, stderr *bytes.Buffer) bool {
	return cmd.ProcessState.ExitCode() == exitDone ||
		cmd.ProcessState.ExitCode() == exitInterrupted && stderr.String() == "shardlift: "+errInterrupted.Error()+"\n"
}

// A signal ends a command within five seconds, whatever it does: this is what main waits, and
// the rest is the machine's.
func TestPatience(t *testing.T) {
	if patience > 4*time.Second {
		t.Errorf("an interrupted command takes up to %v", patience)
	}
}

// A signal ends an export with 130 and nothing half done; also one that waits for somebody
// to read its output.
func TestInterrupt(t *testing.T) {
	source := filepath.Join(t.TempDir(), "volume")
	volumeKinds["wide"](shardtest.NewVolume(t, source))
	cases := map[string]struct {
		signal syscall.Signal
		out    string
		begun  string // there is such a file once it writes; "" where one can read from it
		says   string
	}{
		"directory": {syscall.SIGINT, "dir/", "dir/.*", errInterrupted.Error() + "\n"},
		"file":      {syscall.SIGTERM, "out.lp", ".out.lp*", "interrupted; nothing was written, run the same command again\n"},
		"pipe":      {syscall.SIGTERM, "-", "", "interrupted; what was written is not whole\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for range tries {
				dir := t.TempDir()
				cmd, stderr := command(t, "export", source, "--quiet", "--compress=zstd", "--level=19", "--workers=1", "--out", c.out)
				cmd.Dir = dir
				if c.begun == "" {
					blocked(t, cmd)
				} else {
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					waitFor(t, filepath.Join(dir, c.begun))
				}
				_ = cmd.Process.Signal(c.signal) // it may have ended, which the exit code tells
				_ = cmd.Wait()                   // likewise
				if code := cmd.ProcessState.ExitCode(); code == exitInterrupted {
					for _, path := range []string{"dir/manifest.json", "out.lp"} {
						if _, err := os.Lstat(filepath.Join(dir, path)); err == nil {
							t.Errorf("%s is there", path)
						}
					}
				} else if code != exitDone {
					t.Fatalf("exit code %d\n%s", code, stderr)
				}
				if stderr.String() == "shardlift: "+c.says {
					return
				}
				if !late(cmd, stderr) {
					t.Fatalf("it says %q", stderr)
				}
			}
			t.Fatalf("it never says %q", c.says)
		})
	}
}

// unread is how many bytes a pipe holds.
func unread(t *testing.T, pipe *os.File) (n int) {
	t.Helper()
	request := uint(0x4004667f) // FIONREAD, of the BSDs and macOS
	if runtime.GOOS == "linux" {
		request = 0x541b
	}
	conn, err := pipe.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { n, failed = unix.IoctlGetInt(int(fd), request) }); err != nil || failed != nil {
		t.Fatal(errors.Join(err, failed))
	}
	return n
}

// blocked starts a command that writes a lot to standard output, where nobody reads it, and
// returns once it waits for that: it writes more at once than a pipe holds.
func blocked(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := time.Now().Add(5 * time.Minute)
	for unread(t, out.(*os.File)) < 32<<10 {
		if time.Now().After(ended) {
			t.Fatal("it does not write")
		}
		time.Sleep(time.Millisecond)
	}
}

// A second signal ends the process at once: it is the signal that does, and not the end of
// the time for which the first one lets it clean up.
func TestSecondInterrupt(t *testing.T) {
	// What a shell starts in the background ignores the signal, and so does what it starts in
	// turn, but not if the signal is caught here.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGINT)
	defer signal.Stop(caught)
	source := filepath.Join(t.TempDir(), "volume")
	volumeKinds["wide"](shardtest.NewVolume(t, source))
	for range tries {
		cmd, stderr := command(t, "export", source, "--quiet", "--out", "-")
		blocked(t, cmd)
		done := make(chan struct{})
		go func() {
			_ = cmd.Wait() // the status tells
			close(done)
		}()
		for { // two that come at once are one
			err := cmd.Process.Signal(syscall.SIGINT)
			if errors.Is(err, os.ErrProcessDone) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		<-done
		if status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() && status.Signal() == syscall.SIGINT {
			return
		}
		if !late(cmd, stderr) {
			t.Fatalf("it ended by %v\n%s", cmd.ProcessState, stderr)
		}
	}
	t.Fatal("no second signal ended it")
}
