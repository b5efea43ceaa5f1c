// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/filter"
)

// A refused export lets its directory go: it can be emptied and used at once.
func TestRefusedExportFreesTheDirectory(t *testing.T) {
	vol, dir := devops(t, 1, 1), t.TempDir()
	if _, err := exportDir(t, options(t, filter.Spec{}, vol), dir); err != nil {
		t.Fatal(err)
	}
	other := options(t, filter.Spec{Measurements: []string{"cpu"}}, vol)
	if _, err := exportDir(t, other, dir); !errors.Is(err, ErrOther) {
		t.Fatalf("err = %v, want ErrOther", err)
	}
	if err := os.Remove(filepath.Join(dir, ManifestName)); err != nil {
		t.Fatal(err)
	}
	if _, err := exportDir(t, other, dir); err != nil {
		t.Errorf("after the manifest was removed: %v", err)
	}
}

// failAfter takes so many writes and fails from then on.
type failAfter int

func (n *failAfter) Write(p []byte) (int, error) {
	if *n--; *n < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

// However an export breaks off, no file of the source stays open.
func TestBrokenExportClosesTheSource(t *testing.T) {
	vol := devops(t, 20, 3)
	for n := range failAfter(40) {
		o := options(t, filter.Spec{}, vol)
		o.Workers = 1 + int(n)%3
		o.Output = Output{Stream: &n}
		if _, err := Run(t.Context(), o); !errors.Is(err, io.ErrShortWrite) {
			t.Fatalf("err = %v", err)
		}
	}
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if target, err := os.Readlink(l); err == nil && strings.HasPrefix(target, vol) {
			t.Errorf("%s is still open", target)
		}
	}
}
