// Forms made from the file and the registries: nothing about a row or a setting is written here.
import { el, number } from "./dom.js";

export class RowTable {
  constructor(rows, onChange) {
    this.rows = rows;
    this.inputs = new Map();
    this.node = el("div", { class: "scroll" }, el("table", {},
      el("thead", {}, el("tr", {}, ...["Parameter", "Fit", "Value", "Min", "Max", "Error"].map((t) => el("th", { scope: "col" }, t)))),
      el("tbody", {}, ...rows.map((row) => this.row(row, onChange)))));
  }

  row(row, onChange) {
    const box = (key) => el("input", { type: "number", step: "any", value: String(row[key]), required: true, "aria-label": `${row.name} ${key}`, onchange: onChange });
    const fit = el("input", { type: "checkbox", checked: row.fit, "aria-label": `fit ${row.name}`, onchange: onChange });
    const inputs = { value: box("value"), min: box("min"), max: box("max"), fit };
    this.inputs.set(row.index, inputs);
    return el("tr", {}, el("td", {}, row.name, row.unit ? el("span", { class: "quiet" }, ` ${row.unit}`) : null), el("td", {}, fit), ...["value", "min", "max"].map((key) => el("td", {}, inputs[key])), el("td", { class: "quiet" }, row.error));
  }

  changes() {
    const found = [];
    for (const row of this.rows) {
      const inputs = this.inputs.get(row.index), change = { index: row.index };
      for (const key of ["value", "min", "max"]) {
        const value = inputs[key].valueAsNumber;
        if (!Number.isFinite(value)) throw new Error(`${row.name}: ${key} is no number`);
        if (value !== row[key]) change[key] = value;
      }
      if (inputs.fit.checked !== row.fit) change.fit = inputs.fit.checked;
      if (Object.keys(change).length > 1) found.push(change);
    }
    return found;
  }

  reset() {
    for (const row of this.rows) {
      const inputs = this.inputs.get(row.index);
      for (const key of ["value", "min", "max"]) inputs[key].value = String(row[key]);
      inputs.fit.checked = row.fit;
    }
  }
}

export class SettingsForm {
  constructor(options, values) {
    this.options = options;
    this.values = values;
    this.inputs = new Map();
    const first = options.find((o) => o.name === "create_trial");
    const own = options.filter((o) => o.origin === "genx" && o !== first), more = options.filter((o) => o.origin !== "genx");
    this.scheme = this.field(first);
    this.node = el("div", {}, this.scheme, el("details", {}, el("summary", {}, "All settings of GenX"), ...own.map((o) => this.field(o))), el("details", {}, el("summary", {}, "Settings that GenX does not show"), ...more.map((o) => this.field(o))));
    this.inputs.get("create_trial").addEventListener("change", () => this.dim());
    this.dim();
  }

  field(option) {
    const value = this.values[option.name];
    let input;
    if (option.choices) input = el("select", {}, ...option.choices.map((c) => el("option", { value: c, selected: c === value }, c)));
    else if (option.kind === "bool") input = el("input", { type: "checkbox", checked: value });
    else input = el("input", { type: "number", step: option.kind === "int" ? "1" : "any", value: String(value), min: option.low, max: Number.isFinite(option.high) ? option.high : null });
    input.name = option.name;
    this.inputs.set(option.name, input);
    return el("label", { class: "field", title: option.description }, el("span", {}, option.name, el("br"), el("small", {}, option.description)), input);
  }

  dim() {
    const scheme = this.inputs.get("create_trial").value;
    for (const option of this.options) {
      const means = option.schemes.includes(scheme);
      this.inputs.get(option.name).disabled = !means;
    }
  }

  changes() {
    const found = {};
    for (const option of this.options) {
      const input = this.inputs.get(option.name);
      if (input.disabled) continue;
      const value = option.choices ? input.value : option.kind === "bool" ? input.checked : input.valueAsNumber;
      if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`${option.name} is no number`);
      if (value !== this.values[option.name]) found[option.name] = value;
    }
    return found;
  }
}

export const numberField = (label, properties, hint) =>
  el("label", { class: "field" }, el("span", {}, label, hint ? el("br") : null, hint ? el("small", {}, hint) : null), el("input", { type: "number", ...properties }));

export const valueOf = (field) => {
  const input = field.querySelector("input");
  return input.value === "" ? null : input.valueAsNumber;
};

export { number };
