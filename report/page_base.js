"use strict";
// What every script behind it uses, of reports and of the server's page. Every text enters as text, never as markup.
const by = (id) => document.getElementById(id);
const element = (tag, className, ...content) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...content);
  return node;
};
const number = (value, digits = 2) => {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "\u2212");
};
// Of any size: five digits (the terminal's %.5g), without an exponent where that is short.
function compact(value) {
  const size = Math.abs(value);
  const rounded = Number(value.toPrecision(5));
  const text = size !== 0 && (size < 1e-4 || size >= 1e7) ? rounded.toExponential() : String(size >= 1e5 ? Math.round(value) : rounded);
  return text.replaceAll("-", "\u2212");
}
const count = (value) => value.toLocaleString("en");
const percent = (value) => (100 * value).toFixed(1) + " %";
const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

// What the reward is with these options, in words; undefined for an aggregation that is not known.
function aggregationInWords({ aggregation, gamma, floor, chunk, last_k, initial_value }, alpha = 1) {
  const pi = `${alpha === 1 ? "" : `${alpha} \u00d7 `}log \u03c0`;
  const deciding = gamma < 1 && !(floor > 0) ? ` (about the first ${Math.max(1, Math.round(1 / (1 - gamma)))} decide)` : "";
  const words = {
    discounted: () => `the sum of the tokens' ${pi}, each counting ${gamma} times the one before${floor > 0 ? `, at least ${floor}` : ""}${deciding}`,
    sum: () => `the sum of all tokens' ${pi}; longer responses get lower sums`,
    mean: () => `the mean of the tokens' ${pi}`,
    chunked_mean: () => `the mean over chunks of ${plural(chunk, "token")} of their mean ${pi}`,
    step_mean: () => `the mean over steps of their mean ${pi}`,
    min_step: () => `the mean ${pi} of the weakest step`,
    last_k: () => `the mean ${pi} of the last ${plural(last_k, "token")}`,
  }[aggregation];
  return words && `${words()}${initial_value ? "; V of the prompt is added" + (aggregation === "mean" ? " before the division" : "") : ""}.`;
}
