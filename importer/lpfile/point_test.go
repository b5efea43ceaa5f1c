// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
)

func TestPoints(t *testing.T) {
	tests := map[string]struct {
		text      string
		spec      *filter.Spec
		precision string
		now       int64
		check     bool
		want      out // points without their place
		skipped   Skipped
	}{
		"as it is":                   {text: "  m,t=a\\ b f=1,g=\"x y\"   12  \n", want: out{Points: []string{"1: m,t=a\\ b f=1,g=\"x y\"   12  "}}},
		"seconds":                    {text: "m f=1 -7\n", precision: "s", want: out{Points: []string{"1: m f=1 -7000000000"}}},
		"minutes":                    {text: "m f=1 2", precision: "m", want: out{Points: []string{"1: m f=1 120000000000"}}},
		"hours":                      {text: "m f=1 1", precision: "h", want: out{Points: []string{"1: m f=1 3600000000000"}}},
		"milliseconds":               {text: "m f=1 1", precision: "ms", want: out{Points: []string{"1: m f=1 1000000"}}},
		"microseconds":               {text: "m f=1 1", precision: "us", want: out{Points: []string{"1: m f=1 1000"}}},
		"no time":                    {text: "m f=\"a\nb\"  \nm f=1 3\nm f=2", now: 1999, want: out{Points: []string{"1: m f=\"a\nb\" 1999", "3: m f=1 3", "4: m f=2 1999"}}},
		"no time, cut":               {text: "m f=1", precision: "s", now: 3999999999, want: out{Points: []string{"1: m f=1 3000000000"}}},
		"time overflows":             {text: "m f=1 9999999999\n", precision: "s", want: out{Rejects: []string{"1: ## m f=1 9999999999: the time does not fit into 64 bits of nanoseconds: is its unit right?"}}},
		"time overflows, many lines": {text: "m f=\"a\nb\" 9999999999\n", precision: "s", want: out{Rejects: []string{"1: ## m f=\"a\n## b\" 9999999999: the time"}}},
		"rejects are in nanoseconds": {
			text: "m,t f=1  2 \nm f=1.2.3\nm f=1 7\r\n", precision: "s", now: 9e9, check: true, want: out{Rejects: []string{
				"1: m,t f=1 2000000000: ", "2: m f=1.2.3 9000000000: ",
				"3: m f=1 7\r: " + lineprotocol.ErrCarriageReturn.Error() + "; a time in it is not in ns but in s",
			}},
		},
		"time out of use": {text: "m f=1 9223372036854775807\nm f=1 1\n", want: out{Rejects: []string{"1: m f=1 9223372036854775807: time is outside what a server takes"}, Points: []string{"2: m f=1 1"}}},
		"many lines out of time": {
			text: "m f=\"a\nb\" 9223372036854775807\n",
			want: out{Rejects: []string{"1: m f=\"a\nb\" 9223372036854775807: time is outside what a server takes"}},
		},
		"bad lines between good ones": {
			text: "m f=1 1\nnonsense\nm f=\"open 2\nm f=3 3\n",
			want: out{Points: []string{"1: m f=1 1", "4: m f=3 3"}, Rejects: []string{"2: nonsense", "3: m f=\"open 2"}},
		},
		"unchecked":           {text: "m f=tru,g=1 1\nm,t f=1 2\n", want: out{Points: []string{"1: m f=tru,g=1 1", "2: m,t f=1 2"}}},
		"checked":             {text: "m f=tru,g=1 1\nm,t f=1 2\nm f=1 3\n", check: true, want: out{Points: []string{"3: m f=1 3"}, Rejects: []string{"1: m f=tru,g=1 1", "2: m,t f=1 2"}}},
		"CR LF":               {text: "m f=1 1\r\n", want: out{Rejects: []string{"1: m f=1 1\r: " + lineprotocol.ErrCarriageReturn.Error()}}},
		"window":              {text: "m f=1 1\nm f=1 2\nm f=1 3\nm f=1\nm f=1 4\n", now: 9, spec: &filter.Spec{Start: "2", End: "3"}, want: out{Points: []string{"2: m f=1 2", "3: m f=1 3"}}, skipped: Skipped{OutsideWindow: 3}},
		"window in its unit":  {text: "m f=1 1\nm f=1 2\n", precision: "s", spec: &filter.Spec{Start: "2000000000"}, want: out{Points: []string{"2: m f=1 2000000000"}}, skipped: Skipped{OutsideWindow: 1}},
		"measurement":         {text: "a f=1 1\nb f=1 1\na\\ b f=1 1\nb f=1 2\n", spec: &filter.Spec{Measurements: []string{"a*"}}, want: out{Points: []string{"1: a f=1 1", "3: a\\ b f=1 1"}}, skipped: Skipped{OtherSeries: 2}},
		"tag":                 {text: "m,t=a f=1 1\nm,t=b f=1 1\nm f=1 1\n", spec: &filter.Spec{Tags: []string{"t=a"}}, want: out{Points: []string{"1: m,t=a f=1 1"}}, skipped: Skipped{OtherSeries: 2}},
		"fields":              {text: "m a=1,b=\"x,y=\",c=3i 1\nm a=1 2\nm c=t,b=f 3\n", spec: &filter.Spec{Fields: []string{"a", "c"}}, want: out{Points: []string{"1: m a=1,c=3i 1", "2: m a=1 2", "3: m c=t 3"}}, skipped: Skipped{CutPoints: 2}},
		"no field left":       {text: "m a=1,b=2 1\nm c=1 2\n", spec: &filter.Spec{Fields: []string{"c"}}, want: out{Points: []string{"2: m c=1 2"}}, skipped: Skipped{NoField: 1}},
		"escaped field":       {text: `m a\ b=1,a\,b=2 1`, spec: &filter.Spec{Fields: []string{"a b"}}, want: out{Points: []string{`1: m a\ b=1 1`}}, skipped: Skipped{CutPoints: 1}},
		"fields and the unit": {text: "m a=1,b=2 1\nm a=1 \n", precision: "ms", now: 7e6, spec: &filter.Spec{Fields: []string{"a"}}, want: out{Points: []string{"1: m a=1 1000000", "2: m a=1 7000000"}}, skipped: Skipped{CutPoints: 1}},
		"fields that do not parse": {
			text: "m a=1,b=tru 1\nm a=1 1\n", spec: &filter.Spec{Fields: []string{"a"}},
			want: out{Points: []string{"2: m a=1 1"}, Rejects: []string{"1: m a=1,b=tru 1"}},
		},
		"comments": {text: "# a\nm f=1 1\n # b\n#c", want: out{Points: []string{"2: m f=1 1"}}, skipped: Skipped{Comments: 3}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := stdin(tt.text)
			cfg.Database, cfg.Precision, cfg.Now, cfg.Check = "db", tt.precision, tt.now, tt.check
			if tt.spec != nil {
				cfg.Selection = selection(t, *tt.spec)
			}
			r := open(t, cfg)
			got, _ := drain(t, r)
			for i := range got.Points {
				got.Points[i] = strings.TrimPrefix(got.Points[i], "db. ")
			}
			for i, want := range tt.want.Rejects { // without the reason where that is the scanner's own
				if i < len(got.Rejects) {
					got.Rejects[i] = got.Rejects[i][:min(len(want), len(got.Rejects[i]))]
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.skipped, r.Skipped()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPrecisionThatIsNone(t *testing.T) {
	cfg := stdin("")
	cfg.Precision = "rfc3339"
	if got := openError(t, cfg); !strings.Contains(got, `"rfc3339" is not one of ns, us, ms, s, m, h`) {
		t.Error(got)
	}
}

func TestBatchBorders(t *testing.T) {
	text := "# CONTEXT-DATABASE:a\nm f=1 1\nm f=2 2\nm f=3 3\n# CONTEXT-DATABASE:a\nm f=4 4\n# CONTEXT-DATABASE:b\nm f=5 5\nm f=\"" + strings.Repeat("x", 100) + "\" 6\n"
	long := `a "m f=\"` + strings.Repeat("x", 100) + `\" 6\n"`
	long = strings.Replace(long, "a", "b", 1)
	tests := map[string]struct {
		points, bytes int
		want          []string
	}{
		"by place":  {10, 1000, []string{`a "m f=1 1\nm f=2 2\nm f=3 3\nm f=4 4\n"`, `b "m f=5 5\n` + long[3:]}},
		"by points": {2, 1000, []string{`a "m f=1 1\nm f=2 2\n"`, `a "m f=3 3\nm f=4 4\n"`, `b "m f=5 5\n` + long[3:]}},
		"by bytes":  {10, 46, []string{`a "m f=1 1\nm f=2 2\nm f=3 3\n"`, `a "m f=4 4\n"`, `b "m f=5 5\n"`, long}},
		"one each":  {1, 1000, []string{`a "m f=1 1\n"`, `a "m f=2 2\n"`, `a "m f=3 3\n"`, `a "m f=4 4\n"`, `b "m f=5 5\n"`, long}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := stdin(text)
			cfg.BatchPoints, cfg.BatchBytes = tt.points, tt.bytes
			progress := &importer.Progress{}
			cfg.Progress = progress
			_, batches := drain(t, open(t, cfg))
			var got []string
			for _, b := range batches {
				got = append(got, fmt.Sprintf("%s %q", b.Place.Database, b.Text))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if n := progress.Points.Load(); n != 6 {
				t.Errorf("progress counts %d points", n)
			}
			if n := progress.Read.Load(); n != int64(len(text)) {
				t.Errorf("progress counts %d bytes of %d", n, len(text))
			}
		})
	}
}

func TestSpans(t *testing.T) {
	cfg := stdin("a f=1 5\na f=1 -3\nb f=1 9\n")
	cfg.Database = "db"
	_, batches := drain(t, open(t, cfg))
	if want := (point.TimeRange{Min: -3, Max: 9}); len(batches) != 1 || batches[0].Span != want {
		t.Errorf("%v, want one of %v", batches, want)
	}
}

// A line that is cut must not pass for a point.
func TestLongRejects(t *testing.T) {
	cfg := stdin("m f=1,g=" + strings.Repeat("1", maxRejectText) + " 1 x\n")
	cfg.Database = "db"
	_, batches := drain(t, open(t, cfg))
	rej := batches[0].Rejects[0]
	if len(rej.Text) != maxRejectText+len(kept) || !strings.HasPrefix(string(rej.Text), "## m f=1,g=111") || !strings.Contains(rej.Reason, "64 KiB") {
		t.Errorf("%d bytes %.20q, %s", len(rej.Text), rej.Text, rej.Reason)
	}
}

// Nor a line that the scanner gives up on.
func TestEndlessRejects(t *testing.T) {
	text := "m f=1" + strings.Repeat(",f=1", 5<<20)
	cfg := stdin(text + " 1\nm f=2 2\n")
	cfg.Database = "db"
	got := read(t, cfg)
	if len(got.Points) != 1 || len(got.Rejects) != 1 || !strings.HasPrefix(got.Rejects[0], "1: ## m f=1,f=1") {
		t.Errorf("%d points, rejects %.40q", len(got.Points), got.Rejects)
	}
}

// A text of rejects only comes in pieces that fit into memory, each with its mark.
func TestManyRejects(t *testing.T) {
	cfg := stdin(strings.Repeat("nonsense\n", 2500))
	cfg.Database = "db"
	_, batches := drain(t, open(t, cfg))
	var got []int
	for _, b := range batches {
		got = append(got, len(b.Rejects))
	}
	if diff := cmp.Diff([]int{1000, 1000, 500}, got); diff != "" {
		t.Error(diff)
	}
}

func TestStretches(t *testing.T) {
	type stretch struct {
		series, field string // lines of the test's text with the same letter have the same hash
		span          point.TimeRange
	}
	tests := map[string]struct {
		text string
		want []stretch
	}{
		"many fields": {"m f=1,g=2 1\nm f=1 5\nm g=1 3\n", []stretch{{"a", "", point.TimeRange{Min: 1, Max: 5}}}},
		"one field each": {"m f=1 1\nm f=2 2\nm g=1 1\nm g=2 2\n", []stretch{
			{"a", "f", point.TimeRange{Min: 1, Max: 2}}, {"a", "g", point.TimeRange{Min: 1, Max: 2}},
		}},
		"one field, then more":   {"m f=1 1\nm f=1,g=1 2\nm f=1 3\n", []stretch{{"a", "f", point.TimeRange{Min: 1, Max: 1}}, {"a", "", point.TimeRange{Min: 2, Max: 3}}}},
		"other series":           {"m f=1 1\nn f=1 2\nm f=1 3\n", []stretch{{"a", "f", point.TimeRange{Min: 1, Max: 1}}, {"b", "f", point.TimeRange{Min: 2, Max: 2}}, {"a", "f", point.TimeRange{Min: 3, Max: 3}}}},
		"tags in another order":  {"m,a=1,b=2 f=1 1\nm,b=2,a=1 f=1 2\n", []stretch{{"a", "f", point.TimeRange{Min: 1, Max: 1}}, {"a", "f", point.TimeRange{Min: 2, Max: 2}}}},
		"other tags":             {"m,a=1,b=2 f=1 1\nm,a=2,b=1 f=1 2\n", []stretch{{"a", "f", point.TimeRange{Min: 1, Max: 1}}, {"b", "f", point.TimeRange{Min: 2, Max: 2}}}},
		"needless backslashes":   {"m\\x,a=1 f=1 1\nmx,a=1 \\f=1 2\n", []stretch{{"a", "f", point.TimeRange{Min: 1, Max: 1}}, {"a", "f", point.TimeRange{Min: 2, Max: 2}}}},
		"escaped, another order": {"m,a=1\\,2,b=2 f=1 1\nm,b=2,a=1\\,2 f=1 2\n", []stretch{{"a", "f", point.TimeRange{Min: 1, Max: 1}}, {"a", "f", point.TimeRange{Min: 2, Max: 2}}}},
		"a comma in a string":    {"m f=\"a,b=\\\"\" 1\nm f=\"\",g=1 2", []stretch{{"a", "f", point.TimeRange{Min: 1, Max: 1}}, {"a", "", point.TimeRange{Min: 2, Max: 2}}}},
		"an equals sign in it":   {`m f\=g=1 1`, []stretch{{"a", "f", point.TimeRange{Min: 1, Max: 1}}}},
		"one is cut to one": {"m f=1,cut=2 1\nm f=1 2\n", []stretch{
			{"a", "", point.TimeRange{Min: 1, Max: 2}},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := stdin(tt.text)
			cfg.Database = "db"
			_, batches := drain(t, open(t, cfg))
			series, fields := map[uint64]string{}, map[uint64]string{0: ""}
			var got []stretch
			for i, s := range batches[0].Stretches {
				if s.Series == 0 {
					t.Error("a series without a hash")
				}
				if _, ok := series[s.Series]; !ok {
					series[s.Series] = string(rune('a' + len(series)))
				}
				if _, ok := fields[s.Field]; !ok {
					fields[s.Field] = tt.want[min(i, len(tt.want)-1)].field
				}
				got = append(got, stretch{series[s.Series], fields[s.Field], s.Span})
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(stretch{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Nothing is allocated for a line.
func TestAllocations(t *testing.T) {
	const lines = 5000
	var text strings.Builder
	for i := range lines {
		fmt.Fprintf(&text, "m,host=%d f=1,g=\"a b\" %d\n", i/3, i)
	}
	path := write(t, "a.lp", text.String())
	cfg := Config{Inputs: []string{path}, Database: "db", Precision: "us", Selection: selection(t, filter.Spec{Measurements: []string{"m"}, Fields: []string{"g"}})}
	var b importer.Batch
	got := testing.AllocsPerRun(5, func() {
		r, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close() //nolint:errcheck // nothing is in question but memory
		for err == nil {
			_, err = r.Next(t.Context(), &b)
		}
	})
	if got > lines/20 {
		t.Errorf("%.0f allocations for %d lines", got, lines)
	}
}
