// SPDX-License-Identifier: Apache-2.0
// The picture: one row for each policy, one bar for each shard, holes and missing shards hatched.

const ROW = 34, TALL_ROW = 48; // pixels; tall where the label is above the bars
const TALL_BAR = 20;
const ROWS_SEEN = 24; // more than these are scrolled

// extent is all the time that anything is drawn at, bulk the part of it that nearly all shards
// are in: a few points of 1970 must not squeeze three years into a line.
const extent = (() => {
  let min = Infinity, max = -Infinity;
  const take = (a, b) => {
    if (a) min = Math.min(min, a.ms);
    if (b) max = Math.max(max, b.ms);
  };
  data.shards.forEach((s) => take(s.from, s.to));
  data.missing.forEach((m) => take(m.start, m.end));
  data.gaps.forEach((g) => take(g.start, g.end));
  if (min > max) return null;
  const pad = Math.max((max - min) * 0.005, 6e5);
  return { min: min - pad, max: max + pad };
})();

const bulk = (() => {
  const sorted = (of) => data.shards.filter((s) => s.from && s.to).map((s) => of(s).ms).sort((a, b) => a - b);
  const starts = sorted((s) => s.from), ends = sorted((s) => s.to);
  if (!extent || starts.length < 10) return extent;
  const at = (times, q) => times[Math.min(times.length - 1, Math.floor(q * times.length))];
  const low = at(starts, 0.02), high = at(ends, 0.98), span = Math.max(high - low, 36e5);
  if (span * 4 > extent.max - extent.min) return extent;
  return { min: Math.max(extent.min, low - span * 0.1), max: Math.min(extent.max, high + span * 0.1) };
})();

// The kinds of things that are drawn and can be switched off, as the legend has them.
const layers = states.map((s) => ({
  key: s.key, label: s.label, many: data.shards.filter((x) => x.from && x.state === s).length, on: true,
})).concat([
  { key: 'missing', label: 'missing', many: data.missing.length, on: true },
  { key: 'hole', label: data.gaps.length === 1 ? 'hole' : 'holes', many: data.gaps.length, on: true },
]);
const shownLayer = (key) => layers.find((l) => l.key === key).on;

// drawn counts what the last painting drew.
const drawn = { shards: 0, gaps: 0, missing: 0, marks: 0 };
const countDrawn = (what, params) => { drawn[what] = params.dataIndexInside === 0 ? 1 : drawn[what] + 1; };

// hatch gives a pattern of slanted lines.
const hatch = (line) => {
  const tile = document.createElement('canvas');
  tile.width = tile.height = 8;
  const c = tile.getContext('2d');
  c.strokeStyle = line;
  c.lineWidth = 1.6;
  for (const x of [-8, 0, 8]) {
    c.beginPath();
    c.moveTo(x - 1, 9);
    c.lineTo(x + 9, -1);
    c.stroke();
  }
  return { image: tile, repeat: 'repeat' };
};

// place gives the pixels of a stretch of time in a row; nothing is narrower than least. Borders
// lie on whole pixels, or a thousand neighbours would shimmer.
const place = (api, policy, from, to, least) => {
  const [left, middle] = api.coord([from, policy]);
  let x = Math.round(left), width = Math.round(api.coord([to, policy])[0]) - x;
  if (width < least) {
    x -= Math.floor((least - width) / 2);
    width = least;
  }
  const row = api.size([0, 1])[1];
  if (narrow()) return { x, y: Math.round(middle + row / 2 - 3 - TALL_BAR), width, height: TALL_BAR };
  const height = Math.round(Math.min(26, row * 0.62));
  return { x, y: Math.round(middle - height / 2), width, height };
};

const drawShard = (items, colors) => (params, api) => {
  const s = items[params.dataIndex].shard;
  const fill = colors[s.state.key];
  const bad = s.faults > 0;
  const box = place(api, api.value(0), api.value(1), api.value(2), bad ? 3 : 1);
  countDrawn('shards', params);
  const hover = { style: { stroke: colors.text, lineWidth: 1.5 } };
  if (s.state.key === 'empty') {
    return { type: 'rect', shape: box, style: { fill: 'transparent', stroke: fill, lineWidth: 1 }, emphasis: hover };
  }
  if (box.width < 4 || !s.start) {
    return { type: 'rect', shape: box, style: { fill, opacity: s.start ? 1 : 0.4 }, emphasis: hover };
  }
  box.width -= 1; // tells neighbours apart
  const inner = place(api, api.value(0), Math.max(s.start.ms, api.value(1)), Math.min(s.end.ms, api.value(2)), 2);
  inner.width = Math.max(1, Math.min(inner.width, box.x + box.width - inner.x));
  return {
    type: 'group',
    children: [
      { type: 'rect', shape: { ...box, r: 2 }, style: { fill, opacity: 0.28 }, emphasis: { style: { ...hover.style, opacity: 0.45 } } },
      { type: 'rect', shape: { ...inner, r: box.width > 8 ? 2 : 0 }, style: { fill }, emphasis: { style: {} } },
    ],
  };
};

const drawHatched = (what, pattern, line, colors) => (params, api) => {
  countDrawn(what, params);
  const shape = place(api, api.value(0), api.value(1), api.value(2), 4);
  const narrow = shape.width < 10;
  return {
    type: 'rect',
    shape,
    style: { fill: narrow ? colors.card : pattern, stroke: line, lineWidth: narrow ? 1.5 : 1 },
    emphasis: { style: { lineWidth: 2 } },
  };
};

// drawMark points at a damaged shard, or, hollow, at a missing one; either may be a pixel wide.
const drawMark = (items, colors) => (params, api) => {
  const box = place(api, api.value(0), api.value(1), api.value(2), 1);
  const x = box.x + box.width / 2;
  const shard = items[params.dataIndex].shard;
  countDrawn('marks', params);
  return {
    type: 'polygon',
    shape: { points: [[x - 4.5, box.y - 6], [x + 4.5, box.y - 6], [x, box.y + 1]] },
    style: shard ? { fill: colors[shard.state.key], stroke: colors.card, lineWidth: 1 }
      : { fill: colors.card, stroke: colors.missing, lineWidth: 1.5 },
    emphasis: { style: { stroke: colors.text } },
  };
};

const timelineColors = () => Object.fromEntries(
  [...layers.map((l) => l.key), 'text', 'muted', 'line', 'card'].map((key) => [key, color(key)]));

const timelineSeries = (colors) => {
  const custom = (id, z, items, renderItem) => ({
    id, type: 'custom', z, clip: true, data: items, renderItem, encode: { x: [1, 2], y: 0 }, animation: false,
    progressive: 0, // in one go: a picture that is painted part by part looks like one with holes
  });
  const shards = data.shards
    .filter((s) => s.from && s.to && shownLayer(s.state.key))
    .sort((a, b) => b.state.rank - a.state.rank)
    .map((s) => ({ value: [s.policy, s.from.ms, Math.max(s.to.ms, s.from.ms)], shard: s }));
  const ranged = (rows, key) => rows.map((r) => ({ value: [r.policy, r.start.ms, r.end.ms], [key]: r }));
  const gaps = shownLayer('hole') ? ranged(data.gaps, 'gap') : [];
  const missing = shownLayer('missing') ? ranged(data.missing.filter((m) => m.start && m.end), 'missing') : [];
  const marks = [...missing, ...shards.filter((i) => i.shard.faults > 0)];
  return [
    custom('gaps', 3, gaps, drawHatched('gaps', hatch(colors.hole), colors.hole, colors)),
    custom('missing', 4, missing, drawHatched('missing', hatch(colors.missing), colors.missing, colors)),
    custom('shards', 2, shards, drawShard(shards, colors)),
    custom('marks', 5, marks, drawMark(marks, colors)),
  ];
};

const tip = (title, pills, rows, after) => el('div', { class: 'tip' },
  el('div', { class: 'title' }, title), pills.length ? el('div', { class: 'pills' }, ...pills) : null,
  el('dl', {}, ...rows.filter((r) => r[1]).map(([k, v]) => el('div', {}, el('dt', {}, k), el('dd', {}, v)))),
  ...(after || []));

const shardTip = (s) => {
  const faults = faultsOf(s);
  const after = faults.slice(0, 3).map((f) => el('p', { class: f.lost ? 'lost' : 'faulty' },
    f.part + (f.values ? ', ' + plural(f.values, 'value', 'values') : '') + ': ' + f.reason));
  if (faults.length > 3) after.push(el('p', {}, 'and ' + grouped(faults.length - 3) + ' more'));
  return tip(s.label + ' · shard ' + s.id, statePills(s), [
    ['Group', s.groupStart && s.groupEnd && fromTo(edgeText(s.groupStart), edgeText(s.groupEnd))],
    ['Holds', s.start ? fromTo(timeText(s.start), timeText(s.end)) : 'nothing'],
    ['Series', amountText(s.series) + ', ' + plural(s.columns, 'column', 'columns')],
    ['Points', amountText(s.points) + ', ' + amountText(s.values) + ' values'],
    ['Size', bytesText(s.bytes)],
    ['TSM', plural(s.tsmFiles, 'file', 'files') + ', ' + plural(s.generations, 'generation', 'generations') +
      (s.overlapping ? ', ' + grouped(s.overlapping) + ' overlapping' : '')],
    ['WAL', s.walSegments ? bytesText(s.walBytes) + ' in ' + plural(s.walSegments, 'segment', 'segments') +
      ', ' + plural(s.walValues, 'value', 'values') : s.flags & FLAG.noWal ? 'none' : 'empty'],
    ['Deletes', s.deletes ? grouped(s.deletes) + ' in ' + plural(s.tombstones, 'file', 'files') : ''],
    ['Copies', s.paths.length > 1 ? String(s.paths.length) : ''],
    ['Faults', s.faults ? grouped(s.faults) + (s.lost ? ' (' + plural(s.lost, 'loses data', 'lose data') + ')' : '') : ''],
  ], after);
};

const timelineTip = (item) => {
  if (item.shard) return shardTip(item.shard);
  const r = item.gap || item.missing;
  const rows = [['From', edgeText(r.start)], ['To', edgeText(r.end)], ['Length', spanText(r.end.ms - r.start.ms)]];
  if (item.missing) {
    return tip(r.label + ' · shard ' + r.id, [pill('missing', 'missing')],
      [...rows, ['Owners', (r.owners || []).join(', ')]], [el('p', {}, 'Only the metastore knows it.')]);
  }
  return tip(r.label, [pill('hole', 'hole')], [...rows, ['Room for', plural(r.groups, 'shard', 'shards')],
    ['Missing', r.missing ? plural(r.missing, 'shard', 'shards') + ' that the metastore lists' : '']]);
};
