// SPDX-License-Identifier: Apache-2.0
// Puts the page together.

const charts = {};

const made = () => Object.values(charts).filter(Boolean);

const makeCharts = () => {
  if (!byId('picture')) return;
  if (extent) {
    charts.timeline = makeTimeline();
    charts.trend = data.shards.some((s) => s.from && s.to) ? makeTrend() : null;
  }
  if (!charts.timeline) byId('timeline').replaceWith(el('p', { class: 'hint' }, 'No shard has times, so there is nothing to draw.'));
  if (!charts.trend) byId('trendcard').remove();
  charts.sizes = makeSizes();
  charts.series = makeSeries();
  charts.tagvalues = makeTagValues();
};

const repaint = () => made().forEach((c) => c.paint());

const setTheme = (theme) => {
  if (document.documentElement.dataset.theme === theme) return;
  document.documentElement.dataset.theme = theme;
  document.dispatchEvent(new Event('themechange'));
};

const makeTheme = () => {
  const button = byId('theme'), root = document.documentElement;
  const tell = () => { button.textContent = root.dataset.theme === 'dark' ? 'Light' : 'Dark'; };
  button.title = 'Light or dark';
  button.hidden = false;
  button.addEventListener('click', () => {
    root.dataset.chosen = 'yes';
    setTheme(root.dataset.theme === 'dark' ? 'light' : 'dark');
  });
  document.addEventListener('themechange', () => {
    tell();
    repaint();
  });
  tell();
};

// On paper the page is light, and all tables are there.
const makePrint = () => {
  let before = '';
  const resize = () => made().forEach((c) => c.chart.resize());
  addEventListener('beforeprint', () => {
    before = document.documentElement.dataset.theme;
    setTheme('light');
    tabs.forEach((t) => t.fill());
    made().forEach((c) => c.chart.resize({ width: Math.min(c.chart.getDom().clientWidth, 940) }));
  });
  addEventListener('afterprint', () => {
    setTheme(before);
    resize();
  });
  let waiting = 0;
  addEventListener('resize', () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(resize);
  });
};

makeTheme();
makeTables();
makeCharts();
makePrint();
narrowWindow.addEventListener('change', repaint);
addEventListener('hashchange', () => followLink());
document.querySelectorAll('.facts a').forEach((a) => a.addEventListener('click', (e) => {
  e.preventDefault();
  history.pushState(null, '', a.hash);
  followLink(a.dataset.filter);
}));
followLink();

// For tests, and for whoever looks at the page with the browser's tools.
window.__page = { data, charts, drawn, view, setView, tabs, ready: true };
