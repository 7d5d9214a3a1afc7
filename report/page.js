"use strict";
// The head of the page of records: what the reward is, figures, manifest, failures.
const manifest = data.manifests[0] || {};
const options = manifest.options || {};

const rewardInWords = aggregationInWords(options, options.alpha);
const judge = manifest.judge || { name: "endorm" };
if (judge.name !== "endorm") by("lead").append(`The rewards of this file are those of the judge ${judge.name}. Higher is better.`);
else by("lead").append(
  `Every response was read by ${manifest.model && manifest.model.name ? "the language model " + manifest.model.name : "a language model"}, and its reward says how readily the model would have written it: it is made of the log probabilities (log \u03c0) of its tokens, taken from the model's logits, in nats. Higher is better.${rewardInWords ? ` Here it is ${rewardInWords}` : ""}`);

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
const summary = data.summary;
addFigure(count(summary.records), summary.records === 1 ? "record" : "records");
addFigure(count(summary.responses), summary.responses === 1 ? "response" : "responses");
if (data.pairs) {
  const { won, lost, tied, accuracy, low, high } = data.pairs;
  const box = addFigure(percent(accuracy), `chosen above rejected: ${count(won)} of ${plural(won + lost + tied, "pair")}${tied ? `, ${count(tied)} tied` : ""}`);
  box.append(intervalBar(low, high, accuracy), element("span", "", `95 % interval ${percent(low)} to ${percent(high)}; dotted: guessing`));
}
if (data.distributions.margins.length) {
  const margin = median(data.distributions.margins);
  addFigure(`${margin > 0 ? "+" : ""}${number(margin)} nats`, `chosen less rejected, in the middle${data.distributions.margins.length > 1 ? " of all pairs" : ""}: P(chosen) ${probabilityWords(preference(margin))}`);
}
if (summary.failures) addFigure(count(summary.failures), "could not be scored", "failed");

if (data.manifests.length) {
  const { model = {}, template = {} } = manifest;
  addFact("Model", model.name || "not named", template.end_of_turn === false ? " (the end of a turn is not scored)" : "");
  const idle = { gamma: "discounted", floor: "discounted", chunk: "chunked_mean", last_k: "last_k" };
  const named = ["aggregation", "gamma", "floor", "chunk", "last_k", "alpha", "initial_value", "context", "on_overflow"];
  const set = named.filter((key) => key in options && (!(key in idle) || idle[key] === options.aggregation));
  const worded = (value) => (value === null ? "not set" : value === true ? "yes" : value === false ? "no" : String(value).replace(/_/g, " "));
  addFact("Options", set.map((key) => `${key.replace(/_/g, " ")} ${worded(options[key])}`).join(", "));
  addFact("Data", manifest.data ? manifest.data.file : "standard input");
  addFact("Written by", `endorm ${manifest.endorm || "of unknown version"}${manifest.run && manifest.run.started ? ", started " + manifest.run.started : ""}`);
  if (data.manifests.length > 1) addFact("Note", `The file holds ${data.manifests.length} manifests (joined result files). The facts above are of the first; all stand below.`);
} else {
  addFact("Manifest", "The file has none: which model and options made these numbers is not known.");
}
data.manifests.forEach(addManifest);

// What could not be scored.
for (const failure of data.failures) {
  const cells = [failure.id, failure.line, failure.response === undefined ? "all" : failure.response + 1, failure.error];
  by("failures").tBodies[0].append(element("tr", "", ...cells.map((cell) => element("td", "", String(cell)))));
}
by("failures").after(tableSaves(by("failures"), "Could not be scored"));
by("failures-section").hidden = !data.failures.length;
if (summary.failures > data.failures.length) by("failures-note").append(`The first ${count(data.failures.length)} of ${count(summary.failures)} are listed.`);

// What is coloured: the tokens of each response that has some. What they contribute is known where it adds up to the
// reward in the row: not of other judges, nor where the manifest lacks the options.
const partsOfResponse = new Map();
const tokensOf = new Map();
for (const { responses = [] } of data.rows) {
  const read = responses.map(({ token_rewards: tokens }) => (tokens && tokens.text.length ? tokens : undefined));
  const partings = partingsOf(read, responses.map(({ reward }) => reward));
  responses.forEach((response, i) => {
    if (!read[i]) return;
    const parts = partsOf(response, options.alpha ?? 1, options);
    const known = parts && Math.abs(rewardOf(parts) - response.reward) <= 1e-9 * Math.max(1, Math.abs(response.reward));
    if (known) partsOfResponse.set(response, parts);
    tokensOf.set(response, { ...read[i], parting: partings[i], ...(known ? { weight: parts.weight, contribution: parts.contribution } : {}) });
  });
}
const tokenSets = [...tokensOf.values()];
