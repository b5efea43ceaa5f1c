// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"os"
	"path/filepath"
)

// Litter adds all that crashes, backups and people leave in a shard's directories
// and that no query shows: unfinished and set aside files, an orphan tombstone, stale copies
// of the shard in directories, empty segments, foreign files. Some hold points of a measurement named
// litter. WAL segment 99999 and generation 999999999 must be free.
func (s *Shard) Litter() {
	t := s.volume.t
	t.Helper()
	var f TSM
	f.Add("litter#!~#f", Floats(Every(baseTime, 10e9, 3), 1, 2, 3))
	file := f.Bytes()
	var w WAL
	w.Write(Column{"litter#!~#f", Floats([]int64{baseTime}, 4)})
	all := TombstoneV4([]Tombstone{WholeColumn("litter#!~#f")})

	const stem = "999999999-000000001"
	for name, data := range map[string][]byte{
		stem + ".tsm.tmp":       file,
		stem + ".tsm.bad":       file,
		stem + ".idx.tmp":       file[:40],
		stem + ".tombstone.tmp": all[:4],
		stem + ".tombstone":     all, // its TSM file is gone
		"tombstone123456":       all,
		"fields.idx.tmp":        {0},
		"do_not_compact":        nil,
		"digest.tsd":            []byte("digest"),
		"digest.tsd.tmp":        nil,
		"notes.txt":             []byte("not the server's\n"),
	} {
		s.DataFile(name, data)
	}
	for _, dir := range []string{"1.tmp", "saved"} {
		makeDir(t, filepath.Join(s.DataDir(), dir))
		s.DataFile(filepath.Join(dir, TSMName(1, 1)), file)
	}
	makeDir(t, filepath.Join(s.DataDir(), "index", "0"))
	s.DataFile(filepath.Join("index", "0", "L0-00000001.tsl"), nil)
	s.WALFile(SegmentName(99999), nil)
	s.WALFile("00001.wal", w.Bytes())
	s.WALFile("_00001.wal.bak", w.Bytes())
	s.copyStale()
}

// copyStale copies the shard's first TSM file to where a backup would have linked it.
func (s *Shard) copyStale() {
	paths, err := filepath.Glob(filepath.Join(s.DataDir(), "*.tsm"))
	if err != nil || len(paths) == 0 {
		return
	}
	data, err := os.ReadFile(paths[0])
	if err != nil {
		s.volume.t.Fatalf("copy tsm file: %v", err)
		return
	}
	s.DataFile(filepath.Join("1.tmp", filepath.Base(paths[0])), data)
}
