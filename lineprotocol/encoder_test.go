// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/internal/lpjudge"
	"github.com/shardlift/shardlift/point"
)

// whole encodes a batch in pieces of limit bytes.
func whole(e *Encoder, series string, b *point.Batch, limit int) string {
	e.Series([]byte(series))
	var out []byte
	for row := 0; row < len(b.Times); {
		var piece []byte
		piece, row = e.Append(nil, b, row, limit)
		out = append(out, piece...)
	}
	return string(out)
}

func TestLines(t *testing.T) {
	b := &point.Batch{
		Times: []int64{-5, 0, 1600000000000000000, 1600000000000000001},
		Columns: []point.Column{
			{Field: []byte("b"), Kind: point.Boolean, Bools: []bool{true, false, true, false}},
			{Field: []byte("f"), Kind: point.Float, Floats: []float64{1.5, math.Copysign(0, -1), 3, 3}, Gaps: []uint64{0b0100}},
			{Field: []byte("i i"), Kind: point.Integer, Ints: []int64{7, 7, math.MinInt64, -1}},
			{Field: []byte("s"), Kind: point.String, Strings: [][]byte{[]byte(`a"b`), nil, []byte("x\ny"), []byte("z")}, Gaps: []uint64{0b1000}},
			{Field: []byte("u"), Kind: point.Unsigned, Ints: []int64{1, -1, 2, 3}},
		},
	}
	want := `m,t=a b=true,f=1.5,i\ i=7i,s="a\"b",u=1u -5
m,t=a b=false,f=-0,i\ i=7i,s="",u=18446744073709551615u 0
m,t=a b=true,i\ i=-9223372036854775808i,s="x
y",u=2u 1600000000000000000
m,t=a b=false,f=3,i\ i=-1i,u=3u 1600000000000000001
`
	for _, limit := range []int{1, 60, 1 << 20} {
		var e Encoder
		if d := cmp.Diff(want, whole(&e, "m,t=a", b, limit)); d != "" {
			t.Errorf("pieces of %d (-want +got):\n%s", limit, d)
		}
		points, values := e.Counts()
		if points != 4 || values != int64(b.Values()) || len(e.Refusals()) != 0 {
			t.Errorf("%d points, %d values, want 4 and %d", points, values, b.Values())
		}
	}
}

func TestUnsigned(t *testing.T) {
	b := &point.Batch{
		Times:   []int64{1, 2, 3},
		Columns: []point.Column{{Field: []byte("u"), Kind: point.Unsigned, Ints: []int64{5, -1, math.MaxInt64}}},
	}
	cases := map[UnsignedAs]struct {
		text     string
		refusals []Refusal
	}{
		UnsignedKeep: {"m u=5u 1\nm u=18446744073709551615u 2\nm u=9223372036854775807u 3\n", nil},
		UnsignedInteger: {"m u=5i 1\nm u=9223372036854775807i 3\n", []Refusal{
			{Field: []byte("u"), Err: ErrUnsignedTooBig, Values: 1, Range: point.TimeRange{Min: 2, Max: 2}},
		}},
		UnsignedFloat: {"m u=5 1\nm u=1.8446744073709552e+19 2\nm u=9.223372036854776e+18 3\n", []Refusal{
			{Field: []byte("u"), Err: ErrUnsignedRound, Values: 2, Range: point.TimeRange{Min: 2, Max: 3}, Kept: true},
		}},
	}
	for as, c := range cases {
		e := Encoder{Unsigned: as}
		if d := cmp.Diff(c.text, whole(&e, "m", b, 1<<20)); d != "" {
			t.Errorf("%v (-want +got):\n%s", as, d)
		}
		got := e.Refusals()
		if len(got) != len(c.refusals) || len(got) > 0 && fmt.Sprint(got[0]) != fmt.Sprint(c.refusals[0]) {
			t.Errorf("%v: refusals %v, want %v", as, got, c.refusals)
		}
	}
}

// What has no form is left out of its line, or the line is; all of it is told.
func TestRefusals(t *testing.T) {
	b := &point.Batch{
		Times: []int64{math.MinInt64, math.MinInt64 + 1, 1, 2, 3, math.MaxInt64},
		Columns: []point.Column{
			{Field: []byte("f"), Kind: point.Float, Floats: []float64{1, 1, math.NaN(), math.Inf(1), 4, 5}},
			{Field: []byte("g"), Kind: point.Float, Floats: []float64{1, 1, 2, math.Inf(-1), 4, 5}},
			{Field: []byte("time"), Kind: point.Integer, Ints: []int64{1, 1, 1, 1, 1, 1}},
		},
	}
	var e Encoder
	if d := cmp.Diff("m g=2 1\nm f=4,g=4 3\n", whole(&e, "m", b, 1<<20)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	points, values := e.Counts()
	if points != 2 || values != 3 {
		t.Errorf("%d points, %d values", points, values)
	}
	told := map[string]int{}
	for _, r := range e.Refusals() {
		told[fmt.Sprintf("%s: %v", r.Field, r.Err)] = r.Values
	}
	want := map[string]int{
		": " + ErrTimeRange.Error(): 3, "f: " + ErrNotANumber.Error(): 2, "g: " + ErrNotANumber.Error(): 1, "time: " + ErrFieldTime.Error(): 3,
	}
	if d := cmp.Diff(want, told); d != "" {
		t.Errorf("refusals (-want +got):\n%s", d)
	}
}

// A value that is the one before is copied: also the widest.
func TestRepeatedValues(t *testing.T) {
	for _, f := range []float64{-1.2345678901234567e-06, -2.2250738585072014e-308, -123456789012345.67, 0.1, 1e-7, 1 << 52, -1} {
		if n := len(AppendFloat(nil, f)); n > copied {
			t.Errorf("%v is written in %d bytes, %d are copied", f, n, copied)
		}
		ints := []int64{math.MinInt64, math.MinInt64, math.MinInt64}
		b := &point.Batch{Times: []int64{1, 2, 3}, Columns: []point.Column{
			{Field: []byte("a"), Kind: point.Float, Floats: []float64{f, f, f}},
			{Field: []byte("b"), Kind: point.Integer, Ints: ints},
			{Field: []byte("c"), Kind: point.Float, Floats: []float64{f, f, f}},
		}}
		var want string
		for at := 1; at <= 3; at++ {
			want += fmt.Sprintf("m a=%s,b=%di,c=%[1]s %[3]d\n", AppendFloat(nil, f), math.MinInt64, at)
		}
		var e Encoder
		if d := cmp.Diff(want, whole(&e, "m", b, 1<<20)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

// drawBatch draws rows of all kinds, with gaps, repeated values and hard strings.
func drawBatch(t *rapid.T) *point.Batch {
	rows := rapid.IntRange(1, 80).Draw(t, "rows")
	b := &point.Batch{}
	at := rapid.Int64Range(-2e9, 2e18).Draw(t, "start")
	for range rows {
		b.Times = append(b.Times, at)
		at += rapid.Int64Range(1, 3e9).Draw(t, "step")
	}
	for c := range rapid.IntRange(1, 8).Draw(t, "columns") {
		col := point.Column{Kind: point.Kind(rapid.IntRange(0, point.NumKinds-1).Draw(t, "kind"))}
		name := rapid.SampledFrom([]string{"a", "a name", "x,y=z\"", "größe", "a name that is longer than what is copied as a fixed size"}).Draw(t, "name")
		col.Field = []byte(strconv.Itoa(c) + name)
		for i := range rows {
			if rapid.IntRange(0, 3).Draw(t, "gap") == 0 && c > 0 {
				if col.Gaps == nil {
					col.Gaps = make([]uint64, point.GapWords(rows))
				}
				point.SetGap(col.Gaps, i)
			}
			f := floats().Draw(t, "f")
			switch again := rapid.Bool().Draw(t, "again"); {
			case again && i > 0:
				f = col.Floats[i-1]
			case math.IsNaN(f) || math.IsInf(f, 0):
				f = 1
			}
			col.Floats = append(col.Floats, f)
			col.Ints = append(col.Ints, rapid.SampledFrom([]int64{0, 7, 7, -7, 123456789, math.MaxInt64, math.MinInt64}).Draw(t, "i"))
			col.Bools = append(col.Bools, i%2 == 0)
			col.Strings = append(col.Strings, []byte(rapid.StringOf(rapid.SampledFrom([]rune("a\"\\\n #,= é"))).Draw(t, "s")))
		}
		b.Columns = append(b.Columns, col)
	}
	return b
}

// A parser that shares no code with the encoder reads back what went in.
func TestAnotherParserReadsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e Encoder
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			b := drawBatch(t)
			text := whole(&e, `m\ x,t=a\,b`, b, rapid.SampledFrom([]int{1, 500, 1 << 20}).Draw(t, "limit"))
			got, _, err := lpjudge.Read(bytes.NewReader([]byte(text)), lpjudge.Options{DB: "d", RP: "r"})
			if err != nil {
				t.Fatalf("%v in:\n%s", err, text)
			}
			want := map[string]string{}
			for i := range b.Times {
				for c := range b.Columns {
					if col := &b.Columns[c]; col.Has(i) {
						want[fmt.Sprintf("%s@%d", col.Field, b.Times[i])] = valueText(col, i)
					}
				}
			}
			have := map[string]string{}
			for _, v := range got {
				have[fmt.Sprintf("%s@%d", v.Field, v.Time)] = v.Val
			}
			if d := cmp.Diff(want, have); d != "" {
				t.Fatalf("(-want +got):\n%s\nin:\n%s", d, text)
			}
		}
	})
}

func valueText(c *point.Column, i int) string {
	switch c.Kind {
	case point.Float:
		return strconv.FormatFloat(c.Floats[i], 'g', -1, 64)
	case point.Integer:
		return strconv.FormatInt(c.Ints[i], 10)
	case point.Unsigned:
		return strconv.FormatUint(uint64(c.Ints[i]), 10)
	case point.Boolean:
		return strconv.FormatBool(c.Bools[i])
	}
	return string(c.Strings[i])
}

func TestNoAllocations(t *testing.T) {
	series, b, _ := devopsBatch()
	var e Encoder
	buf := make([]byte, 0, 1<<20)
	run := func() {
		e.Series(series)
		for row := 0; row < len(b.Times); {
			buf, row = e.Append(buf[:0], b, row, 64<<10)
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n != 0 {
		t.Errorf("a thousand lines cost %v allocations", n)
	}
}

// A field without a name is told apart from whole rows by a new encoder, and by one that
// has written other fields.
func TestRefusedFieldWithoutName(t *testing.T) {
	var e Encoder
	for _, field := range []string{"", "f", ""} {
		b := point.Batch{Times: []int64{1}, Columns: []point.Column{{Field: []byte(field), Kind: point.Integer, Ints: []int64{1}}}}
		e.Series([]byte("m"))
		e.Append(nil, &b, 0, 100)
		for _, r := range e.Refusals() {
			if r.Field == nil || len(r.Field) > 0 || field != "" {
				t.Errorf("field %q: %#v is refused", field, r.Field)
			}
		}
	}
}
