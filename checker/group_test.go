// SPDX-License-Identifier: Apache-2.0

package checker_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
)

// Files that were put into the directory of another shard parse, and are told by their times.
func TestFilesOfAnotherShard(t *testing.T) {
	v := shardtest.NewVolume(t, t.TempDir())
	const day = int64(86400e9)
	shards := [2]*shardtest.Shard{}
	for i := range shards {
		sh := v.Shard("db", "rp", uint64(i+1))
		sh.Start, sh.End = int64(i)*day, int64(i+1)*day
		shards[i] = sh
		var f shardtest.TSM // the first and the last time of the group
		f.Add("m#!~#f", shardtest.Ints([]int64{sh.Start, sh.End - 1}, 1, 2))
		sh.TSM(1, 1, &f)
	}
	v.WriteMeta(v.Meta())
	if got := check(t, options(t, v.Dir)); len(got.Faults) > 0 {
		t.Fatalf("%s", list(got.Faults))
	}
	a, b := filepath.Join(shards[0].DataDir(), tsmName), filepath.Join(shards[1].DataDir(), tsmName)
	swap(t, a, b)
	o := options(t, v.Dir)
	want := []string{a, b}
	wantOutside(t, check(t, o).Faults, "shard", want...)
	if got := check(t, o).Faults[0]; got.Start != "1970-01-02T00:00:00Z" || !strings.Contains(got.Reason, "from 1970-01-01T00:00:00Z to 1970-01-01T23:59:59.999999999Z") {
		t.Errorf("%+v", got)
	}
	if text, sum := export(t, o); len(sum.Faults) > 0 || strings.Count(text, "\nm f=") != 4 {
		t.Errorf("an export has %s\n%s", list(sum.Faults), text)
	}
	swap(t, a, b)
	w := &shardtest.WAL{}
	w.Write(shardtest.Column{Key: "m#!~#f", Run: shardtest.Ints([]int64{day}, 1)})
	shards[0].WAL(1, w)
	wantOutside(t, check(t, options(t, v.Dir)).Faults, "wal", shards[0].WALDir())
	if err := os.RemoveAll(v.MetaDir()); err != nil { // then nobody knows
		t.Fatal(err)
	}
	if got := check(t, options(t, v.Dir)); len(got.Faults) > 0 {
		t.Errorf("without a metastore: %s", list(got.Faults))
	}
}

func swap(t *testing.T, a, b string) {
	t.Helper()
	for _, step := range [][2]string{{a, a + "x"}, {b, a}, {a + "x", b}} {
		if err := os.Rename(step[0], step[1]); err != nil {
			t.Fatal(err)
		}
	}
}

func wantOutside(t *testing.T, faults []exporter.Fault, part string, files ...string) {
	t.Helper()
	if len(faults) != len(files) {
		t.Fatalf("%s", list(faults))
	}
	for i, f := range faults {
		if f.File != files[i] || f.Part != part || f.Lost || !strings.Contains(f.Reason, "outside of its shard group") {
			t.Errorf("%s", f.String())
		}
	}
}

// Groups of a server that was told to make them shorter and longer, of points at the ends of
// time, and of points that came late, hold what they are for.
func TestGroupsOfAServer(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "db" WITH DURATION INF SHARD DURATION 7d NAME "rp"`)
	const hour = int64(3600e9)
	write := func(times ...int64) {
		var b strings.Builder
		for _, at := range times {
			fmt.Fprintf(&b, "m f=1 %d\n", at)
		}
		s.Write("db", "rp", b.String())
	}
	spread := func(step int64) {
		for i := range int64(40) {
			write(1600000000e9+i*step, 1600000000e9-i*step)
		}
	}
	spread(11 * hour)
	for _, d := range []string{"1h", "3d", "52w", "1d"} {
		s.Exec(`ALTER RETENTION POLICY "rp" ON "db" SHARD DURATION ` + d)
		spread(7 * hour)
		spread(31 * hour)
		s.Flush("db")
	}
	write(point.MinTime, point.MinTime+1, -1, 0, 1, point.MaxTime-1, point.MaxTime, math.MinInt64/2)
	s.Query("db", `DELETE FROM "m" WHERE time > 1600000000000000000 AND time < 1600100000000000000`)
	dir := filepath.Join(t.TempDir(), "volume")
	s.Copy(dir)
	got := check(t, options(t, dir))
	if len(got.Faults) > 0 || got.Shards < 20 {
		t.Fatalf("%d shards\n%s", got.Shards, list(got.Faults))
	}
	s.Stop()
	var ids []uint64
	for _, sh := range options(t, dir).Catalog.Shards {
		if len(ids) < 2 && sh.Replicas[0].DataDir != "" && holdsTSM(t, sh.Replicas[0].DataDir) {
			ids = append(ids, sh.ID)
		}
	}
	at := func(id uint64) string { return filepath.Join(dir, "data", "db", "rp", strconv.FormatUint(id, 10)) }
	swap(t, at(ids[0]), at(ids[1]))
	if got := check(t, options(t, dir)); len(got.Faults) < 2 || !strings.Contains(got.Faults[0].Reason, "outside of its shard group") {
		t.Errorf("swapped shards %v: %s", ids, list(got.Faults))
	}
}

func holdsTSM(t *testing.T, dir string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.tsm"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files) > 0
}
