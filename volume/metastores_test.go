// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/meta"
)

// Wherever a metastore can be, it is found, once, and told from the others.
func TestMetastores(t *testing.T) {
	dir := plant(t, append(small("mnt/influxdb"), append(small("bare"),
		"backup/20240101T000000Z.meta", "backup/20240101T000000Z.manifest", "backup/20240102T000000Z.meta",
		"old/meta.00", "old/db.autogen.00001.00", "only/meta/meta.db", "alone/", "mnt/influxdb/meta/",
		"link -> $/mnt/influxdb", "text.txt")...)...)
	good := shardtest.Meta{Databases: []shardtest.MetaDatabase{{Name: "db"}}}.Bytes()
	for _, at := range []string{
		"mnt/influxdb/meta/meta.db", "backup/20240101T000000Z.meta", "backup/20240102T000000Z.meta", "old/meta.00", "only/meta/meta.db",
	} {
		if err := os.WriteFile(filepath.Join(dir, at), good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "text.txt"), []byte("nothing of a server"), 0o600); err != nil {
		t.Fatal(err)
	}
	const volumeMeta = "mnt/influxdb/meta/meta.db"
	cases := map[string]struct {
		req  Request
		want []string // paths; with "!" before those that cannot be read, and "-" for none
	}{
		"mount point":       {Request{Paths: []string{"mnt"}}, []string{volumeMeta}},
		"volume":            {Request{Paths: []string{"mnt/influxdb"}}, []string{volumeMeta}},
		"data directory":    {Request{Paths: []string{"mnt/influxdb/data"}}, []string{volumeMeta}},
		"shard":             {Request{Paths: []string{"mnt/influxdb/data/db/autogen/1"}}, []string{volumeMeta}},
		"its directory":     {Request{Paths: []string{"mnt/influxdb/meta"}}, []string{volumeMeta}},
		"the file":          {Request{Paths: []string{volumeMeta}}, []string{volumeMeta}},
		"named twice":       {Request{Paths: []string{"mnt", volumeMeta, "link"}}, []string{volumeMeta}},
		"backups":           {Request{Paths: []string{"backup"}}, []string{"backup/20240101T000000Z.meta", "backup/20240102T000000Z.meta"}},
		"one backup":        {Request{Paths: []string{"backup/20240102T000000Z.meta"}}, []string{"backup/20240102T000000Z.meta"}},
		"legacy backup":     {Request{Paths: []string{"old"}}, []string{"old/meta.00"}},
		"nothing but it":    {Request{Paths: []string{"only"}}, []string{"only/meta/meta.db"}},
		"none":              {Request{Paths: []string{"bare"}}, []string{"-"}},
		"none of two":       {Request{Paths: []string{"bare", "bare/data"}}, []string{"-", "-"}},
		"a TSM file":        {Request{Paths: []string{"bare/data/db/autogen/1/" + tsm}}, []string{"-"}},
		"a text":            {Request{Paths: []string{"text.txt", "mnt"}}, []string{"!text.txt", volumeMeta}},
		"named apart":       {Request{MetaDir: "only"}, []string{"only/meta/meta.db"}},
		"apart with source": {Request{Paths: []string{"bare"}, MetaDir: "only/meta"}, []string{"only/meta/meta.db"}},
		"data apart":        {Request{DataDir: "mnt/influxdb/data"}, []string{volumeMeta}},
	}
	t.Chdir(dir)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			found, err := Metastores(t.Context(), c.req)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, m := range found {
				rel, mark := strings.TrimPrefix(realPath(m.Path), dir+"/"), ""
				switch {
				case errors.Is(m.Err, ErrNoMetastore):
					rel = "-"
				case m.Err != nil:
					mark = "!"
					if !errors.Is(m.Err, meta.ErrCorrupt) {
						t.Errorf("%s: %v", m.Path, m.Err)
					}
				case len(m.Data.Databases) != 1:
					t.Errorf("%s: %+v", m.Path, m.Data)
				}
				got = append(got, mark+rel)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestMetastoresRefuses(t *testing.T) {
	t.Chdir(plant(t, append(small("v"), "empty/")...))
	for name, c := range map[string]struct {
		req  Request
		want error
	}{
		"not there":      {Request{Paths: []string{"none"}}, fs.ErrNotExist},
		"no source":      {Request{Paths: []string{"empty"}}, ErrNothing},
		"no metastore":   {Request{MetaDir: "empty"}, ErrNothing},
		"apart from two": {Request{Paths: []string{"v", "v/data"}, MetaDir: "v"}, ErrRequest},
	} {
		t.Run(name, func(t *testing.T) {
			if found, err := Metastores(t.Context(), c.req); !errors.Is(err, c.want) {
				t.Errorf("%v, %v; want %v", found, err, c.want)
			}
		})
	}
}
