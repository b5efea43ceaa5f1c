// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
)

// No text makes the reader panic, and each of its lines is in a batch, a reject, a
// statement, or counted. What the first batches hold comes again behind their marks.
func FuzzNext(f *testing.F) {
	for _, s := range []string{
		"", "m f=1 1\n", "m f=\"a\nb\" 1\nnonsense\n\n# c", "# DDL\nCREATE DATABASE d\n# DML\n# CONTEXT-DATABASE:d\nm f=1 1",
		"# INFLUXDB EXPORT: x\n# DDL\n\n# DML\nm f=1 99999999999999999999\nm f=1\nm f=1 1\r\n", "DROP SERIES FROM x\nm f=1", "m\\\nx f=1\n", "\x00 m f=1\n\t#x",
		"m,t=a f=1,g=2 1\n\xef\xbb\xbfm f=2\n", "\xef\xbb\xbfm f=\"", "# DML\n#\n# \n", "SHOW x\nm f=1\n", "\ufeff\ufeff",
		"\x1f\x8b\x08", "\x28\xb5\x2f\xfd\x00\x90\x19\x00\x00abc",
	} {
		f.Add([]byte(s), uint8(3), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, points uint8, check bool) {
		if len(text) > 1<<16 {
			return
		}
		cfg := Config{
			Inputs: []string{"-"}, Stdin: bytes.NewReader(text), Database: "db", Check: check, BatchPoints: int(points%8) + 1,
			Selection: selection(t, filter.Spec{Fields: []string{"f*", "/^$/"}}),
		}
		r, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close() //nolint:errcheck // of standard input
		var b importer.Batch
		seen := 0 // lines that came out
		for {
			item, err := r.Next(t.Context(), &b)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return // says why: what is behind it is not read
			}
			seen += checkBatch(t, &b)
			for _, rej := range item.Rejects {
				seen += filledLines(rej.Text)
			}
			seen += len(item.Statements)
		}
		if code, _ := sniff(text); code != plain {
			return
		}
		skipped := r.Skipped()
		all := filledLines(bytes.TrimPrefix(text, []byte(byteOrderMark)))
		if skipped.NoField == 0 && seen+int(skipped.Comments) != all || seen+int(skipped.Comments+skipped.NoField) > all {
			t.Errorf("%d lines came out, %+v was skipped; %q has %d", seen, skipped, text, all)
		}
	})
}

// checkBatch checks what holds for every batch, and gives how many filled lines of the
// input its points had.
func checkBatch(t *testing.T, b *importer.Batch) int {
	if b.Points != len(b.Lines) || b.Points > 0 && (b.Text[len(b.Text)-1] != '\n' || b.Span.Empty() || len(b.Stretches) == 0) {
		t.Fatalf("a batch that cannot be: %+v", b)
	}
	for _, s := range b.Stretches {
		if s.Series == 0 || !b.Span.Covers(s.Span) {
			t.Fatalf("a stretch that cannot be: %+v", s)
		}
	}
	return filledLines(b.Text)
}

// filledLines counts the lines that hold more than blanks.
func filledLines(text []byte) int {
	n := 0
	for line := range strings.Lines(string(text)) {
		if strings.Trim(line, " \t\x00\r\n") != "" {
			n++
		}
	}
	return n
}
