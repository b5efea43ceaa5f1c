// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// belowMount are the places of a volume below a mount point. A star stands for
// any one name.
var belowMount = []string{
	"influxdb",
	".influxdb",
	"lib/influxdb",
	"var/lib/influxdb",
	"root/.influxdb",
	"home/*/.influxdb",
}

// DefaultPaths are the directories that the packages use: /var/lib/influxdb, then
// .influxdb in the home directory.
func DefaultPaths() []string {
	paths := []string{"/var/lib/influxdb"}
	if home, err := os.UserHomeDir(); err == nil {
		paths = append(paths, filepath.Join(home, ".influxdb"))
	}
	return paths
}

// locateDefault takes the first of the paths that is a volume.
func locateDefault(ctx context.Context, paths []string) (place, error) {
	for _, path := range paths {
		var f finder
		found, err := f.isVolume(ctx, path)
		if err != nil {
			return place{}, err
		}
		if found {
			return volumePlace(path, path), nil
		}
		if len(f.denied) > 0 { // it may well be the one
			return place{}, fmt.Errorf("open default source: %w", f.denied[0])
		}
	}
	return place{}, fmt.Errorf("open default source: %w in %s", ErrNothing, strings.Join(paths, " or "))
}

// locate says what a path names. More than one place comes only when all are asked for.
func locate(ctx context.Context, source string, req *Request) ([]place, error) {
	path, err := filepath.Abs(source)
	if err != nil {
		return nil, fmt.Errorf("open source %s: %w", source, err)
	}
	var f finder
	places, err := f.locate(ctx, source, path, req)
	if err == nil && len(places) == 0 {
		err = f.nothing(ctx, path)
	}
	if err != nil {
		return nil, fmt.Errorf("open source %s: %w", source, bare(err))
	}
	return places, nil
}

func (f *finder) locate(ctx context.Context, source, path string, req *Request) ([]place, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return one(filePlace(source, path, info, req))
	}
	l, err := lookAt(path)
	if err != nil {
		return nil, err
	}
	if l.kind() != noTree {
		return one(shardPlace(source, path, &l, req))
	}
	if found, err := f.isVolume(ctx, path); found || err != nil {
		return []place{volumePlace(source, path)}, err
	}
	if places, err := f.belowMount(ctx, source, path, req); len(places) > 0 || err != nil {
		return places, err
	}
	// The deepest first: a database called 12 could pass for a shard.
	for level := range shardLevel {
		k, err := f.findShard(ctx, path, shardLevel-level)
		if err != nil {
			return nil, err
		}
		if k != noTree {
			return one(partPlace(source, path, level, k, req))
		}
	}
	if p, ok := emptyPart(source, path); ok {
		return []place{p}, nil
	}
	return nil, nil
}

func one(p place, err error) ([]place, error) {
	if err != nil {
		return nil, err
	}
	return []place{p}, nil
}

// belowMount looks for volumes in the usual places below path.
func (f *finder) belowMount(ctx context.Context, source, path string, req *Request) ([]place, error) {
	var (
		places []place
		found  []string
	)
	for _, pattern := range belowMount {
		for _, dir := range f.glob(path, pattern) {
			ok, err := f.isVolume(ctx, dir)
			if err != nil {
				return nil, err
			}
			if ok {
				places, found = append(places, volumePlace(source, dir)), append(found, dir)
			}
		}
	}
	if len(found) > 1 && !req.All {
		return nil, &AmbiguousError{Path: source, Found: found}
	}
	return places, nil
}

// glob gives the directories of a pattern of belowMount, in order of their names.
func (f *finder) glob(path, pattern string) []string {
	before, after, star := strings.Cut(pattern, "*")
	dir := filepath.Join(path, before)
	if !star {
		return []string{dir}
	}
	l, err := lookAt(dir)
	if err != nil {
		f.deny(err)
	}
	var dirs []string
	for _, name := range l.dirs {
		dirs = append(dirs, filepath.Join(dir, name, after))
	}
	return dirs
}

// filePlace is a TSM file. A link to one stands for the file, which may have a
// tombstone beside it.
func filePlace(source, path string, info os.FileInfo, req *Request) (place, error) {
	if !info.Mode().IsRegular() || filepath.Ext(path) != ".tsm" {
		return place{}, fmt.Errorf("%w: %s", ErrNothing, whatFile(path, info))
	}
	if link, err := os.Lstat(path); err == nil && link.Mode()&os.ModeSymlink != 0 {
		path = realPath(path)
	}
	dir := filepath.Dir(path)
	root, names, ok := namesFromPath(dir, shardLevel)
	if !ok {
		var err error
		if names, err = req.names(dir, shardLevel); err != nil {
			return place{}, err
		}
	}
	return place{source: source, dataRoot: root, names: names, tsmFile: path}, nil
}

// shardPlace is a shard directory. Somebody may have put files of both trees in it.
func shardPlace(source, path string, l *look, req *Request) (place, error) {
	p, err := partPlace(source, path, shardLevel, l.kind(), req)
	if l.tsm && l.wal && p.wal == "" {
		p.walRoot, p.wal = path, path
	}
	return p, err
}

// partPlace is a tree or what lies at level in one.
func partPlace(source, path string, level int, k kind, req *Request) (place, error) {
	if level == rootLevel {
		return placeUnder(source, path, nil, k), nil
	}
	if root, names, ok := namesFromPath(path, level); ok {
		return placeUnder(source, root, names, k), nil
	}
	names, err := req.names(path, level)
	if err != nil {
		return place{}, err
	}
	p := place{source: source, names: names}
	if k == walTree {
		p.walRoot, p.wal = path, path
	} else {
		p.dataRoot, p.data = path, path
	}
	return p, nil
}

// names gives the names of what lies at level, for a path that does not show its root.
func (req *Request) names(path string, level int) ([]string, error) {
	base := filepath.Base(path)
	database, policy := req.Database, req.Policy
	if database == "" && level == databaseLevel {
		database = base
	}
	if policy == "" && level == policyLevel {
		policy = base
	}
	if database == "" || policy == "" && level > databaseLevel {
		return nil, ErrNames
	}
	return []string{database, policy, base}[:level], nil
}
