// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/atomicfile"
)

func refusedPoint(db, text string) []Reject {
	return []Reject{{Place: Place{Database: db, Policy: "p"}, Input: "a.lp", Line: 7, Text: []byte(text), Reason: "no\nroom"}}
}

// texts reads the file without the run's header.
func texts(t *testing.T, path, run string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), run, "RUN")
}

const (
	head     = "# shardlift rejects, run RUN\n# DML\n"
	contexts = "# CONTEXT-DATABASE:db\n# CONTEXT-RETENTION-POLICY:p\n"
	why      = "# a.lp:7: no room\n"
)

func TestRejectsFile(t *testing.T) {
	r := rejects{path: filepath.Join(t.TempDir(), "r.lp")}
	for _, text := range []string{"m f=1 1\n", "m f=\"a\nb\" 2\n"} {
		if err := r.add(refusedPoint("db", text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.add(refusedPoint("other", "m f=3 3")); err != nil {
		t.Fatal(err)
	}
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	want := head + contexts + why + "m f=1 1\n" + why + "m f=\"a\nb\" 2\n" + strings.ReplaceAll(contexts, "db", "other") + why + "m f=3 3\n"
	if d := cmp.Diff(want, texts(t, r.path, r.state.Run)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if info, err := os.Stat(r.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestRejectsAreMadeLate(t *testing.T) {
	r := rejects{path: filepath.Join(t.TempDir(), "r.lp")}
	if err := errors.Join(r.add(nil), r.save(), r.close()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.path); err == nil {
		t.Error("there is a file, and nothing was refused")
	}
}

func TestRejectsCarriedOn(t *testing.T) {
	for name, c := range map[string]struct {
		later string // what stands behind the checkpoint
		want  string
	}{
		"same place":  {"", ""},
		"killed":      {"# a.lp:8: lost\nm f=8 8\n# shardl", ""},
		"other run":   {RejectsHeader + "ffff\nm f=9 9\n", RejectsHeader + "ffff\nm f=9 9\n"},
		"other, torn": {RejectsHeader + "ffff\nm f=9", RejectsHeader + "ffff\nm f=9\n"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.lp")
			first := rejects{path: path}
			if err := errors.Join(first.add(refusedPoint("db", "m f=1 1\n")), first.close()); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString(c.later); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			second := rejects{path: path, state: first.state}
			if err := errors.Join(second.add(refusedPoint("db", "m f=2 2\n")), second.close()); err != nil {
				t.Fatal(err)
			}
			want := head + contexts + why + "m f=1 1\n" + c.want + head + contexts + why + "m f=2 2\n"
			if d := cmp.Diff(want, texts(t, path, first.state.Run)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestRejectsAddToOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.lp")
	if err := os.WriteFile(path, []byte("m f=0 0"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := rejects{path: path}
	if err := errors.Join(r.add(refusedPoint("db", "m f=1 1\n")), r.close()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("m f=0 0\n"+head+contexts+why+"m f=1 1\n", texts(t, path, r.state.Run)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestRejectsRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.lp")
	held := rejects{path: path}
	if err := held.add(refusedPoint("db", "m f=1 1\n")); err != nil {
		t.Fatal(err)
	}
	if err := (&rejects{path: path}).add(refusedPoint("db", "m f=1 1\n")); !errors.Is(err, atomicfile.ErrLocked) {
		t.Errorf("a file that another run writes: %v", err)
	}
	if err := held.close(); err != nil {
		t.Fatal(err)
	}
	short := rejects{path: path, state: rejectsState{Run: held.state.Run, Bytes: 1 << 20}}
	if err := short.add(refusedPoint("db", "m f=1 1\n")); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("a file that was cut: %v", err)
	}
	full := rejects{path: "/dev/full"}
	if err := errors.Join(full.add(refusedPoint("db", "m f=1 1\n")), full.close()); err == nil {
		t.Error("a full disk goes unseen")
	}
}

// A reject that is longer than what is kept in memory is counted as well.
func TestRejectsLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.lp")
	long := "m f=\"" + strings.Repeat("x", 2<<20) + "\" 1\n"
	first := rejects{path: path}
	if err := errors.Join(first.add(refusedPoint("db", long)), first.save()); err != nil {
		t.Fatal(err)
	}
	state := first.state
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	second := rejects{path: path, state: state}
	if err := errors.Join(second.add(refusedPoint("db", "m f=2 2\n")), second.close()); err != nil {
		t.Fatal(err)
	}
	want := head + contexts + why + long + head + contexts + why + "m f=2 2\n"
	if texts(t, path, state.Run) != want {
		t.Errorf("the file has %d bytes", len(texts(t, path, state.Run)))
	}
}

// A run that is carried on with another rejects file cuts nothing off it.
func TestRejectsElsewhere(t *testing.T) {
	const others = "# kept by hand\nm f=7 7\nm f=8 8\n"
	for name, c := range map[string]struct {
		there string
		at    int64
	}{
		"longer":          {others, 20},
		"cut at its line": {others, 15},
		"of another run":  {RejectsHeader + "ffff\n# DML\n" + others, 60},
		"shorter":         {others, 1 << 20},
		"empty":           {"", 20},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.lp")
			if err := os.WriteFile(path, []byte(c.there), 0o600); err != nil {
				t.Fatal(err)
			}
			r := rejects{path: path, state: rejectsState{Run: "abcd", Bytes: c.at}}
			if err := errors.Join(r.add(refusedPoint("db", "m f=1 1\n")), r.close()); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.there+head+contexts+why+"m f=1 1\n", texts(t, path, "abcd")); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// Names that are no UTF-8 stay what they are.
func TestRejectsNames(t *testing.T) {
	r := rejects{path: filepath.Join(t.TempDir(), "r.lp")}
	if err := errors.Join(r.add(refusedPoint("d\xffb\n", "m f=1 1\n")), r.close()); err != nil {
		t.Fatal(err)
	}
	if text := texts(t, r.path, r.state.Run); !strings.Contains(text, "# CONTEXT-DATABASE:d\xffb \n") {
		t.Errorf("%q", text)
	}
}
