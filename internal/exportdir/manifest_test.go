// SPDX-License-Identifier: Apache-2.0

package exportdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestReadManifest(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ManifestName)
	for _, step := range []struct {
		name string
		make func() error
		want error
	}{
		{"missing", func() error { return nil }, fs.ErrNotExist},
		{"a file", func() error { return os.WriteFile(path, []byte("{}"), 0o600) }, nil},
		{"too large", func() error { return os.Truncate(path, maxManifest+1) }, errTooLarge},
		{"a directory", func() error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, errIrregular},
	} {
		if err := step.make(); err != nil {
			t.Fatal(err)
		}
		b, err := ReadManifest(path)
		if !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", step.name, err, step.want)
		}
		if at, ok := errors.AsType[*fs.PathError](err); err != nil && (!ok || at.Path != path) {
			t.Errorf("%s: the error %v has no place", step.name, err)
		}
		if step.name == "a file" && string(b) != "{}" {
			t.Errorf("read %q", b)
		}
	}
}
