// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// The levels of a tree, counted from its root: what lies there.
const (
	rootLevel = iota
	databaseLevel
	policyLevel
	shardLevel
)

const seriesDir = "_series" // in a database's directory, and no policy

// kind tells the two trees apart.
type kind int

const (
	noTree kind = iota
	dataTree
	walTree
)

// look is what the names in a directory tell.
type look struct {
	dirs   []string // directories and links to some, sorted
	tsm    bool     // files of a shard's data
	wal    bool     // WAL segments
	series bool     // the series file of a database
}

// kind says of which tree a shard directory is.
func (l *look) kind() kind {
	switch {
	case l.tsm:
		return dataTree
	case l.wal:
		return walTree
	}
	return noTree
}

func lookAt(dir string) (look, error) {
	var l look
	entries, err := os.ReadDir(dir)
	if err != nil {
		return l, Unreadable{Path: dir, Err: bare(err)}
	}
	for _, e := range entries {
		name := e.Name()
		isDir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			isDir = isDirectory(filepath.Join(dir, name))
		}
		switch {
		case isDir:
			l.dirs = append(l.dirs, name)
			l.series = l.series || name == seriesDir
		case strings.HasSuffix(name, ".wal"):
			l.wal = l.wal || strings.HasPrefix(name, "_")
		default:
			l.tsm = l.tsm || isDataFile(name)
		}
	}
	return l, nil
}

// isDataFile reports whether only a shard's data directory has files of that name.
func isDataFile(name string) bool {
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".bad"), ".tmp")
	return strings.HasSuffix(name, ".tsm") || strings.HasSuffix(name, ".tombstone") || name == "fields.idx"
}

// shardID reads the name of a shard directory; 0 where it is none. Servers write no
// leading zeros.
func shardID(name string) (id uint64, ok bool) {
	id, err := strconv.ParseUint(name, 10, 64)
	if err != nil || name[0] == '0' {
		return 0, false
	}
	return id, true
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isNamed reports whether there is something of that name, or may be: a pipe, a link to a
// disk that is not mounted, or what nobody is allowed to see. Whoever reads it finds out.
func isNamed(path string) bool {
	_, err := os.Lstat(path)
	return err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
}

// finder looks around before it is known what a path names. What it may not look
// into it remembers, to be told when it finds nothing.
type finder struct {
	denied []error
}

// findShard looks for a shard with files in it, depth levels below dir, and says of
// which tree it is. A database directory may show itself by its series file.
func (f *finder) findShard(ctx context.Context, dir string, depth int) (kind, error) {
	if ctx.Err() != nil {
		return noTree, context.Cause(ctx)
	}
	l, err := lookAt(dir)
	if err != nil {
		f.deny(err)
		return noTree, nil
	}
	if depth == 0 {
		return l.kind(), nil
	}
	if depth == shardLevel-databaseLevel && l.series {
		return dataTree, nil
	}
	for _, name := range l.dirs {
		if _, ok := shardID(name); depth == 1 && !ok {
			continue
		}
		if k, err := f.findShard(ctx, filepath.Join(dir, name), depth-1); k != noTree || err != nil {
			return k, err
		}
	}
	return noTree, nil
}

func (f *finder) deny(err error) {
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		f.denied = append(f.denied, err)
	}
}

// has is isDirectory, but remembers what it may not see.
func (f *finder) has(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		f.deny(Unreadable{Path: dir, Err: bare(err)})
		return false
	}
	return info.IsDir()
}

// isVolume reports whether dir has the trees of a server in it. That dir is called
// data, or wal, is not enough: databases may be, too.
func (f *finder) isVolume(ctx context.Context, dir string) (bool, error) {
	data, wal, meta := filepath.Join(dir, "data"), filepath.Join(dir, "wal"), metaFileIn(filepath.Join(dir, "meta"))
	parts := 0
	if f.has(data) {
		parts++
		if k, err := f.findShard(ctx, data, shardLevel); k != noTree || err != nil {
			return k != noTree, err
		}
		if k, err := f.findShard(ctx, data, shardLevel-databaseLevel); k != noTree || err != nil {
			return false, err // dir is a data directory, and has a database called data
		}
	}
	if f.has(wal) {
		parts++
		if k, err := f.findShard(ctx, wal, shardLevel); k == walTree || err != nil {
			return k == walTree, err
		}
	}
	if isNamed(meta) && !isDirectory(meta) { // a policy may be called so
		parts++
	}
	return parts >= 2, nil
}

// metaFileIn is where the metastore is in its directory.
func metaFileIn(dir string) string { return filepath.Join(dir, "meta.db") }

// metaIn is the metastore of the volume in dir; empty where there is none. One that is no
// file is one that cannot be read, and not none.
func metaIn(dir string) string {
	meta := filepath.Join(dir, "meta")
	file := metaFileIn(meta)
	if _, err := os.Stat(meta); isNamed(file) || err != nil && isNamed(meta) { // or a link into the void
		return file
	}
	return ""
}
