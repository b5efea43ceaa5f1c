// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/meta"
)

func volumeNames(t *testing.T) []string {
	t.Helper()
	names := testvolume.Names(t)
	if len(names) == 0 {
		t.Fatal("no recorded volumes")
	}
	return names
}

func readMeta(t *testing.T, name string) *meta.Data {
	t.Helper()
	data, err := meta.Read(filepath.Join(testvolume.Open(t, name).Dir, "meta", "meta.db"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func sortLines(s string) []string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return lines
}
