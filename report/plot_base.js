"use strict";
// How plots are drawn on every page. Canvas ink is fixed: paint, shade and axis read the colours of now.
const paint = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const shade = (rgb, alpha) => `rgba(${paint(rgb)}, ${alpha})`;
const axis = (label, more) => ({
  label, labelSize: 22, labelFont: "12px system-ui, sans-serif", font: "11px system-ui, sans-serif", stroke: paint("--soft"),
  grid: { stroke: paint("--line"), width: 1 }, ticks: { show: false }, size: 40,
  values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : String(tick).replace("-", "\u2212"))), ...more,
});
const draws = [];  // all that draw plots, for keepDrawn
let recording = null;  // where one plot is wanted as SVG (saved_plot.js): {node}, and then what was to be plotted there
// place: the element that it is drawn in, or its id; the caption is the next one.
function plot(place, title, caption, extra, values) {
  const node = typeof place === "string" ? by(place) : place;
  const options = { width: Math.max(240, node.clientWidth), height: 220, legend: { show: false }, cursor: { show: false }, ...extra };
  if (recording) {
    if (recording.node === node) recording.plotted = { title, caption, options, values };
    return;
  }
  node.replaceChildren();
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", title);
  node.nextElementSibling.replaceChildren(element("b", "", title), ...caption, plotSaves(node, title));
  new uPlot(options, values, node);
}
const key = (group, text) => {
  const node = element("span", "key", text);
  node.style.setProperty("--key", shade(group.rgb, 0.9));
  return node;
};
// How the i-th line of a plot is told from the others.
const inkOf = (i) => ["--accent-rgb", "--warm-rgb", "--grey-rgb"][i % 3];
const dashOf = (i) => [[], [8, 4], [3, 3]][Math.floor(i / 3) % 3];
// An end of a shaded interval.
const unseen = { stroke: "transparent", width: 0, points: { show: false } };
const endsOf = (figures, i) => figures.map((figure) => (figure && figure.interval ? figure.interval[i] : null));
const shareTicks = (_, ticks) => ticks.map((tick) => `${Number((100 * tick).toFixed(1))} %`);
// Points alone, without a line.
const dots = (rgb, many) => ({ stroke: shade(rgb, 0.9), paths: () => null, points: { show: true, size: many ? 4 : 6, width: 1, stroke: shade(rgb, 0.9), fill: shade(rgb, 0.35) } });

// A dashed line between two points of a plot's scales; what lies outside the axes is not drawn.
function dashedLine(plotted, [fromX, fromY], [toX, toY]) {
  const { ctx, bbox } = plotted;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.strokeStyle = paint("--ink");
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(Math.round(plotted.valToPos(fromX, "x", true)), Math.round(plotted.valToPos(fromY, "y", true)));
  ctx.lineTo(Math.round(plotted.valToPos(toX, "x", true)), Math.round(plotted.valToPos(toY, "y", true)));
  ctx.stroke();
  ctx.restore();
}

// Reward against length: lengths and rewards [N]; groups share them by the number in roles [N].
function lengthPlot(id, unit, rewardLabel, lengths, rewards, roles, groups) {
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[a] - lengths[b]);
  const longest = lengths[order[order.length - 1]];
  const logarithmic = longest / lengths[order[0]] > 20;
  const marks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5].filter((mark) => mark <= longest * 1.2);
  const range = logarithmic ? [Math.max(1, lengths[order[0]] * 0.8), longest * 1.2] : [0, Math.max(5, longest * 1.05)];
  plot(id, "Reward against length", groups.map((group) => key(group, group.name)), {
    scales: { x: { time: false, range, distr: logarithmic ? 3 : 1 } },
    axes: [axis(`${unit}${logarithmic ? " (logarithmic)" : ""}`, logarithmic ? { splits: () => marks.filter((mark) => mark >= range[0]), filter: (_, ticks) => ticks, size: 28 } : { size: 28 }), axis(rewardLabel, { size: 48 })],
    series: [{}, ...groups.map((group) => dots(group.rgb, rewards.length > 500))],
  }, [order.map((i) => lengths[i]), ...groups.map((group) => order.map((i) => (roles[i] === group.role ? rewards[i] : null)))]);
}

// Draws now, and anew when the width, the colour scheme or the medium changes.
function keepDrawn(draw) {
  draws.push(draw);
  draw();
  let drawnWidth = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== drawnWidth) requestAnimationFrame(draw);
    drawnWidth = innerWidth;
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  matchMedia("print").addEventListener("change", draw);
}
