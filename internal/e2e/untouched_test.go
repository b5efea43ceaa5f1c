// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/volume"
)

func fingerprint(t *testing.T, dir string) map[string]string {
	t.Helper()
	prints, err := shardtest.Fingerprint(dir)
	if err != nil {
		t.Fatal(err)
	}
	return prints
}

// No export, whole, broken off or refused, leaves a trace in its source.
func TestSourceIsUntouched(t *testing.T) {
	for _, name := range testvolume.Names(t) {
		t.Run(name, func(t *testing.T) {
			dir := testvolume.Open(t, name).Copy(t)
			old := time.Now().Add(-time.Hour)
			if err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
				return errors.Join(err, os.Chtimes(path, old, old))
			}); err != nil {
				t.Fatal(err)
			}
			before := fingerprint(t, dir)
			exported(t, dir)
			exported(t, dir, compressed(exporter.Gzip), oneField)
			exported(t, dir, compressed(exporter.Zstd), func(o *exporter.Options) { o.Memory = 1 })
			if _, err := run(t, dir, exporter.Output{Dir: filepath.Join(t.TempDir(), "out")}); err != nil {
				t.Error(err)
			}
			if _, err := run(t, dir, exporter.Output{Stream: brokenWriter{}}); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("export to a broken stream: %v", err)
			}
			for _, out := range []exporter.Output{{File: filepath.Join(dir, "out.lp")}, {Dir: filepath.Join(dir, "data", "out")}} {
				if _, err := run(t, dir, out); !errors.Is(err, exporter.ErrBelow) {
					t.Errorf("export to %+v: %v", out, err)
				}
			}
			if diff := cmp.Diff(before, fingerprint(t, dir)); diff != "" {
				t.Errorf("the source has changed (-before +after):\n%s", diff)
			}
		})
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Every place that belongs to a source is refused, however it is named.
func TestOutputBelowTheSource(t *testing.T) {
	dir := testvolume.Open(t, "demo").Copy(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(dir, "wal"), link); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	shards, err := filepath.Glob(filepath.Join(dir, "data/*/*/*"))
	if err != nil || len(shards) == 0 {
		t.Fatalf("no shards: %v", err)
	}
	outputs := map[string]exporter.Output{
		"volume":        {Dir: dir},
		"data":          {File: filepath.Join(dir, "data", "out.lp")},
		"not there yet": {Dir: filepath.Join(dir, "meta", "a", "b")},
		"dots":          {File: filepath.Join(dir, "data", "..", "wal", "out.lp")},
		"relative":      {File: "out.lp"},
		"link":          {File: filepath.Join(link, "out.lp")},
		"shard":         {File: filepath.Join(shards[0], "000000099-000000001.tsm")},
		"a source file": {File: filepath.Join(dir, "meta", "meta.db")},
	}
	for name, out := range outputs {
		t.Run(name, func(t *testing.T) {
			before := fingerprint(t, dir)
			if _, err := run(t, dir, out); !errors.Is(err, exporter.ErrBelow) {
				t.Errorf("%+v: %v", out, err)
			}
			if diff := cmp.Diff(before, fingerprint(t, dir)); diff != "" {
				t.Errorf("the source has changed (-before +after):\n%s", diff)
			}
		})
	}
	t.Run("WAL of a data directory", func(t *testing.T) {
		// Only data is named, but its WAL is read too.
		cat, err := volume.Open(t.Context(), volume.Request{Paths: []string{filepath.Join(dir, "data")}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = run(t, filepath.Join(dir, "data"), exporter.Output{File: filepath.Join(dir, "wal", "out.lp")},
			func(o *exporter.Options) { o.Catalog = cat })
		if !errors.Is(err, exporter.ErrBelow) {
			t.Error(err)
		}
	})
}
