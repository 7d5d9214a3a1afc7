"use strict";
// The questions, a few at a time; one opens to its responses, those that the judge likes best first.
const questionsAtOnce = 40;
const responsesAtOnce = 8;
const judgeName = () => judges[judgeAt].name;
const shownById = new Map(data.responses.shown.map((example) => [example.id, example]));

// What a judge said of a response: a reward or an error. Nothing where the judge has no row of the question.
const saidOf = (row, judge, i) => (judge < judges.length && row.judged[judge] ? row.judged[judge][i] : {});
const rewardsOf = (row, judge) => row.responses.map((_, i) => saidOf(row, judge, i).reward);

// The places of the responses that a judge likes best.
function bestPlaces(row, judge) {
  const rewards = rewardsOf(row, judge);
  const highest = rewards.reduce((most, reward) => (reward > most ? reward : most), -Infinity);
  return rewards.flatMap((reward, i) => (reward === highest ? [i] : []));
}

// The classes of equal answers: the place of one of them -> how many, the largest first.
function voteClasses(row) {
  const votes = new Map();
  for (const vote of row.vote || []) if (vote !== null) votes.set(vote, (votes.get(vote) || 0) + 1);
  return [...votes].sort((a, b) => b[1] - a[1]);
}
function votedPlaces(row) {
  const classes = voteClasses(row);
  return classes.filter(([, many]) => many === classes[0][1]).map(([first]) => first);
}

const isRight = (row, i) => row.correct[i];
const verdictOf = (row, i) => (row.correct[i] ? "correct" : row.vote && row.vote[i] === null ? "unparsable" : "wrong");
const isCut = (row, i) => (row.ends ? row.ends[i] === "length" : row.responses[i].truncated === true);
const rightShare = (row, places) => places.filter((i) => isRight(row, i)).length / places.length;

// What the filters ask about: shares of right ones in 0..1, null where nothing is chosen. Where nobody votes it is wrong.
function summaryOf(row) {
  if (!row.responses) return { row, responses: 0, right: 0, vote: null, unparsable: 0, truncated: 0 };
  const having = (test) => row.responses.filter((_, i) => test(row, i)).length;
  const voted = votedPlaces(row);
  return {
    row, responses: row.responses.length, right: having(isRight), vote: !row.vote ? null : voted.length ? rightShare(row, voted) : 0,
    unparsable: having((_, i) => verdictOf(row, i) === "unparsable"), truncated: having(isCut),
  };
}
const summaries = rows.map(summaryOf);
function judgeAll() {
  for (const one of summaries) {
    const best = one.responses ? bestPlaces(one.row, judgeAt) : [];
    one.judge = best.length ? rightShare(one.row, best) : null;
    one.unrewarded = one.responses ? rewardsOf(one.row, judgeAt).filter((reward) => reward === undefined).length : 0;
  }
}

const judged = judges.length > 0;
const KINDS = [
  ["any", () => true],
  ...(judged ? [
    ["judge right, majority wrong", (one) => one.judge === 1 && one.vote === 0],
    ["judge wrong, majority right", (one) => one.judge === 0 && one.vote === 1],
    ["judge right", (one) => one.judge === 1],
    ["judge wrong", (one) => one.judge === 0],
    ["judge wrong, a response right", (one) => one.judge === 0 && one.right > 0],
  ] : []),
  ["majority right", (one) => one.vote === 1],
  ["majority wrong", (one) => one.vote === 0],
  ["tied at the top", (one) => (one.vote > 0 && one.vote < 1) || (judged && one.judge > 0 && one.judge < 1)],
  ["every response right", (one) => one.responses > 0 && one.right === one.responses],
  ["no response right", (one) => one.responses > 0 && one.right === 0],
  ["with unparsable responses", (one) => one.unparsable > 0],
  ["with responses cut off", (one) => one.truncated > 0],
  ...(judged ? [["with responses without a reward", (one) => one.unrewarded > 0]] : []),
  ...(data.responses.shown.length ? [["with token rewards", (one) => shownById.has(one.row.id)]] : []),
  ["not asked", (one) => one.responses === 0],
];

// How far the response that the judge likes best is ahead of the best right one; nothing where it is right or none is.
function mistake({ row, judge, right }) {
  if (judge !== 0 || !right) return -Infinity;
  const highest = (places) => places.reduce((most, reward) => (reward > most ? reward : most), -Infinity);
  const rewards = rewardsOf(row, judgeAt);
  return highest(rewards) - highest(rewards.filter((_, i) => isRight(row, i)));
}
const shareOf = ({ responses, right }) => (responses ? right / responses : Infinity);
const falling = (a, b) => (a === b ? 0 : b - a);
const ORDERS = [
  ["as in the file", () => null],
  ...(judged ? [["judge's largest mistake first", (one) => mistake(one)]] : []),
  ["fewest right responses first", (one) => -shareOf(one)],
  ["most right responses first", (one) => (one.responses ? shareOf(one) : -1)],
];

const VERDICTS = { correct: ["\u2713", "right-mark"], wrong: ["\u2717", "wrong-mark"], unparsable: ["?", ""] };
function outcomeMark(name, credit) {
  if (credit === null) return element("span", "", `${name} ${noValue}`, element("span", "hidden-text", " no choice"));
  const [mark, kind, word] = credit === 1 ? ["\u2713", "right-mark", "right"] : credit === 0 ? ["\u2717", "wrong-mark", "wrong"] : [`= ${percent(credit)}`, "", "right, tied"];
  return element("span", kind, `${mark} ${name}`, element("span", "hidden-text", ` ${word}`));
}

const ENDS = { end_of_turn: "ended its turn", stop: "ended at a stop string", length: "cut off" };
const ordinal = (n) => `${n}${n % 100 > 10 && n % 100 < 14 ? "th" : ["th", "st", "nd", "rd"][n % 10] || "th"}`;

// The places of the responses, the highest reward of the chosen judge first; those without one at the end.
function placesByReward(row) {
  const rewards = rewardsOf(row, judgeAt);
  return row.responses.map((_, i) => i).sort((a, b) => falling(rewards[a] ?? -Infinity, rewards[b] ?? -Infinity) || a - b);
}

function responseBox(row, i, rank) {
  const verdict = verdictOf(row, i);
  const [mark, kind] = VERDICTS[verdict];
  const isBest = rank.best.includes(i);
  const box = element("div", "response" + (isBest ? " best" : ""));
  const name = element("span", "", element("b", "", `response ${i + 1}`), " ", element("b", kind, `${mark} ${verdict}`));
  if (isBest) name.append(element("span", "best-mark", ` \u00b7 ${rank.best.length > 1 ? "highest reward, shared" : "chosen"} by ${judgeName()}`));
  const length = row.tokens ? plural(row.tokens[i], "token") : plural([...row.responses[i].text].length, "character");
  const end = row.ends ? ENDS[row.ends[i]] : isCut(row, i) ? ENDS.length : "";
  box.append(element("div", "head", name, element("span", "", length, end ? " \u00b7 " : "", element("span", isCut(row, i) ? "wrong-mark" : "", end))));
  if (row.vote) {
    const vote = row.vote[i];
    const voting = vote === null ? "does not vote" : `${count(rank.votes.get(vote))} of ${plural(row.responses.length, "response")} say so${rank.voted.includes(vote) ? rank.voted.length > 1 ? ", the most, tied" : ", the most" : ""}`;
    box.append(element("p", "answer", ...(row.answers ? ["answer ", element("code", "", row.answers[i] || noValue), " \u00b7 "] : []), voting, row.reasons ? ` \u00b7 grader: ${row.reasons[i]}` : ""));
  }
  if (judged) {
    box.append(element("p", "verdicts", ...judges.map((judge, j) => {
      const { reward } = saidOf(row, j, i);
      if (reward === undefined) return element("span", "", `${judge.name} ${noValue}`);
      const place = 1 + rank.sorted[j].findIndex((other) => other === reward);
      return element("span", "", `${judge.name} `, element("b", "", number(reward)), ` (${ordinal(place)})`);
    })));
    const { error } = saidOf(row, judgeAt, i);
    if (error !== undefined) box.append(element("p", "error", `No reward by ${judgeName()}: ${error}`));
  }
  const example = shownById.get(row.id);
  const read = example ? shownTokens.get(example.responses.find((one) => one.place === i)) : undefined;
  box.append(...(read && read.text.length ? clippedHeatmap(read, 250) : plainText(row.responses[i].text)));
  for (const reply of (judged && saidOf(row, judgeAt, i).replies) || []) box.append(element("p", "reply", `${judgeName()}: ${reply}`));
  nearing.observe(box);
  return box;
}

// What is asked: the last message.
const questionOf = (row) => (row.prompt && row.prompt.length ? wordsOf(row.prompt[row.prompt.length - 1]) : "");

function questionBody(row) {
  const body = element("div", "body");
  body.append(...prompt(row.prompt || []));
  const list = element("dl", "facts");
  if (row.reference !== undefined) list.append(element("dt", "", "Reference"), element("dd", "", element("code", "", row.reference), row.tolerance ? `, within ${row.tolerance}` : ""));
  body.append(list);
  if (!row.responses) {
    body.append(element("p", "error", `Could not be asked: ${row.error}`));
    return body;
  }
  const classes = voteClasses(row);
  if (row.vote && row.answers) {
    const silent = row.vote.filter((vote) => vote === null).length;
    const mark = (first) => VERDICTS[verdictOf(row, first)];
    list.append(element("dt", "", "Votes"), element("dd", "answers",
      ...classes.slice(0, 12).map(([first, many]) => element("span", "", element("code", "", row.answers[first]), ` ${plural(many, "vote")} `, element("span", mark(first)[1], mark(first)[0]), element("span", "hidden-text", verdictOf(row, first)))),
      ...(classes.length > 12 ? [`and ${count(classes.length - 12)} other answers`] : []), ...(silent ? [`${count(silent)} without a readable answer`] : [])));
  }
  const rank = {
    best: bestPlaces(row, judgeAt), voted: votedPlaces(row), votes: new Map(classes),
    sorted: judges.map((_, j) => rewardsOf(row, j).filter((reward) => reward !== undefined).sort((a, b) => b - a)),
  };
  const boxes = element("div", "responses many");
  const more = element("button", "more");
  more.type = "button";
  pagedList(boxes, more, responsesAtOnce, (i) => responseBox(row, i, rank))(placesByReward(row));
  body.append(boxes, more);
  return body;
}

const opened = new Set();  // rows: they stay open when the list is made anew
function questionCard({ row, responses, right, vote, judge }) {
  const title = element("span", "", element("b", "", row.id), " ", element("small", "", [row.subject, row.level === undefined ? "" : `level ${row.level}`].filter(Boolean).join(" \u00b7 ")));
  const outcome = responses ? element("span", "outcome", `${count(right)} of ${count(responses)} right`, ...(row.vote ? [outcomeMark("majority", vote)] : []), ...(judged ? [outcomeMark(judgeName(), judge)] : [])) : element("span", "outcome", element("span", "wrong-mark", "not asked"));
  const card = element("details", "record problem", element("summary", "", title, outcome, element("span", "excerpt", questionOf(row).slice(0, 300))));
  const fill = () => card.children.length < 2 && card.append(questionBody(row));
  card.addEventListener("toggle", () => {
    if (card.open) fill();
    opened[card.open ? "add" : "delete"](row);
  });
  if (opened.has(row)) {
    fill();
    card.open = true;
  }
  return card;
}

const textOf = (row) => [row.id, ...(row.prompt || []).map(wordsOf), row.reference || "", ...(row.answers || []), ...(row.responses || []).map((response) => response.text)].join("\n").toLowerCase();
const texts = [];  // of rows, in their order: made when first looked for
function matches(i, wanted) {
  if (!wanted) return true;
  texts[i] ??= textOf(rows[i]);
  return texts[i].includes(wanted);
}
const showList = pagedList(by("records"), by("more"), questionsAtOnce, questionCard);
function showQuestions() {
  hideTooltip();
  nearing.disconnect();
  heatmaps.length = 0;
  const [subset, subject, level] = ["subset", "subject", "level"].map((id) => by(id).value);
  const wanted = by("filter").value.toLowerCase();
  const found = summaries.filter(({ row }, i) => (subset === "" || row.subset === subset) && (subject === "" || row.subject === subject) && (level === "" || row.level === level) && matches(i, wanted));
  KINDS.forEach(([name, test], i) => {
    const many = found.filter(test).length;
    by("kind").options[i].text = `${name} (${count(many)})`;
    by("kind").options[i].disabled = many === 0 && i > 0;
  });
  const ranked = found.filter(KINDS[by("kind").selectedIndex][1]).map((one) => ({ one, key: ORDERS[by("sort").selectedIndex][1](one) }));
  if (by("sort").selectedIndex) ranked.sort((a, b) => falling(a.key, b.key));
  by("shown").textContent = `${count(ranked.length)} of ${plural(rows.length, "question")}.`;
  showList(ranked.map(({ one }) => one));
}

// Subjects and levels of the subset that is chosen; a choice that is still there stays.
function offerGroups() {
  for (const field of ["subject", "level"]) {
    const before = by(field).value;
    const own = rows.filter((row) => (by("subset").value === "" || row.subset === by("subset").value) && row[field] !== undefined);
    const values = [...new Set(own.map((row) => row[field]))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    addChoices(field, values);
    by(field).value = values.includes(before) ? before : "";
  }
}

KINDS.forEach(([name]) => by("kind").add(new Option(name)));
ORDERS.forEach(([name]) => by("sort").add(new Option(name)));
by("judge-label").hidden = judges.length < 2;
addChoices("subset", subsets);
addChoices("cell", []);
offerGroups();
judgeAll();
by("cards-title").textContent = "Questions and their responses";
by("cards-note").append(`${judged ? "Open a question to read its responses, those that the judge likes best first. " : "Open a question to read its responses. "}${hasTokens ? `Of ${plural(data.responses.shown.length, "question")} the file has what ${judges[0].name} read of every token: the colours.` : "The file holds no token rewards: no judge reads tokens, or none were asked for."}`);
onJudge.push(() => {
  judgeAll();
  showQuestions();
});
by("subset").addEventListener("change", () => {
  offerGroups();
  showQuestions();
});
for (const id of ["kind", "subject", "level", "sort"]) by(id).addEventListener("change", showQuestions);
let typing = 0;
by("filter").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(showQuestions, 150);
});
showQuestions();
