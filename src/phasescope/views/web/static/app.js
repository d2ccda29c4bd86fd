// @ts-check
// One page, one view at a time, chosen by the address.

import {absent, dark, fault, h} from "./html.js";
import {begin, runs, subscribe} from "./live.js";
import {render} from "./preact.js";
import {forget, parse} from "./route.js";

const VIEWS = {
  runs: "./runs.js",
  compare: "./compare.js",
  run: "./run.js",
  sample: "./sample.js",
  studies: "./studies.js",
  words: "./words.js"
};
const ABOVE = {compare: "runs", run: "runs", sample: "runs"};
const main = document.getElementById("view");
const live = document.getElementById("live");
/** @type {any} what the view that is shown can do, and where it is */
let shown = null;
let turn = 0;

async function show() {
  const route = parse();
  const mine = ++turn;
  const {view, name} = route;
  forget();
  if (shown?.view === view && shown.name === name && shown.opened.restore)
    return shown.opened.restore(route.query);
  shown?.opened.close?.();
  if (shown) render(null, shown.root);
  shown = null;
  for (const link of document.querySelectorAll("[data-view]")) {
    const isHere = link.getAttribute("data-view") === (ABOVE[view] ?? view);
    link.setAttribute("aria-current", isHere ? "page" : "false");
  }
  document.title = `${name ? `${name} · ` : ""}phasescope`;
  const root = document.createElement("div");
  root.className = `view ${view}`;
  main.replaceChildren(root);
  if (!VIEWS[view]) {
    root.className = "";
    return render(absent(`There is no view “${view}”.`), root);
  }
  try {
    const {open} = await import(VIEWS[view]);
    if (mine !== turn) return;
    const opened = await open(root, route);
    if (mine === turn) shown = {view, name, root, opened};
    else opened.close?.();
  } catch (error) {
    if (mine === turn) render(h("div", h("h1", name || view), fault(error.message)), root);
  }
}

function state() {
  const running = [...runs.rows.values()].filter(row => row.state === "running").length;
  live.textContent = !runs.reached ? "not reached" : running ? `${running} running` : "";
  live.className = `live ${!runs.reached ? "lost" : running ? "running" : ""}`;
}

addEventListener("hashchange", show);
dark.addEventListener("change", () => shown?.opened.update?.());
subscribe(state);
begin();
show();
