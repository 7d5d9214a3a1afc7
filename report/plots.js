"use strict";
// The three plots of a report.
const GROUPS = [
  { role: 1, name: "chosen", rgb: "--accent-rgb" },
  { role: 0, name: "rejected", rgb: "--warm-rgb" },
  { role: -1, name: data.pairs ? "other responses" : "responses", rgb: data.pairs ? "--grey-rgb" : "--accent-rgb" },
];

function drawPlots() {
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
    histogram("plot-margins", "Chosen minus rejected", [{ rgb: "--accent-rgb", values: margins }], "margin (nats)", "pairs",
      [`Right of the dashed line the chosen response is ahead. Median ${number(median(margins), 1)}.`], { draw: [(plotted) => dashedLine(plotted, [0, 0], [0, plotted.scales.y.max])] });
  }

  if (lengths.length === rewards.length) lengthPlot("plot-lengths", "tokens", "reward (nats)", lengths, rewards, roles, groups);
}

keepDrawn(drawPlots);
