// SPDX-License-Identifier: Apache-2.0

//go:build unix

package volume

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What stands where the metastore should be and is no file is a metastore that cannot be read,
// and not one that is not there; nothing waits for a pipe.
func TestMetastoreThatIsNoFile(t *testing.T) {
	const notRegular = "is not a regular file"
	put := map[string]struct {
		make func(t *testing.T, dir string) // the directory meta
		want string
	}{
		"pipe":         {func(t *testing.T, dir string) { must(t, syscall.Mkfifo(filepath.Join(dir, "meta.db"), 0o600)) }, notRegular},
		"socket":       {listen, notRegular},
		"directory":    {func(t *testing.T, dir string) { must(t, os.Mkdir(filepath.Join(dir, "meta.db"), 0o700)) }, notRegular},
		"dead link":    {func(t *testing.T, dir string) { must(t, os.Symlink("gone", filepath.Join(dir, "meta.db"))) }, "no such file"},
		"link to null": {func(t *testing.T, dir string) { must(t, os.Symlink("/dev/null", filepath.Join(dir, "meta.db"))) }, notRegular},
		"dead meta": {func(t *testing.T, dir string) {
			must(t, os.Remove(dir))
			must(t, os.Symlink("gone", dir))
		}, "no such file"},
	}
	for name, c := range put {
		t.Run(name, func(t *testing.T) {
			dir := plant(t, append(small("v"), "v/meta/")...)
			c.make(t, filepath.Join(dir, "v", "meta"))
			for _, source := range []string{"v", "v/data", "v/data/db/autogen/1", "v/wal"} {
				cat, err := Open(t.Context(), Request{Paths: []string{filepath.Join(dir, source)}})
				must(t, err)
				if len(cat.MetaErrors) != 1 || !strings.Contains(cat.MetaErrors[0].Error(), c.want) || len(cat.Shards) == 0 {
					t.Errorf("%s: %v, %d shards", source, cat.MetaErrors, len(cat.Shards))
				}
				if v := cat.Volumes[0]; v.MetaFile != filepath.Join(dir, "v", "meta", "meta.db") || v.Meta != nil {
					t.Errorf("%s: %+v", source, v)
				}
				found, err := Metastores(t.Context(), Request{Paths: []string{filepath.Join(dir, source)}})
				must(t, err)
				if len(found) != 1 || found[0].Err == nil || !strings.Contains(found[0].Err.Error(), c.want) {
					t.Errorf("%s: %+v", source, found)
				}
			}
		})
	}
}

// Pipes among the metastores of a backup, and one that is named apart, are told too.
func TestPipesOfMetastores(t *testing.T) {
	dir := plant(t, append(small("v"), "backup/")...)
	pipe := filepath.Join(dir, "backup", "20240101T000000Z.meta")
	must(t, syscall.Mkfifo(pipe, 0o600))
	for _, req := range []Request{{Paths: []string{filepath.Dir(pipe)}}, {Paths: []string{pipe}}, {MetaDir: pipe}} {
		found, err := Metastores(t.Context(), req)
		if err != nil || len(found) != 1 || found[0].Err == nil || found[0].Path != pipe {
			t.Errorf("%+v: %v, %+v", req, err, found)
		}
	}
	cat, err := Open(t.Context(), Request{Paths: []string{filepath.Join(dir, "v")}, MetaDir: pipe})
	if err != nil || len(cat.MetaErrors) != 1 {
		t.Errorf("%v, %+v", err, cat)
	}
}

// Databases and policies may be called as metastores are.
func TestDatabaseCalledMeta(t *testing.T) {
	dir := plant(t, "v/data/meta/meta.db/1/"+tsm, "v/data/meta.db/rp/2/"+tsm, "v/wal/")
	for _, source := range []string{"v", "v/data"} {
		req := Request{Paths: []string{filepath.Join(dir, source)}}
		cat, err := Open(t.Context(), req)
		if err != nil || len(cat.MetaErrors) != 0 || len(cat.Shards) != 2 {
			t.Errorf("%s: %v, %+v", source, err, cat)
		}
		if found, err := Metastores(t.Context(), req); err != nil || len(found) != 1 || found[0].Path != "" {
			t.Errorf("%s: %v, %+v", source, err, found)
		}
	}
}

// listen makes a socket. Its path may be too long for one, its name in the directory is not.
func listen(t *testing.T, dir string) {
	t.Helper()
	t.Chdir(dir)
	l, err := net.Listen("unix", "meta.db")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
