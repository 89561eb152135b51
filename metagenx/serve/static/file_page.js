// A file that was dropped: what is in it, its forms, and the buttons.
import { get, post, upload } from "./api.js";
import { Curves } from "./curves.js";
import { duration, el, errorBox, number, panel, verdict } from "./dom.js";
import { RowTable, SettingsForm, numberField, valueOf } from "./forms.js";
import { layerStack } from "./layers.js";

const brought = new Map(); // what was said when data were put into a file

export class FilePage {
  constructor(id, page, server) {
    this.id = id;
    this.page = page;
    this.server = server;
    this.open();
  }

  async open() {
    verdict("Opening the file …");
    this.page.replaceChildren(panel("Opening", "", el("p", {}, "The file is being read and audited: script, table, figure of merit."), el("progress", {})));
    try {
      this.look = await get(`/api/files/${this.id}`);
    } catch (error) {
      verdict(error.message, "bad");
      this.page.replaceChildren(panel("This file cannot be opened", "", errorBox(error), el("p", {}, el("a", { href: "#/" }, "Bring another file"))));
      return;
    }
    if (!this.closed) this.show();
  }

  show() {
    const { audit, layers, rows, settings } = this.look, { forms } = this.server;
    const fitted = audit.fitted.length;
    verdict(`${this.look.said || audit.file}: FOM ${audit.fom_function} ${number(this.look.fom, 5)}, ${fitted} fitted parameter${fitted === 1 ? "" : "s"}`, audit.warnings.length ? "warning" : "info");
    this.curves = new Curves();
    this.curves.show(this.look);
    this.table = new RowTable(rows, () => {});
    this.settings = new SettingsForm(forms.settings, settings);
    this.fom = el("select", { "aria-label": "figure of merit" }, ...forms.foms.map((name) => el("option", { value: name, selected: name === audit.fom_function }, name)));
    this.seed = numberField("seed", { value: "0", min: "0", step: "1" }, "one number for all random numbers");
    this.message = el("div", {});
    this.sample = el("div", {}, layerStack(layers));
    this.page.replaceChildren(
      panel("Sample", "w3", this.sample),
      panel("Data and simulation", "w9", this.curves.main.canvas, this.curves.below.canvas, el("div", { class: "buttons" }, this.curves.tool, this.dataButton(), this.curves.legend), this.dataMessage),
      panel("What next?", "w4 actions", this.message, ...this.actions(forms)),
      panel("Parameters", "w8", this.table.node, el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => { this.table.reset(); this.simulate(); } }, "As in the file"))),
      panel("Audit", "w6", this.audit(audit)),
      panel("Depth profile", "w6", this.curves.depth.canvas, this.curves.depthLegend),
      panel("Settings of the fit", "w6", el("label", { class: "field" }, el("span", {}, "figure of merit"), this.fom), this.seed, this.settings.node),
      panel("Script", "w6", el("details", {}, el("summary", {}, "The model script of the file"), el("pre", {}, this.look.script)), this.look.output ? el("details", {}, el("summary", {}, "What it printed"), el("pre", {}, this.look.output)) : null),
    );
  }

  dataButton() {
    this.dataMessage = el("div", {});
    const input = el("input", { type: "file", "aria-label": "data for this model", onchange: () => input.files[0] && this.bringData(input.files[0]) });
    return el("label", { class: "button choose", title: "Put other data into this model (O), or drop them on the page", data: { key: "o" } }, input, "Other data …");
  }

  async bringData(file) {
    const bar = el("progress", { max: 1, value: 0, "aria-label": "upload" });
    this.dataMessage.replaceChildren(el("p", { class: "quiet", role: "status" }, `${file.name} is put into this model …`), bar);
    try {
      const data = await upload(file, (received, bytes) => { bar.value = received / bytes; });
      const found = await post(`/api/files/${this.id}/data`, { data: data.id });
      brought.set(found.id, found.notes);
      location.hash = `#/file/${found.id}`;
    } catch (error) {
      verdict(error.message, "bad");
      this.dataMessage.replaceChildren(errorBox(error));
      this.dataMessage.scrollIntoView({ block: "nearest" });
    }
  }

  actions(forms) {
    const button = (text, key, go, kind = "") => el("button", { type: "button", class: kind, data: { key }, title: `${text} (${key.toUpperCase()})`, onclick: go }, text);
    this.evaluations = numberField("evaluations", { min: "1", step: "1", placeholder: "as GenX" }, "of all restarts together; empty: at the most those of one run in GenX");
    this.asInFile = el("input", { type: "checkbox" });
    this.n = numberField("fits", { value: "20", min: "2", step: "1" });
    this.perturb = numberField("start moves by, %", { value: "10", min: "0", max: "100", step: "any" });
    this.keys = forms.experiment.map((key) => [key.name, numberField(key.name, { min: "1", step: "1", placeholder: String(key.default) })]);
    return [
      el("div", { class: "buttons" }, button("Simulate", "s", () => this.simulate()), button("Fit", "f", () => this.submit("fit"), "go"), button("Repeat", "r", () => this.submit("repeat")), button("Compare schemes", "c", () => this.submit("compare")), button("Tune", "t", () => this.submit("tune"))),
      el("details", { open: true }, el("summary", {}, "Fit"), this.evaluations, el("label", { class: "field" }, el("span", {}, "one run, as in GenX"), this.asInFile), this.cost("fit")),
      el("details", {}, el("summary", {}, "Repeat: do independent fits agree?"), this.n, this.perturb, this.cost("repeat")),
      el("details", {}, el("summary", {}, "Compare schemes, Tune: which settings are best?"), ...this.keys.map(([, field]) => field), this.cost("compare"), this.cost("tune")),
    ];
  }

  cost(kind) {
    const text = el("span", { class: "quiet", role: "status" });
    const button = el("button", { type: "button", onclick: async () => {
      text.textContent = "measuring …";
      button.disabled = true;
      try { text.textContent = (await post("/api/plan", this.request(kind))).text; } catch (error) { text.textContent = error.message; }
      button.disabled = false;
    } }, `How long would ${kind} take?`);
    return el("div", { class: "buttons" }, button, text);
  }

  request(kind) {
    const asked = { kind, file: this.id, rows: this.table.changes(), settings: this.settings.changes(), seed: valueOf(this.seed) ?? 0 };
    if (this.fom.value !== this.look.audit.fom_function) asked.fom = this.fom.value;
    if (kind === "fit") Object.assign(asked, { as_in_file: this.asInFile.checked }, valueOf(this.evaluations) === null ? {} : { evaluations: valueOf(this.evaluations) });
    if (kind === "repeat") Object.assign(asked, { n: valueOf(this.n) ?? 20, perturb: (valueOf(this.perturb) ?? 10) / 100 });
    if (kind === "compare" || kind === "tune") asked.experiment = Object.fromEntries(this.keys.map(([name, field]) => [name, valueOf(field)]).filter(([, value]) => value !== null));
    return asked;
  }

  async simulate() {
    this.message.replaceChildren();
    try {
      const found = await post(`/api/files/${this.id}/simulate`, { rows: this.table.changes(), fom: this.fom.value });
      this.curves.show(found);
      this.sample.replaceChildren(layerStack(found.layers));
      verdict(`FOM ${found.fom_function} ${number(found.fom, 6)}`);
    } catch (error) { this.complain(error); }
  }

  async submit(kind) {
    this.message.replaceChildren(el("p", { class: "quiet", role: "status" }, `Preparing: ${kind} …`));
    try {
      const job = await post("/api/jobs", this.request(kind));
      location.hash = `#/job/${job.id}`;
    } catch (error) { this.complain(error); }
  }

  complain(error) {
    this.message.replaceChildren(errorBox(error));
    this.message.scrollIntoView({ block: "nearest" });
  }

  audit(audit) {
    const notes = [...(brought.get(this.id) || []), ...this.look.notices];
    const facts = [
      ["Library", `${audit.library}, ${audit.instrument}`],
      ["FOM", `${audit.fom_function}: ${number(audit.recomputed_fom, 8)}${audit.stored_fom === null ? "" : `, stored ${number(audit.stored_fom, 8)}`}${audit.same_physics === true ? " – the same numbers as in GenX" : ""}`],
      ["Fitted", audit.fitted.join(", ")],
      ["Speed", audit.path === null ? "–" : `${number(audit.microseconds_per_evaluation, 3)} µs an evaluation, ${audit.path}${audit.why_not ? ` (${audit.why_not})` : ""}`],
    ];
    return el("div", {}, el("dl", { class: "facts" }, ...facts.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])),
      audit.warnings.length ? el("ul", { class: "warnings" }, ...audit.warnings.map((text) => el("li", {}, text))) : el("p", { class: "quiet" }, "Nothing to warn of."),
      notes.length ? el("details", { open: brought.has(this.id) }, el("summary", {}, "How it was read"), el("ul", {}, ...notes.map((text) => el("li", {}, text)))) : null);
  }

  heard() {}
  close() { this.closed = true; }
}

export { duration };
