"use strict";
// How far more samples help, and which part of it a choice among them keeps.
const passSize = ({ metric }) => Number(metric.slice(metric.indexOf("@") + 1));
const curveSuites = [...(suites.length > 1 ? [null] : []), ...suites];

function drawPasses() {
  const own = overall(curveSuites[by("curve").selectedIndex]).filter((figure) => figure.value !== null);
  const passes = own.filter((figure) => !isChoice(figure));
  const guess = own.find((figure) => figure.metric.startsWith("avg@"));
  const points = [...(guess ? [{ size: 1, figure: guess }] : []), ...passes.map((figure) => ({ size: passSize(figure), figure }))];
  const inks = ["--grey-rgb", "--warm-rgb", "--accent-rgb"];
  const dashes = [[], [8, 4], [3, 3]];
  const choices = own.filter((figure) => isChoice(figure) && figure !== guess).map((figure, i) => ({ figure, rgb: inks[i % 3], dash: dashes[(Math.floor(i / 3) + 1) % 3] }));
  const sizes = points.map((point) => point.size);
  const end = (i) => points.map(({ figure }) => (figure.interval ? figure.interval[i] : null));
  const bare = { stroke: "transparent", width: 0, points: { show: false } };
  const all = [...points.map(({ figure }) => figure), ...choices.map(({ figure }) => figure)].flatMap((figure) => [figure.value, ...(figure.interval || [])]);
  const top = Math.min(1, 1.08 * Math.max(...all));
  plot("plot-passes", "Right answers by number of samples",
    [key({ rgb: "--accent-rgb" }, "pass@j"),
      ...choices.map(({ figure, rgb }) => key({ rgb }, `${wayName(figure)}, ${percent(figure.value)}`)), `Shaded: 95 % interval.${choices.length ? " Dashed: choices among all samples. Where such a line crosses the curve, the choice is worth that many samples to one who knows which is right." : ""}`], {
      scales: { x: { time: false, distr: 3, log: 2, range: [0.92, 1.08 * sizes[sizes.length - 1]] }, y: { range: [0, top || 1] } },
      axes: [axis("samples j (logarithmic)", { size: 28, splits: () => sizes, filter: (_, ticks) => ticks }),
        axis("right", { size: 48, values: (_, ticks) => ticks.map((tick) => `${Number((100 * tick).toFixed(1))} %`) })],
      series: [{}, { stroke: shade("--accent-rgb", 1), width: 2, points: { show: true, size: 6, fill: shade("--accent-rgb", 1) } }, bare, bare,
        ...choices.map(({ rgb, dash }) => ({ stroke: shade(rgb, 1), width: 2, dash, points: { show: false } }))],
      bands: [{ series: [3, 2], fill: shade("--accent-rgb", 0.14) }],
    }, [sizes, points.map(({ figure }) => figure.value), end(0), end(1), ...choices.map(({ figure }) => sizes.map(() => figure.value))]);
}

by("passes").hidden = samplesEach < 4 || !figures.some((figure) => figure.value !== null);
curveSuites.forEach((suite) => by("curve").add(new Option(suiteName(suite))));
by("curve-label").hidden = curveSuites.length < 2;
by("curve").addEventListener("change", drawPasses);
if (!by("passes").hidden) keepDrawn(drawPasses);
