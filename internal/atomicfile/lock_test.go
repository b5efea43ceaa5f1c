// SPDX-License-Identifier: Apache-2.0

package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func itoa(fd uintptr) string { return strconv.FormatUint(uint64(fd), 10) }

func errText(err error) string {
	if err == nil {
		return "none"
	}
	return err.Error()
}

// helperEnv makes the test program act as another process instead; see helper.
const helperEnv = "ATOMICFILE_TEST_HELPER"

func TestMain(m *testing.M) {
	if job := os.Getenv(helperEnv); job != "" {
		if err := helper(job, os.Args[1]); err != nil {
			fmt.Println(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// helper does what a second shardlift would do with the output path.
func helper(job, path string) error {
	if job == "small files only" {
		// A file size limit fails a write half way, as a full disk does.
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 4096, Max: 4096}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
	}
	f, err := Create(path, Options{})
	if err != nil {
		return err
	}
	if _, err := f.Write(make([]byte, 10000)); err != nil {
		return errors.Join(err, f.Commit())
	}
	fmt.Println("written")
	if job == "hang" {
		select {}
	}
	return f.Commit()
}

func helperCommand(t *testing.T, job, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, path)
	cmd.Env = append(os.Environ(), helperEnv+"="+job)
	return cmd
}

// hang starts a process that stops in the middle of the output path.
func hang(t *testing.T, path string) (kill func()) {
	t.Helper()
	cmd := helperCommand(t, "hang", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "written\n" {
		t.Fatalf("helper said %q, %v", line, err)
	}
	return kill
}

func TestKilledProcess(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	kill := hang(t, path)

	if _, err := Create(path, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("while another process writes: %v", err)
	}
	kill()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("killed run left its output: %v", err)
	}
	f := begin(t, path)
	write(t, f, "next run")
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"out": "next run"}, tree(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	out, err := helperCommand(t, "small files only", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "write " + path + ": file too large\n"
	if string(out) != want+want {
		t.Errorf("got %q, want %q from Write and Commit", out, want)
	}
	if diff := cmp.Diff(map[string]string{}, tree(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTwoFilesOfOneProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f := begin(t, path)
	write(t, f, "first")
	_, err := Create(path, Options{})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("second Create: %v", err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := begin(t, path).Commit(); err != nil {
		t.Errorf("after the first is done: %v", err)
	}
}

func TestTemporaryRemovedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	first := begin(t, path)
	write(t, first, "first")
	if err := os.Remove(TempPath(path)); err != nil {
		t.Fatal(err)
	}
	second := begin(t, path)
	write(t, second, "second, half")
	if err := first.Commit(); err == nil || !strings.Contains(err.Error(), "was removed meanwhile") {
		t.Errorf("Commit published another's file: %v", err)
	}
	write(t, second, " and half")
	if err := second.Commit(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"out": "second, half and half"}, tree(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Many writers at once: whatever they win or lose, the output is always one
// writer's whole text, and no two write at the same time.
func TestManyWriters(t *testing.T) {
	const writers, wanted, parts = 8, 60, 20
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	var (
		wg      sync.WaitGroup
		commits atomic.Int64
	)
	for w := range writers {
		wg.Go(func() {
			for commits.Load() < wanted && !t.Failed() {
				f, err := Create(path, Options{})
				if errors.Is(err, ErrLocked) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				for range parts {
					if _, err := f.Write([]byte{'a' + byte(w)}); err != nil {
						t.Error(err)
					}
				}
				if err := f.Commit(); err != nil {
					t.Error(err)
				}
				commits.Add(1)
				b, err := os.ReadFile(path)
				if err != nil || len(b) != parts || strings.Trim(string(b), string(b[:1])) != "" {
					t.Errorf("output is %q, %v", b, err)
				}
			}
		})
	}
	wg.Wait()
	if got := tree(t, dir); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

func TestLockDir(t *testing.T) {
	dir := t.TempDir()
	l, err := LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockDir(dir); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second LockDir: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err = LockDir(dir)
	if err != nil {
		t.Errorf("after Close: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if got := tree(t, dir); len(got) != 0 {
		t.Errorf("lock left %v", got)
	}
	file := filepath.Join(dir, "file")
	put(t, file, "")
	if _, err := LockDir(file); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file: %v", err)
	}
	if _, err := LockDir(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
}
