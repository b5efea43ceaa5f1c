// SPDX-License-Identifier: Apache-2.0

// Package exportdir is what those who write directories of exports and those who read them
// have to agree on, and cannot learn from each other.
package exportdir

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// The names of a manifest in its directory, when the export has ended and before, and the
// format that this version writes and reads.
const (
	ManifestName   = "manifest.json"
	UnfinishedName = ".manifest.unfinished.json"
	ManifestFormat = 1
)

// maxManifest is what is too large to be a manifest, in bytes.
const maxManifest = 256 << 20

// Why a file is not read. They come with its path.
var (
	errIrregular = errors.New("not a regular file")
	errTooLarge  = errors.New("too large for a manifest")
)

// ReadManifest gives the text of a manifest. Errors are *fs.PathError.
func ReadManifest(path string) ([]byte, error) {
	// Looked at before it is opened: opening a pipe would wait for its writer.
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "open", Path: path, Err: errIrregular}
	case info.Size() > maxManifest:
		return nil, &fs.PathError{Op: "read", Path: path, Err: errTooLarge}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // was only read
	b, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err == nil && len(b) > maxManifest { // it grew
		err = &fs.PathError{Op: "read", Path: path, Err: errTooLarge}
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}
