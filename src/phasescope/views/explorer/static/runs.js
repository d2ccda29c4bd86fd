// The table of runs: filtered, sorted, live; some of them chosen for comparison.

import {json} from "./api.js";
import {absent, choice, compact, duration, eachFrame, h, integer, known, percent} from "./dom.js";
import {sparkline} from "./charts.js";
import {Columns, titleOf} from "./columns.js";
import {MOST_COMPARED} from "./grouping.js";
import {members, runs, subscribe} from "./live.js";
import {address, remember} from "./route.js";
import {phasesTerm, term} from "./words.js";

const PAGE = 60;
let studies = {};
const TITLES = {learning: "share of success (line), order (dashed) over its untrained value (dotted), phases (below): of behaviour, else of the representation", phase: "the last phase, of the images and of the latents", success: "of the images painted for labels that were learnt", order: "ridge R² where the phases are read; in brackets the untrained network’s", images: "images seen"};
const STATES = ["running", "done", "stopped", "killed", "failed", "broken"];
const SORTS = {
  updated: ["last changed", (row) => row.updated ?? "", -1],
  name: ["name", (row) => row.name, 1],
  success: ["share of success", (row) => row.success ?? -1, -1],
  order: ["probe R²", (row) => row.probe_r2?.min ?? -1, -1],
  onset: ["onset of C", (row) => row.phases?.behaviour?.onsets.C ?? Infinity, 1],
  images: ["images seen", (row) => row.images_seen ?? -1, -1],
};

// every word must occur in the name, or be key=value of a setting, state:done, phase:C, tag:x, study:x
export function matches(row, text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean).every((word) => {
    if (word.startsWith("state:")) return row.state === word.slice(6);
    if (word.startsWith("phase:")) return (row.phases?.behaviour?.last ?? "").toLowerCase() === word.slice(6);
    if (word.startsWith("study:")) return studies[row.digest]?.study.toLowerCase() === word.slice(6);
    if (word.startsWith("tag:")) return (row.tags ?? []).some((tag) => tag.toLowerCase().includes(word.slice(4)));
    const settings = Object.entries(row.settings ?? {}).map(([key, value]) => `${key}=${typeof value === "object" ? JSON.stringify(value) : value}`);
    return [row.name, `seed=${row.seed}`, ...settings].some((candidate) => candidate.toLowerCase().includes(word));
  });
}

export async function open(root, route) {
  const state = {q: "", state: "", phase: "", sort: "updated", chosen: new Set()};
  const lines = new Map();
  let shownFields = [];
  let listed = [], drawn = 0, differing = "";

  const search = h("input", {type: "search", placeholder: "filter: fast  batch=64  seed=1", "aria-label": "filter runs", oninput: () => { state.q = search.value; list(); }});
  const states = choice("state", [["", "any"], ...STATES.map((name) => [name, name])], "", (value) => { state.state = value; list(); });
  const phases = choice("phase", [["", "any"], ["A", "A"], ["B", "B"], ["C", "C"], ["undecided", "undecided"]], "", (value) => { state.phase = value; list(); });
  const sorts = choice("sort", Object.entries(SORTS).map(([key, [text]]) => [key, text]), "updated", (value) => { state.sort = value; list(); });
  const count = h("span.note"), compare = h("a.button", {href: "#/compare"}, "compare");
  const body = h("tbody"), more = h("div.more");
  const columns = new Columns({rows: () => runs.rows.values(), changed: () => { lines.clear(); heads(); list(); }});
  const every = h("input", {type: "checkbox", "aria-label": "choose all listed runs", title: `all that are listed, ${MOST_COMPARED} at most`, onchange: () => { state.chosen = new Set(every.checked ? listed.slice(0, MOST_COMPARED).map((row) => row.name) : []); list(); }});
  const titles = h("tr"), usual = [h("td", every), ...[["run", "run"], ["state", "state"], ["learning", "learning"], ["phase", phasesTerm("images, latents")], ["success", term("success")], ["order", [term("order"), " (", term("untrained"), ")"]], ["images", "seen"]].map(([name, text]) => h(`th.${name}`, {scope: "col", title: TITLES[name]}, text))];
  const table = h("table.runs", h("thead", titles), body);
  root.append(h("div.heading", h("h1", "Runs"), count, phasesTerm(), compare), h("div.controls", search, states, phases, sorts, columns.root), h("div.tablebox", table), more);

  const observer = new IntersectionObserver((seen) => { if (seen.some((entry) => entry.isIntersecting)) grow(); }, {rootMargin: "600px"});
  observer.observe(more);

  // the columns' titles, and what one can sort by
  function heads() {
    titles.replaceChildren(...usual, ...columns.chosen.map((name) => h("th.own", {scope: "col", title: titleOf(name)}, titleOf(name).split(".").flatMap((part, i) => (i ? [".", h("wbr"), part] : [part])))));
    table.style.setProperty("--own", columns.chosen.length);
    table.classList.toggle("wide", columns.chosen.length > 0);
    const select = sorts.querySelector("select");
    select.replaceChildren(...[...Object.entries(SORTS).map(([key, [text]]) => [key, text]), ...columns.chosen.map((name) => [`by:${name}`, titleOf(name)])].map(([key, text]) => h("option", {value: key}, text)));
    if (!SORTS[state.sort] && !columns.chosen.includes(state.sort.slice(3))) state.sort = "updated";
    select.value = state.sort;
  }

  // what rows are sorted by, and which way
  function sorting() {
    if (SORTS[state.sort]) return SORTS[state.sort].slice(1);
    const name = state.sort.slice(3), numbers = [...runs.rows.values()].some((row) => typeof columns.value(row, name) === "number");
    return numbers ? [(row) => { const value = columns.value(row, name); return typeof value === "number" ? value : -Infinity; }, -1] : [(row) => columns.told(row, name), 1];
  }

  function query() {
    const {q, state: wanted, phase, sort} = state;
    return {q, state: wanted, phase, sort: sort === "updated" ? null : sort, cols: columns.query(), runs: [...state.chosen].join(",")};
  }

  function list() {
    const [key, direction] = sorting();
    listed = [...runs.rows.values()].filter((row) =>
      (!state.state || row.state === state.state) && (!state.phase || row.phases?.behaviour?.last === state.phase) && matches(row, state.q));
    listed.sort((a, b) => { const [x, y] = [key(a), key(b)]; return (x < y ? -1 : x > y ? 1 : a.name < b.name ? -1 : 1) * (x === y ? 1 : direction); });
    const total = runs.rows.size;
    count.textContent = !runs.loaded ? "" : `${listed.length === total ? integer(total) : `${integer(listed.length)} of ${integer(total)}`}${runs.pending ? `, ${integer(runs.pending)} still to read` : ""} · ${runs.folder}`;
    drawn = 0;
    const fields = differences(listed);
    if (fields.join() !== differing) { differing = fields.join(); lines.clear(); }
    shownFields = fields;
    body.replaceChildren();
    grow();
    chosen();
  }

  function grow() {
    const until = Math.min(drawn + PAGE, listed.length);
    body.append(...listed.slice(drawn, until).map(line));
    drawn = until;
    if (!drawn) more.replaceChildren(!runs.loaded || runs.pending ? absent("Reading the folder …") : runs.rows.size ? absent("No run matches.") : nothing());
    else more.replaceChildren(...(drawn < listed.length ? [h("button", {onclick: grow}, `show more of ${integer(listed.length)}`)] : []));
  }

  function line(row) {
    const known = lines.get(row.name);
    if (known?.version === row.version) { known.box.checked = state.chosen.has(row.name); return known.root; }
    const box = h("input", {type: "checkbox", "aria-label": `compare ${row.name}`, checked: state.chosen.has(row.name), onchange: () => { state.chosen[box.checked ? "add" : "delete"](row.name); chosen(); }});
    const made = h("tr", {"data-run": row.name}, h("td", box), ...cells(row, shownFields), ...columns.chosen.map((name) => h("td.own", {title: columns.told(row, name), "data-column": name, "data-told": titleOf(name)}, columns.told(row, name))));
    lines.set(row.name, {version: row.version, root: made, box});
    return made;
  }

  function chosen() {
    compare.toggleAttribute("hidden", state.chosen.size < 2);
    compare.textContent = `compare ${state.chosen.size}`;
    compare.href = address("compare", "", {runs: [...state.chosen].join(",")});
    const few = listed.slice(0, MOST_COMPARED);
    every.checked = few.length > 0 && few.every((row) => state.chosen.has(row.name));
    remember("runs", "", query());
  }

  function restore(asked) {
    Object.assign(state, {q: asked.get("q") ?? "", state: asked.get("state") ?? "", phase: asked.get("phase") ?? "", sort: asked.get("sort") ?? "updated"});
    state.chosen = new Set((asked.get("runs") ?? "").split(",").filter(Boolean));
    columns.restore(asked.get("cols"));
    heads();
    search.value = state.q;
    states.querySelector("select").value = state.state;
    phases.querySelector("select").value = state.phase;
    list();
  }

  restore(route.query);
  const changed = eachFrame(list);
  members.then((found) => { studies = found; lines.clear(); changed(); });
  let asking = null;
  // a row that changes where it stands is replaced there: the page does not jump under a hand
  const leave = subscribe((names) => {
    const here = [...names].filter((name) => lines.has(name) && runs.rows.has(name));
    if (here.length === names.size && state.sort !== "updated") for (const name of here) lines.get(name).root.replaceWith(line(runs.rows.get(name)));
    else changed();
    if (names.size && columns.metrics().length) asking ??= columns.refresh().then(() => { asking = null; lines.clear(); changed(); });
  });
  return {restore, close: () => { leave(); observer.disconnect(); }};
}

function nothing() {
  return h("div.absent", h("p", `${runs.folder} holds no runs yet. `), h("pre", `phasescope train preset=fast --runs ${runs.folder}`), h("p", "A run appears here as it starts."));
}

export const tagsOf = (tags) => (tags?.length ? h("span.tags", tags.map((tag) => h("span.tag", tag))) : null);

export function phaseBadge(phase) {
  return h(`span.badge.phase-${phase ?? "none"}`, {title: phase === "undecided" ? "undecided" : null}, phase === "undecided" ? "?" : phase ?? "–");
}

// the probe's R² of each factor, their mean and minimum, beside the untrained network's
export const orderOf = (row) => row?.probe_r2?.text ?? "–";

export function stateOf(row) {
  const share = row.steps ? row.step / row.steps : 0;
  if (row.state === "running") return h("span.state.running", h("progress", {max: 1, value: share, "aria-label": "progress"}), h("span", row.steps ? `${Math.floor(100 * share)} %` : "starting", row.eta_s != null ? ` · ${duration(row.eta_s)} left` : ""));
  return h(`span.state.${row.state}`, {title: row.error}, row.state);
}

// small timelines by run, asked for as their rows come into view, many at once; one stands until its run changes
const timelines = new Map(), wanted = new Map(), MOST_ASKED = 60;

function timelineOf(row) {
  const known = timelines.get(row.name), cell = h("span.timeline", sparkline(known?.timeline ?? {}, row.probe_r2?.untrained));
  if (known?.version === row.version) return cell;
  if (!wanted.size) setTimeout(askForTimelines);
  wanted.set(row.name, {row, cell});
  return cell;
}

async function askForTimelines() {
  const asked = [...wanted.values()];
  wanted.clear();
  for (let from = 0; from < asked.length; from += MOST_ASKED) {
    const some = asked.slice(from, from + MOST_ASKED);
    let found;
    try { found = await json(`/api/timelines?${new URLSearchParams(some.map(({row}) => ["run", row.name]))}`); } catch { return; }
    for (const {row, cell} of some) {
      if (!found[row.name]) continue;
      timelines.set(row.name, {version: row.version, timeline: found[row.name]});
      cell.replaceChildren(sparkline(found[row.name], row.probe_r2?.untrained));
    }
  }
}

// the settings in which these runs differ; where they do not, all that are not the default
function differences(rows) {
  const seen = new Map();
  for (const row of rows) for (const [key, value] of Object.entries(row.settings ?? {})) {
    if (!seen.has(key)) seen.set(key, {values: new Set(), count: 0});
    seen.get(key).values.add(JSON.stringify(value));
    seen.get(key).count++;
  }
  const whole = rows.filter((row) => row.state !== "broken").length, fields = [...seen.keys()].filter((key) => !key.startsWith("probing."));
  const differing = fields.filter((key) => seen.get(key).values.size > 1 || seen.get(key).count < whole);
  const ranks = ["world", "family", "network", "training"], rank = (key) => ranks.indexOf(key.split(".")[0]);
  return (differing.length ? differing : fields).sort((a, b) => rank(a) - rank(b));
}

function cells(row, fields) {
  const member = studies[row.digest];
  const told = [...(member ? [`${member.study}: ${member.cell}`] : []), `seed=${row.seed}`, ...fields.filter((key) => key in (row.settings ?? {})).map((key) => `${key.split(".").slice(1).join(".")}=${row.settings[key]}`)].join("  ");
  const name = h("td.run", h("a", {href: address("run", row.name)}, row.name), tagsOf(row.tags), h("span.settings", {title: told}, row.state === "broken" ? row.error : told));
  if (row.state === "broken") return [name, h("td.state", stateOf(row)), ...["learning", "phase", "success", "order", "images"].map((key) => h(`td.${key}`))];
  const passed = row.phases?.behaviour, inner = row.phases?.sheet ?? row.phases?.representation;
  return [
    name,
    h("td.state", stateOf(row)),
    h("td.learning", timelineOf(row)),
    h("td.phase", h("span.pair", {title: `behaviour ${passed?.sequence.join(", ") || "undecided"}; latents ${inner?.sequence.join(", ") || "undecided"}`}, phaseBadge(passed?.last), phaseBadge(inner?.last))),
    h("td.success", percent(row.success)),
    h("td.order", orderOf(row)),
    h("td.images", {title: `step ${integer(row.step)} of ${integer(row.steps)}`}, compact(row.images_seen)),
  ];
}
