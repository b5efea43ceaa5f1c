// SPDX-License-Identifier: Apache-2.0

//go:build linux

package e2e

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
)

// A device that takes nothing makes every export fail, also one that is so short that
// a buffer would hold all of it.
func TestFullDevice(t *testing.T) {
	for _, name := range []string{"demo", "wal-only"} {
		dir := testvolume.Open(t, name).Dir
		for _, c := range compressions {
			t.Run(name+"/"+string(c), func(t *testing.T) {
				sum, err := run(t, dir, exporter.Output{File: "/dev/full"}, compressed(c))
				if !errors.Is(err, syscall.ENOSPC) || sum != nil {
					t.Errorf("export to /dev/full: %v, %v", sum, err)
				}
			})
		}
	}
}

// A file system that is full after some bytes leaves nothing that looks whole, and with
// more room the same call succeeds. The limit is that of a process, so another one is
// started for it.
func TestDiskFillsUp(t *testing.T) {
	const outVar, dirVar = "SHARDLIFT_TEST_OUT", "SHARDLIFT_TEST_DIR"
	source := testvolume.Open(t, "demo").Dir
	if out, dir := os.Getenv(outVar), os.Getenv(dirVar); out+dir != "" {
		signal.Ignore(syscall.SIGXFSZ) // so that the write fails instead
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4 << 10, Max: 4 << 10}); err != nil {
			t.Fatal(err)
		}
		for _, c := range compressions {
			_, err := run(t, source, exporter.Output{File: out, Dir: dir}, compressed(c))
			if !errors.Is(err, syscall.EFBIG) {
				t.Errorf("%s: %v", c, err)
			}
		}
		return
	}
	parent := t.TempDir()
	for _, env := range []string{outVar + "=" + filepath.Join(parent, "out.lp"), dirVar + "=" + filepath.Join(parent, "out")} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestDiskFillsUp$")
		cmd.Env = append(os.Environ(), env)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", env, err, out)
		}
	}
	for _, path := range files(t, parent) {
		if !strings.HasPrefix(filepath.Base(path), ".") {
			t.Errorf("%s was left", path)
		}
	}
	toFile(t, source, filepath.Join(parent, "out.lp"))
	if _, err := run(t, source, exporter.Output{Dir: filepath.Join(parent, "out")}); err != nil {
		t.Error(err)
	}
	want := []string{filepath.Join(parent, "out", "export.lp"), filepath.Join(parent, "out", exporter.ManifestName), filepath.Join(parent, "out.lp")}
	if got := files(t, parent); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// files lists the regular files below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Where no output can be made, the error says so and nothing is left.
func TestUnwritableOutput(t *testing.T) {
	source := testvolume.Open(t, "demo").Dir
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	taken := filepath.Join(parent, "taken.lp")
	if err := os.Mkdir(taken, 0o755); err != nil {
		t.Fatal(err)
	}
	cases := map[string]exporter.Output{
		"no such directory":      {File: filepath.Join(parent, "none", "out.lp")},
		"below a file":           {File: filepath.Join(file, "out.lp")},
		"directory below a file": {Dir: filepath.Join(file, "out")},
		"directory is a file":    {Dir: file},
		"file is a directory":    {File: taken},
		"file system takes none": {File: "/proc/out.lp"},
		"no directory is taken":  {Dir: "/proc/out"},
	}
	for name, out := range cases {
		t.Run(name, func(t *testing.T) {
			sum, err := run(t, source, out)
			if err == nil || sum != nil {
				t.Fatalf("export to %+v succeeded", out)
			}
			path := out.File + out.Dir
			if !strings.Contains(err.Error(), path) && !strings.Contains(err.Error(), filepath.Dir(path)) {
				t.Errorf("%q does not name %s", err, path)
			}
			if got := files(t, parent); !slices.Equal(got, []string{file}) {
				t.Errorf("files %q were left", got)
			}
		})
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "mine" {
		t.Errorf("the file in the way now holds %q, %v", b, err)
	}
}
