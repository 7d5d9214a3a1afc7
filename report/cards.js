"use strict";
// What cards of texts share: long texts are cut until asked for, and heatmaps become spans when they near the screen.
const heatmaps = [];
const quantity = () => by("quantity").value;

// Shows the first lines of a long text with a button for the rest.
function clip(node, label) {
  node.classList.add("clipped");
  const button = element("button", "more", label);
  button.type = "button";
  const expand = () => {
    node.classList.remove("clipped");
    button.remove();
  };
  button.addEventListener("click", expand);
  node.addEventListener("expand", expand, { once: true });
  return [node, button];
}

// A text, cut where it is longer than `most` characters.
const clippedText = (node, most, label) => (node.textContent.length > most ? clip(node, label) : [node]);

// What a message says: its reasoning, its content, its tool calls.
const wordsOf = (message) => [message.reasoning_content, message.content, message.tool_calls && JSON.stringify(message.tool_calls)].filter(Boolean).join("\n");

function prompt(messages) {
  const text = element("p", "prompt");
  messages.forEach((message, i) => text.append(element("b", "", message.role + "  "), wordsOf(message) + (i + 1 < messages.length ? "\n" : "")));
  return clippedText(text, 1500, "Show the whole prompt");
}

// A heatmap, cut where it has more than `most` tokens.
function clippedHeatmap(tokens, most) {
  const map = heatmap(tokens);
  heatmaps.push(map);
  return tokens.text.length > most ? clip(map, `Show all ${count(tokens.text.length)} tokens`) : [map];
}

// The text of a response whose tokens are not there.
const plainText = (text) => clippedText(element("div", text.includes("```") ? "tokens code" : "tokens", text), 700, "Show the whole response");

// A list that grows by a button. What is returned starts it anew with the first of other items.
function pagedList(list, more, size, cardOf) {
  let items = [];
  const grow = () => {
    const from = list.children.length;
    list.append(...items.slice(from, from + size).map(cardOf));
    const left = items.length - list.children.length;
    more.hidden = left === 0;
    more.textContent = `Show ${count(Math.min(left, size))} more of ${count(left)} left`;
    return list.children[from];
  };
  more.addEventListener("click", () => {
    const first = grow();
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
  });
  return (all) => {
    items = all;
    list.replaceChildren();
    grow();
  };
}

if (hasTokens) {
  for (const name of Object.keys(scales)) {
    const option = element("option", "", QUANTITIES[name].label);
    option.value = name;
    by("quantity").append(option);
  }
  by("quantity").addEventListener("change", () => {
    heatmaps.forEach((map) => map.paint(quantity()));
    drawLegend(quantity());
  });
  drawLegend(quantity());
} else {
  by("quantity-label").hidden = true;
}

const nearing = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    nearing.unobserve(target);
    for (const map of target.querySelectorAll(".heatmap")) map.split(quantity());
  }
}, { rootMargin: "1000px 0px" });
addEventListener("beforeprint", () => heatmaps.forEach((map) => map.split(quantity())));
