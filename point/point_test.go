// SPDX-License-Identifier: Apache-2.0

package point

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSplitKey(t *testing.T) {
	cases := map[string]struct {
		key, series, field string
		ok                 bool
	}{
		"plain":            {"cpu,host=a#!~#usage", "cpu,host=a", "usage", true},
		"separator twice":  {"m#!~#a#!~#b", "m", "a#!~#b", true},
		"none":             {"cpu,host=a", "cpu,host=a", "", false},
		"empty field":      {"m#!~#", "m", "", true},
		"nearly":           {"m#!~f", "m#!~f", "", false},
		"overlapping ends": {"m##!~#f", "m#", "f", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, f, ok := SplitKey([]byte(c.key))
			if string(s) != c.series || string(f) != c.field || ok != c.ok {
				t.Errorf("SplitKey = %q, %q, %v", s, f, ok)
			}
		})
	}
}

func TestSplitKeyAt(t *testing.T) {
	key := []byte("a#!~#b#!~#c")
	for nth, want := range []struct {
		series, field string
		ok            bool
	}{{"a", "b#!~#c", true}, {"a#!~#b", "c", true}, {"a#!~#b#!~#c", "", false}} {
		if s, f, ok := SplitKeyAt(key, nth); string(s) != want.series || string(f) != want.field || ok != want.ok {
			t.Errorf("SplitKeyAt(%d) = %q, %q, %v", nth, s, f, ok)
		}
	}
}

func TestTags(t *testing.T) {
	measurement, tags := SplitSeries([]byte(`m\,x y,a=1,b\=c=d\,e,f`))
	if string(measurement) != `m\,x y` {
		t.Errorf("measurement %q", measurement)
	}
	var got [][2]string
	for len(tags) > 0 {
		k, v, rest, ok := NextTag(tags)
		if !ok {
			t.Fatalf("NextTag stops at %q", tags)
		}
		got = append(got, [2]string{string(k), string(v)})
		tags = rest
	}
	if d := cmp.Diff([][2]string{{"a", "1"}, {`b\=c`, `d\,e`}, {"f", ""}}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if m, tags := SplitSeries([]byte("m")); string(m) != "m" || len(tags) != 0 {
		t.Errorf("no tags: %q, %q", m, tags)
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{`a\,b\ c\=d`: `a,b c\=d`, `a\\,b`: `a\,b`, `a\x`: `a\x`, `a`: `a`} {
		if got := UnescapeMeasurement([]byte(in)); got != want {
			t.Errorf("UnescapeMeasurement(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{`a\,b\ c\=d`: `a,b c=d`, `a\\=b`: `a\=b`, `\z`: `\z`} {
		if got := UnescapeTag([]byte(in)); got != want {
			t.Errorf("UnescapeTag(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTimeRange(t *testing.T) {
	r := TimeRange{10, 20}
	if !r.Contains(10) || !r.Contains(20) || r.Contains(9) || r.Contains(21) {
		t.Error("both ends belong to a window, and no more")
	}
	if !r.Overlaps(TimeRange{20, 30}) || r.Overlaps(TimeRange{21, 30}) || !AllTime.Covers(r) || r.Covers(TimeRange{10, 21}) {
		t.Error("Overlaps or Covers is off at an end")
	}
	if !NoTime.Empty() || NoTime.Union(r) != r || r.Union(NoTime) != r || r.Union(TimeRange{math.MinInt64, 0}) != (TimeRange{math.MinInt64, 20}) {
		t.Error("Union is off")
	}
}

// Gaps counts as a slow loop over the rows does.
func TestGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "rows")
		c := Column{Gaps: make([]uint64, GapWords(n))}
		for range rapid.IntRange(0, n).Draw(t, "marks") {
			i := rapid.IntRange(0, n-1).Draw(t, "row")
			if rapid.Bool().Draw(t, "clear") {
				ClearGap(c.Gaps, i)
			} else {
				SetGap(c.Gaps, i)
			}
		}
		values := 0
		for i := range n {
			if c.Has(i) {
				values++
			}
		}
		b := Batch{Times: make([]int64, n), Columns: []Column{c, {}}}
		if b.Values() != values+n {
			t.Errorf("%d values, want %d", b.Values(), values+n)
		}
	})
}

func TestKinds(t *testing.T) {
	for k, want := range map[Kind]string{Float: "float", Unsigned: "unsigned", 9: "kind(9)"} {
		if k.String() != want || k.Valid() != (k < NumKinds) {
			t.Errorf("%d is %s, valid %v", uint8(k), k, k.Valid())
		}
	}
}
