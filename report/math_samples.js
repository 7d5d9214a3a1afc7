"use strict";
// The problems, a few at a time; one opens to its samples, those that the judge likes best first.
const problemsAtOnce = 40;
const samplesAtOnce = 8;
let judgeAt = 0;  // the place in `judges` of the one that is chosen
const judgeName = () => judges[judgeAt].name;
const shownById = new Map(data.shown.map((problem) => [problem.id, problem]));

// What a judge said of a sample: a reward or an error. Nothing where the judge has no row of the problem.
const saidOf = (row, judge, i) => (judge < judges.length && row.judged[judge] ? row.judged[judge][i] : {});
const rewardsOf = (row, judge) => row.samples.map((_, i) => saidOf(row, judge, i).reward);

// The places of the samples that a judge likes best.
function bestPlaces(row, judge) {
  const rewards = rewardsOf(row, judge);
  const highest = rewards.reduce((most, reward) => (reward > most ? reward : most), -Infinity);
  return rewards.flatMap((reward, i) => (reward === highest ? [i] : []));
}

// The classes of equal answers: the place of the first sample -> how many, the largest first.
function voteClasses(row) {
  const votes = new Map();
  for (const { vote } of row.samples) if (vote !== null) votes.set(vote, (votes.get(vote) || 0) + 1);
  return [...votes].sort((a, b) => b[1] - a[1]);
}
function votedPlaces(row) {
  const classes = voteClasses(row);
  return classes.filter(([, many]) => many === classes[0][1]).map(([first]) => first);
}

const isRight = (row, i) => row.samples[i].verdict === "correct";
const rightShare = (row, places) => places.filter((i) => isRight(row, i)).length / places.length;

// What the filters ask about: shares of right ones in 0..1, null where nothing is chosen. Where nobody votes it is wrong.
function summaryOf(row) {
  if (!row.samples) return { row, samples: 0, right: 0, vote: null, unparsable: 0, truncated: 0 };
  const having = (test) => row.samples.filter(test).length;
  const voted = votedPlaces(row);
  return {
    row, samples: row.samples.length, right: having((sample) => sample.verdict === "correct"), vote: voted.length ? rightShare(row, voted) : 0,
    unparsable: having((sample) => sample.verdict === "unparsable"), truncated: having((sample) => sample.end === "length"),
  };
}
const summaries = rows.map(summaryOf);
function judgeAll() {
  for (const one of summaries) {
    const best = one.samples ? bestPlaces(one.row, judgeAt) : [];
    one.judge = best.length ? rightShare(one.row, best) : null;
    one.unrewarded = one.samples ? rewardsOf(one.row, judgeAt).filter((reward) => reward === undefined).length : 0;
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
    ["judge wrong, a sample right", (one) => one.judge === 0 && one.right > 0],
  ] : []),
  ["majority right", (one) => one.vote === 1],
  ["majority wrong", (one) => one.vote === 0],
  ["tied at the top", (one) => (one.vote > 0 && one.vote < 1) || (judged && one.judge > 0 && one.judge < 1)],
  ["every sample right", (one) => one.samples > 0 && one.right === one.samples],
  ["no sample right", (one) => one.samples > 0 && one.right === 0],
  ["with unparsable samples", (one) => one.unparsable > 0],
  ["with samples cut off", (one) => one.truncated > 0],
  ...(judged ? [["with samples without a reward", (one) => one.unrewarded > 0]] : []),
  ...(data.shown.length ? [["with token rewards", (one) => shownById.has(one.row.id)]] : []),
  ["not asked", (one) => one.samples === 0],
];

// How far the sample that the judge likes best is ahead of the best right one; nothing where it is right or none is.
function mistake({ row, judge, right }) {
  if (judge !== 0 || !right) return -Infinity;
  const highest = (places) => places.reduce((most, reward) => (reward > most ? reward : most), -Infinity);
  const rewards = rewardsOf(row, judgeAt);
  return highest(rewards) - highest(rewards.filter((_, i) => isRight(row, i)));
}
const shareOf = ({ samples, right }) => (samples ? right / samples : Infinity);
const falling = (a, b) => (a === b ? 0 : b - a);
const ORDERS = [
  ["as in the file", () => null],
  ...(judged ? [["judge's largest mistake first", (one) => mistake(one)]] : []),
  ["fewest right samples first", (one) => -shareOf(one)],
  ["most right samples first", (one) => (one.samples ? shareOf(one) : -1)],
];

const VERDICTS = { correct: ["\u2713", "right-mark"], wrong: ["\u2717", "wrong-mark"], unparsable: ["?", ""] };
function outcomeMark(name, credit) {
  if (credit === null) return element("span", "", `${name} ${noValue}`, element("span", "hidden-text", " no choice"));
  const [mark, kind, word] = credit === 1 ? ["\u2713", "right-mark", "right"] : credit === 0 ? ["\u2717", "wrong-mark", "wrong"] : [`= ${percent(credit)}`, "", "right, tied"];
  return element("span", kind, `${mark} ${name}`, element("span", "hidden-text", ` ${word}`));
}

const ENDS = { end_of_turn: "ended its turn", stop: "ended at a stop string", length: "cut off" };
const ordinal = (n) => `${n}${n % 100 > 10 && n % 100 < 14 ? "th" : ["th", "st", "nd", "rd"][n % 10] || "th"}`;

// The places of the samples, the highest reward of the chosen judge first; those without one at the end.
function placesByReward(row) {
  const rewards = rewardsOf(row, judgeAt);
  return row.samples.map((_, i) => i).sort((a, b) => falling(rewards[a] ?? -Infinity, rewards[b] ?? -Infinity) || a - b);
}

function sampleBox(row, i, rank) {
  const sample = row.samples[i];
  const [mark, kind] = VERDICTS[sample.verdict];
  const isBest = rank.best.includes(i);
  const box = element("div", "response" + (isBest ? " best" : ""));
  const name = element("span", "", element("b", "", `sample ${i + 1}`), " ", element("b", kind, `${mark} ${sample.verdict}`));
  if (isBest) name.append(element("span", "best-mark", ` \u00b7 ${rank.best.length > 1 ? "highest reward, shared" : "chosen"} by ${judgeName()}`));
  const facts = element("span", "", `${plural(sample.tokens, "token")} \u00b7 `, element("span", sample.end === "length" ? "wrong-mark" : "", ENDS[sample.end]));
  box.append(element("div", "head", name, facts));
  const votes = rank.votes.get(sample.vote);
  const voting = sample.vote === null ? "does not vote" : `${count(votes)} of ${plural(row.samples.length, "sample")} say so${rank.voted.includes(sample.vote) ? rank.voted.length > 1 ? ", the most, tied" : ", the most" : ""}`;
  box.append(element("p", "answer", "answer ", element("code", "", sample.answer_normal || noValue), ` \u00b7 ${voting} \u00b7 grader: ${sample.reason}`));
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
  const shownProblem = shownById.get(row.id);
  const read = shownProblem ? shownTokens.get(shownProblem.samples.find((one) => one.sample === i)) : undefined;
  box.append(...(read && read.text.length ? clippedHeatmap(read, 250) : plainText(sample.text)));
  for (const reply of (judged && saidOf(row, judgeAt, i).replies) || []) box.append(element("p", "reply", `${judgeName()}: ${reply}`));
  nearing.observe(box);
  return box;
}

function problemBody(row) {
  const body = element("div", "body");
  body.append(...clippedText(element("p", "prompt", row.question), 1500, "Show the whole question"));
  const shownProblem = shownById.get(row.id);
  if (shownProblem) body.append(element("details", "", element("summary", "", "The conversation that the judges read"), ...prompt(shownProblem.messages)));
  const list = element("dl", "facts");
  list.append(element("dt", "", "Reference"), element("dd", "", element("code", "", row.reference), row.tolerance ? `, within ${row.tolerance}` : ""));
  body.append(list);
  if (!row.samples) {
    body.append(element("p", "error", `Could not be asked: ${row.error}`));
    return body;
  }
  const classes = voteClasses(row);
  const silent = row.samples.filter((sample) => sample.vote === null).length;
  list.append(element("dt", "", "Votes"), element("dd", "answers",
    ...classes.slice(0, 12).map(([first, many]) => element("span", "", element("code", "", row.samples[first].answer_normal), ` ${plural(many, "vote")} `, element("span", VERDICTS[row.samples[first].verdict][1], VERDICTS[row.samples[first].verdict][0]), element("span", "hidden-text", row.samples[first].verdict))),
    ...(classes.length > 12 ? [`and ${count(classes.length - 12)} other answers`] : []), ...(silent ? [`${count(silent)} without a readable answer`] : [])));
  const rank = {
    best: bestPlaces(row, judgeAt), voted: votedPlaces(row), votes: new Map(classes),
    sorted: judges.map((_, j) => rewardsOf(row, j).filter((reward) => reward !== undefined).sort((a, b) => b - a)),
  };
  const samples = element("div", "responses many");
  const more = element("button", "more");
  more.type = "button";
  pagedList(samples, more, samplesAtOnce, (i) => sampleBox(row, i, rank))(placesByReward(row));
  body.append(samples, more);
  return body;
}

const opened = new Set();  // rows: they stay open when the list is made anew
function problemCard({ row, samples, right, vote, judge }) {
  const title = element("span", "", element("b", "", row.id), " ", element("small", "", [row.subject, row.level === undefined ? "" : `level ${row.level}`].filter(Boolean).join(" \u00b7 ")));
  const outcome = samples ? element("span", "outcome", `${count(right)} of ${count(samples)} right`, outcomeMark("majority", vote), ...(judged ? [outcomeMark(judgeName(), judge)] : [])) : element("span", "outcome", element("span", "wrong-mark", "not asked"));
  const card = element("details", "record problem", element("summary", "", title, outcome, element("span", "excerpt", row.question.slice(0, 300))));
  const fill = () => card.children.length < 2 && card.append(problemBody(row));
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

const textOf = (row) => [row.id, row.question, row.reference, ...(row.samples || []).flatMap((sample) => [sample.answer_normal, sample.text])].join("\n").toLowerCase();
const texts = [];  // of rows, in their order: made when first looked for
function matches(i, wanted) {
  if (!wanted) return true;
  texts[i] ??= textOf(rows[i]);
  return texts[i].includes(wanted);
}
const showList = pagedList(by("records"), by("more"), problemsAtOnce, problemCard);
function showProblems() {
  hideTooltip();
  nearing.disconnect();
  heatmaps.length = 0;
  const [suite, subject, level] = ["suite", "subject", "level"].map((id) => by(id).value);
  const wanted = by("filter").value.toLowerCase();
  const found = summaries.filter(({ row }, i) => (suite === "" || row.suite === suite) && (subject === "" || row.subject === subject) && (level === "" || row.level === level) && matches(i, wanted));
  KINDS.forEach(([name, test], i) => {
    const many = found.filter(test).length;
    by("kind").options[i].text = `${name} (${count(many)})`;
    by("kind").options[i].disabled = many === 0 && i > 0;
  });
  const ranked = found.filter(KINDS[by("kind").selectedIndex][1]).map((one) => ({ one, key: ORDERS[by("sort").selectedIndex][1](one) }));
  if (by("sort").selectedIndex) ranked.sort((a, b) => falling(a.key, b.key));
  by("shown").textContent = `${count(ranked.length)} of ${plural(rows.length, "problem")}.`;
  showList(ranked.map(({ one }) => one));
}

// Subjects and levels of the suite that is chosen; a choice that is still there stays.
function offerGroups() {
  for (const field of ["subject", "level"]) {
    const before = by(field).value;
    const own = rows.filter((row) => (by("suite").value === "" || row.suite === by("suite").value) && row[field] !== undefined);
    const values = [...new Set(own.map((row) => row[field]))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    addChoices(field, values);
    by(field).value = values.includes(before) ? before : "";
  }
}

KINDS.forEach(([name]) => by("kind").add(new Option(name)));
ORDERS.forEach(([name]) => by("sort").add(new Option(name)));
judges.forEach((judge, i) => by("judge").add(new Option(judge.name, i)));
by("judge-label").hidden = judges.length < 2;
addChoices("suite", suites);
offerGroups();
judgeAll();
by("problems-note").append(`${judged ? "Open a problem to read its samples, those that the judge likes best first. " : "Open a problem to read its samples. "}${hasTokens ? `Of ${plural(data.shown.length, "problem")} the file has what ${data.shown[0].judge} read of every token: the colours.` : "The file holds no token rewards: no judge reads tokens, or none were asked for."}`);
by("judge").addEventListener("change", () => {
  judgeAt = Number(by("judge").value);
  judgeAll();
  showProblems();
});
by("suite").addEventListener("change", () => {
  offerGroups();
  showProblems();
});
for (const id of ["kind", "subject", "level", "sort"]) by(id).addEventListener("change", showProblems);
let typing = 0;
by("filter").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(showProblems, 150);
});
showProblems();
