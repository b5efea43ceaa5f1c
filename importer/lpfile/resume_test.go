// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
)

// Behind every batch the same comes as without a break, from whatever input.
func TestResumeAtEveryBatch(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{
			"m f=1 1\n", "m,t=a f=2,g=3 2\n", "m f=\"a\n# DDL\n\" 3\n", "bad\n", "# DML\n", "# DDL\n", "CREATE DATABASE x\n", "# comment\n",
			"# CONTEXT-DATABASE:a\n", "# CONTEXT-DATABASE: \xff b\n", "# CONTEXT-RETENTION-POLICY:p\n", "# INFLUXDB EXPORT: x\n", "\n", "  \n", "m f=4\n", "n f=5 5\n",
		}), 0, 30)
		text := strings.Join(parts.Draw(rt, "first"), "")
		second := strings.Join(parts.Draw(rt, "second"), "")
		form := rapid.SampledFrom([]string{"plain", "gzip", "zstd"}).Draw(rt, "form")
		pack := func(s string) string {
			switch form {
			case "gzip":
				return string(gzipped(t, []byte(s)))
			case "zstd":
				return string(zstded(t, []byte(s)))
			}
			return s
		}
		path := writeIn(t, dir, "a.lp", pack(text))
		piped := rapid.Bool().Draw(rt, "stdin")
		points := rapid.IntRange(1, 4).Draw(rt, "points")
		cfg := func() Config {
			c := Config{
				Inputs: []string{path, "-"}, Database: "db", Now: 77, BatchPoints: points,
				Selection: selection(t, filter.Spec{Measurements: []string{"m"}}),
			}
			if c.Stdin = strings.NewReader(pack(second)); piped {
				c.Inputs = []string{"-", path}
			}
			return c
		}
		openOne := func(mark string) (*Reader, bool) {
			r, err := Open(t.Context(), cfg())
			if err != nil {
				return nil, false // statements where none may be: nothing to resume
			}
			if mark != "" {
				if err := r.Resume(json.RawMessage(mark)); err != nil {
					rt.Fatal(err)
				}
			}
			return r, true
		}
		r, ok := openOne("")
		if !ok {
			return
		}
		whole, batches := drain(t, r)
		if err := r.Close(); err != nil {
			rt.Fatal(err)
		}
		skipped := r.Skipped()
		var before out
		for _, b := range batches {
			before.add(t, &b.Batch, b.Item)
			r, _ := openOne(b.mark)
			rest, _ := drain(t, r)
			if err := r.Close(); err != nil {
				rt.Fatal(err)
			}
			got := out{
				Statements: append(append([]string(nil), before.Statements...), rest.Statements...),
				Points:     append(append([]string(nil), before.Points...), rest.Points...),
				Rejects:    append(append([]string(nil), before.Rejects...), rest.Rejects...),
				Err:        rest.Err,
			}
			if diff := cmp.Diff(whole, got); diff != "" {
				rt.Fatalf("behind %s: %s", b.mark, diff)
			}
			if diff := cmp.Diff(skipped, r.Skipped()); diff != "" {
				rt.Fatalf("behind %s: %s", b.mark, diff)
			}
		}
	})
}

// marks gives the marks of all batches of cfg.
func marks(t *testing.T, cfg Config) []string {
	t.Helper()
	_, batches := drain(t, open(t, cfg))
	var list []string
	for _, b := range batches {
		list = append(list, b.mark)
	}
	return list
}

// An input that is not the one that was begun is refused, wherever it differs.
func TestResumeWithAnotherInput(t *testing.T) {
	text := lines(30)
	change := func(at int) string { return text[:at] + "9" + text[at+1:] }
	early, late := strings.Index(text, "f=1,"), strings.Index(text, "f=784,")
	tests := map[string]string{
		"another point at the start": change(early + 2),
		"another point at the end":   change(late + 2),
		"shorter":                    text[:100],
		"empty":                      "",
	}
	for name, other := range tests {
		t.Run(name, func(t *testing.T) {
			for form, pack := range map[string]func(string) string{
				"plain": func(s string) string { return s },
				"gzip":  func(s string) string { return string(gzipped(t, []byte(s))) },
			} {
				cfg := stdin(pack(text))
				cfg.BatchPoints = 20
				mark := marks(t, cfg)[0]
				cfg = stdin(pack(other))
				cfg.BatchPoints = 20
				r := open(t, cfg)
				if err := r.Resume(json.RawMessage(mark)); err != nil {
					t.Fatal(err)
				}
				if _, err := r.Next(t.Context(), &importer.Batch{}); !errors.Is(err, ErrChanged) {
					t.Errorf("%s: %v", form, err)
				}
			}
		})
	}
}

// A plain file is not read from its start again, but looked at.
func TestResumeSeeks(t *testing.T) {
	text := lines(100_000)
	path := write(t, "a.lp", text)
	cfg := Config{Inputs: []string{path}, BatchPoints: 30_000, BatchBytes: 64 << 20}
	want := read(t, cfg)
	mark := marks(t, cfg)[1]
	resume := func() out {
		r := open(t, cfg)
		if err := r.Resume(json.RawMessage(mark)); err != nil {
			t.Fatal(err)
		}
		o, _ := drain(t, r)
		return o
	}
	want.Points = want.Points[60_000:]
	if diff := cmp.Diff(want, resume()); diff != "" {
		t.Error(diff)
	}
	other := strings.ReplaceAll(text, "=0.", "=1.")
	if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := resume().Err; !strings.HasPrefix(got, ErrChanged.Error()) {
		t.Error(got)
	}
}

// An export is read again from its start, so that its sum is known at the end.
func TestResumeOfExport(t *testing.T) {
	dir := export(t)
	cfg := Config{Inputs: []string{dir}}
	list := marks(t, cfg)
	for i, want := range [][]string{{"a.p 6: m f=2 9"}, nil} {
		r := open(t, cfg)
		if err := r.Resume(json.RawMessage(list[i])); err != nil {
			t.Fatal(err)
		}
		if o, _ := drain(t, r); !cmp.Equal(want, o.Points) || o.Err != "" {
			t.Errorf("%+v", o)
		}
	}
}

func TestResumeErrors(t *testing.T) {
	for name, mark := range map[string]string{
		"no JSON":           `x`,
		"null":              `null`,
		"no such input":     `{"input":2,"line":1}`,
		"negative input":    `{"input":-1,"line":1}`,
		"negative offset":   `{"input":0,"line":1,"offset":-1}`,
		"no line":           `{"input":0,"line":0}`,
		"no such section":   `{"input":0,"line":1,"section":"x"}`,
		"sum before offset": `{"input":0,"line":1,"offset":3,"sum":{"to":2}}`,
		"sum upside down":   `{"input":0,"line":1,"sum":{"from":5,"to":2}}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, stdin("m f=1 1\n"))
			err := r.Resume(json.RawMessage(mark))
			if err == nil {
				_, err = r.Next(t.Context(), &importer.Batch{})
			}
			if !errors.Is(err, errMark) {
				t.Error(err)
			}
		})
	}
	t.Run("too late", func(t *testing.T) {
		r := open(t, stdin(lines(3)))
		if _, err := r.Next(t.Context(), &importer.Batch{}); err != nil {
			t.Fatal(err)
		}
		if err := r.Resume(json.RawMessage(`{"input":0,"line":1}`)); err == nil {
			t.Error("resumed")
		}
	})
}

func TestProgressOfResume(t *testing.T) {
	text := lines(10)
	a, b := write(t, "a.lp", text), write(t, "b.lp", text)
	cfg := Config{Inputs: []string{a, b}, BatchPoints: 4}
	list := marks(t, cfg)
	for i, mark := range list {
		cfg.Progress = &importer.Progress{}
		r := open(t, cfg)
		if err := r.Resume(json.RawMessage(mark)); err != nil {
			t.Fatal(err)
		}
		drain(t, r)
		if read, total := cfg.Progress.Read.Load(), cfg.Progress.Total.Load(); read != total || total != 2*int64(len(text)) {
			t.Errorf("behind batch %d: %d of %d bytes", i, read, total)
		}
	}
}
