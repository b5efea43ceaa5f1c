// SPDX-License-Identifier: Apache-2.0

package page

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/shardlift/shardlift/inspector"
	"github.com/shardlift/shardlift/internal/browsertest"
	"github.com/shardlift/shardlift/internal/pageshot/sample"
)

// browser gives one for all tests: starting one takes as long as a dozen pages.
var browser func() (*browsertest.Browser, error)

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Minute) // less than CI gives the tests, so that it ends with them
	defer cancel()
	var started *browsertest.Browser
	browser = sync.OnceValues(func() (*browsertest.Browser, error) {
		b, err := browsertest.Start(ctx)
		started = b
		return b, err
	})
	defer func() {
		if started != nil {
			started.Close()
		}
	}()
	return m.Run()
}

// open shows a report in the browser, and at the end of the test fails for every problem
// that the page had.
func open(t *testing.T, r *inspector.Report, v browsertest.View) *browsertest.Page {
	t.Helper()
	browsertest.Require(t)
	b, err := browser()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "inspect #1 %2e.html") // a name that is no address
	if err := os.WriteFile(file, []byte(written(t, r, Options{Generated: "now"})), 0o600); err != nil {
		t.Fatal(err)
	}
	if v.Width == 0 {
		v.Width, v.Height = 1280, 900
	}
	p, err := b.Open(file, v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, problem := range p.Problems() {
			t.Errorf("the page has a problem: %s", problem)
		}
		p.Close()
	})
	if !eval[bool](t, p, `Boolean(window.__page && __page.ready)`) {
		t.Fatalf("the page is not ready: %q", p.Problems())
	}
	return p
}

func eval[T any](t *testing.T, p *browsertest.Page, expression string) T {
	t.Helper()
	v, err := browsertest.Eval[T](p, expression)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wait waits until an expression holds, for as long as a busy machine may take.
func wait(t *testing.T, p *browsertest.Page, expression string) bool {
	t.Helper()
	return eval[bool](t, p, `new Promise((done) => {
		const end = performance.now() + 300000;
		const look = () => (`+expression+` ? done(true) : performance.now() > end ? done(false) : setTimeout(look, 30));
		look();
	})`)
}

// painted counts the pixels of a chart that have a colour of the style.
func painted(t *testing.T, p *browsertest.Page, chart, color string) int {
	t.Helper()
	return eval[int](t, p, `(() => {
		const hex = getComputedStyle(document.documentElement).getPropertyValue('--`+color+`').trim();
		const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
		let n = 0;
		for (const c of document.querySelectorAll('#`+chart+` canvas')) {
			const copy = new OffscreenCanvas(c.width, c.height).getContext('2d', { willReadFrequently: true });
			copy.drawImage(c, 0, 0);
			const d = copy.getImageData(0, 0, c.width, c.height).data;
			for (let i = 0; i < d.length; i += 4) n += d[i + 3] === 255 && d[i] === r && d[i + 1] === g && d[i + 2] === b;
		}
		return n;
	})()`)
}

type pictured struct{ Shards, Gaps, Missing, Marks int }

// Every kind of report is drawn, in light and in dark, with no error and no request.
func TestPageRenders(t *testing.T) {
	reports := map[string]struct {
		report *inspector.Report
		want   pictured
		once   bool // in light only: it takes long, and is about something else
	}{
		"years":   {sample.Years(), pictured{3255, 4, 3, 12}, false},
		"hostile": {sample.Hostile(), pictured{24, 24, 24, 48}, false}, // 24 of 25 rows are seen at a time
		"ends":    {sample.Ends(), pictured{3255, 4, 3, 12}, true},     // the first and the last lie beyond what is seen
		"wide":    {sample.Wide(30, 60), pictured{1440, 0, 0, 0}, true},
		"empty":   {&inspector.Report{}, pictured{}, false},
	}
	for name, tt := range reports {
		for scheme, dark := range map[string]bool{"light": false, "dark": true} {
			if tt.once && dark {
				continue
			}
			t.Run(name+" "+scheme, func(t *testing.T) {
				p := open(t, tt.report, browsertest.View{Width: 1280, Height: 900, Dark: dark})
				if got := eval[string](t, p, `document.documentElement.dataset.theme`); got != scheme {
					t.Errorf("the page is %s", got)
				}
				got := eval[pictured](t, p, `(({ shards, gaps, missing, marks }) => ({ Shards: shards, Gaps: gaps, Missing: missing, Marks: marks }))(__page.drawn)`)
				if got != tt.want {
					t.Errorf("drawn: %+v, want %+v", got, tt.want)
				}
				if wide := eval[int](t, p, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
					t.Errorf("the page is %d pixels too wide", wide)
				}
				if !dark {
					if long := eval[[]string](t, p, longEstimates); len(long) > 0 {
						t.Errorf("estimates with more than three digits: %q", long)
					}
				}
				if name == "years" {
					testPaints(t, p, scheme)
				}
			})
		}
	}
}

// longEstimates are the numbers behind a ~ that look more exact than they are, wherever they
// are written: in texts, tables that are not open, hints, and what the charts say of themselves.
const longEstimates = `(() => {
	dispatchEvent(new Event('beforeprint')); // fills all tables
	const texts = [...document.querySelectorAll('[title], [aria-label], p, dd, td')]
		.flatMap((x) => [x.title, x.getAttribute('aria-label') || '', x.matches('p, dd, td') ? x.textContent : '']);
	const long = texts.join(' ').match(/~[0-9][0-9,.]*/g)?.filter((x) => x.replace(/[^0-9]/g, '').replace(/0+$/, '').length > 3) ?? [];
	dispatchEvent(new Event('afterprint'));
	return [...new Set(long)];
})()`

// What is seen at first is all of the shards, also where they all begin at the same time.
func TestPageBeginsWithAll(t *testing.T) {
	r := &inspector.Report{Totals: inspector.Stats{Shards: 20}}
	for i := range 20 {
		s := inspector.Shard{ID: uint64(i) + 1, GroupStart: "2024-01-01T00:00:00Z", GroupEnd: "2024-01-08T00:00:00Z"}
		s.Stats = inspector.Stats{Start: "2024-01-03T00:00:00Z", End: "2024-01-03T16:00:00Z", Shards: 1, TSMFiles: 1}
		r.Databases = append(r.Databases, inspector.Database{
			Name: fmt.Sprintf("db%02d", i), Policies: []inspector.Policy{{Name: "autogen", Shards: []inspector.Shard{s}}},
		})
	}
	p := open(t, r, browsertest.View{Width: 1280, Height: 900})
	got := eval[[2]float64](t, p, seen)
	want := eval[[2]float64](t, p, `[Date.UTC(2024, 0, 1), Date.UTC(2024, 0, 8)]`)
	if got[0] > want[0] || got[1] < want[1] {
		t.Errorf("the picture shows %v, and the shards are in %v", got, want)
	}
	if n := painted(t, p, "timeline", "sound"); n < 5000 {
		t.Errorf("%d pixels of what the shards hold", n)
	}
}

// testPaints looks at the colours on the canvases, for what is counted as drawn need not be
// seen.
func testPaints(t *testing.T, p *browsertest.Page, scheme string) {
	t.Helper()
	least := map[string]int{
		"sound": 20_000, "expired": 5_000, "overlapping": 500, "lost": 200, "faulty": 100, "hole": 20, "walonly": 20,
	}
	for color, want := range least {
		if n := painted(t, p, "timeline", color); n < want {
			t.Errorf("timeline: %d pixels of %s", n, color)
		}
	}
	for chart, color := range map[string]string{"trend": "c1", "sizes": "c1", "series": "c3", "tagvalues": "c4"} {
		if n := painted(t, p, chart, color); n < 100 {
			t.Errorf("%s: %d pixels of %s", chart, n, color)
		}
	}
	do(t, p.Press(`[data-layer=sound]`))
	if n := painted(t, p, "timeline", "sound"); n != 0 {
		t.Errorf("%d pixels of shards that are switched off", n)
	}
	do(t, p.Press("#theme"))
	if got := eval[string](t, p, `document.documentElement.dataset.theme`); got == scheme {
		t.Errorf("the button leaves the page %s", got)
	}
	if n := painted(t, p, "timeline", "expired"); n < 5_000 {
		t.Errorf("after the change of colours: %d pixels", n)
	}
}

// Narrow windows and paper.
func TestPageFits(t *testing.T) {
	for _, width := range []int64{360, 400, 420, 760, 900} {
		p := open(t, sample.Hostile(), browsertest.View{Width: width, Height: 900})
		if wide := eval[int](t, p, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
			t.Errorf("at %d pixels, %d too many", width, wide)
		}
	}
	p := open(t, sample.Years(), browsertest.View{Width: 1032, Height: 900, Dark: true, Print: true})
	eval[bool](t, p, `dispatchEvent(new Event('beforeprint'))`)
	if got := eval[string](t, p, `document.documentElement.dataset.theme`); got != "light" {
		t.Errorf("printed %s", got)
	}
	if n := eval[int](t, p, `[...document.querySelectorAll('[role=tabpanel]')].filter((x) => x.offsetHeight > 20).length`); n != 10 {
		t.Errorf("%d of 10 tables are printed", n)
	}
	if wide := eval[int](t, p, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
		t.Errorf("on paper, %d pixels too many", wide)
	}
	eval[bool](t, p, `dispatchEvent(new Event('afterprint'))`)
	if got := eval[string](t, p, `document.documentElement.dataset.theme`); got != "dark" {
		t.Errorf("after printing the page is %s", got)
	}
}

// Without times and without data there are words in place of charts.
func TestNothingToDraw(t *testing.T) {
	r := &inspector.Report{
		Databases: []inspector.Database{{Name: "d", Policies: []inspector.Policy{{Name: "p", Shards: []inspector.Shard{{ID: 1}}}}}},
		Totals:    inspector.Stats{Shards: 1},
	}
	p := open(t, r, browsertest.View{})
	text := eval[string](t, p, `document.querySelector('main').innerText`)
	for _, want := range []string{
		"No shard has times, so there is nothing to draw", "No policy has files", "No measurements were found", "No series has tags",
	} {
		if !contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := eval[int](t, p, `document.querySelectorAll('canvas').length`); n != 0 {
		t.Errorf("%d charts of nothing", n)
	}
}
