// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/internal/exportdir"
)

// input is one file, pipe or Stdin.
type input struct {
	path  string // as people know it
	abs   string // in the identity
	stdin bool   // comes from Config.Stdin
	once  bool   // can be read but once: Stdin, pipes

	size  int64 // of a regular file, as it was when it was found
	mtime time.Time

	listed *listed // what a manifest says of it, or nil
	head   head

	// surveyed is the place in the text up to which Survey has handed out statements.
	surveyed int64
}

// listed is what a manifest says of a file.
type listed struct {
	sha256 string
	places []Place        // not mapped
	known  bool           // the points go to those places
	home   importer.Place // of points without a context: what all of the file belongs to
}

// find turns the names of the command line into inputs.
func (r *Reader) find() error {
	if len(r.cfg.Inputs) == 0 {
		return errors.New("no input is named")
	}
	for _, name := range r.cfg.Inputs {
		if name == "-" {
			if err := r.addStdin(); err != nil {
				return err
			}
			continue
		}
		if err := r.addPath(name); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) addStdin() error {
	if r.cfg.Stdin == nil {
		return errors.New("there is no standard input to read")
	}
	for _, in := range r.inputs {
		if in.stdin {
			return errors.New(`"-" is named twice: standard input can be read but once`)
		}
	}
	r.inputs = append(r.inputs, &input{path: "stdin", abs: "-", stdin: true, once: true})
	return nil
}

func (r *Reader) addPath(name string) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("input %s is not there", name)
	}
	if err != nil {
		return fmt.Errorf("find input: %w", err)
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return r.addDir(name)
	case mode.IsRegular():
		return r.addFile(name, info, nil)
	case mode&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0:
		abs, err := filepath.Abs(name)
		if err != nil {
			return fmt.Errorf("find input: %w", err)
		}
		r.inputs = append(r.inputs, &input{path: name, abs: abs, once: true})
		return nil
	}
	return fmt.Errorf("input %s is neither a file nor a directory nor a pipe", name)
}

// addFile adds a regular file.
func (r *Reader) addFile(name string, info fs.FileInfo, l *listed) error {
	abs, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("find input: %w", err)
	}
	r.inputs = append(r.inputs, &input{path: name, abs: abs, size: info.Size(), mtime: info.ModTime(), listed: l})
	return nil
}

// addDir adds the files of an export, or, where there is no manifest, all files that are
// called as line protocol is.
func (r *Reader) addDir(dir string) error {
	m, err := readManifest(dir)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return fmt.Errorf("list input: %w", err)
	}
	if m != nil {
		return r.addExport(dir, m, entries)
	}
	n := len(r.inputs)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !LooksRight(e.Name()) {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("find input: %w", err)
		}
		if !info.Mode().IsRegular() {
			r.notes = append(r.notes, fmt.Sprintf("%s is not a regular file, and is not read", path))
			continue
		}
		if err := r.addFile(path, info, nil); err != nil {
			return err
		}
	}
	if len(r.inputs) == n {
		return fmt.Errorf("directory %s holds no line protocol: neither a manifest.json nor files that end in .lp, .txt, .gz or .zst (the directories of a server are for `shardlift replay`)", dir)
	}
	return nil
}

// addExport adds the files that a manifest lists.
func (r *Reader) addExport(dir string, m *manifest, entries []fs.DirEntry) error {
	names := map[string]bool{}
	for i := range m.Files {
		f := &m.Files[i]
		names[f.Name] = true
		path := filepath.Join(dir, f.Name)
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return damagedf("%s is not there, but the manifest lists it: the export is not whole", path)
		case err != nil:
			return fmt.Errorf("find input: %w", err)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is not a regular file", path)
		case info.Size() != f.OutputBytes:
			return damagedf("%s has %d bytes, but %d according to the manifest: the export is damaged", path, info.Size(), f.OutputBytes)
		}
		l, err := m.listed(f)
		if err != nil {
			return fmt.Errorf("read %s: file %q: %w", filepath.Join(dir, exportdir.ManifestName), f.Name, err)
		}
		if err := r.addFile(path, info, l); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if LooksRight(e.Name()) && !names[e.Name()] {
			r.notes = append(r.notes, fmt.Sprintf("%s is not in the manifest, and is not read", filepath.Join(dir, e.Name())))
		}
	}
	return nil
}

// LooksRight tells the files of a directory that are to be read by their names. Only
// here a name says anything.
func LooksRight(name string) bool {
	if strings.HasPrefix(name, ".") {
		return false
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".lp", ".txt", ".gz", ".zst":
		return true
	}
	return false
}

// identity is what Identity gives. Of batch sizes and checks it says nothing: they change
// no point.
type identity struct {
	Inputs    []inputIdentity `json:"inputs"`
	Database  string          `json:"database,omitempty"`
	Policy    string          `json:"policy,omitempty"`
	Mapping   []string        `json:"mapping,omitempty"`
	Selection any             `json:"selection,omitempty"`
	UnitNano  int64           `json:"unitNano"`
	Now       int64           `json:"now"`
}

type inputIdentity struct {
	Path     string `json:"path"`
	Size     int64  `json:"size,omitempty"`
	Modified string `json:"modified,omitempty"`
	SHA256   string `json:"sha256,omitempty"`
}

// Identity says what is replayed: the inputs as they were when they were found, and all
// of Config that changes the points. As JSON it is the same bytes for the same. Of an
// input that can be read only once it has the name; Resume looks at the text.
func (r *Reader) Identity() any {
	id := identity{
		Database: r.cfg.Database, Policy: r.cfg.Policy, Mapping: r.cfg.Mapping.Describe(),
		UnitNano: r.unit, Now: r.cfg.Now,
	}
	if r.cfg.Selection != nil {
		id.Selection = r.cfg.Selection.Describe()
	}
	for _, in := range r.inputs {
		one := inputIdentity{Path: in.abs}
		if !in.once {
			one.Size, one.Modified = in.size, in.mtime.UTC().Format(time.RFC3339Nano)
		}
		if in.listed != nil {
			one.SHA256 = in.listed.sha256
		}
		id.Inputs = append(id.Inputs, one)
	}
	return id
}
