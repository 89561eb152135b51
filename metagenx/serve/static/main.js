// The page: where we are, the link to the server, keys, and files that are dropped anywhere.
import { Watch, get } from "./api.js";
import { el, errorBox, panel } from "./dom.js";
import { FilePage } from "./file_page.js";
import { HistoryPage } from "./history_page.js";
import { HomePage } from "./home_page.js";
import { JobPage } from "./job_page.js";
import { LiveList, LivePage } from "./live_page.js";
import { switchTheme } from "./theme.js";

const page = document.getElementById("page");
const link = document.getElementById("link");
const jobs = new Map();
let current = null, server = null;

const watch = new Watch((message) => {
  if (message.jobs) {
    if (message.all) jobs.clear();
    for (const [id, job] of Object.entries(message.jobs)) { if (job) jobs.set(id, job); else jobs.delete(id); }
  }
  if (current) current.heard(message, jobs);
}, (up) => {
  link.className = up ? "link" : "link lost";
  link.textContent = up ? (server ? `${server.version}, ${server.cores} cores` : "connected") : "connection lost; trying again …";
});

function go() {
  const [, kind, id, run] = location.hash.split("/");
  if (current) current.close();
  if (kind === "file") current = new FilePage(id, page, server);
  else if (kind === "job") current = new JobPage(id, page);
  else if (kind === "live") current = run ? new LivePage(id, run, page) : new LiveList(page);
  else if (kind === "history") current = new HistoryPage(page, jobs);
  else current = new HomePage(page, jobs);
  watch.watch(current.watched || []);
  document.title = `metagenx${kind ? ` – ${kind}` : ""}`;
  window.scrollTo(0, 0);
}

const KEYS = [["S", "Simulate"], ["F", "Fit"], ["R", "Repeat"], ["C", "Compare schemes"], ["T", "Tune"], ["X", "Stop"], ["G", "Resume"], ["O", "choose a file; on an open file: data for it"], ["H", "home"], ["Y", "history"], ["L", "live"], ["D", "dark or light"], ["+ − 0 ← →", "in a plot: zoom, all, move"], ["?", "this list"]];
const dialog = document.getElementById("keys");
dialog.append(el("h2", {}, "Keys"), el("dl", { class: "facts" }, ...KEYS.flatMap(([key, text]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, text)])), el("form", { method: "dialog" }, el("button", {}, "Close")));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || event.target.closest("input, select, textarea")) return;
  const key = event.key.toLowerCase();
  if (key === "?") dialog.showModal();
  else if (key === "h") location.hash = "#/";
  else if (key === "y") location.hash = "#/history";
  else if (key === "l") location.hash = "#/live";
  else if (key === "d") switchTheme();
  else {
    const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!target || target.disabled) return;
    target.click();
  }
  event.preventDefault();
});
document.getElementById("help").addEventListener("click", () => dialog.showModal());
document.getElementById("theme").addEventListener("click", switchTheme);

const cover = document.getElementById("drop-everywhere");
let inside = 0;
document.addEventListener("dragenter", (event) => { event.preventDefault(); inside += 1; cover.hidden = false; });
document.addEventListener("dragleave", () => { inside -= 1; if (inside <= 0) cover.hidden = true; });
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  inside = 0;
  cover.hidden = true;
  const file = event.dataTransfer.files[0];
  if (!file) return;
  if (current instanceof FilePage && current.look && !/\.(gx|hgx)$/i.test(file.name)) { current.bringData(file); return; }
  if (!(current instanceof HomePage)) { location.hash = "#/"; go(); }
  current.bring(file);
});

async function begin() {
  try {
    server = await get("/api/server");
  } catch (error) {
    page.replaceChildren(panel("The server does not answer", "", errorBox(error)));
    setTimeout(begin, 2000);
    return;
  }
  link.textContent = `${server.version}, ${server.cores} cores`;
  link.title = server.isolation.text;
  window.addEventListener("hashchange", go);
  go();
}
begin();
