"use strict";
// Tokens coloured by one of their quantities, with the numbers of a token on hover, focus and touch. The page has a
// select "quantity", a "legend" and a "tooltip".
const QUANTITIES = {
  contribution: { label: "contribution to the reward", row: "contribution", about: "weight \u00d7 log \u03c0: what a token takes from the reward" },
  log_prob: { label: "log \u03c0", row: "log \u03c0", about: "how unexpected each token was to the model; no colour: expected" },
  reward: { label: "r (token reward)", row: "r = Q \u2212 V\u2032", about: "token reward r = Q \u2212 V\u2032: orange below 0, blue above" },
  q: { label: "Q (logit)", row: "Q", about: "logit Q of each token" },
  value: { label: "V (state value)", row: "V", about: "soft value V of the state before each token" },
  difference: { label: "difference of log \u03c0", row: "difference", about: "difference of log \u03c0 that the judge reads: orange below 0, blue above" },
  entropy: { label: "entropy", row: "entropy", about: "how open the choice was before each token; no colour: one continuation only" },
};
const quantity = () => by("quantity").value;

// A token that hardly counts: less than a twentieth of the weightiest, and not much in colour.
const faintWeight = 0.05;
const isFaint = ({ weight, contribution, heaviest }, i) => weight[i] < faintWeight * heaviest && contribution[i] / scales.contribution[1] < 0.25;

// The values between which a quantity's colours run, on one scale for all that is shown: from 0 or the 2nd to the 98th
// percentile of the tokens.
let scales = {};
// Finds them, and offers what there is to colour by; a choice that is still there stays.
function findScales(tokenSets) {
  scales = {};
  for (const name of Object.keys(QUANTITIES)) {
    const values = [];
    for (const tokens of tokenSets) {
      if (!tokens[name]) continue;
      if (name === "contribution") tokens.heaviest = Math.max(...tokens.weight);
      tokens[name].forEach((value, i) => { if (name !== "contribution" || tokens.weight[i] >= faintWeight * tokens.heaviest) values.push(value); });
    }
    if (!values.length) continue;
    values.sort((a, b) => a - b);
    const low = values[Math.floor(0.02 * (values.length - 1))];
    const high = values[Math.ceil(0.98 * (values.length - 1))];
    const size = Math.max(Math.abs(low), Math.abs(high)) || 1;
    scales[name] = { contribution: [0, Math.min(low, -1e-6)], log_prob: [0, Math.min(low, -1e-3)], reward: [-size, size], difference: [-size, size], entropy: [0, high || 1] }[name] || [low, high > low ? high : low + 1];
  }
  const wanted = quantity();
  by("quantity").replaceChildren(...Object.keys(scales).map((name) => new Option(QUANTITIES[name].label, name, false, name === wanted)));
  findScales.parted = tokenSets.some(({ parting }) => parting !== undefined);
  drawLegend();
}

function colour(name, value) {
  const [low, high] = scales[name];
  const diverging = name === "reward" || name === "difference";
  const strength = diverging ? Math.abs(value) / high : (value - low) / (high - low);
  const blue = name === "q" || name === "value" || (diverging && value > 0);
  return `rgba(var(${blue ? "--heat-blue" : "--heat-orange"}), calc(var(--heat-full) * ${Math.max(0, Math.min(1, strength)).toFixed(3)}))`;
}

const chance = (logProb) => {
  const p = Math.exp(logProb);
  return p >= 0.001 ? (100 * p).toPrecision(3) + " %" : p > 1e-12 ? "1 in " + count(Number((1 / p).toPrecision(2))) : "below 1 in 10\u00b9\u00b2";
};

function drawLegend() {
  const name = quantity();
  by("legend").replaceChildren();
  if (!name) return;
  const [from, to] = scales[name];
  const stops = Array.from({ length: 9 }, (_, i) => colour(name, from + ((to - from) * i) / 8));
  const bar = element("i");
  bar.style.background = `linear-gradient(90deg, ${stops.join(", ")})`;
  const end = `${Math.abs(to) < 0.1 ? compact(Number(to.toPrecision(2))) : number(to, 1)} nats and beyond${name === "log_prob" ? ` (${chance(to)})` : ""}`;
  by("legend").append(element("span", "", number(from, 1) + (name === "log_prob" ? " (certain)" : "")), bar, element("span", "", end), element("span", "about", QUANTITIES[name].about));
  if (name === "contribution") by("legend").append(element("span", "faint", "pale: hardly counts"));
  if (findScales.parted) by("legend").append(element("span", "parts", "where it parts from the best"));
}

const tooltip = by("tooltip");
let marked = null; // the token that the tooltip is about
function hideTooltip() {
  tooltip.hidden = true;
  marked?.classList.remove("active");
  marked = null;
}
function placeTooltip() {
  const boxes = marked.getClientRects();
  const last = boxes[boxes.length - 1] ?? marked.getBoundingClientRect();
  tooltip.style.left = Math.max(8, Math.min(last.left, document.documentElement.clientWidth - tooltip.offsetWidth - 8)) + "px";
  const below = last.bottom + 8;
  tooltip.style.top = (below + tooltip.offsetHeight > innerHeight ? Math.max(8, marked.getBoundingClientRect().top - tooltip.offsetHeight - 8) : below) + "px";
}
function showTooltip(span, tokens) {
  hideTooltip();
  marked = span;
  span.classList.add("active");
  const i = Number(span.dataset.i);
  const table = element("table");
  const line = (label, value) => table.append(element("tr", "", element("td", "", label), element("td", "", value)));
  if (tokens.log_prob) line("probability", chance(tokens.log_prob[i]));
  if (tokens.weight) line("weight", compact(tokens.weight[i]));
  for (const [name, { row }] of Object.entries(QUANTITIES)) if (tokens[name]) line(row, number(tokens[name][i], 3));
  tooltip.replaceChildren(element("b", "", JSON.stringify(tokens.text[i])), element("div", "", `token ${i + 1} of ${tokens.text.length}${tokens.id ? ", id " + tokens.id[i] : ""}; in nats`),
    ...(i === tokens.parting ? [element("div", "", "here it parts from the best, the best from the next")] : []), table);
  tooltip.hidden = false;
  placeTooltip();
}
addEventListener("scroll", () => { if (marked) document.activeElement === marked.parentElement ? placeTooltip() : hideTooltip(); }, { passive: true });
addEventListener("pointerdown", (event) => { if (!event.target.closest(".tokens")) hideTooltip(); });

// One token: its text, where each line break also shows a mark, and the first of a further turn a line with its number
// (both generated by the style, so that copies stay clean).
function tokenSpan({ text, turn }, i) {
  const span = element("span", /^<(\|.*\||\/?s|bos|eos|(start|end)_of_turn)>$/.test(text[i]) ? "special" : "");
  span.dataset.i = i;
  if (i > 0 && turn && turn[i] !== turn[i - 1]) span.dataset.turn = turn[i] + 1;
  text[i].split("\n").forEach((part, k) => span.append(...(k ? [element("i"), "\n" + part] : part ? [part] : [])));
  return span;
}

// The heatmap of `name`, of tokens as rows have them, with `weight` and `contribution` [T] where they are known, and
// `parting`, the place from which the best other response goes on otherwise (all three may change before paint). It holds plain text until split() makes a span of every token, which long pages do where it
// nears the screen; paint() colours it anew.
function heatmap(tokens, name = "the response") {
  const text = tokens.text.join("");
  const box = element("div", `tokens heatmap${text.includes("```") ? " code" : ""}`, text);
  let split = false;
  box.paint = () => {
    const chosen = quantity();
    if (!split) return;
    for (const span of box.children) {
      const i = Number(span.dataset.i);
      span.style.background = tokens[chosen] ? colour(chosen, tokens[chosen][i]) : "";
      span.classList.toggle("parts", i === tokens.parting);
      span.classList.toggle("faint", chosen === "contribution" && tokens.weight !== undefined && isFaint(tokens, i));
    }
  };
  box.split = () => {
    if (split) return;
    split = true;
    box.replaceChildren(...tokens.text.map((_, i) => tokenSpan(tokens, i)));
    box.paint();
  };
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `Tokens of ${name}. Arrow keys go from token to token.`);
  const tokenOf = (event) => event.target.closest(".tokens > span");
  let at = 0;
  const go = (to) => {
    at = to;
    box.split();
    box.children[at].scrollIntoView({ block: "nearest", behavior: "instant" });
    showTooltip(box.children[at], tokens);
  };
  box.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse" && tokenOf(event)) showTooltip(tokenOf(event), tokens); });
  box.addEventListener("click", (event) => { if (tokenOf(event)) showTooltip(tokenOf(event), tokens); });
  box.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hideTooltip(); });
  box.addEventListener("blur", hideTooltip);
  box.addEventListener("focus", () => { if (box.matches(":focus-visible")) go(at); });
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return hideTooltip();
    if (marked?.parentElement === box) at = Number(marked.dataset.i);
    const last = tokens.text.length - 1;
    const to = { ArrowRight: Math.min(last, at + 1), ArrowLeft: Math.max(0, at - 1), Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    box.dispatchEvent(new Event("expand"));
    go(to);
  });
  return box;
}

// Shows the first lines of a long node, with a button for the rest.
function clip(node, label) {
  node.classList.add("clipped");
  const button = element("button", "more", label);
  button.type = "button";
  const expand = () => {
    node.classList.remove("clipped");
    button.remove();
  };
  button.addEventListener("click", expand);
  node.addEventListener("expand", expand, { once: true });
  return [node, button];
}

const mostTokens = 200; // of a response, shown at first
const heatmaps = []; // of the page: a page that draws anew empties it
// A heatmap, cut where it has more than `most` tokens.
function clippedHeatmap(tokens, most, name) {
  const map = heatmap(tokens, name);
  heatmaps.push(map);
  return tokens.text.length > most ? clip(map, `Show all ${count(tokens.text.length)} tokens`) : [map];
}
by("quantity").addEventListener("change", () => {
  drawLegend();
  for (const map of heatmaps) map.paint();
});

// A bar from 0 to 1: longer is better.
function shareBar(share, label) {
  const bar = element("div", "share", element("i"));
  bar.firstChild.style.width = 100 * share + "%";
  bar.title = label;
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", label);
  return bar;
}
// Each step or turn as a bar, the geometric mean of its tokens' probabilities: longer is better, all of it is certain. With
// its sum and its mean per token of alpha log pi, and the reward of a turn.
function rangeBars(word, ranges, texts = [], alpha = 1) {
  const box = element("div", `${word}s steps`, element("span", "title", `${word[0].toUpperCase()}${word.slice(1)}s: probability of a token (geometric mean; longer is better), sum, and mean per token (nats)`));
  ranges.forEach(({ begin, end, sum, mean, reward }, i) => {
    const probability = Math.min(1, Math.exp(mean / alpha));
    const name = `${word} ${i + 1}${reward === undefined ? "" : `: reward ${number(reward)}`}`;
    box.append(element("span", "", name), shareBar(probability, `${number(100 * probability, 1)} % a token`), element("span", "sum", number(sum)), element("span", "", number(mean)), element("span", "text", texts.slice(begin, end).join("").trim()));
  });
  return box;
}
