// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/point"
)

func TestCheckKey(t *testing.T) {
	cases := map[string]error{
		"m": nil, "m,a=b": nil, "m,b=1,a=2": nil, `m\,x\ y,a\=b=c\,d\ e\=f`: nil, "=": nil, `\`: errKeyBackslash, `m\\`: errKeyBackslash,
		"": ErrNoMeasurement, ",a=b": ErrNoMeasurement, "m,": errTagKey, "m,,a=b": errTagKey, "m,=b": errTagKey, "m,a": errTagValue, "m,a=": errTagValue,
		"m,a=,b=c": errTagValue, "m,a,b=c": errTagValue, "m,a=b=c": errTagFormat, "m,a==b": nil, "m,a==": nil, `m,a=\=`: nil, `m,a=\=b=c`: errTagFormat,
		"m,a=b,a=c": errTagTwice, "m,b=1,a=2,b=3": errTagTwice, "m,time=1": ErrTagTime, "m x": errBlankInKey, "m,a=b c": errBlankInKey, "m,a b=c": errBlankInKey,
		"m,a=b\\\nc": nil, strings.Repeat("x", maxKey): nil, strings.Repeat("x", maxKey+1): errKeyTooLong, `m,a=b\,c`: nil, `m,a\,b`: errTagValue,
	}
	for key, want := range cases {
		if got := CheckKey([]byte(key)); !errors.Is(got, want) {
			t.Errorf("CheckKey(%.50q) = %v, want %v", key, got, want)
		}
	}
}

// Every key that the encoder takes can be read.
func TestCheckKeyTakesWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := []byte(rapid.StringOf(rapid.SampledFrom([]rune("ab,,,===\\\\\" \n\té"))).Draw(t, "key"))
		if CheckSeries(key) != nil {
			return
		}
		err := CheckKey(key)
		if err != nil && !errors.Is(err, errTagTwice) {
			t.Fatalf("%q: %v", key, err)
		}
	})
}

func TestParseFields(t *testing.T) {
	type field struct {
		Key, Value string
		Kind       point.Kind
	}
	const f, i, s, b, u = point.Float, point.Integer, point.String, point.Boolean, point.Unsigned
	cases := map[string]struct {
		fields []field
		err    error
	}{
		`a=1`:                        {fields: []field{{"a", "1", f}}},
		`a=1.5,b=-2i,c="x",d=t,e=3u`: {fields: []field{{"a", "1.5", f}, {"b", "-2i", i}, {"c", `"x"`, s}, {"d", "t", b}, {"e", "3u", u}}},
		"a=\"x\ny, z=1\",b=1":        {fields: []field{{"a", "\"x\ny, z=1\"", s}, {"b", "1", f}}},
		`a="x\"y\\",b=1`:             {fields: []field{{"a", `"x\"y\\"`, s}, {"b", "1", f}}},
		`a\,b\ c\=d=1`:               {fields: []field{{`a\,b\ c\=d`, "1", f}}},
		`"a"="b"`:                    {fields: []field{{`"a"`, `"b"`, s}}},
		`a="x"y`:                     {fields: []field{{"a", `"x"y`, s}}},
		`a="x"=1,b,c=2`:              {fields: []field{{"a", `"x"=1`, s}, {"b,c", "2", f}}},
		`a=1,a=2i`:                   {fields: []field{{"a", "1", f}, {"a", "2i", i}}},
		`a=1,time=2`:                 {fields: []field{{"a", "1", f}, {"time", "2", f}}},
		`a=1E+3,b=.5,c=1.,d=-.5e-3`:  {fields: []field{{"a", "1E+3", f}, {"b", ".5", f}, {"c", "1.", f}, {"d", "-.5e-3", f}}},
		`time=2`:                     {err: ErrFieldTime},
		``:                           {err: errFieldFormat},
		`a`:                          {err: errFieldFormat},
		`a=1,`:                       {err: errFieldFormat},
		`a=1,b`:                      {err: errFieldFormat},
		`a=1 b=2`:                    {err: errFieldFormat},
		`a=`:                         {err: errNoFieldValue},
		`a=,b=1`:                     {err: errNoFieldValue},
		`f\\=1`:                      {err: errNoFieldValue},
		`=1`:                         {err: errNoFieldKey},
		`a=1,=2`:                     {err: errNoFieldKey},
		`a="x`:                       {err: errQuotes},
		`a="x\"`:                     {err: errQuotes},
		`a=tRUE`:                     {err: errBoolean},
		`a=+1`:                       {err: errBoolean},
		`a=NaN`:                      {err: errBoolean},
		`a=-`:                        {err: errNumber},
		`a=.`:                        {err: errNumber},
		`a=1.1.1`:                    {err: errNumber},
		`a=1e400`:                    {err: errNumber},
		`a=1_000`:                    {err: errNumber},
		`a=0x10`:                     {err: errNumber},
		`a=1.5i`:                     {err: errNumber},
		`a=-i`:                       {err: errNumber},
		`a=-1u`:                      {err: errNumber},
		`a=9223372036854775807i`:     {fields: []field{{"a", "9223372036854775807i", i}}},
		`a=9223372036854775808i`:     {err: errInteger},
		`a=18446744073709551615u`:    {fields: []field{{"a", "18446744073709551615u", u}}},
		`a=18446744073709551616u`:    {err: errInteger},
		`a=1\`:                       {err: errNumber},
		`a="x"\`:                     {err: errFieldFormat},

		"a=" + strings.Repeat("9", 308): {fields: []field{{"a", strings.Repeat("9", 308), f}}},
		"a=" + strings.Repeat("9", 309): {err: errNumber},
	}
	for text, c := range cases {
		fields, err := ParseFields(nil, []byte(text))
		if !errors.Is(err, c.err) {
			t.Errorf("ParseFields(%q): %v, want %v", text, err, c.err)
		}
		if err != nil {
			continue
		}
		var got []field
		for _, p := range fields {
			got = append(got, field{string(p.Key), string(p.Value), p.Kind})
		}
		if d := cmp.Diff(c.fields, got); d != "" {
			t.Errorf("ParseFields(%q) (-want +got):\n%s", text, d)
		}
	}
}

// The quick way through plain fields is the long way's.
func TestPlainFields(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "b", "=", "=", "=", ",", ",", `"`, `""`, "1", "-", ".", "e", "i", "u", "t", "true", "false", `\`, " ", "a=1", ",b=2i", `,c="x y"`, "9223372036854775807",
		}), 1, 12).Draw(t, "pieces"), ""))
		plain, ok := plainFields(nil, text)
		if !ok {
			return
		}
		any, err := anyFields(nil, text)
		if d := cmp.Diff(any, plain); d != "" || err != nil {
			t.Fatalf("%q: %v (-long +quick):\n%s", text, err, d)
		}
	})
}

func TestParseTime(t *testing.T) {
	cases := map[string]struct {
		digits string
		unit   int64
		want   int64
		err    error
	}{
		"nanoseconds":      {"1600000000000000000", 1, 1600000000000000000, nil},
		"seconds":          {"-5", 1e9, -5e9, nil},
		"zeros":            {"000000000000000000000000000007", 1, 7, nil},
		"minus zero":       {"-0", 1, 0, nil},
		"highest":          {"9223372036854775806", 1, point.MaxTime, nil},
		"above":            {"9223372036854775807", 1, 0, ErrTimeRange},
		"lowest":           {"-9223372036854775806", 1, point.MinTime, nil},
		"below":            {"-9223372036854775807", 1, 0, ErrTimeRange},
		"wraps":            {"-9223372036854775808", 1, 0, errTimeOverflow},
		"wraps far":        {"99999999999999999999999999", 1, 0, errTimeOverflow},
		"unit wraps":       {"9223372037", 1e9, 0, errTimeOverflow},
		"unit just fits":   {"9223372036", 1e9, 9223372036e9, nil},
		"none":             {"", 1, 0, errTimeDigits},
		"minus":            {"-", 1, 0, errTimeDigits},
		"plus":             {"+1", 1, 0, errTimeDigits},
		"letter":           {"1e3", 1, 0, errTimeDigits},
		"colon":            {"1:", 1, 0, errTimeDigits},
		"slash":            {"1/", 1, 0, errTimeDigits},
		"hours into 1677":  {"-2562047", 3600e9, -2562047 * 3600e9, nil},
		"hours before":     {"-2562048", 3600e9, 0, errTimeOverflow},
		"wraps to a small": {"18446744073709551617", 1, 0, errTimeOverflow},
	}
	for name, c := range cases {
		if got, err := ParseTime([]byte(c.digits), c.unit); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %d, %v, want %d, %v", name, got, err, c.want, c.err)
		}
	}
}

func TestParseTimeReadsWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Int64Range(point.MinTime, point.MaxTime).Draw(t, "time")
		if got, err := ParseTime(AppendInt(nil, want), 1); got != want || err != nil {
			t.Fatalf("%d, %v", got, err)
		}
	})
}

// Nineteen digits are looked at eight at a time.
func TestAreDigits(t *testing.T) {
	digits := []byte("1600000000987654321")
	for i := range digits {
		for c := range 256 {
			b := append([]byte(nil), digits...)
			b[i] = byte(c)
			if got, want := areDigits(b), c >= '0' && c <= '9'; got != want {
				t.Errorf("%q at %d: %v", b, i, got)
			}
		}
	}
}

func TestUnescapeField(t *testing.T) {
	for key, want := range map[string]string{`a`: "a", `a\,b\ c\=d\"e`: `a,b c=d"e`, `a\\b`: `a\\b`, `a\`: `a\`, "a\\\nb": "a\\\nb"} {
		if got := UnescapeField([]byte(key)); got != want {
			t.Errorf("UnescapeField(%q) = %q, want %q", key, got, want)
		}
	}
}

func TestParseWithoutAllocations(t *testing.T) {
	fields := []byte(`usage=1.2345678901234567,count=17i,big=1.5e+300,most=9223372036854775807i,text="a, b",more="a \"b\"",on=true,key\ 2=1`)
	var dst []Field
	var err error
	run := func() { dst, err = ParseFields(dst, fields) }
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 || err != nil || len(dst) != 8 {
		t.Errorf("%v allocations, %d fields, %v", n, len(dst), err)
	}
}

func BenchmarkParseFields(b *testing.B) {
	for name, text := range scanTexts() {
		s := NewScanner(strings.NewReader(string(text)))
		s.Next()
		fields := s.Token().Fields
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(fields)))
			var dst []Field
			for b.Loop() {
				dst, _ = ParseFields(dst, fields)
			}
		})
	}
}
