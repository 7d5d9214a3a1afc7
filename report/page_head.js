"use strict";
// The data of a report, and its head: figures, facts, the manifest.
const data = JSON.parse(by("data").textContent);

// A number with its label in the head of the page.
function addFigure(value, label, className) {
  const box = element("div", className, element("b", "", value), element("span", "", label));
  by("figures").append(box);
  return box;
}
const headCell = (name, scope) => Object.assign(element("th", "", name), { scope });
function addFact(name, ...content) {
  by("facts").hidden = false;
  by("facts").append(element("dt", "", name), element("dd", "", ...content));
}

// A share in 0..1 with its 95 % interval on a line from 0 to 1; dotted: what guessing gives, among two one half.
function intervalBar(low, high, value, guessing = 0.5) {
  const bar = element("div", "interval", element("i"), element("s"), element("u"));
  bar.children[0].style.cssText = `left:${100 * low}%;right:${100 * (1 - high)}%`;
  bar.children[1].style.left = 100 * guessing + "%";
  bar.children[2].style.left = 100 * value + "%";
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", `95 % interval from ${percent(low)} to ${percent(high)}`);
  return bar;
}

// Adds every field of a manifest to the head, nested ones as a.b.
function addManifest(manifest) {
  const list = element("dl", "manifest");
  const flatten = (prefix, value) => {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) flatten(prefix ? `${prefix}.${key}` : key, inner);
    } else {
      list.append(element("dt", "", prefix), element("dd", "", JSON.stringify(value)));
    }
  };
  flatten("", manifest);
  by("manifests").append(list);
  by("manifest-details").hidden = false;
}

// The choices of a select, which hides with its label where there is nothing to choose.
function addChoices(id, values) {
  by(id).replaceChildren(new Option("all", ""), ...values.map((value) => new Option(value, value)));
  by(`${id}-label`).hidden = values.length < 2;
}
