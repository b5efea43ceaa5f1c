// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/atomicfile"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/volume"
)

// options gives options for the volumes under paths, with nothing written yet.
func options(t testing.TB, spec filter.Spec, paths ...string) Options {
	t.Helper()
	cat, err := volume.Open(t.Context(), volume.Request{Paths: paths})
	if err != nil {
		t.Fatal(err)
	}
	sel, err := filter.New(spec, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return Options{Catalog: cat, Selection: sel, Version: "test"}
}

// devops writes a small volume of several shards.
func devops(t testing.TB, hosts, shards int) string {
	t.Helper()
	dir := t.TempDir()
	d := shardtest.Devops{Hosts: hosts, Duration: time.Hour, Step: 10 * time.Second, Shards: shards, Seed: 1}
	if _, err := d.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// text exports to memory and gives the plain text.
func text(t testing.TB, o Options) (string, *Summary) {
	t.Helper()
	var b bytes.Buffer
	o.Output = Output{Stream: &b}
	s, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != s.OutputBytes {
		t.Errorf("summary says %d bytes, %d were written", s.OutputBytes, b.Len())
	}
	var r io.Reader = &b
	switch o.Format.Compression {
	case Gzip:
		if r, err = gzip.NewReader(r); err != nil {
			t.Fatal(err)
		}
	case Zstd:
		z, err := zstd.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		r = z
	case None:
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(out)) != s.Bytes {
		t.Errorf("summary says %d bytes of text, there are %d", s.Bytes, len(out))
	}
	return string(out), s
}

// The same source gives the same bytes, however many workers read it.
func TestSameBytesForAnyNumberOfWorkers(t *testing.T) {
	dir := devops(t, 8, 3)
	for _, c := range []Compression{None, Gzip, Zstd} {
		var first []byte
		for _, workers := range []int{1, 2, 7} {
			o := options(t, filter.Spec{}, dir)
			var b bytes.Buffer
			o.Output, o.Workers, o.Format.Compression = Output{Stream: &b}, workers, c
			if _, err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = b.Bytes()
			} else if !bytes.Equal(first, b.Bytes()) {
				t.Errorf("%s: %d workers write other bytes than 1", c, workers)
			}
		}
		if len(first) == 0 {
			t.Errorf("%s: nothing was written", c)
		}
	}
}

func TestCompressedTextIsTheText(t *testing.T) {
	dir := devops(t, 4, 1)
	o := options(t, filter.Spec{}, dir)
	want, sum := text(t, o)
	if n := int64(strings.Count(want, "\n")); sum.Points == 0 || n < sum.Points || n > sum.Points+20 {
		t.Errorf("%d lines for %d points", n, sum.Points)
	}
	for _, c := range []Compression{Gzip, Zstd} {
		o.Format.Compression = c
		if got, _ := text(t, o); got != want {
			t.Errorf("%s decompresses to another text", c)
		}
	}
}

// One field a line holds the same values, in the order of the columns.
func TestOneFieldPerLine(t *testing.T) {
	dir := devops(t, 2, 1)
	o := options(t, filter.Spec{}, dir)
	_, rows := text(t, o)
	o.Format.OneField = true
	out, columns := text(t, o)
	if columns.Values != rows.Values || columns.Points != rows.Values {
		t.Errorf("%d points with %d values, want %d of both", columns.Points, columns.Values, rows.Values)
	}
	last := ""
	for line := range strings.Lines(out) {
		if line[0] == '#' || strings.HasPrefix(line, "CREATE") {
			continue
		}
		key, _, _ := strings.Cut(line, "=")
		if i := strings.LastIndexByte(line, ' '); i > 0 {
			series, rest, _ := strings.Cut(line, " ")
			field, _, _ := strings.Cut(rest, "=")
			key = series + "#!~#" + field
		}
		if key < last {
			t.Fatalf("column %q comes behind %q", key, last)
		}
		last = key
	}
}

func TestBareHasPointsOnly(t *testing.T) {
	dir := devops(t, 1, 2)
	o := options(t, filter.Spec{}, dir)
	o.Format.Bare = true
	out, sum := text(t, o)
	if strings.Contains(out, "#") || strings.Contains(out, "CREATE") || int64(strings.Count(out, "\n")) != sum.Points {
		t.Errorf("a bare export of %d points starts with %.200q", sum.Points, out)
	}
}

func exportDir(t testing.TB, o Options, dir string) (*Summary, error) {
	t.Helper()
	o.Output = Output{Dir: dir}
	o.Format.Split = SplitShard
	return Run(t.Context(), o)
}

func snapshot(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(b)
	}
	return out
}

// A run that carries on keeps what holds, writes what does not, and ends with the
// bytes of a run that was never disturbed.
func TestCarryOn(t *testing.T) {
	vol := devops(t, 2, 3)
	o := options(t, filter.Spec{}, vol)
	whole, dir := t.TempDir(), t.TempDir()
	if _, err := exportDir(t, o, whole); err != nil {
		t.Fatal(err)
	}
	want := snapshot(t, whole)
	if len(want) != 4 {
		t.Fatalf("%d files, want 3 shards and a manifest", len(want))
	}
	if _, err := exportDir(t, o, dir); err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for n := range want {
		if n != ManifestName {
			names = append(names, n)
		}
	}
	disturb := map[string]struct {
		do   func() error
		kept int
	}{
		"nothing":         {func() error { return nil }, 3},
		"a file is gone":  {func() error { return os.Remove(filepath.Join(dir, names[0])) }, 2},
		"a file is cut":   {func() error { return os.Truncate(filepath.Join(dir, names[1]), 10) }, 2},
		"as after a kill": {func() error { return os.Rename(filepath.Join(dir, ManifestName), filepath.Join(dir, UnfinishedName)) }, 3},
		"no books at all": {func() error { return os.Remove(filepath.Join(dir, ManifestName)) }, 0},
		"a leftover part": {func() error {
			return os.WriteFile(atomicfile.TempPath(filepath.Join(dir, names[2])), []byte("x"), 0o600)
		}, 3},
		"a flipped output": {func() error { return os.WriteFile(filepath.Join(dir, names[2]), []byte("x"), 0o600) }, 2},
	}
	for name, d := range disturb {
		t.Run(name, func(t *testing.T) {
			if err := d.do(); err != nil {
				t.Fatal(err)
			}
			sum, err := exportDir(t, o, dir)
			if err != nil {
				t.Fatal(err)
			}
			if sum.Kept != d.kept {
				t.Errorf("%d files were kept, want %d", sum.Kept, d.kept)
			}
			got := snapshot(t, dir)
			delete(got, filepath.Base(atomicfile.TempPath(filepath.Join(dir, names[2]))))
			if diff := cmp.Diff(keys(want), keys(got)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			for n := range want {
				if want[n] != got[n] {
					t.Errorf("%s differs", n)
				}
			}
		})
	}
}

func keys(m map[string]string) map[string]int {
	out := map[string]int{}
	for k, v := range m {
		out[k] = len(v)
	}
	return out
}

// A source file that changed makes its shard's file, and no other, be written again.
func TestCarryOnReadsChangedSourcesAgain(t *testing.T) {
	vol, dir := devops(t, 1, 3), t.TempDir()
	o := options(t, filter.Spec{}, vol)
	if _, err := exportDir(t, o, dir); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(vol, "data", "*", "*", "*", "*.tsm"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no TSM files: %v", err)
	}
	if err := os.Chtimes(files[0], time.Time{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	sum, err := exportDir(t, o, dir)
	if err != nil || sum.Kept != 2 {
		t.Errorf("kept %d, %v, want 2", sum.Kept, err)
	}
}

func TestOtherOptionsInTheSameDirectoryAreRefused(t *testing.T) {
	vol, dir := devops(t, 1, 1), t.TempDir()
	if _, err := exportDir(t, options(t, filter.Spec{}, vol), dir); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	_, err := exportDir(t, options(t, filter.Spec{Measurements: []string{"cpu"}}, vol), dir)
	if !errors.Is(err, ErrOther) {
		t.Errorf("err = %v, want ErrOther", err)
	}
	if d := cmp.Diff(before, snapshot(t, dir)); d != "" {
		t.Errorf("the directory was touched:\n%s", d)
	}
}

func TestManifestSaysWhatIsThere(t *testing.T) {
	vol, dir := devops(t, 2, 2), t.TempDir()
	sum, err := exportDir(t, options(t, filter.Spec{}, vol), dir)
	if err != nil {
		t.Fatal(err)
	}
	var m Manifest
	if err := json.Unmarshal([]byte(snapshot(t, dir)[ManifestName]), &m); err != nil {
		t.Fatal(err)
	}
	if holds, sealed := ChecksumHolds([]byte(snapshot(t, dir)[ManifestName]), &m); !holds || !sealed {
		t.Errorf("checksum %q does not hold", m.Checksum)
	}
	if m.Points != sum.Points || m.Values != sum.Values || len(m.Files) != 2 || m.Shards != 2 {
		t.Errorf("manifest %+v against summary %+v", m.Totals, sum.Totals)
	}
	for _, f := range m.Files {
		size := int64(len(snapshot(t, dir)[f.Name]))
		if f.OutputBytes != size || f.SHA256 == "" || len(f.Shards) != 1 || len(f.Shards[0].Sources) == 0 || f.Shards[0].Points != f.Points {
			t.Errorf("%s: %+v does not fit %d bytes", f.Name, f, size)
		}
	}
}

// One byte changed anywhere in a manifest is seen by its checksum, if it still parses.
func TestManifestChecksum(t *testing.T) {
	dir := t.TempDir()
	if _, err := exportDir(t, options(t, filter.Spec{}, devops(t, 1, 1)), dir); err != nil {
		t.Fatal(err)
	}
	text, parsed := []byte(snapshot(t, dir)[ManifestName]), 0
	for i := range text {
		b := bytes.Clone(text)
		b[i] ^= 1 << (i % 7)
		m, err := ParseManifest(b)
		if err != nil {
			continue
		}
		parsed++
		holds, sealed := ChecksumHolds(b, m)
		named := bytes.LastIndex(text, []byte(`"checksum"`))
		if holds || !sealed && (i < named || i > named+len(`"checksum"`)) {
			t.Errorf("byte %d, %q: holds %v, sealed %v", i, text[max(0, i-10):i+1], holds, sealed)
		}
	}
	if parsed < 100 {
		t.Errorf("only %d changes left a manifest that parses", parsed)
	}
}

// Damage is a fault and an end with --strict; nothing that looks whole is left.
func TestStrict(t *testing.T) {
	vol := devops(t, 2, 2)
	files, err := filepath.Glob(filepath.Join(vol, "data", "*", "*", "*", "*.tsm"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no TSM files: %v", err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[0], shardtest.Flip(b, 8*100), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.lp")
	o := options(t, filter.Spec{}, vol)
	o.Output = Output{File: out}
	sum, err := Run(t.Context(), o)
	if err != nil || len(sum.Faults) != 1 || !sum.Faults[0].Lost || sum.Faults[0].File != files[0] || sum.Faults[0].Part != "block" {
		t.Fatalf("faults %+v, %v; want the one flipped block", sum.Faults, err)
	}
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	o.Strict = true
	if _, err := Run(t.Context(), o); !errors.Is(err, ErrFault) {
		t.Errorf("strict: %v, want ErrFault", err)
	}
	left, err := os.ReadDir(filepath.Dir(out))
	if err != nil || len(left) != 0 {
		t.Errorf("strict left %v, %v", left, err)
	}
}

func TestOutputThatFails(t *testing.T) {
	vol := devops(t, 1, 1)
	for name, out := range map[string]Output{
		"full disk":       {File: "/dev/full"},
		"no directory":    {File: filepath.Join(vol, "..", "no", "such", "out.lp")},
		"below a source":  {File: filepath.Join(vol, "out.lp")},
		"dir below":       {Dir: filepath.Join(vol, "data", "out")},
		"broken pipe":     {Stream: failing{}},
		"dir is a file":   {Dir: "/dev/null/x"},
		"through a link":  {File: link(t, vol)},
		"the source data": {Dir: filepath.Join(vol, "data")},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, filter.Spec{}, vol)
			o.Output = out
			if s, err := Run(t.Context(), o); err == nil {
				t.Errorf("went well: %+v", s)
			}
		})
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// link gives a path that leads below dir through a symbolic link.
func link(t *testing.T, dir string) string {
	t.Helper()
	l := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, l); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(l, "out.lp")
}

// A run that is called off leaves no half file and no goroutine that writes on.
func TestCancel(t *testing.T) {
	vol := devops(t, 20, 2)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("enough")
	dir := t.TempDir()
	o := options(t, filter.Spec{}, vol)
	o.Output = Output{File: filepath.Join(dir, "out.lp")}
	o.Progress = &Progress{}
	go func() {
		for o.Progress.TextBytes.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel(stop)
	}()
	if _, err := Run(ctx, o); !errors.Is(err, stop) {
		t.Errorf("err = %v, want the cause", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestSafeName(t *testing.T) {
	long := strings.Repeat("ä", 200)
	for name, want := range map[string]string{
		"telegraf": "telegraf", "a.b": "a.b", ".hidden": "%2Ehidden", "..": "%2E.", "a/b": "a%2Fb", "a b:c": "a%20b%3Ac",
		"": "", "ü": "%C3%BC", "a\nb": "a%0Ab", "%": "%25",
	} {
		if got := safeName(name, "."); got != want {
			t.Errorf("safeName(%q) = %q, want %q", name, got, want)
		}
	}
	a, b := safeName(long, "."), safeName(long+"x", ".")
	if len(a) > maxSafeName || a == b {
		t.Errorf("long names: %d bytes, %q and %q", len(a), a, b)
	}
}

// What a run allocates does not grow with the points: nothing is allocated for each.
func TestNoAllocationPerPoint(t *testing.T) {
	measure := func(hours int) (allocs float64, points int64) {
		dir := t.TempDir()
		d := shardtest.Devops{Hosts: 2, Duration: time.Duration(hours) * time.Hour, Step: 10 * time.Second, Seed: 1}
		if _, err := d.Write(dir); err != nil {
			t.Fatal(err)
		}
		o := options(t, filter.Spec{}, dir)
		o.Output, o.Workers = Output{Stream: io.Discard}, 1
		allocs = testing.AllocsPerRun(3, func() {
			s, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			points = s.Points
		})
		return allocs, points
	}
	few, n := measure(2)
	many, m := measure(16)
	if m < 7*n {
		t.Fatalf("%d and %d points: not what was meant to be compared", n, m)
	}
	if grown := many - few; grown > float64(m-n)/100 {
		t.Errorf("%.0f allocations for %d points, %.0f for %d: more than one for a hundred points", few, n, many, m)
	}
}
