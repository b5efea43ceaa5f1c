// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// found is a Token with its slices as texts.
type found struct {
	Kind              TokenKind
	Text              string
	Line, Offset, End int64
	Key, Fields, Time string
	Err               error
}

func copyToken(t *Token) found {
	return found{t.Kind, string(t.Text), t.Line, t.Offset, t.End, string(t.Key), string(t.Fields), string(t.Time), t.Err}
}

func scanFrom(s *Scanner) []found {
	var all []found
	for s.Next() {
		all = append(all, copyToken(s.Token()))
	}
	return all
}

func scanAll(text string) []found { return scanFrom(NewScanner(strings.NewReader(text))) }

// sameReason compares tokens as to what they say; the tests of single lines name the
// reason, those against a model do not.
var (
	sameReason = cmp.Options{cmp.Comparer(func(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) }), cmpopts.EquateEmpty()}
	anyReason  = cmp.Options{cmpopts.IgnoreFields(found{}, "Err"), cmpopts.EquateEmpty()}
)

func TestScan(t *testing.T) {
	got := scanAll("# c\nm,t=a f=1 10\n\nm s=\"a\n# b\" 5\nx f=\"\ny f=2\\\n \t\x00z  f=3  -7 \n\r\n  # d\nv f=4")
	want := []found{
		{Kind: CommentToken, Text: "# c", Line: 1, Offset: 0, End: 4},
		{Kind: PointToken, Text: "m,t=a f=1 10", Line: 2, Offset: 4, End: 17, Key: "m,t=a", Fields: "f=1", Time: "10"},
		{Kind: PointToken, Text: "m s=\"a\n# b\" 5", Line: 4, Offset: 18, End: 32, Key: "m", Fields: "s=\"a\n# b\"", Time: "5"},
		{Kind: BadToken, Text: `x f="`, Line: 6, Offset: 32, End: 38, Err: errQuotes},
		{Kind: BadToken, Text: `y f=2\`, Line: 7, Offset: 38, End: 45, Err: errDangles},
		{Kind: PointToken, Text: "z  f=3  -7 ", Line: 8, Offset: 48, End: 60, Key: "z", Fields: "f=3", Time: "-7"},
		{Kind: CommentToken, Text: "# d", Line: 10, Offset: 64, End: 68},
		{Kind: PointToken, Text: "v f=4", Line: 11, Offset: 68, End: 73, Key: "v", Fields: "f=4"},
	}
	if d := cmp.Diff(want, got, sameReason); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// The first line of each text is bad, and only that: good points stand behind it.
func TestBadLines(t *testing.T) {
	const good = "m,t=a f=1 10\nm,t=b s=\"x, y\" 10\n"
	cases := map[string]struct {
		text string
		err  error
	}{
		"key only":                 {"m,t=a", errNoFields},
		"key and blank":            {"m,t=a ", errNoFields},
		"no measurement":           {",t=a f=1", ErrNoMeasurement},
		"no equals sign":           {"m f 10", errFieldFormat},
		"two field sections":       {"m f=1 g=2 10", errTimeDigits},
		"words":                    {"hello, world of points", errTimeDigits},
		"time with a fraction":     {"m f=1 1.5", errTimeDigits},
		"minus alone":              {"m f=1 -", errTimeDigits},
		"two times":                {"m f=1 10 11", errBehindTime},
		"tab behind the time":      {"m f=1 10\t", errTimeDigits},
		"CR LF":                    {"m f=1 10\r", ErrCarriageReturn},
		"CR LF without time":       {"m f=1\r", ErrCarriageReturn},
		"CR LF and a string":       {"m f=\"a\"\r", ErrCarriageReturn},
		"CR LF and a blank":        {"m f=1 10 \r", ErrCarriageReturn},
		"quote opens":              {`m f="`, errQuotes},
		"quote opens in a string":  {`m f="a,g="b" 10`, errQuotes},
		"torn string":              {`m f="some te`, errQuotes},
		"torn escape":              {`m f="some \`, errDangles},
		"torn key":                 {`m,t=a\`, errDangles},
		"torn field key":           {`m fi\`, errDangles},
		"torn number":              {`m f=1\`, errDangles},
		"torn time":                {`m f=1 1\`, errTimeDigits},
		"string closed elsewhere":  {`m f="a b" c" 10`, errTimeDigits},
		"quote behind two strings": {`m f="a",g="b`, errQuotes},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := scanAll(c.text + "\n" + good)
			want := []found{{Kind: BadToken, Text: c.text, Line: 1, End: int64(len(c.text) + 1), Err: c.err}}
			for i, text := range strings.Split(strings.TrimSpace(good), "\n") {
				key, fields, at, _ := modelPoint(text)
				offset := want[i].End
				want = append(want, found{Kind: PointToken, Text: text, Line: int64(i + 2), Offset: offset, End: offset + int64(len(text)+1), Key: key, Fields: fields, Time: at})
			}
			if d := cmp.Diff(want, got, sameReason); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// hardText draws text from what quoting, escaping and line ends are about.
func hardText(t *rapid.T) string {
	pieces := rapid.SampledFrom([]string{
		"m", "m,t=a", "a", "f=1", " f=1", "g=", `"`, `"`, `"`, `"b"`, ` s="`, `",`, `="`, `\`, `\\`, `\\ `, `\"`, "\n", "\n", "\n", ",", ",", "=", " ", " ",
		" 10", " 1600000000000000000", "\nm f=1 10\n", "\nm,t=a\\ b s=\"x\ny\",f=1i 5\n", "\n# c\"\n", "#", "\r", "\r\n", "\t", "\x00", "t,u=T", "1",
		"\nm this_is_a_long_field_key=1,and_another_one=2i,text=\"a long text, with a \\\" in it\",last_one_of_all=3 1600000000000000000\n",
	})
	return strings.Join(rapid.SliceOfN(pieces, 0, 40).Draw(t, "pieces"), "")
}

func TestScanAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := hardText(t)
		if d := cmp.Diff(modelScan(text), scanAll(text), anyReason); d != "" {
			t.Fatalf("%q (-want +got):\n%s", text, d)
		}
	})
}

// readers give a text in pieces of other sizes.
func readers(text string) map[string]io.Reader {
	return map[string]io.Reader{
		"bytes":          iotest.OneByteReader(strings.NewReader(text)),
		"halves":         iotest.HalfReader(strings.NewReader(text)),
		"end with data":  iotest.DataErrReader(strings.NewReader(text)),
		"one, with end":  iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(text))),
		"seven at times": &stutter{r: strings.NewReader(text)},
	}
}

// stutter gives seven bytes and nothing in turn.
type stutter struct {
	r    io.Reader
	turn bool
}

func (s *stutter) Read(p []byte) (int, error) {
	s.turn = !s.turn
	if s.turn {
		return 0, nil
	}
	return s.r.Read(p[:min(len(p), 7)])
}

func TestPiecesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := hardText(t)
		want := scanAll(text)
		for name, r := range readers(text) {
			if d := cmp.Diff(want, scanFrom(NewScanner(r)), sameReason); d != "" {
				t.Fatalf("%s of %q (-want +got):\n%s", name, text, d)
			}
		}
	})
}

// A Scanner that goes on where another one stopped finds the same.
func TestReset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := hardText(t)
		want := scanAll(text)
		stop := rapid.IntRange(0, len(want)).Draw(t, "stop")
		s := NewScanner(strings.NewReader(text))
		var got []found
		line, offset := int64(1), int64(0)
		for range stop {
			s.Next()
			got = append(got, copyToken(s.Token()))
			offset = s.Token().End
			line = int64(1 + strings.Count(text[:offset], "\n"))
		}
		s.Reset(strings.NewReader(text[offset:]), line, offset)
		if d := cmp.Diff(want, append(got, scanFrom(s)...), sameReason); d != "" {
			t.Fatalf("%q (-want +got):\n%s", text, d)
		}
	})
}

// Whatever the encoder writes comes back, point by point.
func TestScanWhatIsEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e Encoder
		var text []byte
		var want []string
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			b := drawBatch(t)
			key := rapid.SampledFrom([]string{`m`, `m\ x,t=a\,b`, `m,t=a"b,u=c\=`, `m\\ x,t=a\\=b`, "m,t=a\\\nb", `größe,ort=x\y`}).Draw(t, "key")
			if err := CheckSeries([]byte(key)); err != nil {
				t.Fatalf("%q: %v", key, err)
			}
			text = append(text, whole(&e, key, b, 1<<20)...)
			for i := range b.Times {
				values := 0
				for c := range b.Columns {
					if b.Columns[c].Has(i) {
						values++
					}
				}
				want = append(want, fmt.Sprintf("%s %d %d", key, values, b.Times[i]))
			}
		}
		var got []string
		var fields []Field
		var ends []int
		s := NewScanner(bytes.NewReader(text))
		for s.Next() {
			k := s.Token()
			at, err := ParseTime(k.Time, 1)
			if err != nil {
				t.Fatal(err)
			}
			if fields, err = ParseFields(fields, k.Fields); err != nil || CheckKey(k.Key) != nil {
				t.Fatalf("%q: %v, %v", k.Text, err, CheckKey(k.Key))
			}
			got = append(got, fmt.Sprintf("%s %d %d", k.Key, len(fields), at))
			ends = append(ends, int(k.End))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%q (-want +got):\n%s", text, d)
		}
		if d := cmp.Diff(ends, AppendEnds(nil, text)); d != "" {
			t.Fatalf("AppendEnds of %q (-want +got):\n%s", text, d)
		}
	})
}

func TestNextLine(t *testing.T) {
	s := NewScanner(iotest.OneByteReader(strings.NewReader("# DDL\nCREATE \"\n\n x\\\n# DML\nm f=\"a\nb\"\nlast")))
	var got []string
	for s.NextLine() {
		k := s.Token()
		got = append(got, fmt.Sprintf("%d %d %d-%d %s", k.Kind, k.Line, k.Offset, k.End, k.Text))
		if string(k.Text) == "# DML" && s.Next() {
			got = append(got, fmt.Sprintf("%d %d %d-%d %s", s.Token().Kind, s.Token().Line, s.Token().Offset, s.Token().End, s.Token().Text))
		}
	}
	want := []string{"4 1 0-6 # DDL", `4 2 6-15 CREATE "`, "4 3 15-16 ", `4 4 16-20  x\`, "4 5 20-26 # DML", "1 6 26-36 m f=\"a\nb\"", "4 8 36-40 last"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// What the reader's error has cut off might look like a whole point, and is not one.
func TestReaderFails(t *testing.T) {
	broken := errors.New("broken")
	for _, tail := range []string{"m f=1 16", "m f=\"a\nb", "# c", " ", "\r", `m,t=a\`, `m\\ x f="`} {
		s := NewScanner(io.MultiReader(strings.NewReader("m f=1 10\n"+tail), iotest.ErrReader(broken)))
		if got := scanFrom(s); len(got) != 1 || !errors.Is(s.Err(), broken) {
			t.Errorf("%q: %v, error %v", tail, got, s.Err())
		}
		if s.Next() || s.NextLine() {
			t.Errorf("%q: goes on with %q", tail, s.Token().Text)
		}
	}
	s := NewScanner(nothing{})
	if s.Next() || !errors.Is(s.Err(), io.ErrNoProgress) {
		t.Errorf("a reader that gives nothing: %v", s.Err())
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

func TestScanWithoutAllocations(t *testing.T) {
	for name, text := range scanTexts() {
		var s Scanner
		r := bytes.NewReader(text)
		points := 0
		run := func() {
			r.Reset(text)
			s.Reset(r, 1, 0)
			for s.Next() {
				points++
			}
		}
		run()
		if n := testing.AllocsPerRun(3, run); n != 0 || points != 5*bytes.Count(text, lineFeed) {
			t.Errorf("%s: %v allocations, %d points", name, n, points)
		}
	}
}
