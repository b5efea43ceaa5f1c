// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// scan lists the shards of one place.
type scan struct {
	catalog  *Catalog
	volume   *Volume
	replicas map[shardKey]*Replica
	wal      bool // the WAL tree is walked
}

// replica gives the replica with these three names, a new one if need be.
func (s *scan) replica(names []string) *Replica {
	id, _ := shardID(names[2])
	key := shardKey{names[0], names[1], id}
	if s.replicas[key] == nil {
		s.replicas[key] = &Replica{Volume: s.volume}
	}
	return s.replicas[key]
}

// tree walks from dir, to which names lead, down to the shards, and calls put with
// each. The depth is fixed, so that a circle of links does no harm.
func (s *scan) tree(ctx context.Context, dir string, names []string, put func(r *Replica, dir string)) error {
	if dir == "" {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(names) == shardLevel {
		put(s.replica(names), dir)
		return nil
	}
	for _, e := range s.list(dir, names) {
		name, path := e.Name(), filepath.Join(dir, e.Name())
		if len(names) == databaseLevel && name == seriesDir {
			continue
		}
		inside := append(slices.Clip(names), name)
		if !s.isDirectory(path, e, inside) {
			continue
		}
		if _, ok := shardID(name); len(names) == policyLevel && !ok {
			s.foreign(path, "its name is not a shard's number")
			continue
		}
		if err := s.tree(ctx, path, inside, put); err != nil {
			return err
		}
	}
	return nil
}

// list reads a directory, to which names lead, in order of names.
func (s *scan) list(dir string, names []string) []fs.DirEntry {
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		// A live server dropped it since we saw it.
	case errors.Is(err, syscall.ENOTDIR):
		s.foreign(dir, "it is not a directory")
	case filepath.Base(dir) == "lost+found" && errors.Is(err, fs.ErrPermission):
		s.foreign(dir, "it belongs to the file system")
	default:
		s.unreadable(dir, names, err)
	}
	return entries
}

// isDirectory follows links, as the server does, and notes what is none.
func (s *scan) isDirectory(path string, e fs.DirEntry, names []string) bool {
	if e.IsDir() {
		return true
	}
	if e.Type()&fs.ModeSymlink != 0 {
		info, err := os.Stat(path)
		if err != nil {
			s.unreadable(path, names, err) // its disk may not be mounted
			return false
		}
		if info.IsDir() {
			s.catalog.addRoot(s.volume.Source, path)
			return true
		}
	}
	s.foreign(path, "it is not a directory")
	return false
}

func (s *scan) unreadable(path string, names []string, err error) {
	u := Unreadable{Path: path, WAL: s.wal, Err: bare(err)}
	for level, name := range names {
		switch level {
		case rootLevel:
			u.Database = name
		case databaseLevel:
			u.Policy = name
		case policyLevel:
			u.ID, _ = shardID(name)
		}
	}
	s.catalog.Unreadable = append(s.catalog.Unreadable, u)
}

func (s *scan) foreign(path, detail string) {
	s.catalog.LeftOut = append(s.catalog.LeftOut, LeftOut{Volume: s.volume, Path: path, Reason: Foreign, Detail: detail})
}
