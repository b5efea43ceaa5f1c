// SPDX-License-Identifier: Apache-2.0

package exporter

import (
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
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// Reasons why an output is refused.
var (
	ErrBelow = errors.New("output lies below a source, which is never written to")
	ErrOther = errors.New("the directory holds an export with other options; give another directory, or empty this one")
)

// outputs writes the files of an export and keeps the books on them. It belongs to
// the writer of the pipeline, but for keep, which the producer calls.
type outputs struct {
	opts     *Options
	summary  *Summary
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

// prepare checks the output and, for a directory, what a run before left there.
func (r *run) prepare() error {
	o := &outputs{opts: &r.opts, summary: &r.summary, previous: map[string]FileInfo{}}
	r.out = o
	r.notes()
	target := r.opts.Output.File + r.opts.Output.Dir
	if target != "" {
		if src, below := r.opts.Catalog.Below(target); below {
			return fmt.Errorf("%w: %s is below %s", ErrBelow, target, src)
		}
	}
	for _, f := range r.plan.files {
		for _, sh := range f.shards {
			r.opts.Progress.Shards.Add(1)
			files, err := tsmreader.Stat(sources(sh))
			if err != nil {
				continue // Open says why, as a fault of this shard
			}
			for _, s := range files {
				r.opts.Progress.TotalBytes.Add(s.Size)
			}
		}
	}
	o.manifest = Manifest{
		Format: manifestFormat, Tool: "shardlift " + r.opts.Version, Selection: r.opts.Selection.Describe(),
		Options: manifestOptions{Format: r.opts.Format, Salvage: r.opts.Salvage, Policies: r.plan.policies},
		Files:   []FileInfo{}, Faults: slices.Clone(r.summary.Faults), LeftOut: slices.Clone(r.summary.LeftOut),
	}
	if r.opts.Output.Dir == "" {
		return nil
	}
	return o.prepareDir(r.opts.Output.Dir)
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
		if old, err = readManifest(filepath.Join(dir, unfinishedName)); err != nil {
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
	if err := old.write(dir, unfinishedName); err != nil {
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
		now, err := tsmreader.Stat(sources(sh))
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

// begin starts a file.
func (o *outputs) begin(f *file, kept bool) error {
	o.shards, o.span = map[*volume.Shard]*shardBook{}, point.NoTime
	if kept {
		info := o.previous[f.name]
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
	o.info = &FileInfo{Name: f.name, Databases: f.databases, Shards: []ShardInfo{}, Faults: []Fault{}, LeftOut: []LeftOut{}}
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

func (o *outputs) write(chunk []byte) error {
	if o.hash != nil {
		_, _ = o.hash.Write(chunk) // never fails
	}
	o.info.OutputBytes += int64(len(chunk))
	if _, err := o.target.Write(chunk); err != nil {
		if o.file != nil {
			return err // it names the file
		}
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// report books what a task found and wrote.
func (o *outputs) report(t *task) {
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
		s.Start, s.End = spanText(book.span)
		o.span = o.span.Union(t.span)
	}
}

// end finishes a file.
func (o *outputs) end(*file) error {
	info := o.info
	info.Start, info.End = spanText(o.span)
	sortFaults(info.Faults)
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
		return o.manifest.write(o.opts.Output.Dir, unfinishedName)
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
func (r *run) close(ok bool) error {
	o := r.out
	var errs []error
	if o.file != nil {
		errs = append(errs, o.file.Abort())
		o.file = nil
	}
	sortFaults(r.summary.Faults)
	if dir := r.opts.Output.Dir; ok && dir != "" {
		err := o.manifest.write(dir, ManifestName)
		if err == nil {
			err = os.Remove(filepath.Join(dir, unfinishedName))
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

// notes puts what the catalog says of the sources as a whole into the summary.
func (r *run) notes() {
	s, sel, cat := &r.summary, r.opts.Selection, r.opts.Catalog
	s.Faults, s.LeftOut = r.plan.faults, []LeftOut{}
	if s.Faults == nil {
		s.Faults = []Fault{}
	}
	for _, u := range cat.Unreadable {
		s.Faults = append(s.Faults, Fault{File: u.Path, Offset: -1, Part: "source", Lost: true, Reason: u.Err.Error()})
	}
	for _, err := range cat.MetaErrors {
		s.Faults = append(s.Faults, Fault{Offset: -1, Part: "metastore", Reason: err.Error()})
	}
	for _, l := range cat.LeftOut {
		if l.Database == "" || sel.Database(l.Database) && sel.Policy(l.Policy) && sel.Shard(l.ID) {
			s.LeftOut = append(s.LeftOut, LeftOut{Path: l.Path, Reason: l.Reason.String() + ": " + l.Detail})
		}
	}
	missing := 0
	for _, m := range cat.Missing {
		if sel.Database(m.Database) && sel.Policy(m.Policy) && sel.Shard(m.ID) {
			missing++
		}
	}
	if missing > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%d shards that the metastore lists are not in the sources; in a cluster, other nodes hold them", missing))
	}
	sortFaults(s.Faults)
}
