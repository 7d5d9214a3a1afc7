"use strict";
// The responses of the log, by step and prompt, a few at a time.
const cardsAtOnce = 20;
// The rewards of a run's tokens may come from any source, not from logits alone.
QUANTITIES.reward.row = "reward";
QUANTITIES.reward.about = "reward of each token: orange below 0, blue above";
if (scales.reward) by("quantity").value = "reward";
by("quantity-label").hidden = Object.keys(scales).length < 2;
drawLegend();

// Samples that stand together: those of a step and a prompt.
const cardsOf = new Map();
for (const sample of data.samples) {
  const place = `${sample.step} ${sample.prompt}`;
  if (!cardsOf.has(place)) cardsOf.set(place, { step: sample.step, prompt: sample.prompt, samples: [] });
  cardsOf.get(place).samples.push(sample);
}
const cards = [...cardsOf.values()];
const stepsOf = new Map();  // prompt -> at how many steps it was answered
for (const card of cards) stepsOf.set(card.prompt, (stepsOf.get(card.prompt) || 0) + 1);
const prompts = [...stepsOf.keys()].sort((a, b) => stepsOf.get(b) - stepsOf.get(a));
by("prompt").append(new Option("all", ""), ...prompts.map((text) => new Option(`${text.trim().replace(/\s+/g, " ").slice(0, 80)} (${plural(stepsOf.get(text), "step")})`, `=${text}`)));
by("prompt-label").hidden = prompts.length < 2;

function responseBox(sample, isBest) {
  const box = element("div", "response" + (isBest ? " best" : ""));
  const tokens = sample.token_rewards;
  const read = tokens && tokens.text.length;
  const head = element("div", "head", element("span", "", "reward ", element("b", "", compact(sample.reward))), element("span", "", read ? plural(tokens.text.length, "token") : ""));
  box.append(head);
  if (sample.note !== undefined) box.append(element("p", "sample-note", sample.note));
  box.append(...(read ? clippedHeatmap(tokens, 250) : plainText(sample.response)));
  return box;
}
function sampleCard({ step, prompt: text, samples }) {
  const highest = samples.reduce((most, { reward }) => Math.max(most, reward), -Infinity);
  const title = element("h3", "", `Step ${count(step)}`, element("small", "", samples.length > 1 ? plural(samples.length, "response") : ""));
  const list = element("div", "responses" + (samples.length > 1 ? " many" : ""), ...samples.map((sample) => responseBox(sample, samples.length > 1 && sample.reward === highest)));
  const card = element("article", "record", title, ...clippedText(element("p", "prompt", text), 1500, "Show the whole prompt"), list);
  nearing.observe(card);
  return card;
}

const showCards = pagedList(by("records"), by("more"), cardsAtOnce, sampleCard);
function showSamples() {
  hideTooltip();
  nearing.disconnect();
  heatmaps.length = 0;
  const wanted = by("filter").value.toLowerCase();
  const chosen = by("prompt").value;
  const found = cards.filter((card) => (chosen === "" || chosen === `=${card.prompt}`) &&
    (!wanted || [card.prompt, ...card.samples.flatMap((sample) => [sample.response, sample.note || ""])].join("\n").toLowerCase().includes(wanted)));
  const direction = by("order").value === "newest" ? -1 : 1;
  found.sort((a, b) => direction * (a.step - b.step));
  by("shown").textContent = found.length === cards.length ? "" : found.length ? `${count(found.length)} of ${count(cards.length)} are shown.` : "No sample is like that.";
  showCards(found);
}
by("samples").hidden = !data.samples.length;
if (data.samples.length < data.sample_count) by("samples-note").append(`${count(data.samples.length)} of ${count(data.sample_count)} samples, evenly spaced through the log (--max-records).`);
for (const id of ["prompt", "order"]) by(id).addEventListener("change", showSamples);
by("filter").addEventListener("input", showSamples);
showSamples();
