// SPDX-License-Identifier: Apache-2.0

package checker_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/shardlift/shardlift/checker"
	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/shardtest"
)

func checkExports(t testing.TB, paths ...string) *checker.ExportReport {
	t.Helper()
	r, err := checker.Exports(t.Context(), checker.ExportOptions{Paths: paths, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// exportTo exports a volume to a directory.
func exportTo(t testing.TB, dir, source string, format exporter.Format) *exporter.Summary {
	t.Helper()
	o := options(t, source)
	s, err := exporter.Run(t.Context(), exporter.Options{
		Catalog: o.Catalog, Selection: o.Selection, Output: exporter.Output{Dir: dir}, Format: format, Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var formats = map[string]exporter.Format{
	"plain":       {Split: exporter.SplitDatabase},
	"gzip":        {Split: exporter.SplitShard, Compression: exporter.Gzip},
	"zstd":        {Split: exporter.SplitNone, Compression: exporter.Zstd},
	"bare":        {Split: exporter.SplitNone, Bare: true},
	"a field":     {Split: exporter.SplitDatabase, OneField: true},
	"bare shards": {Split: exporter.SplitShard, Compression: exporter.Gzip, Bare: true},
}

// Exports of what real servers wrote are sound in every form, and hold what was exported.
func TestSoundExports(t *testing.T) {
	for _, name := range testvolume.Names(t) {
		v := testvolume.Open(t, name)
		for form, format := range formats {
			t.Run(name+" "+form, func(t *testing.T) {
				dir := t.TempDir()
				sum := exportTo(t, dir, v.Dir, format)
				got := checkExports(t, dir)
				if len(got.Faults) > 0 || len(got.Notes) > 0 {
					t.Errorf("faults:\n%s%q", list(got.Faults), got.Notes)
				}
				e := got.Exports[0]
				var points, values, text, raw int64
				for _, f := range e.Files {
					points += f.Points
					values += f.Values
					text += f.Bytes
					raw += f.OutputBytes
					if !f.Listed || f.Faults != 0 || f.SHA256 == "" {
						t.Errorf("%+v", f)
					}
				}
				if points != sum.Points || values != sum.Values || text != sum.Bytes || raw != sum.OutputBytes || len(e.Files) != len(sum.Files) ||
					e.Manifest != filepath.Join(dir, exporter.ManifestName) {
					t.Errorf("%d points, %d values, %d bytes of text, %d of files; want %+v\n%+v", points, values, text, raw, sum, e)
				}
			})
		}
	}
}

// smallVolume has two databases with two shards each, of all kinds.
func smallVolume(t testing.TB) string {
	t.Helper()
	v := shardtest.NewVolume(t, t.TempDir())
	for i, db := range []string{"one", "two"} {
		for n := range 2 {
			var f shardtest.TSM
			for kind, field := range []string{"f", "i", "b", "s", "u"} {
				f.Add(fmt.Sprintf("m,host=%d#!~#%s", n, field), shardtest.Sample(kinds[kind], begin+int64(n)*1e12, 6))
			}
			v.Shard(db, "rp", uint64(1+2*i+n)).TSM(1, 1, &f)
		}
	}
	v.WriteMeta(v.Meta())
	return v.Dir
}

// One byte changed anywhere in an export, in a file or in the manifest, is found, and the
// right one named.
func TestEveryByteOfAnExport(t *testing.T) {
	source := smallVolume(t)
	for form, format := range formats {
		t.Run(form, func(t *testing.T) {
			dir := t.TempDir()
			exportTo(t, dir, source, format)
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				path := filepath.Join(dir, e.Name())
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				step := 1
				if form != "plain" {
					step += len(text) / 60
				}
				for at := 0; at < len(text); at += step {
					b := bytes.Clone(text)
					b[at] ^= 1 << (at % 8)
					writeFile(t, path, b)
					named(t, checkExports(t, dir), path, fmt.Sprintf("byte %d of %s", at, e.Name()))
				}
				writeFile(t, path, text)
			}
			if got := checkExports(t, dir); len(got.Faults) > 0 {
				t.Errorf("at the end:\n%s", list(got.Faults))
			}
		})
	}
}

// named fails the test unless a fault names the file.
func named(t testing.TB, got *checker.ExportReport, path, what string) {
	t.Helper()
	for i := range got.Faults {
		if got.Faults[i].File == path {
			return
		}
	}
	t.Errorf("%s: no fault names it:\n%s", what, list(got.Faults))
}

// rewrite changes the manifest of dir as a person would who has no tool for its checksum,
// or, sealed, as an export would have written it.
func rewrite(t testing.TB, dir string, sealed bool, change func(m map[string]any)) {
	t.Helper()
	path := filepath.Join(dir, exporter.ManifestName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	change(m)
	if sealed {
		delete(m, "checksum")
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, b)
}

// firstFile gives the first file of a manifest.
func firstFile(m map[string]any) map[string]any {
	return m["files"].([]any)[0].(map[string]any)
}

// Damage of every kind that a person, a disk or a copy makes is found, at the right file.
func TestPlantedInExports(t *testing.T) {
	source := smallVolume(t)
	for name, c := range map[string]struct {
		plant func(t *testing.T, dir string)
		file  string
		part  string
		text  string
	}{
		"file cut": {func(t *testing.T, dir string) { edit(t, dir, "one.lp", func(b []byte) []byte { return b[:len(b)-9] }) }, "one.lp", "counts", "bytes of text: "},
		"file missing": {func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "one.lp")); err != nil {
				t.Fatal(err)
			}
		}, "one.lp", "file", "is not there"},
		"file is a directory": {func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "one.lp")); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, "one.lp"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, "one.lp", "file", "not a regular file"},
		"files swapped": {func(t *testing.T, dir string) {
			one, two := filepath.Join(dir, "one.lp"), filepath.Join(dir, "two.lp")
			for _, move := range [][2]string{{one, one + "x"}, {two, one}, {one + "x", two}} {
				if err := os.Rename(move[0], move[1]); err != nil {
					t.Fatal(err)
				}
			}
		}, "one.lp", "context", `points stand as those of "two"."rp"`},
		"extra point": {func(t *testing.T, dir string) {
			edit(t, dir, "one.lp", func(b []byte) []byte { return append(b, "m f=1 1\n"...) })
		}, "one.lp", "counts", "points: 13 instead of 12"},
		"garbage line": {func(t *testing.T, dir string) {
			edit(t, dir, "one.lp", func(b []byte) []byte { return append(b, "nonsense\n"...) })
		}, "one.lp", "line", "nonsense"},
		"comment": {func(t *testing.T, dir string) {
			edit(t, dir, "one.lp", func(b []byte) []byte { return append(b, "# hello\n"...) })
		}, "one.lp", "counts", "bytes of text"},
		"context": {func(t *testing.T, dir string) {
			edit(t, dir, "one.lp", func(b []byte) []byte { return bytes.Replace(b, []byte("POLICY:rp"), []byte("POLICY:xx"), 1) })
		}, "one.lp", "context", `holds nothing of "one"."rp"`},
		"statement": {func(t *testing.T, dir string) {
			edit(t, dir, "one.lp", func(b []byte) []byte { return bytes.Replace(b, []byte(`DATABASE "one`), []byte(`DATABASE "onx`), 1) })
		}, "one.lp", "ddl", `no statement makes the database "one"`},
		"statement that is none": {func(t *testing.T, dir string) {
			edit(t, dir, "one.lp", func(b []byte) []byte { return bytes.Replace(b, []byte("REPLICATION"), []byte("REPLICATING"), 1) })
		}, "one.lp", "ddl", "REPLICATING"},
		"DML line": {func(t *testing.T, dir string) {
			edit(t, dir, "one.lp", func(b []byte) []byte { return bytes.Replace(b, []byte("# DML"), []byte("# DMX"), 1) })
		}, "one.lp", "ddl", "is no statement"},
		"counts edited": {func(t *testing.T, dir string) {
			rewrite(t, dir, false, func(m map[string]any) { firstFile(m)["points"] = json.Number("11") })
		}, exporter.ManifestName, "manifest", "checksum does not hold"},
		"counts edited with care": {func(t *testing.T, dir string) {
			rewrite(t, dir, true, func(m map[string]any) { firstFile(m)["points"] = json.Number("11") })
		}, "one.lp", "counts", "points: 12 instead of 11"},
		"hash edited": {func(t *testing.T, dir string) {
			rewrite(t, dir, true, func(m map[string]any) { firstFile(m)["sha256"] = strings.Repeat("ab", 32) })
		}, "one.lp", "file", "SHA-256"},
		"series edited": {func(t *testing.T, dir string) {
			rewrite(t, dir, true, func(m map[string]any) { firstFile(m)["series"] = json.Number("9") })
		}, "one.lp", "counts", "series: 2 instead of 9"},
		"total edited": {func(t *testing.T, dir string) {
			rewrite(t, dir, true, func(m map[string]any) { m["values"] = json.Number("9") })
		}, exporter.ManifestName, "manifest", "totals are not those"},
		"shard edited": {func(t *testing.T, dir string) {
			rewrite(t, dir, true, func(m map[string]any) {
				firstFile(m)["shards"].([]any)[0].(map[string]any)["policy"] = "rq"
			})
		}, "one.lp", "context", "and the manifest says 6 points"},
		"shard's points edited": {func(t *testing.T, dir string) {
			rewrite(t, dir, true, func(m map[string]any) {
				firstFile(m)["shards"].([]any)[0].(map[string]any)["points"] = json.Number("7")
			})
		}, exporter.ManifestName, "manifest", "are not those of its shards together"},
		"source edited": {func(t *testing.T, dir string) {
			rewrite(t, dir, false, func(m map[string]any) {
				firstFile(m)["shards"].([]any)[0].(map[string]any)["sources"].([]any)[0].(map[string]any)["size"] = json.Number("7")
			})
		}, exporter.ManifestName, "manifest", "checksum does not hold"},
		"policy edited": {func(t *testing.T, dir string) {
			rewrite(t, dir, true, func(m map[string]any) {
				m["options"].(map[string]any)["policies"].(map[string]any)["one"] = []string{"rp", "rq"}
			})
		}, "one.lp", "ddl", `no statement makes the policy "rq"`},
		"path that leads away": {func(t *testing.T, dir string) {
			rewrite(t, dir, true, func(m map[string]any) { firstFile(m)["name"] = "../one.lp" })
		}, exporter.ManifestName, "manifest", "no plain file name"},
		"listed twice": {func(t *testing.T, dir string) {
			rewrite(t, dir, true, func(m map[string]any) { m["files"] = append(m["files"].([]any), firstFile(m)) })
		}, exporter.ManifestName, "manifest", "twice"},
		"checksum of another name": {func(t *testing.T, dir string) {
			edit(t, dir, exporter.ManifestName, func(b []byte) []byte { return bytes.Replace(b, []byte(`"checksum"`), []byte(`"chacksum"`), 1) })
		}, exporter.ManifestName, "manifest", `not known: "chacksum"`},
		"another format": {func(t *testing.T, dir string) {
			rewrite(t, dir, true, func(m map[string]any) { m["format"] = json.Number("7") })
		}, exporter.ManifestName, "manifest", "format 7 is not known"},
		"no JSON": {func(t *testing.T, dir string) {
			edit(t, dir, exporter.ManifestName, func(b []byte) []byte { return b[:len(b)/2] })
		}, exporter.ManifestName, "manifest", "unexpected end"},
		"not ended": {func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, exporter.ManifestName), filepath.Join(dir, exporter.UnfinishedName)); err != nil {
				t.Fatal(err)
			}
		}, exporter.UnfinishedName, "manifest", "run the same export again"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			exportTo(t, dir, source, exporter.Format{Split: exporter.SplitDatabase})
			c.plant(t, dir)
			got := checkExports(t, dir)
			hit := false
			for i := range got.Faults {
				f := &got.Faults[i]
				hit = hit || f.File == filepath.Join(dir, c.file) && f.Part == c.part && strings.Contains(f.Reason, c.text)
				if other := filepath.Base(f.File); other == "two.lp" && name != "files swapped" {
					t.Errorf("also: %s", f.String())
				}
			}
			if !hit {
				t.Errorf("want %s of %s with %q; got\n%s", c.part, c.file, c.text, list(got.Faults))
			}
		})
	}
}

func edit(t testing.TB, dir, name string, change func(b []byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, change(b))
}

// Compressed streams are read to their end, and told where they break off.
func TestCompressedStreams(t *testing.T) {
	source := smallVolume(t)
	for form, c := range map[string]struct {
		format exporter.Format
		name   string
	}{
		"gzip": {exporter.Format{Split: exporter.SplitDatabase, Compression: exporter.Gzip}, "one.lp.gz"},
		"zstd": {exporter.Format{Split: exporter.SplitDatabase, Compression: exporter.Zstd}, "one.lp.zst"},
	} {
		for damage, change := range map[string]func(b []byte) []byte{
			"cut":              func(b []byte) []byte { return b[:len(b)-5] },
			"trailing garbage": func(b []byte) []byte { return append(b, "garbage"...) },
			"flipped":          func(b []byte) []byte { return shardtest.Flip(b, 8*int64(len(b)-40)) },
		} {
			t.Run(form+" "+damage, func(t *testing.T) {
				dir := t.TempDir()
				exportTo(t, dir, source, c.format)
				edit(t, dir, c.name, change)
				if err := os.Remove(filepath.Join(dir, exporter.ManifestName)); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(dir, c.name)
				got := checkExports(t, path) // nothing but the stream tells
				if len(got.Faults) == 0 || got.Faults[0].Part != "stream" || got.Faults[0].File != path || got.Faults[0].Offset < 0 || !got.Faults[0].Lost {
					t.Errorf("%s", list(got.Faults))
				}
			})
		}
	}
}

// Files without a manifest are parsed and counted, and those that one lists are compared
// with it though they are named alone.
func TestSingleFiles(t *testing.T) {
	dir := t.TempDir()
	exportTo(t, dir, smallVolume(t), exporter.Format{Split: exporter.SplitDatabase})
	path := filepath.Join(dir, "one.lp")
	got := checkExports(t, path)
	if f := got.Exports[0].Files[0]; len(got.Faults) > 0 || !f.Listed || f.Points != 12 || f.Values != 60 || got.Exports[0].Manifest == "" {
		t.Errorf("%+v\n%s", got.Exports, list(got.Faults))
	}
	edit(t, dir, "one.lp", func(b []byte) []byte { return append(b, "m f=1 1\n"...) })
	if got := checkExports(t, path); len(got.Faults) == 0 {
		t.Error("a file that is not the listed one is sound")
	}

	alone := filepath.Join(t.TempDir(), "points")
	writeFile(t, alone, []byte("m,a=b f=1,g=2i 5\nm f=\"x\ny\" 7\n\n# c\nm f=3"))
	got = checkExports(t, alone)
	f := got.Exports[0].Files[0]
	if len(got.Faults) > 0 || f.Listed || f.Points != 3 || f.Values != 4 || f.Start != timeText(5) || f.End != timeText(7) {
		t.Errorf("%+v\n%s", f, list(got.Faults))
	}
	if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, "1 points have no time") || !strings.Contains(notes, "may be cut off") {
		t.Errorf("notes %q", notes)
	}

	writeFile(t, alone, []byte("m f=1 1\nbad\nm f=x 2\nm,t= f=1 3\nm f=1 99999999999999999999\nm f=1 4\n"))
	got = checkExports(t, alone)
	var lines []int64
	for _, f := range got.Faults {
		lines = append(lines, f.Line)
	}
	if f := got.Exports[0].Files[0]; fmt.Sprint(lines) != "[2 3 4 5]" || got.Faults[1].Offset != 12 || f.Points != 2 || f.Faults != 4 || got.Lost != 4 {
		t.Errorf("%+v lines %v\n%s", f, lines, list(got.Faults))
	}

	writeFile(t, alone, []byte("PK\x03\x04 zip"))
	if got := checkExports(t, alone); len(got.Faults) != 1 || got.Faults[0].Reason != "is a zip archive: unpack it" {
		t.Errorf("%s", list(got.Faults))
	}
	if got := checkExports(t, alone+"x"); len(got.Faults) != 1 || got.Faults[0].Reason != "no such file or directory" {
		t.Errorf("%s", list(got.Faults))
	}
}

// A directory in which an export is at its first file has no manifest yet.
func TestBegunExports(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ".one.lp.gz.partial")
	writeFile(t, path, []byte("x"))
	if got := checkExports(t, dir); len(got.Faults) != 1 || got.Faults[0].File != path || !strings.Contains(got.Faults[0].Reason, "has not ended") {
		t.Errorf("%s", list(got.Faults))
	}
	writeFile(t, filepath.Join(dir, "two.lp"), []byte("m f=1 1\n"))
	if got := checkExports(t, dir); len(got.Faults) > 0 || len(got.Notes) != 1 || !strings.HasPrefix(got.Notes[0], path) {
		t.Errorf("%q\n%s", got.Notes, list(got.Faults))
	}
}

// A file that shrinks while it is read is not what it was; one that grows is not whole.
func TestFilesThatChange(t *testing.T) {
	for name, size := range map[string]int64{"shorter": 8, "longer": 24} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.lp")
			writeFile(t, path, []byte("m f=1 1\nm f=1 2\n"))
			// Files are looked at one after the other before the first is read, which is a pipe here.
			r, w := io.Pipe()
			go func() {
				_, err := w.Write([]byte("m f=1 1\n")) // taken when reading has begun
				if err == nil {
					err = os.WriteFile(path, []byte(strings.Repeat("m f=1 1\n", int(size/8))), 0o600)
				}
				_ = w.CloseWithError(err)
			}()
			got, err := checker.Exports(t.Context(), checker.ExportOptions{Paths: []string{"-", path}, Stdin: r, Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			notes := strings.Join(got.Notes, "\n")
			switch name {
			case "shorter":
				if len(got.Faults) != 1 || got.Faults[0].File != path || !strings.Contains(got.Faults[0].Reason, "ends at byte 8") {
					t.Errorf("%q\n%s", notes, list(got.Faults))
				}
			case "longer":
				if len(got.Faults) > 0 || !strings.Contains(notes, "grew from 16 to 24 bytes") {
					t.Errorf("%q\n%s", notes, list(got.Faults))
				}
			}
		})
	}
}

// Of a file that is garbage so many faults are listed, and all are counted.
func TestManyBadLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lp")
	writeFile(t, path, bytes.Repeat([]byte("bad\n"), 5000))
	got := checkExports(t, path)
	if got.Count() != 5000 || got.Lost != 5000 || len(got.Faults) != 1000 || got.Exports[0].Files[0].Faults != 5000 {
		t.Errorf("%d faults, %d lost, %d listed", got.Count(), got.Lost, len(got.Faults))
	}
}

// Standard input is read as a file is, several members too; a directory without a manifest
// has the files that are called right.
func TestOtherInputs(t *testing.T) {
	var b bytes.Buffer
	for range 2 {
		w := gzip.NewWriter(&b)
		_, err := fmt.Fprintf(w, "m f=1 %d\n", time.Now().UnixNano())
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.lp.gz"), b.Bytes())
	writeFile(t, filepath.Join(dir, "notes.md"), []byte("# not read\n"))
	got, err := checker.Exports(t.Context(), checker.ExportOptions{Paths: []string{"-", dir}, Stdin: &b})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Faults) > 0 || len(got.Exports) != 2 {
		t.Fatalf("%+v\n%s", got.Exports, list(got.Faults))
	}
	for i, name := range []string{"stdin", filepath.Join(dir, "a.lp.gz")} {
		if f := got.Exports[i].Files[0]; len(got.Exports[i].Files) != 1 || f.Path != name || f.Points != 2 || f.Compression != "gzip" {
			t.Errorf("%+v", got.Exports[i])
		}
	}
}

// What the manifest does not list is told, and so is what the export itself found wrong.
func TestNotesOfExports(t *testing.T) {
	s := newSite(t, kinds[0])
	tsmDamages["checksum"](s)
	dir := t.TempDir()
	exportTo(t, dir, s.v.Dir, exporter.Format{})
	writeFile(t, filepath.Join(dir, "more.lp"), []byte("m f=1 1\n"))
	writeFile(t, filepath.Join(dir, ".one.lp.partial"), nil)
	got := checkExports(t, dir)
	notes := strings.Join(got.Notes, "\n")
	if len(got.Faults) > 0 || !strings.Contains(notes, "more.lp is not in the manifest") || !strings.Contains(notes, ".one.lp.partial is not in the manifest") ||
		!strings.Contains(notes, "found faults in its source: 1, of which 1 lost something") {
		t.Errorf("%s%q", list(got.Faults), got.Notes)
	}
}

func timeText(t int64) string { return time.Unix(0, t).UTC().Format(time.RFC3339Nano) }

func BenchmarkExports(b *testing.B) {
	source := b.TempDir()
	if _, err := (shardtest.Devops{Hosts: 20, Duration: time.Hour, Step: 10 * time.Second, Shards: 2, Seed: 1}).Write(source); err != nil {
		b.Fatal(err)
	}
	for _, c := range []exporter.Compression{exporter.None, exporter.Gzip, exporter.Zstd} {
		b.Run(string(c), func(b *testing.B) {
			dir := b.TempDir()
			sum := exportTo(b, dir, source, exporter.Format{Split: exporter.SplitShard, Compression: c})
			b.SetBytes(sum.Bytes)
			for b.Loop() {
				if got := checkExports(b, dir); len(got.Faults) > 0 {
					b.Fatal(list(got.Faults))
				}
			}
		})
	}
}
