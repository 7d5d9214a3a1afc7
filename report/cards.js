"use strict";
// What cards of texts share: long texts are folded until asked for, and heatmaps become spans when they near the screen. The
// page says in tokenSets, a list of all its token_rewards, what is coloured.
findScales(tokenSets);
const hasTokens = Object.keys(scales).length > 0;
by("quantity-label").hidden = !hasTokens;

// A text, folded where it is longer than `most` characters.
const clippedText = (node, most, label) => (node.textContent.length > most ? clip(node, label) : [node]);

// The words of a content, which may be a list of texts and media.
const contentWords = (content) => (Array.isArray(content) ? content.map((part) => part.text || ` [${part.type}: ${part.path}] `).join("") : content);

// What a message says: its reasoning, its content, its tool calls.
const wordsOf = (message) => [message.reasoning_content, contentWords(message.content), message.tool_calls && JSON.stringify(message.tool_calls)].filter(Boolean).join("\n");

// The images of messages that the page holds.
function pictures(messages) {
  const parts = messages.flatMap((message) => (Array.isArray(message.content) ? message.content : [])).filter((part) => part.data);
  if (!parts.length) return [];
  const figure = element("div", "pictures");
  for (const part of parts) figure.append(Object.assign(element("img"), { src: part.data, alt: part.path, title: part.path, loading: "lazy" }));
  return [figure];
}

function prompt(messages) {
  const text = element("p", "prompt");
  messages.forEach((message, i) => text.append(element("b", "", message.role + "  "), wordsOf(message) + (i + 1 < messages.length ? "\n" : "")));
  return [...pictures(messages), ...clippedText(text, 900, "Show the whole prompt")];
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

const drawnFigures = new Set();  // what runningFigure made, since it came near
const nearing = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    nearing.unobserve(target);
    for (const map of target.querySelectorAll(".heatmap")) map.split();
    for (const figure of target.querySelectorAll(".running")) {
      figure.draw();
      drawnFigures.add(figure);
    }
  }
}, { rootMargin: "1000px 0px" });
keepDrawn(() => { for (const figure of drawnFigures) if (figure.firstChild.clientWidth) figure.draw(); });
addEventListener("beforeprint", () => {
  if (document.querySelector(".sheet")) return;  // one plot alone is printed
  heatmaps.forEach((map) => map.split());
  for (const figure of document.querySelectorAll(".running")) {
    figure.draw();
    drawnFigures.add(figure);
  }
});
