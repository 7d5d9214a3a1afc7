"use strict";
// One plot for each metric of the run, with the number under the cursor in the words above it; one cursor goes through
// all plots.
const UNITS = { ...(data.kind === "sft" ? { loss: "nats a token" } : {}), held_out_loss: "nats a token", entropy: "nats a token", kl: "nats a token", length: "tokens", tokens_per_second: "tokens/s", seconds: "s" };
const unitOf = ({ name }) => UNITS[name] || UNITS[name.slice(name.lastIndexOf("/") + 1)] || "";

// Names with a stroke stand under a heading of what is before it, the others together.
const groups = new Map();
for (const metric of data.metrics) {
  const stroke = metric.name.indexOf("/");
  const group = stroke > 0 ? metric.name.slice(0, stroke) : "";
  if (!groups.has(group)) groups.set(group, []);
  groups.get(group).push(metric);
}
const drawings = [];
for (const [group, metrics] of groups) {
  if (group) by("curves").append(element("h3", "", inWords(group)));
  const box = element("div", "plots");
  for (const metric of metrics) {
    const node = element("div");
    node.id = `curve-${drawings.length}`;
    box.append(element("figure", "", node, element("figcaption")));
    drawings.push({ id: node.id, metric, title: inWords(group ? metric.name.slice(group.length + 1) : metric.name) });
  }
  by("curves").append(box);
}

// Means over the last `width` values up to each, of as many as there are.
function smoothed(values, width) {
  let sum = 0;
  return values.map((value, i) => {
    sum += value - (i >= width ? values[i - width] : 0);
    return sum / Math.min(i + 1, width);
  });
}
const firstStep = Math.min(...data.metrics.map((metric) => metric.first[0]));
const longest = Math.max(0, ...data.metrics.map((metric) => metric.values.length));
const coarsest = Math.max(1, ...data.metrics.map((metric) => metric.each));
for (const width of [1, 5, 10, 25, 50, 100]) {
  if (width === 1 || 3 * width <= longest) by("smooth").add(new Option(width === 1 ? "not" : `${width} ${coarsest > 1 ? "points" : "steps"}`, width));
}
by("smooth").value = longest >= 60 ? "10" : "1";
by("smooth-controls").hidden = by("smooth").options.length < 2;
if (coarsest > 1) by("curves-note").append(`The log has ${count(data.steps)} steps: a point of a curve is the mean over up to ${count(coarsest)} of them.`);
if (!data.metrics.length) by("curves-note").append("The log has no step yet.");

function drawCurve({ id, metric, title }) {
  const { steps, values } = metric;
  const asked = Number(by("smooth").value);
  const width = 3 * asked <= values.length ? asked : 1;  // what is measured now and then stays as it is
  const [lastStep, lastValue] = metric.last;
  const readout = element("span", "readout");
  const read = (at) => {
    readout.textContent = at === null || at === undefined || values[at] === undefined ? `${compact(lastValue)} at step ${count(lastStep)}` : `${compact(values[at])} at step ${count(Math.round(steps[at]))}`;
  };
  read(null);
  const few = values.length < 40;
  const line = (alpha, thickness) => ({ stroke: shade("--accent-rgb", alpha), width: thickness, points: { show: few, size: 4, fill: shade("--accent-rgb", alpha) } });
  plot(id, title, [readout], {
    height: 170,
    cursor: { show: true, y: false, points: { show: false }, drag: { x: false, y: false }, sync: { key: "run", scales: ["x", null] } },
    scales: { x: { time: false, range: firstStep < data.last_step ? [firstStep, data.last_step] : [firstStep - 0.5, firstStep + 0.5] } },
    axes: [axis("", { size: 24, labelSize: 0, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6] }),
      axis(unitOf(metric), { size: 58, labelSize: unitOf(metric) ? 18 : 0, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : compact(tick))) })],
    series: [{}, ...(width > 1 ? [line(0.3, 1), { ...line(1, 2), points: { show: false } }] : [line(1, 1.5)])],
    hooks: { setCursor: [(plotted) => read(plotted.cursor.idx)] },
  }, [steps, values, ...(width > 1 ? [smoothed(values, width)] : [])]);
}
const drawCurves = () => drawings.forEach(drawCurve);
by("smooth").addEventListener("change", drawCurves);
keepDrawn(drawCurves);
