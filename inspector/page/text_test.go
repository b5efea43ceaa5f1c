// SPDX-License-Identifier: Apache-2.0

package page

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/inspector"
)

func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"cpu load":             "cpu load",
		"日本 🙂 <b>":             "日本 🙂 <b>",
		"a\xffb\xc3":           `a\xffb\xc3`,
		"\ufffd":               "\ufffd",
		"a\nb\x00":             `a\u000ab\u0000`,
		"x\u202ey\u200bz":      `x\u202ey\u200bz`,
		"\U000e0041\U0001f642": `\U000e0041` + "\U0001f642",
	} {
		if got := shown(in); got != want {
			t.Errorf("%q is shown as %q, not %q", in, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct{ got, want string }{
		{count(0), "0"},
		{count(999), "999"},
		{count(-1000), "-1,000"},
		{count(math.MaxInt64), "9,223,372,036,854,775,807"},
		{count(math.MinInt64), "-9,223,372,036,854,775,808"},
		{magnitude(9_999_999), "9,999,999"},
		{magnitude(10_000_000), "10.0 million"},
		{magnitude(999_499_999), "999 million"},
		{magnitude(999_999_999), "1.00 billion"},
		{magnitude(2_503_072_314), "2.50 billion"},
		{magnitude(math.MaxInt64), "9223 quadrillion"},
		{size(0), "0 B"},
		{size(999), "999 B"},
		{size(1000), "1.0 kB"},
		{size(9_949), "9.9 kB"},
		{size(9_951), "10 kB"},
		{size(999_600), "1.0 MB"},
		{size(29_000_000), "29 MB"},
		{size(math.MaxInt64), "9.2 EB"},
		{plural(1, "shard", "shards"), "1 shard"},
		{plural(1234, "shard", "shards"), "1,234 shards"},
		{span(0.2), "under 1 s"},
		{span(89), "89 s"},
		{span(600), "10 min"},
		{span(7200), "2.0 h"},
		{span(864_000), "10.0 days"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestInstants(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "null",
		"1970-01-01T00:00:00Z":           "0",
		"1969-12-31T23:59:59.999999999Z": "[-1,999999]",
		"2024-02-29T12:00:00.25+01:00":   "1709204400250",
		"1677-09-21T00:12:43.145224194Z": "[-9223372036855,224194]",
		"2262-04-11T23:47:16.854775807Z": "[9223372036854,775807]",
	} {
		var c clock
		b, err := json.Marshal(c.instant(text))
		if string(b) != want || err != nil || c.err != nil {
			t.Errorf("%q gives %s, not %s (%v, %v)", text, b, want, err, c.err)
		}
	}
}

func TestStretch(t *testing.T) {
	for pair, want := range map[[2]string]string{
		{"1677-09-21T00:12:43Z", "2262-04-11T23:47:16Z"}: "584.5 years",
		{"2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z"}: "1 second",
		{"2024-01-01T00:00:00Z", "2024-01-01T06:00:00Z"}: "6 hours",
		{"2024-01-01T00:00:00Z", "2024-01-31T00:00:00Z"}: "30 days",
	} {
		var c clock
		if got := stretch(c.time(pair[0]), c.time(pair[1])); got != want {
			t.Errorf("%v: %q, not %q", pair, got, want)
		}
	}
}

// The script of the charts is the one that VERSION tells.
func TestLibrary(t *testing.T) {
	text, err := files.ReadFile("echarts/VERSION")
	if err != nil {
		t.Fatal(err)
	}
	script, err := readLibrary()
	if err != nil {
		t.Fatal(err)
	}
	version, sum, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if got := sha256.Sum256(script); hex.EncodeToString(got[:]) != sum {
		t.Errorf("SHA-256 %x, VERSION says %s", got, sum)
	}
	if !strings.Contains(string(script), `version="`+version+`"`) {
		t.Errorf("the script is not %s", version)
	}
	if strings.Contains(strings.ToLower(string(script)), "</script") {
		t.Error("the script would end its element")
	}
}

var rule = regexp.MustCompile(`--([a-z0-9-]+): (#[0-9a-f]{6});`)

// colors reads the custom properties of a block of the style.
func colors(t *testing.T, style, block string) map[string]string {
	t.Helper()
	_, rest, ok := strings.Cut(style, block+" {")
	body, _, closed := strings.Cut(rest, "}")
	if !ok || !closed {
		t.Fatalf("no %s in the style", block)
	}
	found := map[string]string{}
	for _, m := range rule.FindAllStringSubmatch(body, -1) {
		found[m[1]] = m[2]
	}
	return found
}

// luminance is WCAG's relative luminance of a colour #rrggbb.
func luminance(t *testing.T, color string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		v := float64(n) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

// Text and marks have the contrast that WCAG's level AA asks for, in both themes.
func TestContrast(t *testing.T) {
	a, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	pairs := []struct {
		front, back string
		least       float64
	}{
		{"text", "page", 4.5},
		{"text", "card", 4.5},
		{"muted", "page", 4.5},
		{"muted", "card", 4.5},
		{"muted", "plain-back", 4.5},
		{"link", "card", 4.5},
		{"lost-text", "lost-back", 4.5},
		{"faulty-text", "faulty-back", 4.5},
		{"notice", "notice-back", 4.5},
		{"text", "lost-back", 4.5},
		{"text", "faulty-back", 4.5},
		{"text", "good-back", 4.5},
		{"muted", "lost-back", 4.5},
		{"sound", "card", 3},
		{"overlapping", "card", 3},
		{"walonly", "card", 3},
		{"faulty", "card", 3},
		{"lost", "card", 3},
		{"missing", "card", 3},
		{"hole", "card", 3},
		{"empty", "card", 3},
		{"unlisted", "card", 3},
		{"c1", "card", 3},
		{"c2", "card", 3},
		{"c3", "card", 3},
		{"c4", "card", 3},
		{"c5", "card", 3},
		{"c6", "card", 3},
		{"c7", "card", 3},
	}
	for _, block := range []string{":root", ":root[data-theme=dark]"} {
		c := colors(t, string(a.style), block)
		for _, p := range pairs {
			if c[p.front] == "" || c[p.back] == "" {
				t.Errorf("%s has no %s or no %s", block, p.front, p.back)
				continue
			}
			x, y := luminance(t, c[p.front]), luminance(t, c[p.back])
			if got := (max(x, y) + 0.05) / (min(x, y) + 0.05); got < p.least {
				t.Errorf("%s: %s on %s has a contrast of %.2f", block, p.front, p.back, got)
			}
		}
	}
}

func TestEstimate(t *testing.T) {
	report := func(e *inspector.Estimate) *inspector.Report { return &inspector.Report{Estimate: e} }
	e := newEstimate(report(&inspector.Estimate{TextBytes: 2e9, GzipBytes: 1e9, ZstdBytes: 9e8, FreeBytes: 1e9, FreePath: "/var/tmp", Workers: 1}))
	if got := []bool{e.Rows[0].Tight, e.Rows[1].Tight, e.Rows[2].Tight}; !got[0] || got[1] || got[2] {
		t.Errorf("what does not fit: %v", got)
	}
	if e.Free != "1.0 GB free at /var/tmp" || e.Workers != "1 worker" {
		t.Errorf("%q, %q", e.Free, e.Workers)
	}
	if e := newEstimate(report(&inspector.Estimate{TextBytes: 5, FreeBytes: -1})); e.Free != "" || e.Rows[0].Tight {
		t.Errorf("free space that is not known: %+v", e)
	}
	r := report(&inspector.Estimate{SampleBytes: 300_000, AllBytes: 18e6})
	r.Totals.Points, r.Totals.Values = inspector.Amount{N: 1_938_990}, inspector.Amount{N: 1, Exact: true}
	if e := newEstimate(r); e.Points != "~1,940,000 points, 1 value" || e.Sample != "a sample of 300 kB of 18 MB" {
		t.Errorf("%q, %q", e.Points, e.Sample)
	}
	r.Estimate.SampleBytes = r.Estimate.AllBytes
	if e := newEstimate(r); e.Sample != "all of it" {
		t.Errorf("%q", e.Sample)
	}
	if newEstimate(report(nil)) != nil {
		t.Error("an estimate of nothing")
	}
}
