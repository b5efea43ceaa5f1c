// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// root is a file or directory that must not be written into.
type root struct {
	source string // of which it is a part, as named
	path   string
}

// addRoots protects all of a place. What was named counts whole, a mount point
// too; but not "/", below which everything is.
func (c *Catalog) addRoots(p place) {
	if abs, err := filepath.Abs(p.source); err == nil && realPath(abs) != string(filepath.Separator) {
		c.addRoot(p.source, abs)
	}
	for _, path := range []string{p.dataRoot, p.walRoot, p.data, p.wal, p.tsmFile, p.metaFile} {
		c.addRoot(p.source, path)
	}
	if dir := filepath.Dir(p.metaFile); filepath.Base(dir) == "meta" {
		c.addRoot(p.source, dir)
	}
}

func (c *Catalog) addRoot(source, path string) {
	if path != "" {
		c.roots = append(c.roots, root{source: source, path: path})
	}
}

// Below reports whether path is a source, or lies below one or below a part of one
// that is kept elsewhere, and names the source. Path need not exist; links and bind
// mounts on the way to it are seen through.
func (c *Catalog) Below(path string) (source string, below bool) {
	var roots []fs.FileInfo
	for _, r := range c.roots {
		info, _ := os.Stat(r.path) // nil is the same as no file
		roots = append(roots, info)
	}
	for dir := resolve(path, 0); ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil {
			for i, r := range roots {
				if r != nil && os.SameFile(r, info) {
					return c.roots[i].source, true
				}
			}
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

// resolve follows the links on the way to path, as opening it for writing would, as
// far as it exists. The result is absolute.
func resolve(path string, links int) string {
	if !filepath.IsAbs(path) {
		dir, err := os.Getwd()
		if err != nil {
			return path
		}
		path = dir + string(filepath.Separator) + path // not Join, which drops "link/.."
	}
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		return real
	}
	dir, name := filepath.Split(path)
	for len(dir) > 1 && os.IsPathSeparator(dir[len(dir)-1]) {
		dir = dir[:len(dir)-1]
	}
	if dir == path || !errors.Is(err, fs.ErrNotExist) {
		return filepath.Clean(path)
	}
	dir = resolve(dir, links)
	path = filepath.Join(dir, name)
	if link, err := os.Readlink(path); err == nil && links < 40 { // to nothing yet
		if !filepath.IsAbs(link) {
			link = dir + string(filepath.Separator) + link
		}
		return resolve(link, links+1)
	}
	return path
}
