"use strict";
// The head of the page of mathematical samples, and its tables.
const { manifest, counts, figures, comparisons, judges, rows } = data;
const suites = counts.map((one) => one.suite);
const firstAsked = rows.find((row) => row.samples);
const samplesEach = firstAsked ? firstAsked.samples.length : 0;
const isOverall = (figure) => figure.subject === undefined && figure.level === undefined;
const suiteName = (suite) => (suite === null ? "mean of the suites" : suite);

// Figures of all problems of a suite; of the mean of the suites where it is null.
const overall = (suite) => figures.filter((figure) => figure.suite === suite && isOverall(figure));
const isChoice = ({ metric }) => !metric.startsWith("pass@");
const wayName = ({ metric, judge }) => metric + (metric.startsWith("avg@") ? " (pass@1)" : "") + (judge === undefined ? "" : ` by ${judge}`);
const valueWords = (value) => (value === null ? noValue : percent(value));
const guessOf = (suite) => overall(suite).find((figure) => figure.metric.startsWith("avg@"));

// On a line from 0 to 1; dotted: a random sample.
function figureBar(figure) {
  const guess = guessOf(figure.suite);
  return figure.interval && figure.value !== null && guess && guess.value !== null ? [intervalBar(...figure.interval, figure.value, guess.value)] : [];
}

// The head.
const total = (name) => counts.reduce((sum, one) => sum + one[name], 0);
const share = (part, whole) => (whole ? percent(part / whole) : noValue);
const model = manifest.model && typeof manifest.model.name === "string" ? manifest.model.name : "A model";
by("lead").append(`${model} on ${suites.join(", ") || "no suite"}: ${plural(samplesEach, "sample")} of each problem, graded against the reference answer.${samplesEach > 1 ? ` How often is the answer right when it is a random one, the one most samples agree on${judges.length ? ", or the one that a judge likes best" : ""}?` : ""}`);
addFigure(count(total("problems")), total("problems") === 1 ? "problem" : "problems");
addFigure(count(total("samples")), total("samples") === 1 ? "sample" : "samples");
const quotedSuite = suites.length > 1 ? null : suites[0];
for (const figure of overall(quotedSuite).filter(isChoice).slice(0, 3)) {
  const box = addFigure(valueWords(figure.value), wayName(figure) + (suites.length > 1 ? `, ${suiteName(null)}` : ""));
  box.append(...figureBar(figure));
  if (figure.interval) box.append(element("span", "", `95 % interval ${intervalWords(figure.interval, true)}`));
}
for (const [name, label] of [["unparsable", "of the samples unparsable"], ["truncated", "of the samples cut off"]]) {
  if (total(name)) addFigure(share(total(name), total("samples")), label);
}
if (total("failed")) addFigure(count(total("failed")), "problems that could not be asked", "failed");
const unrewarded = judges.reduce((sum, judge) => sum + judge.failed, 0);
if (unrewarded) addFigure(count(unrewarded), "rewards missing", "failed");
if (data.faults.length) addFigure(count(data.faults.length), data.faults.length === 1 ? "row left out" : "rows left out", "failed");

const isGiven = (value) => value !== undefined && value !== null;
// The parts of a fact whose field the manifest has.
const facts = (object, words) => Object.entries(words).filter(([name]) => object && isGiven(object[name])).map(([name, inWords]) => inWords(object[name])).join(", ");
addModelFacts(manifest);
addFact("Suites", counts.map((one) => `${one.suite} (${plural(one.problems, "problem")})`).join(", "));
const { sampling, prompt: asked, reading } = manifest;
const samplingWords = facts(sampling, {
  samples: (n) => `${plural(n, "sample")} a problem`, temperature: (value) => `temperature ${value}`, top_p: (value) => `top-p ${value}`, max_tokens: (n) => `at most ${plural(n, "token")}`,
  stop: (texts) => (texts.length ? `stop strings ${texts.map((text) => JSON.stringify(text)).join(" ")}` : "no stop strings"), seed: (value) => `seed ${value}`,
});
if (samplingWords) addFact("Sampling", samplingWords);
if (asked && typeof asked === "object") {
  if (typeof asked.instruction === "string") addFact("Instruction", asked.instruction ? `${asked.instruction} (${asked.instruction_place === "system" ? "system message" : "behind the question"})` : "none");
  addFact("Prompt", [asked.base ? "base model, no chat template" : "chat template", asked.shots ? `${plural(asked.shots, "worked example")} of ${asked.few_shot}` : "no worked examples"].join(", "));
  if (typeof asked.sha256 === "string") addFact("Prompt sha256", element("code", "", asked.sha256));
}
if (reading && isGiven(reading.limit)) addFact("Subset", `at most ${reading.limit} of each suite, ${isGiven(reading.sample_seed) ? `drawn with seed ${reading.sample_seed}` : "the first ones"}`);
if (judges.length) addFact("Judges", judges.map((judge) => judge.name).join(", "));
const intervalFacts = facts(manifest.figures, { resamples: (n) => plural(n, "bootstrap resample"), bootstrap_seed: (value) => `seed ${value}` });
if (intervalFacts) addFact("Intervals", intervalFacts);
if (manifest.grader && isGiven(manifest.grader.version)) addFact("Grader", `version ${manifest.grader.version}`);
addWriterFact(manifest);
addManifest(manifest);

// Each suite by way to choose, and its subjects and levels.
const signed = (value) => (value > 0 ? "+" : "") + number(100 * value, 1);
function comparisonCells(figure, against) {
  const found = comparisons.find((one) => one.judge === figure.judge && one.suite === figure.suite && one.against.startsWith(against));
  if (!found || found.difference === null) return [noValue, noValue];
  const range = found.interval ? `${signed(found.interval[0])} to ${signed(found.interval[1])}` : "";
  return [[element("b", "", signed(found.difference)), element("small", "", range)], pWords(found.p_value)];
}
function waysTable(suite) {
  const own = overall(suite);
  const best = Math.max(...own.filter(isChoice).map((figure) => figure.value ?? -Infinity));
  const isCompared = comparisons.some((one) => one.suite === suite);
  return dataTable(`Ways to choose: ${suiteName(suite)}`,
    ["chosen by", "right", "95 % interval", "", ...["n", "ties", "failed"].map(rightAligned), ...(isCompared ? ["less avg", "p", "less maj", "p"] : [])],
    own.map((figure) => {
      const wins = isChoice(figure) && figure.value === best && own.filter(isChoice).length > 1;
      const value = element("b", "", valueWords(figure.value));
      if (wins) value.append(element("span", "", "\u00a0\u2605"), element("span", "hidden-text", " highest choice"));
      const compared = figure.judge === undefined ? [noValue, noValue, noValue, noValue] : [...comparisonCells(figure, "avg@"), ...comparisonCells(figure, "maj@")];
      return [wayName(figure), { content: [value], className: wins ? "best" : "" }, intervalWords(figure.interval, true), figureBar(figure),
        ...[figure.n, figure.ties, figure.failed].map((n) => rightAligned(count(n))), ...(isCompared ? compared : [])];
    }));
}
// By "subject" or "level"; none where the suite has none.
function groupsTable(suite, field) {
  const own = figures.filter((figure) => figure.suite === suite && figure[field] !== undefined);
  if (!own.length) return [];
  const groups = [...new Set(own.map((figure) => figure[field]))];
  const ways = [...new Set(own.map(wayName))];
  const found = new Map(own.map((figure) => [JSON.stringify([figure[field], wayName(figure)]), figure]));
  const table = dataTable(`${suite} by ${field}`, [field, rightAligned("n"), ...ways], groups.map((group) => {
    const figuresOfGroup = ways.map((way) => found.get(JSON.stringify([group, way])));
    const known = figuresOfGroup.filter(Boolean);
    return [group, rightAligned(count(Math.max(...known.map((figure) => figure.n)))),
      ...figuresOfGroup.map((figure) => (figure ? [element("b", "", valueWords(figure.value)), element("small", "", intervalWords(figure.interval, true)), element("small", "", odds(figure).join(", "))] : noValue))];
  }));
  return [element("details", "", element("summary", "", `${suite} by ${field}: ${count(groups.length)}`), table)];
}
by("ways-note").append(`The bar runs from 0 to 100 %${samplesEach > 1 ? "; dotted: a random sample. \u2605 marks the highest of those that know no reference answer" : ""}.${comparisons.length ? " Differences are in points." : ""}`);
for (const suite of [...(suites.length > 1 ? [null] : []), ...suites]) {
  by("ways").append(element("h3", "", suiteName(suite)), waysTable(suite));
  if (suite !== null) by("ways").append(...groupsTable(suite, "subject"), ...groupsTable(suite, "level"));
}

// What the samples are like.
by("count-table").append(dataTable("What the samples of each suite are like",
  ["suite", ...["problems", "not asked", "samples", "correct", "wrong", "unparsable", "cut off", "at a stop string", "tokens each"].map(rightAligned)],
  counts.map((one) => [one.suite, ...[count(one.problems), count(one.failed), count(one.samples),
    ...["correct", "wrong", "unparsable", "truncated", "stopped"].map((name) => share(one[name], one.samples)),
    one.samples ? number(one.tokens / one.samples, 0) : noValue].map(rightAligned)])));
for (const judge of judges) {
  if (judge.failed) by("remarks").append(element("li", "", `${judge.name}: no reward for ${plural(judge.failed, "sample")}, which it therefore never chooses.`));
}
by("remarks").hidden = !by("remarks").children.length;
addFaults(data.faults);

// What heatmap.js colours.
const shownTokens = tokensByResponse(data.shown.flatMap((problem) => problem.samples));
const tokenSets = [...shownTokens.values()];
