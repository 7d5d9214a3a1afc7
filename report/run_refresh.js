"use strict";
// The page of a run that goes on loads itself anew; what was chosen on it stays, and so does the place on it.
if (data.refresh_seconds) {
  const chosen = ["smooth", "prompt", "filter", "order", "quantity"];
  const pause = element("input");
  pause.type = "checkbox";
  by("lead").after(element("p", "refreshing", `Loads itself anew every ${plural(data.refresh_seconds, "second")}.`, element("label", "", pause, "pause")));
  const before = history.state || {};
  for (const id of chosen) {
    const field = by(id);
    if (typeof before[id] !== "string" || field.value === before[id]) continue;
    field.value = before[id];
    if (field.selectedIndex === -1) field.selectedIndex = 0;
    field.dispatchEvent(new Event(field.tagName === "INPUT" ? "input" : "change"));
  }
  setInterval(() => {
    if (pause.checked || document.hidden) return;
    history.replaceState(Object.fromEntries(chosen.map((id) => [id, by(id).value])), "");
    location.reload();
  }, 1000 * data.refresh_seconds);
}
