// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

// Why is the reason for which a file in a shard was left out.
type Why string

// The reasons.
const (
	Unfinished Why = "unfinished" // *.tmp: the engine deletes it when it starts
	SetAside   Why = "set aside"  // *.bad: the engine could not open it
	Orphaned   Why = "orphaned"   // a tombstone whose TSM file is gone
	Foreign    Why = "foreign"    // nothing that the engine makes
)

// LeftOut is a file or directory in a shard that is not read.
type LeftOut struct {
	Path string
	Why  Why
}

// fileState is what tells that a file was replaced.
type fileState struct {
	name  string
	size  int64
	mtime time.Time
}

// listing is what lies in one replica's directories.
type listing struct {
	tsm        []fileState // by name, which is the order of precedence
	tombstones []fileState
	segments   []fileState // in numeric order
	leftOut    []LeftOut

	// Why directories, or what stands for them, could not be listed, whole or in part. What
	// was listed all the same counts.
	dataErr, walErr error
	unseen          []Fault // files whose state could not be had
}

// list reads the directories of src. Missing ones are empty. One that cannot be read is no
// reason to lose the other.
func list(src Source) listing {
	var l listing
	if src.TSMFile != "" {
		l.dataErr = l.file(src.TSMFile)
		return l
	}
	if src.DataDir != "" {
		l.dataErr = l.data(src.DataDir)
	}
	if src.WALDir != "" {
		l.walErr = l.wal(src.WALDir)
	}
	return l
}

// err is why not everything of src is in the listing, or nil.
func (l *listing) err() error {
	err := cmp.Or(l.dataErr, l.walErr)
	if err == nil && len(l.unseen) > 0 {
		err = &l.unseen[0]
	}
	return err
}

// nothing reports whether src has directories, and none of them could be read.
func (l *listing) nothing(src Source) bool {
	none := func(err error, dir string) bool { return err != nil || !exists(dir) }
	return (l.dataErr != nil || l.walErr != nil) && len(l.tsm)+len(l.segments) == 0 &&
		none(l.dataErr, src.DataDir) && none(l.walErr, src.WALDir)
}

// faults tells what could not be listed, and what is lost by it.
func (l *listing) faults(src Source) []Fault {
	var out []Fault
	if l.dataErr != nil {
		path, part, reason := src.DataDir, fault.Shard, errNoData
		if src.TSMFile != "" {
			path, reason = src.TSMFile, errNoFile
		}
		out = append(out, fault.New(path, part, -1, 0, true, fmt.Errorf("%w: %w", reason, bare(l.dataErr))))
	}
	if l.walErr != nil {
		reason := errNoWAL
		if len(l.segments) > 0 {
			reason = errNoSegment
		}
		out = append(out, fault.New(src.WALDir, fault.WAL, -1, 0, true, fmt.Errorf("%w: %w", reason, bare(l.walErr))))
	}
	return append(out, l.unseen...)
}

// bare takes operation and path off an error of package os, where they stand beside it.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// file lists one TSM file and the tombstone beside it.
func (l *listing) file(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	l.tsm = []fileState{{filepath.Base(path), st.Size(), st.ModTime()}}
	stone := strings.TrimSuffix(path, ".tsm") + ".tombstone"
	switch st, err := os.Stat(stone); {
	case err == nil:
		l.tombstones = append(l.tombstones, fileState{filepath.Base(stone), st.Size(), st.ModTime()})
	case !errors.Is(err, fs.ErrNotExist):
		l.unseen = append(l.unseen, unreadFile(stone, fault.Tombstone, 0, err))
	}
	return nil
}

// unreadFile is the fault of a file of which nothing can be read.
func unreadFile(path string, part Part, size int64, err error) Fault {
	reason := errNoFile
	switch part {
	case fault.Tombstone:
		reason = errNoStone
	case fault.WAL:
		reason = errNoSegment
	}
	return fault.New(path, part, -1, size, true, fmt.Errorf("%w: %w", reason, bare(err)))
}

// readDir lists a directory by name; one that is not there is empty.
func readDir(dir string) ([]os.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// add appends the state of an entry to files, unless it vanished in between. What is
// no file, though it is named like one, is left out: opening a pipe would wait for ever.
func (l *listing) add(files *[]fileState, part Part, dir string, e os.DirEntry) {
	path := filepath.Join(dir, e.Name())
	st, err := os.Stat(path) // a link counts as what it leads to
	linked := e.Type()&fs.ModeSymlink != 0
	switch {
	case errors.Is(err, fs.ErrNotExist) && !linked:
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		l.unseen = append(l.unseen, unreadFile(path, part, 0, err))
	case err != nil || !st.Mode().IsRegular():
		l.leave(dir, e.Name(), Foreign)
	default:
		*files = append(*files, fileState{e.Name(), st.Size(), st.ModTime()})
	}
}

func (l *listing) data(dir string) error {
	entries, err := readDir(dir)
	for _, e := range entries {
		name := e.Name()
		switch classify(name, e.IsDir()) {
		case isTSM:
			l.add(&l.tsm, fault.Shard, dir, e)
		case isTombstone:
			l.add(&l.tombstones, fault.Tombstone, dir, e)
		case isUnfinished:
			l.leave(dir, name, Unfinished)
		case isBad:
			l.leave(dir, name, SetAside)
		case isForeign:
			l.leave(dir, name, Foreign)
		case isKnown:
		}
	}
	l.tombstones = slices.DeleteFunc(l.tombstones, func(t fileState) bool {
		stem := strings.TrimSuffix(t.name, ".tombstone")
		if slices.ContainsFunc(l.tsm, func(f fileState) bool { return strings.TrimSuffix(f.name, ".tsm") == stem }) {
			return false
		}
		l.leave(dir, t.name, Orphaned)
		return true
	})
	return err
}

func (l *listing) leave(dir, name string, why Why) {
	l.leftOut = append(l.leftOut, LeftOut{Path: filepath.Join(dir, name), Why: why})
}

type class int

const (
	isForeign class = iota
	isKnown
	isTSM
	isTombstone
	isUnfinished
	isBad
)

// classify tells by its name what an entry of a shard's data directory is.
func classify(name string, dir bool) class {
	switch {
	case strings.HasSuffix(name, ".tmp"):
		return isUnfinished
	case name == "index" && dir:
		return isKnown
	case dir:
		return isForeign
	case name == "fields.idx", name == "fields.idxl", name == "do_not_compact", name == "digest.tsd":
		return isKnown
	case strings.HasSuffix(name, ".bad"):
		return isBad
	case strings.HasPrefix(name, "tombstone") && isDigits(name[len("tombstone"):]):
		return isUnfinished
	case strings.HasSuffix(name, ".tsm") && isGeneration(name):
		return isTSM
	case strings.HasSuffix(name, ".tombstone") && isGeneration(name):
		return isTombstone
	}
	return isForeign
}

// isGeneration reports whether the stem of name is "generation-sequence".
func isGeneration(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	gen, seq, ok := strings.Cut(stem, "-")
	if !ok {
		return false
	}
	for _, s := range []string{gen, seq} {
		if _, err := strconv.ParseUint(s, 10, 32); err != nil {
			return false
		}
	}
	return strings.Count(name, ".") == 1
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func (l *listing) wal(dir string) error {
	entries, err := readDir(dir)
	for _, e := range entries {
		if _, ok := segmentNumber(e.Name()); !ok || e.IsDir() {
			why := Foreign
			if strings.HasSuffix(e.Name(), ".tmp") {
				why = Unfinished
			}
			l.leave(dir, e.Name(), why)
			continue
		}
		l.add(&l.segments, fault.WAL, dir, e)
	}
	slices.SortFunc(l.segments, func(a, b fileState) int {
		x, _ := segmentNumber(a.name)
		y, _ := segmentNumber(b.name)
		return int(x) - int(y)
	})
	return err
}

// segmentNumber gives N of "_N.wal". The engine sorts names, which differs from the
// order of numbers only beyond 99999, where its own order is wrong.
func segmentNumber(name string) (uint32, bool) {
	s, ok := strings.CutPrefix(name, "_")
	s, ok2 := strings.CutSuffix(s, ".wal")
	n, err := strconv.ParseUint(s, 10, 31)
	return uint32(n), ok && ok2 && err == nil && isDigits(s)
}
