// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/atomicfile"
	"github.com/shardlift/shardlift/internal/exportdir"
	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/tsmreader"
)

// The manifest of an export directory, and its name while the export runs: a
// directory with a manifest.json is complete.
const (
	ManifestName   = exportdir.ManifestName
	UnfinishedName = exportdir.UnfinishedName
)

// Manifest says what an export directory holds and where it came from. It depends on
// sources and options only, so that two exports of the same source are the same.
type Manifest struct {
	Format    int                `json:"format"` // 1
	Tool      string             `json:"tool"`
	Selection filter.Description `json:"selection"`
	Options   manifestOptions    `json:"options"`
	Totals
	Files   []FileInfo `json:"files"`
	Faults  []Fault    `json:"faults"` // of the sources as a whole; those of shards are with their files
	LeftOut []LeftOut  `json:"leftOut"`
	// Checksum is the SHA-256 of the manifest as it is written, with zeros for its digits:
	// what no other field bears out is guarded by it.
	Checksum string `json:"checksum"`
}

type manifestOptions struct {
	Format   Format `json:"format"`
	Salvage  bool   `json:"salvage"`
	Policies any    `json:"policies"` // what the DDL names
}

// FileInfo is one file of an export.
type FileInfo struct {
	Name      string      `json:"name"`
	Databases []string    `json:"databases"`
	Shards    []ShardInfo `json:"shards"`
	Start     string      `json:"start,omitempty"` // RFC 3339, of the first point
	End       string      `json:"end,omitempty"`
	Totals
	OutputBytes int64     `json:"outputBytes"`
	SHA256      string    `json:"sha256"` // of the file as it is, compressed or not
	Faults      []Fault   `json:"faults"`
	LeftOut     []LeftOut `json:"leftOut"`
	Notes       []string  `json:"notes,omitempty"`
}

// ShardInfo is one shard in a file, with what it was read from.
type ShardInfo struct {
	Database string       `json:"database"`
	Policy   string       `json:"policy"`
	ID       uint64       `json:"id"`
	Start    string       `json:"start,omitempty"` // RFC 3339, of the first point
	End      string       `json:"end,omitempty"`
	Points   int64        `json:"points"`
	Values   int64        `json:"values"`
	Sources  []SourceFile `json:"sources"`
}

// SourceFile is a file of a source as it was when it was read.
type SourceFile struct {
	Path     string `json:"path"`
	Size     int64  `json:"size"`
	Modified string `json:"modified"` // RFC 3339
}

func sourceFiles(files []tsmreader.File) []SourceFile {
	out := make([]SourceFile, len(files))
	for i, f := range files {
		out[i] = SourceFile{Path: f.Path, Size: f.Size, Modified: f.ModTime.UTC().Format(time.RFC3339Nano)}
	}
	return out
}

// readManifest reads a manifest; without one it is nil.
func readManifest(path string) (*Manifest, error) {
	b, err := exportdir.ReadManifest(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no manifest is no error
	}
	if err != nil {
		return nil, err
	}
	m, err := ParseManifest(b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return m, nil
}

// ParseManifest reads the text of a manifest. Its checksum is not looked at.
func ParseManifest(b []byte) (*Manifest, error) {
	m := &Manifest{}
	if err := jsonbytes.Unmarshal(b, m); err != nil {
		return nil, err
	}
	if m.Format != exportdir.ManifestFormat {
		return nil, fmt.Errorf("manifest format %d is not known to this version", m.Format)
	}
	return m, nil
}

// ChecksumHolds reports whether the text of a manifest is what its checksum says. Sealed is
// false where it has none, as those of early versions.
func ChecksumHolds(b []byte, m *Manifest) (holds, sealed bool) {
	if m.Checksum == "" {
		return false, false
	}
	return exportdir.SealHolds(b, m.Checksum), true
}

// write puts the manifest into dir under name.
func (m *Manifest) write(dir, name string) error {
	m.Checksum = exportdir.Unsealed
	b, err := json.MarshalIndent(jsonbytes.Escaped(m), "", "  ")
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	b = exportdir.Seal(append(b, '\n'))
	f, err := atomicfile.Create(filepath.Join(dir, name), atomicfile.Options{})
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	defer f.Abort() //nolint:errcheck // nothing is left to undo after Commit
	if _, err := f.Write(b); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return f.Commit()
}

// sameExport reports whether two manifests are of exports with the same options.
func (m *Manifest) sameExport(o *Manifest) bool {
	a, errA := jsonbytes.Marshal([]any{m.Tool, m.Selection, m.Options})
	b, errB := jsonbytes.Marshal([]any{o.Tool, o.Selection, o.Options})
	return errA == nil && errB == nil && slices.Equal(a, b)
}
