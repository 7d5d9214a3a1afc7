"use strict";
// The records one by one, and the controls above them.
const cards = [];

const roleOf = (row, i) => (row.chosen === undefined ? (row.responses.length > 1 ? `response ${i + 1}` : "response") : i === row.chosen ? "chosen" : "rejected");
function responseBox(row, i, best, share) {
  const response = row.responses[i];
  const role = roleOf(row, i);
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
  box.append(element("div", "head", name, facts));
  if (share !== undefined) box.append(shareBar(share, `preferred with P ${probabilityWords(share)}`));
  box.append(...replies);
  if (tokensOf.has(response)) box.append(...clippedHeatmap(tokensOf.get(response), mostTokens));
  const texts = response.token_rewards?.text;
  if (response.turns?.length > 1) box.append(rangeBars("turn", response.turns, texts, options.alpha));
  if (response.steps?.length > 1) box.append(rangeBars("step", response.steps, texts, options.alpha));
  return box;
}

// Who is ahead, by how much, and how likely that makes it; a mark says whether it is the chosen one.
function verdict(row) {
  const told = verdictOf(row.responses.map((_, i) => roleOf(row, i)), row.responses.map(({ reward }) => reward ?? null));
  if (!told) return [];
  if (row.chosen === undefined) return [element("small", "", told.words)];
  const won = told.margin > 0 && told.first === "chosen";
  return [element("small", won ? "won" : "lost", `${won ? "\u2713" : told.margin > 0 ? "\u2717" : "="} ${told.words}`)];
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
  const shares = scored.length > 1 ? sharesOf(responses.map(({ reward }) => reward ?? null)) : [];
  const list = element("div", "responses" + (responses.length > 1 ? " many" : ""), ...responses.map((_, i) => responseBox(row, i, best, shares[i])));
  if (responses.length) card.append(list);
  head.append(...verdict(row));
  const drawn = responses.flatMap((response, i) => (partsOfResponse.has(response) ? [{ name: roleOf(row, i), parts: partsOfResponse.get(response), rgb: { chosen: "--accent-rgb", rejected: "--warm-rgb" }[roleOf(row, i)] }] : []));
  if (drawn.length) card.append(runningFigure(drawn, tokensOf.get(responses.find((response) => response.reward === best))?.parting));
  const margin = row.chosen !== undefined && responses.length === 2 && scored.length === 2 ? responses[row.chosen].reward - responses[1 - row.chosen].reward : null;
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

// The rewards of what is shown, made when it is looked at.
by("reward-details").addEventListener("toggle", () => {
  if (by("reward-table").children.length) return;
  const figure = (value, text) => (value === undefined ? noValue : { content: [Object.assign(element("data", "", text), { value })], className: "number" });
  by("reward-table").append(dataTable("Rewards", ["record", "response", ...["reward", "log \u03c0 per token", "tokens"].map(rightAligned)],
    data.rows.flatMap((row) => (row.responses || []).map((response, i) => [row.id === undefined ? `line ${row.line}` : String(row.id), roleOf(row, i),
      figure(response.reward, number(response.reward ?? 0)), figure(response.mean, number(response.mean ?? 0)), figure(response.tokens, count(response.tokens ?? 0))]))));
});
by("reward-details").hidden = !cards.length;

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
