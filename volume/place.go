// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"path/filepath"
	"slices"
)

// place is where shards are to be listed. Paths are absolute.
type place struct {
	source   string // as named
	dataRoot string // as in Volume
	walRoot  string
	metaFile string

	// names are the levels that are fixed already: database, policy, shard. The last
	// is a number only where a shard's directory has one.
	names []string

	// Where the levels begin that names leaves open. Empty: there is none.
	data, wal string

	tsmFile string // then there is nothing else but names
}

// volumePlace is the volume in dir.
func volumePlace(source, dir string) place {
	p := place{source: source, metaFile: metaIn(dir)}
	if d := filepath.Join(dir, "data"); isDirectory(d) {
		p.dataRoot, p.data = d, d
	}
	if d := filepath.Join(dir, "wal"); isDirectory(d) {
		p.walRoot, p.wal = d, d
	}
	return p
}

// placeUnder is a tree whose root is known, or the part of it that names lead to,
// with what lies beside the root.
func placeUnder(source, root string, names []string, k kind) place {
	p := place{source: source, names: names, metaFile: metaBeside(root)}
	if k == walTree {
		p.walRoot = root
	} else {
		p.dataRoot, p.walRoot = root, beside(root, "wal")
	}
	p.data, p.wal = below(p.dataRoot, names), below(p.walRoot, names)
	return p
}

// below is the directory that names lead to from root; empty where there is none. One that
// nobody may see may well be there: whoever reads it says so.
func below(root string, names []string) string {
	if root == "" {
		return ""
	}
	dir := filepath.Join(append([]string{root}, names...)...)
	if !isNamed(dir) {
		return ""
	}
	return dir
}

// beside is the directory of that name next to root, or, where root is a link, next
// to what it links to; empty where there is none. Only a root with the usual name has
// others beside it: data.bak does not belong to wal.
func beside(root, name string) string {
	for _, dir := range above(root) {
		if dir = filepath.Join(dir, name); isDirectory(dir) {
			return dir
		}
	}
	return ""
}

// above gives the directories that root is in, as beside says.
func above(root string) (dirs []string) {
	for _, r := range []string{root, realPath(root)} {
		if base := filepath.Base(r); base == "data" || base == "wal" {
			dirs = append(dirs, filepath.Dir(r))
		}
	}
	return dirs
}

// metaBeside is the metastore next to root; empty where there is none.
func metaBeside(root string) string {
	for _, dir := range above(root) {
		if file := metaIn(dir); file != "" {
			return file
		}
	}
	return ""
}

// ascend takes n names off the end of an absolute path. ok is false where it has
// fewer, or goes through a series file.
func ascend(path string, n int) (root string, names []string, ok bool) {
	root = path
	for range n {
		name := filepath.Base(root)
		if name == string(filepath.Separator) {
			return "", nil, false
		}
		names = append(names, name)
		root = filepath.Dir(root)
	}
	slices.Reverse(names)
	return root, names, !slices.Contains(names, seriesDir)
}

// showsRoot reports whether root, above names, is one of a data or WAL tree by the
// looks of it.
func showsRoot(root string, names []string) bool {
	switch filepath.Base(root) {
	case "data", "wal":
		return true
	}
	return len(names) > 0 && isDirectory(filepath.Join(root, names[0], seriesDir))
}

// namesFromPath finds the root above what lies at level in its tree: by the path
// as named, then by the real one.
func namesFromPath(path string, level int) (root string, names []string, ok bool) {
	for _, p := range []string{path, realPath(path)} {
		if root, names, ok := ascend(p, level); ok && showsRoot(root, names) {
			return root, names, true
		}
	}
	return "", nil, false
}

// emptyPart recognises directories of a tree that have no shard with files in them.
func emptyPart(source, path string) (place, bool) {
	for level := range shardLevel + 1 {
		root, names, ok := ascend(path, level)
		if !ok || !provesRoot(root, names) {
			continue
		}
		if _, ok := shardID(filepath.Base(path)); level == shardLevel && !ok {
			continue
		}
		k := dataTree
		if filepath.Base(root) == "wal" {
			k = walTree
		}
		return placeUnder(source, root, names, k), true
	}
	return place{}, false
}

// provesRoot is showsRoot where a name alone is not enough.
func provesRoot(root string, names []string) bool {
	sibling := "wal"
	switch filepath.Base(root) {
	case "wal":
		sibling = "data"
	case "data":
	default:
		return showsRoot(root, names)
	}
	return beside(root, sibling) != "" || metaBeside(root) != ""
}

// realPath follows all links; where it cannot, it gives path itself.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}
