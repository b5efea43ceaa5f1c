// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
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
}

// list reads the directories of src. Missing ones are empty.
func list(src Source) (listing, error) {
	var l listing
	if src.TSMFile != "" {
		return listFile(src.TSMFile)
	}
	if src.DataDir != "" {
		if err := l.data(src.DataDir); err != nil {
			return l, err
		}
	}
	if src.WALDir != "" {
		if err := l.wal(src.WALDir); err != nil {
			return l, err
		}
	}
	return l, nil
}

// listFile lists one TSM file and the tombstone beside it.
func listFile(path string) (listing, error) {
	st, err := os.Stat(path)
	if err != nil {
		return listing{}, err
	}
	l := listing{tsm: []fileState{{filepath.Base(path), st.Size(), st.ModTime()}}}
	stone := strings.TrimSuffix(path, ".tsm") + ".tombstone"
	if st, err := os.Stat(stone); err == nil {
		l.tombstones = append(l.tombstones, fileState{filepath.Base(stone), st.Size(), st.ModTime()})
	}
	return l, nil
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
func (l *listing) add(files *[]fileState, dir string, e os.DirEntry) error {
	st, err := os.Stat(filepath.Join(dir, e.Name())) // a link counts as what it leads to
	linked := e.Type()&fs.ModeSymlink != 0
	if errors.Is(err, fs.ErrNotExist) && !linked {
		return nil
	}
	if err != nil && !linked {
		return err
	}
	if st == nil || !st.Mode().IsRegular() {
		l.leave(dir, e.Name(), Foreign)
		return nil
	}
	*files = append(*files, fileState{e.Name(), st.Size(), st.ModTime()})
	return nil
}

func (l *listing) data(dir string) error {
	entries, err := readDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		switch classify(name, e.IsDir()) {
		case isTSM:
			if err := l.add(&l.tsm, dir, e); err != nil {
				return err
			}
		case isTombstone:
			if err := l.add(&l.tombstones, dir, e); err != nil {
				return err
			}
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
	return nil
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
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, ok := segmentNumber(e.Name()); !ok || e.IsDir() {
			why := Foreign
			if strings.HasSuffix(e.Name(), ".tmp") {
				why = Unfinished
			}
			l.leave(dir, e.Name(), why)
			continue
		}
		if err := l.add(&l.segments, dir, e); err != nil {
			return err
		}
	}
	slices.SortFunc(l.segments, func(a, b fileState) int {
		x, _ := segmentNumber(a.name)
		y, _ := segmentNumber(b.name)
		return int(x) - int(y)
	})
	return nil
}

// segmentNumber gives N of "_N.wal". The engine sorts names, which differs from the
// order of numbers only beyond 99999, where its own order is wrong.
func segmentNumber(name string) (uint32, bool) {
	s, ok := strings.CutPrefix(name, "_")
	s, ok2 := strings.CutSuffix(s, ".wal")
	n, err := strconv.ParseUint(s, 10, 31)
	return uint32(n), ok && ok2 && err == nil && isDigits(s)
}
