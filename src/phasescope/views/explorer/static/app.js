// One page, one view at a time, chosen by the address.

import {absent, h} from "./dom.js";
import {begin, runs, subscribe} from "./live.js";
import {forget, parse} from "./route.js";

const VIEWS = {runs: "./runs.js", compare: "./compare.js", run: "./run.js", paint: "./paint.js", studies: "./studies.js", words: "./words.js"};
const main = document.getElementById("view"), live = document.getElementById("live");
let shown = null, turn = 0;

async function show() {
  const route = parse(), mine = ++turn;
  forget();
  if (shown && shown.view === route.view && shown.name === route.name && shown.restore) return shown.restore(route.query);
  shown?.close?.();
  shown = null;
  const under = {compare: "runs", run: "runs", paint: "runs"}[route.view] ?? route.view;
  for (const link of document.querySelectorAll("[data-view]")) link.setAttribute("aria-current", link.dataset.view === under ? "page" : "false");
  document.title = `${route.name ? `${route.name} · ` : ""}phasescope`;
  const root = h(`div.view.${route.view}`);
  if (!VIEWS[route.view]) {
    main.replaceChildren(absent(`There is no view “${route.view}”.`));
    return;
  }
  try {
    const {open} = await import(VIEWS[route.view]);
    if (mine !== turn) return;
    main.replaceChildren(root);
    const opened = await open(root, route);
    if (mine === turn) shown = {view: route.view, name: route.name, ...opened};
    else opened?.close?.();
  } catch (error) {
    if (mine !== turn) return;
    main.replaceChildren(h("div.view", h("h1", route.name || route.view), h("p.fault", error.message)));
  }
}

function state() {
  const rows = [...runs.rows.values()], running = rows.filter((row) => row.state === "running").length;
  const text = !runs.reached ? "not reached" : running ? `${running} running` : "";
  live.textContent = text;
  live.className = `live ${!runs.reached ? "lost" : running ? "running" : ""}`;
}

addEventListener("hashchange", show);
subscribe(state);
begin();
show();
