// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/internal/exportdir"
)

func zstded(t testing.TB, text []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, opts...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = z.Write(text)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// lines makes n points, with strings of several lines among them.
func lines(n int) string {
	var b strings.Builder
	b.WriteString("# DML\n# CONTEXT-DATABASE:db\n")
	for i := range n {
		if i%10 == 3 {
			fmt.Fprintf(&b, "m,host=%d s=\"a\n# b\n\" %d\n", i%7, i)
			continue
		}
		fmt.Fprintf(&b, "m,host=%d f=%d,g=0.%d %d\n", i%7, i*i, i, i)
	}
	return b.String()
}

// Content says what a file is, never its name.
func TestCompressions(t *testing.T) {
	text := lines(500)
	half := len(text) / 2
	want := read(t, stdin(text))
	gz, zs := func(s string) []byte { return gzipped(t, []byte(s)) }, func(s string) []byte { return zstded(t, []byte(s)) }
	tests := map[string][]byte{
		"plain":               []byte(text),
		"gzip":                gz(text),
		"gzip of two members": append(gz(text[:half]), gz(text[half:])...),
		"an empty member":     append(append(gz(text[:half]), gz("")...), gz(text[half:])...),
		"zstd":                zs(text),
		"zstd of two frames":  append(zs(text[:half]), zs(text[half:])...),
		"a frame to be skipped": append([]byte("\x50\x2a\x4d\x18\x03\x00\x00\x00abc"),
			zs(text)...),
	}
	for name, content := range tests {
		for _, as := range []string{"a.lp", "a.gz", "a.zst"} {
			path := write(t, as, string(content))
			if diff := cmp.Diff(want, read(t, Config{Inputs: []string{path}})); diff != "" {
				t.Errorf("%s as %s: %s", name, as, diff)
			}
		}
		if diff := cmp.Diff(want, read(t, stdin(string(content)))); diff != "" {
			t.Errorf("%s from stdin: %s", name, diff)
		}
	}
}

// Points are the same in whatever pieces the text comes.
func TestPieces(t *testing.T) {
	text := lines(60) + "bad line\nm f=1 1"
	want := read(t, stdin(text))
	for size := 1; size <= 200; size++ {
		cfg := Config{Inputs: []string{"-"}, Stdin: &pieces{text: text, size: size}}
		if diff := cmp.Diff(want, read(t, cfg)); diff != "" {
			t.Fatalf("pieces of %d: %s", size, diff)
		}
	}
	packed := string(gzipped(t, []byte(text)))
	cfg := Config{Inputs: []string{"-"}, Stdin: iotest.OneByteReader(strings.NewReader(packed))}
	if diff := cmp.Diff(want, read(t, cfg)); diff != "" {
		t.Error(diff)
	}
	cfg = Config{Inputs: []string{"-"}, Stdin: iotest.DataErrReader(strings.NewReader(text))}
	if diff := cmp.Diff(want, read(t, cfg)); diff != "" {
		t.Error(diff)
	}
}

type pieces struct {
	text string
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.text)
	p.text = p.text[n:]
	return n, nil
}

// A stream that is cut off never looks whole, and loses no point in front of the cut.
func TestTruncations(t *testing.T) {
	text := lines(40)
	want := read(t, stdin(text))
	for name, whole := range map[string][]byte{"gzip": gzipped(t, []byte(text)), "zstd": zstded(t, []byte(text))} {
		for n := range whole {
			got := read(t, stdin(string(whole[:n])))
			sniffed := n >= 4 || n >= 2 && name == "gzip"
			switch {
			case n == 0:
				continue
			case got.Err == "" && sniffed:
				t.Fatalf("%s, cut at byte %d: no error", name, n)
			case sniffed && !strings.HasPrefix(got.Err, "stdin is cut off: its "+name+" stream ends in the middle, at byte "):
				t.Fatalf("%s, cut at byte %d: %s", name, n, got.Err)
			case !sniffed && !strings.Contains(got.Err, "nothing says which database"):
				t.Fatalf("%s, cut at byte %d: %s", name, n, got.Err)
			}
			if len(got.Points) > len(want.Points) || len(got.Points) > 0 && !cmp.Equal(want.Points[:len(got.Points)], got.Points) {
				t.Fatalf("%s, cut at byte %d: %q", name, n, got.Points)
			}
		}
	}
}

// A flipped bit in a compressed stream is an error or changes nothing. What comes before
// the error may be any text, in which the splitter of the other tests would not find its way.
func TestDamagedStreams(t *testing.T) {
	text := lines(300)
	for name, whole := range map[string][]byte{"gzip": gzipped(t, []byte(text)), "zstd": zstded(t, []byte(text))} {
		want, err := allText(t, string(whole))
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			at, bit := 4+rand.IntN(len(whole)-4), rand.IntN(8)
			bad := bytes.Clone(whole)
			bad[at] ^= 1 << bit
			if got, err := allText(t, string(bad)); err == nil && got != want {
				t.Errorf("%s, bit %d of byte %d: other points and no error", name, bit, at)
			}
		}
	}
}

// allText gives the text of all batches of a stream, and the error that ended it.
func allText(t *testing.T, packed string) (string, error) {
	t.Helper()
	r := open(t, stdin(packed))
	var text strings.Builder
	var b importer.Batch
	for {
		b.Reset()
		_, err := r.Next(t.Context(), &b)
		if errors.Is(err, io.EOF) {
			return text.String(), nil
		}
		if err != nil {
			return text.String(), err
		}
		text.Write(b.Text)
	}
}

func TestWideWindow(t *testing.T) {
	// A frame with a window of 256 MiB and a raw block.
	got := read(t, stdin("\x28\xb5\x2f\xfd\x00\x90\x19\x00\x00abc"))
	if !strings.Contains(got.Err, "zstd") || !strings.Contains(got.Err, "window") {
		t.Errorf("%+v", got)
	}
}

// What came before an error of reading is handed out, and carries a mark.
func TestReadErrors(t *testing.T) {
	broken := errors.New("broken disk")
	cfg := Config{Inputs: []string{"-"}, Stdin: io.MultiReader(strings.NewReader("m f=1 1\nm f=\"a\nb\" 2\nm f=3"), iotest.ErrReader(broken)), Database: "db"}
	r := open(t, cfg)
	o, batches := drain(t, r)
	want := out{Points: []string{"db. 1: m f=1 1", "db. 2: m f=\"a\nb\" 2"}, Err: "read stdin at byte 25: broken disk"}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Fatal(diff)
	}
	if want := `{"input":0,"line":4,"offset":20,`; !strings.HasPrefix(batches[0].mark, want) {
		t.Errorf("%s, want %s…", batches[0].mark, want)
	}
}

func TestChangedWhileReading(t *testing.T) {
	dir := func(t *testing.T, text string) (string, []string) {
		files := map[string]string{"a.lp": text}
		files[exportdir.ManifestName] = manifestOf(t, files, "a.lp")
		d := directory(t, files)
		return filepath.Join(d, "a.lp"), []string{d}
	}
	file := func(t *testing.T, text string) (string, []string) {
		path := write(t, "a.lp", text)
		return path, []string{path}
	}
	packed := func(t *testing.T, text string) (string, []string) {
		path := write(t, "a.gz", string(gzipped(t, []byte(text))))
		return path, []string{path}
	}
	change := map[string]func(t *testing.T, path string){
		"more": func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString("m f=1 1\n")
			}
			if err = errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
		},
		"less": func(t *testing.T, path string) {
			if err := os.Truncate(path, 100); err != nil {
				t.Fatal(err)
			}
		},
		"touched": func(t *testing.T, path string) {
			if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		},
	}
	text := lines(100_000)
	for name, make := range map[string]func(*testing.T, string) (string, []string){"manifest": dir, "file": file, "gzip": packed} {
		for what, change := range change {
			for _, begun := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, begun %t", name, what, begun), func(t *testing.T) {
					path, inputs := make(t, text)
					r := open(t, Config{Inputs: inputs, BatchPoints: 10})
					var b importer.Batch
					if begun {
						if _, err := r.Next(t.Context(), &b); err != nil {
							t.Fatal(err)
						}
					}
					change(t, path)
					o, _ := drain(t, r)
					cut := what == "less" && strings.Contains(o.Err, "cut off") // gzip says so first
					if !cut && !strings.HasPrefix(o.Err, ErrChanged.Error()) {
						t.Errorf("%d points, %s", len(o.Points), o.Err)
					}
				})
			}
		}
	}
}

// A file of an export that changes in content only is seen by its sum.
func TestManifestWhileReading(t *testing.T) {
	text := lines(100_000)
	files := map[string]string{"a.lp": text}
	files[exportdir.ManifestName] = manifestOf(t, files, "a.lp")
	dir := directory(t, files)
	path := filepath.Join(dir, "a.lp")
	r := open(t, Config{Inputs: []string{dir}, BatchPoints: 10})
	var b importer.Batch
	if _, err := r.Next(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt([]byte("8"), int64(len(text)-2))
	}
	if err := errors.Join(err, f.Close(), os.Chtimes(path, time.Time{}, info.ModTime())); err != nil {
		t.Fatal(err)
	}
	o, _ := drain(t, r)
	if !strings.HasPrefix(o.Err, ErrChanged.Error()+": the SHA-256 of") {
		t.Errorf("%d points, %s", len(o.Points), o.Err)
	}
}

func TestNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	text := lines(100)
	want := read(t, stdin(text))
	done := make(chan error)
	go func() { done <- os.WriteFile(path, []byte(text), 0o600) }()
	if diff := cmp.Diff(want, read(t, Config{Inputs: []string{path}})); diff != "" {
		t.Error(diff)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// waits is a reader that gives nothing until it is let go.
type waits struct{ let chan struct{} }

func (w waits) Read([]byte) (int, error) {
	<-w.let
	return 0, io.EOF
}

func TestCancelWhileWaiting(t *testing.T) {
	w := waits{make(chan struct{})}
	defer close(w.let)
	r := open(t, Config{Inputs: []string{"-"}, Stdin: w, Database: "db"})
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	time.AfterFunc(time.Millisecond, func() { cancel(why) })
	if _, err := r.Next(ctx, &importer.Batch{}); !errors.Is(err, why) {
		t.Error(err)
	}
}

// No goroutine is left when a reader is closed at any point.
func TestNothingIsLeft(t *testing.T) {
	path := write(t, "a.gz", string(gzipped(t, []byte(lines(50_000)))))
	before := runtime.NumGoroutine()
	for n := range 5 {
		r, err := Open(t.Context(), Config{Inputs: []string{path, path}, BatchPoints: 1000})
		if err != nil {
			t.Fatal(err)
		}
		var b importer.Batch
		for range n * 30 {
			if _, err = r.Next(t.Context(), &b); err != nil {
				break
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		for ended := time.Now().Add(5 * time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() { // the last steps of one may be to come
			if time.Now().After(ended) {
				buf := make([]byte, 1<<16)
				t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
			}
		}
		if _, err := r.Next(t.Context(), &b); err == nil {
			t.Error("a closed reader gives points")
		}
	}
}
