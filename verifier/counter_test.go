// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
)

// row is a point for the model.
type row struct {
	measurement, tags string // as written; tags in order
	fields            []modelField
	time              int64
}

type modelField struct {
	raw, name string
	class     class
	value     string
}

func (r row) line() string {
	var fields []string
	for _, f := range r.fields {
		fields = append(fields, f.raw+"="+f.value)
	}
	return fmt.Sprintf("%s%s %s %d\n", r.measurement, r.tags, strings.Join(fields, ","), r.time)
}

var modelFields = []modelField{
	{"f", "f", number, "1.5"},
	{"f", "f", number, "-3i"},
	{"f", "f", text, `"a, b=c \" \\"`},
	{"f", "f", text, "\"two\nlines 5\""},
	{"f", "f", boolean, "true"},
	{"g", "g", number, "1e-7"},
	{"g", "g", boolean, "F"},
	{`a\ b\,c\=d`, "a b,c=d", number, "7u"},
	{`q\"t`, `q"t`, number, ".5"},
	{`q"t`, `q"t`, number, "1"},
	{`b\s`, `b\s`, text, `""`},
	{"ff", "ff", number, "1"},
}

var rowGen = rapid.Custom(func(t *rapid.T) row {
	r := row{
		measurement: rapid.SampledFrom([]string{"m", "mm", `m\ n`, `a\,b`, "ä"}).Draw(t, "measurement"),
		tags:        rapid.SampledFrom([]string{"", ",t=1", ",t=2", `,t=x\ y,u=\,`, `,a\=b=c,d=e`}).Draw(t, "tags"),
		fields:      rapid.SliceOfN(rapid.SampledFrom(modelFields), 1, 4).Draw(t, "fields"),
	}
	near := rapid.Int64Range(-40, 40)
	r.time = rapid.OneOf(near, near, near, rapid.Map(near, func(n int64) int64 { return n * 1000 }),
		rapid.SampledFrom([]int64{point.MinTime, point.MaxTime, math.MinInt64 / 2})).Draw(t, "time")
	return r
})

// swapTags writes the tags in another order.
func swapTags(tags string) string {
	if tags != `,a\=b=c,d=e` {
		return tags
	}
	return `,d=e,a\=b=c`
}

type cellKey struct {
	policy, measurement, field string
	class                      class
	bucket                     int64
}

type valueKey struct {
	cellKey
	tags string
	time int64
}

// model counts the slow way.
type model struct {
	sent     map[cellKey]int64
	distinct map[cellKey]int64
	seen     map[valueKey]bool
}

func (m *model) add(policy string, r row, width int64) {
	in := map[cellKey]bool{}
	for _, f := range r.fields {
		b := new(big.Int).Div(big.NewInt(r.time), big.NewInt(width)).Int64() // downward
		k := cellKey{policy, r.measurement, f.name, f.class, b}
		if in[k] {
			continue // one field twice in one line
		}
		in[k] = true
		m.sent[k]++
		if v := (valueKey{k, r.tags, r.time}); !m.seen[v] {
			m.seen[v] = true
			m.distinct[k]++
		}
	}
}

func newModel() *model {
	return &model{map[cellKey]int64{}, map[cellKey]int64{}, map[valueKey]bool{}}
}

// counted gives all cells of a counter with values.
func counted(c *Counter) (sent, loose map[cellKey]int64) {
	sent, loose = map[cellKey]int64{}, map[cellKey]int64{}
	for _, p := range c.sortedPlaces() {
		for _, m := range p.sortedMeasurements() {
			for i := range m.columns {
				col := &m.columns[i]
				for s, cell := range col.cells {
					if cell.sent > 0 {
						k := cellKey{p.policy, m.raw, col.name(), col.class, m.buckets[s]}
						sent[k] = cell.sent
						loose[k] = cell.loose
					}
				}
			}
		}
	}
	return sent, loose
}

// The counter counts what a map counts, whatever the pieces, and no value repeats that
// it holds for new.
func TestCounterModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.SampledFrom([]int64{1, 7, 1000, 1 << 40, math.MaxInt64 / 4}).Draw(t, "width")
		c := NewCounter(func(_, policy string) int64 {
			if policy == "" {
				return width
			}
			return 2 * width
		})
		c.seen = newSeen(rapid.SampledFrom([]int{4, 16, 1 << 12}).Draw(t, "series remembered"))
		c.seen.slots = c.seen.slots[:min(4, len(c.seen.slots))]
		want := newModel()
		var values int64
		for range rapid.IntRange(0, 8).Draw(t, "pieces") {
			policy := rapid.SampledFrom([]string{"", "rp"}).Draw(t, "policy")
			w := width
			if policy != "" {
				w *= 2
			}
			var lines strings.Builder
			for _, r := range rapid.SliceOf(rowGen).Draw(t, "rows") {
				want.add(policy, r, w)
				if rapid.Bool().Draw(t, "swap") {
					r.tags = swapTags(r.tags)
				}
				lines.WriteString(r.line())
			}
			if err := c.Add("db", policy, []byte(lines.String())); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range want.sent {
			values += n
		}
		sent, loose := counted(c)
		if d := cmp.Diff(want.sent, sent); d != "" || c.Values() != values {
			t.Fatalf("%d values, want %d (-want +got):\n%s", c.Values(), values, d)
		}
		for k, n := range want.distinct {
			if n < sent[k]-loose[k] {
				t.Fatalf("%v: %d of %d differ, but only %d are said to repeat", k, n, sent[k], loose[k])
			}
		}
	})
}

// What is excluded is as if it had never come.
func TestExcludeModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewCounter(func(string, string) int64 { return 100 })
		want := newModel()
		var kept, refused strings.Builder
		for _, r := range rapid.SliceOf(rowGen).Draw(t, "rows") {
			if rapid.IntRange(0, 3).Draw(t, "refuse") == 0 {
				refused.WriteString(r.line())
			} else {
				want.add("", r, 100)
				kept.WriteString(r.line())
			}
		}
		for _, lines := range []string{refused.String(), kept.String()} {
			if err := c.Add("db", "", []byte(lines)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Exclude("db", "", []byte(refused.String())); err != nil {
			t.Fatal(err)
		}
		sent, _ := counted(c)
		if d := cmp.Diff(want.sent, sent); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
	})
}

// Exports, in their order, hold nothing that may repeat: series after series with
// ascending times, one shard after the other, whole lines or a field a line; nor do
// points in the order of time.
func TestNothingMayRepeat(t *testing.T) {
	cases := map[string]string{
		"series order":       "m,h=a f=1,g=2 1\nm,h=a f=1,g=2 2\nm,h=b f=1,g=2 1\nm,h=b f=1 2\n",
		"shards":             "m,h=a f=1,g=1 1\nm,h=b f=1,g=1 1\nm,h=a f=1,g=1 11\nm,h=b f=1,g=1 11\n",
		"time order":         "m,h=a f=1,g=1 1\nm,h=b f=1,g=1 1\nm,h=a f=1,g=1 2\nm,h=b f=1,g=1 2\n",
		"one field a line":   "m,h=a f=1 1\nm,h=a f=1 2\nm,h=a g=1 1\nm,h=a g=1 2\nm,h=b f=1 1\n",
		"alike by tags only": "m,h=a,i=b f=1,g=1 1\nm,h=b,i=a f=1,g=1 1\nm f=1,g=1 1\n",
	}
	for name, lines := range cases {
		t.Run(name, func(t *testing.T) {
			if loose := looseOf(t, lines); loose != 0 {
				t.Errorf("%d values may repeat", loose)
			}
		})
	}
}

func TestMayRepeat(t *testing.T) {
	cases := map[string]string{
		"same line":        "m f=1,g=1 1\nm f=1,g=1 1\n",
		"earlier":          "m f=1,g=1 2\nm f=1,g=1 1\n",
		"one field again":  "m f=1 2\nm g=1 1\nm f=1 2\n",
		"part of a line":   "m f=1,g=1 2\nm f=1 2\n",
		"line of parts":    "m f=1 2\nm f=1,g=1 2\n",
		"series again":     "m,h=a f=1 1\nm,h=b f=1 1\nm,h=a f=1 1\n",
		"tags swapped":     "m,a=1,b=2 f=1 1\nm,b=2,a=1 f=1 1\n",
		"quote with slash": "m a\"b=1 1\nm a\\\"b=1 1\n",
	}
	var fields strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&fields, "m,h=a f%d=1 %d\n", i, i)
	}
	cases["many fields"] = fields.String() + "m,h=b f=1 1\nm,h=a f0=1,f1999=1 1999\n"
	for name, lines := range cases {
		t.Run(name, func(t *testing.T) {
			if looseOf(t, lines) == 0 {
				t.Error("nothing may repeat")
			}
		})
	}
}

func looseOf(t *testing.T, lines string) (n int64) {
	t.Helper()
	c := NewCounter(nil)
	if err := c.Add("db", "rp", []byte(lines)); err != nil {
		t.Fatal(err)
	}
	_, loose := counted(c)
	for _, k := range loose {
		n += k
	}
	return n
}

// With little room buckets get wider, and no value is lost. Where even that does not
// do, what is not counted is told.
func TestRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewCounter(func(string, string) int64 { return 1 })
		c.mostUnits = rapid.SampledFrom([]int{10, 100, 200}).Draw(t, "room")
		var values int64
		for i, r := range rapid.SliceOfN(rowGen, 0, 100).Draw(t, "rows") {
			if err := c.Add("db", "", []byte(r.line())); err != nil {
				t.Fatal(err)
			}
			m := newModel()
			m.add("", r, 1)
			for range m.sent {
				values++
			}
			if c.Values()+c.uncounted < values {
				t.Fatalf("row %d: %d values and %d not counted, want %d", i, c.Values(), c.uncounted, values)
			}
		}
		sent, _ := counted(c)
		var sum int64
		for k, n := range sent {
			sum += n
			width := c.places[[2]string{"db", ""}].measurements[k.measurement].width
			if width < 1 || width&(width-1) != 0 {
				t.Fatalf("a bucket of %d", width)
			}
		}
		if sum != c.Values() || c.mostUnits == 200 && c.uncounted > 0 && !c.full {
			t.Fatalf("cells have %d of %d values; %d not counted, full %v", sum, c.Values(), c.uncounted, c.full)
		}
	})
}

// Widening keeps the counts of all values, each in the bucket that holds it.
func TestWiden(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewCounter(func(string, string) int64 { return 3 })
		times := rapid.SliceOfN(rapid.Int64Range(-500, 500), 1, 60).Draw(t, "times")
		for _, at := range times {
			if err := c.Add("db", "", fmt.Appendf(nil, "m f=1,g=2 %d\n", at)); err != nil {
				t.Fatal(err)
			}
		}
		m := c.places[[2]string{"db", ""}].measurements["m"]
		for m.widen() {
			want := map[int64]int64{}
			for _, at := range times {
				want[bucketOf(at, m.width)]++
			}
			got := map[int64]int64{}
			for s, b := range m.buckets {
				got[b] = m.columns[1].cells[s].sent
				if at := b * m.width; m.find(at) != int32(s) {
					t.Fatalf("bucket %d is not found", b)
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("width %d (-want +got):\n%s", m.width, d)
			}
		}
	})
}

func TestBuckets(t *testing.T) {
	const day = DefaultBucket
	cases := map[string]struct {
		time, width, min, max int64
		edge                  bool
	}{
		"epoch":       {0, day, 0, day - 1, false},
		"before":      {-1, day, -day, -1, false},
		"first":       {-day, day, -day, -1, false},
		"lowest":      {point.MinTime, day, point.MinTime, -106751*day - 1, true},
		"highest":     {point.MaxTime, day, 106751 * day, point.MaxTime, true},
		"next to it":  {106751*day - 1, day, 106750 * day, 106751*day - 1, false},
		"one nano":    {5, 1, 5, 5, false},
		"widest":      {5, math.MaxInt64, 0, point.MaxTime, true},
		"widest left": {-5, math.MaxInt64, point.MinTime, -1, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			span, edge := spanOf(bucketOf(c.time, c.width), c.width)
			if want := (point.TimeRange{Min: c.min, Max: c.max}); span != want || edge != c.edge {
				t.Errorf("%v, %v; want %v, %v", span, edge, want, c.edge)
			}
		})
	}
}

func TestBadLines(t *testing.T) {
	for name, lines := range map[string]string{
		"no fields": "m\n", "no key": " f=1 1\n", "no value": "m f= 1\n", "no field key": "m =1 1\n", "no time": "m f=1\n",
		"behind time": "m f=1 1 x\n", "time": "m f=1 1x\n", "out of range": "m f=1 9223372036854775807\n", "blank": "\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := NewCounter(nil)
			if err := c.Add("db", "rp", []byte("m f=1 5\n"+lines)); err == nil || !strings.Contains(err.Error(), "point 2 of db.rp") {
				t.Errorf("Add(%q) = %v", lines, err)
			}
			if c.Values() != 1 {
				t.Errorf("%d values", c.Values())
			}
		})
	}
}

func TestAddAllocatesNothing(t *testing.T) {
	for _, turns := range []bool{false, true} {
		lines := devopsLines(20, 20, turns)
		c := NewCounter(nil)
		add := func() {
			if err := c.Add("db", "rp", lines); err != nil {
				t.Fatal(err)
			}
		}
		add()
		if n := testing.AllocsPerRun(5, add); n > 0 {
			t.Errorf("%v allocations for 400 lines", n)
		}
	}
}

// FuzzWalk: of every line that a scanner finds good, the same key, fields and time are
// counted as it gives.
func FuzzWalk(f *testing.F) {
	for _, field := range modelFields {
		f.Add([]byte(`m,t=a\ b\,c ` + field.raw + "=" + field.value + ` -5`))
	}
	f.Add([]byte("m f=\"a\"b,g=1  5 \nx,y=\\\n f=1,f=2\t 6"))
	f.Add([]byte(`m  f="\x,\\",g="," 5`))
	f.Fuzz(func(t *testing.T, in []byte) {
		s := lineprotocol.NewScanner(strings.NewReader(string(in)))
		for s.Next() {
			tok := s.Token()
			fields, err := lineprotocol.ParseFields(nil, tok.Fields)
			at, errTime := lineprotocol.ParseTime(tok.Time, 1)
			if tok.Kind != lineprotocol.PointToken || err != nil || errTime != nil || lineprotocol.CheckKey(tok.Key) != nil {
				continue
			}
			want := map[string]bool{}
			for _, field := range fields {
				want[fmt.Sprint(lineprotocol.UnescapeField(field.Key), classOf(field.Value[0]))] = true
			}
			c := NewCounter(nil)
			w := &c.in
			w.enter(c.place("db", ""))
			rest, err := w.next(append(slices.Clone(tok.Text), '\n'))
			if err != nil || len(rest) > 0 || w.time != at || string(w.key) != string(tok.Key) {
				t.Fatalf("%q: key %q, time %d, rest %q, %v", tok.Text, w.key, w.time, rest, err)
			}
			got := map[string]bool{}
			for _, i := range w.hits {
				got[fmt.Sprint(w.m.columns[i].name(), w.m.columns[i].class)] = true
			}
			if !maps.Equal(want, got) {
				t.Fatalf("%q: fields %v, want %v", tok.Text, got, want)
			}
		}
	})
}
