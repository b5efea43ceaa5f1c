// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// exactly gives a value in a form that is the same for the same value, whatever its type.
func exactly(c class, raw string) string {
	switch c {
	case text:
		return string(lineprotocol.AppendText(nil, []byte(raw)))
	case boolean:
		return strings.ToLower(raw[:1])
	}
	r, ok := new(big.Rat).SetString(strings.TrimRight(raw, "iu"))
	if !ok {
		return raw
	}
	if kindOfText(c, raw) == point.Float {
		x, _ := strconv.ParseFloat(raw, 64)
		r.SetFloat64(x)
		if x == 0 && math.Signbit(x) {
			return "-0"
		}
	}
	return r.String()
}

var exactValuesGen = map[class][]string{
	number:  {"1.5", "2", "2i", "-3i", "9007199254740993i", "9007199254740992", "-0", "0", "7u", "18446744073709551615u", "9223372036854775807i", "1e300", "-9223372036854775808i"},
	text:    {`""`, `"a, b=c \" \\"`, "\"two\nlines 5\"", "\"\xff\""},
	boolean: {"t", "F", "true"},
}

// Whatever is lost, changed or added, each single value is named, and no other.
func TestExactModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.SampledFrom([]int64{7, 100, 1 << 40}).Draw(t, "width")
		c := NewCounter(func(string, string) int64 { return width }).WithDigests()
		server := &valueServer{t: t, values: map[valueKey]string{}, most: rapid.SampledFrom([]int{0, 0, 3, 9}).Draw(t, "limit")}
		here := map[valueKey]string{}
		var all, refused strings.Builder
		window := point.NoTime
		for i, r := range rapid.SliceOf(rowGen).Draw(t, "rows") {
			if rapid.IntRange(0, 2).Draw(t, "extreme") > 0 { // else there are few points in a bucket
				r.time %= 50
			}
			for j := range r.fields {
				r.fields[j].value = rapid.SampledFrom(exactValuesGen[r.fields[j].class]).Draw(t, "value")
			}
			window = window.Union(point.TimeRange{Min: r.time, Max: r.time})
			if rapid.IntRange(0, 4).Draw(t, "refuse") == 0 {
				r.fields = append(r.fields, modelField{"no", "no", number, fmt.Sprint(i)})
				refused.WriteString(r.line())
			} else {
				for _, f := range r.fields {
					here[valueKey{cellKey: cellKey{measurement: r.measurement, field: f.name, class: f.class}, tags: r.tags, time: r.time}] = f.value
				}
			}
			all.WriteString(r.line())
		}
		for k, v := range here {
			k.policy = "rp"
			server.values[k] = v
		}
		want := plant(t, here, server.values, window)
		if err := c.Add("db", "rp", []byte(all.String())); err != nil {
			t.Fatal(err)
		}
		if err := c.Exclude("db", "rp", []byte(refused.String())); err != nil {
			t.Fatal(err)
		}
		r, err := Compare(t.Context(), NewPaced(server, 0), c, Options{
			MaxDifferences: 1 << 20, Extra: true, Exact: true,
			hashes: rapid.SampledFrom([]int64{2, 10, 1000}).Draw(t, "hashes"), values: rapid.SampledFrom([]int64{1, 5, 1000}).Draw(t, "values"),
			Reread: func(_ context.Context, _, _, _ string, _ point.TimeRange, add func([]byte) error) error {
				return add([]byte(all.String()))
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if server.most > 0 && (r.Unproven > 0 || r.Points.AtLeast || len(r.Unasked) > 0) {
			return // it does not give as much as there is of one field at one time
		}
		got := []string{}
		for _, d := range r.Points.List {
			got = append(got, fmt.Sprintf("%s %s %s %d", d.What, d.Series, d.Field, d.Time))
		}
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%v (-want +got):\n%s", r, d)
		}
		if n := r.Points.Missing + r.Points.Extra + r.Points.Differing; int(n) != len(want) || r.Points.AtLeast || r.Unproven > 0 {
			t.Fatalf("%d, want %d: %+v", n, len(want), r.Points)
		}
	})
}

// plant takes values from a server, changes some and adds others, inside and outside of the
// window. It gives what a comparison has to find.
func plant(t *rapid.T, here, there map[valueKey]string, window point.TimeRange) []string {
	want := []string{}
	find := func(what string, k valueKey) {
		series := strings.NewReplacer(`,a\=b=c,d=e`, `,a\=b=c,d=e`).Replace(k.measurement + k.tags)
		want = append(want, fmt.Sprintf("%s %s %s %d", what, series, k.field, k.time))
	}
	keys := make([]valueKey, 0, len(here))
	for k := range here {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b valueKey) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, k := range keys {
		at := k
		at.policy = "rp"
		switch rapid.IntRange(0, 9).Draw(t, "plant") {
		case 0:
			delete(there, at)
			find("missing", k)
		case 1:
			there[at] = rapid.SampledFrom(exactValuesGen[k.class]).Draw(t, "other value")
			if exactly(k.class, there[at]) != exactly(k.class, here[k]) {
				find("differs", k)
			}
		case 2:
			k.time = rapid.Int64Range(-60, 60).Draw(t, "other time")
			k.field = rapid.SampledFrom([]string{k.field, "only there"}).Draw(t, "other field")
			k.measurement = rapid.SampledFrom([]string{k.measurement, "other"}).Draw(t, "other measurement")
			at = k
			at.policy = "rp"
			_, known := here[k]
			_, added := there[at]
			if known || added {
				continue
			}
			there[at] = exactValuesGen[k.class][0]
			if window.Contains(k.time) {
				find("extra", k)
			}
		}
	}
	slices.Sort(want)
	return want
}

// A value that the target answers in JSON or with any cast has the form that it has in text.
func TestForms(t *testing.T) {
	seen := map[string]form{}
	for _, class := range []class{number, text, boolean} {
		for _, raw := range append(exactValuesGen[class], exactValuesGen[class]...) {
			var buf []byte
			f, err := formOf([]byte(raw), class, &buf)
			if err != nil {
				t.Fatal(err)
			}
			f.text = slices.Clone(f.text)
			name := fmt.Sprint(class, " ", exactly(class, raw))
			if before, ok := seen[name]; ok && (before.bits != f.bits || before.sort != f.sort || string(before.text) != string(f.text)) {
				t.Errorf("%s: %+v and %+v", raw, before, f)
			}
			seen[name] = f
			for _, there := range []kinds{kindsOf(kindOfText(class, raw)), numeric, kindsOf(point.Float) | kindsOf(point.Integer) | kindsOf(kindOfText(class, raw))} {
				var values []target.Value
				for _, k := range castsOf(class, there&numeric) {
					values = append(values, cast(class, raw, k))
				}
				got, ok := formOfAnswer(values)
				if !ok || got.bits != f.bits || got.sort != f.sort || string(got.text) != string(f.text) {
					t.Errorf("%s of %v: %+v, want %+v", raw, there.words(), got, f)
				}
			}
		}
	}
	all := map[uint64]string{}
	c := NewCounter(nil)
	for name, f := range seen {
		if other, ok := all[f.hash(c.seed)]; ok {
			t.Errorf("%s and %s have one hash", name, other)
		}
		all[f.hash(c.seed)] = name
	}
}

// Every query waits for its turn, of whatever sort.
func TestPaceOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here := lines("m,h=a", "f=1,i=2i", 0, 50) + lines("n", "f=1", 0, 50)
		server := serverOf(t, strings.Replace(here, "f=1,i=2i 60", "f=3 60", 1)+"m g=1 0\nk f=1 5\n")
		c := NewCounter(nil).WithDigests()
		if err := c.Add("db", "rp", []byte(here)); err != nil {
			t.Fatal(err)
		}
		q := NewPaced(server, 2)
		r, err := Compare(t.Context(), q, c, Options{Extra: true, Exact: true, MaxDifferences: 10, Reread: from(here)})
		if err != nil || len(r.Points.List) != 4 {
			t.Fatalf("%v, %v", listed(r), err)
		}
		for i, at := range server.when {
			if at != time.Duration(i)*time.Second/2 {
				t.Errorf("query %d after %s", i, at)
			}
		}
		if len(server.when) < 6 || int64(len(server.when)) != r.Queries || q.Queries() != r.Queries {
			t.Errorf("%d queries, %d told", len(server.when), r.Queries)
		}
	})
}

// Fields with several numeric types on the target are named where their values are compared,
// and no others.
func TestMixedTypes(t *testing.T) {
	const here = "m f=1,g=1,h=1,s=\"x\" 5\n"
	server := serverOf(t, here+"m f=2i,h=\"x\",o=1 900000000000000\nm o=1i 5\n")
	for _, exact := range []bool{false, true} {
		c := NewCounter(nil).WithDigests()
		if err := c.Add("db", "rp", []byte(here)); err != nil {
			t.Fatal(err)
		}
		r, err := Compare(t.Context(), NewPaced(server, 0), c, Options{Exact: exact, Extra: true})
		if err != nil || !r.Proven() || r.TypeFields != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		var want []TypeDifference
		if exact {
			want = []TypeDifference{{Database: "db", Policy: "rp", Measurement: "m", Field: "f", Source: []string{"float"}, Target: []string{"float", "integer"}}}
		}
		if d := cmp.Diff(want, r.Mixed); d != "" || int(r.MixedFields) != len(want) {
			t.Errorf("exact %v: %d (-want +got):\n%s", exact, r.MixedFields, d)
		}
	}
}

// An answer that breaks off is asked for again, and what it held does not count twice; one
// that never comes whole is an error, and no good result.
func TestBrokenValues(t *testing.T) {
	here := lines("m,h=a", "f=1", 0, 50) + lines("m,h=b", "f=2", 0, 50)
	there := strings.Replace(here, "f=2 0\n", "f=5 0\n", 1) + "m,h=c f=1 0\n"
	broken := &target.Error{Message: "the answer broke off", Class: target.Temporary}
	count := 0
	synctest.Test(t, func(t *testing.T) {
		for fail := 0; ; fail++ {
			server := serverOf(t, there)
			server.errs = map[int]error{fail: broken}
			c := NewCounter(nil).WithDigests()
			if err := c.Add("db", "rp", []byte(here)); err != nil {
				t.Fatal(err)
			}
			r, err := Compare(t.Context(), NewPaced(server, 0), c, Options{Extra: true, Exact: true, MaxDifferences: 10, Reread: from(here)})
			want := []string{"0 missing, 1 extra, 1 differ", "differs m,h=b f 0: 2 | 5", "extra m,h=c f 0:  | 1"}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, listed(r)); d != "" {
				t.Fatalf("query %d broken (-want +got):\n%s", fail, d)
			}
			if fail > server.asked {
				count = server.asked
				return
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		for first := 1; first <= count; first++ {
			server := serverOf(t, there)
			server.errs = map[int]error{}
			for n := first; n < first+100; n++ {
				server.errs[n] = broken
			}
			c := NewCounter(nil).WithDigests()
			if err := c.Add("db", "rp", []byte(here)); err != nil {
				t.Fatal(err)
			}
			if _, err := Compare(t.Context(), NewPaced(server, 0), c, Options{Extra: true, Exact: true, MaxDifferences: 10, Reread: from(here)}); !errors.Is(err, broken) {
				t.Errorf("all broken from query %d on: %v", first, err)
			}
		}
	})
}

// Only so many are listed, and then no more is looked into.
func TestMaxDifferences(t *testing.T) {
	var here, there strings.Builder
	for d := range int64(20) {
		here.WriteString(lines("m", "f=1", d*day, 20))
		there.WriteString(lines("m", "f=2", d*day, 20))
		there.WriteString(lines("n", "f=2", d*day, 20))
	}
	for _, most := range []int{0, 1, 25, 1000} {
		server := serverOf(t, there.String())
		c := NewCounter(nil).WithDigests()
		if err := c.Add("db", "rp", []byte(here.String())); err != nil {
			t.Fatal(err)
		}
		r, err := Compare(t.Context(), NewPaced(server, 0), c, Options{Extra: true, Exact: true, MaxDifferences: most, Reread: from(here.String()), hashes: 100})
		if err != nil || r.DifferingCells != 20 || r.MoreValues != 400 {
			t.Fatalf("%+v, %v", r, err)
		}
		p := r.Points
		switch {
		case most == 0:
			if p != nil {
				t.Errorf("looked for %+v", p)
			}
		case most == 1000:
			if p.AtLeast || p.Differing != 400 || p.Extra != 400 || len(p.List) != 800 {
				t.Errorf("%d listed, %+v", len(p.List), p)
			}
		case !p.AtLeast || len(p.List) != most || p.Differing < int64(most) || p.Extra != 400:
			t.Errorf("%d listed, %d differ, %d extra", len(p.List), p.Differing, p.Extra)
		}
		// What is asked for at a time is limited, too.
		if server.most1 > 400 {
			t.Errorf("%d values in one answer", server.most1)
		}
	}
}

func TestPointJSON(t *testing.T) {
	d := PointDifference{What: Differs, Database: "d", Policy: "p", Measurement: "a b", Series: `a\ b,k\=1=x\,y`, Field: "f", Time: 5, Source: "1i", Target: `"x"`}
	got, err := json.Marshal(d)
	want := `{"what":"differs","database":"d","policy":"p","measurement":"a b","tags":{"k=1":"x,y"},"field":"f","time":"1970-01-01T00:00:00.000000005Z","source":"1i","target":"\"x\""}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

// Wide buckets have the sums of the narrow ones, and the memory is limited.
func TestDigestsWiden(t *testing.T) {
	var all strings.Builder
	for d := range int64(3000) {
		fmt.Fprintf(&all, "m,h=a f=%d,g=%di %d\n", d, d, d*day)
	}
	c := NewCounter(nil).WithDigests()
	c.mostUnits = 2000
	if err := c.Add("db", "rp", []byte(all.String())); err != nil {
		t.Fatal(err)
	}
	m := c.sortedPlaces()[0].measurements["m"]
	if m.width == day || c.units > 2000 {
		t.Errorf("%d units, buckets of %d", c.units, m.width)
	}
	there := strings.Replace(all.String(), "f=7,", "f=8,", 1)
	r, err := Compare(t.Context(), NewPaced(serverOf(t, there), 0), c, Options{Extra: true, Exact: true, MaxDifferences: 10, Reread: from(all.String())})
	if d := cmp.Diff([]string{"0 missing, 0 extra, 1 differ", fmt.Sprintf("differs m,h=a f %d: 7 | 8", 7*day)}, listed(r)); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

// The parts of a span are the span, each of its nanoseconds once.
func TestParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edge := rapid.OneOf(rapid.Int64Range(-20, 20), rapid.SampledFrom([]int64{point.MinTime, point.MaxTime, math.MinInt64 / 2}))
		span := point.TimeRange{Min: edge.Draw(t, "min"), Max: edge.Draw(t, "max")}
		if span.Empty() {
			return
		}
		values, most := rapid.Int64Range(0, 1000).Draw(t, "values"), rapid.Int64Range(1, 1000).Draw(t, "most")
		next := span.Min
		all := parts(span, values, most)
		for i, p := range all {
			if p.Min != next || p.Empty() {
				t.Fatalf("%v of %v", all, span)
			}
			if i < len(all)-1 {
				next = p.Max + 1
			}
		}
		if all[len(all)-1].Max != span.Max || int64(len(all)) > max(1, (values+most-1)/most) {
			t.Fatalf("%d parts: %v of %v", len(all), all, span)
		}
	})
}
