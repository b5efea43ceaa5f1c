// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
)

// plant makes files in a new directory: "a/b" a file, "a/b=x" one that
// holds x, "a/b/" a directory, "a -> b" a link. What is above them is made, too.
func plant(t *testing.T, specs ...string) (dir string) {
	t.Helper()
	dir = realPath(t.TempDir())
	for _, spec := range specs {
		from, to, isLink := strings.Cut(spec, " -> ")
		from, text, _ := strings.Cut(from, "=")
		path := filepath.Join(dir, from)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch {
		case err != nil:
		case isLink:
			err = os.Symlink(strings.ReplaceAll(to, "$", dir), path)
		case strings.HasSuffix(spec, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	tsm     = "000000001-000000001.tsm"
	segment = "_00001.wal"
)

// small is a volume with two shards below dir: one in both trees, one in the WAL alone.
func small(dir string) []string {
	return []string{
		dir + "/data/db/_series/00/0000",
		dir + "/data/db/autogen/1/" + tsm,
		dir + "/wal/db/autogen/1/" + segment,
		dir + "/wal/db/autogen/2/" + segment,
	}
}

// group is a shard group of one shard, which has the group's id.
func group(id uint64, start int64) shardtest.MetaGroup {
	return shardtest.MetaGroup{ID: id, Start: start, End: start + 10, Shards: []shardtest.MetaShard{{ID: id}}}
}

func deletedGroup(id uint64, start int64) shardtest.MetaGroup {
	g := group(id, start)
	g.Deleted = 1
	return g
}

// writeMeta writes a metastore; policies are named DATABASE/POLICY.
func writeMeta(t *testing.T, path string, policies map[string][]shardtest.MetaGroup) {
	t.Helper()
	m := shardtest.Meta{Index: 1, ClusterID: 1}
	for name, groups := range policies {
		db, rp, _ := strings.Cut(name, "/")
		m.Databases = append(m.Databases, shardtest.MetaDatabase{
			Name: db, DefaultPolicy: rp,
			Policies: []shardtest.MetaPolicy{{Name: rp, Replicas: 1, Groups: groups}},
		})
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, m.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// describe gives the catalog line by line, with paths from dir on.
func describe(c *Catalog, dir string) []string {
	var lines []string
	add := func(format string, args ...any) {
		lines = append(lines, strings.ReplaceAll(fmt.Sprintf(format, args...), dir+"/", ""))
	}
	for _, v := range c.Volumes {
		add("volume data=%s wal=%s meta=%s", v.DataDir, v.WALDir, v.MetaFile)
	}
	for _, s := range c.Shards {
		line := fmt.Sprintf("%s %s %d", s.Database, s.Policy, s.ID)
		for _, r := range s.Replicas {
			if len(c.Volumes) > 1 {
				line += fmt.Sprintf(" volume=%d", indexOf(c.Volumes, r.Volume))
			}
			if r.TSMFile != "" {
				line += " tsm=" + r.TSMFile
				continue
			}
			line += fmt.Sprintf(" data=%s wal=%s", r.DataDir, r.WALDir)
		}
		add("%s", line)
	}
	for _, l := range c.LeftOut {
		if l.Reason == Foreign {
			add("foreign %s: %s", l.Path, l.Detail)
			continue
		}
		add("left out %s %s %d %s: %v: %s", l.Database, l.Policy, l.ID, l.Path, l.Reason, l.Detail)
	}
	for _, m := range c.Missing {
		add("missing %s %s %d in group %d", m.Database, m.Policy, m.ID, m.Group.ID)
	}
	for _, u := range c.Unreadable {
		tree := ""
		if u.WAL {
			tree = " of a WAL"
		}
		add("unreadable%s %s: %v", tree, u.Path, u.Err)
	}
	for _, err := range c.MetaErrors {
		add("metastore: %v", err)
	}
	return lines
}

func indexOf(volumes []*Volume, v *Volume) int {
	for i := range volumes {
		if volumes[i] == v {
			return i
		}
	}
	return -1
}

// expect opens and compares.
func expect(t *testing.T, dir string, req Request, want []string) *Catalog {
	t.Helper()
	c, err := Open(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, describe(c, dir)); diff != "" {
		t.Errorf("catalog (-want +got):\n%s", diff)
	}
	return c
}

// within puts the directory before relative paths.
func within(dir string, req Request) Request {
	paths := make([]string, len(req.Paths))
	for i, p := range req.Paths {
		paths[i] = dir + "/" + p
	}
	req.Paths = paths
	for _, p := range []*string{&req.DataDir, &req.WALDir, &req.MetaDir} {
		if *p != "" {
			*p = dir + "/" + *p
		}
	}
	return req
}
