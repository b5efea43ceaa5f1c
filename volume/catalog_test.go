// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/meta"
)

type policies = map[string][]shardtest.MetaGroup

func TestMetastore(t *testing.T) {
	files := []string{
		"v/data/db/_series/00/0000",
		"v/data/db/autogen/1/" + tsm, // live
		"v/wal/db/autogen/1/" + segment,
		"v/data/db/autogen/2/" + tsm, // deleted
		"v/wal/db/autogen/2/" + segment,
		"v/wal/db/autogen/3/" + segment, // live
		"v/data/db/autogen/4/" + tsm,    // nowhere
		"v/wal/db/autogen/5/" + segment, // nowhere
		"v/data/db/autogen/6/" + tsm,    // in other
	}
	content := policies{
		"db/autogen": {group(3, 100), deletedGroup(2, 200), group(1, 300), group(9, 50), deletedGroup(8, 60)},
		"other/rp":   {group(6, 100)},
	}
	live := []string{
		"volume data=v/data wal=v/wal meta=v/meta/meta.db",
		"db autogen 3 data= wal=v/wal/db/autogen/3",
		"db autogen 1 data=v/data/db/autogen/1 wal=v/wal/db/autogen/1",
	}
	leftOut := []string{
		"left out db autogen 2 v/data/db/autogen/2: deleted: the metastore has its shard group as deleted",
		"left out db autogen 4 v/data/db/autogen/4: unlisted: the metastore does not list it",
		"left out db autogen 5 v/wal/db/autogen/5: unlisted: the metastore does not list it",
		`left out db autogen 6 v/data/db/autogen/6: elsewhere: the metastore lists it in database "other", policy "rp"`,
	}
	tests := map[string]struct {
		req  Request
		want []string
	}{
		"volume": {
			req:  Request{Paths: []string{"v"}},
			want: slices.Concat(live, leftOut, []string{"missing db autogen 9 in group 9", "missing other rp 6 in group 6"}),
		},
		"data": {
			req:  Request{Paths: []string{"v/data"}},
			want: slices.Concat(live, leftOut, []string{"missing db autogen 9 in group 9", "missing other rp 6 in group 6"}),
		},
		"database": {
			req:  Request{Paths: []string{"v/data/db"}},
			want: slices.Concat(live, leftOut, []string{"missing db autogen 9 in group 9"}),
		},
		"policy": {
			req:  Request{Paths: []string{"v/data/db/autogen"}},
			want: slices.Concat(live, leftOut, []string{"missing db autogen 9 in group 9"}),
		},
		"wal lacks what was flushed": {
			req: Request{Paths: []string{"v/wal"}},
			want: []string{
				"volume data= wal=v/wal meta=v/meta/meta.db",
				"db autogen 3 data= wal=v/wal/db/autogen/3",
				"db autogen 1 data= wal=v/wal/db/autogen/1",
				"left out db autogen 2 v/wal/db/autogen/2: deleted: the metastore has its shard group as deleted",
				"left out db autogen 5 v/wal/db/autogen/5: unlisted: the metastore does not list it",
			},
		},
		"deleted shard": {
			req:  Request{Paths: []string{"v/data/db/autogen/2"}},
			want: slices.Concat(live[:1], leftOut[:1]),
		},
		"file of a deleted shard": { // whoever names a file wants that file
			req:  Request{Paths: []string{"v/data/db/autogen/2/" + tsm}},
			want: []string{"volume data=v/data wal= meta=", "db autogen 2 tsm=v/data/db/autogen/2/" + tsm},
		},
		"orphans": { // shards whose group is known go first
			req: Request{Paths: []string{"v"}, Orphans: true},
			want: []string{
				live[0],
				live[1],
				"db autogen 2 data=v/data/db/autogen/2 wal=v/wal/db/autogen/2",
				live[2],
				"db autogen 4 data=v/data/db/autogen/4 wal=",
				"db autogen 5 data= wal=v/wal/db/autogen/5",
				"db autogen 6 data=v/data/db/autogen/6 wal=",
				"missing db autogen 9 in group 9",
				"missing other rp 6 in group 6",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := plant(t, files...)
			writeMeta(t, dir+"/v/meta/meta.db", content)
			expect(t, dir, within(dir, tt.req), tt.want)
		})
	}
}

func TestDamagedMetastore(t *testing.T) {
	dir := plant(t, small("v")...)
	path := filepath.Join(dir, "v/meta/meta.db")
	writeMeta(t, path, policies{"db/autogen": {deletedGroup(1, 0)}})
	if err := os.Truncate(path, 20); err != nil {
		t.Fatal(err)
	}
	for _, source := range [][]string{{"v"}, {"v", "v/data"}} {
		c, err := Open(t.Context(), within(dir, Request{Paths: source}))
		if err != nil {
			t.Fatal(err)
		}
		if len(c.MetaErrors) != 1 || !errors.Is(c.MetaErrors[0], meta.ErrCorrupt) || !strings.Contains(c.MetaErrors[0].Error(), path) {
			t.Errorf("%q: errors %v", source, c.MetaErrors)
		}
		c.MetaErrors = nil
		want := both("v/")
		want[0] += "v/meta/meta.db"
		if diff := cmp.Diff(want, describe(c, dir)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", source, diff)
		}
	}
}

// The first group of all wraps around below the lowest time.
func TestOrderOfWrappedGroup(t *testing.T) {
	dir := plant(t, "v/data/db/rp/1/"+tsm, "v/data/db/rp/2/"+tsm)
	wrapped := group(2, 0)
	wrapped.Start, wrapped.End = math.MaxInt64-5, math.MinInt64+5
	writeMeta(t, dir+"/v/meta/meta.db", policies{"db/rp": {group(1, -100), wrapped}})
	expect(t, dir, Request{Paths: []string{dir + "/v"}}, []string{
		"volume data=v/data wal= meta=v/meta/meta.db",
		"db rp 2 data=v/data/db/rp/2 wal=",
		"db rp 1 data=v/data/db/rp/1 wal=",
	})
}

func TestOrderWithoutMetastore(t *testing.T) {
	dir := plant(t,
		"d/b/rp/10/"+tsm, "d/b/rp/9/"+tsm, "d/b/\x01 \xff:.\"é/1/"+tsm, "d/a b/z/2/"+tsm, "d/a/z/3/"+tsm,
		"d/b/rp/18446744073709551615/"+tsm)
	expect(t, dir, Request{Paths: []string{dir + "/d"}}, []string{
		"volume data=d wal= meta=",
		"a z 3 data=d/a/z/3 wal=",
		"a b z 2 data=d/a b/z/2 wal=",
		"b \x01 \xff:.\"é 1 data=d/b/\x01 \xff:.\"é/1 wal=",
		"b rp 9 data=d/b/rp/9 wal=",
		"b rp 10 data=d/b/rp/10 wal=",
		"b rp 18446744073709551615 data=d/b/rp/18446744073709551615 wal=",
	})
}

func TestForeign(t *testing.T) {
	const number, noDir = ": its name is not a shard's number", ": it is not a directory"
	dir := plant(t,
		"v/data/db/_series/00/0000",
		"v/data/db/autogen/1/"+tsm,
		"v/data/.DS_Store",
		"v/data/db/note.txt",
		"v/data/db/autogen/007/"+tsm,
		"v/data/db/autogen/0/"+tsm,
		"v/data/db/autogen/-3/"+tsm,
		"v/data/db/autogen/18446744073709551616/"+tsm,
		"v/data/db/autogen/8",
		"v/data/db/autogen/link -> ../note.txt",
		"v/wal/db/autogen/old/"+segment,
		"v/wal/other",
	)
	expect(t, dir, Request{Paths: []string{dir + "/v"}}, []string{
		"volume data=v/data wal=v/wal meta=",
		"db autogen 1 data=v/data/db/autogen/1 wal=",
		"foreign v/data/.DS_Store" + noDir,
		"foreign v/data/db/autogen/-3" + number,
		"foreign v/data/db/autogen/0" + number,
		"foreign v/data/db/autogen/007" + number,
		"foreign v/data/db/autogen/18446744073709551616" + number,
		"foreign v/data/db/autogen/8" + noDir,
		"foreign v/data/db/autogen/link" + noDir,
		"foreign v/data/db/note.txt" + noDir,
		"foreign v/wal/db/autogen/old" + number,
		"foreign v/wal/other" + noDir,
	})
}

func TestLinksInside(t *testing.T) {
	const loop = "too many levels of symbolic links"
	dir := plant(t,
		"v/data/db/autogen/1/"+tsm, "v/wal/",
		"disk/db2/rp/2/"+tsm, "disk/rp3/3/"+tsm, "disk/shard4/"+tsm,
		"v/data/db2 -> $/disk/db2",
		"v/data/db/rp3 -> ../../../disk/rp3",
		"v/data/db/autogen/4 -> $/disk/shard4",
		"v/data/gone -> $/not/mounted",
		"v/data/circle -> circle",
		"v/data/up -> ..",
		"v/data/db/up -> ..",
		"v/wal/db -> gone",
	)
	expect(t, dir, Request{Paths: []string{dir + "/v"}}, []string{
		"volume data=v/data wal=v/wal meta=",
		"db autogen 1 data=v/data/db/autogen/1 wal=",
		"db autogen 4 data=v/data/db/autogen/4 wal=",
		"db rp3 3 data=v/data/db/rp3/3 wal=",
		"db2 rp 2 data=v/data/db2/rp/2 wal=",
		"foreign v/data/db/up/db: its name is not a shard's number",
		"foreign v/data/db/up/db2: its name is not a shard's number",
		"foreign v/data/db/up/up: its name is not a shard's number",
		"foreign v/data/up/data/db: its name is not a shard's number",
		"foreign v/data/up/data/db2: its name is not a shard's number",
		"foreign v/data/up/data/up: its name is not a shard's number",
		"unreadable v/data/circle: " + loop,
		"unreadable v/data/db/up/circle: " + loop,
		"unreadable v/data/db/up/gone: no such file or directory",
		"unreadable v/data/gone: no such file or directory",
		"unreadable v/data/up/data/circle: " + loop,
		"unreadable v/data/up/data/gone: no such file or directory",
		"unreadable v/data/up/wal/db: no such file or directory",
		"unreadable of a WAL v/wal/db: no such file or directory",
	})
}

func TestReplicas(t *testing.T) {
	files := slices.Concat(small("a"), small("b"), []string{
		"b/data/db/autogen/3/" + tsm,
		"half1/data/db/rp/1/" + tsm,
		"half2/wal/db/rp/1/" + segment,
		"linked -> a",
	})
	two := []string{
		"volume data=a/data wal=a/wal meta=",
		"volume data=b/data wal=b/wal meta=",
		"db autogen 1 volume=0 data=a/data/db/autogen/1 wal=a/wal/db/autogen/1 volume=1 data=b/data/db/autogen/1 wal=b/wal/db/autogen/1",
		"db autogen 2 volume=0 data= wal=a/wal/db/autogen/2 volume=1 data= wal=b/wal/db/autogen/2",
		"db autogen 3 volume=1 data=b/data/db/autogen/3 wal=",
	}
	tests := map[string]struct {
		paths []string
		want  []string
	}{
		"two volumes": {paths: []string{"a", "b"}, want: two},
		"the other way round": {paths: []string{"b", "a"}, want: []string{
			two[1], two[0],
			"db autogen 1 volume=0 data=b/data/db/autogen/1 wal=b/wal/db/autogen/1 volume=1 data=a/data/db/autogen/1 wal=a/wal/db/autogen/1",
			"db autogen 2 volume=0 data= wal=b/wal/db/autogen/2 volume=1 data= wal=a/wal/db/autogen/2",
			"db autogen 3 volume=0 data=b/data/db/autogen/3 wal=",
		}},
		"one volume, twice":             {paths: []string{"a", "a/"}, want: both("a/")},
		"one volume and its data":       {paths: []string{"a", "a/data"}, want: both("a/")},
		"one volume and a link to it":   {paths: []string{"a", "linked"}, want: both("a/")},
		"two shards of one volume":      {paths: []string{"b/data/db/autogen/1", "b/data/db/autogen/3"}, want: []string{"volume data=b/data wal=b/wal meta=", inBoth("b/")[1], "db autogen 3 data=b/data/db/autogen/3 wal="}},
		"a shard and a file of it":      {paths: []string{"a/data/db/autogen/1/" + tsm, "a/data/db/autogen/1"}, want: []string{"volume data=a/data wal= meta=", "volume data=a/data wal=a/wal meta=", "db autogen 1 volume=1 data=a/data/db/autogen/1 wal=a/wal/db/autogen/1"}},
		"a volume and its wal":          {paths: []string{"a/wal", "a"}, want: []string{"volume data= wal=a/wal meta=", "volume data=a/data wal=a/wal meta=", "db autogen 1 volume=1 data=a/data/db/autogen/1 wal=a/wal/db/autogen/1", "db autogen 2 volume=0 data= wal=a/wal/db/autogen/2"}},
		"two halves of one":             {paths: []string{"half1", "half2"}, want: []string{"volume data=half1/data wal=half2/wal meta=", "db rp 1 data=half1/data/db/rp/1 wal=half2/wal/db/rp/1"}},
		"two halves, the other way":     {paths: []string{"half2/wal", "half1/data"}, want: []string{"volume data=half1/data wal=half2/wal meta=", "db rp 1 data=half1/data/db/rp/1 wal=half2/wal/db/rp/1"}},
		"two halves of a shard":         {paths: []string{"half1/data/db/rp/1", "half2/wal/db/rp/1"}, want: []string{"volume data=half1/data wal=half2/wal meta=", "db rp 1 data=half1/data/db/rp/1 wal=half2/wal/db/rp/1"}},
		"no halves: the first is whole": {paths: []string{"a", "half2"}, want: []string{"volume data=a/data wal=a/wal meta=", "volume data= wal=half2/wal meta=", "db autogen 1 volume=0 data=a/data/db/autogen/1 wal=a/wal/db/autogen/1", "db autogen 2 volume=0 data= wal=a/wal/db/autogen/2", "db rp 1 volume=1 data= wal=half2/wal/db/rp/1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := plant(t, files...)
			expect(t, dir, within(dir, Request{Paths: tt.paths}), tt.want)
		})
	}
}

func TestReplicasAndMetastores(t *testing.T) {
	files := []string{
		"a/data/db/rp/1/" + tsm, "a/data/db/rp/2/" + tsm, "a/data/db/rp/3/" + tsm, "a/wal/",
		"b/data/db/rp/1/" + tsm, "b/data/db/rp/2/" + tsm, "b/data/db/rp/4/" + tsm, "b/wal/",
	}
	t.Run("one has none", func(t *testing.T) { // what the other one knows as deleted stays away
		dir := plant(t, files...)
		writeMeta(t, dir+"/b/meta/meta.db", policies{"db/rp": {group(1, 0), deletedGroup(2, 10), group(4, -10), group(5, 0)}})
		expect(t, dir, Request{Paths: []string{dir + "/a", dir + "/b"}}, []string{
			"volume data=a/data wal=a/wal meta=",
			"volume data=b/data wal=b/wal meta=b/meta/meta.db",
			"db rp 4 volume=1 data=b/data/db/rp/4 wal=",
			"db rp 1 volume=0 data=a/data/db/rp/1 wal= volume=1 data=b/data/db/rp/1 wal=",
			"db rp 3 volume=0 data=a/data/db/rp/3 wal=",
			"left out db rp 2 a/data/db/rp/2: deleted: the metastore has its shard group as deleted",
			"left out db rp 2 b/data/db/rp/2: deleted: the metastore has its shard group as deleted",
			"missing db rp 5 in group 5",
		})
	})
	t.Run("both know all", func(t *testing.T) { // each node has its own shards; none is missing
		dir := plant(t, files...)
		for _, v := range []string{"a", "b"} {
			writeMeta(t, dir+"/"+v+"/meta/meta.db", policies{"db/rp": {group(1, 0), group(2, 10), group(3, 20), group(4, 30), group(5, 40)}})
		}
		expect(t, dir, Request{Paths: []string{dir + "/a", dir + "/b"}}, []string{
			"volume data=a/data wal=a/wal meta=a/meta/meta.db",
			"volume data=b/data wal=b/wal meta=b/meta/meta.db",
			"db rp 1 volume=0 data=a/data/db/rp/1 wal= volume=1 data=b/data/db/rp/1 wal=",
			"db rp 2 volume=0 data=a/data/db/rp/2 wal= volume=1 data=b/data/db/rp/2 wal=",
			"db rp 3 volume=0 data=a/data/db/rp/3 wal=",
			"db rp 4 volume=1 data=b/data/db/rp/4 wal=",
			"missing db rp 5 in group 5",
		})
	})
}

func TestNamedApart(t *testing.T) {
	files := slices.Concat(small("v"), []string{
		"w/db/autogen/1/" + segment,
		"one/" + segment,
		"shard/" + tsm,
		"empty/",
	})
	metaOf1 := "left out db autogen 1 w/db/autogen/1: deleted: the metastore has its shard group as deleted"
	tests := map[string]struct {
		req  Request
		want []string
	}{
		"data, with what is beside": {req: Request{DataDir: "v/data"}, want: both("v/")},
		"data and wal": {req: Request{DataDir: "v/data", WALDir: "w"}, want: []string{
			"volume data=v/data wal=w meta=", "db autogen 1 data=v/data/db/autogen/1 wal=w/db/autogen/1",
		}},
		"data that is empty": {req: Request{DataDir: "empty", WALDir: "w"}, want: []string{
			"volume data=empty wal=w meta=", "db autogen 1 data= wal=w/db/autogen/1",
		}},
		"wal alone":         {req: Request{WALDir: "w"}, want: []string{"volume data= wal=w meta=", "db autogen 1 data= wal=w/db/autogen/1"}},
		"wal and metastore": {req: Request{WALDir: "w", MetaDir: "m"}, want: []string{"volume data= wal=w meta=m/meta.db", metaOf1}},
		"volume and wal": {req: Request{Paths: []string{"v"}, WALDir: "w"}, want: []string{
			"volume data=v/data wal=w meta=", "db autogen 1 data=v/data/db/autogen/1 wal=w/db/autogen/1",
		}},
		"database and wal": {req: Request{Paths: []string{"v/data/db"}, WALDir: "w"}, want: []string{
			"volume data=v/data wal=w meta=", "db autogen 1 data=v/data/db/autogen/1 wal=w/db/autogen/1",
		}},
		"shard and its wal": {req: Request{Paths: []string{"shard"}, WALDir: "one", Database: "db", Policy: "rp"}, want: []string{
			"volume data=shard wal=one meta=", "db rp 0 data=shard wal=one",
		}},
		"file and wal": {req: Request{Paths: []string{"v/data/db/autogen/1/" + tsm}, WALDir: "w"}, want: []string{
			"volume data=v/data wal= meta=", "db autogen 1 tsm=v/data/db/autogen/1/" + tsm,
		}},
		"metastore, its directory": {req: Request{Paths: []string{"v"}, WALDir: "w", MetaDir: "m"}, want: []string{
			"volume data=v/data wal=w meta=m/meta.db", "left out db autogen 1 v/data/db/autogen/1: deleted: the metastore has its shard group as deleted",
		}},
		"metastore, the file": {req: Request{WALDir: "w", MetaDir: "m/meta.db"}, want: []string{"volume data= wal=w meta=m/meta.db", metaOf1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := plant(t, files...)
			writeMeta(t, dir+"/m/meta.db", policies{"db/autogen": {deletedGroup(1, 0)}})
			expect(t, dir, within(dir, tt.req), tt.want)
		})
	}
}

func TestCancelled(t *testing.T) {
	dir := plant(t, small("v")...)
	reason := errors.New("enough")
	for name, path := range map[string]string{"volume": "v", "database": "v/data/db", "shard": "v/data/db/autogen/1", "mount": "."} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(reason)
		if _, err := Open(ctx, Request{Paths: []string{dir + "/" + path}}); !errors.Is(err, reason) {
			t.Errorf("%s: error %v, want %v", name, err, reason)
		}
	}
}

func TestReasonString(t *testing.T) {
	for reason, want := range map[Reason]string{Deleted: "deleted", Foreign: "foreign", -1: "reason(-1)", 4: "reason(4)"} {
		if got := reason.String(); got != want {
			t.Errorf("reason %d is %q, want %q", int(reason), got, want)
		}
	}
}

// Whatever is opened, the tree stays as it is, times of change included.
func TestSourceStaysAsItIs(t *testing.T) {
	dir := plant(t, small("v")...)
	writeMeta(t, dir+"/v/meta/meta.db", policies{"db/autogen": {group(1, 0)}})
	snapshot := func() (lines []string) {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			lines = append(lines, path+" "+info.Mode().String()+" "+info.ModTime().String())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	before := snapshot()
	c, err := Open(t.Context(), Request{Paths: []string{dir, dir + "/v", dir + "/v/data/db"}, Orphans: true})
	if !errors.Is(err, ErrNothing) {
		t.Fatalf("%v, %v", c, err)
	}
	if _, err := Open(t.Context(), Request{Paths: []string{dir + "/v", dir + "/v/data/db", dir + "/v/wal"}, Orphans: true}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, snapshot()); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
}
