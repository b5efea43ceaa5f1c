// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"os"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/shardtest"
)

// A database whose first shard was dropped after it was listed does not hand its points
// to the database before it.
func TestContextOfAShardBehindOneThatIsGone(t *testing.T) {
	dir := t.TempDir()
	v := shardtest.NewVolume(t, dir)
	var shards []*shardtest.Shard
	for i, db := range []string{"a", "b", "b", "b"} {
		var file shardtest.TSM
		file.Add(shardtest.Key(db, "f"), shardtest.Ints([]int64{int64(i)}, int64(i)))
		sh := v.Shard(db, "autogen", uint64(i+1))
		sh.TSM(1, 1, &file)
		shards = append(shards, sh)
	}
	o := options(t, filter.Spec{}, dir)
	for _, gone := range []string{shards[1].DataDir(), shards[1].WALDir()} {
		if err := os.RemoveAll(gone); err != nil {
			t.Fatal(err)
		}
	}
	got, sum := text(t, o)
	want := strings.Join([]string{
		"# CONTEXT-DATABASE:a", "# CONTEXT-RETENTION-POLICY:autogen", "a f=0i 0",
		"# CONTEXT-DATABASE:b", "# CONTEXT-RETENTION-POLICY:autogen", "b f=2i 2", "b f=3i 3", "",
	}, "\n")
	if _, got, _ = strings.Cut(got, "# DML\n"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if len(sum.Faults) != 0 || len(sum.Notes) == 0 {
		t.Errorf("faults %v, notes %q", sum.Faults, sum.Notes)
	}
}
