// SPDX-License-Identifier: Apache-2.0
// What can be said of a shard. A shard is drawn in the colour of the worst that applies.

const FLAG = { unlisted: 1, expired: 2, noWal: 4 };

const states = [ // worst first
  { key: 'lost', label: 'loses data', applies: (s) => s.lost > 0 },
  { key: 'faulty', label: 'faults, nothing lost', applies: (s) => s.faults > s.lost },
  { key: 'unlisted', label: 'not in the metastore', applies: (s) => (s.flags & FLAG.unlisted) !== 0 },
  { key: 'expired', label: 'past its duration', applies: (s) => (s.flags & FLAG.expired) !== 0 },
  { key: 'walonly', label: 'in the WAL only', applies: (s) => s.tsmFiles === 0 && s.walBytes > 0 },
  { key: 'empty', label: 'empty', applies: (s) => !s.start },
  { key: 'overlapping', label: 'overlapping files', applies: (s) => s.overlapping > 0 },
  { key: 'sound', label: 'sound', applies: () => true },
];
states.forEach((s, i) => { s.rank = i; });

data.shards.forEach((s) => {
  s.states = states.filter((x) => x.key !== 'sound' && x.applies(s));
  s.state = s.states[0] || states[states.length - 1];
  s.from = s.groupStart || s.start;
  s.to = s.groupEnd || s.end;
});

const pill = (key, label) => el('span', { class: 'pill ' + key }, label);

const statePills = (s) => (s.states.length ? s.states : [s.state]).map((x) => pill(x.key, x.label));
