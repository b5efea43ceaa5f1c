// SPDX-License-Identifier: Apache-2.0

package page

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/browsertest"
	"github.com/shardlift/shardlift/internal/pageshot/sample"
)

func contains(text, want string) bool { return strings.Contains(text, want) }

// spot is a place in the window.
type spot struct{ X, Y float64 }

// spotOf finds where the timeline has a row at a time, in JavaScript's terms.
func spotOf(t *testing.T, p *browsertest.Page, row, milli string) spot {
	t.Helper()
	return eval[spot](t, p, `(() => {
		const box = document.getElementById('timeline').getBoundingClientRect();
		const [x, y] = __page.charts.timeline.chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [`+milli+`, `+row+`]);
		return { X: box.left + x, Y: box.top + y };
	})()`)
}

// tips is what the timeline's tooltip says.
const tips = `[...document.querySelectorAll('#timeline .tip')].filter((x) => x.offsetParent &&
		getComputedStyle(x.parentElement).visibility !== 'hidden' && getComputedStyle(x.parentElement).opacity > 0).map((x) => x.innerText).join('|')`

// tooltip waits until the tooltip says something that is wanted, and gives what it says.
func tooltip(t *testing.T, p *browsertest.Page, want string) string {
	t.Helper()
	wait(t, p, tips+`.includes(`+strconv.Quote(want)+`)`)
	return eval[string](t, p, tips)
}

const (
	seen  = `[__page.view.from, __page.view.to]`
	month = `__page.setView(Date.UTC(2025, 0, 20), Date.UTC(2025, 1, 20))`
)

// What can be done with the page, one after the other on one page of three years.
func TestTouch(t *testing.T) {
	p := open(t, sample.Years(), browsertest.View{})
	for _, tt := range []struct {
		name string
		test func(t *testing.T, p *browsertest.Page)
	}{
		{"hover", testHover},
		{"zoom", testZoom},
		{"wheel scrolls past", testWheelScrollsPast},
		{"trend", testTrend},
		{"tables sort and filter", testTablesSortAndFilter},
		{"links", testLinks},
		{"long tables", testLongTables},
	} {
		eval[bool](t, p, `__page.setView(-1e15, 1e15), scrollTo({ top: 0, behavior: 'instant' }), true`)
		do(t, p.Hover(5, 5))
		t.Run(tt.name, func(t *testing.T) { tt.test(t, p) })
	}
}

// Whoever points at a bar, a hole or a missing shard is told about it.
func testHover(t *testing.T, p *browsertest.Page) {
	for _, tt := range []struct{ view, row, at, want string }{
		{month, "0", "Date.UTC(2025, 1, 10, 12)", "telegraf.autogen · shard 714"},
		{month, "0", "Date.UTC(2025, 1, 1, 12)", "shard 705"}, // one that is missing
		{`__page.setView(Date.UTC(2024, 6, 20), Date.UTC(2024, 7, 30))`, "2", "Date.UTC(2024, 7, 3, 12)", "18 shards"},
		{`__page.setView(Date.UTC(2024, 11, 1), Date.UTC(2024, 11, 30))`, "1", "Date.UTC(2024, 11, 15, 12)", "checksum does not match"},
	} {
		eval[bool](t, p, tt.view+`, true`)
		do(t, p.Settle())
		s := spotOf(t, p, tt.row, tt.at)
		do(t, p.Hover(s.X+1, s.Y))
		do(t, p.Hover(s.X, s.Y))
		if got := tooltip(t, p, tt.want); !contains(got, tt.want) {
			t.Errorf("at %s of row %s: %q does not say %q", tt.at, tt.row, got, tt.want)
		}
	}
}

// Names are text in tooltips, too.
func TestHostileHover(t *testing.T) {
	p := open(t, sample.Hostile(), browsertest.View{Width: 1280, Height: 1500})
	s := spotOf(t, p, "1", "Date.UTC(2023, 2, 2, 12)")
	do(t, p.Hover(s.X+1, s.Y))
	do(t, p.Hover(s.X, s.Y))
	if got := tooltip(t, p, sample.HostileNames[1]); !contains(got, sample.HostileNames[1]) {
		t.Errorf("tooltip %q", got)
	}
	if n := eval[int](t, p, `document.querySelectorAll('main script, main img, main svg, main iframe, main [onerror], main [onload]').length`); n != 0 {
		t.Errorf("%d elements came of names", n)
	}
	for _, tab := range []string{"missing", "gaps", "conflicts", "policies", "shards", "measurements", "fields", "tags", "leftout", "faults"} {
		do(t, p.Press("#tab-"+tab))
		if n := eval[int](t, p, `document.querySelectorAll('#panel-`+tab+` tbody tr').length`); n != len(sample.HostileNames) {
			t.Errorf("%s: %d rows, not %d", tab, n, len(sample.HostileNames))
		}
	}
}

// The wheel, the buttons and the keys zoom, and the charts stay together.
func testZoom(t *testing.T, p *browsertest.Page) {
	all := eval[[2]float64](t, p, seen)
	s := spotOf(t, p, "1", "Date.UTC(2024, 8, 1)")
	do(t, p.Hover(s.X+3, s.Y))
	do(t, p.Hover(s.X, s.Y))
	for range 6 {
		do(t, p.Wheel(s.X, s.Y, -240))
	}
	// The chart draws breath between turns of the wheel.
	if !wait(t, p, fmt.Sprintf(`__page.view.to - __page.view.from < %f`, 0.8*(all[1]-all[0]))) {
		t.Errorf("the wheel takes %v to %v", all, eval[[2]float64](t, p, seen))
	}
	do(t, p.Settle())
	near := eval[[2]float64](t, p, seen)
	if near[0] <= all[0] || near[1] >= all[1] {
		t.Errorf("the wheel took %v to %v", all, near)
	}
	if y := eval[float64](t, p, `scrollY`); y != 0 {
		t.Errorf("the page scrolled to %v while the wheel zoomed", y)
	}
	both := `JSON.stringify(['timeline', 'trend'].map((c) => __page.charts[c].chart.getOption().dataZoom[0]).map((z) => [Math.round(z.startValue), Math.round(z.endValue)]))`
	if got := eval[string](t, p, both+` === JSON.stringify([0, 1].map(() => `+seen+`.map(Math.round))) ? '' : `+both); got != "" {
		t.Errorf("the charts show %s, the view is %v", got, near)
	}
	if got := eval[string](t, p, `document.getElementById('window').innerText`); !contains(got, "shards before it") {
		t.Errorf("what is not seen: %q", got)
	}
	if n := eval[int](t, p, `__page.drawn.shards`); n >= 3255 || n < 10 {
		t.Errorf("%d shards are drawn of what is near", n)
	}
	do(t, p.Press("#ranges button:last-child"))
	if got := eval[[2]float64](t, p, seen); got != all {
		t.Errorf("All shows %v, not %v", got, all)
	}
	do(t, p.Press("#ranges button"))
	if got := eval[[2]float64](t, p, seen); got[1]-got[0] != 30*86400e3 {
		t.Errorf("30 days are %v", got)
	}
	do(t, p.Type("#timeline", "-"))
	if got := eval[[2]float64](t, p, seen); got[1]-got[0] != 60*86400e3 {
		t.Errorf("a key makes 30 days %v days", (got[1]-got[0])/86400e3)
	}
	do(t, p.Type("#timeline", "0"))
	if got := eval[[2]float64](t, p, seen); got != all {
		t.Errorf("0 shows %v, not %v", got, all)
	}
}

// Scrolling down a page does not end at the picture.
func testWheelScrollsPast(t *testing.T, p *browsertest.Page) {
	s := spotOf(t, p, "1", "Date.UTC(2024, 8, 1)")
	before := eval[[2]float64](t, p, seen)
	do(t, p.Hover(s.X, s.Y))
	do(t, p.Wheel(s.X, s.Y, 300))
	if !wait(t, p, `scrollY > 0`) {
		t.Error("the page did not scroll")
	}
	if got := eval[[2]float64](t, p, seen); got != before {
		t.Errorf("and it zoomed, to %v", got)
	}
}

// column reads the first cells of a column of a table.
func column(t *testing.T, p *browsertest.Page, table string, n int) []string {
	t.Helper()
	return eval[[]string](t, p, `[...document.querySelectorAll('#panel-`+table+` tbody tr')].slice(0, 3).map((r) => r.children[`+string(rune('0'+n))+`].innerText)`)
}

func status(t *testing.T, p *browsertest.Page, table string) string {
	t.Helper()
	return eval[string](t, p, `document.querySelector('#panel-`+table+` .state').innerText`)
}

func testTablesSortAndFilter(t *testing.T, p *browsertest.Page) {
	do(t, p.Press("#tab-measurements"))
	series := "#panel-measurements th:nth-child(3)"
	for _, tt := range []struct{ sorted, first string }{{"descending", "9,600"}, {"ascending", "12"}} {
		do(t, p.Press(series+" button"))
		if got := eval[string](t, p, `document.querySelector('`+series+`').getAttribute('aria-sort')`); got != tt.sorted {
			t.Errorf("sorted %s, not %s", got, tt.sorted)
		}
		if got := column(t, p, "measurements", 2); got[0] != tt.first {
			t.Errorf("%s: %q", tt.sorted, got)
		}
	}
	do(t, p.Press("#panel-measurements th:nth-child(2) button"))
	if diff := cmp.Diff([]string{"battery", "cpu", "cpu_5m"}, column(t, p, "measurements", 1)); diff != "" {
		t.Errorf("by name (-want +got):\n%s", diff)
	}
	do(t, p.Type("#panel-measurements input", "AUTOGEN disk"))
	if diff := cmp.Diff([]string{"disk", "diskio"}, column(t, p, "measurements", 1)); diff != "" {
		t.Errorf("filtered (-want +got):\n%s", diff)
	}
	if got := status(t, p, "measurements"); got != "2 of 21 rows" {
		t.Errorf("it says %q", got)
	}
	do(t, p.Type("#panel-measurements input", " no such words"))
	if got := status(t, p, "measurements"); got != "0 of 21 rows" {
		t.Errorf("it says %q", got)
	}
}

// Long tables are shown in parts, and say so, until all is asked for.
func testLongTables(t *testing.T, p *browsertest.Page) {
	do(t, p.Press("#tab-shards"))
	eval[bool](t, p, `__page.tabs.get('shards').table.search(''), true`)
	count := func() int { return eval[int](t, p, `document.querySelectorAll('#panel-shards tbody tr').length`) }
	for _, tt := range []struct {
		press string
		rows  int
		says  string
	}{
		{"", 100, "3,255 rows, the first 100 are shown"},
		{"#panel-shards .more button:first-child", 600, "3,255 rows, the first 600 are shown"},
		{"#panel-shards .more button:last-child", 3255, "3,255 rows"},
	} {
		if tt.press != "" {
			do(t, p.Press(tt.press))
		}
		if n := count(); n != tt.rows {
			t.Errorf("%d rows, not %d", n, tt.rows)
		}
		if got := status(t, p, "shards"); got != tt.says {
			t.Errorf("it says %q, not %q", got, tt.says)
		}
	}
	if n := eval[int](t, p, `document.querySelectorAll('#panel-shards .more button').length`); n != 0 {
		t.Errorf("there are %d buttons for more of all", n)
	}
}

// The picture leads to the table, the table to the picture, and the verdict to both.
func testLinks(t *testing.T, p *browsertest.Page) {
	eval[bool](t, p, month+`, true`)
	s := spotOf(t, p, "0", "Date.UTC(2025, 1, 10, 12)")
	do(t, p.Hover(s.X, s.Y))
	do(t, p.Click(s.X, s.Y))
	if got := column(t, p, "shards", 1); len(got) != 1 || got[0] != "714" {
		t.Errorf("a click at shard 714 shows %q", got)
	}
	eval[bool](t, p, `scrollTo({ top: 0, behavior: 'instant' }), true`)
	do(t, p.Press(`.facts a[href="#shards"]`))
	if got := status(t, p, "shards"); got != "355 of 3,255 rows, the first 100 are shown" {
		t.Errorf("the expired shards are %q", got)
	}
	do(t, p.Press("#tab-faults"))
	if got := column(t, p, "faults", 2); got[0] != "443" {
		t.Fatalf("the first fault is of shard %q", got)
	}
	do(t, p.Press("#panel-faults tbody tr:first-child .link"))
	got := eval[[2]float64](t, p, seen)
	if start := eval[float64](t, p, `Date.UTC(2024, 4, 15)`); got[0] > start || got[1] < start+86400e3 || got[1]-got[0] > 8*86400e3 {
		t.Errorf("shard 443 is shown in %v", got)
	}
	if got := tooltip(t, p, "shard 443"); !contains(got, "shard 443") {
		t.Errorf("and the picture says %q", got)
	}
}

// The chart of shards over time draws bytes, points or series, on either scale.
func testTrend(t *testing.T, p *browsertest.Page) {
	const top = `__page.charts.trend.chart.getModel().getComponent('yAxis').axis.scale.getExtent()[1]`
	tops := []float64{eval[float64](t, p, top)}
	for _, button := range []string{"2", "3"} {
		do(t, p.Press("#metrics button:nth-child("+button+")"))
		tops = append(tops, eval[float64](t, p, top))
	}
	for i, want := range []float64{32e6, 2.4e6, 16122} { // bytes, points and series of the largest shard
		if tops[i] < want || tops[i] > 2*want {
			t.Errorf("axis %d ends at %v, the largest shard has %v", i+1, tops[i], want)
		}
	}
	do(t, p.Press("#metrics .apart"))
	if got := eval[string](t, p, `__page.charts.trend.chart.getOption().yAxis[0].type`); got != "log" {
		t.Errorf("the scale is %s", got)
	}
	if n := painted(t, p, "trend", "c3"); n < 100 {
		t.Errorf("%d pixels of the smallest policy", n)
	}
}
