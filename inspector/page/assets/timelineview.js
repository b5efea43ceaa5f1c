// SPDX-License-Identifier: Apache-2.0
// The picture on the page: axes, zooming, the legend, the keyboard.

const tooltipStyle = (colors) => ({
  confine: true, transitionDuration: 0, hideDelay: 50, backgroundColor: colors.card, borderColor: colors.line, borderWidth: 1,
  padding: 0, textStyle: { color: colors.text, fontSize: 12 },
});

const timeAxis = (colors) => ({
  type: 'time', min: extent.min, max: extent.max, splitNumber: 8,
  axisLine: { lineStyle: { color: colors.line } }, axisTick: { lineStyle: { color: colors.line } },
  axisLabel: { color: colors.muted, hideOverlap: true, fontSize: 12 },
});

// view is the stretch of time that is seen, shared by all charts with a time axis.
const view = { from: bulk && bulk.min, to: bulk && bulk.max, listeners: [] };

const setView = (from, to) => {
  const span = Math.min(Math.max(to - from, 36e5), extent.max - extent.min);
  from = Math.min(Math.max(from, extent.min), extent.max - span);
  view.from = from;
  view.to = from + span;
  view.listeners.forEach((f) => f());
};

const timelineZoom = (left, right, scrolled, colors) => {
  const zoom = { xAxisIndex: 0, filterMode: 'weakFilter', startValue: view.from, endValue: view.to, minValueSpan: 36e5 };
  const faint = color('faint'), none = { opacity: 0 };
  const slider = { ...zoom, id: 'slider', type: 'slider', height: 22, bottom: 8, left, right, borderColor: colors.line,
    backgroundColor: 'transparent', fillerColor: faint, dataBackground: { lineStyle: none, areaStyle: none },
    handleStyle: { color: colors.card, borderColor: colors.muted }, moveHandleStyle: { color: colors.line },
    emphasis: { handleStyle: { borderColor: colors.text }, moveHandleStyle: { color: colors.muted } }, brushSelect: false,
    textStyle: { color: colors.muted, fontSize: 11 }, labelFormatter: (v) => new Date(v).toISOString().slice(0, 10) };
  const rows = { id: 'rows', type: 'slider', orient: 'vertical', yAxisIndex: 0, filterMode: 'weakFilter', right: 12, width: 14,
    startValue: 0, endValue: ROWS_SEEN - 1, zoomLock: true, showDetail: false, brushSelect: false, borderColor: colors.line,
    fillerColor: faint, handleSize: 0 };
  return [{ ...zoom, id: 'wheel', type: 'inside' }, slider, ...(scrolled ? [rows] : [])];
};

const timelineOption = (labels, series, colors, width) => {
  const scrolled = labels.length > ROWS_SEEN;
  const left = leftOfTime(), right = rightOfTime();
  return {
    useUTC: true, animation: false, backgroundColor: 'transparent', textStyle: { fontFamily: 'system-ui, sans-serif' },
    grid: { left, right, top: 8, bottom: 62, containLabel: false, outerBoundsMode: 'none' },
    tooltip: { ...tooltipStyle(colors), trigger: 'item', formatter: (p) => (p.data ? timelineTip(p.data) : '') },
    xAxis: { ...timeAxis(colors), splitLine: { show: true, lineStyle: { color: colors.line, opacity: 0.6 } } },
    yAxis: { ...nameAxis(labels, narrow() ? width - left - right : left - 14, 6, colors),
      splitLine: { show: true, lineStyle: { color: colors.line } } },
    dataZoom: timelineZoom(left, right, scrolled, colors), series,
  };
};

// shareView keeps a chart and the view together, whichever of them moves.
const shareView = (chart) => {
  let own = false;
  chart.on('datazoom', () => {
    if (own) return;
    const z = chart.getOption().dataZoom[1];
    own = true;
    setView(z.startValue, z.endValue);
    own = false;
  });
  view.listeners.push(() => {
    tellWindow();
    if (own) return;
    own = true;
    chart.dispatchAction({ type: 'dataZoom', dataZoomId: 'slider', startValue: view.from, endValue: view.to });
    own = false;
  });
};

const makeTimeline = () => {
  const box = byId('timeline');
  const labels = data.policies.map((p) => p.label);
  const height = () => Math.min(labels.length, ROWS_SEEN) * (narrow() ? TALL_ROW : ROW) + 78;
  const chart = openChart(box, height());
  let series = [];
  const scrollTo = (row) => {
    if (labels.length <= ROWS_SEEN) return;
    const first = Math.max(0, Math.min(row - Math.floor(ROWS_SEEN / 2), labels.length - ROWS_SEEN));
    chart.dispatchAction({ type: 'dataZoom', dataZoomId: 'rows', startValue: first, endValue: first + ROWS_SEEN - 1 });
  };
  // point shows what the picture says of a shard, a hole or a missing shard.
  const point = (row) => {
    scrollTo(row.policy);
    const at = (s) => s.data.findIndex((i) => i.shard === row || i.gap === row || i.missing === row);
    const seriesIndex = series.findIndex((s) => at(s) >= 0);
    if (seriesIndex >= 0) chart.dispatchAction({ type: 'showTip', seriesIndex, dataIndex: at(series[seriesIndex]) });
  };
  const paint = () => {
    Object.keys(drawn).forEach((k) => { drawn[k] = 0; });
    const colors = timelineColors();
    series = timelineSeries(colors);
    fitChart(chart, height());
    chart.setOption(timelineOption(labels, series, colors, chart.getWidth()), { notMerge: true });
  };
  shareView(chart);
  chart.on('click', ({ data: item }) => {
    if (!item) return;
    if (item.shard) showRow('shards', item.shard);
    if (item.missing) showRow('missing', item.missing);
    if (item.gap) showRow('gaps', item.gap);
  });
  box.setAttribute('aria-label', 'Timeline of ' + plural(data.shards.length, 'shard', 'shards') + ' in ' +
    plural(labels.length, 'policy', 'policies') + ', with ' + plural(data.gaps.length, 'hole', 'holes') + ' and ' +
    plural(data.missing.length, 'missing shard', 'missing shards') + '. The tables below hold the same.');
  guardWheel(box);
  moveByKeys(box);
  makeRanges();
  makeLegend(paint);
  paint();
  tellWindow();
  tellUndrawn();
  return { chart, paint, point };
};

// guardWheel lets the page scroll on where the wheel can zoom no further out, and where the
// page was scrolled under a pointer that stood still.
const guardWheel = (box) => {
  let at = '', armed = false;
  addEventListener('scroll', () => { armed = false; }, { passive: true });
  box.addEventListener('mousemove', (e) => {
    const now = e.screenX + ' ' + e.screenY;
    if (now !== at) armed = true;
    at = now;
  }, true);
  box.addEventListener('wheel', (e) => {
    const out = e.deltaY > 0 && view.to - view.from >= (extent.max - extent.min) * 0.999;
    if (out || !armed) e.stopPropagation();
  }, true);
};

const moveByKeys = (box) => box.addEventListener('keydown', (e) => {
  const span = view.to - view.from, middle = (view.from + view.to) / 2;
  const move = (share) => setView(view.from + span * share, view.to + span * share);
  const zoom = (factor) => setView(middle - span * factor / 2, middle + span * factor / 2);
  const keys = { ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), '+': () => zoom(0.5), '=': () => zoom(0.5),
    '-': () => zoom(2), 0: () => setView(extent.min, extent.max) };
  if (!keys[e.key] || e.ctrlKey || e.metaKey || e.altKey) return;
  keys[e.key]();
  e.preventDefault();
});

const DAY = 864e5;
const makeRanges = () => {
  const end = bulk.max, all = extent.max - extent.min;
  const ranges = [['30 days', 30 * DAY], ['90 days', 90 * DAY], ['1 year', 365 * DAY]].filter((r) => r[1] < all);
  const buttons = ranges.map(([label, span]) => el('button', { type: 'button', title: 'The last ' + label.replace('1 ', ''),
    onclick: () => setView(end - span, end) }, label));
  buttons.push(el('button', { type: 'button', onclick: () => setView(extent.min, extent.max) }, 'All'));
  byId('ranges').append(...buttons);
};

const makeLegend = (paint) => {
  byId('legend').append(...layers.filter((l) => l.many > 0).map((l) => {
    const button = el('button', { type: 'button', 'aria-pressed': 'true', 'data-layer': l.key, title: 'Show or hide' },
      el('i', { class: 'swatch ' + l.key }), l.label + ' ', el('b', {}, grouped(l.many)));
    button.addEventListener('click', () => {
      l.on = !l.on;
      button.setAttribute('aria-pressed', String(l.on));
      paint();
    });
    return button;
  }));
};

// tellWindow says where the picture leaves out time that has something in it.
const tellWindow = () => {
  const note = byId('window');
  const before = data.shards.filter((s) => s.to && s.to.ms <= view.from).length;
  const behind = data.shards.filter((s) => s.from && s.from.ms >= view.to).length;
  note.hidden = before + behind === 0;
  const parts = [];
  if (before) parts.push(plural(before, 'shard', 'shards') + ' before it');
  if (behind) parts.push(plural(behind, 'shard', 'shards') + ' behind it');
  const minute = (ms) => edgeText({ ms: Math.round(ms / 6e4) * 6e4 });
  note.replaceChildren('Seen: ', fromTo(minute(view.from), minute(view.to)), '; ' + parts.join(', ') + '.');
};

const tellUndrawn = () => {
  const n = data.shards.filter((s) => !s.from || !s.to).length;
  byId('undrawn').hidden = n === 0;
  byId('undrawn').textContent = plural(n, 'shard has', 'shards have') + ' no times, and no place in the picture.';
};
