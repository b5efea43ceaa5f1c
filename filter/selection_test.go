// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shardlift/shardlift/point"
)

func mustNew(t testing.TB, spec Spec) *Selection {
	t.Helper()
	s, err := New(spec, testNow)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// taken gives those of names that ok says yes to.
func taken[T any](names []T, ok func(T) bool) []T {
	var out []T
	for _, name := range names {
		if ok(name) {
			out = append(out, name)
		}
	}
	return out
}

func TestDatabase(t *testing.T) {
	names := []string{"_internal", "metrics", "telegraf"}
	tests := map[string]struct {
		spec Spec
		want []string
	}{
		"nothing said":              {Spec{}, []string{"metrics", "telegraf"}},
		"with internal":             {Spec{IncludeInternal: true}, names},
		"one":                       {Spec{Databases: []string{"metrics"}}, []string{"metrics"}},
		"either":                    {Spec{Databases: []string{"metrics", "tele*"}}, []string{"metrics", "telegraf"}},
		"glob leaves internal out":  {Spec{Databases: []string{"*"}}, []string{"metrics", "telegraf"}},
		"regexp too":                {Spec{Databases: []string{"/internal/"}}, nil},
		"named":                     {Spec{Databases: []string{"*", "_internal"}}, names},
		"named, quoted":             {Spec{Databases: []string{`\_internal`}}, []string{"_internal"}},
		"regexp with internal":      {Spec{Databases: []string{"/internal/"}, IncludeInternal: true}, []string{"_internal"}},
		"with internal, not chosen": {Spec{Databases: []string{"metrics"}, IncludeInternal: true}, []string{"metrics"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, taken(names, mustNew(t, tt.spec).Database)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestShard(t *testing.T) {
	ids := []uint64{0, 1, 12, 13, 121, math.MaxUint64}
	tests := map[string]struct {
		values []string
		want   []uint64
	}{
		"nothing said":  {nil, ids},
		"one":           {[]string{"12"}, []uint64{12}},
		"leading zeros": {[]string{"0012"}, []uint64{12}},
		"glob":          {[]string{"12*"}, []uint64{12, 121}},
		"regexp":        {[]string{"/^1.$/"}, []uint64{12, 13}},
		"either":        {[]string{"1", "/3$/"}, []uint64{1, 13}},
		"highest":       {[]string{"18446744073709551615"}, []uint64{math.MaxUint64}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, taken(ids, mustNew(t, Spec{Shards: tt.values}).Shard)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPolicyAndField(t *testing.T) {
	s := mustNew(t, Spec{Policies: []string{"autogen", "/^1y/"}, Fields: []string{"usage_*", `a\*b`}})
	if got := taken([]string{"autogen", "1y_old", "x1y"}, s.Policy); !slices.Equal(got, []string{"autogen", "1y_old"}) {
		t.Errorf("policies taken: %q", got)
	}
	field := func(name string) bool { return s.Field([]byte(name)) }
	if got := taken([]string{"usage_idle", "a*b", "aXb", "usage"}, field); !slices.Equal(got, []string{"usage_idle", "a*b"}) {
		t.Errorf("fields taken: %q", got)
	}
	if none := mustNew(t, Spec{}); !none.Policy("x") || !none.Field([]byte("x")) {
		t.Error("a selection of nothing in particular turns something down")
	}
}

func TestSeries(t *testing.T) {
	keys := []string{
		`cpu,host=a,region=eu`,
		`cpu,host=b,region=us`,
		`cpu,host=c`,
		`disk\ io,host=a,path=/mnt\,x\=y`,
		`mem`,
		`odd\,name,ta\=g=v\ w`,
	}
	tests := map[string]struct {
		spec Spec
		want []int
	}{
		"nothing said":           {Spec{}, []int{0, 1, 2, 3, 4, 5}},
		"measurement":            {Spec{Measurements: []string{"cpu"}}, []int{0, 1, 2}},
		"measurement, unescaped": {Spec{Measurements: []string{"disk io", "odd,name"}}, []int{3, 5}},
		"measurement, glob":      {Spec{Measurements: []string{"*m*"}}, []int{4, 5}},
		"exclude":                {Spec{ExcludeMeasurements: []string{"cpu", "/^d/"}}, []int{4, 5}},
		"exclude wins":           {Spec{Measurements: []string{"cpu", "mem"}, ExcludeMeasurements: []string{"c*"}}, []int{4}},
		"tag":                    {Spec{Tags: []string{"host=a"}}, []int{0, 3}},
		"same key: or":           {Spec{Tags: []string{"host=a", "host=b"}}, []int{0, 1, 3}},
		"other keys: and":        {Spec{Tags: []string{"host=a", "region=eu"}}, []int{0}},
		"tag glob":               {Spec{Tags: []string{"host=[ab]"}}, []int{0, 1, 3}},
		"tag regexp":             {Spec{Tags: []string{"region=/^(eu|us)$/"}}, []int{0, 1}},
		"without the tag":        {Spec{Tags: []string{"region="}}, []int{2, 3, 4, 5}},
		"with the tag":           {Spec{Tags: []string{"region!="}}, []int{0, 1}},
		"with the tag, glob":     {Spec{Tags: []string{"region=?*"}}, []int{0, 1}},
		"star takes none too":    {Spec{Tags: []string{"region=*"}}, []int{0, 1, 2, 3, 4, 5}},
		"not":                    {Spec{Tags: []string{"host!=a"}}, []int{1, 2, 4, 5}},
		"neither":                {Spec{Tags: []string{"host!=a", "host!=b"}}, []int{2, 4, 5}},
		"this but not that":      {Spec{Tags: []string{"host=/./", "host!=b"}}, []int{0, 2, 3}},
		"not a regexp":           {Spec{Tags: []string{"host!=/a|^$/"}}, []int{1, 2}},
		"escaped value":          {Spec{Tags: []string{"path=/mnt,x=y/", "path=\\/mnt,x=y"}}, []int{3}},
		"escaped key":            {Spec{Tags: []string{`ta\=g=v w`}}, []int{5}},
		"key with mark":          {Spec{Tags: []string{`no!such=`, `host=c`}}, []int{2}},
		"unknown key":            {Spec{Tags: []string{"zone=1"}}, nil},
		"key is no prefix":       {Spec{Tags: []string{"hos=a"}}, nil},
		"all at once":            {Spec{Measurements: []string{"cpu"}, Tags: []string{"host!=a", "region=us"}}, []int{1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := mustNew(t, tt.spec)
			var got []int
			for i, key := range keys {
				if s.Series([]byte(key)) {
					got = append(got, i)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if !s.HasSeriesFilter() && len(got) != len(keys) {
				t.Error("HasSeriesFilter is false, yet something was turned down")
			}
		})
	}
}

func TestSeriesOfBrokenKeys(t *testing.T) {
	s := mustNew(t, Spec{Measurements: []string{"*"}, Tags: []string{"a!=b"}})
	for _, key := range []string{"", ",", ",,", "=", "m,", "m,=", "m,a", "m,a=", `m\`, `m,a\`, `m,a=b\`} {
		if !s.Series([]byte(key)) {
			t.Errorf("%q is turned down, though its tag a is not b", key)
		}
	}
}

func TestWindow(t *testing.T) {
	tests := map[string]struct {
		start, end string
		want       point.TimeRange
	}{
		"open":     {"", "", point.AllTime},
		"from":     {"1970-01-01T00:00:00.000000005Z", "", point.TimeRange{Min: 5, Max: math.MaxInt64}},
		"up to":    {"", "7", point.TimeRange{Min: math.MinInt64, Max: 7}},
		"one":      {"7", "7", point.TimeRange{Min: 7, Max: 7}},
		"a day":    {"1970-01-01", "1970-01-02", point.TimeRange{Min: 0, Max: 86400e9}},
		"relative": {"now-1s", "now", point.TimeRange{Min: testNow.UnixNano() - 1e9, Max: testNow.UnixNano()}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := mustNew(t, Spec{Start: tt.start, End: tt.end}).Window(); got != tt.want {
				t.Errorf("window %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNewErrors(t *testing.T) {
	tests := map[string]struct {
		spec Spec
		want string
	}{
		"database":       {Spec{Databases: []string{"ok", "["}}, `--database "["`},
		"retention":      {Spec{Policies: []string{"/("}}, `--retention "/("`},
		"shard":          {Spec{Shards: []string{"x1"}}, `--shard "x1": not a shard id`},
		"shard, glob":    {Spec{Shards: []string{"["}}, `--shard "["`},
		"shard, signed":  {Spec{Shards: []string{"-1"}}, `--shard "-1": not a shard id`},
		"shard too high": {Spec{Shards: []string{"18446744073709551616"}}, `not a shard id`},
		"measurement":    {Spec{Measurements: []string{""}}, `--measurement "": empty pattern`},
		"exclude":        {Spec{ExcludeMeasurements: []string{"//"}}, `--exclude-measurement "//"`},
		"field":          {Spec{Fields: []string{`\`}}, `--field "\\"`},
		"tag, no equals": {Spec{Tags: []string{"host"}}, `--tag "host": want key=value`},
		"tag, empty":     {Spec{Tags: []string{""}}, `--tag "": want key=value`},
		"tag, no key":    {Spec{Tags: []string{"=a"}}, `--tag "=a": no tag key`},
		"tag, no key, !": {Spec{Tags: []string{"!=a"}}, `no tag key`},
		"tag, influxql":  {Spec{Tags: []string{"host=~/a/"}}, `want key=/regexp/`},
		"tag, value":     {Spec{Tags: []string{"host=[a"}}, `--tag "host=[a"`},
		"tag, backslash": {Spec{Tags: []string{`host\`}}, `backslash at the end`},
		"start":          {Spec{Start: "soon"}, `--start "soon": not a time`},
		"end":            {Spec{End: "now-7"}, `--end "now-7": bad duration`},
		"turned round":   {Spec{Start: "2019-05-20", End: "2019-05-19"}, `--start 2019-05-20T00:00:00Z lies after --end 2019-05-19T00:00:00Z`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := New(tt.spec, testNow)
			if err == nil || !strings.Contains(err.Error(), tt.want) || s != nil {
				t.Errorf("New = %v, %v, want an error with %q", s, err, tt.want)
			}
		})
	}
}

func TestEverything(t *testing.T) {
	tests := map[string]struct {
		spec                  Spec
		all, bySeries, fields bool
	}{
		"nothing said":  {Spec{}, true, false, false},
		"with internal": {Spec{IncludeInternal: true}, true, false, false},
		"database":      {Spec{Databases: []string{"*"}}, false, false, false},
		"policy":        {Spec{Policies: []string{"*"}}, false, false, false},
		"shard":         {Spec{Shards: []string{"1"}}, false, false, false},
		"shard glob":    {Spec{Shards: []string{"*"}}, false, false, false},
		"measurement":   {Spec{Measurements: []string{"m"}}, false, true, false},
		"exclude":       {Spec{ExcludeMeasurements: []string{"m"}}, false, true, false},
		"tag":           {Spec{Tags: []string{"a=b"}}, false, true, false},
		"field":         {Spec{Fields: []string{"f"}}, false, false, true},
		"start":         {Spec{Start: "0"}, false, false, false},
		"end":           {Spec{End: "0"}, false, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := mustNew(t, tt.spec)
			if s.Everything() != tt.all || s.HasSeriesFilter() != tt.bySeries || s.HasFieldFilter() != tt.fields {
				t.Errorf("everything %t, series %t, fields %t", s.Everything(), s.HasSeriesFilter(), s.HasFieldFilter())
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	s := mustNew(t, Spec{
		Databases: []string{"b", "a", "b"}, Policies: []string{"autogen"}, Shards: []string{"12", "007", "/1/", "7"},
		Measurements: []string{"cpu"}, ExcludeMeasurements: []string{"mem"}, Fields: []string{"f*"},
		Tags:  []string{"host=b", "zone!=", `a\=\!b=x`, "host=a"},
		Start: "2019-05-19", End: "now-1d", IncludeInternal: true,
	})
	got, err := json.Marshal(s.Describe())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"databases":["a","b"],"policies":["autogen"],"shards":["7","12","/1/"],"measurements":["cpu"],` +
		`"excludeMeasurements":["mem"],"tags":["a\\=\\!b=x","host=a","host=b","zone!="],"fields":["f*"],` +
		`"start":"2019-05-19T00:00:00Z","end":"2026-11-21T16:00:00.123456789Z","includeInternal":true}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(s.shardIDs, []uint64{12, 7, 7}) {
		t.Errorf("describing changed the selection: shards %d", s.shardIDs)
	}
	if diff := cmp.Diff(Description{}, mustNew(t, Spec{}).Describe()); diff != "" {
		t.Error(diff)
	}
}

// A description is itself a Spec, selects the same, and does not hang on flag order.
func TestDescribeIsCanonical(t *testing.T) {
	patterns := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b*", "/c/", `\*`}), 0, 4)
	tags := rapid.SliceOfN(rapid.SampledFrom([]string{"h=a", "h!=b", "h=", `k\=\!=/x/`, "a!b=?"}), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		spec := Spec{
			Databases: patterns.Draw(t, "databases"), Measurements: patterns.Draw(t, "measurements"),
			Fields: patterns.Draw(t, "fields"), Tags: tags.Draw(t, "tags"),
		}
		selection, err := New(spec, testNow)
		if err != nil {
			t.Fatal(err)
		}
		d := selection.Describe()
		again, err := New(Spec{Databases: d.Databases, Measurements: d.Measurements, Fields: d.Fields, Tags: d.Tags}, testNow)
		if err != nil {
			t.Fatalf("%+v: %v", d, err)
		}
		if diff := cmp.Diff(d, again.Describe()); diff != "" {
			t.Fatal(diff)
		}
		slices.Reverse(spec.Tags)
		slices.Reverse(spec.Databases)
		turned, err := New(spec, testNow)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, turned.Describe()); diff != "" {
			t.Fatal(diff)
		}
		for _, key := range []string{"a", "b,h=a", "b1,h=b", "c,k\\=!=x", "a,a!b=1"} {
			if selection.Series([]byte(key)) != again.Series([]byte(key)) {
				t.Fatalf("%q is taken by one and not by the other", key)
			}
		}
	})
}

func TestSeriesDoesNotAllocate(t *testing.T) {
	key := []byte("cpu,arch=x64,host=host_17,region=eu-west-1")
	tests := map[string]Spec{
		"nothing said": {},
		"exact":        {Measurements: []string{"mem", "cpu"}, ExcludeMeasurements: []string{"disk"}, Tags: []string{"host=host_17", "region!=us", "rack="}},
	}
	for name, spec := range tests {
		t.Run(name, func(t *testing.T) {
			s := mustNew(t, spec)
			if !s.Series(key) {
				t.Fatal("the series is turned down")
			}
			if n := testing.AllocsPerRun(100, func() { s.Series(key) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
