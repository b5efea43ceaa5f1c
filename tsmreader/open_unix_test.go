// SPDX-License-Identifier: Apache-2.0

//go:build unix

package tsmreader_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/tsmreader"
)

// A pipe that is named like a file is left out: opening it would wait for ever.
func TestPipes(t *testing.T) {
	s := shardOf(t)
	for _, path := range []string{filepath.Join(s.DataDir(), shardtest.TSMName(1, 1)), filepath.Join(s.WALDir(), shardtest.SegmentName(1))} {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shard := open(t, tsmreader.Options{}, source(s))
	defer closeShard(t, shard)
	if n := len(shard.LeftOut()); n != 2 {
		t.Errorf("left out %v", shard.LeftOut())
	}
	read(t, shard, 1).want(t, shardtest.Contents{})
}

// One that stands in for fields.idx is a fault: there is nothing to compare with.
func TestPipeOfFields(t *testing.T) {
	for _, name := range []string{"fields.idx", "fields.idxl"} {
		s := shardOf(t)
		if name == "fields.idxl" {
			s.Fields()
		}
		path := filepath.Join(s.DataDir(), name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		shard := open(t, tsmreader.Options{}, source(s))
		defer closeShard(t, shard)
		if faults := shard.Faults(); len(faults) != 1 || faults[0].File != path || faults[0].Lost {
			t.Errorf("%s: faults %v", name, faults)
		}
	}
}
