// All jobs and runs; some of them side by side.
import { get } from "./api.js";
import { el, errorBox, number, panel, verdict } from "./dom.js";
import { jobLine } from "./home_page.js";
import { Plot } from "./plot.js";

const COLORS = ["--accent", "--second", "--good", "#ba68c8", "#f06292", "#aed581"];

export class HistoryPage {
  constructor(page, jobs) {
    this.page = page;
    this.jobs = jobs;
    this.chosen = new Set();
    this.list = el("ul", { class: "list" });
    this.runs = el("ul", { class: "list" });
    this.plot = new Plot({ title: "Courses side by side", xLabel: "FOM evaluations", yLabel: "best FOM", xLog: true, yLog: true, size: "middle" });
    this.table = el("div", { class: "scroll" });
    verdict("History: tick jobs to compare them.");
    page.replaceChildren(panel("Jobs", "w6", this.list), panel("Side by side", "w6", this.plot.canvas, this.table), panel("Runs of the command line in the same folder", "", this.runs));
    this.show();
    this.showRuns();
  }

  show() {
    const rows = [...this.jobs.values()].sort((a, b) => b.created - a.created).map((job) => {
      const line = jobLine(job);
      line.prepend(el("input", { type: "checkbox", checked: this.chosen.has(job.id), "aria-label": `compare ${job.title}`, onchange: (event) => { this.chosen[event.target.checked ? "add" : "delete"](job.id); this.compare(); } }));
      return line;
    });
    this.list.replaceChildren(...rows, rows.length ? "" : el("li", { class: "quiet" }, "None yet."));
  }

  async showRuns() {
    try {
      const { runs } = await get("/api/runs");
      this.runs.replaceChildren(...runs.map((run) => el("li", {}, el("span", { class: `state ${run.state}` }, run.state || "?"), el("span", { class: "grow" }, run.name), ...run.files.filter((f) => ["report.html", "best.hgx", "settings.yaml"].includes(f.name)).map((f) => el("a", { href: `/api/runs/${run.name.split("/").map(encodeURIComponent).join("/")}/${f.name}`, target: "_blank", rel: "noopener" }, f.name)))), runs.length ? "" : el("li", { class: "quiet" }, "None."));
    } catch (error) { this.runs.replaceChildren(el("li", {}, error.message)); }
  }

  async compare() {
    try {
      const found = await Promise.all([...this.chosen].slice(0, 6).map((id) => get(`/api/jobs/${id}`)));
      this.plot.set(found.flatMap((job, i) => {
        const color = COLORS[i % COLORS.length], s = job.snapshot;
        if (s.course.length) return [{ x: s.course.map((p) => p[0]), y: s.course.map((p) => p[1]), kind: "step", color, width: 2, label: job.title }];
        return s.fits.slice(-60).filter((f) => f.trace.length).map((f) => ({ x: f.trace.map((p) => p[0]), y: f.trace.map((p) => p[1]), kind: "step", color, width: 1, alpha: 0.6 }));
      }));
      const names = [...new Set(found.flatMap((job) => parameters(job).map((p) => p[0])))];
      const values = found.map((job) => new Map(parameters(job)));
      this.table.replaceChildren(el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, ""), ...found.map((job) => el("th", {}, job.title, el("br"), el("small", {}, job.id))))),
        el("tbody", {}, el("tr", {}, el("th", {}, "FOM"), ...found.map((job) => el("td", {}, number(job.fom)))), el("tr", {}, el("th", {}, "Verdict"), ...found.map((job) => el("td", {}, (job.verdict && job.verdict.line) || ""))), ...names.map((name) => el("tr", {}, el("th", {}, name), ...values.map((map) => el("td", {}, map.get(name) || "–")))))));
    } catch (error) { this.table.replaceChildren(errorBox(error)); }
  }

  heard(message) { if (message.jobs) this.show(); }
  close() {}
}

function parameters(job) {
  const summary = job.snapshot.end.summary, list = summary && summary.parameters;
  if (Array.isArray(list) && list.length && typeof list[0] === "object") return list.map((p) => [p.name, number(p.value)]);
  const { start, last } = job.snapshot;
  return start.parameters && last.values ? start.parameters.map((p, i) => [p.name, number(last.values[i])]) : [];
}
