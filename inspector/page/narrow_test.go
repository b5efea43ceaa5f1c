// SPDX-License-Identifier: Apache-2.0

package page

import (
	"testing"

	"github.com/shardlift/shardlift/internal/browsertest"
	"github.com/shardlift/shardlift/internal/pageshot/sample"
)

// layout is how the timeline lies in its box, in pixels.
type layout struct{ Width, Left, Right, Row float64 }

const timelineLayout = `(() => {
	const chart = __page.charts.timeline.chart;
	const at = (time, row) => chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [time, row]);
	const [left, first] = at(__page.view.from, 0), [right, second] = at(__page.view.to, 1);
	return { Width: chart.getWidth(), Left: left, Right: right, Row: second - first };
})()`

// In a narrow window names are above the bars, which take all of it, and the window may become
// wide and narrow again.
func TestNarrowTimeline(t *testing.T) {
	p := open(t, sample.Years(), browsertest.View{Width: 400, Height: 900})
	narrow := eval[layout](t, p, timelineLayout)
	if narrow.Left > 16 || narrow.Right < narrow.Width-16 || narrow.Row < 40 {
		t.Errorf("at 400 pixels: %+v", narrow)
	}
	until := func(row string) layout {
		eval[bool](t, p, `new Promise((done) => {
			const look = () => (`+timelineLayout+`.Row `+row+` ? done(true) : requestAnimationFrame(look));
			look();
		})`)
		return eval[layout](t, p, timelineLayout)
	}
	do(t, p.Resize(1280, 900))
	if wide := until("< 40"); wide.Left < 90 || wide.Width < 1000 {
		t.Errorf("at 1280 pixels: %+v", wide)
	}
	do(t, p.Resize(400, 900))
	if again := until("> 40"); again != narrow {
		t.Errorf("narrow again: %+v, was %+v", again, narrow)
	}
}

// Times in tiles are not broken at their hyphens.
func TestNarrowTiles(t *testing.T) {
	for _, width := range []int64{360, 400, 1200} {
		p := open(t, sample.Years(), browsertest.View{Width: width, Height: 900})
		broken := eval[[]string](t, p, `[...document.querySelectorAll('.detail span:not(:only-child)')]
			.filter((x) => x.getClientRects().length !== 1 || x.scrollWidth > x.closest('div').clientWidth).map((x) => x.textContent)`)
		if len(broken) > 0 {
			t.Errorf("at %d pixels, broken or cut: %q", width, broken)
		}
		if n := eval[int](t, p, `document.querySelectorAll('.detail span:not(:only-child)').length`); n != 4 {
			t.Errorf("%d parts of details", n)
		}
	}
}

// A name that is cut has the whole of it in its tooltip, which fits the window.
func TestCutNames(t *testing.T) {
	p := open(t, sample.Hostile(), browsertest.View{Width: 400, Height: 1500})
	eval[bool](t, p, `document.getElementById('timeline').scrollIntoView(), true`)
	do(t, p.Settle())
	s := spotOf(t, p, "0", "__page.view.from")
	do(t, p.Hover(s.X+21, s.Y-12))
	do(t, p.Hover(s.X+20, s.Y-12))
	want := sample.HostileNames[0] + "." + sample.HostileNames[0]
	if got := tooltip(t, p, want); got != want {
		t.Fatalf("the tooltip says %q", got)
	}
	if wide := eval[float64](t, p, `Math.max(...[...document.querySelectorAll('.tip')].map((x) => x.getBoundingClientRect().right)) - innerWidth`); wide > 0 {
		t.Errorf("the tooltip is %v pixels too wide", wide)
	}
}
