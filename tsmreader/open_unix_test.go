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
