// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

func both(prefix string) []string {
	return []string{
		"volume data=" + prefix + "data wal=" + prefix + "wal meta=",
		"db autogen 1 data=" + prefix + "data/db/autogen/1 wal=" + prefix + "wal/db/autogen/1",
		"db autogen 2 data= wal=" + prefix + "wal/db/autogen/2",
	}
}

func inBoth(prefix string) []string { // the shard in both trees alone
	return slices.Delete(both(prefix), 2, 3)
}

func TestLayouts(t *testing.T) {
	tests := map[string]struct {
		files []string
		path  string
		req   Request
		want  []string
	}{
		"volume":               {files: small("v"), path: "v", want: both("v/")},
		"volume with a slash":  {files: small("v"), path: "v/", want: both("v/")},
		"volume without wal":   {files: []string{"v/data/db/rp/3/" + tsm}, path: "v", want: []string{"volume data=v/data wal= meta=", "db rp 3 data=v/data/db/rp/3 wal="}},
		"volume without data":  {files: []string{"v/wal/db/rp/3/" + segment}, path: "v", want: []string{"volume data= wal=v/wal meta=", "db rp 3 data= wal=v/wal/db/rp/3"}},
		"volume without shard": {files: []string{"v/data/", "v/wal/"}, path: "v", want: []string{"volume data=v/data wal=v/wal meta="}},
		"volume by a link":     {files: append(small("v"), "link -> v"), path: "link", want: both("link/")},
		"volume of links": {
			files: append(small("disk"), "v/data -> $/disk/data", "v/wal -> ../disk/wal"),
			path:  "v", want: both("v/"),
		},

		"mounted var/lib/influxdb": {files: small("m/var/lib/influxdb"), path: "m", want: both("m/var/lib/influxdb/")},
		"mounted lib/influxdb":     {files: small("m/lib/influxdb"), path: "m", want: both("m/lib/influxdb/")},
		"mounted influxdb":         {files: small("m/influxdb"), path: "m", want: both("m/influxdb/")},
		"mounted .influxdb":        {files: small("m/.influxdb"), path: "m", want: both("m/.influxdb/")},
		"mounted root":             {files: small("m/root/.influxdb"), path: "m", want: both("m/root/.influxdb/")},
		"mounted home": {
			files: append(small("m/home/bob/.influxdb"), "m/home/alice/", "m/home/file"),
			path:  "m", want: both("m/home/bob/.influxdb/"),
		},
		"mounted system with numbers": {
			files: append(small("m/var/lib/influxdb"), "m/run/user/1000/bus", "m/data/unrelated"),
			path:  "m", want: both("m/var/lib/influxdb/"),
		},
		"volume with another inside": {files: append(small("v"), small("v/influxdb")...), path: "v", want: both("v/")},

		"data": {files: small("v"), path: "v/data", want: both("v/")},
		"data by a link": {files: append(small("v"), "link -> v/data"), path: "link", want: []string{
			"volume data=link wal=v/wal meta=",
			"db autogen 1 data=link/db/autogen/1 wal=v/wal/db/autogen/1",
			"db autogen 2 data= wal=v/wal/db/autogen/2",
		}},
		"data without wal":   {files: []string{"x/data/db/rp/3/fields.idx"}, path: "x/data", want: []string{"volume data=x/data wal= meta=", "db rp 3 data=x/data/db/rp/3 wal="}},
		"data without shard": {files: []string{"v/data/", "v/wal/db/rp/3/" + segment}, path: "v/data", want: []string{"volume data=v/data wal=v/wal meta=", "db rp 3 data= wal=v/wal/db/rp/3"}},
		"data by any name": { // wal belongs to data, not to its copy
			files: append(small("v"), "v/data.bak/db/rp/3/"+tsm), path: "v/data.bak",
			want: []string{"volume data=v/data.bak wal= meta=", "db rp 3 data=v/data.bak/db/rp/3 wal="},
		},
		"data known by its series files": {files: []string{"x/db/_series/00/0000"}, path: "x", want: []string{"volume data=x wal= meta="}},
		"data whose database is called data": {
			files: []string{"x/data/autogen/3/" + tsm, "x/wal/autogen/4/" + tsm}, path: "x",
			want: []string{"volume data=x wal= meta=", "data autogen 3 data=x/data/autogen/3 wal=", "wal autogen 4 data=x/wal/autogen/4 wal="},
		},
		"data with names that are numbers": {
			files: []string{"x/11/22/33/" + tsm}, path: "x",
			want: []string{"volume data=x wal= meta=", "11 22 33 data=x/11/22/33 wal="},
		},
		"wal": {
			files: small("v"), path: "v/wal",
			want: []string{"volume data= wal=v/wal meta=", "db autogen 1 data= wal=v/wal/db/autogen/1", "db autogen 2 data= wal=v/wal/db/autogen/2"},
		},

		"database":         {files: small("v"), path: "v/data/db", want: both("v/")},
		"database of wal":  {files: small("v"), path: "v/wal/db", want: []string{"volume data= wal=v/wal meta=", "db autogen 1 data= wal=v/wal/db/autogen/1", "db autogen 2 data= wal=v/wal/db/autogen/2"}},
		"database, empty":  {files: append(small("v"), "v/data/none/"), path: "v/data/none", want: []string{"volume data=v/data wal=v/wal meta="}},
		"database, series": {files: []string{"x/db/_series/"}, path: "x/db", want: []string{"volume data=x wal= meta="}},
		"database alone":   {files: []string{"x/my.db/rp/3/" + tsm}, path: "x/my.db", want: []string{"volume data=x/my.db wal= meta=", "my.db rp 3 data=x/my.db/rp/3 wal="}},
		"database alone, named": {
			files: []string{"x/copy/rp/3/" + tsm}, path: "x/copy", req: Request{Database: "db"},
			want: []string{"volume data=x/copy wal= meta=", "db rp 3 data=x/copy/rp/3 wal="},
		},
		"database in place, named otherwise": {files: small("v"), path: "v/data/db", req: Request{Database: "other"}, want: both("v/")},

		"policy":        {files: small("v"), path: "v/data/db/autogen", want: both("v/")},
		"policy, empty": {files: append(small("v"), "v/data/db/none/"), path: "v/data/db/none", want: []string{"volume data=v/data wal=v/wal meta="}},
		"policy alone": {
			files: []string{"x/rp/3/" + tsm}, path: "x/rp", req: Request{Database: "db"},
			want: []string{"volume data=x/rp wal= meta=", "db rp 3 data=x/rp/3 wal="},
		},
		"policy alone, named": {
			files: []string{"x/y/3/" + tsm}, path: "x/y", req: Request{Database: "db", Policy: "p"},
			want: []string{"volume data=x/y wal= meta=", "db p 3 data=x/y/3 wal="},
		},

		"shard":                {files: small("v"), path: "v/data/db/autogen/1", want: inBoth("v/")},
		"shard by a link":      {files: append(small("v"), "link -> v/data/db/autogen/1"), path: "link", want: inBoth("v/")},
		"shard of wal":         {files: small("v"), path: "v/wal/db/autogen/2", want: []string{"volume data= wal=v/wal meta=", "db autogen 2 data= wal=v/wal/db/autogen/2"}},
		"shard, data is empty": {files: append(small("v"), "v/data/db/autogen/2/index/0/L0.tsl"), path: "v/data/db/autogen/2", want: []string{"volume data=v/data wal=v/wal meta=", "db autogen 2 data=v/data/db/autogen/2 wal=v/wal/db/autogen/2"}},
		"shard below series":   {files: []string{"x/db/_series/", "x/db/rp/7/" + tsm}, path: "x/db/rp/7", want: []string{"volume data=x wal= meta=", "db rp 7 data=x/db/rp/7 wal="}},
		"shard set aside": {
			files: append(small("v"), "v/data/db/autogen/1.old/"+tsm), path: "v/data/db/autogen/1.old",
			want: []string{"volume data=v/data wal=v/wal meta=", "db autogen 0 data=v/data/db/autogen/1.old wal="},
		},
		"shard alone": {
			files: []string{"x/7/" + tsm + ".bad"}, path: "x/7", req: Request{Database: "db", Policy: "rp"},
			want: []string{"volume data=x/7 wal= meta=", "db rp 7 data=x/7 wal="},
		},
		"shard alone without number": {
			files: []string{"x/found/" + tsm}, path: "x/found", req: Request{Database: "db", Policy: "rp"},
			want: []string{"volume data=x/found wal= meta=", "db rp 0 data=x/found wal="},
		},
		"shard of both trees in one directory": {
			files: []string{"x/7/" + tsm, "x/7/" + segment}, path: "x/7", req: Request{Database: "db", Policy: "rp"},
			want: []string{"volume data=x/7 wal=x/7 meta=", "db rp 7 data=x/7 wal=x/7"},
		},
		"shard with indexes": {
			files: []string{"x/data/db/index/7/index/0/L0.tsl", "x/data/db/index/7/" + tsm}, path: "x/data",
			want: []string{"volume data=x/data wal= meta=", "db index 7 data=x/data/db/index/7 wal="},
		},

		"file":           {files: small("v"), path: "v/data/db/autogen/1/" + tsm, want: []string{"volume data=v/data wal= meta=", "db autogen 1 tsm=v/data/db/autogen/1/" + tsm}},
		"file by a link": {files: append(small("v"), "x.tsm -> v/data/db/autogen/1/"+tsm), path: "x.tsm", want: []string{"volume data=v/data wal= meta=", "db autogen 1 tsm=v/data/db/autogen/1/" + tsm}},
		"file alone":     {files: []string{"x/7/" + tsm}, path: "x/7/" + tsm, req: Request{Database: "db", Policy: "rp"}, want: []string{"volume data= wal= meta=", "db rp 7 tsm=x/7/" + tsm}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := plant(t, tt.files...)
			tt.req.Paths = []string{tt.path}
			expect(t, dir, within(dir, tt.req), tt.want)
		})
	}
}

func TestNothingThere(t *testing.T) {
	tests := map[string]struct {
		files []string
		req   Request
		want  error
		text  string
	}{
		"no such path":               {req: Request{Paths: []string{"x"}}, want: fs.ErrNotExist, text: "open source $/x: no such file or directory"},
		"empty directory":            {files: []string{"x/"}, req: Request{Paths: []string{"x"}}, want: ErrNothing},
		"directory of other things":  {files: []string{"x/a/b/1/c", "x/data/", "x/file.wal"}, req: Request{Paths: []string{"x"}}, want: ErrNothing},
		"other file":                 {files: []string{"x.txt"}, req: Request{Paths: []string{"x.txt"}}, want: ErrNothing, text: "neither a directory nor a TSM file"},
		"tar archive":                {files: []string{"x.tar=" + strings.Repeat("\x00", 257) + "ustar"}, req: Request{Paths: []string{"x.tar"}}, want: ErrNothing, text: "it is a tar archive: unpack it"},
		"gzip":                       {files: []string{"x.tsm.gz=\x1f\x8b\x08"}, req: Request{Paths: []string{"x.tsm.gz"}}, want: ErrNothing, text: "it is compressed, with gzip: unpack it"},
		"WAL segment":                {files: []string{"x/_00001.wal"}, req: Request{Paths: []string{"x/_00001.wal"}}, want: ErrNothing, text: "name the directory that it is in"},
		"metastore":                  {files: []string{"meta/meta.db"}, req: Request{Paths: []string{"meta/meta.db"}}, want: ErrNothing, text: "it is a metastore, which holds no points"},
		"directory of a metastore":   {files: []string{"meta/meta.db"}, req: Request{Paths: []string{"meta"}}, want: ErrNothing, text: "it holds a metastore only"},
		"backup":                     {files: []string{"b/2026.meta", "b/2026.s1.tar.gz"}, req: Request{Paths: []string{"b"}}, want: ErrNothing, text: "it looks like a backup of influxd"},
		"above a volume":             {files: small("x/node 1"), req: Request{Paths: []string{"x"}}, want: ErrNothing, text: "$/x/node 1 below it is a volume: name that"},
		"file set aside":             {files: []string{"1.tsm.bad"}, req: Request{Paths: []string{"1.tsm.bad"}}, want: ErrNothing},
		"series file":                {files: small("v"), req: Request{Paths: []string{"v/data/db/_series"}}, want: ErrNothing},
		"policy without a name":      {files: []string{"x/rp/3/" + tsm}, req: Request{Paths: []string{"x/rp"}}, want: ErrNames},
		"shard without names":        {files: []string{"x/y/z/3/" + tsm}, req: Request{Paths: []string{"x/y/z/3"}}, want: ErrNames},
		"shard without policy":       {files: []string{"x/3/" + tsm}, req: Request{Paths: []string{"x/3"}, Database: "db"}, want: ErrNames},
		"file without names":         {files: []string{"x/" + tsm}, req: Request{Paths: []string{"x/" + tsm}, Policy: "rp"}, want: ErrNames},
		"second path wrong":          {files: small("v"), req: Request{Paths: []string{"v", "w"}}, want: fs.ErrNotExist, text: "$/w"},
		"data directory missing":     {req: Request{DataDir: "x"}, want: fs.ErrNotExist, text: "$/x"},
		"wal directory missing":      {files: small("v"), req: Request{Paths: []string{"v"}, WALDir: "x"}, want: fs.ErrNotExist, text: "open WAL directory $/x: "},
		"wal directory is a file":    {files: append(small("v"), "x"), req: Request{Paths: []string{"v"}, WALDir: "x"}, text: "not a directory"},
		"metastore missing":          {files: append(small("v"), "x/"), req: Request{Paths: []string{"v"}, MetaDir: "x"}, want: ErrNothing, text: "open metastore $/x: "},
		"data and source":            {files: small("v"), req: Request{Paths: []string{"v"}, DataDir: "v/data"}, want: ErrRequest},
		"one wal for two":            {files: append(small("v"), small("w")...), req: Request{Paths: []string{"v", "w"}, WALDir: "v/wal"}, want: ErrRequest},
		"one metastore for two":      {files: append(small("v"), small("w")...), req: Request{Paths: []string{"v", "w"}, MetaDir: "v/meta"}, want: ErrRequest},
		"links in a circle":          {files: []string{"a -> b", "b -> a"}, req: Request{Paths: []string{"a"}}, text: "too many levels of symbolic links"},
		"mount point with circle":    {files: []string{"m/var -> var"}, req: Request{Paths: []string{"m"}}, want: ErrNothing, text: "not all of it can be read: read directory $/m/var/lib/influxdb/data: too many"},
		"data in place, dirs unread": {files: []string{"v/data -> data"}, req: Request{Paths: []string{"v"}}, want: ErrNothing, text: "read directory $/v/data: too many"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := plant(t, tt.files...)
			_, err := Open(t.Context(), within(dir, tt.req))
			if err == nil {
				t.Fatal("no error")
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("error %q, want one that is %q", err, tt.want)
			}
			if text := strings.ReplaceAll(tt.text, "$", dir); !strings.Contains(err.Error(), text) {
				t.Errorf("error %q does not say %q", err, text)
			}
		})
	}
}

func TestSeveralBelowMountPoint(t *testing.T) {
	dir := plant(t, slices.Concat(small("m/var/lib/influxdb"), small("m/home/bob/.influxdb"), small("m/home/alice/.influxdb"))...)
	_, err := Open(t.Context(), Request{Paths: []string{dir + "/m"}})
	ambiguous, ok := errors.AsType[*AmbiguousError](err)
	if !ok {
		t.Fatalf("error %v, want an *AmbiguousError", err)
	}
	want := []string{dir + "/m/var/lib/influxdb", dir + "/m/home/alice/.influxdb", dir + "/m/home/bob/.influxdb"}
	if !slices.Equal(ambiguous.Found, want) {
		t.Errorf("found %q, want %q", ambiguous.Found, want)
	}
	for _, path := range want {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("error %q does not name %s", err, path)
		}
	}
	c, err := Open(t.Context(), Request{Paths: []string{dir + "/m"}, All: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Volumes) != 3 || len(c.Shards) != 2 || len(c.Shards[0].Replicas) != 3 {
		t.Errorf("all of them: %q", describe(c, dir))
	}
}

func TestDefaultSource(t *testing.T) {
	tests := map[string]struct {
		files []string
		want  string // empty: an error
		text  string
	}{
		"first":            {files: append(small("one"), small("two")...), want: "$/one/data"},
		"second":           {files: append(small("two"), "one/"), want: "$/two/data"},
		"none":             {files: []string{"one/"}, text: "open default source: no InfluxDB 1.x data found in $/one or $/two"},
		"first unreadable": {files: append(small("two"), "one -> one"), text: "read directory $/one/data: too many levels of symbolic links"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := plant(t, tt.files...)
			places, err := (&Request{}).places(t.Context(), []string{dir + "/one", dir + "/two"})
			got, text := "", ""
			if err != nil {
				text = err.Error()
			} else {
				got = places[0].dataRoot
			}
			if want := strings.ReplaceAll(tt.want, "$", dir); got != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
			if want := strings.ReplaceAll(tt.text, "$", dir); !strings.Contains(text, want) {
				t.Errorf("error %q does not say %q", text, want)
			}
		})
	}
	t.Setenv("HOME", "/home/someone")
	if got, want := DefaultPaths(), []string{"/var/lib/influxdb", "/home/someone/.influxdb"}; !slices.Equal(got, want) {
		t.Errorf("DefaultPaths are %q, want %q", got, want)
	}
}
