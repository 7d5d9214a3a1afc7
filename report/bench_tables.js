"use strict";
// The head of a benchmark's page and its tables.
const { judges } = data;
const shown = (figure, value) => (value === null ? noValue : figure.fraction ? percent(value) : number(value, 3));
const countWords = ({ n, groups }) => `n ${count(n)}${groups && groups !== n ? ` of ${plural(groups, "prompt")}` : ""}`;
const sample = (figure) => [countWords(figure), ...odds(figure)].join(", ");
// The value by the other rule of ties, where it differs.
const otherTies = (figure) => (figure.other_ties === undefined ? "" : `${shown(figure, figure.other_ties)} if ties ${data.ties === "half" ? "wrong" : "half"}`);
const sampleLines = (figure) => [countWords(figure), odds(figure).join(", "), otherTies(figure)].filter(Boolean).map((line) => element("small", "", line));
const fewGroups = 20;  // below so many nothing is called the best, as in eval/metrics.h
const isEnough = (figure) => figure.groups >= fewGroups;
// Which of several figures is called the best: none where few prompts decide one of them, or all are alike.
function bestOf(figures) {
  const there = figures.filter((figure) => figure && figure.value !== null);
  const values = there.map((figure) => figure.value);
  const best = Math.max(...values);
  return there.length > 1 && there.every(isEnough) && Math.min(...values) < best ? best : null;
}
// The p-value to quote: corrected where it stands beside those of other judges.
const quotedP = ({ p_value: own, holm_p_value: corrected }) => corrected ?? own;
const pHead = (judgesCompared) => (judgesCompared > 1 ? "p (Holm)" : "p");
const isDifference = (figure) => figure.p_value !== undefined;
const pointWords = (difference) => (difference > 0 ? "+" : "") + number(100 * difference, 1) + " points";
function figureCell(figure) {
  if (!figure) return [noValue];
  const value = isDifference(figure) && figure.value !== null ? pointWords(figure.value) : shown(figure, figure.value);
  return [element("b", "", value), element("small", "", intervalWords(figure.interval, figure.fraction)), ...(isDifference(figure) ? [element("small", "", `${pHead(judges.length)} ${pWords(quotedP(figure))}`)] : []), ...sampleLines(figure)];
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
  const best = bestOf(standing.map(({ figure }) => figure));
  const ties = standing.some(({ figure }) => figure.other_ties !== undefined) ? [`if ties ${data.ties === "half" ? "wrong" : "half"}`] : [];
  const parts = ["unparsed", "inconsistent", "failed_responses", "failed_comparisons"].filter((part) => judges.some(({ counts }) => counts[part]));
  by("standing-note").append(`By ${titleOf(quoted)}.${quoted.fraction ? " Dotted: one half." : ""}`);
  by("standing").append(dataTable(`Judges by ${titleOf(quoted)}`,
    ["judge", titleOf(quoted), "95 % interval", "", ...["n", "ties", ...ties, "failed", ...parts.map(inWords)].map(rightAligned)],
    standing.map(({ name, counts, figure }) => {
      const row = [name, { content: [element("b", "", shown(figure, figure.value))], className: best !== null && figure.value === best ? "best" : "" }, [intervalWords(figure.interval, figure.fraction)], figureBar(figure)];
      return [...row, ...[count(figure.n), count(figure.ties), ...ties.map(() => shown(figure, figure.other_ties ?? figure.value)), count(figure.failed), ...parts.map((part) => count(counts[part] || 0))].map(rightAligned)];
    })));
}

// Every figure that a judge has, by judge.
const figureRows = new Map(columns.flatMap(({ figures }) => figures.filter((figure) => figure.value !== null).map((figure) => [keyOf(figure), figure])));
by("all-figures").hidden = !figureRows.size;
// Rows that differ in their group alone are one: of a benchmark of which one part is there, "all" and the part.
function folded(rows, numbersOf) {
  const byNumbers = new Map();
  for (const row of rows) {
    const key = JSON.stringify([row.name, row.variant || "", numbersOf(row)]);
    if (byNumbers.has(key)) byNumbers.get(key).groups.push(row.group);
    else byNumbers.set(key, { ...row, groups: [row.group] });
  }
  return [...byNumbers.values()];
}
const numbersOf = (figure) => figure && { ...figure, name: "", group: "" };
const rowHead = ({ name, groups, variant }) => [inWords(name), element("small", "", [...groups, variant].filter(Boolean).join(", "))];
const foldedFigures = folded([...figureRows].map(([id, { name, group, variant, fraction }]) => ({ name, group, variant, fraction, figures: figuresOf.map((own) => own.get(id)) })), ({ figures }) => figures.map(numbersOf));
by("figure-table").append(dataTable("Figures by judge", ["figure", ...columns.map((column) => column.name)], foldedFigures.map((row) => {
  const { figures, fraction } = row;
  const best = bestOf(figures);
  const cells = figures.map((figure) => {
    const wins = fraction && judges.length > 1 && best !== null && figure && figure.value === best;
    const content = figureCell(figure);
    if (wins) content[0].append(element("span", "", "\u00a0\u2605"), element("span", "hidden-text", " best"));
    return { content, className: wins ? "best" : "" };
  });
  return [rowHead(row), ...cells];
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
// A table that has the numbers of one before it is that of the only part that is there.
const matrixKeys = new Map();
const seenCells = new Set();
for (const matrix of judges.flatMap((judge) => judge.matrices)) {
  const numbers = JSON.stringify([matrix.name, judges.map((judge) => judge.matrices.filter((own) => keyOf(own) === keyOf(matrix)).map((own) => own.cells.map(numbersOf)))]);
  if (matrix.cells.some((cell) => cell.value !== null) && !matrixKeys.has(keyOf(matrix)) && !seenCells.has(numbers)) matrixKeys.set(keyOf(matrix), matrix);
  seenCells.add(numbers);
}
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
  [pWords(quotedP(compared))],
];
by("comparisons").hidden = !data.comparisons.length;
by("comparisons-note").append(`Over the examples that both judges have. The difference is the first judge's figure less the second's, with its 95 % interval; p by the paired bootstrap. Where fewer than ${fewGroups} prompts decide, p is that of an exact test, and there is no interval.${data.comparisons.length > 1 ? " p (Holm): corrected for the judges that stand in the table." : ""}`);
by("comparison-table").append(dataTable("Comparisons of two judges", ["judges", "first", "second", "difference", pHead(data.comparisons.length), "right alone: first, second", "examples"],
  data.comparisons.map((comparison) => {
    const { first, second, figures, mcnemar, examples, first_only: firstOnly, second_only: secondOnly } = comparison;
    const compared = figures.length ? differenceCells(figures[0]) : [[noValue], [noValue], [noValue], [noValue]];
    return [[`${first} against ${second}`, element("small", "", figures.length ? titleOf(figures[0].first) : "")], ...compared,
      `${count(mcnemar.right_first_only)}, ${count(mcnemar.right_second_only)}`,
      [count(examples), element("small", "", firstOnly || secondOnly ? `left out: ${count(firstOnly)}, ${count(secondOnly)}` : "")]];
  })));
for (const { first, second, figures, notes: remarks } of data.comparisons) {
  const table = dataTable(`${first} against ${second}`, ["figure", first, second, "difference", pHead(data.comparisons.length)],
    folded(figures.map((compared) => ({ ...compared.first, compared })), ({ compared }) => ({ ...compared, first: numbersOf(compared.first), second: numbersOf(compared.second) }))
      .map((row) => [rowHead(row), ...differenceCells(row.compared)]));
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
