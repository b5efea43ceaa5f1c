// SPDX-License-Identifier: Apache-2.0

package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree lists a directory as name → content; links and other non-files as their type.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range entries {
		got[e.Name()] = e.Type().String()
		if e.Type().IsRegular() {
			got[e.Name()] = read(t, filepath.Join(dir, e.Name()))
		}
	}
	return got
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func begin(t *testing.T, path string) *File {
	t.Helper()
	f, err := Create(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Abort(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func write(t *testing.T, w io.Writer, s string) {
	t.Helper()
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
}

func TestWholeOrAbsent(t *testing.T) {
	tests := map[string]struct {
		before map[string]string
		end    func(*File) error
		during map[string]string
		after  map[string]string
	}{
		"commit": {
			end:    (*File).Commit,
			during: map[string]string{".out.lp.partial": "new"},
			after:  map[string]string{"out.lp": "new"},
		},
		"abort": {
			end:    (*File).Abort,
			during: map[string]string{".out.lp.partial": "new"},
			after:  map[string]string{},
		},
		"commit replaces": {
			before: map[string]string{"out.lp": "old"},
			end:    (*File).Commit,
			during: map[string]string{"out.lp": "old", ".out.lp.partial": "new"},
			after:  map[string]string{"out.lp": "new"},
		},
		"abort keeps the old": {
			before: map[string]string{"out.lp": "old"},
			end:    (*File).Abort,
			during: map[string]string{"out.lp": "old", ".out.lp.partial": "new"},
			after:  map[string]string{"out.lp": "old"},
		},
		"leftover of a killed run": {
			before: map[string]string{".out.lp.partial": "much longer than what comes"},
			end:    (*File).Commit,
			during: map[string]string{".out.lp.partial": "new"},
			after:  map[string]string{"out.lp": "new"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range tt.before {
				put(t, filepath.Join(dir, name), content)
			}
			f := begin(t, filepath.Join(dir, "out.lp"))
			write(t, f, "ne")
			write(t, f, "w")
			if diff := cmp.Diff(tt.during, tree(t, dir)); diff != "" {
				t.Errorf("while writing (-want +got):\n%s", diff)
			}
			if err := tt.end(f); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.after, tree(t, dir)); diff != "" {
				t.Errorf("at the end (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMode(t *testing.T) {
	umask := syscall.Umask(0o027)
	defer syscall.Umask(umask)
	for mode, want := range map[fs.FileMode]fs.FileMode{0: 0o600, 0o644: 0o640, 0o600: 0o600} {
		path := filepath.Join(t.TempDir(), "out")
		put(t, TempPath(path), "leftover with its own permissions")
		if err := os.Chmod(TempPath(path), 0o777); err != nil {
			t.Fatal(err)
		}
		f, err := Create(path, Options{Mode: mode})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode(); got != want {
			t.Errorf("asked for %v, got %v, want %v", mode, got, want)
		}
	}
}

func TestAfterTheEnd(t *testing.T) {
	for name, end := range map[string]func(*File) error{"commit": (*File).Commit, "abort": (*File).Abort} {
		t.Run(name, func(t *testing.T) {
			f := begin(t, filepath.Join(t.TempDir(), "out"))
			if err := end(f); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte("x")); !errors.Is(err, errDone) {
				t.Errorf("Write: %v, want %v", err, errDone)
			}
			if err := f.Commit(); !errors.Is(err, errDone) {
				t.Errorf("Commit: %v, want %v", err, errDone)
			}
			if err := f.Abort(); err != nil {
				t.Errorf("Abort: %v, want none", err)
			}
		})
	}
}

func TestCreateErrors(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "file"), "")
	if err := os.Mkdir(filepath.Join(dir, ".busy.partial"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", filepath.Join(dir, ".linked.partial")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, ".piped.partial"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"loop1 loop2", "loop2 loop1"} {
		from, to, _ := strings.Cut(link, " ")
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	before := tree(t, dir)
	tests := map[string]struct {
		path string
		want error
		text string
	}{
		"missing directory":          {path: "missing/out", want: fs.ErrNotExist},
		"below a file":               {path: "file/out", want: syscall.ENOTDIR},
		"a directory":                {path: ".", want: syscall.EISDIR},
		"a directory that is not":    {path: "missing/", want: syscall.EISDIR},
		"links in a circle":          {path: "loop1", want: syscall.ELOOP},
		"temporary is a directory":   {path: "busy", text: "not a regular file"},
		"temporary is a link":        {path: "linked", want: syscall.ELOOP},
		"temporary is a pipe":        {path: "piped", text: "not a regular file"},
		"name too long for anything": {path: strings.Repeat("x", 256), want: syscall.ENAMETOOLONG},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := dir + "/" + tt.path
			f, err := Create(path, Options{})
			if err == nil {
				t.Fatal(errors.Join(errors.New("no error"), f.Abort()))
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("error %q is no %v", err, tt.want)
			}
			if !strings.HasPrefix(err.Error(), "create "+path+": ") || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %q does not name the output, or not the cause %q", err, tt.text)
			}
		})
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("directory changed (-before +after):\n%s", diff)
	}
}

func TestFullDevice(t *testing.T) {
	f := begin(t, "/dev/full")
	_, err := f.Write([]byte("x"))
	if !errors.Is(err, syscall.ENOSPC) || err.Error() != "write /dev/full: no space left on device" {
		t.Errorf("Write: %v", err)
	}
	if _, again := f.Write(nil); !errors.Is(again, syscall.ENOSPC) {
		t.Errorf("second Write: %v", again)
	}
	if err := f.Commit(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Commit: %v", err)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Error(err)
	}
}

func TestCommitAfterFailedWrite(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "out"), "old")
	f := begin(t, filepath.Join(dir, "out"))
	write(t, f, "half")
	f.err = syscall.ENOSPC
	if err := f.Commit(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Commit: %v", err)
	}
	if diff := cmp.Diff(map[string]string{"out": "old"}, tree(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCommitWithFailingSync(t *testing.T) {
	dir := t.TempDir()
	f := begin(t, filepath.Join(dir, "out"))
	write(t, f, "all of it")
	open := f.file
	read, err := os.Open(TempPath(f.path)) // same file, but with Sync failing as its handle is closed
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	f.file = read
	if err := f.Commit(); !errors.Is(err, os.ErrClosed) || !strings.HasPrefix(err.Error(), "sync ") {
		t.Errorf("Commit: %v", err)
	}
	if _, err := os.Stat(f.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("output is there: %v", err)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDirectTargets(t *testing.T) {
	t.Run("null", func(t *testing.T) {
		f := begin(t, "/dev/null")
		write(t, f, "x")
		if err := f.Commit(); err != nil {
			t.Error(err)
		}
	})
	t.Run("pipe", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "pipe")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		got := make(chan string)
		go func() {
			b, err := os.ReadFile(path)
			got <- string(b) + ", " + errText(err)
		}()
		f := begin(t, path)
		write(t, f, "through the pipe")
		if err := f.Commit(); err != nil {
			t.Error(err)
		}
		if s := <-got; s != "through the pipe, none" {
			t.Errorf("got %q", s)
		}
		if diff := cmp.Diff(map[string]string{"pipe": "p---------"}, tree(t, dir)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("regular file behind a descriptor", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "log")
		put(t, path, "kept, ")
		shell, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer shell.Close() //nolint:errcheck // nothing was written through it
		link := filepath.Join(dir, "link")
		if err := os.Symlink(filepath.Join("/proc/self/fd", itoa(shell.Fd())), link); err != nil {
			t.Fatal(err)
		}
		f := begin(t, link)
		write(t, f, "added")
		if err := f.Commit(); err != nil {
			t.Error(err)
		}
		if got := read(t, path); got != "kept, added" {
			t.Errorf("got %q", got)
		}
	})
}

func TestSymbolicLinks(t *testing.T) {
	tests := map[string]struct{ link, before, target string }{
		"to a file":           {link: "real/out", before: "real/out", target: "real/out"},
		"to nothing yet":      {link: "real/out", target: "real/out"},
		"by way of another":   {link: "hop", before: "real/out", target: "real/out"},
		"to another in place": {link: "other", before: "other", target: "other"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "real"), 0o755); err != nil {
				t.Fatal(err)
			}
			if tt.before != "" {
				put(t, filepath.Join(dir, tt.before), "old")
			}
			for from, to := range map[string]string{"out": tt.link, "hop": filepath.Join(dir, "real/out")} {
				if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
					t.Fatal(err)
				}
			}
			f := begin(t, filepath.Join(dir, "out"))
			write(t, f, "new")
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
			if got := read(t, filepath.Join(dir, tt.target)); got != "new" {
				t.Errorf("target holds %q", got)
			}
			if got, err := os.Readlink(filepath.Join(dir, "out")); err != nil || got != tt.link {
				t.Errorf("link is %q, %v", got, err)
			}
		})
	}
}

func TestTempPath(t *testing.T) {
	long := strings.Repeat("é", 127) // 254 bytes
	tests := map[string]struct{ path, want string }{
		"plain":     {path: "a/b.lp.gz", want: "a/.b.lp.gz.partial"},
		"bare name": {path: "b", want: ".b.partial"},
		"longest":   {path: strings.Repeat("x", 246), want: "." + strings.Repeat("x", 246) + ".partial"},
		"shortened": {path: long, want: "." + long[:228] + "-899ecbc2d052dd19.partial"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := TempPath(tt.path)
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if n := len(filepath.Base(got)); n > 255 {
				t.Errorf("name of %d bytes", n)
			}
		})
	}
	if TempPath(long+"1") == TempPath(long+"2") {
		t.Error("two long names share one temporary name")
	}
	path := filepath.Join(t.TempDir(), long)
	f := begin(t, path)
	if err := f.Commit(); err != nil {
		t.Error(err)
	}
}
