// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/inspector"
	"github.com/shardlift/shardlift/inspector/page"
	"github.com/shardlift/shardlift/internal/atomicfile"
	"github.com/shardlift/shardlift/volume"
)

// pageError marks errors of the file of --html, where a hint differs.
type pageError struct{ error }

func (e pageError) Unwrap() error { return e.error }

// hint says what can be done about it.
func (e pageError) hint() string {
	switch err := e.error; {
	case errors.Is(err, exporter.ErrBelow):
		return "name a place outside of all sources with --html"
	case errors.Is(err, atomicfile.ErrLocked):
		return "another run is writing this page"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "name a place that this user may write to with --html"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room, or write to another disk with --html"
	case errors.Is(err, fs.ErrNotExist):
		return "the directory of the page must exist"
	}
	return ""
}

// createPage begins the page, before anything is looked at: where it cannot be written,
// nobody has to wait for that to be said. It is nil where none was asked for.
func (i *inspectCmd) createPage(cat *volume.Catalog) (*atomicfile.File, error) {
	if i.HTML == "" {
		return nil, nil //nolint:nilnil // no page is no error
	}
	if source, below := cat.Below(i.HTML); below {
		return nil, pageError{fmt.Errorf("%w: %s is below %s", exporter.ErrBelow, i.HTML, source)}
	}
	f, err := atomicfile.Create(i.HTML, atomicfile.Options{})
	if err != nil {
		return nil, pageError{err}
	}
	return f, nil
}

// finishPage writes the page, or leaves none.
func finishPage(f *atomicfile.File, r *inspector.Report) error {
	if f == nil {
		return nil
	}
	o := page.Options{Generated: time.Now().UTC().Format("2006-01-02 15:04 UTC"), Version: version}
	if err := page.Write(f, r, o); err != nil {
		return pageError{errors.Join(err, f.Abort())}
	}
	if err := f.Commit(); err != nil {
		return pageError{err}
	}
	return nil
}
