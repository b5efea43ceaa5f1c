// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/shardlift/shardlift/meta"
)

// ErrNoMetastore is why there is no Data: the source has no metastore.
var ErrNoMetastore = errors.New("no metastore found")

// Metastore is a metastore by itself.
type Metastore struct {
	Source string     // as it was named
	Path   string     // absolute; empty where there is none
	Data   *meta.Data // nil: Err says why
	Err    error      // ErrNoMetastore, or that of meta.Read
}

// Metastores finds the metastores of the sources and reads them, without a look at any
// shard. Beside what Open takes, a source may be a metastore by itself: meta.db, that of a
// backup (20240101T000000Z.meta, or meta.00), or a directory with such files in it.
//
// Sources without a metastore and metastores that cannot be read are in the list, with
// their errors. The error is that of a source that is none, as Open gives it.
func Metastores(ctx context.Context, req Request) ([]Metastore, error) {
	var out []Metastore
	add := func(source string, paths ...string) {
		for _, path := range paths {
			if path == "" || !slices.ContainsFunc(out, func(m Metastore) bool { return samePath(m.Path, path) }) {
				out = append(out, readMetastore(source, path))
			}
		}
	}
	if req.MetaDir != "" || req.DataDir != "" || len(req.Paths) == 0 {
		err := req.apart(ctx, add)
		return out, err
	}
	for _, source := range req.Paths {
		path, err := filepath.Abs(source)
		if err != nil {
			return nil, fmt.Errorf("open source %s: %w", source, err)
		}
		if files, ok := metaFilesAt(path); ok {
			add(source, files...)
			continue
		}
		places, err := locate(ctx, source, &req)
		if err != nil {
			return nil, err
		}
		for _, p := range places {
			add(p.source, p.metaFile)
		}
	}
	return out, nil
}

// apart finds the metastore of a request that names its parts, or nothing.
func (req *Request) apart(ctx context.Context, add func(source string, paths ...string)) error {
	if req.MetaDir != "" {
		if len(req.Paths) > 1 {
			return fmt.Errorf("%w: a metastore named apart goes with one volume, and there are %d", ErrRequest, len(req.Paths))
		}
		var p place
		if err := p.setMeta(req.MetaDir); err != nil {
			return fmt.Errorf("open metastore %s: %w", req.MetaDir, bare(err))
		}
		add(req.MetaDir, p.metaFile)
		return nil
	}
	places, err := req.places(ctx, DefaultPaths())
	if err != nil {
		return err
	}
	for _, p := range places {
		add(p.source, p.metaFile)
	}
	return nil
}

func readMetastore(source, path string) Metastore {
	if path == "" {
		return Metastore{Source: source, Err: ErrNoMetastore}
	}
	data, err := meta.Read(path)
	return Metastore{Source: source, Path: path, Data: data, Err: err}
}

// metaFilesAt gives the metastores that path names by itself: a file, or those in a
// directory. A TSM file has none. ok is false where there may be one all the same.
func metaFilesAt(path string) (files []string, ok bool) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, false
	case info.Mode().IsRegular() && filepath.Ext(path) == ".tsm":
		return []string{""}, true
	case !info.IsDir():
		return []string{path}, true
	}
	for _, file := range []string{metaFileIn(path), metaFileIn(filepath.Join(path, "meta"))} {
		if isNamed(file) && !isDirectory(file) { // databases and policies may be called so
			return []string{file}, true
		}
	}
	files = backupMetaIn(path)
	return files, len(files) > 0
}

// backupMetaIn gives the metastores of the backups in a directory, by name.
func backupMetaIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // whoever asks for what else may be there comes upon it again
	}
	var files []string
	for _, e := range entries {
		name := e.Name()
		portable := filepath.Ext(name) == ".meta"
		legacy, _ := filepath.Match("meta.[0-9][0-9]", name)
		if path := filepath.Join(dir, name); (portable || legacy) && !isDirectory(path) {
			files = append(files, path)
		}
	}
	return files
}
