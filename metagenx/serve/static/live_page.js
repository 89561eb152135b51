// At the instrument: what `metagenx live` says, in a line that can be read from three metres, and everything behind it.
import { get } from "./api.js";
import { duration, el, errorBox, number, panel, verdict } from "./dom.js";
import { Plot } from "./plot.js";

const MARKS = { good: "●", info: "●", warning: "▲", bad: "■" };
const LEVELS = { good: "--good", info: "--accent", warning: "--warning", bad: "--bad" };
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export class LiveList {
  constructor(page) {
    this.list = el("ul", { class: "list" });
    verdict("Beam times: metagenx live FOLDER -m film.hgx");
    page.replaceChildren(panel("Beam times in this folder", "", this.list));
    this.show();
    this.timer = setInterval(() => this.show(), 5000);
  }

  async show() {
    try {
      const { live } = await get("/api/live");
      this.list.replaceChildren(...live.map((one) => el("li", {}, el("span", { class: `state ${one.state === "watching" ? "running" : "finished"}` }, one.state), el("a", { class: "grow", href: `#/live/${one.id.split("/").map(encodeURIComponent).join("/")}` }, one.place), el("span", { class: "quiet" }, `${one.updates} updates`), one.line ? el("small", { class: "quiet" }, one.line) : null)), live.length ? "" : el("li", { class: "quiet" }, "None yet. Start one on the command line, with the same --out folder."));
    } catch (error) { this.list.replaceChildren(el("li", {}, errorBox(error))); }
  }

  heard() {}
  close() { clearInterval(this.timer); }
}

export class LivePage {
  constructor(name, run, page) {
    this.path = `/api/live/${name}/${run}`;
    this.watched = [`beam:${decodeURIComponent(name)}/${decodeURIComponent(run)}`];
    this.updates = new Map();
    this.troubles = [];
    this.plots = new Map();
    this.main = new Plot({ title: "Data and fit", xLabel: "x", yLabel: "reflectivity", yLog: true });
    this.against = el("select", { "aria-label": "against", onchange: () => this.draw() }, el("option", { value: "time" }, "time"), el("option", { value: "number" }, "update"), el("option", { value: "points" }, "points"));
    this.grid = el("div", {});
    this.table = el("tbody", {});
    this.files = el("ul", { class: "list" });
    page.replaceChildren(panel("Data and fit", "w6", this.main.canvas), panel("Parameters", "w6", el("table", {}, el("thead", {}, el("tr", {}, ...["parameter", "value", "error", "at a limit"].map((title) => el("th", {}, title)))), this.table)), panel("Parameters against", "w6", this.against, this.grid), panel("Files", "w6", this.files));
    verdict("waiting …", "info", true);
  }

  heard(message) {
    if (message.job !== this.watched[0]) return;
    if (message.snapshot) {
      this.updates = new Map(message.snapshot.updates.map((update) => [update.number, update]));
      this.troubles = message.snapshot.troubles;
    }
    for (const one of message.messages || []) {
      if (one.kind === "update") this.updates.set(one.number, one);
      else if (one.kind === "trouble") this.troubles.push(one);
    }
    this.draw();
    this.fetch();
  }

  get last() { return [...this.updates.values()].pop(); }

  async fetch() {
    if (this.busy) { this.again = true; return; }
    this.busy = true;
    try {
      const found = await get(`${this.path}/curves`);
      if (found) this.main.set(found.sets.flatMap((set) => [{ x: set.x, y: set.y, error: set.error, kind: "points", color: "--data", label: "data" }, { x: set.x, y: set.fit, color: "--fit", width: 2.2, label: "fit" }]));
    } catch { /* the next message asks again */ }
    this.busy = false;
    if (this.again) { this.again = false; this.fetch(); }
  }

  draw() {
    const last = this.last;
    if (last) verdict(last.line, last.level, true);
    if (!last) verdict("waiting for the first file …", "info", true);
    const all = [...this.updates.values()];
    this.table.replaceChildren(...Object.keys(last ? last.values : {}).map((name) => el("tr", {}, el("td", {}, name), el("td", {}, number(last.values[name])), el("td", {}, number(last.errors[name], 2)), el("td", {}, last.limits[name] || ""))));
    const kind = this.against.value;
    const x = all.map((update) => (kind === "time" ? (update.time - all[0].time) / 60 : update[kind]));
    for (const name of Object.keys(last ? last.values : {})) {
      if (!this.plots.has(name)) {
        const plot = new Plot({ title: `${name} against ${kind}`, yLabel: name, size: "low" });
        this.plots.set(name, plot);
        this.grid.append(plot.canvas);
      }
      this.plots.get(name).set([{ x, y: all.map((update) => update.values[name]), error: all.map((update) => update.errors[name]), kind: "points", radius: 3, color: "--accent", label: name }], { xLabel: kind === "time" ? "minutes" : kind });
    }
    const rows = all.slice(-60).reverse().map((update) => {
      const mark = el("span", { title: update.level }, MARKS[update.level] || "●");
      mark.style.color = `var(${LEVELS[update.level] || "--accent"})`;
      return el("li", {}, mark, el("span", { class: "grow" }, `${clock(update.time)} ${update.file}`), el("span", { class: "quiet" }, `state ${update.state}, ${update.points} points, ${update.fits_same} of ${update.fits} fits agree${update.longer && update.longer.seconds ? `, ${duration(update.longer.seconds)} to go` : ""}`), el("small", { class: "quiet" }, update.line));
    });
    this.files.replaceChildren(...this.troubles.slice(-5).reverse().map((trouble) => el("li", {}, el("span", { class: "state failed" }, "not used"), el("span", { class: "grow" }, trouble.text))), ...rows);
  }

  close() {}
}
