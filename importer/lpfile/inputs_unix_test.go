// SPDX-License-Identifier: Apache-2.0

//go:build unix

package lpfile

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/shardlift/shardlift/internal/exportdir"
)

// A pipe that is called as a manifest is not waited for.
func TestPipeOfManifest(t *testing.T) {
	dir := directory(t, map[string]string{"a.lp": "m f=1 1\n"})
	if err := syscall.Mkfifo(filepath.Join(dir, exportdir.ManifestName), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := openError(t, Config{Inputs: []string{dir}, Database: "db"}); !strings.Contains(got, "manifest.json: not a regular file") {
		t.Error(got)
	}
}
