// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// Whoever records again gets the points and the metadata that are in the repository.
func TestRecordAgain(t *testing.T) {
	influxdtest.Require(t)
	names := map[string]bool{}
	for _, name := range testvolume.Names(t) {
		names[name] = true
	}
	for _, rec := range recordings {
		delete(names, rec.name)
		t.Run(rec.name, func(t *testing.T) {
			t.Parallel()
			committed := testvolume.Open(t, rec.name)
			dir := t.TempDir()
			if err := rec.run(dir); err != nil {
				t.Fatal(err)
			}
			got, err := lpjudge.ReadNormalFile(filepath.Join(dir, "want.lp.gz"))
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range lpjudge.Diff(committed.Want, got, 10) {
				t.Error(line)
			}
			var meta map[string][]map[string]any
			b, err := os.ReadFile(filepath.Join(dir, "want-meta.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &meta); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(committed.Meta, meta); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name := range names {
		t.Errorf("testdata/volumes/%s is not recorded by anything", name)
	}
}

func TestCheck(t *testing.T) {
	volume := t.TempDir()
	dir := filepath.Join(volume, "wal/db/rp/1")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	entry := func(kind byte, size uint32) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{kind}, size), make([]byte, size)...)
	}
	segment := append(append(append(entry(1, 7), entry(3, 3)...), entry(3, 0)...), entry(3, 9)[:8]...)
	if err := os.WriteFile(filepath.Join(dir, "_00001.wal"), segment, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		rec recording
		ok  bool
	}{
		"nothing needed":  {recording{}, true},
		"all there":       {recording{needs: map[string]int{"wal/*/*/*/*.wal": 1}, walDeletes: 3}, true},
		"file missing":    {recording{needs: map[string]int{"wal/*/*/*/*.wal": 2}}, false},
		"deletes missing": {recording{walDeletes: 4}, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.rec.check(volume)
			if (err == nil) != tt.ok || (err != nil && !errors.Is(err, errMissed)) {
				t.Error(err)
			}
		})
	}
}

// A failing recording ends with an error, and its cleanups run, the last one first.
func TestFailure(t *testing.T) {
	tb := &recorderTB{}
	var order []int
	err := func() (err error) {
		defer func() { err = tb.finish(recover()) }()
		tb.Cleanup(func() { order = append(order, 1) })
		tb.Cleanup(func() { order = append(order, 2) })
		tb.Fatalf("no %s", "luck")
		return nil
	}()
	if err == nil || err.Error() != "no luck" {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff([]int{2, 1}, order); diff != "" {
		t.Error(diff)
	}
}
