// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/shardlift/shardlift/internal/atomicfile"
	"github.com/shardlift/shardlift/internal/exportdir"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// Reasons why an output is refused.
var (
	ErrBelow = errors.New("output lies below a source, which is never written to")
	ErrOther = errors.New("the directory holds an export with other options; give another directory, or empty this one")
)

// outputs is the sink that writes the files of an export and keeps the books on them.
type outputs struct {
	opts     *Options
	plan     *plan
	summary  *Summary
	free     chan []byte // chunks to use again
	lock     *atomicfile.DirLock
	previous map[string]FileInfo
	manifest Manifest

	target io.Writer
	file   *atomicfile.File
	info   *FileInfo
	hash   hash.Hash
	span   point.TimeRange // of info
	shards map[*volume.Shard]*shardBook
}

// shardBook adds up what a shard gave to a file.
type shardBook struct {
	at   int // in info.Shards
	span point.TimeRange
}

func newOutputs(r *run) *outputs {
	return &outputs{opts: &r.opts, plan: r.plan, summary: &r.summary, free: r.free, previous: map[string]FileInfo{}}
}

// prepare checks the output and, for a directory, what a run before left there.
func (o *outputs) prepare() error {
	out := o.opts.Output
	if target := out.File + out.Dir; target != "" {
		if src, below := o.opts.Catalog.Below(target); below {
			return fmt.Errorf("%w: %s is below %s", ErrBelow, target, src)
		}
	}
	o.manifest = Manifest{
		Format: exportdir.ManifestFormat, Tool: "shardlift " + o.opts.Version, Selection: o.opts.Selection.Describe(),
		Options: manifestOptions{Format: o.opts.Format, Salvage: o.opts.Salvage, Policies: o.plan.policies},
		Files:   []FileInfo{}, Faults: slices.Clone(o.summary.Faults), LeftOut: slices.Clone(o.summary.LeftOut),
	}
	if out.Dir == "" {
		return nil
	}
	return o.prepareDir(out.Dir)
}

// prepareDir takes the directory for this run and reads what is in it.
func (o *outputs) prepareDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make output directory: %w", err)
	}
	lock, err := atomicfile.LockDir(dir)
	if err != nil {
		return fmt.Errorf("take %s: %w", dir, err)
	}
	o.lock = lock
	old, err := readManifest(filepath.Join(dir, ManifestName))
	if err != nil {
		return err
	}
	if old == nil {
		if old, err = readManifest(filepath.Join(dir, UnfinishedName)); err != nil {
			return err
		}
	}
	if old == nil {
		return nil
	}
	if !old.sameExport(&o.manifest) {
		return fmt.Errorf("%w: %s", ErrOther, dir)
	}
	for _, f := range old.Files {
		o.previous[f.Name] = f
	}
	// Until this run is done, nothing may look finished.
	old.Files = slices.Clone(old.Files)
	if err := old.write(dir, UnfinishedName); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, ManifestName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the manifest of the run before: %w", err)
	}
	return nil
}

// keep reports whether a file of a run before is what this run would write: the same
// shards, from files that did not change, and whole.
func (o *outputs) keep(f *file) (bool, error) {
	old, ok := o.previous[f.name]
	if !ok || len(old.Shards) != len(f.shards) || !slices.Equal(old.Databases, f.databases) {
		return false, nil
	}
	for i, sh := range f.shards {
		was := old.Shards[i]
		if was.Database != sh.Database || was.Policy != sh.Policy || was.ID != sh.ID {
			return false, nil
		}
		now, err := tsmreader.Stat(Sources(sh))
		if err != nil || !slices.Equal(sourceFiles(now), was.Sources) {
			return false, nil // reading it again says what is wrong with it
		}
	}
	in, err := os.Open(filepath.Join(o.opts.Output.Dir, f.name))
	if err != nil {
		return false, nil // it is not there, so it is written
	}
	defer in.Close() //nolint:errcheck // was only read
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return false, fmt.Errorf("check %s: %w", f.name, err)
	}
	return hex.EncodeToString(h.Sum(nil)) == old.SHA256, nil
}

// openBooks begins to count for a file.
func (o *outputs) openBooks(f *file) {
	o.shards, o.span = map[*volume.Shard]*shardBook{}, point.NoTime
	o.info = &FileInfo{Name: f.name, Databases: f.databases, Shards: []ShardInfo{}, Faults: []Fault{}, LeftOut: []LeftOut{}}
}

// begin starts a file.
func (o *outputs) begin(f *file, kept bool) error {
	if kept {
		info := o.previous[f.name]
		if err := o.opts.strict(info.Faults); err != nil {
			return err
		}
		o.info = nil
		o.finished(info, true)
		for _, sh := range info.Shards {
			o.opts.Progress.ShardsDone.Add(1)
			for _, s := range sh.Sources {
				o.opts.Progress.DoneBytes.Add(s.Size)
			}
		}
		return nil
	}
	o.openBooks(f)
	out := o.opts.Output
	if out.Stream != nil {
		o.target = out.Stream
		return nil
	}
	path := out.File
	if out.Dir != "" {
		path = filepath.Join(out.Dir, f.name)
		o.hash = sha256.New()
	}
	var err error
	if o.file, err = atomicfile.Create(path, atomicfile.Options{}); err != nil {
		return err // it names the file
	}
	o.target = o.file
	return nil
}

// write puts a chunk into the file and gives it back to the workers.
func (o *outputs) write(_ context.Context, _ *task, c chunk) error {
	if o.hash != nil {
		_, _ = o.hash.Write(c.text) // never fails
	}
	o.info.OutputBytes += int64(len(c.text))
	if _, err := o.target.Write(c.text); err != nil {
		if o.file != nil {
			return err // it names the file
		}
		return fmt.Errorf("write output: %w", err)
	}
	reuse(o.free, c.text)
	return nil
}

// reuse gives the memory of a chunk back, unless enough is kept.
func reuse(free chan []byte, text []byte) {
	select {
	case free <- text[:0]:
	default:
	}
}

// report books what a task found and wrote.
func (o *outputs) report(_ context.Context, t *task) error {
	o.book(t)
	return nil
}

func (o *outputs) book(t *task) {
	i := o.info
	i.Faults = append(i.Faults, t.faults...)
	if t.note != "" {
		i.Notes = append(i.Notes, t.note)
	}
	i.Bytes += t.totals.Bytes
	if t.run == nil {
		return
	}
	book := o.shards[t.run.shard]
	if book == nil && t.opened == nil {
		return // never opened: not in this file, so that the next run tries again
	}
	if book == nil {
		book = &shardBook{at: len(i.Shards), span: point.NoTime}
		o.shards[t.run.shard] = book
		sh := t.run.shard
		i.Shards = append(i.Shards, ShardInfo{Database: sh.Database, Policy: sh.Policy, ID: sh.ID, Sources: []SourceFile{}})
		o.opts.Progress.ShardsDone.Add(1)
	}
	s := &i.Shards[book.at]
	if t.opened != nil {
		s.Sources = sourceFiles(t.opened.Files())
		for _, l := range t.opened.LeftOut() {
			i.LeftOut = append(i.LeftOut, LeftOut{Path: l.Path, Reason: string(l.Why)})
		}
	}
	s.Points += t.totals.Points
	s.Values += t.totals.Values
	i.Series += t.totals.Series
	i.Points += t.totals.Points
	i.Values += t.totals.Values
	if t.totals.Points > 0 {
		book.span = book.span.Union(t.span)
		s.Start, s.End = book.span.Texts()
		o.span = o.span.Union(t.span)
	}
}

// end finishes a file.
func (o *outputs) end(*file) error {
	info := o.info
	info.Start, info.End = o.span.Texts()
	info.Faults = slices.Clone(info.Faults) // positions of a stream hold them too
	SortFaults(info.Faults)
	info.Faults = dedupe(info.Faults)
	if o.file != nil {
		err := o.file.Commit()
		o.file = nil
		if err != nil {
			return err // it names the file
		}
	}
	if o.hash != nil {
		info.SHA256 = hex.EncodeToString(o.hash.Sum(nil))
	}
	o.finished(*info, false)
	if o.opts.Output.Dir != "" {
		return o.manifest.write(o.opts.Output.Dir, UnfinishedName)
	}
	return nil
}

// finished adds a file to the manifest and the summary.
func (o *outputs) finished(info FileInfo, kept bool) {
	s := o.summary
	m := &o.manifest
	info.Totals.Shards = int64(len(info.Shards))
	m.Files = append(m.Files, info)
	m.add(info.Totals)
	s.add(info.Totals)
	s.OutputBytes += info.OutputBytes
	s.Faults = append(s.Faults, info.Faults...)
	s.LeftOut = append(s.LeftOut, info.LeftOut...)
	s.Notes = append(s.Notes, info.Notes...)
	s.Start, s.End = earlier(s.Start, info.Start), later(s.End, info.End)
	out := o.opts.Output
	switch {
	case out.Dir != "":
		s.Files = append(s.Files, filepath.Join(out.Dir, info.Name))
	case out.File != "":
		s.Files = append(s.Files, out.File)
	}
	if kept {
		s.Kept++
	}
}

// earlier and later compare times as spanText writes them; all end in Z, and those
// before the year 1 do not occur.
func earlier(a, b string) string {
	if a == "" || b != "" && parseTime(b).Before(parseTime(a)) {
		return b
	}
	return a
}

func later(a, b string) string {
	if a == "" || b != "" && parseTime(b).After(parseTime(a)) {
		return b
	}
	return a
}

// close ends the run: the manifest when all went well, no half file otherwise.
func (o *outputs) close(ok bool) error {
	var errs []error
	if o.file != nil {
		errs = append(errs, o.file.Abort())
		o.file = nil
	}
	SortFaults(o.summary.Faults)
	if dir := o.opts.Output.Dir; ok && dir != "" {
		err := o.manifest.write(dir, ManifestName)
		if err == nil {
			err = os.Remove(filepath.Join(dir, UnfinishedName))
			if errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
		errs = append(errs, err)
	}
	if o.lock != nil {
		errs = append(errs, o.lock.Close())
	}
	return errors.Join(errs...)
}
