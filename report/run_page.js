"use strict";
// The head of the page of a run: where it stands, its last numbers, its manifest, a table, lines that were passed over.
const metricNamed = (name) => data.metrics.find((metric) => metric.name === name);
// The tokens of the samples, as heatmap.js reads them.
const tokenSets = data.samples.filter((sample) => sample.token_rewards && sample.token_rewards.text.length).map((sample) => sample.token_rewards);

const standing = data.steps === 0 ? "no step is written yet" : `step ${count(data.last_step)}${data.planned_steps === null ? "" : ` of ${count(data.planned_steps)}`}`;
by("lead").append(`A training run (${data.kind}): ${standing}${data.finished ? ", finished" : ""}.`);
for (const name of ["reward", "held_out_accuracy", "held_out_loss", "loss", "kl", "entropy", "length"]) {
  const metric = metricNamed(name);
  if (metric && by("figures").children.length < 5) addFigure(compact(metric.last[1]), `${inWords(name)}, ${compact(metric.first[1])} at first`);
}
if (typeof data.manifest.model === "string") addFact("Model", element("code", "", data.manifest.model));
addWriterFact(data.manifest);
addManifest(data.manifest);

const atStep = ([step, value]) => [Object.assign(element("data", "", compact(value)), { value }), element("small", "", `step ${count(step)}`)];
by("metric-table").append(dataTable("Metrics of the run", ["metric", "n", "first", "last", "least", "greatest"],
  data.metrics.map((metric) => [metric.name, count(metric.count), ...["first", "last", "least", "greatest"].map((which) => atStep(metric[which]))])));
by("metrics-details").hidden = !data.metrics.length;

addFaults("Lines that were passed over", ["line"], data.faults.map((fault) => [count(fault.line), fault.reason]));
