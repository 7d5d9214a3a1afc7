"use strict";
// The head of a benchmark's page and its tables.
const { judges } = data;
const shown = (figure, value) => (value === null ? noValue : figure.fraction ? percent(value) : number(value, 3));
const sample = (figure) => [`n ${count(figure.n)}`, ...odds(figure)].join(", ");
const sampleLines = (figure) => [`n ${count(figure.n)}`, odds(figure).join(", ")].filter(Boolean).map((line) => element("small", "", line));
const isDifference = (figure) => figure.p_value !== undefined;
const pointWords = (difference) => (difference > 0 ? "+" : "") + number(100 * difference, 1) + " points";
function figureCell(figure) {
  if (!figure) return [noValue];
  const value = isDifference(figure) && figure.value !== null ? pointWords(figure.value) : shown(figure, figure.value);
  return [element("b", "", value), element("small", "", intervalWords(figure.interval, figure.fraction)), ...(isDifference(figure) ? [element("small", "", `p ${pWords(figure.p_value)}`)] : []), ...sampleLines(figure)];
}
const figureBar = ({ value, interval, fraction }) => (fraction && interval && value !== null ? [intervalBar(interval[0], interval[1], value)] : []);

const keyOf = ({ name, group, variant }) => JSON.stringify([name, group, variant || ""]);
const titleOf = ({ name, group, variant }) => [inWords(name), ...[group, variant].filter((part) => part && part !== "all")].join(", ");

// The head.
const withoutJudge = data.responses ? data.responses.figures : [];  // figures of several responses that need none
const isJudged = judges.length > 0 && judges[0].figures.length > 0;
const quoted = isJudged ? judges[0].figures[0] : withoutJudge[0];
const columns = [...judges, ...(withoutJudge.length ? [{ name: "no judge", figures: withoutJudge }] : [])];
const figuresOf = columns.map(({ figures }) => new Map(figures.map((figure) => [keyOf(figure), figure])));
for (const node of document.querySelectorAll(".responses-only")) node.hidden = !data.responses;
by("lead").append(data.responses
  ? `How often is a response right when it is a random one, the one that most agree on${judges.length ? ", or the one that a judge likes best" : ""}?`
  : `${plural(judges.length, "judge")} on ${data.benchmark}: how often each is right about which response is better. Whoever reads from the same model is compared on equal terms; random and length are the floor.`);
const examples = data.responses ? data.responses.counts.reduce((sum, one) => sum + one.examples, 0) : judges.length ? judges[0].counts.examples : 0;
if (examples) addFigure(count(examples), data.responses ? "questions" : "examples");
addFigure(count(judges.length), judges.length === 1 ? "judge" : "judges");
if (quoted) {
  const box = addFigure(shown(quoted, quoted.value), `${isJudged ? judges[0].name : "no judge"}: ${titleOf(quoted)}; ${sample(quoted)}`);
  box.append(...figureBar(quoted));
  if (quoted.interval) box.append(element("span", "", `95 % interval ${intervalWords(quoted.interval, quoted.fraction)}`));
}
const failures = judges.reduce((sum, { counts }) => sum + counts.failed_responses + counts.failed_comparisons, 0);
if (failures) addFigure(count(failures), "responses or pairs without a verdict", "failed");
if (data.faults.length) addFigure(count(data.faults.length), data.faults.length === 1 ? "row left out" : "rows left out", "failed");

addModelFacts(data.manifest);
addWriterFact(data.manifest);
addManifest(data.manifest);

// All judges by the figure to quote.
by("standing-section").hidden = !quoted;
if (quoted) {
  const standing = [...judges.map((judge, i) => ({ name: judge.name, counts: judge.counts, figure: figuresOf[i].get(keyOf(quoted)) || { ...quoted, value: null, interval: null, n: 0, ties: 0, failed: 0 } })),
    ...withoutJudge.filter(({ group }) => group === quoted.group).map((figure) => ({ name: `no judge: ${figure.name}`, counts: {}, figure }))];
  standing.sort((a, b) => (b.figure.value ?? -Infinity) - (a.figure.value ?? -Infinity));
  const parts = ["unparsed", "inconsistent", "failed_responses", "failed_comparisons"].filter((part) => judges.some(({ counts }) => counts[part]));
  by("standing-note").append(`By ${titleOf(quoted)}.${quoted.fraction ? " Dotted: one half." : ""}`);
  by("standing").append(dataTable(`Judges by ${titleOf(quoted)}`,
    ["judge", titleOf(quoted), "95 % interval", "", ...["n", "ties", "failed", ...parts.map(inWords)].map(rightAligned)],
    standing.map(({ name, counts, figure }, i) => {
      const row = [name, { content: [element("b", "", shown(figure, figure.value))], className: i === 0 ? "best" : "" }, [intervalWords(figure.interval, figure.fraction)], figureBar(figure)];
      return [...row, ...[figure.n, figure.ties, figure.failed, ...parts.map((part) => counts[part] || 0)].map((n) => rightAligned(count(n)))];
    })));
}

// Every figure that a judge has, by judge.
const figureRows = new Map(columns.flatMap(({ figures }) => figures.filter((figure) => figure.value !== null).map((figure) => [keyOf(figure), figure])));
by("all-figures").hidden = !figureRows.size;
by("figure-table").append(dataTable("Figures by judge", ["figure", ...columns.map((column) => column.name)], [...figureRows].map(([id, { name, group, variant, fraction }]) => {
  const figures = figuresOf.map((own) => own.get(id));
  const best = Math.max(...figures.map((figure) => (figure ? figure.value ?? -Infinity : -Infinity)));
  const cells = figures.map((figure) => {
    const wins = fraction && judges.length > 1 && figure && figure.value === best;
    const content = figureCell(figure);
    if (wins) content[0].append(element("span", "", "\u00a0\u2605"), element("span", "hidden-text", " best"));
    return { content, className: wins ? "best" : "" };
  });
  return [[inWords(name), element("small", "", [group, variant].filter(Boolean).join(", "))], ...cells];
}), "figures-by-judge"));
const notes = [...data.notes, ...judges.flatMap((judge) => judge.notes.map((note) => [note, judge.name]))];
const judgesOfNote = new Map();
for (const note of notes) {
  const [text, judge] = Array.isArray(note) ? note : [note];
  judgesOfNote.set(text, [...(judgesOfNote.get(text) || []), ...(judge === undefined ? [] : [judge])]);
}
for (const [text, of] of judgesOfNote) by("notes").append(element("li", "", of.length && of.length < judges.length ? `${of.join(", ")}: ${text}` : text));

// Matrices: one table a judge, shaded from one half (none) to 0 (orange) and 1 (blue).
const shadeAround = (distance) => `rgba(var(${distance > 0 ? "--heat-blue" : "--heat-orange"}), calc(var(--heat-full) * ${Math.min(1, Math.abs(distance)).toFixed(3)}))`;
function matrixTable(judge, matrix) {
  const table = element("table", "", element("caption", "", judge));
  table.createTHead().append(element("tr", "", element("td"), ...matrix.columns.map((name) => headCell(name, "col"))));
  const body = table.createTBody();
  matrix.rows.forEach((rowName, i) => {
    body.append(element("tr", "", headCell(rowName, "row"), ...matrix.columns.map((columnName, j) => {
      const figure = matrix.cells[i * matrix.columns.length + j];
      const range = figure.interval ? (figure.fraction ? figure.interval.map((end) => number(100 * end, 0)) : figure.interval.map((end) => number(end))).join("\u2013") : "";
      const text = figure.value === null ? noValue : figure.fraction ? number(100 * figure.value, 1) : number(figure.value);
      const cell = element("td", rowName === columnName ? "diagonal" : "", element("b", "", text), element("small", "", range), ...sampleLines(figure));
      if (figure.fraction && figure.value !== null) cell.style.background = shadeAround(2 * figure.value - 1);
      return cell;
    })));
  });
  return table;
}
const matrixKeys = new Map(judges.flatMap((judge) => judge.matrices.map((matrix) => [keyOf(matrix), matrix])));
function drawMatrices() {
  const key = by("matrix").value;
  const { name, row, column, cells } = matrixKeys.get(key);
  by("matrix-note").replaceChildren(`Rows: ${row}. Columns: ${column}. ${inWords(name)[0].toUpperCase()}${inWords(name).slice(1)}${cells.every((cell) => cell.fraction) ? " in %" : ""}, 95 % interval, n. Blue: above one half; orange: below.`);
  by("matrix-tables").replaceChildren(...judges.flatMap((judge) => judge.matrices.filter((matrix) => keyOf(matrix) === key).map((matrix) => matrixTable(judge.name, matrix))));
}
for (const [key, matrix] of matrixKeys) by("matrix").append(new Option(titleOf(matrix) + (matrix.group === "all" ? ", all" : ""), key));
by("matrices").hidden = !matrixKeys.size;
by("matrix-label").hidden = matrixKeys.size < 2;
by("matrix").addEventListener("change", drawMatrices);
if (matrixKeys.size) drawMatrices();

// Pairs of judges.
const differenceWords = (compared) => {
  if (compared.difference === null) return noValue;
  const { fraction } = compared.first;
  return fraction ? pointWords(compared.difference) : (compared.difference > 0 ? "+" : "") + number(compared.difference, 3);
};
const differenceCells = (compared) => [
  figureCell(compared.first), figureCell(compared.second),
  [element("b", "", differenceWords(compared)), element("small", "", compared.interval ? intervalWords(compared.interval, compared.first.fraction).replace(" %", "") : "")],
  [pWords(compared.p_value)],
];
by("comparisons").hidden = !data.comparisons.length;
by("comparisons-note").append("Over the examples that both judges have. The difference is the first judge's figure less the second's, with its 95 % interval; p by the paired bootstrap.");
by("comparison-table").append(dataTable("Comparisons of two judges", ["judges", "first", "second", "difference", "p", "right alone: first, second", "McNemar p", "examples"],
  data.comparisons.map((comparison) => {
    const { first, second, figures, mcnemar, examples, first_only: firstOnly, second_only: secondOnly } = comparison;
    const compared = figures.length ? differenceCells(figures[0]) : [[noValue], [noValue], [noValue], [noValue]];
    return [[`${first} against ${second}`, element("small", "", figures.length ? titleOf(figures[0].first) : "")], ...compared,
      `${count(mcnemar.right_first_only)}, ${count(mcnemar.right_second_only)}`, [pWords(mcnemar.p_value), element("small", "", mcnemar.clustered ? "verdicts share prompts" : "")],
      [count(examples), element("small", "", firstOnly || secondOnly ? `left out: ${count(firstOnly)}, ${count(secondOnly)}` : "")]];
  })));
for (const { first, second, figures, notes: remarks } of data.comparisons) {
  const table = dataTable(`${first} against ${second}`, ["figure", first, second, "difference", "p"],
    figures.map((compared) => [[inWords(compared.first.name), element("small", "", [compared.first.group, compared.first.variant].filter(Boolean).join(", "))], ...differenceCells(compared)]));
  by("comparison-details").append(element("details", "", element("summary", "", `${first} against ${second}: every figure`), ...remarks.map((note) => element("p", "note", note)), table));
}

// Correlations with length.
const correlation = (value) => (value === null ? noValue : number(value));
by("length-table").append(dataTable("Correlation of reward with length", ["judge", "length in", "n", "Pearson", "Spearman", "n within prompts", "Pearson within", "Spearman within"],
  judges.flatMap((judge) => judge.length_correlations.map((one) => [judge.name, one.unit, count(one.n), correlation(one.pearson), correlation(one.spearman), count(one.n_within), correlation(one.pearson_within), correlation(one.spearman_within)]))));

addFaults("Rows that were left out", ["id", "file", "row"], data.faults.map((fault) => [fault.id || noValue, fault.file, count(fault.row), fault.message]));

// What heatmap.js colours.
const shownTokens = tokensByResponse(data.responses ? data.responses.shown.flatMap((example) => example.responses) : data.shown.flatMap((pair) => [pair.better, pair.worse]));
const tokenSets = [...shownTokens.values()];
