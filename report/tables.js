"use strict";
// What tables of measured figures have in common, and what a page reads of the manifest of a measurement.
const noValue = "\u2013";
const inWords = (name) => name.replace(/_/g, " ");
// "68.0 to 76.1 %", or nothing where there is no interval.
function intervalWords(interval, fraction) {
  if (!interval) return "";
  const [low, high] = interval;
  return fraction ? `${number(100 * low, 1)} to ${number(100 * high, 1)} %` : `${number(low, 3)} to ${number(high, 3)}`;
}
const odds = ({ ties, failed }) => [ties ? `${count(ties)} tied` : "", failed ? `${count(failed)} failed` : ""].filter(Boolean);
const pWords = (p) => (p === null ? noValue : p < 1e-4 ? "< 0.0001" : p.toFixed(4));
const rightAligned = (content) => ({ content: [content], className: "number" });

// A table that scrolls by itself where it is wider than the page. A head is a text; a row is a list of cells, the first
// of which names it; a cell is a list of what stands in it, or {content, className}.
function dataTable(label, heads, rows, className = "") {
  const cell = (tag, content, scope) => {
    const { content: inner, className: kind } = Array.isArray(content) ? { content } : typeof content === "object" ? content : { content: [content] };
    const node = element(tag, kind, ...inner);
    if (scope) node.scope = scope;
    return node;
  };
  const head = element("thead", "", element("tr", "", ...heads.map((text) => cell("th", text, "col"))));
  const body = element("tbody", "", ...rows.map((row) => element("tr", row.className, ...row.map((content, i) => cell(i ? "td" : "th", content, i ? "" : "row")))));
  const box = element("div", "scroll", element("table", ("data " + className).trim(), element("caption", "hidden-text", label), head, body));
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", label);
  return element("div", "", box, tableSaves(box.firstChild, label));
}

// Facts of the head.
function addModelFacts({ model }) {
  if (!model || typeof model !== "object") return;
  if (typeof model.name === "string") addFact("Model", model.name);
}
function addWriterFact({ endorm }) {
  if (typeof endorm === "string") addFact("Written by", `endorm ${endorm}`);
}

// The section of what could not be used: what stands in the columns of each, and at last the reason.
function addFaults(label, heads, faults) {
  const most = 500;
  by("faults").hidden = !faults.length;
  if (faults.length > most) by("faults-note").append(`The first ${count(most)} of ${count(faults.length)} are listed.`);
  by("fault-table").append(dataTable(label, [...heads, "reason"],
    faults.slice(0, most).map((fault) => [...fault.slice(0, -1), { content: fault.slice(-1), className: "text" }])));
}

// The tokens of each response that has some, as heatmap.js reads them. Relative judges read differences of log pi,
// which may be above 0.
function tokensByResponse(responses) {
  const isDifference = responses.some(({ log_prob: values }) => values.some((value) => value > 0));
  return new Map(responses.map((one) => [one, { text: one.token_texts, [isDifference ? "difference" : "log_prob"]: one.log_prob }]));
}
