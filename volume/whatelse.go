// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// foreignFiles are what people name in good faith, by how such files begin.
var foreignFiles = []struct {
	at    int
	magic string
	what  string
}{
	{0, "\x1f\x8b", "it is compressed, with gzip: unpack it and name what was in it"},
	{0, "\x28\xb5\x2f\xfd", "it is compressed, with Zstandard: unpack it and name what was in it"},
	{0, "PK\x03\x04", "it is a ZIP archive: unpack it and name what was in it"},
	{257, "ustar", "it is a tar archive: unpack it and name the directory"},
}

// whatFile says what a file is that is no source by itself.
func whatFile(path string, info os.FileInfo) string {
	switch {
	case !info.Mode().IsRegular():
	case filepath.Base(path) == "meta.db":
		return "it is a metastore, which holds no points: name the directory that has data and wal in it"
	case filepath.Ext(path) == ".wal":
		return "it is one segment of a WAL: name the directory that it is in"
	default:
		begin := beginning(path)
		for _, f := range foreignFiles {
			if len(begin) >= f.at && bytes.HasPrefix(begin[f.at:], []byte(f.magic)) {
				return f.what
			}
		}
	}
	return "it is neither a directory nor a TSM file"
}

// beginning reads as much of a file as tells what it is. One that cannot be read is
// told from nothing.
func beginning(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // was only read
	b := make([]byte, 512)
	n, _ := io.ReadFull(f, b) // what could be read will do
	return b[:n]
}

// nothing is the error for a path below which there is nothing.
func (f *finder) nothing(ctx context.Context, path string) error {
	what, err := whatDir(ctx, path)
	switch {
	case err != nil:
		return err
	case what != "":
		return fmt.Errorf("%w: %s", ErrNothing, what)
	case len(f.denied) > 0:
		return fmt.Errorf("%w, and not all of it can be read: %w", ErrNothing, f.denied[0])
	}
	return ErrNothing
}

// looksFor is below how many directories volumes are looked for, to name them in an error.
const looksFor = 200

// whatDir says what may have been meant by a directory in which there is nothing, or "".
func whatDir(ctx context.Context, path string) (string, error) {
	if _, err := os.Lstat(metaFileIn(path)); err == nil {
		return "it holds a metastore only: name the directory that has data and wal in it", nil
	}
	if len(backupMetaIn(path)) > 0 {
		return "it looks like a backup of influxd: unpack its archives into a directory, and name that", nil
	}
	l, err := lookAt(path)
	if err != nil {
		return "", nil //nolint:nilerr // whoever looked before has told it
	}
	var aside finder // what it may not see does not matter here
	for _, name := range l.dirs[:min(len(l.dirs), looksFor)] {
		dir := filepath.Join(path, name)
		found, err := aside.isVolume(ctx, dir)
		if err != nil {
			return "", err
		}
		if found {
			return fmt.Sprintf("%s below it is a volume: name that", dir), nil
		}
	}
	return "", nil
}
