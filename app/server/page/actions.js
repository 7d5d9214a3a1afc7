"use strict";
// What people do.
// The results as shown: replies of the server, with the rewards and ranks of this page's aggregation.
const exported = () => JSON.stringify({
  alpha: view.alpha, ...settings(), record: view.record,
  models: view.columns.map(({ model, reply, rewards, ranks }) => ({ model, responses: reply.responses.map((response, i) => (response.error ? response : { ...response, reward: rewards[i], rank: ranks[i] })) })),
}) + "\n";

by("form").addEventListener("submit", (event) => {
  event.preventDefault();
  try { show(written()); } catch (error) { complain(error.message); }
});
by("form").addEventListener("input", markStale);
addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  by("form").requestSubmit(by("score"));
});
by("add").addEventListener("click", () => { addRow().text.focus(); markStale(); });
by("stop").addEventListener("click", () => running?.abort());
for (const example of EXAMPLES) {
  const button = element("button", "", example.name);
  button.type = "button";
  button.addEventListener("click", () => { fill(example); markStale(); });
  by("examples").append(button);
}
by("clear").addEventListener("click", () => {
  fill({ responses: [{}, {}] });
  markStale();
  by("prompt").focus();
});
for (const id of ["model", "other"]) by(id).addEventListener("change", () => { if (view) show(view); });
by("key").addEventListener("input", () => sessionStorage.setItem("endorm-key", by("key").value));
by("key").addEventListener("change", () => { if (by("key").value !== begin.key) begin(); });
by("file").addEventListener("change", async () => {
  const [file] = by("file").files;
  if (!file) return;
  lines = (await file.text()).split("\n").filter((line) => line.trim());
  by("stepper").hidden = !lines.length;
  by("place").max = lines.length;
  if (lines.length) goTo(1);
  else complain(`${file.name} holds no records.`);
});
by("previous").addEventListener("click", () => goTo(goTo.at - 1));
by("next").addEventListener("click", () => goTo(goTo.at + 1));
by("place").addEventListener("change", () => { if (Number(by("place").value) !== goTo.at) goTo(Number(by("place").value)); });
by("form").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !event.target.matches("#place, #key")) return;
  event.preventDefault(); // Enter takes the value and does not score
  event.target.dispatchEvent(new Event("change"));
});
by("aggregation").addEventListener("change", () => { show.chosen = true; });
for (const id of ["aggregation", "gamma", "floor", "chunk", "last_k", "initial_value", "order"]) by(id).addEventListener("input", () => { rank(); if (view && settings()) say(firstInWords()); });
by("alpha").addEventListener("change", () => { if (Number(by("alpha").value) !== view.alpha) show(view); });
by("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(exported());
    say("Copied.");
  } catch {
    complain("This browser does not let the page copy; download the file instead.");
  }
});
by("download").addEventListener("click", () => {
  saveFile("endorm-rewards.json", "application/json", exported());
});

function begin() {
  begin.key = by("key").value;
  complain("");
  loadModels().catch((error) => complain(error.message));
}
by("aggregation").append(...AGGREGATIONS.map((name) => new Option(name.replace("_", " "), name)));
by("key").value = sessionStorage.getItem("endorm-key") ?? "";
by("ranking-saves").append(tableSaves(by("ranking"), "Rewards"));
fill(EXAMPLES[0]);
rank();
keepDrawn(drawRunning);
begin();
