// The OpenAPI description as a page, without the internet.
import { el } from "./dom.js";
import "./theme.js";

const page = document.getElementById("page");
const api = await (await fetch("/openapi.json")).json();
const schemas = (api.components && api.components.schemas) || {};

function shape(schema, depth = 0) {
  if (!schema) return "";
  if (schema.$ref) return shape(schemas[schema.$ref.split("/").pop()], depth);
  if (schema.properties && depth < 2) return `{\n${Object.entries(schema.properties).map(([name, s]) => `${"  ".repeat(depth + 1)}${name}${(schema.required || []).includes(name) ? "" : "?"}: ${shape(s, depth + 1)}${s.description ? `   — ${s.description}` : ""}`).join("\n")}\n${"  ".repeat(depth)}}`;
  if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(" | ");
  if (schema.anyOf) return schema.anyOf.map((s) => shape(s, depth)).join(" | ");
  if (schema.type === "array") return `[${shape(schema.items, depth)}, …]`;
  return schema.type || "any";
}

page.append(el("h1", {}, `${api.info.title} ${api.info.version}`), el("p", {}, api.info.description));
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, what] of Object.entries(methods)) {
    const body = what.requestBody && what.requestBody.content && what.requestBody.content["application/json"];
    const parameters = (what.parameters || []).map((p) => `${p.name} (${p.in})`).join(", ");
    page.append(el("section", {}, el("h3", {}, el("span", { class: "method" }, method.toUpperCase()), path), el("p", {}, what.description || what.summary || ""), parameters ? el("p", { class: "quiet" }, parameters) : null, body ? el("pre", {}, shape(body.schema)) : null));
  }
}
page.append(el("section", {}, el("h3", {}, el("span", { class: "method" }, "WS"), "/ws/upload"), el("p", {}, "Send {\"name\", \"bytes\"}, then the bytes in pieces; hear {\"received\"} …, then {\"file\"} or {\"error\"}.")),
  el("section", {}, el("h3", {}, el("span", { class: "method" }, "WS"), "/ws/watch"), el("p", {}, "Send {\"watch\": [jobs]}; hear {\"jobs\"} (all, then those that change), {\"job\", \"snapshot\"}, {\"job\", \"messages\"}. A message of kind verdict is a line for everybody.")));
