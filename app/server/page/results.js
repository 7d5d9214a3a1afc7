"use strict";
// Results: in memory by record, model and alpha; drawn as a ranking and a card a response.
const kept = new Map();
const alphas = new Set(ALPHAS); // these, and what else was ever answered
const keyOf = (record, model, alpha) => JSON.stringify([record, model, alpha]);
const chosenModels = () => [...new Set([by("model").value, by("other").value])].filter(Boolean);
let view = null; // what is shown: {record, names, alpha, columns: [{model, reply, rewards, ranks}], cards}
let running = null; // AbortController of the requests under way

function busy(yes) {
  by("stop").hidden = !yes;
  by("results").toggleAttribute("aria-busy", yes);
}
function close() {
  running?.abort();
  running = view = null;
  busy(false);
  by("results").hidden = true;
}

// Shows a record by the chosen models, and asks for what is not in memory. Where nothing comes, what was shown stays.
async function show({ record, names }) {
  running?.abort();
  const mine = (running = new AbortController());
  complain("");
  const alpha = Number(by("alpha").value);
  if (!(alpha > 0)) return complain("alpha is a number above 0.");
  try {
    if (!by("model").value) await loadModels();
  } catch (error) {
    return complain(error.message);
  }
  const models = chosenModels();
  const missing = models.filter((model) => !kept.has(keyOf(record, model, alpha)));
  const began = performance.now();
  busy(missing.length > 0);
  if (missing.length) say(`Scoring ${plural(record.responses.length, "response")} with ${missing.join(" and ")} at alpha ${alpha} ...`);
  const outcomes = await Promise.allSettled(missing.map(async (model) => {
    kept.set(keyOf(record, model, alpha), await score(record, model, alpha, mine.signal));
    alphas.add(alpha);
  }));
  if (mine !== running) return;
  busy(false);
  const failures = outcomes.flatMap(({ reason }, i) => (reason ? [reason.name === "AbortError" ? "Stopped." : `${missing[i]}: ${reason.message}`] : []));
  complain([...new Set(failures)].join(" "));
  const columns = models.map((model) => ({ model, reply: kept.get(keyOf(record, model, alpha)) })).filter(({ reply }) => reply);
  if (!columns.length) {
    if (view) by("alpha").value = view.alpha;
    return say("");
  }
  if (!show.chosen) by("aggregation").value = columns[0].reply.aggregation;
  view = { record, names, alpha, columns };
  draw();
  const seconds = ((performance.now() - began) / 1000).toFixed(2);
  say(`${missing.length > failures.length ? `Scored in ${seconds} s.` : "From memory: nothing was sent."} ${firstInWords()}`);
}

function markStale() {
  if (!view) return;
  let now = null;
  try { now = written().record; } catch { /* not complete: changed */ }
  by("stale").hidden = JSON.stringify(now) === JSON.stringify(view.record);
}

// What the controls say; null where a number is out of its range.
function settings() {
  const ids = ["gamma", "floor", "chunk", "last_k"];
  if (ids.some((id) => by(id).value === "" || !by(id).checkValidity())) return null;
  return { aggregation: by("aggregation").value, initial_value: by("initial_value").checked, ...Object.fromEntries(ids.map((id) => [id, Number(by(id).value)])) };
}

// What the rewards of each column [responses] are made of, by the controls: nothing where there is no reward. The tokens
// that are shown learn their weights.
function findParts(chosen) {
  for (const column of view.columns) {
    column.parts = column.reply.responses.map((response, i) => {
      const parts = response.token_rewards && partsOf(response, view.alpha, chosen);
      const known = parts && Number.isFinite(rewardOf(parts)) ? parts : undefined;
      if (column.tokens[i]) Object.assign(column.tokens[i], { weight: known?.weight, contribution: known?.contribution });
      return known;
    });
    column.rewards = column.parts.map((parts) => (parts ? rewardOf(parts) : null));
    column.ranks = ranksOf(column.rewards);
    const partings = partingsOf(column.tokens, column.rewards);
    column.parting = partings[column.ranks.indexOf(1)];
    column.tokens.forEach((tokens, i) => { if (tokens) tokens.parting = partings[i]; });
  }
  findScales(view.columns.flatMap(({ tokens }) => tokens.filter(Boolean)));
}
// 1 for the highest; equal rewards share their rank.
const ranksOf = (rewards) => rewards.map((reward) => (reward === null ? null : 1 + rewards.filter((other) => other !== null && other > reward).length));

function firstInWords() {
  const firsts = view.columns.map(({ ranks }) => view.names.filter((_, i) => ranks[i] === 1).join(" and "));
  if (view.columns.length === 1 || firsts[0] === firsts[1]) return firsts[0] ? `Highest reward${firsts.length > 1 ? " by both models" : ""}: ${firsts[0]}.` : "";
  return "Highest reward " + view.columns.map(({ model }, c) => `by ${model}: ${firsts[c] || "none"}`).join("; ") + ".";
}

// Draws what depends on the replies; rank() what depends on the controls.
function draw() {
  by("results").hidden = false;
  by("alpha").value = view.alpha;
  by("warning").textContent = "";
  for (const column of view.columns) {
    const told = difference(column, view.alpha);
    if (told) by("warning").textContent = `The aggregations computed here differ from the server's (${told}). This is a defect; please report it.`;
  }
  const models = view.columns.map(({ model }) => model);
  const known = [...alphas].sort((a, b) => a - b).filter((alpha) => ALPHAS.includes(alpha) || models.every((model) => kept.has(keyOf(view.record, model, alpha))));
  by("kept").replaceChildren(...known.map((alpha) => {
    const button = element("button", "", `${alpha}`);
    button.type = "button";
    button.setAttribute("aria-label", `alpha ${alpha}`);
    button.setAttribute("aria-pressed", String(alpha === view.alpha));
    button.addEventListener("click", async () => {
      by("alpha").value = alpha;
      await show(view);
      by("kept").querySelector("[aria-pressed=true]").focus();
    });
    return button;
  }));
  const order = by("order").value;
  by("order").replaceChildren(...models.map((model, c) => new Option(models.length > 1 ? `by ${model}` : "by reward", c)), new Option("as written", "written"));
  by("order").value = order;
  if (!by("order").value) by("order").selectedIndex = 0;
  heatmaps.length = 0;
  for (const column of view.columns) column.tokens = column.reply.responses.map(({ token_rewards: tokens }) => tokens && { ...tokens });
  findParts(settings() ?? { ...CHECKED, aggregation: by("aggregation").value });
  view.cards = view.names.map(cardOf);
  by("cards").className = models.length === 1 && view.names.length > 1 ? "responses many" : "responses";
  rank();
  markStale();
}

function rank() {
  for (const label of document.querySelectorAll("[data-of]")) label.hidden = !label.dataset.of.split(" ").includes(by("aggregation").value);
  const chosen = settings();
  if (!view) return;
  if (!chosen) return void (by("words").textContent = "gamma and floor are from 0 to 1; chunks and last tokens are whole numbers from 1.");
  by("words").textContent = `Reward: ${aggregationInWords(chosen, view.alpha)}${/step/.test(chosen.aggregation) ? " An empty line begins a step." : ""}`;
  hideTooltip();
  findParts(chosen);
  for (const map of heatmaps) map.paint();
  by("verdict").replaceChildren(...view.columns.flatMap(({ model, rewards }) => {
    const told = verdictOf(view.names, rewards);
    return told ? [element("div", "", ...(view.columns.length > 1 ? [element("small", "", `${model}: `)] : []), told.words[0].toUpperCase() + told.words.slice(1))] : [];
  }));
  by("running").replaceChildren(...view.columns.flatMap(({ model, parts, parting }) => {
    const lines = view.names.flatMap((name, i) => (parts[i] ? [{ name, parts: parts[i] }] : []));
    return lines.length ? [runningFigure(lines, parting, view.columns.length > 1 ? model : "")] : [];
  }));
  by("running").className = view.columns.length > 1 ? "panels many" : "panels";
  drawRunning();
  const by_column = view.columns[by("order").value];
  const places = view.names.map((_, i) => i);
  if (by_column) places.sort((a, b) => (by_column.ranks[a] ?? Infinity) - (by_column.ranks[b] ?? Infinity) || a - b);
  drawRanking(places);
  by("cards").replaceChildren(...places.map((i) => view.cards[i].box));
  view.cards.forEach((card, i) => {
    card.box.classList.toggle("best", view.names.length > 1 && view.columns.some(({ ranks }) => ranks[i] === 1));
    card.rewards.forEach((node, c) => {
      const { rewards, ranks } = view.columns[c];
      node.replaceChildren(...(rewards[i] === null ? ["no reward by this aggregation"] : ["reward ", element("b", "", number(rewards[i])), ` \u00b7 rank ${ranks[i]}`]));
    });
  });
}

const textOfResponse = (response) => (typeof response === "string" ? response : response.text ?? response.steps.join("\n\n"));

const drawRunning = () => { for (const figure of document.querySelectorAll("#running .running")) figure.draw(); };

// Bars are the preference that the rewards of a model imply, from 0 to 1.
function drawRanking(places) {
  const two = view.columns.length > 1;
  by("ranking").className = two ? "two" : "";
  const heading = (scope, className, text, span = 1) => Object.assign(element("th", className, text), { scope, ...(span > 1 ? { colSpan: span } : {}) });
  const models = element("tr", "", element("td"), ...view.columns.map(({ model }) => heading("colgroup", "", model, 3)));
  const names = view.columns.flatMap(() => [heading("col", "number", "Rank"), heading("col", "number", "Reward"), heading("col", "bar-cell", "Preferred with P")]);
  by("ranking").tHead.replaceChildren(...(two ? [models] : []), element("tr", "", heading("col", "", "Response"), ...names));
  by("ranking").tBodies[0].replaceChildren(...places.map((i) => {
    const link = element("a", "", view.names[i], element("small", "", textOfResponse(view.record.responses[i]).slice(0, 200)));
    link.href = `#card-${i}`;
    return element("tr", "", heading("row", "", link), ...view.columns.flatMap(({ rewards, ranks, reply }) => {
      const share = sharesOf(rewards)[i];
      if (rewards[i] === null) {
        return [Object.assign(element("td", "error", reply.responses[i].error ? "could not be scored" : "no steps or no V here"), { colSpan: 3 })];
      }
      const value = element("data", "", number(rewards[i]));
      value.value = rewards[i];
      return [element("td", ranks[i] === 1 ? "number first" : "number", `${ranks[i]}`), element("td", "number", value), element("td", "bar-cell", shareBar(share, `preferred with P ${probabilityWords(share)}`))];
    }));
  }));
}

function cardOf(name, i) {
  const card = { box: element("article", "response"), rewards: [] };
  card.box.id = `card-${i}`;
  const panels = element("div", view.columns.length > 1 ? "panels many" : "panels");
  for (const [c, { model, reply }] of view.columns.entries()) {
    const response = reply.responses[i];
    const panel = element("div");
    const facts = element("div", "head");
    if (view.columns.length > 1) facts.append(element("b", "model", model));
    panel.append(facts);
    panels.append(panel);
    card.rewards.push(element("span"));
    if (response.error) {
      panel.append(element("p", "error", `Could not be scored: ${response.error}`));
      continue;
    }
    facts.append(card.rewards.at(-1), element("span", "", `log \u03c0 ${number(response.log_prob)}`), element("span", "", plural(response.tokens, "token")),
      response.finish === "truncated" ? element("span", "cut", "cut off: no end of its turn is scored") : element("span", "", "ends its turn"));
    if (reply.without_steps) facts.append(element("span", "cut", "its steps cannot be placed on its tokens"));
    if (CONTEXTS[response.context]) facts.append(element("span", "", CONTEXTS[response.context]));
    if (response.truncated_left) facts.append(element("span", "cut", `${plural(response.truncated_left, "token")} of the prompt left out`));
    panel.append(...clippedHeatmap(view.columns[c].tokens[i], mostTokens, `${name}${view.columns.length > 1 ? ` by ${model}` : ""}`));
    heatmaps.at(-1).split();
    if (response.turns?.length > 1) panel.append(rangeBars("turn", response.turns, response.token_rewards.text, view.alpha));
    if (response.steps?.length > 1) panel.append(rangeBars("step", response.steps, response.token_rewards.text, view.alpha));
  }
  card.box.append(element("h3", "", name[0].toUpperCase() + name.slice(1)), panels);
  return card;
}

// Where a response was read, in words.
const CONTEXTS = {
  as_drawn: "read behind the generation prompt",
  continued: "continues the prompt\u2019s last message",
  closed_by_template: "an answer alone: read where the template puts one",
  raw: "read as raw text",
  tokens: "read as tokens",
};
