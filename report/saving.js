"use strict";
// Tables and plots leave the page as files: CSV and LaTeX, SVG; and as PDF, by the browser's own printing.
const fileName = (label, ending) => `${label.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "endorm"}.${ending}`;
function saveFile(name, type, text) {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
const saveButton = (text, label, act) => {
  const button = element("button", "save", text);
  button.type = "button";
  button.setAttribute("aria-label", label);
  button.addEventListener("click", act);
  return button;
};

// What a cell of a table says: the number itself where it has one, else its text, with a blank between its parts.
function cellText(cell) {
  const number = cell.querySelector("data");
  if (number) return number.value;
  const words = [];
  const read = (node) => {
    if (node.nodeType === 3) words.push(node.data);
    else if (!node.classList?.contains("hidden-text") && node.tagName !== "BUTTON") {
      if (["SMALL", "DIV", "P"].includes(node.tagName)) words.push(" ");
      node.childNodes.forEach(read);
    }
  };
  read(cell);
  const text = words.join("").replace(/\s+/g, " ").trim();
  return /^\u2212?\d{1,3}(,\d{3})*(\.\d+)?$/.test(text) ? text.replaceAll(",", "").replace("\u2212", "-") : text.replace(/^\u2013$/, "");
}
// The cells of a table [rows][columns] as texts, without the columns that hold pictures alone.
function cellsOf(table) {
  const rows = [...table.rows].map((row) => [...row.cells].flatMap((cell) => [cellText(cell), ...new Array(cell.colSpan - 1).fill("")]));
  const width = Math.max(...rows.map((row) => row.length));
  const told = Array.from({ length: width }, (_, i) => i).filter((i) => rows.some((row) => row[i]));
  return rows.map((row) => told.map((i) => row[i] ?? ""));
}
const csvOf = (rows) => rows.map((row) => row.map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",") + "\n").join("");

// How LaTeX writes what its fonts or its commands do not have as it stands.
const LATEX = { "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%", "_": "\\_", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
  "\u2212": "$-$", "\u2013": "--", "\u03c0": "$\\pi$", "\u03b1": "$\\alpha$", "\u03b3": "$\\gamma$", "\u2264": "$\\le$", "\u2265": "$\\ge$", "\u00d7": "$\\times$", "\u00b7": "$\\cdot$", "\u2032": "$'$", "\u2713": "$\\checkmark$", "\u2605": "$\\star$", "\u00a0": "~" };
const latexText = (text) => [...text].map((character) => LATEX[character] ?? character).join("");
function latexOf(rows) {
  const isNumber = (i) => rows.slice(1).every((row) => row[i] === "" || /^[-+]?[\d.]+(e[-+]?\d+)?$/.test(row[i]));
  const cell = (text, i) => (/^-[\d.]/.test(text) && isNumber(i) ? `$${text}$` : latexText(text));
  const line = (row) => `  ${row.map(cell).join(" & ")} \\\\\n`;
  return `\\begin{tabular}{${rows[0].map((_, i) => (i && isNumber(i) ? "r" : "l")).join("")}}\n  \\hline\n${line(rows[0])}  \\hline\n${rows.slice(1).map(line).join("")}  \\hline\n\\end{tabular}\n`;
}
// Buttons that save a table as it stands then. Numbers are shortened to four digits behind the point in LaTeX alone.
function tableSaves(table, label) {
  const short = (text) => (/^-?\d+\.\d{5,}$/.test(text) ? Number(text).toFixed(4) : text);
  return element("p", "saves",
    saveButton("CSV", `${label} as CSV`, () => saveFile(fileName(label, "csv"), "text/csv", csvOf(cellsOf(table)))),
    saveButton("LaTeX", `${label} as LaTeX`, () => saveFile(fileName(label, "tex"), "application/x-tex", latexOf(cellsOf(table).map((row) => row.map(short))))));
}
