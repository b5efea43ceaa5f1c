// SPDX-License-Identifier: Apache-2.0

package lpjudge

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNormalFormRoundTrip(t *testing.T) {
	var all []Value
	for _, tt := range accepted {
		values, _, err := Read(strings.NewReader(tt.text), Options{DB: "d\t\\", RP: "r\xff"})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, values...)
	}
	var buf bytes.Buffer
	if err := WriteNormal(&buf, all); err != nil {
		t.Fatal(err)
	}
	back, err := ReadNormal(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if lines := Diff(dedup(all), back, 10); len(back) != len(all) || SumOf(all) != SumOf(back) {
		t.Errorf("%d values became %d: %v", len(all), len(back), lines)
	}
}

// dedup keeps the first of the values at one place: the table's cases use the same.
func dedup(values []Value) []Value {
	seen := map[place]bool{}
	var kept []Value
	for _, v := range values {
		if !seen[v.place()] {
			kept = append(kept, v)
		}
		seen[v.place()] = true
	}
	return kept
}

func TestParseValueRefuses(t *testing.T) {
	for name, line := range map[string]string{
		"six columns":    "d\tr\tm\tf\tf\t1",
		"unknown type":   "d\tr\tm\tf\tx\t1\t1",
		"no type":        "d\tr\tm\tf\t\t1\t1",
		"time":           "d\tr\tm\tf\tf\t1\tx",
		"open escape":    "d\tr\tm\tf\ts\ta\\\t1",
		"unknown escape": "d\tr\tm\tf\ts\t\\q\t1",
		"bad hex":        "d\tr\tm\tf\ts\t\\xgg\t1",
		"short hex":      "d\tr\tm\tf\ts\t\\x1\t1",
	} {
		t.Run(name, func(t *testing.T) {
			if v, err := ParseValue(line); err == nil {
				t.Errorf("taken as %v", v)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	v := func(field, val string, at int64) Value {
		return Value{"d", "r", "m", field, Float, val, at}
	}
	as := func(v Value, typ Type) Value { v.Type = typ; return v }
	tests := map[string]struct {
		want, got []Value
		n         int
		lines     []string
	}{
		"equal in any order": {[]Value{v("a", "1", 1), v("b", "2", 1)}, []Value{v("b", "2", 1), v("a", "1", 1)}, 9, nil},
		"all kinds": {
			[]Value{v("a", "1", 1), v("b", "0", 1), v("c", "1", 1)},
			[]Value{v("b", "-0", 1), as(v("c", "1", 1), Integer), v("d", "1", 1), v("d", "1", 1)},
			9,
			[]string{
				"missing\td\tr\tm\ta\tf\t1\t1",
				"differs: want f 0\td\tr\tm\tb\tf\t-0\t1",
				"differs: want f 1\td\tr\tm\tc\ti\t1\t1",
				"extra\td\tr\tm\td\tf\t1\t1",
				"twice\td\tr\tm\td\tf\t1\t1",
			},
		},
		"cut": {
			[]Value{v("a", "1", 1), v("a", "1", 2), v("a", "1", 3)},
			nil, 1,
			[]string{"missing\td\tr\tm\ta\tf\t1\t1", "... and 2 more"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.lines, Diff(tt.want, tt.got, tt.n)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSum(t *testing.T) {
	a := Value{"d", "r", "m", "f", Float, "1", 1}
	b := Value{"d", "r", "m", "f", Float, "1", 2}
	if SumOf([]Value{a, b}) != SumOf([]Value{b, a}) {
		t.Error("the order matters")
	}
	for name, other := range map[string][]Value{
		"twice one":   {a, a},
		"one missing": {a},
		"another":     {a, {"d", "r", "m", "f", Integer, "1", 2}},
	} {
		if SumOf(other) == SumOf([]Value{a, b}) {
			t.Errorf("%s: same sum", name)
		}
	}
}
