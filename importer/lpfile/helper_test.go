// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
)

// out is all that a feed gave.
type out struct {
	Statements []string
	Points     []string // "database.policy line: text", in order; a point may span lines
	Rejects    []string // "line: text: reason"
	Err        string   // how it ended, if not by io.EOF
}

// batch is a copy of one batch.
type batch struct {
	importer.Batch
	importer.Item
	mark string
}

// drain reads a feed to its end.
func drain(t testing.TB, r *Reader) (out, []batch) {
	t.Helper()
	var o out
	var batches []batch
	var b importer.Batch
	for {
		b.Reset()
		item, err := r.Next(t.Context(), &b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			o.Err = err.Error()
			break
		}
		if b.Points == 0 && len(item.Rejects)+len(item.Statements) == 0 {
			t.Fatal("an empty batch")
		}
		o.add(t, &b, item)
		text, err := json.Marshal(b.Mark)
		if err != nil {
			t.Fatal(err)
		}
		keep := batch{Batch: b, Item: item, mark: string(text)}
		keep.Text = append([]byte(nil), b.Text...)
		keep.Lines = append([]int64(nil), b.Lines...)
		keep.Stretches = append([]importer.Stretch(nil), b.Stretches...)
		batches = append(batches, keep)
	}
	if _, err := r.Next(t.Context(), &b); err == nil {
		t.Error("there is more behind the end")
	}
	return o, batches
}

func (o *out) add(t testing.TB, b *importer.Batch, item importer.Item) {
	t.Helper()
	o.Statements = append(o.Statements, item.Statements...)
	for _, rej := range item.Rejects {
		o.Rejects = append(o.Rejects, fmt.Sprintf("%d: %s: %s", rej.Line, rej.Text, rej.Reason))
	}
	if len(b.Lines) != b.Points {
		t.Fatalf("%d points, %d line numbers", b.Points, len(b.Lines))
	}
	if b.Mark == nil || b.Input == "" {
		t.Fatal("no mark, or no input")
	}
	for i, text := range splitPoints(b.Text) {
		if i >= b.Points {
			t.Fatalf("more than %d points in %q", b.Points, b.Text)
		}
		o.Points = append(o.Points, fmt.Sprintf("%s %d: %s", b.Place, b.Lines[i], text))
	}
}

// splitPoints is a plain splitter: a line feed outside of a string ends a point. The
// tests' keys hold no quotes.
func splitPoints(text []byte) []string {
	var points []string
	quoted, from := false, 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == '\n' && !quoted:
			points = append(points, string(text[from:i]))
			from = i + 1
		}
	}
	return points
}

// read opens cfg and reads all of it.
func read(t testing.TB, cfg Config) out {
	t.Helper()
	r := open(t, cfg)
	o, _ := drain(t, r)
	return o
}

func open(t testing.TB, cfg Config) *Reader {
	t.Helper()
	r, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// stdin is a Config that reads text from standard input.
func stdin(text string) Config {
	return Config{Inputs: []string{"-"}, Stdin: strings.NewReader(text)}
}

// write puts a file into a directory of the test and gives its path.
func write(t testing.TB, name, text string) string {
	t.Helper()
	return writeIn(t, t.TempDir(), name, text)
}

func writeIn(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func selection(t testing.TB, spec filter.Spec) *filter.Selection {
	t.Helper()
	s, err := filter.New(spec, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openError gives the error of Open or, if there is none, of the first Next.
func openError(t testing.TB, cfg Config) string {
	t.Helper()
	r, err := Open(t.Context(), cfg)
	if err != nil {
		return err.Error()
	}
	defer r.Close() //nolint:errcheck // the error is in question here
	var b importer.Batch
	if _, err = r.Next(context.Background(), &b); err != nil {
		return err.Error()
	}
	return ""
}
