"use strict";
// The three plots. They are drawn anew when the width, the colour scheme or the medium changes: canvas ink is fixed.
const GROUPS = [
  { role: 1, name: "chosen", rgb: "--accent-rgb" },
  { role: 0, name: "rejected", rgb: "--warm-rgb" },
  { role: -1, name: data.pairs ? "other responses" : "responses", rgb: data.pairs ? "--grey-rgb" : "--accent-rgb" },
];

function drawPlots() {
  const style = getComputedStyle(document.documentElement);
  const paint = (name) => style.getPropertyValue(name).trim();
  const shade = (rgb, alpha) => `rgba(${paint(rgb)}, ${alpha})`;
  const axis = (label, more) => ({
    label, labelSize: 22, labelFont: "12px system-ui, sans-serif", font: "11px system-ui, sans-serif", stroke: paint("--soft"),
    grid: { stroke: paint("--line"), width: 1 }, ticks: { show: false }, size: 40,
    values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : String(tick).replace("-", "\u2212"))), ...more,
  });
  const median = (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  };
  const plot = (id, title, caption, extra, values) => {
    const node = by(id);
    node.replaceChildren();
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", title);
    node.nextElementSibling.replaceChildren(element("b", "", title), ...caption);
    new uPlot({ width: Math.max(240, node.clientWidth), height: 220, legend: { show: false }, cursor: { show: false }, ...extra }, values, node);
  };
  const key = (group, text) => {
    const node = element("span", "key", text);
    node.style.setProperty("--key", shade(group.rgb, 0.9));
    return node;
  };

  // Counts of each group in shared bins of a round width, as outlines: they stay readable where they overlap.
  function histogram(id, title, groups, xLabel, yLabel, caption, hooks = {}) {
    let low = Infinity;
    let high = -Infinity;
    let total = 0;
    for (const group of groups) {
      for (const value of group.values) {
        low = Math.min(low, value);
        high = Math.max(high, value);
        total++;
      }
    }
    const wanted = (high - low) / Math.max(6, Math.min(40, 1.5 * Math.sqrt(total))) || 1;
    const power = 10 ** Math.floor(Math.log10(wanted));
    const width = [1, 2, 5, 10].map((step) => step * power).find((step) => step >= wanted);
    const first = Math.floor(low / width) - 1;
    const bins = Math.floor(high / width) - first + 2;
    const edges = Array.from({ length: bins + 1 }, (_, i) => (first + i) * width);
    const counts = groups.map((group) => {
      const sums = new Array(bins + 1).fill(0);
      for (const value of group.values) sums[Math.floor(value / width) - first]++;
      return sums;
    });
    const stepped = uPlot.paths.stepped({ align: 1 });
    plot(id, title, caption, {
      scales: { x: { time: false, range: [edges[0], edges[bins]] }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.08)] } },
      axes: [axis(xLabel, { size: 28 }), axis(yLabel, { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] })],
      series: [{}, ...groups.map((group) => ({ stroke: shade(group.rgb, 1), fill: shade(group.rgb, 0.22), width: 2, paths: stepped, points: { show: false } }))],
      hooks,
    }, [edges, ...counts]);
  }

  const { rewards, lengths, roles, margins } = data.distributions;
  const groups = GROUPS.map((group) => ({ ...group, values: rewards.filter((_, i) => roles[i] === group.role) })).filter((group) => group.values.length);
  if (!groups.length) {
    by("plots").hidden = true;
    return;
  }
  by("plot-margins").parentElement.hidden = !margins.length;  // first: it decides how wide the others are
  const medians = groups.map((group) => key(group, `${group.name}, median ${number(median(group.values), 1)}`));
  histogram("plot-rewards", "Rewards", groups, "reward (nats)", "responses", medians);

  if (margins.length) {
    const zeroLine = (plotted) => {
      const { ctx, bbox } = plotted;
      const x = Math.round(plotted.valToPos(0, "x", true));
      if (x < bbox.left || x > bbox.left + bbox.width) return;
      ctx.save();
      ctx.strokeStyle = paint("--ink");
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.restore();
    };
    histogram("plot-margins", "Chosen minus rejected", [{ rgb: "--accent-rgb", values: margins }], "margin (nats)", "pairs",
      [`Right of the dashed line the chosen response is ahead. Median ${number(median(margins), 1)}.`], { draw: [zeroLine] });
  }

  const order = lengths.map((_, i) => i).sort((a, b) => lengths[a] - lengths[b]);
  const longest = lengths[order[order.length - 1]];
  const logarithmic = longest / lengths[order[0]] > 20;
  const marks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5].filter((mark) => mark <= longest * 1.2);
  const range = logarithmic ? [Math.max(1, lengths[order[0]] * 0.8), longest * 1.2] : [0, Math.max(5, longest * 1.05)];
  const dots = (rgb) => ({ stroke: shade(rgb, 0.9), paths: () => null, points: { show: true, size: rewards.length > 500 ? 4 : 6, width: 1, stroke: shade(rgb, 0.9), fill: shade(rgb, 0.35) } });
  plot("plot-lengths", "Reward against length", groups.map((group) => key(group, group.name)), {
    scales: { x: { time: false, range, distr: logarithmic ? 3 : 1 } },
    axes: [axis(`tokens${logarithmic ? " (logarithmic)" : ""}`, logarithmic ? { splits: () => marks.filter((mark) => mark >= range[0]), filter: (_, ticks) => ticks, size: 28 } : { size: 28 }), axis("reward (nats)", { size: 48 })],
    series: [{}, ...groups.map((group) => dots(group.rgb))],
  }, [order.map((i) => lengths[i]), ...groups.map((group) => order.map((i) => (roles[i] === group.role ? rewards[i] : null)))]);
}

drawPlots();
let drawnWidth = innerWidth;
addEventListener("resize", () => {
  if (innerWidth !== drawnWidth) requestAnimationFrame(drawPlots);
  drawnWidth = innerWidth;
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawPlots);
matchMedia("print").addEventListener("change", drawPlots);
