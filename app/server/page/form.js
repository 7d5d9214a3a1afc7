"use strict";
// The form, and the records of a file, which it is filled from.
const rows = []; // of the form: {box, text, cut, name, steps}

function addRow({ name, text = "", truncated = false, steps } = {}) {
  const id = `response-${++addRow.made}`;
  const row = { name, steps, label: element("label"), text: element("textarea"), cut: element("input"), box: element("div", "field") };
  row.text.id = row.label.htmlFor = id;
  row.text.rows = 2;
  row.text.value = text;
  row.text.addEventListener("input", () => { row.steps = undefined; });
  row.cut.type = "checkbox";
  row.cut.checked = truncated;
  row.remove = element("button", "plain", "Remove");
  row.remove.type = "button";
  row.remove.addEventListener("click", () => {
    rows.splice(rows.indexOf(row), 1);
    row.box.remove();
    nameRows();
    markStale();
    by("add").focus();
  });
  const cut = element("label", "", row.cut, "cut off");
  cut.title = "The response was cut off: no end-of-turn token follows it";
  row.box.append(element("div", "head", row.label, element("span", "", cut, row.remove)), row.text);
  rows.push(row);
  by("responses").append(row.box);
  nameRows();
  return row;
}
addRow.made = 0;

const nameOf = (row, i) => row.name ?? `response ${i + 1}`;
function nameRows() {
  rows.forEach((row, i) => {
    const name = nameOf(row, i);
    row.label.textContent = name[0].toUpperCase() + name.slice(1) + (row.steps ? ` (${plural(row.steps.length, "step")})` : "");
    row.remove.setAttribute("aria-label", `Remove ${name}`);
    row.cut.setAttribute("aria-label", `${name} was cut off`);
  });
}

// What a record of the file has beside what is written above: tools, and arguments of the chat template.
let beside = {};

function fill({ system = "", prompt = "", responses = [], more = {} }) {
  beside = more;
  by("beside").hidden = Object.keys(more).length === 0;
  by("beside").textContent = `Scored with the record\u2019s ${Object.keys(more).join(" and ")}.`;
  by("system").value = system;
  by("prompt-form").value = typeof prompt === "string" ? "text" : "messages";
  by("prompt").value = typeof prompt === "string" ? prompt : JSON.stringify(prompt, null, 1);
  rows.splice(0).forEach(({ box }) => box.remove());
  responses.forEach(addRow);
}

// What an empty page is filled with, and what may be chosen in its place.
const EXAMPLES = [
  { name: "a capital", prompt: "What is the capital of Australia?", responses: [
    { text: "The capital of Australia is Canberra." },
    { text: "The capital of Australia is Sydney." },
  ] },
  { name: "best of four", prompt: "What causes the seasons on Earth?", responses: [
    { text: "The seasons are caused by how far the Earth is from the Sun." },
    { text: "The seasons are caused by the tilt of the Earth's axis.\n\nThe Earth's axis is tilted at an angle of 23.5 degrees." },
    { text: "The seasons are caused by the Moon, which blocks the Sun for half of the year." },
    { text: "Seasons seasons seasons cause the cause of cause." },
  ] },
  { name: "in steps", prompt: "A train travels 60 km in the first hour and 90 km in the second. What is its average speed?", responses: [
    { text: "The train travels 60 + 90 = 150 km in total.\n\nIt needs 2 hours.\n\nSo its average speed is 150 / 2 = 75 km per hour." },
    { text: "The train travels 60 + 90 = 150 km in total.\n\nIt needs 3 hours.\n\nSo its average speed is 150 / 3 = 50 km per hour." },
  ] },
  { name: "a persona", system: "You are a pirate. Answer like one.", prompt: "How is the weather today?", responses: [
    { text: "Arr, the skies be clear and the wind be fair, matey!" },
    { text: "The weather today is sunny with a light breeze." },
  ] },
];

// What the form holds, as a record for the server. Throws an Error that says what is missing.
function written() {
  const record = { ...beside };
  if (by("system").value) record.system = by("system").value;
  record.prompt = by("prompt").value;
  if (!record.prompt.trim()) throw new Error("Give a prompt.");
  if (by("prompt-form").value === "messages") {
    try { record.prompt = JSON.parse(record.prompt); } catch (error) { throw new Error(`The prompt is not JSON: ${error.message}`); }
    if (!Array.isArray(record.prompt)) throw new Error('The prompt is not a list of messages: [{"role": "user", "content": "..."}]');
  }
  if (!rows.length) throw new Error("Add a response.");
  record.responses = rows.map(({ text, cut, steps }) => (steps || cut.checked ? { ...(steps ? { steps } : { text: text.value }), truncated: cut.checked } : text.value));
  return { record, names: rows.map(nameOf) };
}

// A line of a file, in any of the forms that `endorm score` reads (docs/records.md), as what fill() takes.
function readRecord(line) {
  const record = JSON.parse(line);
  if (record === null || typeof record !== "object" || Array.isArray(record)) throw new Error("it is not a JSON object.");
  if (record.prompt_ids ?? record.response_ids) throw new Error("it holds token ids; the page shows texts.");
  const textOf = (content) => {
    if (typeof content === "string") return content;
    if (Array.isArray(content) && content.every((part) => part?.type === "text")) return content.map((part) => part.text).join("");
    throw new Error("a response is not text.");
  };
  const answer = (message) => {
    const more = Object.keys(message).find((name) => !["role", "content"].includes(name) && message[name] != null);
    if (more) throw new Error(`a response has "${more}"; the page shows texts.`);
    return { text: textOf(message.content) };
  };
  const lastTurn = (messages) => {
    if (messages.at(-1)?.role !== "assistant") throw new Error("a conversation does not end with an assistant turn.");
    return answer(messages.at(-1));
  };
  const responseOf = (value) => {
    if (typeof value === "string") return { text: value };
    if (Array.isArray(value)) return lastTurn(value);
    if (value?.role) return answer(value);
    if (Array.isArray(value?.steps)) return { ...value, text: value.steps.join("\n\n") };
    return { ...value, text: textOf(value?.text) };
  };
  const given = ["response", "responses", "chosen", "steps"].filter((name) => record[name] != null);
  if (given.length > 1) throw new Error(`it has both "${given[0]}" and "${given[1]}".`);
  const pair = given[0] === "chosen";
  const values = { response: [record.response], responses: record.responses, chosen: [record.chosen, record.rejected], steps: [{ steps: record.steps }] }[given[0]] ?? (record.messages && [record.messages]);
  let prompt = record.prompt ?? record.question ?? record.messages?.slice(0, given.length ? undefined : -1);
  if (pair && Array.isArray(record.chosen)) {
    const [before, other] = values.map((value) => JSON.stringify(value?.slice(0, -1)));
    if (before !== other) throw new Error("chosen and rejected differ before their last turn.");
    prompt ??= record.chosen.slice(0, -1);
  }
  if (prompt === undefined || !Array.isArray(values)) throw new Error(prompt === undefined ? "it has no prompt." : "it has no response.");
  const cut = (i) => (Array.isArray(record.truncated) ? record.truncated[i] : record.truncated);
  const responses = values.map(responseOf).map((response, i) => ({ ...response, truncated: response.truncated ?? cut(i) ?? false, name: pair ? ["chosen", "rejected"][i] : undefined }));
  const more = Object.fromEntries(["tools", "chat_template_kwargs"].filter((name) => record[name] != null).map((name) => [name, record[name]]));
  return { system: record.system ?? "", prompt, responses, more, id: record.id };
}

let lines = []; // of the file
function goTo(place) {
  const at = Math.max(1, Math.min(lines.length, Math.trunc(place) || 1));
  goTo.at = by("place").value = at;
  by("previous").disabled = at === 1;
  by("next").disabled = at === lines.length;
  by("places").textContent = `of ${count(lines.length)}`;
  complain("");
  say("");
  fill({});
  let now;
  try {
    const record = readRecord(lines[at - 1]);
    if (record.id !== undefined) by("places").append(`: ${record.id}`);
    fill(record);
    now = written();
  } catch (error) {
    close();
    return complain(`Record ${at} cannot be read: ${error.message}`);
  }
  const alpha = Number(by("alpha").value);
  if (by("at-once").checked || (by("model").value && chosenModels().every((model) => kept.has(keyOf(now.record, model, alpha))))) return show(now);
  close();
  say("This record was not scored yet.");
}
