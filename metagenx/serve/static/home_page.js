// Bring a file; the queue; what was done before.
import { get, upload } from "./api.js";
import { duration, el, errorBox, number, panel, verdict, when } from "./dom.js";

export class HomePage {
  constructor(page, jobs) {
    this.page = page;
    this.input = el("input", { type: "file", accept: ".gx,.hgx,.ort,.orb,.dat,.txt,.xrdml,.brml,.ras,.rasx,.csv", onchange: () => this.input.files[0] && this.bring(this.input.files[0]) });
    this.drop = el("label", { class: "drop", data: { key: "o" } }, this.input, "Drop a GenX file here (.hgx, .gx), or data (.ort, …)", el("br"), el("span", { class: "quiet" }, "or press here to choose one"));
    this.message = el("div", {});
    this.list = el("ul", { class: "list" });
    this.files = el("ul", { class: "list" });
    verdict("Drop a GenX file, press a button, watch the curves.");
    page.replaceChildren(panel("Bring a file", "w6", this.drop, this.message, el("h3", {}, "Your files"), this.files), panel("Jobs", "w6", this.list));
    this.showJobs(jobs);
    this.showFiles();
  }

  async bring(file) {
    const bar = el("progress", { max: 1, value: 0, "aria-label": "upload" }), text = el("p", { class: "quiet", role: "status" }, `${file.name}: 0 %`);
    this.message.replaceChildren(text, bar);
    try {
      const found = await upload(file, (received, bytes) => { bar.value = received / bytes; text.textContent = `${file.name}: ${Math.floor((100 * received) / bytes)} %`; });
      location.hash = `#/file/${found.id}`;
    } catch (error) {
      verdict(error.message, "bad");
      this.message.replaceChildren(errorBox(error));
    }
    this.input.value = "";
  }

  async showFiles() {
    try {
      const { files } = await get("/api/files");
      this.files.replaceChildren(...files.map((f) => el("li", {}, el("a", { class: "grow", href: `#/file/${f.id}` }, f.said || f.name), el("span", { class: "quiet" }, `${(f.n_bytes / 1024).toFixed(0)} kB, ${when(f.time)}`))));
      if (!files.length) this.files.replaceChildren(el("li", { class: "quiet" }, "None yet."));
    } catch (error) { this.files.replaceChildren(el("li", {}, error.message)); }
  }

  showJobs(jobs) {
    const all = [...jobs.values()].sort((a, b) => b.created - a.created);
    const live = all.filter((j) => ["waiting", "running"].includes(j.state));
    const rows = [...live, ...all.filter((j) => !live.includes(j)).slice(0, 12)];
    this.list.replaceChildren(...rows.map(jobLine));
    if (!rows.length) this.list.replaceChildren(el("li", { class: "quiet" }, "None yet."));
  }

  heard(message, jobs) { if (message.jobs) this.showJobs(jobs); }
  close() {}
}

export function jobLine(job) {
  return el("li", {}, el("span", { class: `state ${job.state}` }, job.state), el("a", { class: "grow", href: `#/job/${job.id}` }, job.title), el("span", { class: "quiet" }, `${job.mine ? "" : "another user, "}${when(job.created)}${["waiting", "running"].includes(job.state) && job.plan.seconds ? `, about ${duration(job.plan.seconds)}` : ""}${job.fom !== null ? `, FOM ${number(job.fom, 5)}` : ""}`), job.verdict && job.verdict.line ? el("small", { class: "quiet" }, job.verdict.line) : null);
}
