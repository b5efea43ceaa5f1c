// SPDX-License-Identifier: Apache-2.0

package checker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
)

// badDisk is a file of which the first read fails with an input/output error, as on a disk
// that dies: the first page of a process is never there.
const badDisk = "/proc/self/mem"

// Files that the disk refuses to give are told with its reason, and the rest is taken.
func TestInputOutputErrors(t *testing.T) {
	link := func(path string) string {
		t.Helper()
		if err := os.Symlink(badDisk, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	v := shardtest.NewVolume(t, t.TempDir())
	sh := v.Shard("db", "rp", 7)
	var f shardtest.TSM
	f.Add(target, shardtest.Sample(point.Integer, begin, 3))
	sh.TSM(1, 1, &f)
	if err := os.MkdirAll(v.MetaDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	files := []string{link(filepath.Join(v.MetaDir(), "meta.db")), link(filepath.Join(sh.DataDir(), "fields.idx"))}
	o := options(t, v.Dir)
	text, sum := export(t, o)
	for name, faults := range map[string][]exporter.Fault{"check": check(t, o).Faults, "export": sum.Faults} {
		if len(faults) != len(files) {
			t.Fatalf("%s: %s", name, list(faults))
		}
		for i, f := range faults {
			if f.File != files[i] || f.Lost || !strings.Contains(f.Reason, "input/output error") {
				t.Errorf("%s: %s", name, f.String())
			}
		}
	}
	if strings.Count(text, "\nm,t=2 f=") != 3 {
		t.Errorf("an export has\n%s", text)
	}

	dir := t.TempDir()
	got := checkExports(t, link(filepath.Join(dir, "a.lp")), link(filepath.Join(dir, "b.lp.gz")), filepath.Dir(link(filepath.Join(t.TempDir(), exporter.ManifestName))))
	if len(got.Faults) != 3 || got.Lost != 3 {
		t.Errorf("%s", list(got.Faults))
	}
	for _, f := range got.Faults {
		if !strings.Contains(f.Reason, "input/output error") {
			t.Errorf("%s", f.String())
		}
	}
}
