// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/volume"
)

// verifyInputs are what the paths of a command line name: sources, exports, or both.
type verifyInputs struct {
	sources bool           // there are some, or the default one is meant
	request volume.Request // of the sources
	exports []string       // files and directories of line protocol, and "-", as named
}

// sortInputs tells sources from exports by what lies there. A directory with a manifest is
// an export, also an unfinished one, and so are a file that holds no TSM blocks, and a
// directory with files of line protocol and no volume in it. All else is a source.
func sortInputs(ctx context.Context, s *sourceFlags, sel *selectionFlags) (verifyInputs, error) {
	in := verifyInputs{request: s.request(sel)}
	paths := in.request.Paths
	in.request.Paths = nil
	for _, path := range paths {
		export, err := isExport(ctx, path, in.request)
		switch {
		case err != nil:
			return in, err
		case !export:
			in.request.Paths = append(in.request.Paths, path)
		case filepath.Base(path) == exporter.ManifestName:
			in.exports = append(in.exports, filepath.Dir(path))
		default:
			in.exports = append(in.exports, path)
		}
	}
	in.sources = len(in.exports) == 0 || len(in.request.Paths) > 0 || in.request.DataDir+in.request.WALDir != ""
	return in, nil
}

// isExport reports whether path is one. What is not there is left to whoever opens it.
func isExport(ctx context.Context, path string, req volume.Request) (bool, error) {
	if path == "-" {
		return true, nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return false, nil //nolint:nilerr // opening the source says so
	case info.Mode().IsRegular():
		return !ofServer(path) && lpfile.IsText(path), nil
	case !info.IsDir():
		return true, nil // a pipe
	case lpfile.IsExport(path):
		return true, nil
	case !lpfile.HoldsText(path):
		return false, nil
	}
	req.Paths, req.DataDir, req.WALDir, req.MetaDir = []string{path}, "", "", ""
	_, err = volume.Open(ctx, req)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	return errors.Is(err, volume.ErrNothing), nil
}

// ofServer tells the files of a server by their names, whatever they hold by now.
func ofServer(path string) bool {
	name := filepath.Base(path)
	return slices.Contains([]string{".tsm", ".tombstone", ".wal", ".idx", ".db", ".bad", ".tmp"}, strings.ToLower(filepath.Ext(name)))
}
