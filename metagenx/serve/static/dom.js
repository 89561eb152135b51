// Elements from plain text only: nothing that a file or a script says is ever read as HTML.

export function el(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name in node && name !== "list" && name !== "form") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const panel = (title, width, ...children) =>
  el("section", { class: `panel ${width}`, "aria-label": title }, el("h2", {}, title), ...children);

export function number(value, digits = 6) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(Math.max(0, digits - 2));
  return String(Number(value.toPrecision(digits)));
}

export const whole = (value) => (value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en").replaceAll(",", " "));

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 90) return `${seconds.toFixed(0)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

export const when = (seconds) => new Date(seconds * 1000).toLocaleString([], { dateStyle: "short", timeStyle: "short" });

export function errorBox(error) {
  const lines = [error.where ? `${error.where}: ${error.message}` : error.message];
  for (const mistake of error.mistakes || []) lines.push(`  ${mistake.path}: ${mistake.message}`);
  if (error.hint) lines.push(error.hint);
  return el("p", { class: "error", role: "alert" }, lines.join("\n"));
}

export function verdict(line, level = "info", large = false) {
  const box = document.getElementById("verdict");
  const text = document.getElementById("verdict-line");
  box.className = `verdict ${["good", "warning", "bad"].includes(level) ? level : "info"} ${large ? "large" : ""}`;
  line = line.replace(/(\d) (?=\d{3})/g, "$1\u202f"); // thousands stay together
  if (text.textContent !== line) text.textContent = line;
}
