// The page at `/` of a real `endorm serve`, and a report, whose heatmap it shares, in headless Chromium, driven as a person
// would.
//
//     page_test.mjs --endorm PATH [--screenshots FOLDER]
//
// Needs Node's package playwright-core (found as Node finds packages; NODE_PATH is read) and a Chromium ($CHROMIUM, or
// one in PATH); says "SKIPPED:" without them.
// --screenshots writes the pictures of README.md and docs/serving.md and needs the known models smollm2-135m and gemma3-270m-base.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const FIRST_PAINT_MS = 200;
const HOSTILE = `<img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script>`;
const argument = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);

function browserFile() {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const places = (process.env.PATH ?? "").split(path.delimiter).flatMap((folder) => names.map((name) => path.join(folder, name)));
  return [process.env.CHROMIUM, ...places].find((file) => file && existsSync(file));
}

function playwright() {
  try {
    return createRequire(import.meta.url)("playwright-core");
  } catch {
    return null;
  }
}

// A server and its address, once its models are there.
function serve(endorm, ...options) {
  const process_ = spawn(endorm, ["serve", "--port", "0", "-q", "--template", "plain", ...options], { cwd: ROOT, env: { ...process.env, ENDORM_SERVE_KEY: "", OMP_WAIT_POLICY: "passive" }, stdio: ["ignore", "inherit", "pipe"] });
  return new Promise((resolve, reject) => {
    let said = "";
    process_.on("exit", (status) => reject(new Error(`endorm serve ended with ${status}: ${said}`)));
    process_.stderr.on("data", (bytes) => {
      said += bytes;
      const url = said.match(/rewards at (http:\/\/[^/ ]+\/)/)?.[1];
      if (url) resolve({ url, stop: () => process_.kill("SIGTERM") });
    });
  });
}

async function reply(server, body) {
  const answer = await fetch(server.url + "v1/rewards", { method: "POST", body: JSON.stringify(body) });
  const json = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(json));
  return json;
}

// A page of `server` in a context of its own; page.posts are the bodies of its requests for rewards.
async function open(browser, server, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1160, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.posts = [];
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(server.url)) page.faults.push(`asked ${request.url()}`);
    if (request.url().endsWith("/v1/rewards")) page.posts.push(request.postDataJSON());
  });
  await page.goto(server.url);
  if (!options.locked) await page.waitForSelector("#model option", { state: "attached" });
  page.done = async () => {
    assert.deepEqual(page.faults, []);
    await context.close();
  };
  return page;
}

async function write(page, prompt, responses) {
  await page.fill("#prompt", prompt);
  while ((await page.locator("#responses textarea").count()) > responses.length) await page.locator("#responses button").last().click();
  while ((await page.locator("#responses textarea").count()) < responses.length) await page.click("#add");
  for (const [i, response] of responses.entries()) await page.locator("#responses textarea").nth(i).fill(response);
}
async function score(page) {
  await page.click("#score");
  await settled(page);
}
const settled = (page) => page.waitForFunction(() => document.getElementById("stop").hidden && !document.getElementById("status").textContent.endsWith("..."));
const text = (page, id) => page.textContent(`#${id}`);

// Rewards and ranks of the table by the name of the response, a list of columns each.
const table = (page) => page.evaluate(() => Object.fromEntries([...document.querySelectorAll("#ranking tbody tr")].map((row) => [row.querySelector("a").firstChild.textContent, {
  rewards: [...row.querySelectorAll("data")].map((data) => Number(data.value)),
  ranks: [...row.querySelectorAll("td.number:not(:has(data))")].map((cell) => Number(cell.textContent)),
}])));
const orderOf = async (page) => Object.keys(await table(page));

function near(ours, theirs, what) {
  assert.ok(Math.abs(ours - theirs) <= 1e-9, `${what}: ${ours} on the page, ${theirs} by the server`);
}

// The fastest of some loads: other work on the machine can only make one slower. Where there is more of it than cores, the
// clock says nothing about the page, and the processor time that the page itself took is held to the limit instead.
async function firstPaint(browser, server) {
  const [times, work] = [[], []];
  while (times.length < 5 || (times.length < 20 && !(Math.min(...times) < FIRST_PAINT_MS))) {
    const page = await open(browser, server);
    const paint = await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
    times.push(await paint.jsonValue());
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    await page.reload();
    await page.waitForSelector("#model option", { state: "attached" });
    const { metrics } = await session.send("Performance.getMetrics");
    work.push(1000 * metrics.find(({ name }) => name === "TaskDuration").value);
    await page.done();
  }
  const busy = os.loadavg()[0] > os.cpus().length;
  const list = (values) => values.map((value) => value.toFixed(0)).join(", ");
  console.log(`first contentful paint after ${list(times)} ms; processor time of a whole load ${list(work)} ms${busy ? "; the machine is busy with other work" : ""}`);
  assert.ok(Math.min(...(busy ? work : times)) < FIRST_PAINT_MS, "no load is within the limit");
}

const PROMPT = "What is the capital of France?";
const RESPONSES = ["Paris.\n\nIt lies on the Seine, and has been the capital for long.", "Rome.", "", "Paris.\n\nIt lies on the Seine, and has been the capital for long.", HOSTILE];

const computed = async (server) => Number((await (await fetch(`${server.url}metrics`)).text()).match(/endorm_tokens_computed_total{model="a"} (\d+)/)[1]);

// Aggregations and alpha: the numbers are the server's, nothing is sent for what is known and nothing computed for the
// values of alpha that are offered.
async function numbers(browser, server) {
  const page = await open(browser, server);
  await write(page, PROMPT, RESPONSES);
  await score(page);
  assert.equal(page.posts.length, 1);
  assert.equal(await text(page, "error"), "");
  assert.equal(await text(page, "warning"), "");

  const cases = [["discounted", {}], ["discounted", { gamma: 0.8, floor: 0.3 }], ["sum", {}], ["mean", {}], ["chunked_mean", {}], ["chunked_mean", { chunk: 3 }], ["step_mean", {}], ["min_step", {}], ["last_k", {}], ["last_k", { last_k: 2 }], ["sum", { initial_value: true }], ["mean", { initial_value: true }], ["discounted", { gamma: 0.5, floor: 0, initial_value: true }]];
  const check = async (alpha) => {
    for (const [aggregation, parameters] of cases) {
      await page.selectOption("#aggregation", aggregation);
      for (const [name, value] of Object.entries(parameters)) await (value === true ? page.check("#" + name) : page.fill("#" + name, String(value)));
      const expected = await reply(server, { model: "a", prompt: PROMPT, responses: RESPONSES, options: { aggregation, alpha, steps: true, tokens: false, ...parameters } });
      const shown = await table(page);
      const rewards = expected.responses.map((response) => response.reward);
      rewards.forEach((reward, i) => {
        const row = shown[`response ${i + 1}`];
        if (reward === undefined) return assert.deepEqual(row, { rewards: [], ranks: [] });
        near(row.rewards[0], reward, `${aggregation} ${JSON.stringify(parameters)} of response ${i + 1}`);
        assert.equal(row.ranks[0], 1 + rewards.filter((other) => other > reward).length);
      });
      const places = (await orderOf(page)).map((name) => shown[name].ranks[0] ?? Infinity);
      assert.deepEqual(places, [...places].sort((a, b) => a - b), "rows are in the order of their ranks");
      assert.equal(places.at(-1), Infinity, "what could not be scored is last");
      for (const [name, value] of Object.entries(parameters)) await (value === true ? page.uncheck("#" + name) : page.fill("#" + name, { gamma: "0.93", floor: "0", chunk: "16", last_k: "16" }[name]));
    }
  };
  await check(1);
  assert.equal(page.posts.length, 1, "aggregations send nothing");
  const tokens = await computed(server);
  await page.click('#kept button:text-is("0.5")');
  await settled(page);
  assert.deepEqual(page.posts.map((body) => body.options.alpha), [1, 0.5]);
  await check(0.5);
  assert.equal(await computed(server), tokens, "another alpha of those that are offered computes nothing");
  for (const alpha of ["1", "0.5", "1"]) {
    await page.click(`#kept button:text-is("${alpha}")`);
    await settled(page);
    assert.match(await text(page, "status"), /nothing was sent/);
  }
  assert.equal(page.posts.length, 2, "alphas in memory send nothing");

  await page.fill("#gamma", "7");
  assert.match(await text(page, "words"), /from 0 to 1/);
  await page.fill("#gamma", "0.93");
  await page.fill("#alpha", "0");
  await page.keyboard.press("Enter");
  assert.match(await text(page, "error"), /above 0/);
  assert.equal(page.posts.length, 2);

  // Steps, tokens, errors of one response, a hostile text.
  const known = (await reply(server, page.posts[0])).responses;
  const sums = await page.locator("#card-0 .steps .sum").allTextContents();
  assert.deepEqual(sums, known[0].steps.map(({ sum }) => sum.toFixed(2).replace("-", "\u2212")));
  assert.match(await text(page, "card-2"), /Could not be scored: .*empty/);
  assert.equal(await page.locator("img").count(), 0);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.ok((await page.locator("#card-4 .tokens").textContent()).includes(HOSTILE));
  assert.equal(await page.locator("#card-0 .tokens > span").count(), known[0].tokens);
  const paints = new Set();
  for (const quantity of ["log_prob", "reward", "entropy"]) {
    await page.selectOption("#quantity", quantity);
    paints.add(await page.locator("#card-0 .tokens > span").nth(1).evaluate((span) => span.style.background));
  }
  assert.equal(paints.size, 3, "each quantity has colours of its own");

  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
  const file = JSON.parse(readFileSync(await download.path(), "utf8"));
  assert.equal(file.alpha, 1);
  assert.deepEqual(file.record.responses, RESPONSES);
  assert.deepEqual(file.models[0].responses[1].token_rewards, known[1].token_rewards);
  await page.done();
}

// What is filled in at first can be scored at once; then why: the verdict, what each token brings, where the responses
// part, the running reward. The numbers are those of the server.
async function why(browser, server) {
  const page = await open(browser, server);
  assert.ok((await page.inputValue("#prompt")).length > 0);
  await score(page);
  assert.equal(await page.inputValue("#quantity"), "contribution", "the colour at first");
  await page.selectOption("#aggregation", "discounted");
  const long = "Paris is the capital of France, and has been for long; it lies on the Seine, and a great many people live there.";
  await write(page, PROMPT, ["Paris is the capital of France.", long]);
  await score(page);
  const { responses } = await reply(server, page.posts.at(-1));
  const shown = await table(page);
  for (const [aggregation, parameters, weight] of [["discounted", {}, (h) => 0.93 ** h], ["discounted", { floor: 0.3 }, (h) => Math.max(0.93 ** h, 0.3)], ["sum", {}, () => 1], ["mean", {}, (_, T) => 1 / T]]) {
    await page.selectOption("#aggregation", aggregation);
    for (const [name, value] of Object.entries(parameters)) await page.fill("#" + name, String(value));
    const lines = await page.evaluate(() => Object.fromEntries(document.querySelector("#running .running").lines.map(({ name, values }) => [name, values])));
    for (const [i, { token_rewards: { log_prob } }] of responses.entries()) {
      const line = lines[`response ${i + 1}`];
      assert.equal(line.length, log_prob.length + 1);
      let running = 0;
      log_prob.forEach((value, h) => {
        running += weight(h, log_prob.length) * value;
        near(line[h + 1], running, `running reward at token ${h + 1}`);
      });
      near(line.at(-1), (await table(page))[`response ${i + 1}`].rewards[0], "the running reward ends at the reward");
      const card = page.locator(`#card-${i} .tokens > span`);
      for (const h of [1, log_prob.length - 1]) {
        await card.nth(h).hover();
        const said = await text(page, "tooltip");
        for (const part of [`weight${Number(weight(h, log_prob.length).toPrecision(5))}`, `contribution${(weight(h, log_prob.length) * log_prob[h]).toFixed(3).replace("-", "\u2212")}`]) assert.ok(said.includes(part), `${part} in ${said}`);
      }
      const faint = await card.evaluateAll((spans) => spans.map((span) => span.classList.contains("faint")));
      faint.forEach((is, h) => assert.ok(!is || weight(h, log_prob.length) < 0.05 * weight(0, log_prob.length), `token ${h + 1} is pale`));
    }
  }
  await page.selectOption("#aggregation", "discounted");
  await page.fill("#floor", "0");
  const ids = responses.map(({ token_rewards: { id } }) => id);
  const parting = ids[0].findIndex((id, h) => id !== ids[1][h]);
  for (const i of [0, 1]) assert.deepEqual(await page.locator(`#card-${i} .tokens > span`).evaluateAll((spans) => spans.flatMap((span, h) => (span.classList.contains("parts") ? [h] : []))), [parting]);
  assert.match(await page.textContent("#running figcaption"), new RegExp(`part behind token ${parting}\\.`));
  const rewards = Object.values(shown).map((row) => row.rewards[0]).sort((a, b) => b - a);
  const margin = rewards[0] - rewards[1];
  const p = 1 / (1 + Math.exp(-margin));
  const verdict = await text(page, "verdict");
  assert.ok(verdict.includes(`by ${margin.toFixed(2)} nats, P ${p > 0.999 ? "> 0.999" : `= ${p.toFixed(3)}`}`), verdict);
  const bars = await page.locator("#ranking .share i").evaluateAll((all) => all.map((bar) => bar.getBoundingClientRect().width / bar.parentElement.getBoundingClientRect().width));
  assert.ok(bars[0] > bars[1] && Math.abs(bars[0] - p) < 0.01, `the better bar is longer: ${bars}, P ${p}`);
  const [above, below] = await page.evaluate(() => [document.getElementById("verdict"), document.querySelector("#results .controls")].map((node) => node.getBoundingClientRect().top));
  assert.ok(above < below, "the verdict stands above the controls");
  await page.done();
}

// A second model beside the first; each has its own ranks.
async function twoModels(browser, server) {
  const page = await open(browser, server);
  await write(page, PROMPT, ["Paris.", "Rome.", "It is Paris, of course."]);
  await score(page);
  await page.selectOption("#other", "b");
  await settled(page);
  assert.deepEqual(page.posts.map((body) => body.model), ["a", "b"], "only the second model is asked");
  await page.selectOption("#aggregation", "mean");
  const shown = await table(page);
  for (const [c, model] of ["a", "b"].entries()) {
    const rewards = (await reply(server, { ...page.posts[c], model })).responses.map(({ mean }) => mean);
    rewards.forEach((reward, i) => {
      near(shown[`response ${i + 1}`].rewards[c], reward, `${model}, response ${i + 1}`);
      assert.equal(shown[`response ${i + 1}`].ranks[c], 1 + rewards.filter((other) => other > reward).length);
    });
  }
  assert.equal(await page.locator("#cards .tokens").count(), 6);
  await page.selectOption("#order", { label: "by b" });
  assert.deepEqual((await orderOf(page)).map((name) => shown[name].ranks[1]), [1, 2, 3]);
  await page.done();
}

// Everything by keyboard: write, score, walk over the tokens.
async function keyboard(browser, server) {
  const page = await open(browser, server);
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
  for (let i = 0; i < 12 && (await focused()) !== "prompt"; ++i) await press("Tab");
  assert.equal(await focused(), "prompt");
  await press("Control+A");
  await page.keyboard.type(PROMPT);
  for (const response of ["Paris.", "Rome."]) {
    for (let i = 0; i < 6 && (i === 0 || !/^response-/.test(await focused())); ++i) await press("Tab");
    assert.match(await focused(), /^response-/);
    await press("Control+A");
    await page.keyboard.type(response);
  }
  await press("Control+Enter");
  await settled(page);
  assert.equal(page.posts.length, 1);
  for (let i = 0; i < 30 && !/^tokens\b/.test(await focused()); ++i) await press("Tab");
  const map = await page.evaluate(() => [...document.querySelectorAll(".tokens")].indexOf(document.activeElement));
  assert.equal(map, 0);
  assert.match(await text(page, "tooltip"), /token 1 of/);
  await press("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight");
  const card = Number((await orderOf(page))[0].split(" ")[1]) - 1;
  const tokens = (await reply(server, page.posts[0])).responses[card].token_rewards;
  const said = await text(page, "tooltip");
  assert.ok(said.includes("token 3 of"), said);
  for (const name of ["log_prob", "reward", "q", "value", "entropy"]) assert.ok(said.includes(tokens[name][2].toFixed(3).replace("-", "\u2212")), `${name} ${tokens[name][2]} in ${said}`);
  await press("End");
  assert.ok((await text(page, "tooltip")).includes(`token ${tokens.id.length} of`));
  await press("Escape");
  assert.ok(await page.locator("#tooltip").isHidden());
  await page.done();
}

// A file of records, in every form that `endorm score` reads.
async function records(browser, server) {
  const page = await open(browser, server);
  const user = (content) => ({ role: "user", content });
  const assistant = (content) => ({ role: "assistant", content });
  const lines = [
    { id: "one", question: "1+1?", response: "2", system: "Be brief." },
    { prompt: [user("Hi")], responses: ["Hello", { text: "Good", truncated: true }, { steps: ["A.", "B."] }] },
    { chosen: [user("2+2?"), assistant("4")], rejected: [user("2+2?"), assistant("5")] },
    { messages: [user("3+3?"), assistant("6")], truncated: true },
    { prompt: "Speed?", steps: ["Divide.", "It is 75."] },
    { prompt: "Time?", response: "Noon.", tools: [{ type: "function", function: { name: "clock" } }] },
    { messages: [user("4+4?"), { ...assistant("8"), reasoning_content: "Add." }] },
    { prompt_ids: [1], response_ids: [2] },
  ].map((record) => JSON.stringify(record));
  await page.setInputFiles("#file", { name: "in.jsonl", mimeType: "text/plain", buffer: Buffer.from([...lines, "{not json", ""].join("\n")) });
  await page.waitForFunction(() => document.getElementById("places").textContent.includes("one"));
  assert.equal(await page.inputValue("#system"), "Be brief.");
  await page.check("#at-once");
  for (let i = 0; i < 5; ++i) {
    assert.ok(await page.locator("#beside").isHidden());
    await page.click("#next");
    await settled(page);
    assert.equal(await text(page, "error"), "");
  }
  assert.match(await text(page, "beside"), /record\u2019s tools/);
  assert.match(await text(page, "card-0"), /read behind the generation prompt/);
  assert.deepEqual(page.posts.map(({ prompt, responses, tools }) => ({ prompt, responses, ...(tools && { tools }) })), [
    { prompt: [user("Hi")], responses: ["Hello", { text: "Good", truncated: true }, { steps: ["A.", "B."], truncated: false }] },
    { prompt: [user("2+2?")], responses: ["4", "5"] },
    { prompt: [user("3+3?")], responses: [{ text: "6", truncated: true }] },
    { prompt: "Speed?", responses: [{ steps: ["Divide.", "It is 75."], truncated: false }] },
    { prompt: "Time?", responses: ["Noon."], tools: [{ type: "function", function: { name: "clock" } }] },
  ]);
  for (const why of [/Record 7 cannot be read: .*reasoning_content/, /Record 8 cannot be read: .*token ids/, /Record 9 cannot be read/]) {
    await page.click("#next");
    assert.match(await text(page, "error"), why);
  }
  await page.fill("#place", "3");
  await page.keyboard.press("Enter");
  await settled(page);
  assert.equal(page.posts.length, 5, "a record that was scored is shown from memory");
  assert.deepEqual((await orderOf(page)).sort(), ["chosen", "rejected"]);
  await page.locator("#responses textarea").first().fill("four");
  assert.ok(await page.locator("#stale").isVisible());
  await page.done();
}

// What goes wrong is said in words, and what was shown stays.
async function failures(browser, server) {
  const page = await open(browser, server);
  await page.click("#clear");
  await page.click("#score");
  assert.match(await text(page, "error"), /Give a prompt/);
  await write(page, PROMPT, ["Paris.", "Rome."]);
  await score(page);
  const answers = [
    [{ status: 429, headers: { "Retry-After": "7" }, json: { error: { message: "full" } } }, /too much waiting \(429\).*again in 7 s: full/],
    [{ status: 503, json: { error: { message: "the server is stopping." } } }, /503.*stopping/],
    [{ status: 502, contentType: "text/html", body: "<h1>Bad gateway</h1>" }, /502.*<h1>Bad gateway/],
    [null, /cannot be reached/],
  ];
  for (const [answer, words] of answers) {
    await page.route("**/v1/rewards", (route) => (answer ? route.fulfill(answer) : route.abort()), { times: 1 });
    await page.fill("#alpha", "3");
    await page.keyboard.press("Enter");
    await settled(page);
    assert.match(await text(page, "error"), words);
    assert.equal(await page.inputValue("#alpha"), "1", "the alpha of what is shown");
    assert.equal((await orderOf(page)).length, 2);
  }
  await page.selectOption("#prompt-form", "messages");
  await page.click("#score");
  assert.match(await text(page, "error"), /not JSON/);
  await page.fill("#prompt", '[{"role": "user"}]');
  await score(page);
  assert.match(await text(page, "error"), /cannot take this \(400\).*content/);

  // Numbers that differ from the server's are not passed over; steps that cannot be placed cost the steps alone.
  await page.selectOption("#prompt-form", "text");
  await page.route("**/v1/rewards", async (route) => {
    const answer = await route.fetch();
    const json = await answer.json();
    json.responses[1].mean += 2e-9;
    const { tokens } = json.responses[0];  // as a server that scores every turn answers
    json.responses[0].turns = [{ begin: 0, end: 1, reward: -1, sum: -1, mean: -1 }, { begin: 1, end: tokens, reward: -2, sum: -2.5, mean: -0.5 }];
    await route.fulfill({ json });
  }, { times: 1 });
  await write(page, "Another?", ["Paris.", "Rome."]);
  await score(page);
  assert.deepEqual(await page.locator("#card-0 .turns .sum").allTextContents(), ["\u22121.00", "\u22122.50"]);
  assert.equal(await page.locator("#card-1 .turns").count(), 0);
  assert.match(await text(page, "warning"), /differ.*response 2, mean/);
  await page.route("**/v1/rewards", (route) => route.fulfill({ json: { model: "a", aggregation: "sum", responses: [{ error: "[step_ranges] no" }, { error: "[step_ranges] no" }] } }), { times: 1 });
  await write(page, "A third?", ["Paris.", "Rome."]);
  await score(page);
  assert.equal(page.posts.at(-1).options.steps, false);
  assert.equal(await text(page, "warning"), "");
  await page.selectOption("#aggregation", "step_mean");
  assert.match(await text(page, "ranking"), /no steps/);
  await page.done();
}

// A key is asked for where the server wants one, and kept for the session.
async function key(browser, endorm) {
  const server = await serve(endorm, "--api-key", "s3cret", "-m", "a=tests/golden/engine_tiny_llama.gguf");
  try {
    const page = await open(browser, server, { locked: true });
    await page.waitForSelector("#key:visible");
    assert.match(await text(page, "error"), /API key \(401\)/);
    await page.fill("#key", "s3cret");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#model option", { state: "attached" });
    assert.equal(await text(page, "error"), "");
    await write(page, PROMPT, ["Paris.", "Rome."]);
    await score(page);
    assert.equal((await orderOf(page)).length, 2);
    await page.reload();
    await page.waitForSelector("#model option", { state: "attached" });
    await page.done();
  } finally {
    server.stop();
  }
}

// Dark and narrow: nothing is cut off, and the text of every token keeps a contrast of 4.5 to its colour.
async function darkAndNarrow(browser, server) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(browser, server, { colorScheme, viewport: { width: 390, height: 844 } });
    await page.selectOption("#other", "b");
    await write(page, PROMPT, RESPONSES);
    await score(page);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    for (const quantity of ["contribution", "log_prob", "reward", "entropy"]) {
      await page.selectOption("#quantity", quantity);
      const least = await page.evaluate(() => {
        const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
        const luminance = (rgb) => rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        return Math.min(...[...document.querySelectorAll(".tokens > span")].map((span) => {
          const [r, g, b, a = 1] = numbers(getComputedStyle(span).backgroundColor);
          const under = numbers(getComputedStyle(span.closest(".response")).backgroundColor);
          const [x, y] = [[r, g, b].map((c, i) => a * c + (1 - a) * under[i]), numbers(getComputedStyle(span).color).slice(0, 3)].map(luminance).sort((p, q) => q - p);
          return (x + 0.05) / (y + 0.05);
        }));
      });
      assert.ok(least >= 4.5, `contrast ${least} of ${quantity}, ${colorScheme}`);
    }
    const [red] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    assert.equal(red < 100, colorScheme === "dark");
    assert.ok((await page.screenshot({ fullPage: true })).length > 10000);
    await page.done();
  }
}

// A report of a conversation: its heatmap splits where it is looked at, walks by keyboard and shows where turns begin.
async function report(browser, endorm) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "endorm-page-"));
  try {
    const user = { role: "user", content: "Hi" };
    const turns = ["One.", "Two.\n\nMore.", "Three."].flatMap((content) => [user, { role: "assistant", content }]);
    writeFileSync(path.join(folder, "in.jsonl"), JSON.stringify({ prompt: turns.slice(0, -1), responses: [HOSTILE, "Three."] }));
    const run = (...words) => execFileSync(endorm, words, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
    run("score", path.join(folder, "in.jsonl"), "--tokens", "--steps", "--score-turns", "all", "--model", "tests/golden/engine_tiny_llama.gguf", "--template", "plain", "-o", path.join(folder, "out.jsonl"));
    run("report", path.join(folder, "out.jsonl"), "-o", path.join(folder, "out.html"));
    const page = await browser.newPage({ colorScheme: "dark", acceptDownloads: true });
    const faults = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("request", (request) => { if (!/^(data|file):/.test(request.url())) faults.push(`asked ${request.url()}`); });
    await page.goto(`file://${path.join(folder, "out.html")}`);
    const map = page.locator(".heatmap").first();
    await map.locator("> span").first().waitFor();
    assert.deepEqual(await map.locator("[data-turn]").evaluateAll((spans) => spans.map((span) => span.dataset.turn)), ["2", "3"]);
    assert.equal(await page.locator(".turns").count(), 2);
    assert.ok((await map.textContent()).includes(HOSTILE));
    await page.locator("#sort, #filter").first().focus();
    for (let i = 0; i < 9 && !(await map.evaluate((box) => box === document.activeElement)); ++i) await page.keyboard.press("Tab");
    assert.match(await text(page, "tooltip"), /token 1 of/);
    await page.keyboard.press("ArrowRight");
    assert.match(await text(page, "tooltip"), /token 2 of.*probability.*log \u03c0/);
    const before = await map.locator("> span").nth(1).evaluate((span) => span.style.background);
    await page.selectOption("#quantity", "value");
    assert.notEqual(await map.locator("> span").nth(1).evaluate((span) => span.style.background), before);
    const [row] = readFileSync(path.join(folder, "out.jsonl"), "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line)).filter((line) => line.responses);
    await saves(page, row.responses);
    assert.deepEqual(faults, []);
    await page.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// /docs says every field of every route that /openapi.json has, within records, too, and asks nothing but that.
async function docs(browser, server) {
  const page = await open(browser, { url: server.url + "docs" }, { locked: true, viewport: { width: 390, height: 844 } });
  page.faults.length = 0;  // openapi.json stands beside it, not below
  await page.waitForSelector(".route");
  const api = await (await fetch(server.url + "openapi.json")).json();
  const shown = await page.evaluate(async () => {
    for (let round = 0; round < 3; ++round) {
      for (const closed of document.querySelectorAll("details:not([open])")) closed.open = true;
      await new Promise((resolve) => setTimeout(resolve));
    }
    return Object.fromEntries([...document.querySelectorAll(".route")].flatMap((card) => [...card.querySelectorAll("h2 code")].map((path) => [path.textContent, [...card.querySelectorAll("td code")].map((code) => code.textContent)])));
  });
  assert.deepEqual(Object.keys(shown).sort(), Object.keys(api.paths).sort());
  const resolved = (schema) => (schema.$ref ? api.components.schemas[schema.$ref.split("/").at(-1)] : schema);
  const named = (given, depth = 0) => {
    const schema = resolved(given);
    const inner = [...Object.values(schema.properties ?? {}).flatMap((field) => (depth < 1 ? named(field, depth + 1) : [])), ...(schema.anyOf ?? []).flatMap((form) => named(form, depth)), ...(schema.items ? named(schema.items, depth) : [])];
    return [...Object.keys(schema.properties ?? {}), ...inner];
  };
  let fields = 0;
  for (const [path, { post }] of Object.entries(api.paths)) {
    if (!post) continue;
    for (const name of named(post.requestBody.content["application/json"].schema)) {
      assert.ok(shown[path].includes(name), `${path}: ${name}`);
      fields++;
    }
  }
  assert.ok(fields > 200, `${fields} fields`);
  for (const name of ["gamma", "floor", "role", "reasoning_content"]) assert.ok(shown["/v1/rewards"].includes(name), name);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await page.fill("#filter", "get_reward");
  assert.ok(await page.locator(".route:visible").count() < 5);
  await page.done();
}

// The lab's page: a line a claim first, and nothing wider than a phone.
async function lab(browser, endorm) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "endorm-lab-"));
  try {
    execFileSync(endorm, ["lab", "theorem-1", "--effort", "0.01", "--json", path.join(folder, "lab.json"), "--html", path.join(folder, "lab.html")], { stdio: "ignore" });
    const findings = JSON.parse(readFileSync(path.join(folder, "lab.json"), "utf8"));
    const page = await browser.newPage({ viewport: { width: 390, height: 844 }, acceptDownloads: true });
    await page.goto(`file://${path.join(folder, "lab.html")}`);
    const stated = findings.filter(({ limit }) => !limit);
    assert.equal(await page.locator("#overview tbody tr").count(), 1);
    assert.ok((await text(page, "overview")).includes(`${stated.filter(({ holds }) => holds).length} of ${stated.length}`));
    assert.equal(await page.locator(".findings tbody tr").count(), findings.length);
    const boxes = await page.locator(".findings tbody tr").first().locator("td").evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect()).map(({ left, top }) => ({ left, top })));
    assert.ok(boxes[1].left === boxes[3].left && boxes[3].top > boxes[1].top, "columns are stacked");
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#theorem-1 > .saves .save").first().click()]);
    const csv = readFileSync(await download.path(), "utf8");
    for (const { statement } of findings) assert.ok(csv.includes(statement.replaceAll('"', '""')), statement);
    await page.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// What a report shows of the responses of its one record, and what it saves: the numbers of the row.
async function saves(page, responses) {
  const rewards = responses.map(({ reward }) => reward);
  assert.deepEqual(await page.locator("#quantity option").evaluateAll((all) => all[0].value), "contribution");
  assert.ok(!/[0-9a-f]{64}/.test(await text(page, "facts")), "hashes are folded away");
  const figure = page.locator(".running").first();
  const lines = await figure.evaluate((node) => node.lines.map(({ values }) => values));
  lines.forEach((values, i) => {
    near(values.at(-1), [...rewards].sort((a, b) => b - a)[i], `the end of line ${i + 1}`);
    assert.ok(values.every(Number.isFinite));
  });
  const margin = Math.abs(rewards[0] - rewards[1]);
  assert.ok((await page.textContent(".record h3")).includes(`by ${margin.toFixed(2)} nats, P `));
  const widths = await page.locator(".response > .share i").evaluateAll((all) => all.map((bar) => bar.getBoundingClientRect().width));
  assert.equal(widths[0] > widths[1], rewards[0] > rewards[1], "the better bar is longer");

  const download = async (button) => readFileSync(await (await Promise.all([page.waitForEvent("download"), button.click()]))[0].path(), "utf8");
  await page.locator("#reward-details summary").click();
  const csv = (await download(page.locator("#reward-table .save").first())).trim().split("\n").map((line) => line.split(","));
  assert.equal(csv[0].join(), "record,response,reward,log \u03c0 per token,tokens");
  csv.slice(1).forEach((cells, i) => assert.deepEqual(cells.slice(2).map(Number), [responses[i].reward, responses[i].mean, responses[i].tokens]));
  const latex = await download(page.locator("#reward-table .save").nth(1));
  assert.match(latex, /^\\begin{tabular}{llrrr}\n {2}\\hline\n {2}record & response & reward & log \$\\pi\$ per token & tokens \\\\\n/);
  for (const reward of rewards) assert.ok(latex.includes(`$${reward.toFixed(4)}$`));

  const svg = await download(figure.locator(".save").first());
  const drawn = await page.evaluate((source) => {
    const tree = new DOMParser().parseFromString(source, "image/svg+xml");
    return { faults: tree.querySelectorAll("parsererror").length, title: tree.querySelector("text").textContent, ink: tree.querySelector("text").getAttribute("fill"),
      lines: [...tree.querySelectorAll("path[stroke-width='2']")].map((one) => one.getAttribute("d").split("L").length) };
  }, svg);
  assert.deepEqual(drawn, { faults: 0, title: "Running reward", ink: "#1c1e21", lines: lines.map(({ length }) => length) }, "a line a response, a point a token, in the colours of paper");
  assert.equal(await page.evaluate(() => document.documentElement.className + Path2D.name), "Path2D", "the page is as it was");

  await page.evaluate(() => { window.print = () => { window.printed = true; }; });
  await figure.locator(".save").nth(1).click();
  await page.waitForFunction(() => window.printed);
  const pdf = (await page.pdf({ preferCSSPageSize: true })).toString("latin1");
  const [width, height] = ["width", "height"].map((name) => Number(svg.match(new RegExp(` ${name}="([\\d.]+)"`))[1]));
  const [, right, top] = pdf.match(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/).map(Number);
  assert.ok(Math.abs(right - 0.75 * width) < 1 && Math.abs(top - 0.75 * height) < 1, `a page of ${right} x ${top} points for ${width} x ${height} pixels`);
  assert.equal(pdf.match(/\/Type \/Page\b/g).length, 1);
  assert.equal(await page.locator(".sheet").count(), 0, "printing leaves nothing behind");
}

// What a page of somebody else can try: requests that need no leave of the server, a form, a frame of its page. What is asked
// of the models is counted.
async function strangers(browser, server) {
  const work = async () => (await (await fetch(server.url + "metrics")).text()).match(/^endorm_tokens_asked_total{.*$/gm);
  const before = await work();
  assert.ok(before?.length, "no count of tokens in /metrics");
  const elsewhere = createServer((_, answer) => answer.writeHead(200, { "Content-Type": "text/html" }).end(
    `<iframe src="${server.url}"></iframe><form id="form" target="to" method="post" enctype="text/plain" action="${server.url}v1/rewards"><input name='{"prompt": "p", "response": "form", "x' value='": null}'></form><iframe name="to"></iframe>`)).listen(0, "127.0.0.1");
  await once(elsewhere, "listening");
  const context = await browser.newContext();
  try {
    for (const host of ["127.0.0.1", "localhost"]) {  // another port, another site
      const page = await context.newPage();
      const statuses = [];
      page.on("response", (response) => response.request().method() === "POST" && statuses.push(response.status()));
      await page.goto(`http://${host}:${elsewhere.address().port}/`);
      await page.evaluate(async (url) => {
        const body = JSON.stringify({ prompt: "p", response: "a page of another origin" });
        for (const mode of ["no-cors", "cors"]) await fetch(url + "v1/rewards", { method: "POST", mode, body }).catch(() => {});
        navigator.sendBeacon(url + "v1/rewards", body);
        document.getElementById("form").submit();
      }, server.url);
      for (let wait = 0; statuses.length < 3 && wait < 100; ++wait) await page.waitForTimeout(50);
      assert.ok(statuses.length >= 3 && statuses.every((status) => status === 403), `${host}: ${statuses}`);
      assert.ok(!(await page.frames()[1].content()).includes("id=\"prompt\""), "the page stands in a frame of another's");
    }
  } finally {
    await context.close();
    elsewhere.close();
  }
  assert.deepEqual(await work(), before);
}

// A pair of the demo's report, with the numbers of the token at which the rejected response parts.
async function picture(browser, endorm, folder) {
  const made = mkdtempSync(path.join(os.tmpdir(), "endorm-picture-"));
  try {
    const [scored, report] = ["scored.jsonl", "report.html"].map((name) => path.join(made, name));
    execFileSync(endorm, ["score", "examples/demo.jsonl", "--tokens", "--steps", "--model", "smollm2-135m", "-o", scored], { cwd: ROOT, stdio: "ignore" });
    execFileSync(endorm, ["report", scored, "-o", report], { stdio: "ignore" });
    const page = await browser.newPage({ viewport: { width: 1000, height: 900 } });
    await page.goto(`file://${report}`);
    const card = page.locator(".record", { hasText: "boiling-point" });
    await card.scrollIntoViewIfNeeded();
    await card.locator(".running canvas").waitFor();
    await card.locator(".parts").last().click();
    const { y, height } = await card.boundingBox();
    await page.screenshot({ path: path.join(folder, "report.png"), clip: { x: 10, y, width: 980, height } });
    await page.close();
  } finally {
    rmSync(made, { recursive: true });
  }
}

async function screenshots(browser, endorm, folder) {
  await picture(browser, endorm, folder);
  const server = await serve(endorm, "-m", "smollm2-135m", "-m", "gemma3-270m-base");
  try {
    for (const [name, options, height] of [["serving-page.png", { viewport: { width: 1160, height: 900 } }, 0], ["serving-page-phone.png", { viewport: { width: 390, height: 844 }, colorScheme: "dark" }, 1500]]) {
      const page = await open(browser, server, options);
      await page.click('#examples button:text-is("best of four")');
      if (!height) await page.selectOption("#other", "gemma3-270m-base");
      await score(page);
      if (height) await page.locator(".tokens").first().locator("span").nth(7).click();
      const top = height ? await page.evaluate(() => document.getElementById("results").getBoundingClientRect().top + scrollY) : 0;
      await page.screenshot({ path: path.join(folder, name), fullPage: true, ...(height ? { clip: { x: 0, y: top, width: 390, height } } : {}) });
      await page.done();
    }
  } finally {
    server.stop();
  }
}

const endorm = path.resolve(argument("--endorm"));
const [tools, executablePath] = [playwright(), browserFile()];
if (!tools || !executablePath) {
  console.log(`SKIPPED: ${tools ? "there is no Chromium" : "Node has no package playwright-core"}`);
  process.exit(0);
}
const browser = await tools.chromium.launch({ executablePath, args: ["--no-sandbox"] });
let server;
try {
  if (argument("--screenshots")) {
    await screenshots(browser, endorm, argument("--screenshots"));
  } else {
    server = await serve(endorm, "-m", "a=tests/golden/engine_tiny_llama.gguf", "-m", "b=tests/golden/engine_tiny_qwen2.gguf");
    await firstPaint(browser, server);
    for (const test of [numbers, why, twoModels, keyboard, records, failures, darkAndNarrow, docs, strangers]) {
      await test(browser, server);
      console.log(`${test.name}: passed`);
    }
    for (const test of [key, report, lab]) {
      await test(browser, endorm);
      console.log(`${test.name}: passed`);
    }
  }
} finally {
  await browser.close();
  server?.stop();
}
