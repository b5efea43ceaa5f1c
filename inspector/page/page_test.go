// SPDX-License-Identifier: Apache-2.0

package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/inspector"
	"github.com/shardlift/shardlift/internal/pageshot/sample"
)

func written(t *testing.T, r *inspector.Report, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// own gives a page without the script of the charts and the licences.
func own(t *testing.T, page string) string {
	t.Helper()
	a, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	rest := strings.Replace(page, string(a.library), "", 1)
	if len(rest) == len(page) {
		t.Fatal("the script of the charts is not in the page")
	}
	return rest
}

// carried gives the report as the page's script reads it.
func carried(t *testing.T, page string) map[string]any {
	t.Helper()
	_, rest, ok := strings.Cut(page, `<script type="application/json" id="data">`)
	text, _, closed := strings.Cut(rest, "</script>")
	if !ok || !closed {
		t.Fatal("no data in the page")
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("data of the page: %v", err)
	}
	return v
}

func rows(t *testing.T, data map[string]any, table string) [][]any {
	t.Helper()
	var out [][]any
	for _, row := range data[table].(map[string]any)["rows"].([]any) {
		out = append(out, row.([]any))
	}
	return out
}

func TestSameReportSamePage(t *testing.T) {
	o := Options{Generated: "now", Version: "1.2.3"}
	first := written(t, sample.Years(), o)
	if written(t, sample.Years(), o) != first {
		t.Error("two pages of one report differ")
	}
	later := written(t, sample.Years(), Options{Generated: "then", Version: "1.2.3"})
	if strings.Replace(later, "then", "now", 1) != first {
		t.Error("the time of writing changes more than itself")
	}
	for _, want := range []string{">now · shardlift 1.2.3<", "9 faults, 6 of which lose data", "3 missing shards", "~2.50 billion"} {
		if !strings.Contains(first, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// A page loads nothing, and runs the scripts only that it was made with.
func TestPolicy(t *testing.T) {
	page := written(t, sample.Hostile(), Options{})
	m := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("no policy")
	}
	policy := html.UnescapeString(m[1])
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("policy %s", policy)
	}
	var hashes []string
	for _, script := range regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindAllStringSubmatch(page, -1) {
		hashes = append(hashes, hash([]byte(script[1])))
	}
	_, list, _ := strings.Cut(policy, "script-src ")
	if diff := cmp.Diff(strings.Fields(list), hashes); diff != "" || len(hashes) != 3 {
		t.Errorf("hashes of scripts (-policy +page):\n%s", diff)
	}
	text := regexp.MustCompile(`(?s)<pre>.*?</pre>`).ReplaceAllString(own(t, page), "") // licences name addresses
	for _, bad := range []string{"http://", "https://", "src=\"", "<link", "url(", "@import", "<img", "<iframe", " style=", " onclick="} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

// Names never reach the page as markup, and come to its script as they can be shown.
func TestHostileNames(t *testing.T) {
	page := written(t, sample.Hostile(), Options{Generated: sample.HostileNames[1], Version: sample.HostileNames[2]})
	rest := own(t, page)
	for _, name := range sample.HostileNames {
		if (shown(name) != name || strings.ContainsAny(name, "<>")) && strings.Contains(rest, name) {
			t.Errorf("%q stands in the page", name)
		}
	}
	if n := strings.Count(rest, "<script"); n != 4 {
		t.Errorf("%d script elements, not 4", n)
	}
	var got []string
	for _, row := range rows(t, carried(t, page), "policies") {
		got = append(got, row[0].(string))
	}
	var want []string
	for _, name := range sample.HostileNames {
		want = append(want, shown(name))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for _, table := range []string{"shards", "gaps", "missing", "measurements", "fields", "tags", "conflicts", "faults", "leftOut"} {
		if n := len(rows(t, carried(t, page), table)); n != len(want) {
			t.Errorf("%d %s, not %d", n, table, len(want))
		}
	}
}

// Whatever a name is, what is shown of it is valid, visible text.
func FuzzShown(f *testing.F) {
	for _, name := range sample.HostileNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := shown(name)
		for _, r := range got {
			if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u202e' {
				t.Fatalf("%q is shown as %q", name, got)
			}
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal(b, &back); err != nil || back != got {
			t.Fatalf("%q came back as %q: %v", got, back, err)
		}
	})
}

func TestEmptyReport(t *testing.T) {
	tests := map[string]struct {
		report inspector.Report
		says   string
	}{
		"nothing":     {inspector.Report{}, "No shards were found"},
		"a selection": {inspector.Report{Selected: true}, "The selection takes no shards"},
		"only notes":  {inspector.Report{Notes: []string{"a note"}}, "a note"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			page := written(t, &tt.report, Options{})
			if !strings.Contains(page, tt.says) {
				t.Errorf("the page does not say %q", tt.says)
			}
			if strings.Contains(page, `id="timeline"`) {
				t.Error("there is a picture of nothing")
			}
			if n := len(rows(t, carried(t, page), "shards")); n != 0 {
				t.Errorf("%d shards", n)
			}
		})
	}
}

// Three years of daily shards are a page that opens at once: the script of the charts, what
// is always there, and some 130 bytes a shard.
func TestPageIsSmall(t *testing.T) {
	whole, bare := len(written(t, sample.Years(), Options{})), len(written(t, &inspector.Report{}, Options{}))
	shards := sample.Years().Totals.Shards
	each := (whole - bare) / shards
	t.Logf("%d bytes, %d of which always; %d for each of %d shards", whole, bare, each, shards)
	if bare > 1_250_000 || each > 160 {
		t.Errorf("an empty page has %d bytes, a shard %d", bare, each)
	}
}

func TestBadTimeIsAnError(t *testing.T) {
	reports := map[string]func(r *inspector.Report){
		"totals": func(r *inspector.Report) { r.Totals.Start = "yesterday" },
		"shard":  func(r *inspector.Report) { r.Databases[0].Policies[0].Shards[3].GroupEnd = "2024-13-01T00:00:00Z" },
		"gap":    func(r *inspector.Report) { r.Databases[0].Policies[0].Gaps[0].Start = "1" },
		"fault":  func(r *inspector.Report) { r.Faults = append(r.Faults, exporter.Fault{Start: "x"}) },
	}
	for name, spoil := range reports {
		t.Run(name, func(t *testing.T) {
			r := sample.Years()
			spoil(r)
			var b bytes.Buffer
			if err := Write(&b, r, Options{}); err == nil || b.Len() > 0 {
				t.Errorf("error %v, %d bytes written", err, b.Len())
			}
		})
	}
}

type fullDisk struct{ left int }

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.left -= len(b); d.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

func TestWriteErrors(t *testing.T) {
	for _, room := range []int{0, 100_000, 1_000_000} {
		if err := Write(&fullDisk{room}, &inspector.Report{}, Options{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
}

// Cells come to the page under the names of their columns, short as they are.
func TestShardCells(t *testing.T) {
	r := sample.Ends()
	data := carried(t, written(t, r, Options{}))
	table := data["shards"].(map[string]any)
	column := func(row []any, name string) any {
		if i := slices.Index(table["columns"].([]any), any(name)); i < len(row) {
			return row[i]
		}
		return nil
	}
	row := rows(t, data, "shards")[0]
	got := map[string]any{}
	for _, name := range []string{"id", "start", "end", "groupStart", "bytes", "points", "replicas", "faults"} {
		got[name] = column(row, name)
	}
	want := map[string]any{
		"id": 9001.0, "groupStart": -9223459200000.0, "bytes": 100.0, "points": "~0", "replicas": []any{}, "faults": nil,
		// 224194 ns behind the millisecond, which is counted downwards from 1970
		"start": []any{-9223372036855.0, 224194.0}, "end": []any{-9223372036855.0, 224195.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("first shard (-want +got):\n%s", diff)
	}
	second := rows(t, data, "shards")[1]
	if diff := cmp.Diff([]any{0.0}, column(second, "replicas")); diff != "" {
		t.Errorf("a shard in its usual place (-want +got):\n%s", diff)
	}
}
