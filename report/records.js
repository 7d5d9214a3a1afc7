"use strict";
// The records one by one, and the controls above them.
const cards = [];

function responseBox(row, i, best, worst) {
  const response = row.responses[i];
  const role = row.chosen === undefined ? (row.responses.length > 1 ? `response ${i + 1}` : "response") : i === row.chosen ? "chosen" : "rejected";
  if (response.reward === undefined) return element("div", "response", element("div", "head", role), element("p", "error", "Could not be scored: " + response.error));
  const isBest = response.reward === best;
  const box = element("div", "response" + (isBest ? " best" : ""));
  const name = element("span", "", role);
  if (isBest) name.append(element("span", "best-mark", " \u00b7 highest reward"));
  if (response.finish === "truncated") name.append(" \u00b7 cut off before its end");
  if (response.context === "closed_by_template") name.append(" \u00b7 an answer alone, where the template puts it");
  if (response.context === "continued") name.append(" \u00b7 continues the prompt's last turn");
  if (response.truncated_left) name.append(` \u00b7 ${plural(response.truncated_left, "token")} of the context left out`);
  const facts = element("span", "", "reward ", element("b", "", number(response.reward)), (response.mean === undefined ? "" : ` \u00b7 ${number(response.mean)} per token`) + (response.tokens === undefined ? "" : ` \u00b7 ${plural(response.tokens, "token")}`));
  const replies = (response.replies || []).map((reply) => element("p", "", `reply: ${reply}`));
  box.append(element("div", "head", name, facts), ...replies);
  if (response.token_rewards) {
    box.append(...clippedHeatmap(response.token_rewards, 400));
  }
  const texts = response.token_rewards?.text;
  if (response.turns?.length > 1) box.append(rangeBars("turn", response.turns, texts, worst));
  if (response.steps?.length > 1) box.append(rangeBars("step", response.steps, texts, worst));
  return box;
}

function verdict(margin) {
  const p = 1 / (1 + Math.exp(-margin));
  const chosen = p < 0.001 ? "P(chosen) < 0.001" : p > 0.999 ? "P(chosen) > 0.999" : `P(chosen) = ${p.toFixed(3)}`;
  if (margin === 0) return element("small", "lost", "= tied");
  const [mark, who] = margin > 0 ? ["\u2713", "chosen"] : ["\u2717", "rejected"];
  return element("small", margin > 0 ? "won" : "lost", `${mark} ${who} ahead by ${number(Math.abs(margin))} nats, ${chosen}`);
}

function addRecord(row) {
  const id = row.id === undefined ? `line ${row.line}` : row.id;
  const head = element("h3", "", id);
  const card = element("article", "record", head);
  if (row.messages && row.messages.length) card.append(...prompt(row.messages));
  if (row.prompt_ids) card.append(element("p", "prompt", `${plural(row.prompt_ids.length, "token id")} as the prompt`));
  if (row.error) card.append(element("p", "error", "Could not be scored: " + row.error.message));
  const responses = row.responses || [];
  const scored = responses.filter((response) => response.reward !== undefined);
  const best = scored.length > 1 ? Math.max(...scored.map((response) => response.reward)) : undefined;
  const worst = worstMean(scored.flatMap(({ steps, turns }) => [...(steps || []), ...(turns || [])]));
  const list = element("div", "responses" + (responses.length > 1 ? " many" : ""), ...responses.map((_, i) => responseBox(row, i, best, worst)));
  if (responses.length) card.append(list);
  let margin = null;
  if (row.chosen !== undefined && responses.length === 2 && scored.length === 2) {
    margin = responses[row.chosen].reward - responses[1 - row.chosen].reward;
    head.append(verdict(margin));
  }
  cards.push({ card, margin, text: `${id}\n${card.textContent}`.toLowerCase() });
}
data.rows.forEach(addRecord);

function filterCards() {
  const wanted = by("filter").value.toLowerCase();
  const lost = by("lost").checked;
  let left = 0;
  for (const { card, margin, text } of cards) {
    card.hidden = !text.includes(wanted) || (lost && !(margin !== null && margin <= 0));
    left += card.hidden ? 0 : 1;
  }
  by("none").hidden = left > 0;
}
function sortCards() {
  const sorted = [...cards];
  if (by("sort").value === "margin") sorted.sort((a, b) => (a.margin ?? Infinity) - (b.margin ?? Infinity));
  by("records").replaceChildren(...sorted.map(({ card }) => card));
}

if (!hasTokens) {
  by("legend").append("The file holds no tokens: score with --tokens to see the texts and the reward of every token.");
}
by("lost-label").hidden = by("sort-label").hidden = !data.pairs;
by("filter").addEventListener("input", filterCards);
by("lost").addEventListener("change", filterCards);
by("sort").addEventListener("change", sortCards);
if (summary.shown < summary.records) by("shown").append(`The first ${count(summary.shown)} of ${count(summary.records)} records are shown (--max-records); the figures and distributions above are of all.`);
sortCards();
if (!cards.length) {
  by("controls").hidden = true;
  by("none").hidden = false;
  by("none").textContent = "The file holds no records yet.";
}

for (const { card } of cards) nearing.observe(card);
