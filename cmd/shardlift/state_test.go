// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
)

func TestIdentityDifferences(t *testing.T) {
	long := map[string]any{"files": []any{
		map[string]any{"path": "/backup/lp/one.lp.gz", "size": 12345, "modified": 1700000000000000001},
		map[string]any{"path": "/backup/lp/two.lp.gz", "size": 12345, "modified": 1700000000000000001},
	}}
	touched := map[string]any{"files": []any{
		map[string]any{"path": "/backup/lp/one.lp.gz", "size": 12345, "modified": 1700000000000000001},
		map[string]any{"path": "/backup/lp/two.lp.gz", "size": 12345, "modified": 1700000000000000002},
	}}
	cases := map[string]struct {
		was, is  map[string]any
		from, to []string
		want     []string
	}{
		"the same":    {was: map[string]any{"a": 1}, is: map[string]any{"a": 1}},
		"short":       {was: map[string]any{"a": 1, "b": nil}, is: map[string]any{"a": 2, "b": nil}, want: []string{"a was 1, is 2"}},
		"a flag more": {was: map[string]any{}, is: map[string]any{"a": "x"}, want: []string{`a was not there, is "x"`}},
		"deep, a last digit": {
			was: map[string]any{"inputs": long}, is: map[string]any{"inputs": touched},
			want: []string{"files 2 modified was 1700000000000000001, is 1700000000000000002"},
		},
		"a file more": {
			was: map[string]any{"inputs": long}, is: map[string]any{"inputs": map[string]any{"files": append(touched["files"].([]any)[:1:1], 1, 2)}},
			want: []string{"files 2 differ"},
		},
		"a database of an import": {
			was:  map[string]any{"inputs": map[string]any{"inputs": long["files"], "database": "a"}},
			is:   map[string]any{"inputs": map[string]any{"inputs": long["files"], "database": "b"}},
			want: []string{`database was "a", is "b"`},
		},
		"a file of an import": {
			was:  map[string]any{"inputs": map[string]any{"inputs": long["files"]}},
			is:   map[string]any{"inputs": map[string]any{"inputs": touched["files"]}},
			want: []string{"input 2 modified was 1700000000000000001, is 1700000000000000002"},
		},
		"bytes that are no UTF-8": {
			was: map[string]any{"selection": filter.Description{Databases: []string{"caf\xe9"}}}, is: map[string]any{"selection": filter.Description{Databases: []string{"caf\xe8"}}},
			want: []string{`selection was {"databases":["caf\\xe9"]}, is {"databases":["caf\\xe8"]}`},
		},
		"a byte, and as it is written": {
			was: map[string]any{"selection": []string{"caf\xe9"}}, is: map[string]any{"selection": []string{`caf\xe9`}},
			want: []string{"selection differ in bytes that are no UTF-8"},
		},
		"the same bytes":  {was: map[string]any{"selection": []string{"caf\xe9", `\xe9`}}, is: map[string]any{"selection": []string{"caf\xe9", `\xe9`}}},
		"one node of two": {from: []string{"http://a", "http://b"}, to: []string{"http://c", "http://b/"}},
		"another target":  {from: []string{"http://a"}, to: []string{"http://u:secret@b"}, want: []string{"target was http://a, is http://b"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.from == nil {
				c.from, c.to = []string{"http://a"}, []string{"http://a"}
			}
			was, err := newIdentity(c.was, c.from, time.Unix(1, 0))
			if err != nil {
				t.Fatal(err)
			}
			is, err := newIdentity(c.is, c.to, time.Unix(2, 0))
			if err != nil {
				t.Fatal(err)
			}
			// As it comes back from a file.
			text, err := json.Marshal(was)
			if err != nil {
				t.Fatal(err)
			}
			var back identity
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, is.differences(&back)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What earlier versions wrote of a run is found again, unless names are no UTF-8: of those
// they did not say which they were.
func TestIdentityOfEarlierVersions(t *testing.T) {
	parts := map[string]any{
		"sources":   []any{[]string{"/mnt/sn\u00f6w"}, "", "", "", false},
		"selection": filter.Description{Databases: []string{`/\x41/`, `a\xffb`, "<&>"}, Tags: []string{"h=a\ufffd"}},
		"salvage":   true,
	}
	id, err := newIdentity(parts, []string{"http://a"}, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	earlier := `{"run":{"salvage":true,"selection":{"databases":["/\\x41/","a\\xffb","\u003c\u0026\u003e"],"tags":["h=a` + "\ufffd" + `"]},` +
		`"sources":[["/mnt/sn` + "\u00f6" + `w"],"","","",false]},"urls":["http://a"],"now":1000000000}`
	c, text, err := id.resume("c", &importer.Checkpoint{Identity: json.RawMessage(earlier)})
	if err != nil || c == nil {
		t.Errorf("resume: %v", err)
	}
	if string(text) != earlier {
		t.Errorf("%s\nwas\n%s", text, earlier)
	}
	parts["selection"] = filter.Description{Databases: []string{"a\xff"}}
	if id, err = newIdentity(parts, []string{"http://a"}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	earlier = `{"run":{"salvage":true,"selection":{"databases":["a\ufffd"]},"sources":[["/mnt/sn` + "\u00f6" + `w"],"","","",false]},"urls":["http://a"],"now":1000000000}`
	if _, _, err := id.resume("c", &importer.Checkpoint{Identity: json.RawMessage(earlier)}); !errors.Is(err, importer.ErrChanged) {
		t.Errorf("a checkpoint of any byte was taken up: %v", err)
	}
}

// Two selections have one identity only if they are the same.
func TestIdentityOfAnyBytes(t *testing.T) {
	names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "\xff", "\xfe", "\ufffd", `\xff`, `\x5cxff`, `\`, "\xc3"}), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		var ids [2]*identity
		var lists [2]string
		for i := range ids {
			lists[i] = strings.Join(names.Draw(t, "names"), "")
			var err error
			if ids[i], err = newIdentity(map[string]any{"selection": []string{lists[i]}}, []string{"http://a"}, time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		}
		if same := len(ids[1].differences(ids[0])) == 0; same != (lists[0] == lists[1]) {
			t.Fatalf("%q and %q are the same: %t", lists[0], lists[1], same)
		}
	})
}

func TestStatePaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("HOME", filepath.Join(dir, "home"))
	t.Setenv("XDG_STATE_HOME", "")
	if err := os.Mkdir("lp", 0o755); err != nil {
		t.Fatal(err)
	}
	state := regexp.QuoteMeta(filepath.Join(dir, "home", ".local", "state", "shardlift")) + "/import-[0-9a-f]{16}.json"
	cases := map[string]struct {
		flags               stateFlags
		beside              string
		checkpoint, rejects string
	}{
		"a file":             {beside: "lp/a.lp.gz", checkpoint: `lp/\.a\.lp\.gz\.shardlift-import`, rejects: `lp/a\.lp\.gz\.rejects\.lp`},
		"a directory":        {beside: "lp/", checkpoint: `\.lp\.shardlift-import`, rejects: `lp\.rejects\.lp`},
		"where we are":       {beside: ".", checkpoint: regexp.QuoteMeta(filepath.Dir(dir)) + `/\.[^/]+\.shardlift-import`, rejects: regexp.QuoteMeta(dir) + `\.rejects\.lp`},
		"stdin":              {checkpoint: state, rejects: `shardlift-rejects\.lp`},
		"nowhere to write":   {beside: "none/a.lp", checkpoint: state, rejects: `shardlift-rejects\.lp`},
		"the root":           {beside: "/", checkpoint: state, rejects: `shardlift-rejects\.lp`},
		"both named":         {flags: stateFlags{Checkpoint: "c", Rejects: "r"}, beside: "lp/a", checkpoint: "c", rejects: "r"},
		"checkpoint named":   {flags: stateFlags{Checkpoint: "c"}, beside: "lp/a", checkpoint: "c", rejects: `lp/a\.rejects\.lp`},
		"rejects file named": {flags: stateFlags{Rejects: "r"}, checkpoint: state, rejects: "r"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			checkpoint, rejects, err := c.flags.paths(c.beside, "import\n/some/where")
			if err != nil {
				t.Fatal(err)
			}
			for got, want := range map[string]string{checkpoint: c.checkpoint, rejects: c.rejects} {
				if !regexp.MustCompile("^" + want + "$").MatchString(got) {
					t.Errorf("%s, want %s", got, want)
				}
			}
		})
	}
}

// State never goes into a file that holds something else.
func TestStateThatIsSomethingElse(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{"in.lp": "m f=1 1\n", "old": `{"format":1,"torn`, "empty": ""} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link("in.lp", "link.lp"); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		flags stateFlags
		ok    bool
	}{
		"apart":                     {stateFlags{Checkpoint: "c", Rejects: "r"}, true},
		"rejects added to another":  {stateFlags{Checkpoint: "c", Rejects: "old"}, true},
		"rejects into an input":     {stateFlags{Checkpoint: "c", Rejects: "in.lp"}, false},
		"by another name":           {stateFlags{Checkpoint: "c", Rejects: "link.lp"}, false},
		"checkpoint over an input":  {stateFlags{Checkpoint: "in.lp", Rejects: "r", Restart: true}, false},
		"both in one":               {stateFlags{Checkpoint: "c", Rejects: "./c"}, false},
		"restart, damaged":          {stateFlags{Checkpoint: "old", Rejects: "r", Restart: true}, true},
		"restart, empty":            {stateFlags{Checkpoint: "empty", Rejects: "r", Restart: true}, true},
		"restart, over points":      {stateFlags{Checkpoint: "points", Rejects: "r", Restart: true}, false},
		"restart, over a directory": {stateFlags{Checkpoint: ".", Rejects: "r", Restart: true}, false},
	}
	if err := os.WriteFile("points", []byte("m f=1 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := &delivery{flags: &deliveryFlags{stateFlags: c.flags}, reads: []string{"in.lp", "-"}}
			if _, err := d.settleState(d.newOutcome()); (err == nil) != c.ok {
				t.Errorf("settleState: %v", err)
			}
		})
	}
}
