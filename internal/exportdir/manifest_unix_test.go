// SPDX-License-Identifier: Apache-2.0

//go:build unix

package exportdir

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe that is called as a manifest is not waited for.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), ManifestName)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadManifest(path); !errors.Is(err, errIrregular) {
		t.Errorf("got %v, want %v", err, errIrregular)
	}
}
