// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Failer is told when a file cannot be written. *testing.T and *rapid.T are Failers.
type Failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Volume is a directory with data, wal and meta below it.
type Volume struct {
	Dir string

	t      Failer
	shards []*Shard
}

// NewVolume makes the three directories below dir.
func NewVolume(t Failer, dir string) *Volume {
	t.Helper()
	v := &Volume{Dir: dir, t: t}
	for _, d := range []string{v.DataDir(), v.WALDir(), v.MetaDir()} {
		makeDir(t, d)
	}
	return v
}

// DataDir is where the server's data directory lies.
func (v *Volume) DataDir() string { return filepath.Join(v.Dir, "data") }

// WALDir is where the server's WAL directory lies.
func (v *Volume) WALDir() string { return filepath.Join(v.Dir, "wal") }

// MetaDir is where the server's meta directory lies.
func (v *Volume) MetaDir() string { return filepath.Join(v.Dir, "meta") }

// Shard makes the two directories of a shard. Called again it gives the same shard.
func (v *Volume) Shard(database, policy string, id uint64) *Shard {
	v.t.Helper()
	for _, s := range v.shards {
		if s.Database == database && s.Policy == policy && s.ID == id {
			return s
		}
	}
	s := &Shard{
		Database: database, Policy: policy, ID: id,
		Start: math.MinInt64, End: math.MaxInt64,
		volume: v,
	}
	makeDir(v.t, s.DataDir())
	makeDir(v.t, s.WALDir())
	v.shards = append(v.shards, s)
	return s
}

// WriteMeta writes meta.db.
func (v *Volume) WriteMeta(m Meta) {
	v.t.Helper()
	writeFile(v.t, filepath.Join(v.MetaDir(), "meta.db"), m.Bytes())
}

// Meta lists all shards made so far, each in a group of its own that has the shard's
// id and its Start and End. Policies are infinite; the first one of a database is its default.
func (v *Volume) Meta() Meta {
	m := Meta{Index: 1, ClusterID: 1}
	for _, s := range v.shards {
		d := slices.IndexFunc(m.Databases, func(d MetaDatabase) bool { return d.Name == s.Database })
		if d < 0 {
			d = len(m.Databases)
			m.Databases = append(m.Databases, MetaDatabase{Name: s.Database, DefaultPolicy: s.Policy})
		}
		policies := &m.Databases[d].Policies
		p := slices.IndexFunc(*policies, func(p MetaPolicy) bool { return p.Name == s.Policy })
		if p < 0 {
			p = len(*policies)
			*policies = append(*policies, MetaPolicy{Name: s.Policy, GroupDuration: weekNano, Replicas: 1})
		}
		(*policies)[p].Groups = append((*policies)[p].Groups, MetaGroup{
			ID: s.ID, Start: s.Start, End: s.End, Shards: []MetaShard{{ID: s.ID}},
		})
	}
	return m
}

const weekNano = 7 * 24 * 3600 * 1e9

// Shard is a shard of a volume.
type Shard struct {
	Database, Policy string
	ID               uint64

	// Start and End are for Volume.Meta: the shard's group, End outside. All time
	// unless set.
	Start, End int64

	volume *Volume
}

// DataDir is the directory of the shard's TSM files.
func (s *Shard) DataDir() string { return s.below(s.volume.DataDir()) }

// WALDir is the directory of the shard's segments.
func (s *Shard) WALDir() string { return s.below(s.volume.WALDir()) }

func (s *Shard) below(dir string) string {
	return filepath.Join(dir, s.Database, s.Policy, strconv.FormatUint(s.ID, 10))
}

// TSM writes a TSM file and returns its path.
func (s *Shard) TSM(generation, sequence int, file *TSM) string {
	s.volume.t.Helper()
	return s.DataFile(TSMName(generation, sequence), file.Bytes())
}

// Tombstone writes the tombstone file of a TSM file and returns its path.
func (s *Shard) Tombstone(generation, sequence int, file []byte) string {
	s.volume.t.Helper()
	return s.DataFile(TombstoneName(generation, sequence), file)
}

// WAL writes a segment and returns its path.
func (s *Shard) WAL(number int, segment *WAL) string {
	s.volume.t.Helper()
	return s.WALFile(SegmentName(number), segment.Bytes())
}

// Fields writes fields.idx and returns its path.
func (s *Shard) Fields(measurements ...MeasurementFields) string {
	s.volume.t.Helper()
	return s.DataFile("fields.idx", FieldsIndex(measurements...))
}

// DataFile writes any file into the data directory and returns its path.
func (s *Shard) DataFile(name string, data []byte) string {
	s.volume.t.Helper()
	path := filepath.Join(s.DataDir(), name)
	writeFile(s.volume.t, path, data)
	return path
}

// WALFile writes any file into the WAL directory and returns its path.
func (s *Shard) WALFile(name string, data []byte) string {
	s.volume.t.Helper()
	path := filepath.Join(s.WALDir(), name)
	writeFile(s.volume.t, path, data)
	return path
}

// TSMName is the name of a TSM file.
func TSMName(generation, sequence int) string {
	return fmt.Sprintf("%09d-%09d.tsm", generation, sequence)
}

// TombstoneName is the name of a TSM file's tombstone file.
func TombstoneName(generation, sequence int) string {
	return fmt.Sprintf("%09d-%09d.tombstone", generation, sequence)
}

// SegmentName is the name of a WAL segment.
func SegmentName(number int) string { return fmt.Sprintf("_%05d.wal", number) }

func makeDir(t Failer, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatalf("make directory: %v", err)
	}
}

func writeFile(t Failer, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatalf("write file: %v", err)
	}
}
