// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/verifier"
)

// What was refused is not looked for. A replay that was carried on may name a point twice
// that it counted once; in a file that is imported it may stand twice.
func TestExclude(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rejects.lp")
	text := importer.RejectsHeader + "old\n# DML\n# CONTEXT-DATABASE:d\nm f=9 9\n" +
		importer.RejectsHeader + "new\n# DML\n# CONTEXT-DATABASE:d\n# CONTEXT-RETENTION-POLICY:p\n# in:1: no\nm f=\"a\nb\" 1\n" +
		importer.RejectsHeader + "new\n# DML\n# CONTEXT-DATABASE:d\n# CONTEXT-RETENTION-POLICY:p\n# in:1: no\nm f=\"a\nb\" 1\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]int64{"replay": 3, "import": 2} {
		counter := verifier.NewCounter(nil)
		for _, lines := range []string{"m f=\"a\nb\" 1\n", "m f=2 2\n", "m f=\"a\nc\" 1\n", "m f=9 9\n"} {
			if err := counter.Add("d", "p", []byte(lines)); err != nil {
				t.Fatal(err)
			}
		}
		d := &delivery{command: command, options: importer.Options{RejectsPath: path}}
		if err := d.exclude(t.Context(), counter); err != nil {
			t.Fatal(err)
		}
		if counter.Values() != want {
			t.Errorf("%s: %d values are left, want %d", command, counter.Values(), want)
		}
	}
}
