// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/importer/lpfile"
)

// ExportOptions say which exports to check.
type ExportOptions struct {
	Paths    []string // files and directories, and "-" for Stdin
	Stdin    io.Reader
	Workers  int       // files at a time; 0: one for each processor
	Progress *Progress // may be nil
}

// ExportReport is what a check of exports found.
type ExportReport struct {
	Exports []Export `json:"exports"`
	Found   `json:"-"`
	Notes   []string `json:"-"`
	Seconds float64  `json:"seconds"`
}

// Export is one of the paths that were named.
type Export struct {
	Path     string       `json:"path"`
	Manifest string       `json:"manifest,omitempty"` // that its files were compared with
	Files    []ExportFile `json:"files"`
}

// ExportFile is one file as it was read.
type ExportFile struct {
	Path        string `json:"path"`
	Listed      bool   `json:"listed"`                // in the manifest
	Compression string `json:"compression,omitempty"` // gzip or zstd
	OutputBytes int64  `json:"outputBytes"`           // of the file as it is
	SHA256      string `json:"sha256,omitempty"`
	Bytes       int64  `json:"bytes"` // of text
	Points      int64  `json:"points"`
	Values      int64  `json:"values"`
	Start       string `json:"start,omitempty"` // of the first and the last point
	End         string `json:"end,omitempty"`
	Faults      int64  `json:"faults"`
}

// Exports checks files and directories that an export wrote, or that hold line protocol. A
// file that a manifest lists is compared with it, any other one is parsed and counted.
// What is wrong is in the report; an error comes only when ctx ends.
func Exports(ctx context.Context, opts ExportOptions) (*ExportReport, error) {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.Progress == nil {
		opts.Progress = &Progress{}
	}
	began := time.Now()
	r := &exportRun{opts: opts, books: map[string]*book{}}
	for _, path := range opts.Paths {
		r.plan(path)
	}
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	for _, j := range r.jobs {
		r.finish(j)
	}
	r.report.settle()
	r.report.Seconds = time.Since(began).Seconds()
	return &r.report, nil
}

// exportRun is one check.
type exportRun struct {
	opts   ExportOptions
	books  map[string]*book // by directory
	jobs   []*fileJob
	report ExportReport
}

// fileJob is one file to read.
type fileJob struct {
	export int // in the report
	path   string
	book   *book
	entry  *exporter.FileInfo // what the book says of it, or nil
	size   int64              // when it was found; -1: a pipe has none

	audit *lpfile.Audit
	err   error // of opening it
}

// plan finds out what a path names.
func (r *exportRun) plan(path string) {
	at := len(r.report.Exports)
	r.report.Exports = append(r.report.Exports, Export{Path: path, Files: []ExportFile{}})
	info, err := os.Stat(path)
	switch {
	case path == "-":
		r.job(&fileJob{export: at, path: "stdin"})
	case err != nil:
		r.faultOf(path, bare(err))
	case info.IsDir():
		r.planDir(at, path)
	default:
		j := &fileJob{export: at, path: path}
		if dir, name := filepath.Split(filepath.Clean(path)); info.Mode().IsRegular() {
			if b := r.bookOf(filepath.Clean(dir + ".")); b != nil && b.files[name] != nil {
				j.book, j.entry = b, b.files[name]
				r.report.Exports[at].Manifest = b.path
			}
		}
		r.job(j)
	}
}

// planDir takes the files of a directory: those of its manifest, or where it has none those
// that are called as line protocol is.
func (r *exportRun) planDir(at int, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.faultOf(dir, bare(err))
		return
	}
	b := r.bookOf(dir)
	if b != nil && b.manifest != nil {
		r.report.Exports[at].Manifest = b.path
		for i := range b.manifest.Files {
			entry := &b.manifest.Files[i]
			if b.files[entry.Name] == entry {
				r.listed(at, dir, b, entry)
			}
		}
	}
	n := 0
	var unfinished []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case b == nil && lpfile.Unfinished(e.Name()):
			unfinished = append(unfinished, path)
		case b != nil && (e.Name() == filepath.Base(b.path) || b.files[e.Name()] != nil):
		case b != nil && b.manifest != nil:
			r.report.Notes = append(r.report.Notes, path+" is not in the manifest, and was not read")
		case !lpfile.LooksRight(e.Name()):
		case !regular(path):
			r.report.Notes = append(r.report.Notes, path+" is not a regular file, and was not read")
		default:
			n++
			r.job(&fileJob{export: at, path: path})
		}
	}
	for _, path := range unfinished {
		if n == 0 {
			r.faultOf(path, errors.New("an export has not ended it: wait for it, or run the same export again"))
		} else {
			r.report.Notes = append(r.report.Notes, path+" is of an export that has not ended, and was not read")
		}
	}
	if b == nil && n+len(unfinished) == 0 {
		r.faultOf(dir, fmt.Errorf("holds neither a manifest nor files that end in .lp, .txt, .gz or .zst"))
	}
}

// listed takes a file that a manifest lists, if it is there.
func (r *exportRun) listed(at int, dir string, b *book, entry *exporter.FileInfo) {
	path := filepath.Join(dir, entry.Name)
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		r.lost(path, entry, "is not there, but the manifest lists it")
	case err != nil:
		r.lost(path, entry, bare(err).Error())
	case !info.Mode().IsRegular():
		r.lost(path, entry, "is not a regular file")
	default:
		r.job(&fileJob{export: at, path: path, book: b, entry: entry})
	}
}

// lost reports a file of which nothing can be read.
func (r *exportRun) lost(path string, entry *exporter.FileInfo, reason string) {
	f := exporter.Fault{File: path, Offset: -1, Part: "file", Lost: true, Reason: reason}
	if entry != nil {
		f.Values, f.Start, f.End = entry.Values, entry.Start, entry.End
	}
	r.report.note(f)
	r.opts.Progress.Faults.Add(1)
}

func (r *exportRun) faultOf(path string, err error) { r.lost(path, nil, err.Error()) }

func regular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func (r *exportRun) job(j *fileJob) {
	r.jobs = append(r.jobs, j)
	r.opts.Progress.Files.Add(1)
	j.size = -1
	if info, err := os.Stat(j.path); err == nil && info.Mode().IsRegular() && r.report.Exports[j.export].Path != "-" {
		j.size = info.Size()
		r.opts.Progress.TotalBytes.Add(j.size)
	}
}

// read reads all files, several at a time.
func (r *exportRun) read(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.opts.Workers)
	p := r.opts.Progress
	count := lpfile.Counters{Read: &p.DoneBytes, Points: &p.Points}
	for _, j := range r.jobs {
		g.Go(func() error {
			if r.report.Exports[j.export].Path == "-" {
				j.audit, j.err = lpfile.AuditStream(ctx, j.path, r.opts.Stdin, count)
			} else {
				j.audit, j.err = lpfile.AuditFile(ctx, j.path, count)
			}
			p.FilesDone.Add(1)
			if j.audit != nil {
				p.Faults.Add(int64(len(j.audit.Faults)) + j.audit.More)
			}
			return context.Cause(ctx)
		})
	}
	return g.Wait()
}

// finish compares what was read of a file with what should be there.
func (r *exportRun) finish(j *fileJob) {
	e := &r.report.Exports[j.export]
	if j.err != nil {
		r.lost(j.path, j.entry, bare(j.err).Error())
		e.Files = append(e.Files, ExportFile{Path: j.path, Listed: j.entry != nil, Faults: 1})
		return
	}
	a := j.audit
	before := r.report.Count()
	for _, f := range a.Faults {
		r.report.note(exporter.Fault{File: j.path, Offset: f.Offset, Line: f.Line, Part: f.Part, Lost: f.Lost, Reason: f.Reason})
	}
	r.report.More += a.More
	r.report.Lost += a.More
	r.report.note(statements(j)...)
	if j.entry != nil {
		r.report.note(compare(j)...)
	} else {
		if j.size > a.Bytes {
			r.lost(j.path, nil, fmt.Sprintf("had %d bytes, and became shorter while it was read: it ends at byte %d", j.size, a.Bytes))
		}
		r.report.Notes = append(r.report.Notes, unlisted(j)...)
	}
	f := ExportFile{
		Path: j.path, Listed: j.entry != nil, Compression: a.Coding, OutputBytes: a.Bytes, SHA256: a.SHA256,
		Bytes: a.Text, Points: a.Points, Values: a.Values, Faults: r.report.Count() - before,
	}
	f.Start, f.End = a.Span.Texts()
	e.Files = append(e.Files, f)
}

// unlisted gives what may be wrong with a file of which no manifest tells.
func unlisted(j *fileJob) (notes []string) {
	a := j.audit
	if j.size >= 0 && j.size < a.Bytes {
		notes = append(notes, fmt.Sprintf("%s: grew from %d to %d bytes while it was read; check it again when it is whole", j.path, j.size, a.Bytes))
	}
	if a.NoTime > 0 {
		notes = append(notes, fmt.Sprintf("%s: %d points have no time", j.path, a.NoTime))
	}
	if a.OpenEnd {
		notes = append(notes, j.path+": the last line does not end with a line feed; the file may be cut off")
	}
	if a.Points == 0 && len(a.Faults) == 0 {
		notes = append(notes, j.path+": holds no points")
	}
	return notes
}
