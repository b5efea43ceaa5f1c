// SPDX-License-Identifier: Apache-2.0
// Sizes, points and cardinality as charts.

const POLICIES_SEEN = 8; // lines that are on at first
const BARS = 12;
const TALL_BARS = 42; // pixels

const palette = () => [1, 2, 3, 4, 5, 6, 7, 8].map((i) => color('c' + i));

const chartColors = () => ({ text: color('text'), muted: color('muted'), line: color('line'), card: color('card') });

const metrics = [
  { key: 'bytes', label: 'Bytes', of: (s) => s.bytes, text: bytesText },
  { key: 'points', label: 'Points', of: (s) => s.points.n, text: numberText },
  { key: 'series', label: 'Series', of: (s) => s.series.n, text: numberText },
];

// steps gives the shards of a policy as a line of steps, broken where there is none.
const steps = (shards, of, log) => {
  const line = [];
  shards.forEach((s, i) => {
    const v = log && of(s) <= 0 ? null : of(s); // zero has no logarithm
    line.push({ value: [s.from.ms, v], shard: s }, { value: [s.to.ms, v], shard: s });
    const next = shards[i + 1];
    if (next && next.from.ms > s.to.ms) line.push({ value: [s.to.ms, null] });
  });
  return line;
};

const trendOption = (by, metric, log) => {
  const colors = chartColors();
  return {
    useUTC: true, animation: false, color: palette(), textStyle: { fontFamily: 'system-ui, sans-serif' },
    grid: { left: narrow() ? 54 : leftOfTime(), right: rightOfTime(), top: 44, bottom: 30, outerBoundsMode: 'none' },
    // The names of series are numbers: two policies may look alike, and names are keys here.
    legend: { type: 'scroll', top: 4, left: 'center', icon: 'roundRect', itemWidth: 14, itemHeight: narrow() ? 10 : 4, inactiveColor: colors.line,
      textStyle: { color: colors.text, width: 240, overflow: 'truncate' }, pageTextStyle: { color: colors.muted },
      pageIconColor: colors.muted, pageIconInactiveColor: colors.line, formatter: (i) => by[i].policy.label,
      selected: Object.fromEntries(by.map((x, i) => [String(i), i < POLICIES_SEEN])) },
    tooltip: { ...tooltipStyle(colors), trigger: 'axis', axisPointer: { type: 'line', lineStyle: { color: colors.muted } },
      formatter: (list) => trendTip(list, by, metric) },
    xAxis: timeAxis(colors),
    yAxis: { type: log ? 'log' : 'value', axisLabel: { color: colors.muted, formatter: metric.text },
      splitLine: { lineStyle: { color: colors.line } } },
    dataZoom: [{ type: 'inside', disabled: true, filterMode: 'none', startValue: view.from, endValue: view.to }],
    series: by.map((x, i) => ({ name: String(i), type: 'line', showSymbol: false, lineStyle: { width: 1.5 },
      emphasis: { disabled: true }, data: steps(x.shards, metric.of, log) })),
  };
};

// switches makes buttons one of which is on.
const switches = (labels, choose) => {
  const buttons = labels.map((label, i) => el('button', { type: 'button', 'aria-pressed': String(i === 0) }, label));
  buttons.forEach((b, i) => b.addEventListener('click', () => {
    buttons.forEach((x) => x.setAttribute('aria-pressed', String(x === b)));
    choose(i);
  }));
  return buttons;
};

const makeTrend = () => {
  const box = byId('trend');
  const by = data.policies.map((p) => ({
    policy: p, shards: data.shards.filter((s) => s.policy === p.row && s.from && s.to).sort((a, b) => a.from.ms - b.from.ms),
  })).filter((x) => x.shards.length > 0).sort((a, b) => b.policy.bytes - a.policy.bytes);
  let metric = metrics[0], log = false;
  const chart = openChart(box, 300);
  const paint = () => chart.setOption(trendOption(by, metric, log), { notMerge: true });
  view.listeners.push(() => chart.dispatchAction({ type: 'dataZoom', dataZoomIndex: 0, startValue: view.from, endValue: view.to }));
  const scale = el('button', { type: 'button', class: 'apart', 'aria-pressed': 'false' }, 'Log scale');
  scale.addEventListener('click', () => {
    log = !log;
    scale.setAttribute('aria-pressed', String(log));
    paint();
  });
  byId('metrics').append(...switches(metrics.map((m) => m.label + (data.shards.some((s) => s[m.key].exact === false) ? ' (estimated)' : '')), (i) => {
    metric = metrics[i];
    paint();
  }), scale);
  if (by.length > POLICIES_SEEN) {
    byId('trendcard').append(el('p', { class: 'hint' }, 'The ' + POLICIES_SEEN + ' largest of ' + by.length +
      ' policies are switched on; the legend switches the others.'));
  }
  box.setAttribute('aria-label', 'Size, points and series of each shard over time; the table of shards holds the same.');
  paint();
  return { chart, paint };
};

const trendTip = (list, by, metric) => {
  const here = list.filter((p) => p.data.shard);
  if (!here.length) return '';
  const at = here[0].data.shard;
  return tip(fromTo(edgeText(at.from), edgeText(at.to)), [], here.map((p) => [
    el('span', {}, by[p.seriesIndex].policy.label + ' · ' + p.data.shard.id),
    metric.key === 'bytes' ? bytesText(metric.of(p.data.shard)) : amountText(p.data.shard[metric.key]),
  ]));
};

// makeBars draws rows as bars, and says in words how many more there are, or that there are none.
const makeBars = (id, spec) => {
  const parts = spec.parts.filter((p) => spec.rows.some((r) => p.of(r) > 0));
  const box = byId(id);
  const rows = spec.rows.filter((r) => parts.some((p) => p.of(r) > 0)).sort((a, b) => spec.total(b) - spec.total(a));
  if (!rows.length) {
    box.replaceWith(el('p', { class: 'hint' }, spec.none));
    return null;
  }
  const seen = rows.slice(0, BARS), labels = seen.map(spec.label);
  const beside = labelWidth(labels, 230) + 12;
  const height = () => seen.length * (narrow() ? TALL_BARS : 26) + (parts.length > 1 ? 56 : 32);
  const chart = openChart(box, height());
  const option = () => {
    const colors = chartColors(), paints = palette();
    return {
      animation: false, textStyle: { fontFamily: 'system-ui, sans-serif' },
      grid: { left: narrow() ? EDGE : beside, right: 64, top: parts.length > 1 ? 30 : 6, bottom: 24, outerBoundsMode: 'none' },
      legend: parts.length > 1 ? { top: 0, left: 0, icon: 'roundRect', itemWidth: 12, itemHeight: 10, textStyle: { color: colors.text } } : undefined,
      tooltip: { ...tooltipStyle(colors), trigger: 'axis', axisPointer: { type: 'shadow', shadowStyle: { color: color('faint') } },
        formatter: (list) => spec.tip(seen[list[0].dataIndex]) },
      xAxis: { type: 'value', axisLabel: { color: colors.muted, formatter: spec.text, hideOverlap: true }, splitNumber: 4,
        splitLine: { lineStyle: { color: colors.line } } },
      yAxis: nameAxis(labels, narrow() ? chart.getWidth() - 2 * EDGE : beside - 12, 11, colors),
      series: parts.map((p, i) => ({
        name: p.name, type: 'bar', stack: 'all', color: paints[p.color], barMaxWidth: 16, data: seen.map(p.of),
        label: i === parts.length - 1 ? { show: true, position: 'right', color: colors.muted,
          formatter: (x) => spec.figure(seen[x.dataIndex]) } : undefined,
      })),
    };
  };
  const paint = () => {
    fitChart(chart, height());
    chart.setOption(option(), { notMerge: true });
  };
  chart.on('click', (p) => showRow(spec.table, seen[p.dataIndex]));
  if (rows.length > seen.length) {
    box.after(el('p', { class: 'hint' }, 'The ' + BARS + ' largest of ' + grouped(rows.length) + '; ',
      el('a', { href: '#' + spec.table }, 'the table'), ' has them all.'));
  }
  box.setAttribute('aria-label', spec.said + ': ' + seen.map((r) => spec.label(r) + ' ' + spec.figure(r)).join(', '));
  paint();
  return { chart, paint };
};

const manyPolicies = new Set(data.measurements.map((m) => m.policy)).size > 1;
const measurementLabel = (m) => (manyPolicies ? m.name + ' · ' + m.label : m.name);

const makeSizes = () => makeBars('sizes', {
  rows: data.policies, table: 'policies', said: 'Size of the policies', none: 'No policy has files.', text: bytesText,
  label: (p) => p.label, total: (p) => p.bytes, figure: (p) => bytesText(p.bytes),
  parts: [{ name: 'TSM', color: 0, of: (p) => p.tsmBytes }, { name: 'WAL', color: 1, of: (p) => p.walBytes },
    { name: 'other', color: 7, of: (p) => Math.max(0, p.bytes - p.tsmBytes - p.walBytes) }],
  tip: (p) => tip(p.label, [], [['Size', bytesText(p.bytes)], ['TSM', bytesText(p.tsmBytes)], ['WAL', bytesText(p.walBytes)],
    ['Shards', grouped(p.shards)], ['Points', amountText(p.points)]]),
});

const makeSeries = () => makeBars('series', {
  rows: data.measurements, table: 'measurements', said: 'Series of the measurements', none: 'No measurements were found.',
  text: numberText, label: measurementLabel, total: (m) => m.series.n, figure: (m) => amountText(m.series),
  parts: [{ name: 'series', color: 2, of: (m) => m.series.n }],
  tip: (m) => tip(m.name, [], [['Policy', m.label], ['Series', amountText(m.series)], ['Columns', grouped(m.columns)],
    ['Fields', grouped(m.fields)], ['Tags', grouped(m.tags)], ['Shards', grouped(m.shards)]]),
});

const makeTagValues = () => makeBars('tagvalues', {
  rows: data.tags, table: 'tags', said: 'Values of the tag keys', none: 'No series has tags.', text: numberText,
  label: (t) => t.key + ' · ' + t.of.name, total: (t) => t.values.n, figure: (t) => amountText(t.values),
  parts: [{ name: 'values', color: 3, of: (t) => t.values.n }],
  tip: (t) => tip(t.key, [], [['Measurement', t.of.name], ['Policy', t.of.label], ['Values', amountText(t.values)]]),
});
