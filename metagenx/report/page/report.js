"use strict";
// Draws a plot when its place is first seen, and gives axes the colours of the page around them.
(() => {
  const items = JSON.parse(document.getElementById("plots").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const printed = matchMedia("print");

  function tint(doc, ink, line) {
    for (const model of doc._all_models ? doc._all_models.values() : []) {
      const kind = model.type;
      if (kind.endsWith("Axis")) {
        model.setv({ axis_label_text_color: ink, major_label_text_color: ink, axis_line_color: line,
                     major_tick_line_color: line });
      } else if (kind === "Legend") {
        model.setv({ label_text_color: ink });
      } else if (kind === "ColorBar") {
        model.setv({ major_label_text_color: ink, title_text_color: ink });
      } else if (model.tags && model.tags.includes("ink")) {
        for (const name of ["text_color", "line_color", "fill_color"]) {
          if (name in model.properties && model[name] !== null) model.setv({ [name]: ink });
        }
      }
    }
  }

  function colours() {
    const on_dark = dark.matches && !printed.matches;
    return on_dark ? ["#c3ccd7", "#5b6776"] : ["#333c47", "#9aa3ae"];
  }

  async function draw(place) {
    const item = items[place.id];
    if (!item) return;
    delete items[place.id];
    const before = Bokeh.documents.length;
    await Bokeh.embed.embed_item(item, place.id);
    for (const doc of Bokeh.documents.slice(before)) tint(doc, ...colours());
  }

  function tint_all() {
    for (const doc of Bokeh.documents) tint(doc, ...colours());
  }
  dark.addEventListener("change", tint_all);
  printed.addEventListener("change", tint_all);

  for (const tabs of document.querySelectorAll(".tabs")) {
    const buttons = [...tabs.querySelectorAll("button")];
    const views = [...tabs.nextElementSibling.children];
    buttons.forEach((button, chosen) => button.addEventListener("click", () => {
      buttons.forEach((other, i) => other.setAttribute("aria-selected", String(i === chosen)));
      views.forEach((view, i) => { view.hidden = i !== chosen; });
      draw(views[chosen].querySelector(".plot"));
    }));
  }

  // One after the other, so that the page can be read and scrolled meanwhile.
  const waiting = [...document.querySelectorAll(".plot")].filter((place) => !place.closest("[hidden]"));
  (async () => {
    for (const place of waiting) {
      await draw(place);
      await new Promise((done) => setTimeout(done));
    }
    document.documentElement.dataset.drawn = "yes";
  })();
})();
