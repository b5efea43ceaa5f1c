// SPDX-License-Identifier: Apache-2.0
// Where charts have their labels: beside the rows, or, where the window is narrow, above them.

const narrowWindow = matchMedia('(max-width: 560px)');
const narrow = () => narrowWindow.matches;

const EDGE = 10; // pixels beside a chart whose labels are above the rows

const labelWidth = (labels, most) => {
  const c = document.createElement('canvas').getContext('2d');
  c.font = '12px system-ui, sans-serif';
  return Math.min(most, Math.ceil(Math.max(40, ...labels.map((l) => c.measureText(l).width))) + 4);
};

// leftOfTime is where the time begins in all charts that have one, so that they line up; but in a
// narrow window the picture takes all of it.
const leftOfTime = () => (narrow() ? EDGE : Math.max(64, labelWidth(data.policies.map((p) => p.label), 220) + 14));

const rightOfTime = () => (data.policies.length > ROWS_SEEN ? 44 : narrow() ? EDGE : 20);

// nameAxis gives the axis with the names of the rows. A name that is cut has the whole of it in
// its tooltip. Above the rows, names end so many pixels above the middle of them.
const nameAxis = (labels, width, above, colors) => ({
  type: 'category', data: labels, inverse: true, axisLine: { show: false }, axisTick: { show: false },
  axisLabel: { color: colors.text, fontSize: 12, width, overflow: 'truncate', interval: 0,
    ...(narrow() ? { inside: true, margin: 0, align: 'left', verticalAlign: 'bottom', padding: [0, 0, above, 0] } : {}) },
  tooltip: { show: true, formatter: (label) => tip(label.name, [], []) },
});

const openChart = (box, height) => {
  box.style.height = height + 'px';
  return echarts.init(box, null, { renderer: 'canvas' });
};

// fitChart gives a chart another height, if it is to have one.
const fitChart = (chart, height) => {
  if (chart.getHeight() === height) return;
  chart.getDom().style.height = height + 'px';
  chart.resize();
};
