// SPDX-License-Identifier: Apache-2.0
// Which tables there are, and the tabs that hold them.

const LONG_LIST = 120; // characters

// leadTo is a cell that leads to its place in the picture.
const leadTo = (text, row, from, to) => (from && to && extent
  ? el('button', { type: 'button', class: 'link', title: 'Show in the timeline', onclick: () => seek(row, from, to) }, text) : text);

const listNode = (text) => (text.length <= LONG_LIST ? text
  : el('details', {}, el('summary', {}, text.slice(0, LONG_LIST - 20).replace(/, [^,]*$/, '') + ' …'), text));

const kindPills = (f) => f.kinds.map((k) => pill(f.kinds.length > 1 ? 'notice' : 'plain', k));

const flag = (v, yes) => (v ? yes : '');

const policyColumns = [
  ['Database', 'text', (p) => p.database],
  ['Policy', 'text', (p) => p.policy + (p.default ? ' (default)' : '')],
  ['Shards', 'count', (p) => p.shards],
  ['First', 'time', (p) => p.start],
  ['Last', 'time', (p) => p.end],
  ['Duration', 'text', (p) => p.duration],
  ['Shard duration', 'text', (p) => p.shardDuration + (p.guessed && p.shardDuration ? ' (guessed)' : '')],
  ['Replication', 'count', (p) => p.replication],
  ['Series', 'amount', (p) => p.series],
  ['Columns', 'count', (p) => p.columns],
  ['Points', 'amount', (p) => p.points],
  ['Size', 'bytes', (p) => p.bytes],
  ['WAL', 'bytes', (p) => p.walBytes],
  ['TSM files', 'count', (p) => p.tsmFiles],
  ['Overlapping', 'count', (p) => p.overlapping],
  ['Deletes', 'count', (p) => p.deletes],
  ['Faults', 'count', (p) => p.faults],
  ['Lose data', 'count', (p) => p.lost],
  ['In the metastore', 'text', (p) => (p.listed ? 'yes' : 'no')],
];

const shardColumns = [
  ['Policy', 'text', (s) => s.label],
  ['Shard', 'id', (s) => s.id, (s) => leadTo(String(s.id), s, s.from, s.to)],
  ['State', 'text', (s) => (s.states.length ? s.states : [s.state]).map((x) => x.label).join(', '), statePills],
  ['Group from', 'edge', (s) => s.groupStart],
  ['to', 'edge', (s) => s.groupEnd],
  ['First', 'time', (s) => s.start],
  ['Last', 'time', (s) => s.end],
  ['Series', 'amount', (s) => s.series],
  ['Columns', 'count', (s) => s.columns],
  ['Points', 'amount', (s) => s.points],
  ['Values', 'amount', (s) => s.values],
  ['Size', 'bytes', (s) => s.bytes],
  ['TSM files', 'count', (s) => s.tsmFiles],
  ['Generations', 'count', (s) => s.generations],
  ['Blocks', 'count', (s) => s.blocks],
  ['Overlapping', 'count', (s) => s.overlapping],
  ['Deletes', 'count', (s) => s.deletes],
  ['WAL', 'bytes', (s) => s.walBytes],
  ['WAL values', 'count', (s) => s.walValues],
  ['Faults', 'count', (s) => s.faults],
  ['Lose data', 'count', (s) => s.lost],
  ['Lies in', 'code', (s) => s.paths.join(', ')],
];

const shardOf = (f) => data.shards.find((s) => s.policy === f.policy && s.id === f.shard);

const faultColumns = [
  ['Loses data', 'text', (f) => (f.lost ? 'loses data' : 'loses nothing'),
    (f) => pill(f.lost ? 'lost' : 'faulty', f.lost ? 'loses data' : 'loses nothing')],
  ['Policy', 'text', (f) => f.label],
  ['Shard', 'id', (f) => f.shard || '', (f) => { // a fault of a source is about no shard
    const s = f.shard ? shardOf(f) : null;
    return s ? leadTo(String(f.shard), s, s.from, s.to) : f.shard ? String(f.shard) : '';
  }],
  ['Part', 'text', (f) => f.part],
  ['What', 'text', (f) => f.reason],
  ['Values', 'some', (f) => f.values || ''],
  ['First', 'time', (f) => f.start],
  ['Last', 'time', (f) => f.end],
  ['File', 'code', (f) => f.file],
  ['At byte', 'some', (f) => (f.offset >= 0 && f.file ? f.offset : '')],
  ['Series or column', 'code', (f) => f.key],
];

const measurementColumns = [
  ['Policy', 'text', (m) => m.label],
  ['Measurement', 'text', (m) => m.name],
  ['Series', 'amount', (m) => m.series],
  ['Columns', 'count', (m) => m.columns],
  ['Fields', 'count', (m) => m.fields],
  ['Tags', 'count', (m) => m.tags],
  ['Shards', 'count', (m) => m.shards],
  ['Bytes of blocks', 'bytes', (m) => m.bytes],
  ['First', 'time', (m) => m.start],
  ['Last', 'time', (m) => m.end],
];

const tableSpecs = [
  { id: 'faults', label: 'Faults', bad: data.faults.some((f) => f.lost) ? 'lost' : 'notice',
    rows: [...data.faults].sort((a, b) => b.lost - a.lost), count: data.faultCount,
    note: data.faultCount > data.faults.length ? 'The report lists ' + grouped(data.faults.length) + ' of ' +
      plural(data.faultCount, 'fault', 'faults') + '; the tables of shards and policies count them all.' : '',
    columns: faultColumns, none: 'No faults.' },
  { id: 'missing', label: 'Missing shards', bad: 'lost', rows: data.missing, none: 'No shard is missing.',
    note: 'Shards that a metastore lists and no source has.', columns: [
      ['Policy', 'text', (m) => m.label],
      ['Shard', 'id', (m) => m.id, (m) => leadTo(String(m.id), m, m.start, m.end)],
      ['From', 'edge', (m) => m.start],
      ['To', 'edge', (m) => m.end],
      ['Owners', 'text', (m) => m.owners.join(', ')],
    ] },
  { id: 'gaps', label: 'Holes', bad: 'notice', rows: data.gaps, none: 'No holes between the shards.',
    note: 'Stretches between the first and the last shard of a policy for which there is none.', columns: [
      ['Policy', 'text', (g) => g.label],
      ['From', 'edge', (g) => g.start, (g) => leadTo(edgeText(g.start), g, g.start, g.end)],
      ['To', 'edge', (g) => g.end],
      ['Length', 'span', (g) => g.end.ms - g.start.ms],
      ['Room for shards', 'count', (g) => g.groups],
      ['Of these missing', 'count', (g) => g.missing],
    ] },
  { id: 'conflicts', label: 'Type conflicts', bad: 'notice', rows: data.conflicts, none: 'Every field has one type in each policy.',
    count: new Set(data.conflicts.map((c) => c.conflict)).size,
    note: 'Fields with several types, one row for each type. An import into shards of another length refuses some of their values.', columns: [
      ['Policy', 'text', (c) => c.label],
      ['Measurement', 'text', (c) => c.measurement],
      ['Field', 'text', (c) => c.field],
      ['Type', 'text', (c) => c.kind, (c) => pill('notice', c.kind)],
      ['Columns', 'count', (c) => c.columns],
      ['Shards', 'count', (c) => c.shards.length],
      ['Which', 'text', (c) => idsText(c.shards), (c) => listNode(idsText(c.shards))],
      ['First', 'time', (c) => c.start],
      ['Last', 'time', (c) => c.end],
    ] },
  { id: 'policies', label: 'Policies', rows: data.policies, columns: policyColumns, none: 'No policies.' },
  { id: 'shards', label: 'Shards', rows: data.shards, columns: shardColumns, none: 'No shards.' },
  { id: 'measurements', label: 'Measurements', rows: data.measurements, columns: measurementColumns, none: 'No measurements.' },
  { id: 'fields', label: 'Fields', rows: data.fields, none: 'No fields.', columns: [
    ['Policy', 'text', (f) => f.of.label],
    ['Measurement', 'text', (f) => f.of.name],
    ['Field', 'text', (f) => f.name],
    ['Types', 'text', (f) => f.kinds.join(', '), kindPills],
    ['Columns', 'count', (f) => f.columns],
    ['First', 'time', (f) => f.start],
    ['Last', 'time', (f) => f.end],
  ] },
  { id: 'tags', label: 'Tag keys', rows: data.tags, none: 'No tags.', columns: [
    ['Policy', 'text', (t) => t.of.label],
    ['Measurement', 'text', (t) => t.of.name],
    ['Tag key', 'text', (t) => t.key],
    ['Values', 'amount', (t) => t.values],
  ] },
  { id: 'leftout', label: 'Left out', rows: data.leftOut, none: 'Nothing was left out.',
    note: 'Shards that a server would not show, and files that are no data.', columns: [
      ['Path', 'code', (l) => l.path],
      ['Why', 'text', (l) => l.reason],
    ] },
];

// tabs holds the tables by id. A table is made when it is first looked at.
const tabs = new Map();

const openTab = (id, focus) => {
  const tab = tabs.get(id);
  if (!tab) return null;
  tabs.forEach((t) => {
    const on = t === tab;
    t.button.setAttribute('aria-selected', String(on));
    t.button.tabIndex = on ? 0 : -1;
    t.panel.hidden = !on;
  });
  if (focus) tab.button.focus();
  return tab.fill();
};

const makeTab = (spec) => {
  const many = spec.count === undefined ? spec.rows.length : spec.count;
  const button = el('button', { type: 'button', role: 'tab', id: 'tab-' + spec.id, 'aria-controls': 'panel-' + spec.id,
    class: !many ? 'none' : spec.bad || '', onclick: () => openTab(spec.id) }, spec.label + ' ', el('b', {}, grouped(many)));
  const panel = el('div', { role: 'tabpanel', id: 'panel-' + spec.id, 'aria-labelledby': 'tab-' + spec.id, hidden: true },
    el('h3', {}, spec.label));
  const tab = { button, panel, table: null };
  tab.fill = () => {
    if (!tab.table && spec.rows.length) tab.table = new Table(panel, spec);
    else if (!tab.table && panel.children.length === 1) panel.append(el('p', { class: 'hint' }, spec.none));
    return tab.table;
  };
  tabs.set(spec.id, tab);
};

const makeTables = () => {
  tableSpecs.forEach(makeTab);
  const list = document.querySelector('.tabs');
  list.append(...[...tabs.values()].map((t) => t.button));
  document.querySelector('.panels').append(...[...tabs.values()].map((t) => t.panel));
  const ids = [...tabs.keys()];
  list.addEventListener('keydown', (e) => {
    const now = ids.findIndex((id) => tabs.get(id).button === e.target);
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: ids.length - 1 }[e.key];
    if (now < 0 || to === undefined) return;
    openTab(ids[(to + ids.length) % ids.length], true);
    e.preventDefault();
  });
  const first = tableSpecs.find((s) => s.bad && s.rows.length) || tableSpecs.find((s) => s.id === 'shards');
  openTab(first.id);
};

const bring = (node) => node.scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });

// showRow shows one row of a table alone.
const showRow = (id, row) => {
  const table = openTab(id);
  if (!table) return;
  table.show(row);
  bring(byId('tables'));
};

// seek shows a row's stretch of time in the picture, with some of what lies beside it.
const seek = (row, from, to) => {
  const around = Math.max((to.ms - from.ms) * 3, 36e5);
  setView(from.ms - around, to.ms + around);
  bring(byId('picture'));
  byId('timeline').focus({ preventScroll: true });
  charts.timeline.point(row);
};

// followLink opens the table that the address names behind #.
const followLink = (filter) => {
  const id = location.hash.slice(1);
  if (!tabs.has(id)) return;
  const table = openTab(id);
  if (table) table.search(filter || '');
  bring(byId('tables'));
};
