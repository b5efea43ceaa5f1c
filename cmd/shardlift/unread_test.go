// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
)

// A directory that may not be read costs what lies in it, and nothing beside it: each command
// takes the rest, names the directory, and says what is lost. It is no fault where the rest
// is all that was asked for.
func TestUnreadDirectories(t *testing.T) {
	const (
		fromTSM, fromWAL = "m f=1 1\n", "m f=2 2\n"
		shardWAL         = ": wal: what only the WAL holds is not taken, so that values may be missing, or older than they should be: permission denied\n"
		treeWAL          = ": source: the WAL of shards in it is not taken, so that values may be missing, or older than they should be: permission denied\n"
		treeData         = ": source: shards in it are not taken, but for what a WAL elsewhere holds of them: permission denied\n"
	)
	for dir, c := range map[string]struct{ reason, text string }{
		"wal/db/autogen/1":            {shardWAL, fromTSM},
		"wal/db/autogen":              {treeWAL, fromTSM},
		"wal/db":                      {treeWAL, fromTSM},
		"wal":                         {treeWAL, fromTSM},
		"data/db/autogen/1":           {": shard: its TSM files and tombstones are not taken, only what the WAL holds: permission denied\n", fromWAL},
		"data/db/autogen":             {treeData, fromWAL},
		"data/db":                     {treeData, fromWAL},
		"wal/db/autogen/1/_00001.wal": {": wal: its writes and deletes are not taken, so that values may be missing, older than they should be, or back though deleted: permission denied\n", fromTSM},
	} {
		t.Run(strings.ReplaceAll(dir, "/", "."), func(t *testing.T) {
			parent := t.TempDir()
			source := filepath.Join(parent, "volume")
			sh := shardtest.NewVolume(t, source).Shard("db", "autogen", 1)
			var f shardtest.TSM
			f.Add("m#!~#f", shardtest.Floats([]int64{1}, 1))
			sh.TSM(1, 1, &f)
			var w shardtest.WAL
			w.Write(shardtest.Column{Key: "m#!~#f", Run: shardtest.Floats([]int64{2}, 2)})
			sh.WAL(1, &w)
			closed := filepath.Join(source, dir)
			for path, mode := range map[string]os.FileMode{filepath.Dir(parent): 0o755, parent: 0o755, closed: 0} {
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			t.Cleanup(func() { _ = os.Chmod(closed, 0o700) })
			for _, args := range []string{"export SOURCE --out - --lponly", "verify SOURCE", "inspect SOURCE", "replay SOURCE --dry-run"} {
				cmd, stderr := asNobody(t, parent, strings.Fields(strings.ReplaceAll(args, "SOURCE", source)+" --quiet")...)
				var stdout bytes.Buffer
				cmd.Stdout = &stdout
				_ = cmd.Run() // the exit code tells
				if code := cmd.ProcessState.ExitCode(); code != exitFaults {
					t.Errorf("%s: exit code %d", args, code)
				}
				if n := strings.Count(stderr.String(), closed+c.reason); n != 1 || strings.Count(stderr.String(), "fault: ") != 1 {
					t.Errorf("%s: %q is there %d times in:\n%s", args, closed+c.reason, n, stderr)
				}
				others := " --retention other"
				if strings.Count(dir, "/") == 1 {
					others = " --database other"
				}
				if dir != "wal" && strings.HasPrefix(args, "verify") {
					cmd, stderr := asNobody(t, parent, strings.Fields(strings.ReplaceAll(args, "SOURCE", source)+" --quiet"+others)...)
					if err := cmd.Run(); err != nil || strings.Contains(stderr.String(), "fault: ") {
						t.Errorf("with%s: %v\n%s", others, err, stderr)
					}
				}
				if strings.HasPrefix(args, "export") && stdout.String() != c.text {
					t.Errorf("%s: %q, want %q", args, stdout.String(), c.text)
				}
			}
		})
	}
}
