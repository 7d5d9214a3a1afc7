"use strict";
// The head of the page of records: what the reward is, figures, manifest, failures.
const manifest = data.manifests[0] || {};
const options = manifest.options || {};

const inWords = aggregationInWords(options, options.alpha);
const judge = manifest.judge || { name: "endorm" };
if (judge.name !== "endorm") by("lead").append(`The rewards of this file are those of the judge ${judge.name} (${judge.fingerprint}). Higher is better.`);
else by("lead").append(
  `Every response was read by ${manifest.model && manifest.model.name ? "the language model " + manifest.model.name : "a language model"}, and its reward says how readily the model would have written it: it is made of the log probabilities (log \u03c0) of its tokens, taken from the model's logits, in nats. Higher is better.${inWords ? ` Here it is ${inWords}` : ""}`);

const summary = data.summary;
addFigure(count(summary.records), summary.records === 1 ? "record" : "records");
addFigure(count(summary.responses), summary.responses === 1 ? "response" : "responses");
if (data.pairs) {
  const { won, lost, tied, accuracy, low, high } = data.pairs;
  const box = addFigure(percent(accuracy), `chosen above rejected: ${count(won)} of ${plural(won + lost + tied, "pair")}${tied ? `, ${count(tied)} tied` : ""}`);
  box.append(intervalBar(low, high, accuracy), element("span", "", `95 % interval ${percent(low)} to ${percent(high)}; dotted: guessing`));
}
if (summary.failures) addFigure(count(summary.failures), "could not be scored", "failed");

if (data.manifests.length) {
  const hash = (value) => element("code", "", value || "not taken");
  const { model = {}, template = {} } = manifest;
  addFact("Model", model.name || "not named");
  addFact("Model sha256", hash(model.sha256));
  if (template.fingerprint) addFact("Chat template", hash(template.fingerprint), template.end_of_turn === false ? " (end of turn not scored)" : "");
  const idle = { gamma: "discounted", floor: "discounted", chunk: "chunked_mean", last_k: "last_k" };
  const named = ["aggregation", "gamma", "floor", "chunk", "last_k", "alpha", "initial_value", "context", "on_overflow"];
  const set = named.filter((key) => key in options && (!(key in idle) || idle[key] === options.aggregation));
  const worded = (value) => (value === null ? "not set" : value === true ? "yes" : value === false ? "no" : String(value).replace(/_/g, " "));
  addFact("Options", set.map((key) => `${key.replace(/_/g, " ")} ${worded(options[key])}`).join(", "));
  addFact("Data", manifest.data ? manifest.data.file + " " : "standard input", manifest.data ? hash("sha256 " + manifest.data.sha256) : "");
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
by("failures-section").hidden = !data.failures.length;
if (summary.failures > data.failures.length) by("failures-note").append(`The first ${count(data.failures.length)} of ${count(summary.failures)} are listed.`);

// What is coloured.
const tokenSets = data.rows.flatMap((row) => row.responses || []).flatMap((response) => response.token_rewards || []);
