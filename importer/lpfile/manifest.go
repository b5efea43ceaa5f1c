// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/internal/exportdir"
	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/point"
)

// manifest is what is read of the manifest of an export; docs/cli.md has all of it.
type manifest struct {
	Format   int    `json:"format"`
	Checksum string `json:"checksum"` // early versions wrote none
	Options  struct {
		Format struct {
			LineProtocolOnly bool `json:"lineProtocolOnly"`
			OneFieldPerLine  bool `json:"oneFieldPerLine"`
		} `json:"format"`
	} `json:"options"`
	Files []manifestFile `json:"files"`
}

type manifestFile struct {
	Name        string          `json:"name"`
	Shards      []manifestShard `json:"shards"`
	OutputBytes int64           `json:"outputBytes"`
	SHA256      string          `json:"sha256"`
}

type manifestShard struct {
	Database string `json:"database"`
	Policy   string `json:"policy"`
	Start    string `json:"start"`
	End      string `json:"end"`
	Points   int64  `json:"points"`
}

// readManifest reads the manifest of a directory; nil if it has none. An export that did
// not end is an error.
func readManifest(dir string) (*manifest, error) {
	path := filepath.Join(dir, exportdir.ManifestName)
	b, err := exportdir.ReadManifest(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(filepath.Join(dir, exportdir.UnfinishedName)); err == nil {
			return nil, fmt.Errorf("%s holds an export that has not ended: run the same export again to finish it", dir)
		}
		return nil, nil //nolint:nilnil // no manifest is no error
	}
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	m := &manifest{}
	if err := jsonbytes.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if m.Format != exportdir.ManifestFormat {
		return nil, fmt.Errorf("read %s: manifest format %d is not known to this version", path, m.Format)
	}
	if m.Checksum != "" && !exportdir.SealHolds(b, m.Checksum) {
		return nil, damagedf("%s is damaged, or was changed after the export: its own checksum does not hold", path)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return m, nil
}

// check refuses names that lead out of the directory, and files without a checksum.
func (m *manifest) check() error {
	seen := map[string]bool{}
	for _, f := range m.Files {
		switch {
		case f.Name == "" || f.Name == "." || f.Name == ".." || strings.ContainsAny(f.Name, "/\\\x00"):
			return fmt.Errorf("%q is no plain file name", f.Name)
		case seen[f.Name]:
			return fmt.Errorf("file %q is listed twice", f.Name)
		}
		seen[f.Name] = true
		if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != sha256.Size {
			return fmt.Errorf("file %q has no SHA-256", f.Name)
		}
	}
	return nil
}

// listed turns the books on a file into what the reader needs of them. Where the text
// does not say which points belong where, the books are of no use for that, unless all
// belong to one place.
func (m *manifest) listed(f *manifestFile) (*listed, error) {
	l := &listed{sha256: strings.ToLower(f.SHA256)}
	at := map[importer.Place]int{}
	for _, s := range f.Shards {
		span, err := point.ParseTexts(s.Start, s.End)
		if err != nil {
			return nil, err
		}
		place := importer.Place{Database: s.Database, Policy: s.Policy}
		i, ok := at[place]
		if !ok {
			i = len(l.places)
			at[place] = i
			l.places = append(l.places, Place{Place: place, Span: point.NoTime})
		}
		l.places[i].Span = l.places[i].Span.Union(span)
		switch { // of lines with one field each, there are more
		case !m.Options.Format.OneFieldPerLine:
			l.places[i].Points += s.Points
		case s.Points > 0:
			l.places[i].Points = -1
		}
	}
	if len(l.places) == 1 {
		l.home = l.places[0].Place
	}
	l.known = len(l.places) <= 1 || !m.Options.Format.LineProtocolOnly
	return l, nil
}

// verify compares the files of exports with their manifests, once.
func (r *Reader) verify(ctx context.Context) error {
	if r.verified {
		return nil
	}
	buf := make([]byte, 1<<20)
	for _, in := range r.inputs {
		if in.listed == nil {
			continue
		}
		if err := in.verify(ctx, buf, r.cfg.Surveyed); err != nil {
			return err
		}
	}
	r.verified = true
	return nil
}

func (in *input) verify(ctx context.Context, buf []byte, read *atomic.Int64) error {
	f, err := in.openFile()
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // was only read
	h := sha256.New()
	for {
		n, err := f.Read(buf)
		read.Add(int64(n))
		_, _ = h.Write(buf[:n]) // never fails
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("check input: %w", err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if hex.EncodeToString(h.Sum(nil)) != in.listed.sha256 {
		return damagedf("%s is damaged: its SHA-256 is not the one in the manifest", in.path)
	}
	return nil
}
