// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/internal/exportdir"
	"github.com/shardlift/shardlift/point"
)

// directory makes a directory of the test with these files.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		writeIn(t, dir, name, text)
	}
	return dir
}

// manifestOf writes the manifest of files, each with one shard per "database.policy".
func manifestOf(t *testing.T, files map[string]string, names ...string) string {
	t.Helper()
	var list []map[string]any
	for _, name := range names {
		text := files[name]
		var shards []map[string]any
		for line := range strings.Lines(text) {
			if db, ok := strings.CutPrefix(line, "# CONTEXT-DATABASE:"); ok {
				shards = append(shards, map[string]any{
					"database": strings.TrimSpace(db), "policy": "p", "points": 1,
					"start": "1970-01-01T00:00:00.000000001Z", "end": "1970-01-01T00:00:00.000000009Z",
				})
			}
		}
		list = append(list, map[string]any{
			"name": name, "outputBytes": len(text), "sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(text))), "shards": shards,
		})
	}
	b, err := json.Marshal(map[string]any{"format": 1, "files": list})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// export makes the directory of an export with two files.
func export(t *testing.T) string {
	t.Helper()
	files := map[string]string{
		"b.lp": "# DDL\nCREATE DATABASE b\n# DML\n# CONTEXT-DATABASE:b\n# CONTEXT-RETENTION-POLICY:p\nm f=1 1\n",
		"a.lp": "# DDL\nCREATE DATABASE a\n# DML\n# CONTEXT-DATABASE:a\n# CONTEXT-RETENTION-POLICY:p\nm f=2 9\n",
	}
	files[exportdir.ManifestName] = manifestOf(t, files, "b.lp", "a.lp")
	return directory(t, files)
}

func TestDirectories(t *testing.T) {
	const a, b = "# CONTEXT-DATABASE:a\nm f=1 1\n", "# CONTEXT-DATABASE:b\nm f=2 2\n"
	t.Run("names", func(t *testing.T) {
		dir := directory(t, map[string]string{
			"2.lp": a, "1.txt": b, "3.lp.gz": string(gzipped(t, []byte(a))), "4.ZST": b,
			".5.lp": "junk", "6.lp.partial": "junk", "7.log": "junk",
		})
		if err := os.Mkdir(filepath.Join(dir, "8.lp"), 0o700); err != nil {
			t.Fatal(err)
		}
		r := open(t, Config{Inputs: []string{dir}})
		o, batches := drain(t, r)
		if diff := cmp.Diff([]string{"b. 2: m f=2 2", "a. 2: m f=1 1", "a. 2: m f=1 1", "b. 2: m f=2 2"}, o.Points); diff != "" {
			t.Error(diff)
		}
		if got := batches[2].Input; got != filepath.Join(dir, "3.lp.gz") {
			t.Error(got)
		}
		s, err := r.Survey(t.Context(), false)
		if err != nil || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "8.lp is not a regular file") {
			t.Errorf("%+v, %v", s, err)
		}
	})
	t.Run("an export, in its order", func(t *testing.T) {
		dir := export(t)
		writeIn(t, dir, "other.lp", "junk")
		r := open(t, Config{Inputs: []string{dir}})
		o, _ := drain(t, r)
		if diff := cmp.Diff([]string{"b.p 6: m f=1 1", "a.p 6: m f=2 9"}, o.Points); diff != "" {
			t.Error(diff)
		}
		s, err := r.Survey(t.Context(), false)
		if err != nil || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "other.lp is not in the manifest") {
			t.Errorf("%+v, %v", s, err)
		}
	})
	t.Run("points only, of one place", func(t *testing.T) {
		files := map[string]string{"a.lp": "m f=1 1\n"}
		m := strings.Replace(manifestOf(t, files, "a.lp"), `"shards":null`, `"shards":[{"database":"d","policy":"p","points":1}]`, 1)
		files[exportdir.ManifestName] = m
		o := read(t, Config{Inputs: []string{directory(t, files)}, Database: "other", Policy: "other"})
		if diff := cmp.Diff(out{Points: []string{"d.p 1: m f=1 1"}}, o); diff != "" {
			t.Error(diff)
		}
	})
}

func TestInputErrors(t *testing.T) {
	in := func(names ...string) Config {
		return Config{Inputs: names, Stdin: strings.NewReader("m f=1 1\n"), Database: "db"}
	}
	damaged := func(name, text string) Config {
		dir := export(t)
		writeIn(t, dir, name, text)
		return in(dir)
	}
	files := map[string]string{"a.lp": "m f=1 1\n"}
	named := func(old, new string) Config {
		return in(directory(t, map[string]string{
			"a.lp": files["a.lp"], exportdir.ManifestName: strings.Replace(manifestOf(t, files, "a.lp"), old, new, 1),
		}))
	}
	gone := export(t)
	if err := os.Remove(filepath.Join(gone, "a.lp")); err != nil {
		t.Fatal(err)
	}
	noStdin := in("-")
	noStdin.Stdin = nil
	headerless := in(write(t, "a.lp", "m f=1 1\n"))
	headerless.Database = ""
	headerlessGzip := in(write(t, "a.gz", string(gzipped(t, []byte("# c\nm f=1 1\n")))))
	headerlessGzip.Database = ""
	archive := tarred(t, "a.lp", "m f=1 1\n")
	headerlessStdin := in("-")
	headerlessStdin.Database = ""
	tests := map[string]struct {
		cfg  Config
		want string
	}{
		"none":               {in(), "no input is named"},
		"missing":            {in("/nowhere/x.lp"), "input /nowhere/x.lp is not there"},
		"empty directory":    {in(t.TempDir()), "or .zst (the directories of a server are for `shardlift replay`)"},
		"stdin twice":        {in("-", "-"), "named twice"},
		"no stdin":           {noStdin, "no standard input"},
		"no database":        {headerless, "a.lp, line 1: nothing says which database the points belong to; name it with --database"},
		"no database, gzip":  {headerlessGzip, "a.gz, line 2: nothing says which database"},
		"no database, stdin": {headerlessStdin, "stdin, line 1: nothing says which database"},
		"unfinished export":  {in(directory(t, map[string]string{exportdir.UnfinishedName: "{}", "a.lp": "m f=1 1\n"})), "an export that has not ended"},
		"a file is gone":     {in(gone), "a.lp is not there, but the manifest lists it"},
		"a file is longer":   {damaged("a.lp", "# DDL\nCREATE DATABASE a\n# DML\n# CONTEXT-DATABASE:a\n# CONTEXT-RETENTION-POLICY:p\nm f=2 99\n"), "according to the manifest"},
		"a file is another":  {damaged("a.lp", "# DDL\nCREATE DATABASE a\n# DML\n# CONTEXT-DATABASE:a\n# CONTEXT-RETENTION-POLICY:p\nm f=3 9\n"), "a.lp is damaged: its SHA-256 is not the one in the manifest"},
		"no JSON":            {damaged(exportdir.ManifestName, "{"), "unexpected end of JSON"},
		"another format":     {damaged(exportdir.ManifestName, `{"format":2}`), "format 2 is not known"},
		"a path":             {named("a.lp", "../a.lp"), `"../a.lp" is no plain file name`},
		"a path at the root": {named("a.lp", "/a.lp"), `"/a.lp" is no plain file name`},
		"the parent":         {named("a.lp", ".."), `".." is no plain file name`},
		"no name":            {named("a.lp", ""), `"" is no plain file name`},
		"twice":              {damaged(exportdir.ManifestName, manifestOf(t, files, "a.lp", "a.lp")), `file "a.lp" is listed twice`},
		"no checksum":        {named(`"sha256":"`, `"sha256":"0`), `file "a.lp" has no SHA-256`},
		"a size that is not": {named(`"outputBytes":8`, `"outputBytes":-1`), "-1 according to the manifest"},
		"a time that is not": {named(`"shards":null`, `"shards":[{"start":"x"}]`), `cannot parse "x"`},
		"a broken seal":      {damaged(exportdir.ManifestName, `{"format":1,"checksum":"`+strings.Repeat("1", 64)+`"}`), "its own checksum does not hold"},
		"no seal at all":     {damaged(exportdir.ManifestName, `{"format":1,"checksum":"1"}`), "its own checksum does not hold"},
		"bzip2":              {in(write(t, "a", "BZh91AY")), "is compressed with bzip2"},
		"tar":                {in(write(t, "a.tar", archive)), "a.tar is a tar archive: unpack it"},
		"tar, gzip":          {in(write(t, "a.tgz", string(gzipped(t, []byte(archive))))), "a.tgz is a tar archive: unpack it"},
		"a TSM file, gzip":   {in(write(t, "a.tsm.gz", string(gzipped(t, []byte("\x16\xd1\x16\xd1\x01"))))), "a.tsm.gz is compressed, and what it holds is a TSM file: use `shardlift export`"},
		"gzip, gzip":         {in(write(t, "a.gz.gz", string(gzipped(t, gzipped(t, []byte("m f=1 1\n")))))), "a.gz.gz is compressed, and what it holds is compressed again, with gzip: unpack it once"},
		"a TSM file":         {in(write(t, "a", "\x16\xd1\x16\xd1\x01")), "is a TSM file: use `shardlift export`"},
		"UTF-16":             {in(write(t, "a", "\xff\xfem\x00")), "is UTF-16"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := openError(t, tt.cfg); !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// tarred gives an archive with one file.
func tarred(t *testing.T, name, text string) string {
	t.Helper()
	var b strings.Builder
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestIdentity(t *testing.T) {
	path := write(t, "a.lp", "m f=1 1\n")
	if err := os.Chtimes(path, time.Time{}, time.Unix(7, 5)); err != nil {
		t.Fatal(err)
	}
	m, err := importer.NewMapping([]string{"b=c", "a=b"}, []string{"p=q", "x/p=r"})
	if err != nil {
		t.Fatal(err)
	}
	identity := func(change func(*Config)) string {
		cfg := Config{Inputs: []string{path, "-"}, Stdin: strings.NewReader(""), Database: "db", Now: 5, Mapping: m}
		if change != nil {
			change(&cfg)
		}
		b, err := json.Marshal(open(t, cfg).Identity())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	was := identity(nil)
	want := `{"inputs":[{"path":"` + path + `","size":8,"modified":"1970-01-01T00:00:07.000000005Z"},{"path":"-"}],"database":"db",` +
		`"mapping":["database \"a\"=\"b\"","database \"b\"=\"c\"","policy \"\"/\"p\"=\"q\"","policy \"x\"/\"p\"=\"r\""],"unitNano":1,"now":5}`
	if diff := cmp.Diff(want, was); diff != "" {
		t.Error(diff)
	}
	changes := map[string]func(*Config){
		"database":  func(c *Config) { c.Database = "other" },
		"policy":    func(c *Config) { c.Policy = "p" },
		"mapping":   func(c *Config) { c.Mapping = nil },
		"precision": func(c *Config) { c.Precision = "s" },
		"now":       func(c *Config) { c.Now = 6 },
		"inputs":    func(c *Config) { c.Inputs = c.Inputs[:1] },
		"selection": func(c *Config) { c.Selection = selection(t, filter.Spec{Fields: []string{"f"}}) },
	}
	for name, change := range changes {
		if identity(change) == was {
			t.Errorf("another %s is not seen", name)
		}
	}
	same := map[string]func(*Config){
		"batches":  func(c *Config) { c.BatchBytes, c.BatchPoints = 5, 7 },
		"check":    func(c *Config) { c.Check = true },
		"ns":       func(c *Config) { c.Precision = "ns" },
		"progress": func(c *Config) { c.Progress = &importer.Progress{} },
	}
	for name, change := range same {
		if got := identity(change); got != was {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestSurvey(t *testing.T) {
	const text = "# DDL\nCREATE DATABASE a\n# DML\n# CONTEXT-DATABASE:a\nm f=1 1\nm f=1 7\nm g=1 50\n# CONTEXT-DATABASE:b\nm f=1 3\nbad\n# DDL\nCREATE DATABASE z\n"
	place := func(db, rp string) importer.Place { return importer.Place{Database: db, Policy: rp} }
	tests := map[string]struct {
		deep bool
		dir  bool // the export in place of the text
		spec filter.Spec
		want Survey
		rest []string // statements that Next hands out all the same
	}{
		"heads": {
			want: Survey{Statements: []string{"CREATE DATABASE a"}, Places: []Place{{place("x", ""), point.NoTime, -1}}, Files: 1, Bytes: int64(len(text)), Points: -1},
			rest: []string{"CREATE DATABASE z"},
		},
		"deep": {
			deep: true,
			want: Survey{
				Statements: []string{"CREATE DATABASE a", "CREATE DATABASE z"}, Complete: true, Files: 1, Bytes: int64(len(text)), Points: 4,
				Places: []Place{{place("x", ""), point.TimeRange{Min: 1, Max: 50}, 3}, {place("b", ""), point.TimeRange{Min: 3, Max: 3}, 1}},
			},
		},
		"deep, filtered": {
			deep: true, spec: filter.Spec{Fields: []string{"f"}, Start: "2"},
			want: Survey{
				Statements: []string{"CREATE DATABASE a", "CREATE DATABASE z"}, Complete: true, Files: 1, Bytes: int64(len(text)), Points: 2,
				Places: []Place{{place("x", ""), point.TimeRange{Min: 7, Max: 7}, 1}, {place("b", ""), point.TimeRange{Min: 3, Max: 3}, 1}},
			},
		},
		"manifest": {
			dir: true,
			want: Survey{
				Statements: []string{"CREATE DATABASE b", "CREATE DATABASE a"}, Complete: true, Files: 2, Bytes: 176, Points: 2,
				Places: []Place{{place("b", "p"), point.TimeRange{Min: 1, Max: 9}, 1}, {place("x", "p"), point.TimeRange{Min: 1, Max: 9}, 1}},
			},
		},
		"manifest and a window": {
			dir: true, spec: filter.Spec{Start: "3"},
			want: Survey{
				Statements: []string{"CREATE DATABASE b", "CREATE DATABASE a"}, Complete: true, Files: 2, Bytes: 176, Points: -1,
				Places: []Place{{place("b", "p"), point.TimeRange{Min: 3, Max: 9}, -1}, {place("x", "p"), point.TimeRange{Min: 3, Max: 9}, -1}},
			},
		},
		"manifest, deep": {
			dir: true, deep: true, spec: filter.Spec{Start: "3"},
			want: Survey{
				Statements: []string{"CREATE DATABASE b", "CREATE DATABASE a"}, Complete: true, Files: 2, Bytes: 176, Points: 1,
				Places: []Place{{place("x", "p"), point.TimeRange{Min: 9, Max: 9}, 1}},
			},
		},
	}
	m, err := importer.NewMapping([]string{"a=x"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Inputs: []string{write(t, "a.lp", text)}, Mapping: m, Selection: selection(t, tt.spec)}
			if tt.dir {
				cfg.Inputs = []string{export(t)}
			}
			r := open(t, cfg)
			got, err := r.Survey(t.Context(), tt.deep)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Error(diff)
			}
			o, _ := drain(t, r)
			if diff := cmp.Diff(tt.rest, o.Statements); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSurveyOfStdin(t *testing.T) {
	cfg := stdin("# DDL\nCREATE DATABASE a\n# DML\n")
	r := open(t, cfg)
	got, err := r.Survey(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Survey{Stdin: true, Points: -1}, got); diff != "" {
		t.Error(diff)
	}
	if o, _ := drain(t, r); len(o.Statements) != 1 {
		t.Errorf("%q", o.Statements)
	}
}

// An export that was cut off is told from a file whose last line people left open.
func TestSurveyOfOpenEnd(t *testing.T) {
	const points = "# CONTEXT-DATABASE:db\nm f=1 1\nm f=12 12"
	for name, c := range map[string]struct {
		text string
		cut  bool
	}{
		"an export":        {ownHeader + " \n# DML\n" + points, true},
		"influx_inspect's": {influxHeader + " \n# DML\n" + points, true},
		"rejects":          {importer.RejectsHeader + "1\n" + points, true},
		"whole":            {ownHeader + " \n# DML\n" + points + "\n", false},
		"by hand":          {"# DML\n" + points, false},
	} {
		r := open(t, Config{Inputs: []string{write(t, "a.lp", c.text), write(t, "b.gz", string(gzipped(t, []byte(c.text))))}})
		for _, deep := range []bool{false, true} {
			s, err := r.Survey(t.Context(), deep)
			if err != nil || len(s.Notes) > 1 || (len(s.Notes) == 1) != c.cut || c.cut && !strings.Contains(s.Notes[0], "a.lp: the last line does not end with a line feed") {
				t.Errorf("%s: %+v, %v", name, s, err)
			}
		}
	}
}

// Damage ends neither a deep survey nor the reading in front of it.
func TestSurveyOfDamage(t *testing.T) {
	var text strings.Builder
	for i := range 50000 {
		fmt.Fprintf(&text, "m f=%d %d\n", i*i, i)
	}
	whole := gzipped(t, []byte(text.String()))
	cfg := Config{Inputs: []string{write(t, "a.gz", string(whole[:len(whole)/2]))}, Database: "db"}
	r := open(t, cfg)
	s, err := r.Survey(t.Context(), true)
	if err != nil || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "is cut off") {
		t.Fatalf("%+v, %v", s, err)
	}
	o, _ := drain(t, r)
	if o.Err != s.Notes[0] || int64(len(o.Points)) != s.Points || s.Points < 1000 {
		t.Errorf("%d points, surveyed %d; %s", len(o.Points), s.Points, o.Err)
	}
}
