// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// fakeServer answers counts from a set of values.
type fakeServer struct {
	t      rapid.TB
	values map[valueKey]bool
	asked  int
	most   int             // values that one query may select; 0: no limit
	errs   map[int]error   // by number of the query
	when   []time.Duration // of the queries, since start
	start  time.Time
	shown  [][]any // policies: name, duration, duration of shards, whether it is the default one
}

func (f *fakeServer) showPolicies(statement string, out func(target.Series) error) error {
	if !strings.HasPrefix(statement, "SHOW RETENTION POLICIES ON ") {
		return nil
	}
	return out(target.Series{Columns: []string{"name", "duration", "shardGroupDuration", "default"}, Values: f.shown})
}

var (
	countPart = regexp.MustCompile(`count\("((?:[^"\\]|\\.)*)"::(float|string|boolean)\)`)
	fromPart  = regexp.MustCompile(` FROM (?:"([^"]*)"\.)?"((?:[^"\\]|\\.)*)" WHERE time >= (-?\d+) AND time <= (-?\d+)(?: GROUP BY time\((\d+)ns\) fill\(none\))?$`)
	unquote   = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")
)

func (f *fakeServer) Rows(context.Context, string, string, []point.Kind, target.RowSink) error {
	return errors.New("nobody asks for values here")
}

func (f *fakeServer) Each(_ context.Context, _, statement string, out func(target.Series) error) error {
	f.asked++
	f.when = append(f.when, time.Since(f.start))
	if strings.HasPrefix(statement, "SHOW ") {
		return errors.Join(f.errs[f.asked], f.showPolicies(statement, out))
	}
	part := fromPart.FindStringSubmatch(statement)
	if part == nil {
		f.t.Fatalf("cannot read %s", statement)
	}
	number := func(s string) int64 { n, _ := strconv.ParseInt(s, 10, 64); return n }
	lo, hi, width := number(part[3]), number(part[4]), number(part[5])
	counts := map[int64][]int64{} // by start of the bucket
	selected := 0
	columns := countPart.FindAllStringSubmatch(statement, -1)
	if err := f.errs[f.asked]; err != nil { // in the middle of an answer
		row := []any{json.Number(part[3])}
		for range columns {
			row = append(row, json.Number("7"))
		}
		return errors.Join(out(target.Series{Values: [][]any{row}}), err)
	}
	for i, c := range columns {
		for v := range f.values {
			if v.policy != part[1] || point.UnescapeMeasurement([]byte(v.measurement)) != unquote.Replace(part[2]) ||
				v.field != unquote.Replace(c[1]) || casts[v.class] != c[2] || v.time < lo || v.time > hi {
				continue
			}
			start := lo
			if width > 0 {
				start = bucketOf(v.time, width) * width
			}
			if counts[start] == nil {
				counts[start] = make([]int64, len(columns))
			}
			counts[start][i]++
			selected++
		}
	}
	if f.most > 0 && selected > f.most {
		for start, row := range counts { // what came before the limit
			bogus := []any{json.Number(strconv.FormatInt(start, 10))}
			for range row {
				bogus = append(bogus, json.Number("7"))
			}
			if err := out(target.Series{Values: [][]any{bogus}}); err != nil {
				return err
			}
		}
		return &target.Error{Message: "max-select-point limit exceeed: (9/3)", Class: target.Fatal}
	}
	for start, row := range counts { // a chunk each
		values := []any{json.Number(strconv.FormatInt(start, 10))}
		for _, n := range row {
			if n == 0 {
				values = append(values, nil)
			} else {
				values = append(values, json.Number(strconv.FormatInt(n, 10)))
			}
		}
		if err := out(target.Series{Values: [][]any{values}}); err != nil {
			return err
		}
	}
	return nil
}

// Whatever came twice, was refused or was lost: the report names each cell where values
// are missing, with their exact number, and no other.
func TestCompareModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const width = 100
		c := NewCounter(func(string, string) int64 { return width })
		server := &fakeServer{t: t, values: map[valueKey]bool{}, most: rapid.SampledFrom([]int{0, 5, 8}).Draw(t, "limit")}
		accepted, all, refused := newModel(), "", ""
		for i, r := range rapid.SliceOf(rowGen).Draw(t, "rows") {
			line := r.line()
			if rapid.IntRange(0, 3).Draw(t, "refuse") == 0 {
				r.fields = append(r.fields, modelField{"no", "no", number, fmt.Sprint(i)})
				line = r.line()
				refused += line
			} else {
				accepted.add("", r, width)
			}
			all += line
			if rapid.Bool().Draw(t, "twice") && !strings.HasSuffix(refused, line) {
				all = line + all
				accepted.add("", r, width)
			}
		}
		if err := c.Add("db", "", []byte(all)); err != nil {
			t.Fatal(err)
		}
		if err := c.Exclude("db", "", []byte(refused)); err != nil {
			t.Fatal(err)
		}
		want := map[cellKey][2]int64{} // sent and there
		there := map[cellKey]int64{}
		seen := slices.SortedFunc(maps.Keys(accepted.seen), func(a, b valueKey) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, v := range seen {
			if lost := rapid.IntRange(0, 4).Draw(t, "lose") == 0; !lost {
				server.values[v] = true
				there[v.cellKey]++
			}
		}
		for k, n := range accepted.distinct {
			if there[k] < n {
				want[k] = [2]int64{n, there[k]}
			}
		}
		again := 0
		r, err := Compare(t.Context(), NewPaced(server, 0), c, Options{
			MostListed: 1 << 20, hashes: rapid.SampledFrom([]int64{2, 50}).Draw(t, "hashes"),
			Reread: func(_ context.Context, _, policy, name string, span point.TimeRange, add func([]byte) error) error {
				again++
				return add([]byte(all))
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := map[cellKey][2]int64{}
		for _, d := range r.Missing {
			k := cellKey{d.Policy, d.Measurement, d.Field, 0, bucketOf(d.Span.Max, width)}
			k.measurement = strings.NewReplacer(",", `\,`, " ", `\ `).Replace(d.Measurement)
			for class, word := range words {
				if d.Kind == word {
					k.class = classAt(class)
				}
			}
			got[k] = [2]int64{d.Sent, d.There}
		}
		if d := cmp.Diff(want, got); d != "" || len(r.More) > 0 || len(r.Uncertain) > 0 || len(r.Unasked) > 0 {
			t.Fatalf("read again %d times, %d more, %v uncertain, %v unasked (-want +got):\n%s", again, len(r.More), r.Uncertain, r.Unasked, d)
		}
		if int(r.MissingCells) != len(want) || int(r.Compared) != len(accepted.sent) {
			t.Fatalf("%d missing, %d compared, want %d, %d", r.MissingCells, r.Compared, len(want), len(accepted.sent))
		}
	})
}

func classAt(i int) class { return class(i) }

func counterOf(t *testing.T, lines string) *Counter {
	t.Helper()
	c := NewCounter(nil)
	if err := c.Add("db", "", []byte(lines)); err != nil {
		t.Fatal(err)
	}
	return c
}

func valuesOf(n int) (out map[valueKey]bool) {
	out = map[valueKey]bool{}
	for i := range n {
		at := int64(i) * int64(time.Minute)
		out[valueKey{cellKey: cellKey{measurement: "m", field: "f", class: number, bucket: at / day}, time: at}] = true
	}
	return out
}

// What passes is asked again, after a pause; an overloaded server is asked for less.
func TestAskAgain(t *testing.T) {
	temporary := &target.Error{Message: "reset", Class: target.Temporary}
	busy := &target.Error{Message: "query-timeout limit exceeded", Class: target.Overloaded, RetryAfter: time.Hour}
	fatal := &target.Error{Message: "authorization failed", Class: target.Fatal}
	cases := map[string]struct {
		errs  map[int]error
		asked int
		least time.Duration
		want  error
	}{
		"fine":       {nil, 1, 0, nil},
		"once":       {map[int]error{1: temporary}, 2, 500 * time.Millisecond, nil},
		"busy":       {map[int]error{1: busy}, 2, time.Hour, nil},
		"too much":   {map[int]error{1: busy, 2: busy, 3: busy}, 7, 2 * time.Hour, nil},
		"fatal":      {map[int]error{1: fatal}, 1, 0, fatal},
		"no end":     {map[int]error{1: temporary, 2: temporary, 3: temporary, 4: temporary, 5: temporary, 6: temporary}, 6, 15 * time.Second, temporary},
		"no *Error":  {map[int]error{1: context.DeadlineExceeded}, 1, 0, context.DeadlineExceeded},
		"then fatal": {map[int]error{1: temporary, 2: fatal}, 2, 500 * time.Millisecond, fatal},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				counter := counterOf(t, lines("m", "f=1", 0, 3*24*60))
				server := &fakeServer{t: t, errs: c.errs, start: time.Now(), values: valuesOf(3 * 24 * 60)}
				r, err := Compare(t.Context(), NewPaced(server, 0), counter, Options{})
				if !errors.Is(err, c.want) || server.asked != c.asked || time.Since(server.start) < c.least {
					t.Errorf("%v after %d queries and %s", err, server.asked, time.Since(server.start))
				}
				if err == nil && (!r.Proven() || r.Compared != 3 || r.MoreCells > 0) {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

// What an answer held before it broke off does not count twice.
func TestBrokenAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{t: t, values: valuesOf(1), errs: map[int]error{1: &target.Error{Class: target.Temporary}}}
		r, err := Compare(t.Context(), NewPaced(server, 0), counterOf(t, "m f=1 0\n"), Options{})
		if err != nil || !r.Proven() || r.MoreCells > 0 || server.asked != 2 {
			t.Errorf("%+v, %v after %d queries", r, err, server.asked)
		}
	})
}

func TestQueryRateAndProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{t: t, start: time.Now(), values: map[valueKey]bool{}}
		var steps []string
		counter := counterOf(t, "a f=1 5\nb f=1 5\nc f=1 5\n")
		r, err := Compare(t.Context(), NewPaced(server, 0.5), counter, Options{Progress: func(done, all int) {
			steps = append(steps, fmt.Sprint(done, "/", all))
		}})
		if err != nil || r.MissingValues != 3 {
			t.Fatalf("%+v, %v", r, err)
		}
		// The second one is for the policy, since something is missing.
		if d := cmp.Diff([]time.Duration{0, 2 * time.Second, 4 * time.Second, 6 * time.Second}, server.when); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"1/3", "2/3", "3/3"}, steps); d != "" {
			t.Error(d)
		}
	})
}

// A caller who gives up is not kept waiting.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("enough")
		server := &fakeServer{t: t, start: time.Now(), errs: map[int]error{1: &target.Error{Class: target.Overloaded, RetryAfter: time.Hour}}}
		time.AfterFunc(time.Minute, func() { cancel(stop) })
		if _, err := Compare(ctx, NewPaced(server, 0), counterOf(t, "m f=1 5\n"), Options{}); !errors.Is(err, stop) || time.Since(server.start) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(server.start))
		}
	})
}

// One bucket of one field that is still too much for the server is said to be unasked.
func TestTooMuch(t *testing.T) {
	server := &fakeServer{t: t, most: 1, values: map[valueKey]bool{}}
	all := ""
	for i := range 5 {
		v := valueKey{cellKey: cellKey{measurement: "m", field: "f", class: number}, tags: fmt.Sprint(i), time: 5}
		server.values[v] = true
		all += fmt.Sprintf("m,i=%d f=1 5\n", i)
	}
	r, err := Compare(t.Context(), NewPaced(server, 0), counterOf(t, all+"n f=1 5\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"missing n f number 0 of 1", "unasked m f number 0 of 5"}, found(r)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// An input that is not the one that was counted does not hide what is missing.
func TestOtherInput(t *testing.T) {
	c := counterOf(t, "m f=1 5\nm f=1 6\nm f=1 5\n")
	for name, again := range map[string]func(func([]byte) error) error{
		"nothing": func(func([]byte) error) error { return nil },
		"less":    func(add func([]byte) error) error { return add([]byte("m f=1 5\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Compare(t.Context(), NewPaced(&fakeServer{t: t}, 0), c, Options{
				Reread: func(_ context.Context, _, _, _ string, _ point.TimeRange, add func([]byte) error) error {
					return again(add)
				},
			})
			if err != nil || len(r.Missing) != 1 || r.Missing[0].Reason != otherInput || r.MissingValues != 2 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	broken := errors.New("file is gone")
	_, err := Compare(t.Context(), NewPaced(&fakeServer{t: t}, 0), c, Options{
		Reread: func(context.Context, string, string, string, point.TimeRange, func([]byte) error) error {
			return broken
		},
	})
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// Queries stay short, whatever the names, and ask for few fields and buckets.
func TestPlan(t *testing.T) {
	var fields, times strings.Builder
	for i := range 100 {
		fmt.Fprintf(&fields, "%cf%s%d=1", " ,"[min(i, 1)], strings.Repeat("x", i), i)
	}
	for _, d := range []int64{0, 1, 9, 10, 20, 1100, 1101} {
		fmt.Fprintf(&times, "m%s %d\n", fields.String(), d*day)
	}
	c := counterOf(t, times.String())
	p := c.sortedPlaces()[0]
	m := p.measurements["m"]
	var fieldsAsked int
	for _, a := range (&comparison{c: c}).plan(p, m, askable(m)) {
		if n := len(a.statement(point.AllTime, true)); n > 2*askBytes || len(a.columns) > askFields {
			t.Errorf("%d fields in %d bytes", len(a.columns), n)
		}
		first, last := m.buckets[a.slots[0]], m.buckets[a.slots[len(a.slots)-1]]
		switch [2]int64{first, last} {
		case [2]int64{0, 10}:
			fieldsAsked += len(a.columns)
		case [2]int64{20, 20}, [2]int64{1100, 1101}:
		default:
			t.Errorf("buckets %d to %d", first, last)
		}
	}
	if fieldsAsked != 100 {
		t.Errorf("%d fields", fieldsAsked)
	}
}

// Lists are cut, sums are not.
func TestMostListed(t *testing.T) {
	r, err := Compare(t.Context(), NewPaced(&fakeServer{t: t}, 0), counterOf(t, "a f=1,g=2 5\nb f=1 5\n"), Options{MostListed: 2})
	if err != nil || len(r.Missing) != 2 || r.MissingCells != 3 || r.MissingValues != 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestReportJSON(t *testing.T) {
	d := Difference{Database: "d", Measurement: "m", Field: "f", Kind: "number", Span: point.TimeRange{Min: 0, Max: day - 1}, Sent: 3, There: 2}
	got, err := json.Marshal(d)
	want := `{"database":"d","policy":"","measurement":"m","field":"f","kind":"number","start":"1970-01-01T00:00:00Z","end":"1970-01-01T23:59:59.999999999Z","sent":3,"there":2}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}
