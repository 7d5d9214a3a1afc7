"use strict";
// The page of the lab: a line a claim, then a table and the plots of each.
const SAYS = {
  "proposition-1": "the likelihood solves offline inverse RL",
  "theorem-1": "preferences are within \u03b1 H \u03b5 / 2",
  "theorem-2": "imitation loses by H\u00b2 \u03b5, RL by H \u03b5",
  "second-helping": "a second round at the same \u03b1 adds nothing",
  "across-prompts": "V of the prompt makes rewards comparable",
  "length-bias": "a sum prefers short responses, a mean long ones",
  "reward-hacking": "RL pushed on may earn more by the learned reward, less by the true one",
};
by("lead").append("The theorems of the paper behind EndoRM (arXiv:2506.23235), measured on problems small enough to be exact. A statement holds where its measured figure keeps its bound. A limit takes a claim beyond its assumptions on purpose, to show where it ends.");
const verdict = (finding) => (finding.limit ? "limit" : finding.holds ? "holds" : "fails");
const measured = (value) => (typeof value === "number" ? compact(value) : "no number");

const statements = data.filter((finding) => !finding.limit);
const held = statements.filter((finding) => finding.holds).length;
addFigure(`${held} of ${statements.length}`, "statements hold", held < statements.length ? "failed" : "");
addFigure(count(data.length - statements.length), "limits shown");

const overview = element("tbody");
by("overview").append(element("caption", "hidden-text", "Claims"),
  element("thead", "", element("tr", "", ...["claim", "what it says", "statements that hold", "limits"].map((name) => headCell(name, "col")))), overview);
by("overview").after(tableSaves(by("overview"), "Claims"));

const drawings = [];
for (const claim of new Set(data.map((finding) => finding.claim))) {
  const findings = data.filter((finding) => finding.claim === claim);
  const stated = findings.filter((finding) => !finding.limit);
  const keeping = stated.filter((finding) => finding.holds).length;
  const link = Object.assign(element("a", "", claim), { href: `#${claim}` });
  overview.append(element("tr", "", Object.assign(element("th", "", link), { scope: "row" }), element("td", "", SAYS[claim] ?? ""),
    element("td", keeping < stated.length ? "fails" : "holds", `${keeping} of ${stated.length}`), element("td", "limit", findings.length > stated.length ? count(findings.length - stated.length) : "")));
  const head = element("tr", "", ...["", "statement", "measured", "how"].map((name) => headCell(name, "col")));
  const rows = findings.map((finding) => element("tr", "",
    element("td", verdict(finding), verdict(finding)), element("td", "", finding.statement),
    element("td", "", `${measured(finding.measured)} ${finding.relation === "at most" ? "\u2264" : "\u2265"} ${measured(finding.bound)}`),
    element("td", "", element("small", "", finding.detail))));
  const table = element("table", "findings", element("thead", "", head), element("tbody", "", ...rows));
  const plots = findings.flatMap((finding) => finding.plots).filter((one) => one.series.length);
  const figures = element("div", "plots", ...plots.map((one) => {
    const node = element("div");
    node.id = `plot-${drawings.length}`;
    drawings.push({ id: node.id, one });
    return element("figure", "", node, element("figcaption"));
  }));
  by("claims").append(Object.assign(element("section", "", element("h2", "", claim, SAYS[claim] ? element("small", "", SAYS[claim]) : ""), table, tableSaves(table, claim), ...(plots.length ? [figures] : [])), { id: claim }));
}

// Powers of ten and, where few of them are in sight, their halves and fifths.
const logarithmicMarks = (low, high) => {
  const powers = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) powers.push(power);
  const steps = powers.length > 4 ? [1] : [1, 2, 5];
  const marks = powers.flatMap((power) => steps.map((step) => Number(`${step}e${power}`))).filter((mark) => mark >= low && mark <= high);
  return marks.filter((_, i) => i % Math.ceil(marks.length / 7) === 0);
};
const scaleOf = (values, logarithmic) => {
  const known = values.filter((value) => Number.isFinite(value) && (!logarithmic || value > 0));
  const low = Math.min(...known);
  const high = Math.max(...known);
  const room = 0.05 * (high - low) || 1;
  return { time: false, distr: logarithmic ? 3 : 1, range: logarithmic ? [low / 1.3, high * 1.3] : [low - room, high + room] };
};
const axisOf = (label, { distr, range }, size) => axis(distr === 3 ? `${label} (log)` : label, { size, ...(distr === 3 ? {
  splits: () => logarithmicMarks(...range),
  filter: (_, ticks) => ticks,
  values: (_, ticks) => ticks.map((tick) => (tick < 1e-3 || tick >= 1e5 ? tick.toExponential(0) : String(tick)).replace("-", "\u2212")),
} : {}) });

keepDrawn(() => {
  for (const { id, one } of drawings) {
    const x = scaleOf(one.series.flatMap((series) => series.x), one.log_x);
    const y = scaleOf(one.series.flatMap((series) => series.y), one.log_y);
    const lines = one.series.map((series, i) => ({ rgb: inkOf(i), dash: dashOf(i), name: series.name, scattered: i === 0 && series.x.length > 100, marked: series.x.length <= 100 }));
    const points = one.series.map((series) => [series.x, series.y.map((value) => (one.log_y && !(value > 0) ? null : value))]);
    plot(id, one.title, lines.map((line) => key(line, line.name)), {
      scales: { x, y },
      axes: [axisOf(one.x_label, x, 28), axisOf(one.y_label, y, 56)],
      series: [{}, ...lines.map(({ rgb, dash, scattered, marked }) => (scattered ? dots(rgb, true) : { stroke: shade(rgb, 1), width: 2, dash, spanGaps: true, points: { show: marked, size: 4, fill: shade(rgb, 1) } }))],
    }, uPlot.join(points));
  }
});
