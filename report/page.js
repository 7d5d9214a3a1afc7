"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const by = (id) => document.getElementById(id);
  // Every text of the data enters the page as text, never as markup.
  const element = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const number = (value, digits = 2) => (value === undefined || value === null ? "-" : value.toFixed(digits));
  const percent = (value) => (100 * value).toFixed(1) + " %";
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));

  const QUANTITIES = {
    log_prob: { label: "log pi", legend: "Stronger colour: less expected by the model (log pi, nats)." },
    reward: { label: "r", legend: "Blue: token reward r above 0; orange: below 0." },
    q: { label: "Q", legend: "Stronger colour: larger logit Q of the token." },
    value: { label: "V", legend: "Stronger colour: larger soft value V of the state before the token." },
    entropy: { label: "entropy", legend: "Stronger colour: the model was less certain what comes next (nats)." },
  };

  // Where the colours of a quantity reach their full strength: the 98th percentile of its size on this page.
  const scales = {};
  for (const name of Object.keys(QUANTITIES)) {
    const sizes = [];
    for (const row of data.rows) {
      for (const response of row.responses || []) {
        const values = response.token_rewards && response.token_rewards[name];
        if (values) for (const value of values) sizes.push(Math.abs(value));
      }
    }
    sizes.sort((a, b) => a - b);
    if (sizes.length) scales[name] = sizes[Math.floor(0.98 * (sizes.length - 1))] || 1;
  }
  const hasTokens = Object.keys(scales).length > 0;

  function colour(name, value) {
    const strength = Math.min(1, Math.abs(value) / scales[name]) * 0.72;
    const cold = name === "q" || name === "value" || (name === "reward" && value > 0);
    return `rgba(var(${cold ? "--accent-rgb" : "--warm-rgb"}), ${strength.toFixed(3)})`;
  }

  // Header.
  by("title").textContent = data.title;
  const model = data.manifest && data.manifest.model ? data.manifest.model.name : "";
  by("lead").textContent = model ? `Endogenous rewards of ${model}, read from its logits.` : "Endogenous rewards, read from a model's logits.";
  const figure = (value, label) => {
    const box = element("div");
    box.append(element("b", "", value), element("span", "", label));
    by("figures").append(box);
  };
  figure(data.summary.records.toLocaleString("en"), "records");
  figure(data.summary.responses.toLocaleString("en"), "responses");
  if (data.failures.length) figure(data.failures.length.toLocaleString("en"), "could not be scored");
  if (data.pairs) {
    const total = data.pairs.won + data.pairs.lost + data.pairs.tied;
    figure(percent(data.pairs.accuracy), `chosen above rejected (n = ${total}, 95 % interval ${percent(data.pairs.low)} to ${percent(data.pairs.high)}${data.pairs.tied ? `, ${data.pairs.tied} tied` : ""})`);
  }
  const flatten = (prefix, value) => {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) flatten(prefix ? `${prefix}.${key}` : key, inner);
      return;
    }
    by("manifest").append(element("dt", "", prefix), element("dd", "", JSON.stringify(value)));
  };
  flatten("", data.manifest || { manifest: "the file has none" });

  // Plots.
  const style = getComputedStyle(document.documentElement);
  const paint = (name) => style.getPropertyValue(name).trim();
  const transparent = (name, alpha) => `rgba(${paint(name)}, ${alpha})`;
  const axis = (label) => ({ label, labelSize: 18, size: 44, stroke: paint("--soft"), grid: { stroke: paint("--line"), width: 1 }, ticks: { stroke: paint("--line") } });
  const plotSize = (node) => ({ width: Math.max(260, node.clientWidth), height: 230 });

  function bins(groups) {
    const all = groups.flat();
    let low = Infinity;
    let high = -Infinity;
    for (const value of all) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const count = Math.max(5, Math.min(40, Math.ceil(Math.sqrt(all.length) * 1.5)));
    const width = (high - low) / count || 1;
    const centres = Array.from({ length: count }, (_, i) => low + (i + 0.5) * width);
    const counts = groups.map((group) => {
      const sums = new Array(count).fill(0);
      for (const value of group) sums[Math.min(count - 1, Math.floor((value - low) / width))]++;
      return sums;
    });
    return [centres, ...counts];
  }
  const bars = (label, rgb) => ({ label, stroke: transparent(rgb, 0.9), fill: transparent(rgb, 0.45), width: 1, points: { show: false }, paths: uPlot.paths.bars({ size: [1, 100] }) });
  function histogram(id, label, groups) {
    const node = by(id);
    const series = groups.map((group) => bars(group.name, group.rgb));
    new uPlot({ ...plotSize(node), scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.05)] } }, legend: { show: groups.length > 1, live: false }, cursor: { show: false }, axes: [axis(label), axis("responses")], series: [{}, ...series] }, bins(groups.map((group) => group.values)), node);
  }
  const distributions = data.distributions;
  const ofRole = (role) => distributions.rewards.filter((_, i) => distributions.roles[i] === role);
  const groups = [
    { name: "chosen", rgb: "--accent-rgb", values: ofRole(1) },
    { name: "rejected", rgb: "--warm-rgb", values: ofRole(0) },
    { name: "responses", rgb: "--accent-rgb", values: ofRole(-1) },
  ].filter((group) => group.values.length);
  if (groups.length) {
    histogram("plot-rewards", "reward", groups);
    if (distributions.margins.length) histogram("plot-margins", "margin (above 0: won)", [{ name: "pairs", rgb: "--accent-rgb", values: distributions.margins }]);
    else by("margins-figure").remove();
    const order = distributions.lengths.map((_, i) => i).sort((a, b) => distributions.lengths[a] - distributions.lengths[b]);
    const node = by("plot-lengths");
    const dots = (rgb) => ({ paths: () => null, points: { show: true, size: 6, stroke: transparent(rgb, 0.9), fill: transparent(rgb, 0.35) } });
    const roles = [...new Set(distributions.roles)].sort().reverse();
    const names = { 1: ["chosen", "--accent-rgb"], 0: ["rejected", "--warm-rgb"], "-1": ["responses", "--accent-rgb"] };
    new uPlot({ ...plotSize(node), scales: { x: { time: false } }, legend: { show: roles.length > 1, live: false }, cursor: { show: false }, axes: [axis("tokens"), axis("reward")], series: [{}, ...roles.map((role) => ({ label: names[role][0], stroke: transparent(names[role][1], 0.9), ...dots(names[role][1]) }))] },
      [order.map((i) => distributions.lengths[i]), ...roles.map((role) => order.map((i) => (distributions.roles[i] === role ? distributions.rewards[i] : null)))], node);
  } else {
    by("plots").remove();
  }

  // Records.
  const tooltip = by("tooltip");
  function describe(span, response) {
    const i = Number(span.dataset.i);
    const tokens = response.token_rewards;
    tooltip.replaceChildren(element("b", "", JSON.stringify(tokens.text[i])), element("span", "", `  token ${tokens.id[i]}, place ${i + 1}`));
    const table = element("table");
    for (const [name, quantity] of Object.entries(QUANTITIES)) {
      if (!tokens[name]) continue;
      const line = element("tr");
      line.append(element("td", "", quantity.label), element("td", "", number(tokens[name][i], 4)));
      table.append(line);
    }
    tooltip.append(table);
    tooltip.hidden = false;
    const place = span.getBoundingClientRect();
    tooltip.style.left = Math.max(8, Math.min(place.left, innerWidth - tooltip.offsetWidth - 8)) + "px";
    const below = place.bottom + 6;
    tooltip.style.top = (below + tooltip.offsetHeight > innerHeight ? Math.max(8, place.top - tooltip.offsetHeight - 6) : below) + "px";
  }
  function heatmap(response) {
    const box = element("div", "tokens");
    const tokens = response.token_rewards;
    tokens.text.forEach((text, i) => {
      const span = element("span", "", text);
      span.dataset.i = i;
      box.append(span);
    });
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "tokens of the response; arrow keys move from token to token");
    let active = -1;
    const activate = (i) => {
      if (box.children[active]) box.children[active].classList.remove("active");
      active = Math.max(0, Math.min(box.children.length - 1, i));
      box.children[active].classList.add("active");
      describe(box.children[active], response);
    };
    box.addEventListener("mouseover", (event) => { if (event.target.dataset.i !== undefined) describe(event.target, response); });
    box.addEventListener("mouseleave", () => { tooltip.hidden = true; });
    box.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) { event.preventDefault(); activate(active + step); }
      if (event.key === "Escape") tooltip.hidden = true;
    });
    box.addEventListener("blur", () => { tooltip.hidden = true; if (box.children[active]) box.children[active].classList.remove("active"); active = -1; });
    box.paint = (name) => {
      const values = tokens[name];
      for (const span of box.children) span.style.background = values ? colour(name, values[Number(span.dataset.i)]) : "";
    };
    return box;
  }
  function stepBars(steps) {
    const box = element("div", "steps");
    const worst = Math.max(...steps.map((step) => -step.mean), 1e-9);
    steps.forEach((step, i) => {
      const bar = element("i");
      bar.style.width = (100 * Math.max(0, -step.mean)) / worst + "%";
      const cell = element("div");
      cell.append(bar);
      box.append(element("span", "", `step ${i + 1}`), cell, element("span", "", number(step.mean)));
    });
    box.title = "mean log pi of each step, nats a token; longer is less expected";
    return box;
  }
  const heatmaps = [];
  const cards = [];
  function record(row) {
    const card = element("article", "record");
    const head = element("h3", "", row.id);
    card.append(head);
    if (row.messages) {
      const prompt = element("p", "prompt");
      for (const message of row.messages) prompt.append(element("b", "", message.role + ": "), document.createTextNode(message.content + "\n"));
      card.append(prompt);
    }
    if (row.error) card.append(element("p", "error", row.error.message));
    const responses = row.responses || [];
    const scored = responses.filter((response) => response.reward !== undefined);
    const best = Math.max(...scored.map((response) => response.reward));
    const list = element("div", "responses");
    responses.forEach((response, i) => {
      const box = element("div", "response" + (response.reward === best ? " best" : ""));
      const role = row.chosen === undefined ? `response ${i + 1}` : i === row.chosen ? "chosen" : "rejected";
      const line = element("div", "head");
      line.append(element("span", "", role));
      box.append(line);
      if (response.reward === undefined) {
        box.append(element("p", "error", response.error));
      } else {
        const facts = element("span");
        facts.append(element("b", "", number(response.reward)), document.createTextNode(`  ${number(response.mean)} a token, ${response.tokens} tokens${response.finish === "truncated" ? ", truncated" : ""}`));
        line.append(facts);
        if (response.token_rewards) {
          const map = heatmap(response);
          heatmaps.push(map);
          box.append(map);
        }
        if (response.steps && response.steps.length) box.append(stepBars(response.steps));
      }
      list.append(box);
    });
    card.append(list);
    let margin = null;
    if (row.chosen !== undefined && responses.length === 2 && scored.length === 2) {
      margin = responses[row.chosen].reward - responses[1 - row.chosen].reward;
      head.append(element("small", "", `margin ${number(margin)}, P(chosen preferred) ${sigmoid(margin).toFixed(3)}`));
    }
    cards.push({ card, margin, order: cards.length, text: (row.id + " " + card.textContent).toLowerCase() });
  }
  data.rows.forEach(record);
  function arrange() {
    const wanted = by("filter").value.toLowerCase();
    const lost = by("lost").checked;
    const sorted = [...cards];
    if (by("sort").value === "margin") sorted.sort((a, b) => (a.margin ?? Infinity) - (b.margin ?? Infinity));
    for (const { card, margin, text } of sorted) {
      card.hidden = (wanted && !text.includes(wanted)) || (lost && !(margin !== null && margin <= 0));
      by("records").append(card);
    }
  }
  function repaint() {
    const name = by("quantity").value;
    heatmaps.forEach((map) => map.paint(name));
    by("legend").textContent = QUANTITIES[name].legend;
  }
  if (hasTokens) {
    for (const name of Object.keys(scales)) {
      const option = element("option", "", QUANTITIES[name].label);
      option.value = name;
      by("quantity").append(option);
    }
    by("quantity").addEventListener("change", repaint);
    repaint();
  } else {
    by("quantity").closest("label").remove();
    by("legend").textContent = "The file holds no token rewards: score with `endorm score --tokens` to see every token.";
  }
  if (!data.pairs) { by("lost-label").hidden = true; by("sort-label").hidden = true; }
  by("filter").addEventListener("input", arrange);
  by("lost").addEventListener("change", arrange);
  by("sort").addEventListener("change", arrange);
  if (data.summary.shown < data.summary.records) by("shown").textContent = `The first ${data.summary.shown} of ${data.summary.records} records are shown; the figures and distributions above are of all.`;
  arrange();

  // What could not be scored.
  for (const failure of data.failures) {
    const line = element("tr");
    for (const cell of [failure.id, failure.line, failure.response === undefined ? "all" : failure.response + 1, failure.error]) line.append(element("td", "", String(cell)));
    by("failures").tBodies[0].append(line);
  }
  if (!data.failures.length) by("failures-section").remove();
})();
