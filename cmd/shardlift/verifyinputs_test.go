// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
)

// What a path names is found out by what lies there, whatever it is called.
func TestSortInputs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	volumeKinds["bare"](shardtest.NewVolume(t, "volume"))
	volumeKinds["bare"](shardtest.NewVolume(t, "both"))
	tsm := filepath.Join("volume", "data", "db", "autogen", "1", "000000001-000000001.tsm")
	for name, text := range map[string]string{
		"export/manifest.json": "{}", "killed/.manifest.unfinished.json": "{}", "plain/a.lp.gz": "x", "begun/.a.lp.gz.partial": "x", "other/backup.gz": "x",
		"both/shardlift-export.lp": "m f=1 1\n", "points.lp": "m f=1 1\n", "noname": "m f=1 1\n", "empty.lp": "",
		"broken.tsm": "none", "_00001.wal": "",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	block, err := os.ReadFile(tsm)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("renamed", block, 0o644); err != nil {
		t.Fatal(err)
	}
	type want struct {
		Sources bool
		Paths   []string
		Exports []string
	}
	for name, c := range map[string]struct {
		flags sourceFlags
		want  want
	}{
		"default":        {sourceFlags{}, want{Sources: true}},
		"volume":         {sourceFlags{Sources: []string{"volume"}}, want{true, []string{"volume"}, nil}},
		"data directory": {sourceFlags{DataDir: "volume/data"}, want{Sources: true}},
		"TSM file":       {sourceFlags{Sources: []string{tsm, "renamed", "broken.tsm"}}, want{true, []string{tsm, "renamed", "broken.tsm"}, nil}},
		"WAL segment":    {sourceFlags{Sources: []string{"_00001.wal"}}, want{true, []string{"_00001.wal"}, nil}},
		"missing":        {sourceFlags{Sources: []string{"nowhere"}}, want{true, []string{"nowhere"}, nil}},
		"export":         {sourceFlags{Sources: []string{"export"}}, want{false, nil, []string{"export"}}},
		"manifest":       {sourceFlags{Sources: []string{"export/manifest.json"}}, want{false, nil, []string{"export"}}},
		"killed export":  {sourceFlags{Sources: []string{"killed"}}, want{false, nil, []string{"killed"}}},
		"begun export":   {sourceFlags{Sources: []string{"begun"}}, want{false, nil, []string{"begun"}}},
		"no manifest":    {sourceFlags{Sources: []string{"plain"}}, want{false, nil, []string{"plain"}}},
		"other files":    {sourceFlags{Sources: []string{"other"}}, want{true, []string{"other"}, nil}},
		"text in volume": {sourceFlags{Sources: []string{"both"}}, want{true, []string{"both"}, nil}},
		"files":          {sourceFlags{Sources: []string{"points.lp", "noname", "empty.lp", "-"}}, want{false, nil, []string{"points.lp", "noname", "empty.lp", "-"}}},
		"both kinds":     {sourceFlags{Sources: []string{"export", "volume"}}, want{true, []string{"volume"}, []string{"export"}}},
		"both, apart":    {sourceFlags{Sources: []string{"export"}, DataDir: "volume/data"}, want{true, nil, []string{"export"}}},
	} {
		t.Run(name, func(t *testing.T) {
			in, err := sortInputs(t.Context(), &c.flags, &selectionFlags{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, want{in.sources, in.request.Paths, in.exports}); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
