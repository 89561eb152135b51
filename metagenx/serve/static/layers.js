// The sample as a stack of layers, the substrate below.
import { el, number } from "./dom.js";

function hue(name) {
  let found = 0;
  for (const letter of name) found = (found * 31 + letter.codePointAt(0)) % 360;
  return found;
}

function layer(found) {
  const facts = [found.d ? `${number(found.d, 4)} Å` : null, found.sigma !== null ? `σ ${number(found.sigma, 3)} Å` : null];
  const node = el("div", { class: "layer" }, el("span", {}, found.name), el("span", {}, facts.filter(Boolean).join("  ")));
  node.style.background = `hsl(${hue(found.name)} 55% 68%)`;
  node.style.minHeight = `${Math.min(5.5, 1.45 + Math.log10(1 + Math.max(0, found.d || 0) / 12) * 1.6)}rem`;
  return node;
}

const medium = (found) => el("div", { class: "layer medium" }, el("span", {}, found.name), el("span", {}, found.sigma ? `σ ${number(found.sigma, 3)} Å` : ""));

export function layerStack(sample) {
  if (!sample) return el("p", { class: "quiet" }, "The script has no layered sample to draw.");
  const stacks = sample.stacks.map((stack) => {
    const layers = stack.layers.map(layer);
    if (stack.repetitions === 1 || stack.repetitions === null) return layers;
    return el("div", { class: "stack" }, ...layers, el("em", {}, `× ${number(stack.repetitions, 4)}`));
  });
  const words = sample.stacks.map((s) => `${s.repetitions} times ${s.layers.map((l) => l.name).join(", ")}`).join("; ");
  return el("div", { class: "layers", role: "img", "aria-label": `Sample on ${sample.substrate.name}: ${words}` }, medium(sample.substrate), ...stacks.flat(), medium(sample.ambient));
}
