// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBelow(t *testing.T) {
	files := slices.Concat(small("v"), small("m/var/lib/influxdb"), []string{
		"v/meta/meta.db",
		"out/",
		"w/db/autogen/1/" + segment,
		"disk/db2/rp/2/" + tsm, "v/data/db2 -> $/disk/db2",
		"alone/" + tsm,
		"to-v -> v", "to-data -> $/v/data", "out/future -> ../v/future", "out/circle -> circle", "out/home -> ..",
		"v/to-out -> ../out",
	})
	tests := map[string]struct {
		req  Request
		want map[string]string // path → source, empty when not below
	}{
		"volume": {
			req: Request{Paths: []string{"v"}},
			want: map[string]string{
				"v":                                   "v",
				"v/out.lp":                            "v",
				"v/not/there/yet":                     "v",
				"v/data/db/autogen/1":                 "v",
				"v/data/db/autogen/1/" + tsm:          "v",
				"v/data/db/autogen/1/" + tsm + "/out": "v",
				"to-v/out.lp":                         "v",
				"to-data/out.lp":                      "v",
				"out/future":                          "v",
				"out/../v/x":                          "v",
				"to-data/../x":                        "v",
				"out/home/v/x/y":                      "v",
				"disk/db2":                            "v",
				"disk/db2/rp/out":                     "v",
				"disk":                                "",
				"disk/out":                            "",
				"out":                                 "",
				"out/out.lp":                          "",
				"out/not/there/yet":                   "",
				"v2/out":                              "",
				"v.lp":                                "",
				"v/to-out/x":                          "",
				"v/../x":                              "",
				"out/circle/x":                        "",
				"out/home/x":                          "",
				"/dev/null":                           "",
				"/":                                   "",
			},
		},
		"mount point": {
			req:  Request{Paths: []string{"m"}},
			want: map[string]string{"m/x": "m", "m/var/lib/influxdb/data/x": "m", "out/x": ""},
		},
		"database": { // what lies beside it belongs to it
			req:  Request{Paths: []string{"v/data/db"}},
			want: map[string]string{"v/data/db/x": "v/data/db", "v/data/x": "v/data/db", "v/wal/x": "v/data/db", "v/meta/x": "v/data/db", "v/x": ""},
		},
		"file": {
			req:  Request{Paths: []string{"alone/" + tsm}, Database: "db", Policy: "rp"},
			want: map[string]string{"alone/" + tsm: "alone/" + tsm, "alone/x": ""},
		},
		"named apart": {
			req: Request{DataDir: "v/data", WALDir: "w", MetaDir: "v/meta"},
			want: map[string]string{
				"v/data/x": "v/data", "w/x": "v/data", "v/meta/x": "v/data", "v/wal/x": "", "v/x": "",
			},
		},
		"two": {
			req:  Request{Paths: []string{"v", "w"}},
			want: map[string]string{"v/x": "v", "w/x": "w", "x": ""},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := plant(t, files...)
			c, err := Open(t.Context(), within(dir, tt.req))
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir + "/out/..")
			for path, want := range tt.want {
				forms := []string{path}
				if !strings.HasPrefix(path, "/") {
					forms = append(forms, dir+"/"+path, "./"+path, "out/home/"+path)
				}
				for _, p := range forms {
					source, below := c.Below(p)
					if below != (want != "") || strings.TrimPrefix(source, dir+"/") != want {
						t.Errorf("%s: %v, source %q; want source %q", p, below, source, want)
					}
				}
			}
		})
	}
}

// "/" as a source must not forbid every output.
func TestBelowRoot(t *testing.T) {
	c := new(Catalog)
	c.addRoots(place{source: "/", dataRoot: "/var/lib/influxdb/data"})
	if _, below := c.Below("/tmp/x"); below {
		t.Error("everything is below the source")
	}
	dir := t.TempDir()
	c.addRoots(place{source: "/", dataRoot: dir})
	if source, below := c.Below(filepath.Join(dir, "x")); !below || source != "/" {
		t.Errorf("its data directory: %q, %v", source, below)
	}
}

func TestBelowSourceNamedRelatively(t *testing.T) {
	dir := plant(t, small("v")...)
	t.Chdir(filepath.Join(dir, "v"))
	c, err := Open(t.Context(), Request{Paths: []string{"."}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(dir); err != nil {
		t.Fatal(err)
	}
	if source, below := c.Below("v/x"); !below || source != "." {
		t.Errorf("%q, %v", source, below)
	}
}
