// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/point"
)

func audit(t testing.TB, text []byte) *Audit {
	t.Helper()
	a, err := AuditStream(t.Context(), "input", bytes.NewReader(text), Counters{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAudit(t *testing.T) {
	text := "# SHARDLIFT EXPORT: a - b\n# DDL\nCREATE DATABASE d\n\n# DML\n# CONTEXT-DATABASE:d\n# CONTEXT-RETENTION-POLICY:p\n" +
		"m,h=a f=1,g=2i 10\nm,h=a f=\"x\ny\" 20\nm,h=b f=1 5\n# CONTEXT-DATABASE:e\nm,h=b f=t\nm,h=b f=t 7"
	sum := sha256.Sum256([]byte(text))
	var read, points atomic.Int64
	got, err := AuditStream(t.Context(), "input", iotest.OneByteReader(strings.NewReader(text)), Counters{Read: &read, Points: &points})
	if err != nil {
		t.Fatal(err)
	}
	want := &Audit{
		Bytes: int64(len(text)), SHA256: hex.EncodeToString(sum[:]), Text: int64(len(text)), Export: true,
		Places: []AuditPlace{
			{Database: "d", Policy: "p", Points: 3, Values: 4, Span: point.TimeRange{Min: 5, Max: 20}},
			{Database: "e", Policy: "p", Points: 2, Values: 2, Span: point.TimeRange{Min: 7, Max: 7}},
		},
		Points: 5, Values: 6, Series: 3, NoTime: 1, Span: point.TimeRange{Min: 5, Max: 20},
		Statements: []AuditStatement{{Text: "CREATE DATABASE d", Line: 3, Offset: 32}},
		OpenEnd:    true,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if read.Load() != int64(len(text)) || points.Load() != 5 {
		t.Errorf("counted %d bytes and %d points", read.Load(), points.Load())
	}
}

// What is wrong is told with its place, and reading goes on behind it.
func TestAuditFaults(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		points int64
		want   []AuditFault
	}{
		"line":      {"m f=1 1\nbad\nm f=1 2\n", 2, []AuditFault{{Part: "line", Offset: 8, Line: 2, Lost: true}}},
		"time":      {"m f=1 1x\n", 0, []AuditFault{{Part: "line", Line: 1, Lost: true}}},
		"far time":  {"m f=1 99999999999999999999\nm f=1 1\n", 1, []AuditFault{{Part: "line", Line: 1, Lost: true}}},
		"field":     {"m f=1,g=zz 1\n", 0, []AuditFault{{Part: "line", Line: 1, Lost: true}}},
		"key":       {"m,a=b,a=c f=1 1\nm,a=b,a=c f=1 2\n", 0, []AuditFault{{Part: "line", Line: 1, Lost: true}, {Part: "line", Offset: 16, Line: 2, Lost: true}}},
		"statement": {"# DDL\nCREATE DATABASE d\nnothing\n# DML\nm f=1 1\n", 1, []AuditFault{{Part: "ddl", Offset: 24, Line: 3, Lost: true}}},
		"no DML":    {"# DDL\nCREATE DATABASE d\nm f=1 1\nm f=1 2\nm f=1 3\n", 2, []AuditFault{{Part: "ddl", Offset: 24, Line: 3, Lost: true}}},
		"hole":      {"m f=1 1\n\x00\x00\x00\n\x00m f=1 2\n", 2, []AuditFault{{Part: "line", Offset: 8, Lost: true}}},
		"end":       {"m f=\"a\n\x00b\" 1\n\n\n\x00\x00", 1, []AuditFault{{Part: "line", Offset: 15, Lost: true}}},
		"zeros":     {strings.Repeat("\x00", 1<<20), 0, []AuditFault{{Part: "line", Lost: true}}},
		"no hole":   {"\ufeff\n m f=\"a\n\x00b\" 1\n# \x00\nm,t=\x00 f=1 1", 2, nil},
		"foreign":   {"BZh91AY", 0, []AuditFault{{Part: "file", Offset: -1, Lost: true}}},
		"cut":       {"\x1f\x8b\x08\x00", 0, []AuditFault{{Part: "stream", Offset: 4, Lost: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := audit(t, []byte(c.text))
			for i := range got.Faults {
				if got.Faults[i].Reason == "" {
					t.Error("a fault without a reason")
				}
				got.Faults[i].Reason = ""
			}
			if d := cmp.Diff(c.want, got.Faults); d != "" || got.Points != c.points || got.Bytes != int64(len(c.text)) {
				t.Errorf("%d points, %d bytes (-want +got):\n%s", got.Points, got.Bytes, d)
			}
		})
	}
}

// What stands behind the end of a stream is told from a stream that is cut off, however short it
// is, and where the stream ended.
func TestTrailingJunk(t *testing.T) {
	const text = "m f=1 1\n"
	one := gzipped(t, []byte(text))
	two := append(slices.Clip(one), one...)
	for name, c := range map[string]struct {
		whole []byte
		junk  string
		want  string
	}{
		"a byte":             {one, "\n", "trailing junk"},
		"two bytes":          {one, "ab", "trailing junk"},
		"nine bytes":         {two, "123456789", "trailing junk"},
		"ten bytes":          {two, "1234567890", "trailing junk"},
		"zeros":              {one, strings.Repeat("\x00", 1000), "trailing junk"},
		"half of the magic":  {one, "\x1fx", "trailing junk"},
		"zstd":               {zstded(t, []byte(text)), "garbage", "trailing junk"},
		"a byte of the next": {two, gzipMagic[:1], "cut off"},
		"magic of the next":  {one, gzipMagic, "cut off"},
		"header cut":         {one, string(one[:9]), "cut off"},
		"cut behind header":  {one, string(one[:10]), "cut off"},
		"no header":          {one, gzipMagic + "\xff4567890", "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			got := audit(t, append(slices.Clip(c.whole), c.junk...))
			if len(got.Faults) != 1 || got.Points != int64(1+len(c.whole)/len(two)) {
				t.Fatalf("%+v", got)
			}
			f := got.Faults[0]
			if f.Part != "stream" || !f.Lost || !strings.Contains(f.Reason, c.want) || c.want == "trailing junk" && f.Offset != int64(len(c.whole)) {
				t.Errorf("%+v", f)
			}
		})
	}
}

// A reader that fails is a fault of the file; a context that ends is an error.
func TestAuditThatIsCutShort(t *testing.T) {
	broken := errors.New("disk fell off")
	got, err := AuditStream(t.Context(), "input", io.MultiReader(strings.NewReader("m f=1 1\nm f="), iotest.ErrReader(broken)), Counters{})
	if err != nil || got.Points != 1 || len(got.Faults) != 1 || got.Faults[0].Part != "file" || !strings.Contains(got.Faults[0].Reason, "disk fell off") {
		t.Errorf("%v, %+v", err, got)
	}
	text := []byte(lines(20_000))
	for name, whole := range map[string][]byte{"plain": text, "gzip": gzipped(t, text), "zstd": zstded(t, text)} {
		half := len(whole) / 2
		got, err := AuditStream(t.Context(), "input", io.MultiReader(bytes.NewReader(whole[:half]), iotest.ErrReader(broken)), Counters{})
		if err != nil || got.Points == 0 || len(got.Faults) == 0 {
			t.Fatalf("%s: %v, %+v", name, err, got)
		}
		want := AuditFault{Part: "file", Offset: -1, Lost: true, Reason: fmt.Sprintf("read input at byte %d: disk fell off", half)}
		if d := cmp.Diff(want, got.Faults[len(got.Faults)-1]); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	if _, err := AuditStream(ctx, "input", strings.NewReader("m f=1 1\n"), Counters{}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// No text makes an audit panic, and it counts the points and the bad lines that an import
// would see.
func FuzzAudit(f *testing.F) {
	for _, s := range []string{
		"", "m f=1 1\n", "m f=\"a\nb\" 1\nnonsense\n\n# c", "# DDL\nCREATE DATABASE d\n# DML\n# CONTEXT-DATABASE:d\nm f=1 1",
		"# INFLUXDB EXPORT: x\n# DDL\n\n# DML\nm f=1 99999999999999999999\nm f=1\nm f=1 1\r\n", "DROP SERIES FROM x\nm f=1", "m\\\nx f=1\n", "\x00 m f=1\n\t#x",
		"m,t=a f=1,g=2 1\n\xef\xbb\xbfm f=2\n", "\xef\xbb\xbfm f=\"", "# DML\n#\n# \n", "SHOW x\nm f=1\n", "m,a=b,a=c f=1\nm,a= f=1\n",
		"\x1f\x8b\x08", "\x28\xb5\x2f\xfd\x00\x90\x19\x00\x00abc",
	} {
		f.Add([]byte(s))
	}
	f.Add([]byte("\n\n\nm f=1 1\n\x00 \x00m f=2 2\nbad\n\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		got := audit(t, text)
		if got.Bytes != int64(len(text)) {
			t.Errorf("%d bytes of %d", got.Bytes, len(text))
		}
		r, err := Open(t.Context(), Config{Inputs: []string{"-"}, Stdin: bytes.NewReader(text), Database: "db", Check: true})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close() //nolint:errcheck // of standard input
		var b importer.Batch
		points, rejects := int64(0), int64(0)
		for {
			item, err := r.Next(t.Context(), &b)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				if len(got.Faults) == 0 {
					t.Errorf("an import ends with %v, and the audit is silent", err)
				}
				return
			}
			points += int64(b.Points)
			rejects += int64(len(item.Rejects))
		}
		faults := int64(len(got.Faults)) + got.More
		if n := len(got.Faults); n > 0 && got.Faults[n-1].Line == 0 { // a hole, which an import passes over
			faults--
			if at := got.Faults[n-1].Offset; text[at] != 0 {
				t.Errorf("a hole at %d, where no NUL stands", at)
			}
		}
		if got.Points != points || faults != rejects {
			t.Errorf("%d points and %d faults; an import has %d and %d rejects\n%+v", got.Points, len(got.Faults), points, rejects, got.Faults)
		}
	})
}

func BenchmarkAudit(b *testing.B) {
	text := []byte(strings.Repeat("cpu,hostname=host_0,region=eu-central-1 usage_user=58,usage_system=2,usage_idle=24 1451606400000000000\n", 10_000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		audit(b, text)
	}
}
