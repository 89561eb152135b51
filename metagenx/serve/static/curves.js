// Data, simulation and residuals; depth profiles.
import { el } from "./dom.js";
import { Plot } from "./plot.js";

const COLORS = ["--fit", "--second", "--good", "#ba68c8", "#f06292", "#aed581"];

export class Curves {
  constructor() {
    this.main = new Plot({ title: "Data and simulation", yLabel: "reflectivity", yLog: true });
    this.below = new Plot({ title: "Residuals", yLabel: "residual", size: "low", linked: this.main });
    this.main.others = [this.below];
    this.legend = el("div", { class: "legend" });
    this.depth = new Plot({ title: "Depth profile", xLabel: "z [Å]", yLabel: "SLD", size: "middle" });
    this.depthLegend = el("div", { class: "legend" });
    this.log = el("input", { type: "checkbox", checked: true, onchange: () => this.show(this.found) });
    this.tool = el("label", { class: "quiet" }, this.log, " logarithmic");
  }

  show(found) {
    if (!found) return;
    this.found = found;
    const series = [], residuals = [], legend = [];
    found.curves.sets.forEach((set, i) => {
      const color = COLORS[i % COLORS.length];
      for (const other of found.others || []) if (other[i]) series.push({ x: set.x, y: other[i], color: "--other", width: 1, alpha: 0.45, ignore: true });
      series.push({ x: set.x, y: set.y, error: set.error, kind: "points", color: found.curves.sets.length > 1 ? color : "--data", label: "data", alpha: set.used ? 0.85 : 0.35 });
      series.push({ x: set.x, y: set.fit, color, width: 2.2, label: "simulation", alpha: set.used ? 1 : 0.45 });
      residuals.push({ x: set.x, y: set.residual, color, width: 1.2, label: "residual" });
      legend.push([color, `${set.name || `data set ${i}`}${set.used ? "" : " (not used)"}, ${set.n_points} points`]);
    });
    this.main.set(series, { xLabel: found.curves.x_label, yLog: this.log.checked });
    this.below.set(residuals, { xLabel: found.curves.x_label });
    fill(this.legend, legend);
    const profiles = found.profiles || [];
    this.depth.set(profiles.map((p, i) => ({ x: p.z, y: p.y, color: COLORS[i % COLORS.length], width: 2, label: p.name })), { yLabel: profiles[0] && profiles[0].unit ? `SLD [${profiles[0].unit}]` : "SLD" });
    fill(this.depthLegend, profiles.map((p, i) => [COLORS[i % COLORS.length], p.name]));
  }
}

export function fill(legend, entries) {
  legend.replaceChildren(...entries.map(([color, text]) => {
    const mark = el("i", {});
    mark.style.background = color.startsWith("--") ? `var(${color})` : color;
    return el("span", {}, mark, text);
  }));
}
