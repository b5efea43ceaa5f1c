// SPDX-License-Identifier: Apache-2.0

package testvolume

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The files are those that were recorded: none changed by hand, none missing or added.
func TestSums(t *testing.T) {
	root := Root(t)
	var got strings.Builder
	size := int64(0)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "SHA256SUMS" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		size += int64(len(b))
		rel, err := filepath.Rel(root, path)
		fmt.Fprintf(&got, "%x  %s\n", sha256.Sum256(b), filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(root, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("testdata/volumes is not as recorded (sh testdata/record.sh records it anew):\n%s", diff)
	}
	if size > 3<<20 {
		t.Errorf("%d bytes, more than a clone should have to carry", size)
	}
}

func TestOpen(t *testing.T) {
	provenance, err := os.ReadFile(filepath.Join(Root(t), "PROVENANCE.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := Names(t)
	if len(names) == 0 {
		t.Fatal("no volumes")
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(string(provenance), "\n| "+name+" |") {
				t.Error("not in PROVENANCE.md")
			}
			v := Open(t, name)
			if len(v.Want) == 0 || len(v.Meta["SHOW DATABASES"]) == 0 {
				t.Errorf("%d values, %d databases", len(v.Want), len(v.Meta["SHOW DATABASES"]))
			}
			for _, w := range v.Want {
				if _, err := os.Stat(filepath.Join(v.Dir, "data", w.DB, w.RP)); err != nil {
					t.Fatalf("%s: %v", w, err)
				}
			}
			if err := os.WriteFile(filepath.Join(v.Copy(t), "data", "x"), nil, 0o644); err != nil {
				t.Error(err)
			}
		})
	}
}
