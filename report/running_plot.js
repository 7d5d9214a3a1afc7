"use strict";
// The reward of responses as their tokens come, a line each: where one falls behind is where it lost.
const mostLines = 6;

// responses: {name, parts, rgb?}, parts as partsOf gives them; parting: how many tokens the best two begin with, or
// undefined. The figure draws itself by draw(), when it stands in the page; of: what is to be said behind its title.
function runningFigure(responses, parting, of = "") {
  const lines = [...responses].sort((a, b) => rewardOf(b.parts) - rewardOf(a.parts)).slice(0, mostLines)
    .map(({ name, parts, rgb }, i) => ({ name, rgb: rgb ?? inkOf(i), dash: rgb ? [] : dashOf(i), values: runningReward(parts) }));
  const figure = element("figure", "running", element("div"), element("figcaption"));
  const longest = Math.max(...lines.map(({ values }) => values.length));
  const marks = parting === undefined ? [] : [parting];
  figure.lines = lines;
  figure.draw = () => plot(figure.firstChild, `Running reward${of && `, ${of}`}`, [
    ...lines.map((line) => key(line, `${line.name}, ${number(line.values.at(-1))}${line.dash.length ? ", dashed" : ""}`)),
    marks.length ? `Upright: ${lines.length > 2 ? "the best two" : "they"} part ${parting ? `behind token ${count(parting)}` : "at once"}.` : "",
    responses.length > mostLines ? ` The ${mostLines} highest of ${responses.length}.` : "",
  ], {
    height: 170,
    scales: { x: { time: false, range: [0, Math.max(1, longest - 1)] } },
    axes: [axis("tokens", { size: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4] }), axis("nats", { size: 52 })],
    series: [{}, ...lines.map(({ rgb, dash, values }) => ({ stroke: shade(rgb, 1), width: 2, dash, points: { show: values.length < 40, size: 4, fill: shade(rgb, 1) } }))],
    hooks: { draw: marks.map((at) => (plotted) => dashedLine(plotted, [at, plotted.scales.y.min], [at, plotted.scales.y.max])) },
  }, [Array.from({ length: longest }, (_, i) => i), ...lines.map(({ values }) => Array.from({ length: longest }, (_, i) => values[i] ?? null))]);
  return figure;
}
