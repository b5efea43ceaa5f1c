// SPDX-License-Identifier: Apache-2.0

// Package testvolume hands tests the volumes of testdata/volumes, which were recorded
// from a real server, with what that server answered. testdata/volumes/PROVENANCE.md
// says what each of them is for.
package testvolume

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/shardlift/shardlift/internal/lpjudge"
)

// TB is the part of testing.TB that is needed here.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	TempDir() string
}

// Volume is one recorded volume.
type Volume struct {
	Name string
	// Dir holds data, wal and meta. It lies in the repository: read it only, and work
	// on a Copy to change it.
	Dir string
	// Want is every value that the server answered, of all databases with _internal.
	Want []lpjudge.Value
	// Meta is what it answered to SHOW statements: statement to rows, each from column
	// to value. The name of a row's series, where it has one, is the column "series".
	Meta map[string][]map[string]any
}

// Names lists the volumes.
func Names(tb TB) []string {
	tb.Helper()
	entries, err := os.ReadDir(Root(tb))
	if err != nil {
		tb.Fatalf("list recorded volumes: %v", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// Root is the path of testdata/volumes.
func Root(tb TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatalf("find testdata/volumes: %v", err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "testdata", "volumes")
		}
	}
	tb.Fatalf("find testdata/volumes: no go.mod above the working directory")
	return ""
}

// Open gives a volume by its name. One that is kept as an archive is unpacked for the
// time of the test.
func Open(tb TB, name string) Volume {
	tb.Helper()
	dir := filepath.Join(Root(tb), name)
	v := Volume{Name: name, Dir: filepath.Join(dir, "volume")}
	if err := v.read(dir); err != nil {
		tb.Fatalf("open recorded volume %s: %v", name, err)
	}
	if _, err := os.Stat(v.Dir); err != nil {
		v.Dir = filepath.Join(tb.TempDir(), "volume")
		if err := unpack(v.Dir, filepath.Join(dir, "volume.tar.gz")); err != nil {
			tb.Fatalf("unpack recorded volume %s: %v", name, err)
		}
	}
	return v
}

// read reads the answers.
func (v *Volume) read(dir string) (err error) {
	if v.Want, err = lpjudge.ReadNormalFile(filepath.Join(dir, "want.lp.gz")); err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(dir, "want-meta.json"))
	if err != nil {
		return err
	}
	return json.Unmarshal(b, &v.Meta)
}

// Copy gives a copy of the volume's directory that the test may change.
func (v Volume) Copy(tb TB) string {
	tb.Helper()
	dst := filepath.Join(tb.TempDir(), "copy")
	if err := os.CopyFS(dst, os.DirFS(v.Dir)); err != nil {
		tb.Fatalf("copy recorded volume %s: %v", v.Name, err)
	}
	return dst
}

func unpack(dst, archive string) (err error) {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read from
	zr, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(h.Name) {
			return fmt.Errorf("name %q", h.Name)
		}
		if err := unpackOne(filepath.Join(dst, h.Name), h, tr); err != nil {
			return err
		}
	}
}

func unpackOne(path string, h *tar.Header, r io.Reader) error {
	if h.Typeflag == tar.TypeDir {
		return os.MkdirAll(path, 0o755)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
