// A job while it runs and after.
import { ask, get, post } from "./api.js";
import { Curves, fill } from "./curves.js";
import { duration, el, errorBox, number, panel, verdict, whole } from "./dom.js";
import { Plot } from "./plot.js";

export class JobPage {
  constructor(id, page) {
    this.id = id;
    this.page = page;
    this.curves = new Curves();
    this.course = new Plot({ title: "FOM against evaluations", xLabel: "FOM evaluations", yLabel: "best FOM", xLog: true, yLog: true, size: "middle" });
    this.courseLegend = el("div", { class: "legend" });
    this.message = el("div", {});
    this.facts = el("dl", { class: "facts" });
    this.buttons = el("div", { class: "buttons" });
    this.spread = el("tbody", {});
    this.results = el("div", {});
    this.said = el("pre", {});
    this.typed = el("pre", {});
    this.state = null;
    this.version = -1;
    this.resultsPanel = el("section", { class: "panel w6", "aria-label": "Results", hidden: true }, el("h2", {}, "Results"), this.results, this.typed);
    this.saidPanel = el("section", { class: "panel", "aria-label": "What was said", hidden: true }, el("h2", {}, "What was said"), this.said);
    verdict("…", "info", true);
    page.replaceChildren(
      panel("Job", "w4", this.facts, this.buttons, this.message),
      panel("FOM against evaluations", "w8", this.course.canvas, this.courseLegend),
      panel("Data and fit", "w8", this.curves.main.canvas, this.curves.below.canvas, el("div", { class: "buttons" }, this.curves.tool, this.curves.legend)),
      panel("Parameters: where the population is inside the limits", "w4", el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, "Parameter"), el("th", { class: "number" }, "Best"), el("th", {}, "Min … max"))), this.spread))),
      panel("Depth profile", "w6", this.curves.depth.canvas, this.curves.depthLegend),
      this.resultsPanel,
      this.saidPanel,
    );
  }

  get watched() { return [this.id]; }

  heard(message) {
    if (message.job !== this.id) return;
    if (message.snapshot) {
      this.line = message.line;
      this.state = message.snapshot;
      this.rows = null;
      this.refresh(true);
      return;
    }
    if (!this.state) return;
    for (const one of message.messages) this.take(one);
    this.refresh(false);
  }

  take(message) {
    const s = this.state;
    if (message.kind === "begun" || message.kind === "started") Object.assign(s, { state: "running", end: {} });
    else if (message.kind === "queued") Object.assign(s, { state: "waiting", end: {} });
    else if (message.kind === "start") { Object.assign(s, { start: message, course: [], runs: [] }); this.rows = null; }
    else if (message.kind === "generation") {
      s.last = message;
      s.verdict = { line: message.verdict, level: "info" };
      s.course.push([message.evaluations, message.fom, message.run, message.of_run, message.fom_of_run]);
    } else if (message.kind === "run") s.runs.push(message);
    else if (message.kind === "fit") { s.fits.push(message); if (s.fits.length > 1000) s.fits.shift(); }
    else if (message.kind === "curves") s.curves_version = message.n;
    else if (message.kind === "verdict") s.verdict = message;
    else if (message.kind === "end") Object.assign(s, { end: message, state: message.state, verdict: { line: message.verdict, level: message.level } });
    else if (message.kind === "removed") { location.hash = "#/"; return; }
    if (["say", "round"].includes(message.kind)) s.said.push(message);
  }

  refresh(everything) {
    const s = this.state, now = performance.now();
    verdict(s.verdict.line || (s.state === "waiting" ? "Waiting for its turn" : s.state === "running" ? "Starting …" : s.state), s.verdict.level, true);
    this.showFacts();
    this.showCourse();
    this.showSpread();
    if (everything || s.said.length !== this.saidCount) this.showSaid();
    if (s.curves_version !== this.version) this.fetchCurves(now);
    const ended = !["waiting", "running"].includes(s.state);
    if (ended !== this.ended || everything) { this.ended = ended; this.showButtons(); this.resultsPanel.hidden = !ended; if (ended) this.showResults(); }
    this.buttonsFor(s.state);
  }

  async fetchCurves() {
    if (this.fetching) return;
    this.fetching = true;
    this.version = this.state.curves_version;
    try {
      const found = await get(`/api/jobs/${this.id}/curves`);
      if (found) this.curves.show(found);
    } catch { /* the next ones will come */ }
    setTimeout(() => { this.fetching = false; if (this.state.curves_version !== this.version) this.fetchCurves(); }, 250);
  }

  showFacts() {
    const { state: s, line } = this, last = s.last || {}, plan = (line && line.plan) || {};
    const facts = [["What", line ? line.title : ""], ["State", s.state], ["Seed", line ? String(line.seed) : ""], ["Estimate", plan.text || duration(plan.seconds)]];
    if (last.evaluations) facts.push(["Evaluations", whole(last.evaluations)], ["Run", `${last.run + 1}, generation ${last.generation}`]);
    if (s.runs.length) facts.push(["Runs ended", s.runs.map((r) => number(r.fom, 5)).join(", ")]);
    if (s.fits.length) facts.push(["Fits done", `${s.fits.length}${s.verdict.budget && line && line.kind === "repeat" ? ` of ${s.verdict.budget}` : ""}`]);
    this.facts.replaceChildren(...facts.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
  }

  buttonsFor(state) {
    if (state === this.buttonState) return;
    this.buttonState = state;
    this.showButtons();
  }

  showButtons() {
    const go = (path, method = "POST") => async () => {
      try { await ask(method, `/api/jobs/${this.id}${path}`, method === "POST" ? {} : undefined); this.message.replaceChildren(); } catch (error) { this.message.replaceChildren(errorBox(error)); }
    };
    const button = (text, key, act, kind = "") => el("button", { type: "button", class: kind, title: `${text} (${key.toUpperCase()})`, data: { key }, onclick: act }, text);
    const running = ["waiting", "running"].includes(this.state.state);
    this.buttons.replaceChildren(
      running ? button("Stop", "x", go("/stop"), "stop") : button("Resume", "g", go("/resume")),
      running ? "" : button("Delete", "delete", () => confirm("Delete this job and its files?") && go("", "DELETE")().then(() => { location.hash = "#/"; })),
      this.line ? el("a", { class: "button", href: `#/file/${this.line.upload}` }, "The file") : "",
    );
  }

  showCourse() {
    const s = this.state, series = [];
    if (s.course.length) {
      const runs = new Map();
      for (const [all, , run, , fom] of s.course) { if (!runs.has(run)) runs.set(run, [[], []]); runs.get(run)[0].push(all); runs.get(run)[1].push(fom); }
      for (const [run, [x, y]] of runs) series.push({ x, y, kind: "step", color: "--other", width: 1.3, label: `run ${run + 1}` });
      series.push({ x: s.course.map((p) => p[0]), y: s.course.map((p) => p[1]), kind: "step", color: "--accent", width: 2.5, label: "best" });
      fill(this.courseLegend, [["--accent", "best of all runs"], ["--other", "each run"]]);
    }
    if (s.fits.length) {
      const best = new Map(), dropped = new Set(s.said.filter((m) => m.kind === "round").flatMap((m) => Object.keys(m.left || {})));
      const names = [...new Set(s.fits.map((f) => f.setting))];
      const hue = (name) => (dropped.has(name) ? "--other" : name === "file" || names.length === 1 ? "--accent" : `hsl(${(names.indexOf(name) * 67 + 30) % 360} 65% 60%)`);
      for (const fit of s.fits.slice(-200)) {
        if (!fit.trace.length) continue;
        series.push({ x: [...fit.trace.map((p) => p[0]), fit.evaluations], y: [...fit.trace.map((p) => p[1]), fit.trace.at(-1)[1]], kind: "step", color: hue(fit.setting), width: 1.3, alpha: dropped.has(fit.setting) ? 0.3 : 0.75, label: fit.setting === "file" ? "" : fit.setting });
      }
      fill(this.courseLegend, names.slice(0, 12).map((name) => [hue(name), `${name}${dropped.has(name) ? " (dropped)" : ""}: ${s.fits.filter((f) => f.setting === name).length} fits`]));
    }
    this.course.set(series);
  }

  showSpread() {
    const { start, last, fits, end } = this.state;
    if (!start.parameters) return;
    if (!this.rows) {
      this.rows = start.parameters.map((parameter) => {
        const parts = Object.fromEntries(["range", "half", "best"].map((name) => [name, el("span", { class: name })]));
        const value = el("td", { class: "number" });
        const row = el("tr", {}, el("td", {}, parameter.name, parameter.unit ? el("span", { class: "quiet" }, ` ${parameter.unit}`) : null), value, el("td", {}, el("div", { class: "box" }, ...Object.values(parts))));
        return { row, value, parts };
      });
      this.spread.replaceChildren(...this.rows.map((row) => row.row));
    }
    let quantiles = last.spread, best = last.best, values = last.values;
    if (fits.length) {
      const inside = (fit) => fit.values.map((v, i) => (v - start.bounds[i][0]) / (start.bounds[i][1] - start.bounds[i][0]));
      const all = fits.filter((f) => f.values.length === this.rows.length && f.fom !== null);
      const top = all.reduce((a, b) => (!a || b.fom < a.fom ? b : a), null);
      if (top) {
        best = inside(top);
        values = top.values;
        const columns = this.rows.map((_, i) => all.map((f) => inside(f)[i]).sort((a, b) => a - b));
        quantiles = [0, 0.25, 0.5, 0.75, 1].map((q) => columns.map((c) => c[Math.round(q * (c.length - 1))]));
      }
    }
    const final = end.summary && end.summary.parameters;
    this.rows.forEach((row, i) => {
      if (quantiles) {
        place(row.parts.range, quantiles[0][i], quantiles[4][i]);
        place(row.parts.half, quantiles[1][i], quantiles[3][i]);
      }
      if (best) place(row.parts.best, best[i], best[i]);
      const p = Array.isArray(final) && final[i] && typeof final[i] === "object" ? final[i] : null;
      if (p) row.value.textContent = `${number(p.value)}${p.errors && p.errors.covariance && Number.isFinite(p.errors.covariance.standard_error) ? ` ± ${number(p.errors.covariance.standard_error, 2)}` : ""}${p.at_limit ? ` at ${p.at_limit}` : ""}`;
      else if (values) row.value.textContent = number(values[i]);
    });
  }

  showSaid() {
    this.saidCount = this.state.said.length;
    const lines = this.state.said.map((m) => (m.kind === "say" ? m.text : m.kind === "round" ? `round ${m.round}: ${Object.keys(m.left || {}).length} settings dropped, ahead: ${m.incumbent}` : null));
    const text = this.state.end.text || (this.state.end.error && this.state.end.error.message) || "";
    this.said.textContent = [...lines.filter(Boolean), text].join("\n").trim();
    this.saidPanel.hidden = !this.said.textContent;
    const found = lines.filter(Boolean).join(" ").match(/http:\/\/127\.0\.0\.1:\d+/);
    if (found && !this.dashboard) {
      this.dashboard = el("a", { href: found[0], target: "_blank", rel: "noopener noreferrer" }, "Ray dashboard (on the server's own machine)");
      this.said.after(this.dashboard);
    }
  }

  async showResults() {
    this.showSaid();
    if (this.state.end.error && this.state.state !== "stopped") this.message.replaceChildren(errorBox(this.state.end.error));
    try {
      const { files } = await get(`/api/jobs/${this.id}/results`);
      const link = (f) => el("a", { class: "button", href: `/api/jobs/${this.id}/results/${encodeURIComponent(f.name)}`, target: f.name.endsWith(".html") ? "_blank" : null, rel: "noopener" }, f.name === "report.html" ? "Report" : f.name);
      this.results.replaceChildren(files.length ? el("div", { class: "buttons" }, ...files.map(link)) : el("p", { class: "quiet" }, "No files yet."));
      if (files.some((f) => f.name === "settings.yaml")) {
        const text = await (await fetch(`/api/jobs/${this.id}/results/settings.yaml`)).text();
        this.typed.textContent = text.split("\n").filter((line) => line.startsWith("#")).map((line) => line.slice(2)).join("\n");
      }
    } catch (error) { this.results.replaceChildren(errorBox(error)); }
  }

  close() {}
}

function place(node, low, high) {
  const clamp = (v) => Math.max(0, Math.min(1, v ?? 0));
  node.style.left = `${100 * clamp(low)}%`;
  if (high !== low) node.style.width = `${100 * (clamp(high) - clamp(low))}%`;
}

export { post };
