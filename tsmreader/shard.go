// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/shardlift/shardlift/point"
)

// Shard is one open shard: the files of all its replicas, held open, so that a server
// that compacts them away meanwhile takes nothing from us.
type Shard struct {
	opts     Options
	limits   limits
	replicas []*replica
	files    []File
	faults   []Fault
	leftOut  []LeftOut
	fields   fieldSet // of all replicas; nil where none has one

	fieldsPath string      // where the first of them is from
	listsNone  atomic.Bool // reported that they are empty
}

// File names a file that a shard was read from, as it was when it was opened.
type File struct {
	Path    string
	Size    int64     // bytes
	ModTime time.Time // as the file system says
}

// maxAttempts is how often a shard whose files change is listed again; settleWait is
// the pause, doubled each time, before the next try.
const (
	maxAttempts = 12
	settleWait  = 5 * time.Millisecond
	longestWait = 4 * settleWait
	recently    = 10 * time.Second
)

// Open lists the files of a shard's replicas, opens them all, and walks their
// indexes. The last replica named wins where they disagree.
//
// A server may compact, flush and delete while we read. All files are opened first and
// the directories listed again; if anything was swapped in between, all is opened anew.
// ErrGone: nothing is left of it. ErrUnsettled: it never held still. A directory that cannot
// be read is a fault; where none can, it is the error.
func Open(ctx context.Context, sources []Source, opts Options) (*Shard, error) {
	opts = opts.withDefaults()
	wait := settleWait
	for attempt := 1; ; attempt++ {
		s := &Shard{opts: opts, limits: defaultLimits}
		again, err := s.open(ctx, sources)
		if err == nil && !again {
			return s, nil
		}
		err = errors.Join(err, s.Close())
		if err != nil {
			return nil, err
		}
		if attempt == maxAttempts {
			return nil, ErrUnsettled
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(wait):
			wait *= 2
		}
	}
}

// open opens everything once; again says that it changed meanwhile.
func (s *Shard) open(ctx context.Context, sources []Source) (again bool, err error) {
	found := false
	var unread []error
	for _, src := range sources {
		before := list(src)
		if before.nothing(src) {
			unread = append(unread, before.err())
		}
		if len(before.tsm)+len(before.segments) > 0 || before.err() != nil || exists(src.DataDir) || exists(src.WALDir) {
			found = true
		}
		r := &replica{}
		s.replicas = append(s.replicas, r)
		if err := s.openReplica(ctx, r, src, before); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return true, nil
			}
			return false, err
		}
		after := list(src)
		if !slices.EqualFunc(before.tsm, after.tsm, sameState) || !slices.EqualFunc(before.tombstones, after.tombstones, sameState) ||
			!slices.EqualFunc(before.segments, after.segments, func(a, b fileState) bool { return a.name == b.name }) {
			return true, nil
		}
		s.leftOut = append(s.leftOut, before.leftOut...)
		s.faults = append(s.faults, before.faults(src)...)
		s.addFiles(src, before)
		if s.tornWhileWriting(r, after) {
			return true, nil
		}
	}
	switch {
	case len(sources) > 0 && len(unread) == len(sources):
		return false, unread[0]
	case !found:
		return false, ErrGone
	}
	return false, nil
}

// addFiles notes what was opened of src.
func (s *Shard) addFiles(src Source, l listing) {
	dir := src.DataDir
	if src.TSMFile != "" {
		dir = filepath.Dir(src.TSMFile)
	}
	for _, part := range []struct {
		dir   string
		files []fileState
	}{{dir, l.tsm}, {dir, l.tombstones}, {src.WALDir, l.segments}} {
		for _, f := range part.files {
			s.files = append(s.files, File{Path: filepath.Join(part.dir, f.name), Size: f.size, ModTime: f.mtime})
		}
	}
}

func exists(path string) bool {
	if path == "" {
		return false
	}
	_, err := os.Stat(path)
	return err == nil
}

func sameState(a, b fileState) bool {
	return a.name == b.name && a.size == b.size && a.mtime.Equal(b.mtime)
}

// Close closes the files. Cursors must not be used any more.
func (s *Shard) Close() error {
	var errs []error
	for _, r := range s.replicas {
		for _, f := range r.files {
			if f == nil {
				continue
			}
			errs = append(errs, f.Close())
			if f.stone.closer != nil {
				errs = append(errs, f.stone.closer.Close())
			}
		}
		for _, f := range r.opened {
			errs = append(errs, f.Close())
		}
	}
	s.replicas = nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close shard: %w", err)
	}
	return nil
}

// Faults gives what was found wrong when the shard was opened.
func (s *Shard) Faults() []Fault { return s.faults }

// LeftOut gives the files in the shard's directories that are not read.
func (s *Shard) LeftOut() []LeftOut { return s.leftOut }

// Files gives what the shard is read from, in order of precedence.
func (s *Shard) Files() []File { return s.files }

// Bytes is the size of all files that the shard is read from.
func (s *Shard) Bytes() int64 {
	n := int64(0)
	for _, r := range s.replicas {
		for _, f := range r.files {
			n += f.Size
		}
		for _, g := range r.segments {
			n += g.Size
		}
	}
	return n
}

// Range is the window of the TSM files, as their indexes say. The WAL is not looked at.
func (s *Shard) Range() point.TimeRange {
	r := point.NoTime
	for _, rep := range s.replicas {
		for _, f := range rep.files {
			r = r.Union(f.Range)
		}
	}
	return r
}

// Stat lists the files that Open would read now, without opening any. The error is that of
// the first that cannot be listed; all others are in the list.
func Stat(sources []Source) ([]File, error) {
	var s Shard
	var first error
	for _, src := range sources {
		l := list(src)
		first = cmp.Or(first, l.err())
		s.addFiles(src, l)
	}
	return s.files, first
}

// SizeOf sums up the files that Stat lists, in bytes. Of those that cannot be listed Open
// says why.
func SizeOf(sources []Source) int64 {
	n := int64(0)
	files, _ := Stat(sources)
	for i := range files {
		n += files[i].Size
	}
	return n
}
