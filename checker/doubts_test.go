// SPDX-License-Identifier: Apache-2.0

package checker_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
)

// What no server leaves, and what nobody can tell to be damage, is a note.
func TestDoubts(t *testing.T) {
	const noData = ": there is a WAL and no data directory, though a server makes both; what was flushed to TSM files may be missing"
	const noWAL = ": there is a data directory and none of a WAL, though a server makes both; what was not flushed yet may be missing"
	const elsewhere = ": left out, since the metastore lists them in another database or policy; it may be damaged, or directories were renamed"
	remove := func(t *testing.T, v *shardtest.Volume, parts ...string) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(append([]string{v.Dir}, parts...)...)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		plant func(t *testing.T, v *shardtest.Volume)
		below string // of the volume, what is checked
		want  []string
	}{
		"sound":   {func(*testing.T, *shardtest.Volume) {}, "", []string{}},
		"no data": {func(t *testing.T, v *shardtest.Volume) { remove(t, v, "data", "db", "rp", "2") }, "", []string{"shard 2 of db.rp" + noData}},
		"no WAL, twice": {func(t *testing.T, v *shardtest.Volume) {
			remove(t, v, "wal", "db", "rp", "3")
			remove(t, v, "wal", "db", "rp", "2")
		}, "", []string{"shard 2 of db.rp and 1 more" + noWAL}},
		"no WAL at all": {func(t *testing.T, v *shardtest.Volume) { remove(t, v, "wal") }, "", []string{}},
		"a WAL alone":   {func(t *testing.T, v *shardtest.Volume) { remove(t, v, "data") }, "wal", []string{}},
		"a database with another name": {func(t *testing.T, v *shardtest.Volume) {
			for _, tree := range []string{"data", "wal"} {
				if err := os.Rename(filepath.Join(v.Dir, tree, "db"), filepath.Join(v.Dir, tree, "eb")); err != nil {
					t.Fatal(err)
				}
			}
		}, "", []string{"3 shards that the metastore lists are not in the sources; in a cluster, other nodes hold them", "shard 1 of eb.rp and 2 more" + elsewhere}},
	} {
		t.Run(name, func(t *testing.T) {
			v := shardtest.NewVolume(t, t.TempDir())
			for id := range uint64(3) {
				sh := v.Shard("db", "rp", id+1)
				var f shardtest.TSM
				f.Add(before, shardtest.Sample(point.Float, begin, 3))
				sh.TSM(1, 1, &f)
				var w shardtest.WAL
				w.Write(shardtest.Column{Key: before, Run: shardtest.Sample(point.Float, begin+2e15, 3)})
				sh.WAL(1, &w)
			}
			v.WriteMeta(v.Meta())
			c.plant(t, v)
			o := options(t, filepath.Join(v.Dir, c.below))
			got := check(t, o)
			if diff := cmp.Diff(c.want, append([]string{}, got.Notes...)); diff != "" || len(got.Faults) > 0 {
				t.Errorf("notes (-want +got):\n%s%s", diff, list(got.Faults))
			}
			if diff := cmp.Diff(c.want, append([]string{}, exporter.NotesOf(o.Catalog, o.Selection)...)); diff != "" {
				t.Errorf("of an export (-want +got):\n%s", diff)
			}
		})
	}
}
