// SPDX-License-Identifier: Apache-2.0
// Tables that sort and filter. Rows are made into elements a few hundred at a time.

const FIRST_ROWS = 100, MORE_ROWS = 500;
const LONG_CELL = 44, LONG_CODE = 160; // characters; longer ones are broken into lines

const collator = new Intl.Collator('en', { numeric: true });

// compare puts what is absent last, whichever way the table is sorted.
const compare = (a, b, turn) => {
  const none = (v) => v === null || v === undefined || v === '';
  if (none(a) || none(b)) return none(a) - none(b);
  return turn * (typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b)));
};

// The kinds of columns: how a cell is sorted, written and aligned.
const kinds = {
  text: { sort: (v) => v, text: (v) => String(v) },
  code: { sort: (v) => v, text: (v) => String(v), css: 'code' },
  count: { sort: (v) => v, text: (v) => grouped(v), css: 'num', falls: true },
  some: { sort: (v) => v, text: (v) => (v === '' ? '' : grouped(v)), css: 'num', falls: true },
  span: { sort: (v) => v, text: spanText, css: 'num', falls: true },
  id: { sort: (v) => v, text: (v) => String(v), css: 'num' },
  bytes: { sort: (v) => v, text: bytesText, css: 'num', falls: true },
  amount: { sort: (v) => v.n, text: amountText, css: 'num', falls: true },
  time: { sort: (v) => (v ? v.ms + v.ns / 1e6 : null), text: timeText, css: 'time' },
  edge: { sort: (v) => (v ? v.ms : null), text: edgeText, css: 'time' },
};

// A column: [name, kind, of(row), optional node(row) that is shown in place of the text].
class Table {
  constructor(panel, spec) {
    this.spec = spec;
    this.rows = spec.rows;
    this.seen = spec.rows;
    this.limit = FIRST_ROWS;
    this.sorted = -1;
    this.turn = 1;
    this.words = new Map();
    this.only = null; // one row, when something else on the page points at it
    this.filter = el('input', { type: 'search', placeholder: 'Filter: words that a row must have', 'aria-label': 'Filter ' + spec.label,
      spellcheck: 'false', autocomplete: 'off', oninput: () => this.find() });
    this.state = el('span', { class: 'state', role: 'status' });
    this.body = el('tbody');
    this.more = el('div', { class: 'more' });
    this.heads = spec.columns.map(([name, kind], i) => el('th', { scope: 'col', class: kinds[kind].css || '' },
      el('button', { type: 'button', onclick: () => this.sort(i) }, name)));
    panel.append(
      el('div', { class: 'tools' }, this.filter, this.state),
      spec.note ? el('p', { class: 'hint' }, spec.note) : '',
      el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': spec.label },
        el('table', {}, el('thead', {}, el('tr', {}, ...this.heads)), this.body)),
      this.more);
    this.paint();
  }

  sort(i) {
    const kind = kinds[this.spec.columns[i][1]];
    this.turn = this.sorted === i ? -this.turn : kind.falls ? -1 : 1;
    this.sorted = i;
    this.heads.forEach((h, j) => (j === i ? h.setAttribute('aria-sort', this.turn > 0 ? 'ascending' : 'descending') : h.removeAttribute('aria-sort')));
    const of = this.spec.columns[i][2];
    const keys = new Map(this.spec.rows.map((r) => [r, kind.sort(of(r))]));
    this.rows = [...this.spec.rows].sort((a, b) => compare(keys.get(a), keys.get(b), this.turn));
    this.find(true);
  }

  // text is all that a row shows, for the filter.
  text(row) {
    if (!this.words.has(row)) {
      const cells = this.spec.columns.map(([, kind, of]) => kinds[kind].text(of(row)));
      this.words.set(row, cells.join('\n').toLowerCase());
    }
    return this.words.get(row);
  }

  find(keep) {
    if (!keep) {
      this.only = null;
      this.limit = FIRST_ROWS;
    }
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.seen = this.only ? [this.only] : this.rows.filter((r) => words.every((w) => this.text(r).includes(w)));
    this.paint();
  }

  // search filters by a text.
  search(text) {
    this.filter.value = text;
    this.find();
  }

  show(row) {
    this.filter.value = '';
    this.only = row;
    this.find(true);
  }

  paint() {
    this.body.replaceChildren(...this.seen.slice(0, this.limit).map((r) => this.line(r)));
    this.tell();
  }

  extend(n) {
    this.body.append(...this.seen.slice(this.limit, this.limit + n).map((r) => this.line(r)));
    this.limit += n;
    this.tell();
  }

  tell() {
    const all = this.spec.rows.length, found = this.seen.length, made = Math.min(found, this.limit);
    this.state.textContent = (found === all ? plural(all, 'row', 'rows') : grouped(found) + ' of ' + plural(all, 'row', 'rows')) +
      (made < found ? ', the first ' + grouped(made) + ' are shown' : '');
    const left = found - made, buttons = [];
    const button = (text, act) => buttons.push(el('button', { type: 'button', onclick: act }, text));
    if (left > MORE_ROWS) button('Show ' + grouped(MORE_ROWS) + ' more', () => this.extend(MORE_ROWS));
    if (left > 0) button('Show all ' + grouped(found), () => this.extend(left));
    if (this.only) button('Show all ' + plural(all, 'row', 'rows'), () => this.find());
    this.more.replaceChildren(...buttons);
  }

  line(row) {
    return el('tr', {}, ...this.spec.columns.map(([, kind, of, node]) => {
      const text = kinds[kind].text(of(row));
      return el('td', { class: (kinds[kind].css || '') + (text.length > (kind === 'code' ? LONG_CODE : LONG_CELL) ? ' long' : '') }, ...(node ? [].concat(node(row)) : [text]));
    }));
  }
}
