"use strict";
// Plots as SVG. uPlot draws on a canvas: for a file it draws once more, in the colours of paper, on one that writes down
// what is drawn. What it calls is there, and no more.
const svgNode = (tag, attributes, ...content) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...content);
  return node;
};
const rounded = (value) => Number(value.toFixed(2));
const fontFamily = "Helvetica, Arial, sans-serif";

class SvgPath {
  constructor(other) { this.d = other ? other.d : ""; }
  add(command, ...numbers) { this.d += command + numbers.map(rounded).join(" "); }
  moveTo(x, y) { this.add("M", x, y); }
  lineTo(x, y) { this.add(this.d ? "L" : "M", x, y); }
  bezierCurveTo(...points) { this.add("C", ...points); }
  rect(x, y, width, height) { this.add("M", x, y); this.add("h", width); this.add("v", height); this.add("h", -width); this.closePath(); }
  closePath() { this.d += "Z"; }
  // Whole circles alone: what points are.
  arc(x, y, radius) {
    this.add("M", x + radius, y);
    this.add("A", radius, radius, 0, 1, 0, x - radius, y);
    this.add("A", radius, radius, 0, 1, 0, x + radius, y);
    this.closePath();
  }
}

// "rgba(1, 2, 3, 0.5)" as readers of SVG 1.1 have it.
function svgPaint(name, colour, alpha) {
  const [, red, green, blue, opacity = "1"] = String(colour).match(/^rgba?\((\d+),\s*(\d+),\s*(\d+)(?:,\s*([\d.]+))?\)$/) ?? [];
  if (colour === "transparent" || !colour) return { [name]: "none" };
  const strength = alpha * Number(opacity);
  return { [name]: red === undefined ? colour : `rgb(${red}, ${green}, ${blue})`, ...(strength < 1 ? { [`${name}-opacity`]: rounded(strength) } : {}) };
}

class SvgContext {
  constructor(canvas) {
    this.canvas = canvas;
    this.root = svgNode("g", {});
    this.saved = [];
    this.measure = document.createElement("canvas").getContext("2d");
    Object.assign(this, { fillStyle: "#000000", strokeStyle: "#000000", lineWidth: 1, lineJoin: "miter", lineCap: "butt", font: "10px sans-serif", textAlign: "start", textBaseline: "alphabetic", globalAlpha: 1, dash: [], turns: "", clipped: "" });
  }
  save() { const { canvas, root, saved, measure, path, ...state } = this; this.saved.push(state); }
  restore() { Object.assign(this, this.saved.pop()); }
  translate(x, y) { this.turns += `translate(${rounded(x)} ${rounded(y)}) `; }
  rotate(angle) { this.turns += `rotate(${rounded((180 * angle) / Math.PI)}) `; }
  setLineDash(dash) { this.dash = dash; }
  clearRect() {}
  beginPath() { this.path = new SvgPath(); }
  moveTo(x, y) { this.path.moveTo(x, y); }
  lineTo(x, y) { this.path.lineTo(x, y); }
  rect(...box) { this.path.rect(...box); }
  arc(...circle) { this.path.arc(...circle); }
  closePath() { this.path.closePath(); }
  measureText(text) {
    this.measure.font = this.font;
    return this.measure.measureText(text);
  }
  place() { return { ...(this.turns ? { transform: this.turns.trim() } : {}), ...(this.clipped ? { "clip-path": this.clipped } : {}) }; }
  clip(path = this.path) {
    const id = `clip-${++SvgContext.clips}`;
    this.root.append(svgNode("clipPath", { id, ...this.place() }, svgNode("path", { d: path.d })));
    this.clipped = `${"url"}(#${id})`;
  }
  stroke(path = this.path) {
    if (!path.d || !(this.lineWidth > 0)) return;
    const ink = svgPaint("stroke", this.strokeStyle, this.globalAlpha);
    if (ink.stroke === "none") return;
    this.root.append(svgNode("path", { d: path.d, fill: "none", ...ink, "stroke-width": rounded(this.lineWidth), "stroke-linejoin": this.lineJoin, "stroke-linecap": this.lineCap,
      ...(this.dash.length ? { "stroke-dasharray": this.dash.join(" ") } : {}), ...this.place() }));
  }
  fill(path = this.path) {
    const ink = svgPaint("fill", this.fillStyle, this.globalAlpha);
    if (path.d && ink.fill !== "none") this.root.append(svgNode("path", { d: path.d, ...ink, ...this.place() }));
  }
  fillText(text, x, y) {
    if (!text) return;
    const size = Number(this.font.match(/([\d.]+)px/)[1]);
    const down = { top: 0.8, hanging: 0.8, middle: 0.35, bottom: -0.2 }[this.textBaseline] ?? 0;
    this.root.append(svgNode("text", { x: rounded(x), y: rounded(y + down * size), "font-size": rounded(size), "font-family": fontFamily,
      "text-anchor": { center: "middle", right: "end", end: "end" }[this.textAlign] ?? "start", ...svgPaint("fill", this.fillStyle, this.globalAlpha), ...this.place() }, text));
  }
}
SvgContext.clips = 0;

// What uPlot draws with these options, as a node, and the size of its canvas.
async function recordedPlot(options, values) {
  const { Path2D } = window;
  const { getContext } = HTMLCanvasElement.prototype;
  let context;
  const drawn = new Promise((resolve) => {
    const hooks = { ...options.hooks, ready: [resolve] };
    HTMLCanvasElement.prototype.getContext = function (kind) {
      HTMLCanvasElement.prototype.getContext = getContext;
      return (context = new SvgContext(this));
    };
    window.Path2D = SvgPath;
    try {
      new uPlot({ ...options, hooks }, values, document.createElement("div"));
    } finally {
      HTMLCanvasElement.prototype.getContext = getContext;
    }
  });
  await drawn;
  window.Path2D = Path2D;
  return { root: context.root, width: context.canvas.width };
}

// A plot as it was told to plot(), with its title and its keys above it.
async function svgOf({ title, caption, options, values }) {
  const { root, width: pixels } = await recordedPlot(options, values);
  const { width } = options;
  const measure = document.createElement("canvas").getContext("2d");
  const head = [svgNode("text", { x: 8, y: 18, "font-size": 13, "font-weight": "bold", "font-family": fontFamily, fill: paint("--ink") }, title)];
  let [x, y] = [8, 36];
  const words = (text, size = 12) => {
    measure.font = `${size}px ${fontFamily}`;
    const long = measure.measureText(text).width;
    if (x > 8 && x + long > width - 8) [x, y] = [8, y + 16];
    head.push(svgNode("text", { x: rounded(x), y, "font-size": size, "font-family": fontFamily, fill: paint("--soft") }, text));
    x += long;
  };
  for (const part of caption.filter((one) => one && (typeof one === "string" || one.textContent))) {
    if (typeof part === "string") {
      for (const word of part.trim().split(/\s+/)) words(word + "\u00a0");
      continue;
    }
    measure.font = `12px ${fontFamily}`;
    if (x > 8 && x + 15 + measure.measureText(part.textContent).width > width - 8) [x, y] = [8, y + 16];
    const colour = part.style.getPropertyValue("--key");
    if (colour) {
      head.push(svgNode("rect", { x: rounded(x), y: y - 9, width: 10, height: 10, rx: 3, ...svgPaint("fill", colour, 1) }));
      x += 15;
    }
    words(part.textContent);
    x += 14;
  }
  const top = caption.length ? y + 10 : 26;
  const height = top + options.height;
  root.setAttribute("transform", `translate(0 ${top}) scale(${rounded(1e4 * (width / pixels)) / 1e4})`);
  return svgNode("svg", { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}` }, svgNode("rect", { width, height, fill: "#ffffff" }), ...head, root);
}

// Only the plot, on a page of its size: what the browser then prints to a file is a PDF with lines and letters.
function printAlone(svg) {
  const page = element("style", "", `@page { size: ${svg.getAttribute("width")}px ${svg.getAttribute("height")}px; margin: 0; } @media print { body > :not(.sheet) { display: none !important; } } .sheet { line-height: 0; } @media screen { .sheet { display: none; } }`);
  const sheet = element("div", "sheet", svg);
  document.body.append(page, sheet);
  addEventListener("afterprint", () => { page.remove(); sheet.remove(); }, { once: true });
  print();
}
const plotSaves = (node, title) => element("span", "saves",
  saveButton("SVG", `${title} as SVG`, async () => saveFile(fileName(title, "svg"), "image/svg+xml", new XMLSerializer().serializeToString(await onPaper(node)))),
  saveButton("PDF", `${title} as PDF, by printing`, async () => printAlone(await onPaper(node))));

// The plot in `node` as SVG: all that draws is asked again, in the colours of paper, and this one is kept (plot_base.js).
async function onPaper(node) {
  document.documentElement.classList.add("on-paper");
  try {
    recording = { node };
    for (const draw of draws) draw();
    const { plotted } = recording;
    recording = null;
    return await svgOf(plotted);
  } finally {
    recording = null;
    document.documentElement.classList.remove("on-paper");
  }
}
