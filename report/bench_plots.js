"use strict";
// Plots of a benchmark's page: settings, and length and calibration of the judge that is chosen.
let judgeAt = 0;  // the place in `judges` of the one whose plots and verdicts are shown
const onJudge = [];  // called when it changes
for (const select of document.querySelectorAll("select.judge")) {
  judges.forEach((judge, i) => select.add(new Option(judge.name, i)));
  select.addEventListener("change", () => {
    judgeAt = Number(select.value);
    for (const other of document.querySelectorAll("select.judge")) other.value = select.value;
    onJudge.forEach((draw) => draw());
  });
}

// What an axis shows of values from low to high: some room beside them, and of shares nothing that none can be.
function valueRange(low, high, fraction) {
  const room = 0.08 * (high - low) || 0.05;
  return fraction ? [Math.max(0, low - room), Math.min(1, high + room)] : [low - room, high + room];
}

const tenths = (_, ticks) => ticks.map((tick) => `${Math.round(100 * tick)} %`);

// How often verdicts of a confidence are right, over the number of them.
function drawCalibration() {
  const { bins, n, ties, expected_error: error } = judges[judgeAt].calibration;
  const filled = bins.filter((bin) => bin.n);
  const caption = [n ? `${plural(n, "verdict")}${ties ? `, ${count(ties)} tied left out` : ""}. ${error === null ? "" : `Mean distance from the dashed line: ${number(100 * error, 1)} points. `}` : "No verdict to be right about. ",
    key({ rgb: "--accent-rgb" }, "right"), key({ rgb: "--grey-rgb" }, "verdicts in the bin")];
  const steps = bins.length ? [[...bins.map((bin) => bin.low), bins[bins.length - 1].high], [...bins.map((bin) => bin.n), bins[bins.length - 1].n]] : [[0.5, 1], [0, 0]];
  const points = [filled.map((bin) => bin.confidence), filled.map((bin) => bin.accuracy)];
  const most = Math.max(1, ...bins.map((bin) => bin.n));
  plot("plot-calibration", "Calibration of sigmoid(|R \u2212 R\u2032|)", caption, {
    scales: { x: { time: false, range: [0.5, 1] }, y: { range: [0, 1] }, n: { range: [0, 2.5 * most] } },
    axes: [axis("how sure the rewards are", { size: 28, values: tenths }), axis("right", { size: 44, values: tenths })],
    series: [{}, { scale: "n", stroke: shade("--grey-rgb", 0.5), fill: shade("--grey-rgb", 0.22), width: 1, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false }, spanGaps: true }, { ...dots("--accent-rgb"), stroke: shade("--accent-rgb", 1) }],
    hooks: { draw: [(plotted) => dashedLine(plotted, [0.5, 0.5], [1, 1])] },
  }, uPlot.join([steps, points]));
  by("calibration-table").replaceChildren(dataTable("Bins of the calibration", ["confidence", "verdicts", "mean confidence", "right"],
    bins.map((bin) => [`${number(100 * bin.low, 0)} to ${number(100 * bin.high, 0)} %`, count(bin.n), bin.n ? percent(bin.confidence) : noValue, bin.n ? percent(bin.accuracy) : noValue])));
}

function drawLengths() {
  const points = judges[judgeAt].reward_length;
  if (points.length) {
    lengthPlot("plot-lengths", "characters", "reward", points.map(([length]) => Math.max(1, length)), points.map(([, reward]) => reward), points.map(() => 0),
      [{ role: 0, rgb: "--accent-rgb", name: `${plural(points.length, "response")} of ${count(judges[judgeAt].counts.responses)}` }]);
  } else {
    by("plot-lengths").replaceChildren();
    by("plot-lengths").nextElementSibling.replaceChildren(element("b", "", "Reward against length"), "This judge gives single responses no reward.");
  }
}

// Accuracy by gamma: a line an alpha, on the half that reports, with its interval.
function drawGammas() {
  const rows = data.sweep.rows.filter((row) => row.aggregation === "discounted" && row.gamma !== undefined);
  const gammas = [...new Set(rows.map((row) => row.gamma))].sort((a, b) => a - b);
  const node = by("plot-gamma").parentElement;
  node.hidden = gammas.length < 2 || rows.every((row) => row.reporting.value === null);
  if (node.hidden) return;
  const alphas = [...new Set(rows.map((row) => row.alpha))].sort((a, b) => a - b);
  const lines = alphas.map((alpha, i) => ({ alpha, rgb: inkOf(i), dash: dashOf(i), figures: gammas.map((gamma) => {
    const row = rows.find((one) => one.gamma === gamma && one.alpha === alpha);
    return row ? row.reporting : null;
  }) }));
  const { fraction } = rows[0].reporting;
  plot("plot-gamma", `${data.sweep.figure} by gamma`, [...lines.map((line) => key(line, `alpha ${compact(line.alpha)}`)), `On the half that reports, ${countWords(rows[0].reporting)}. Shaded: 95 % interval.`], {
    scales: { x: { time: false, range: (_, low, high) => [low - 0.02 * (high - low), high + 0.02 * (high - low)] }, y: { range: (_, low, high) => valueRange(low, high, fraction) } },
    axes: [axis("gamma", { size: 28 }), axis(data.sweep.figure, { size: 52, ...(fraction ? { values: shareTicks } : {}) })],
    series: [{}, ...lines.flatMap(({ rgb, dash }) => [{ stroke: shade(rgb, 1), width: 2, dash, points: { show: true, size: 5, fill: shade(rgb, 1) } }, unseen, unseen])],
    bands: lines.map(({ rgb }, i) => ({ series: [3 * i + 3, 3 * i + 2], fill: shade(rgb, 0.14) })),
  }, [gammas, ...lines.flatMap(({ figures }) => [figures.map((figure) => (figure ? figure.value : null)), endsOf(figures, 0), endsOf(figures, 1)])]);
}

by("sweep").hidden = !data.sweep;
if (data.sweep) {
  const { rows, chosen, figure } = data.sweep;
  by("sweep-note").append(`${figure} of ${judges.length ? judges[0].name : "the first judge"} by setting. A setting is chosen on one half of the prompts and reported on the other: quote the figure of the half that reports.${chosen === null ? ` None is chosen: the half that chooses has fewer than ${fewGroups} prompts.` : ""}`);
  const table = dataTable(`${figure} by setting`, ["aggregation", "gamma", "alpha", "half that chooses", "half that reports", "95 % interval", "", "n"], rows.map((row, i) => {
    const { fraction } = row.reporting;
    const marks = [i === 0 ? "as asked for" : "", i === chosen ? "chosen" : ""].filter(Boolean).join(", ");
    const cells = [[inWords(row.aggregation), element("small", "", marks)], row.gamma === undefined ? noValue : compact(row.gamma), compact(row.alpha), [shown({ fraction }, row.selection), ...(row.selection_n ? [element("small", "", `n ${count(row.selection_n)}`)] : [])],
      { content: [element("b", "", shown(row.reporting, row.reporting.value))], className: i === chosen ? "best" : "" }, [intervalWords(row.reporting.interval, fraction)], figureBar(row.reporting), [sample(row.reporting)]];
    if (i === chosen) cells.className = "marked";
    return cells;
  }));
  by("sweep-table").append(table);
}
by("judge-plots").hidden = !judges.length;
onJudge.push(drawCalibration, drawLengths);
keepDrawn(() => {
  if (data.sweep) drawGammas();
  if (judges.length) onJudge[0](), onJudge[1]();
});
