// SPDX-License-Identifier: Apache-2.0
// Text, numbers and times, and the making of elements. Strings become text nodes, never HTML.

const grouped = (n) => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

const plural = (n, one, many) => (n === 1 ? '1 ' + one : grouped(n) + ' ' + many);

// amountText gives an estimate three digits, for it is not good for more.
const amountText = (a) => (a.exact ? grouped(a.n) : '~' + grouped(Number(a.n.toPrecision(3))));

// short gives a number for an axis.
const short = (n, units, suffix) => {
  let v = n, i = 0;
  while (Math.abs(v) >= 999.5 && i < units.length - 1) { v /= 1000; i++; }
  const digits = i === 0 ? (Number.isInteger(v) ? 0 : 2) : Math.abs(v) < 9.95 ? 1 : 0;
  return v.toFixed(digits).replace(/\.0$/, '') + units[i] + suffix;
};
const bytesText = (n) => short(n, [' ', ' k', ' M', ' G', ' T', ' P', ' E'], 'B');
const numberText = (n) => short(n, ['', ' k', ' M', ' G', ' T', ' P', ' E'], '');

// timeText writes {ms, ns} in UTC with all its digits, but without seconds that are zero.
const timeText = (t) => {
  if (!t) return '';
  const iso = new Date(t.ms).toISOString(); // 2024-01-31T12:34:56.789Z
  let fraction = iso.slice(20, 23) + (t.ns ? String(t.ns).padStart(6, '0') : '');
  fraction = fraction.replace(/0+$/, '');
  const seconds = iso.slice(17, 19);
  return iso.slice(0, 10) + ' ' + iso.slice(11, 16) +
    (seconds !== '00' || fraction ? ':' + seconds : '') + (fraction ? '.' + fraction : '');
};

// edgeText writes a border of a shard group, which is mostly midnight.
const edgeText = (t) => timeText(t).replace(/ 00:00$/, '');

const spanText = (ms) => {
  const hours = ms / 36e5;
  if (hours >= 17520) return (hours / 8766).toFixed(1).replace(/\.0$/, '') + ' years';
  if (hours >= 48) return plural(Math.round(hours / 24), 'day', 'days');
  if (hours >= 2) return plural(Math.round(hours), 'hour', 'hours');
  return plural(Math.round(hours * 60), 'minute', 'minutes');
};

// idsText writes shard ids with runs of them joined: 1–5, 8.
const idsText = (ids) => {
  const parts = [];
  for (let i = 0; i < ids.length;) {
    let j = i;
    while (j + 1 < ids.length && ids[j + 1] === ids[j] + 1) j++;
    parts.push(j > i + 1 ? ids[i] + '–' + ids[j] : j > i ? ids[i] + ', ' + ids[j] : String(ids[i]));
    i = j + 1;
  }
  return parts.join(', ');
};

const el = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== ''));
  return node;
};

// whole is text that is not broken at the end of a line, such as a time at its hyphens.
const whole = (text) => el('span', { class: 'whole' }, text);

const fromTo = (from, to) => el('span', {}, whole(from), ' to ', whole(to));

const byId = (id) => document.getElementById(id);

// color reads a custom property of the style, where all colours are.
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
