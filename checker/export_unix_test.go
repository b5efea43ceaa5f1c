// SPDX-License-Identifier: Apache-2.0

//go:build unix

package checker_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/shardlift/shardlift/exporter"
)

// A pipe that is called as a manifest is not waited for.
func TestPipeOfManifest(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.lp"), []byte("m f=1 1\n"))
	path := filepath.Join(dir, exporter.ManifestName)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	named(t, checkExports(t, dir), path, "not a regular file")
}
