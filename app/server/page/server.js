"use strict";
// What is asked of the server, and what its answers mean.
const say = (text) => { by("status").textContent = text; };
const complain = (text) => { by("error").textContent = text; };

const FAILURES = {
  400: "The server cannot take this",
  401: "The server asks for its API key",
  404: "The server does not have this",
  413: "This is too large for the server",
  429: "The server has too much waiting",
  503: "The model failed, or the server is stopping",
  504: "The server did not answer in time",
};

// The JSON of a reply. Throws an Error that says in words what went wrong.
async function ask(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  if (by("key").value) headers.Authorization = "Bearer " + by("key").value;
  let reply, text;
  try {
    reply = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
    text = await reply.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(`The server cannot be reached; is it still running? (${error.message})`);
  }
  let json = null;
  try { json = JSON.parse(text); } catch { /* what is no JSON is told as it is */ }
  if (reply.ok && json) return json;
  if (reply.status === 401) {
    by("key-label").hidden = false;
    by("key").focus();
  }
  const again = reply.headers.get("Retry-After");
  throw new Error(`${FAILURES[reply.status] ?? "The server failed"} (${reply.status})` +
    (reply.status === 429 && again ? `; it says to come again in ${again} s` : "") +
    `: ${json?.error?.message ?? (text.slice(0, 300) || "no reason given")}`);
}

async function loadModels() {
  const { data } = await ask("v1/models");
  const options = () => data.map(({ id, description, max_model_len }) => Object.assign(new Option(id, id), { title: `${description}, ${count(max_model_len)} tokens` }));
  by("model").replaceChildren(...options());
  by("other").replaceChildren(new Option("no other", ""), ...options());
  by("other-label").hidden = data.length < 2;
}

// The reply for one record, model and alpha. Where the steps of a response cannot be placed on this model's tokens, the
// same without steps.
async function score(record, model, alpha, signal) {
  const body = { model, ...record, options: { tokens: true, steps: true, alpha, also_alphas: ALPHAS, ...CHECKED } };
  let reply = await ask("v1/rewards", body, signal);
  if (reply.responses.some(({ error }) => error?.includes("[step_ranges]")) && !record.responses.some(({ steps }) => steps)) {
    body.options.steps = false;
    reply = { ...(await ask("v1/rewards", body, signal)), without_steps: true };
  }
  return reply;
}
