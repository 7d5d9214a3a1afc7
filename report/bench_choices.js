"use strict";
// Of several responses to a question: what the responses are like, and how far more of them help.
const { counts, rows } = data.responses;
const subsets = counts.map((one) => one.subset);
const overallGroups = subsets.length > 1 ? ["mean of subsets", "all", ...subsets] : subsets;
const isPass = ({ name }) => name.startsWith("pass@");

// The head.
const total = (name) => counts.reduce((sum, one) => sum + one[name], 0);
const share = (part, whole) => (whole ? percent(part / whole) : noValue);
addFigure(count(total("responses")), total("responses") === 1 ? "response" : "responses");
for (const [name, label] of [["unparsable", "of the responses unparsable"], ["truncated", "of the responses cut off"]]) {
  if (total(name)) addFigure(share(total(name), total("responses")), label);
}
if (total("failed")) addFigure(count(total("failed")), "questions that could not be asked", "failed");

addFact("Subsets", counts.map((one) => `${one.subset} (${plural(one.examples, "question")})`).join(", "));
const { sampling, prompt: asked } = data.manifest;
if (sampling) addFact("Sampling", Object.entries(sampling).map(([name, value]) => `${inWords(name)} ${JSON.stringify(value)}`).join(", "));
if (asked && asked.instruction) addFact("Instruction", `${asked.instruction} (${asked.instruction_place === "system" ? "system message" : "behind the question"})`);

// What the responses are like.
by("count-table").append(dataTable("What the responses of each subset are like",
  ["subset", ...["questions", "not asked", "responses", "correct", "wrong", "unparsable", "cut off", "at a stop string", "tokens each"].map(rightAligned)],
  counts.map((one) => [one.subset, ...[count(one.examples), count(one.failed), count(one.responses),
    ...[one.correct, one.responses - one.correct - one.unparsable, one.unparsable, one.truncated, one.stopped].map((n) => share(n, one.responses)),
    one.tokens ? number(one.tokens / one.responses, 0) : noValue].map(rightAligned)])));
for (const judge of judges) {
  if (judge.counts.failed_responses) by("remarks").append(element("li", "", `${judge.name}: no reward for ${plural(judge.counts.failed_responses, "response")}, which it therefore never chooses.`));
}
by("remarks").hidden = !by("remarks").children.length;

// How far more responses help, and which part of it a choice among them keeps.
function drawPasses() {
  const group = overallGroups[by("curve").selectedIndex];
  const own = columns.flatMap((column) => column.figures.filter((figure) => figure.group === group && figure.value !== null && !isDifference(figure)).map((figure) => ({ figure, name: column.figures === withoutJudge ? figure.name : `${figure.name} by ${column.name}` })));
  const guess = own.find(({ figure }) => figure.name.startsWith("avg@"));
  const sizeOf = ({ name }) => Number(name.slice(name.indexOf("@") + 1));
  const points = [...(guess ? [{ size: 1, figure: guess.figure }] : []), ...own.filter(({ figure }) => isPass(figure)).map(({ figure }) => ({ size: sizeOf(figure), figure }))];
  const choices = own.filter((way) => !isPass(way.figure) && way !== guess).map((way, i) => ({ way, rgb: inkOf(2 - (i % 3)), dash: dashOf(i + 3) }));
  const sizes = points.map((point) => point.size);
  const figures = points.map((point) => point.figure);
  const top = Math.min(1, 1.08 * Math.max(...own.flatMap(({ figure }) => [figure.value, ...(figure.interval || [])])));
  plot("plot-passes", "Right answers by number of responses",
    [key({ rgb: "--accent-rgb" }, "pass@j"),
      ...choices.map(({ way, rgb }) => key({ rgb }, `${way.name}, ${percent(way.figure.value)}`)), `${own.length ? `${countWords(own[0].figure)}. ` : ""}Shaded: 95 % interval.${choices.length ? " Dashed: choices among all responses. Where such a line crosses the curve, the choice is worth that many responses to one who knows which is right." : ""}`], {
      scales: { x: { time: false, distr: 3, log: 2, range: [0.92, 1.08 * sizes[sizes.length - 1]] }, y: { range: [0, top || 1] } },
      axes: [axis("responses j (logarithmic)", { size: 28, splits: () => sizes, filter: (_, ticks) => ticks }),
        axis("right", { size: 48, values: shareTicks })],
      series: [{}, { stroke: shade("--accent-rgb", 1), width: 2, points: { show: true, size: 6, fill: shade("--accent-rgb", 1) } }, unseen, unseen,
        ...choices.map(({ rgb, dash }) => ({ stroke: shade(rgb, 1), width: 2, dash, points: { show: false } }))],
      bands: [{ series: [3, 2], fill: shade("--accent-rgb", 0.14) }],
    }, [sizes, figures.map((figure) => figure.value), endsOf(figures, 0), endsOf(figures, 1), ...choices.map(({ way }) => sizes.map(() => way.figure.value))]);
}
by("passes").hidden = withoutJudge.filter((figure) => figure.group === overallGroups[0] && isPass(figure) && figure.value !== null && !figure.name.endsWith("@n")).length < 2;
overallGroups.forEach((group) => by("curve").add(new Option(group)));
by("curve-label").hidden = overallGroups.length < 2;
by("curve").addEventListener("change", drawPasses);
if (!by("passes").hidden) keepDrawn(drawPasses);
