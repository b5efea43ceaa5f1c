// SPDX-License-Identifier: Apache-2.0
// Reads the report that lies in the page: rows are arrays there, and objects from here on.

const timeCells = new Set(['start', 'end', 'groupStart', 'groupEnd']);
const amountCells = new Set(['series', 'points', 'values']);
const listCells = new Set(['replicas', 'kinds', 'owners']);
const textCells = new Set(['database', 'policy', 'name', 'key', 'duration', 'shardDuration', 'path', 'reason',
  'part', 'file', 'field', 'kind']);

const readTime = (v) => (v === null || v === undefined ? null
  : Array.isArray(v) ? { ms: v[0], ns: v[1] } : { ms: v, ns: 0 });

const readAmount = (v) => (typeof v === 'string' ? { n: Number(v.slice(1)), exact: false } : { n: v || 0, exact: true });

const readCell = (name, v) => {
  if (timeCells.has(name)) return readTime(v);
  if (v !== undefined) return v;
  return listCells.has(name) ? [] : textCells.has(name) ? '' : 0;
};

const readTable = (table, amounts) => table.rows.map((cells) => {
  const row = {};
  table.columns.forEach((name, i) => {
    row[name] = amounts && amountCells.has(name) ? readAmount(cells[i]) : readCell(name, cells[i]);
  });
  return row;
});

const data = (() => {
  const raw = JSON.parse(byId('data').textContent);
  const d = {
    faultCount: raw.faultCount,
    policies: readTable(raw.policies, true),
    shards: readTable(raw.shards, true),
    gaps: readTable(raw.gaps),
    missing: readTable(raw.missing),
    measurements: readTable(raw.measurements, true),
    fields: readTable(raw.fields),
    tags: readTable(raw.tags, true),
    conflicts: readTable(raw.conflicts),
    faults: readTable(raw.faults),
    leftOut: readTable(raw.leftOut),
  };
  d.policies.forEach((p, i) => { p.row = i; p.label = p.policy ? p.database + '.' + p.policy : p.database; });
  const joined = (rows) => rows.forEach((r) => {
    r.place = d.policies[r.policy] || null;
    r.label = r.place ? r.place.label : r.database || '';
  });
  [d.shards, d.gaps, d.missing, d.measurements, d.conflicts, d.faults].forEach(joined);
  d.fields.forEach((f) => { f.of = d.measurements[f.measurement]; });
  d.tags.forEach((t) => { t.of = d.measurements[t.measurement]; });
  d.shards.forEach((s) => {
    s.paths = s.replicas.map((r) => (typeof r === 'number'
      ? [raw.dataDirs[r], s.place.database, s.place.policy, s.id].join('/') : r));
  });
  return d;
})();

// faultsOf gives the faults of a shard.
const faultsOf = (() => {
  const by = new Map();
  for (const f of data.faults) {
    const key = f.policy + ' ' + f.shard;
    if (!by.has(key)) by.set(key, []);
    by.get(key).push(f);
  }
  return (s) => by.get(s.policy + ' ' + s.id) || [];
})();
