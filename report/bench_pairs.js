"use strict";
// Pairs that the first judge won and lost, with every judge's verdict on them, a few at a time.
const pageOfPairs = 20;

// What a judge said of a pair: its margin, or that there is none; null where it was not asked.
const verdictOf = (pair, judge) => pair.verdicts[judge] ?? null;
function outcomeOf(pair, judge) {
  const verdict = verdictOf(pair, judge);
  if (!verdict || verdict.margin === undefined) return "none";
  return verdict.margin > 0 ? "won" : verdict.margin < 0 ? "lost" : "tied";
}
const OUTCOMES = [["any", "all"], ["won", "won"], ["lost", "lost"], ["tied", "tied"], ["no verdict", "none"]];
const ORDERS = [["as in the file", "file"], ["smallest margin first", "close"], ["largest loss first", "worst"]];
const MARKS = { won: "\u2713", lost: "\u2717", tied: "=", none: noValue };

function verdictText(pair) {
  const verdict = verdictOf(pair, judgeAt);
  const outcome = outcomeOf(pair, judgeAt);
  if (outcome === "none") return element("small", "", verdict ? `no verdict: ${verdict.error}` : `no verdict of ${judges[judgeAt].name} in the file`);
  if (outcome === "tied") return element("small", "lost", "= tied");
  const sure = 1 / (1 + Math.exp(-Math.abs(verdict.margin)));
  return element("small", outcome, `${MARKS[outcome]} ${outcome === "won" ? "better" : "worse"} one ahead by ${number(Math.abs(verdict.margin))}, sigmoid ${sure > 0.999 ? "> 0.999" : sure.toFixed(3)}`);
}

function sideBox(pair, side, otherSide) {
  const verdict = verdictOf(pair, judgeAt);
  const said = verdict ? verdict[side] : null;
  const other = verdict ? verdict[otherSide] : null;
  const outcome = outcomeOf(pair, judgeAt);
  const preferred = (outcome === "won" && side === "better") || (outcome === "lost" && side === "worse");
  const tokens = shownTokens.get(pair[side]);
  const box = element("div", "response" + (preferred ? " best" : ""));
  const name = element("span", "", side);
  if (preferred) name.append(element("span", "best-mark", ` \u00b7 preferred by ${judges[judgeAt].name}`));
  const facts = element("span");
  if (said && other && said.reward !== undefined) facts.append("reward ", element("b", "", number(said.reward)), " \u00b7 ");
  facts.append(tokens.text.length ? plural(tokens.text.length, "token") : plural([...pair[side].text].length, "character"));
  box.append(element("div", "head", name, facts));
  if (said && said.error !== undefined) box.append(element("p", "error", "Could not be scored: " + said.error));
  box.append(...(tokens.text.length ? clippedHeatmap(tokens, 120) : plainText(pair[side].text)));
  for (const reply of (said && said.replies) || []) box.append(element("p", "reply", `${judges[judgeAt].name}: ${reply}`));
  return box;
}

function pairCard(pair) {
  const title = element("h3", "", pair.id, element("small", "", [pair.subset, pair.cell].filter(Boolean).join(" \u00b7 ")), verdictText(pair));
  const card = element("article", "record", title);
  if (pair.verdicts.length > 1) {
    card.append(element("p", "verdicts", ...judges.map((judge, i) => {
      const outcome = outcomeOf(pair, i);
      return element("span", outcome, `${MARKS[outcome]} ${judge.name}`, element("span", "hidden-text", ` ${outcome === "none" ? "no verdict" : outcome}`));
    })));
  }
  card.append(...prompt(pair.messages));
  card.append(element("div", "responses many", sideBox(pair, "better", "worse"), sideBox(pair, "worse", "better")));
  const verdict = verdictOf(pair, judgeAt);
  for (const reply of (verdict && verdict.replies) || []) card.append(element("p", "reply", `${judges[judgeAt].name}: ${reply}`));
  nearing.observe(card);
  return card;
}

const searched = data.shown.map((pair) => [pair.id, ...pair.messages.map((message) => message.content), pair.better.text, pair.worse.text].join("\n").toLowerCase());
const showList = pagedList(by("records"), by("more"), pageOfPairs, pairCard);
function showPairs() {
  hideTooltip();
  nearing.disconnect();
  heatmaps.length = 0;
  const [outcome, subset, cell] = ["kind", "subset", "cell"].map((id) => by(id).value);
  const wanted = by("filter").value.toLowerCase();
  const matching = data.shown.filter((pair, i) => searched[i].includes(wanted) && (outcome === "all" || outcomeOf(pair, judgeAt) === outcome) &&
    (subset === "" || pair.subset === subset) && (cell === "" || pair.cell === cell));
  const marginOf = (pair) => {
    const verdict = verdictOf(pair, judgeAt);
    return verdict && verdict.margin !== undefined ? verdict.margin : Infinity;
  };
  const order = by("sort").value;
  if (order === "close") matching.sort((a, b) => Math.abs(marginOf(a)) - Math.abs(marginOf(b)) || 0);
  if (order === "worst") matching.sort((a, b) => marginOf(a) - marginOf(b) || 0);
  by("shown").textContent = `${count(matching.length)} of ${plural(data.shown.length, "pair")}.`;
  showList(matching);
}

OUTCOMES.forEach(([text, value]) => by("kind").add(new Option(text, value)));
ORDERS.forEach(([text, value]) => by("sort").add(new Option(text, value)));
addChoices("subject", []);
addChoices("level", []);
addChoices("subset", [...new Set(data.shown.map((pair) => pair.subset).filter(Boolean))]);
addChoices("cell", [...new Set(data.shown.map((pair) => pair.cell).filter(Boolean))].sort());
for (const id of ["kind", "subset", "cell", "sort"]) by(id).addEventListener("change", showPairs);
by("filter").addEventListener("input", showPairs);
if (data.shown.length) {
  by("cards-note").append(`Pairs that ${judges[0].name} lost by most and won by most: the figures above are of all. ${hasTokens ? `Colours are what ${judges[0].name} read of each token; the` : "The"} verdicts are those of the judge that is chosen.`);
  onJudge.push(showPairs);
  showPairs();
} else {
  by("cards-note").append("The file holds none: the first judge reads no tokens, the benchmark compares no pairs, or none was asked for.");
  by("controls").hidden = true;
}
