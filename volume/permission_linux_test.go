// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// asNobody makes this goroutine see files as a user without rights until it ends.
// Permissions mean nothing to root, as which CI runs.
func asNobody(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	runtime.LockOSThread() // and never unlock: the thread dies with the goroutine
	const nobody = 65534
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0); errno != 0 {
		t.Error(errno)
	}
}

// openAsNobody is Open as nobody.
func openAsNobody(t *testing.T, req Request) (c *Catalog, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		asNobody(t)
		c, err = Open(t.Context(), req)
	}()
	<-done
	return c, err
}

func forbid(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o200); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(path, 0o700) })
}

func TestForbiddenInside(t *testing.T) {
	dir := plant(t,
		"v/data/db1/rp/1/"+tsm, "v/data/db2/rp1/2/"+tsm, "v/data/db2/rp2/3/"+tsm, "v/data/lost+found/x/",
		"v/wal/db1/rp/1/"+segment)
	openToAll(t, dir)
	for _, path := range []string{"v/data/db1", "v/data/db2/rp1", "v/data/lost+found", "v/wal"} {
		forbid(t, filepath.Join(dir, path))
	}
	c, err := openAsNobody(t, Request{Paths: []string{dir + "/v"}})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(describe(c, dir), "\n")
	want := strings.Join([]string{
		"volume data=v/data wal=v/wal meta=",
		"db2 rp2 3 data=v/data/db2/rp2/3 wal=",
		"foreign v/data/lost+found: it belongs to the file system",
		"unreadable v/data/db1: permission denied",
		"unreadable v/data/db2/rp1: permission denied",
		"unreadable of a WAL v/wal: permission denied",
	}, "\n")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for _, u := range c.Unreadable {
		if !errors.Is(u, fs.ErrPermission) || !strings.Contains(u.Error(), u.Path) {
			t.Errorf("error %v", u)
		}
	}
}

// A WAL that nobody may look for belongs to its shard all the same, so that reading it fails
// and does not pass for a shard without one.
func TestForbiddenWAL(t *testing.T) {
	for _, part := range []string{"data/db/rp/1", "data/db/rp", "data/db"} {
		dir := plant(t, "v/data/db/rp/1/"+tsm, "v/data/db/_series/", "v/wal/db/rp/1/"+segment)
		openToAll(t, dir)
		forbid(t, filepath.Join(dir, "v/wal/db"))
		c, err := openAsNobody(t, Request{Paths: []string{dir + "/v/" + part}})
		if err != nil {
			t.Fatal(err)
		}
		if wal := dir + "/v/wal/db/rp/1"; part == "data/db/rp/1" && c.Shards[0].Replicas[0].WALDir != wal {
			t.Errorf("WAL %q, want %q", c.Shards[0].Replicas[0].WALDir, wal)
		}
		if part != "data/db/rp/1" && (len(c.Unreadable) != 1 || !c.Unreadable[0].WAL) {
			t.Errorf("%s: unreadable %v", part, c.Unreadable)
		}
	}
}

// A metastore that nobody may see may well be there.
func TestForbiddenMetastore(t *testing.T) {
	dir := plant(t, append(small("v"), "v/meta/meta.db")...)
	openToAll(t, dir)
	forbid(t, filepath.Join(dir, "v/meta"))
	c, err := openAsNobody(t, Request{Paths: []string{dir + "/v"}})
	if err != nil || len(c.MetaErrors) != 1 || !errors.Is(c.MetaErrors[0], fs.ErrPermission) {
		t.Errorf("%v, %+v", err, c)
	}
}

func TestForbiddenRoots(t *testing.T) {
	tests := map[string]struct {
		forbidden, path string
		want            string
	}{
		"volume":         {forbidden: "v", path: "v", want: "read directory $/v: permission denied"},
		"above it":       {forbidden: "v", path: "v/data", want: "permission denied"},
		"data in volume": {forbidden: "v/data", path: "v", want: "read directory $/v/data: permission denied"},
		"data":           {forbidden: "v/data", path: "v/data", want: "read directory $/v/data: permission denied"},
		"mounted volume": {forbidden: "m/var/lib", path: "m", want: "read directory $/m/var/lib/influxdb/data: permission denied"},
		"mounted home":   {forbidden: "m/home", path: "m", want: "read directory $/m/home: permission denied"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := plant(t, append(small("v"), "m/home/bob/", "m/var/lib/")...)
			openToAll(t, dir)
			forbid(t, filepath.Join(dir, tt.forbidden))
			_, err := openAsNobody(t, Request{Paths: []string{dir + "/" + tt.path}})
			if err == nil || !errors.Is(err, fs.ErrPermission) {
				t.Fatalf("error %v", err)
			}
			if want := strings.ReplaceAll(tt.want, "$", dir); !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not say %q", err, want)
			}
		})
	}
}

// openToAll lets other users into the test's directory.
func openToAll(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
