// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/shardlift/shardlift/internal/exportdir"
)

// IsExport reports whether path is a directory with the manifest of an export, also of one
// that has not ended.
func IsExport(path string) bool {
	for _, name := range []string{exportdir.ManifestName, exportdir.UnfinishedName} {
		if info, err := os.Stat(filepath.Join(path, name)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// Unfinished reports whether a file is called as one that an export is writing.
func Unfinished(name string) bool {
	return strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".partial") && isLP(strings.TrimSuffix(name, ".partial"))
}

// isLP reports whether a name ends in .lp, perhaps compressed.
func isLP(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst"), ".lp")
}

// HoldsText reports whether a directory has files in it that are called as line protocol is,
// or as what an export is writing. Archives that happen to be compressed do not count.
func HoldsText(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if isLP(e.Name()) && !strings.HasPrefix(e.Name(), ".") || Unfinished(e.Name()) {
			return true
		}
	}
	return false
}

// IsText reports whether a file may hold line protocol, plain or compressed: it does not
// begin as files do that hold something else. What cannot be opened may.
func IsText(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close() //nolint:errcheck // was only read
	var b [8]byte
	n, _ := io.ReadFull(f, b[:]) // an error comes again when it is read
	_, err = sniff(b[:n])
	return err == nil
}
