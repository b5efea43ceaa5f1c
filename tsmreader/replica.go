// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shardlift/shardlift/tsmreader/internal/fault"
	"github.com/shardlift/shardlift/tsmreader/internal/tsmfile"
	"github.com/shardlift/shardlift/tsmreader/internal/walfile"
)

// replica is one copy's open files, in order of precedence.
type replica struct {
	files    []*shardFile
	segments []walfile.Segment
	opened   []*os.File // of the segments
}

type shardFile struct {
	*tsmfile.File
	size  int64 // also of a file that could not be opened
	stone stoneFile
}

// stoneFile is a file's tombstones; r is nil where it has none.
type stoneFile struct {
	path   string
	size   int64
	r      io.ReaderAt
	closer io.Closer
}

// openReplica opens TSM files, then tombstones, then the WAL: a flush that happens
// in between adds a TSM file before it takes segments away, and is noticed by that.
func (s *Shard) openReplica(ctx context.Context, r *replica, src Source, l listing) error {
	dir := src.DataDir
	if src.TSMFile != "" {
		dir = filepath.Dir(src.TSMFile)
	}
	r.files = make([]*shardFile, len(l.tsm))
	faults := make([][]Fault, len(l.tsm))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.opts.Parallel)
	for i, t := range l.tsm {
		g.Go(func() error {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			f, found, err := tsmfile.Open(filepath.Join(dir, t.name))
			if errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err != nil { // as damaged as a file can be, and no reason to lose the others
				faults[i] = []Fault{unreadFile(filepath.Join(dir, t.name), fault.Shard, t.size, err)}
				f, _ = tsmfile.New(filepath.Join(dir, t.name), strings.NewReader(""), 0)
			} else {
				faults[i] = found
			}
			r.files[i] = &shardFile{File: f, size: t.size}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	s.faults = append(s.faults, slices.Concat(faults...)...)
	for _, t := range l.tombstones {
		if err := s.openTombstone(r, filepath.Join(dir, t.name), t); err != nil {
			return err
		}
	}
	for _, t := range l.segments {
		if err := s.openSegment(r, filepath.Join(src.WALDir, t.name), t); err != nil {
			return err
		}
	}
	if dir != "" && l.dataErr == nil {
		fields, found := readFields(dir)
		s.faults = append(s.faults, found...)
		if s.fields == nil {
			s.fields, s.fieldsPath = fields, filepath.Join(dir, "fields.idx")
		} else {
			s.fields.add(fields)
		}
	}
	return nil
}

func (s *Shard) openTombstone(r *replica, path string, t fileState) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		s.faults = append(s.faults, unreadFile(path, fault.Tombstone, t.size, err))
		return nil
	}
	st, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	stem := strings.TrimSuffix(path, ".tombstone")
	for _, tsm := range r.files {
		if strings.TrimSuffix(tsm.Path, ".tsm") == stem {
			tsm.stone = stoneFile{path: path, size: st.Size(), r: f, closer: f}
			return nil
		}
	}
	return f.Close()
}

func (s *Shard) openSegment(r *replica, path string, t fileState) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		s.faults = append(s.faults, unreadFile(path, fault.WAL, t.size, err))
		return nil
	}
	r.opened = append(r.opened, f)
	st, err := f.Stat()
	if err != nil {
		return err
	}
	r.segments = append(r.segments, walfile.Segment{Path: path, R: f, Size: st.Size()})
	return nil
}

// tornWhileWriting reports whether the last segment ends inside an entry and grows
// while we look: then a server was caught writing it, and nothing is wrong. Only a
// segment that was written just now is waited for.
func (s *Shard) tornWhileWriting(r *replica, after listing) bool {
	if len(r.segments) == 0 || len(after.segments) != len(r.segments) {
		return false
	}
	last := r.segments[len(r.segments)-1]
	if walfile.Whole(last) {
		return false
	}
	for wait := settleWait; wait <= longestWait; wait *= 2 {
		time.Sleep(wait)
		st, err := r.opened[len(r.opened)-1].Stat()
		if err != nil || st.Size() != last.Size {
			return err == nil
		}
		if time.Since(st.ModTime()) > recently {
			return false
		}
	}
	return false
}
