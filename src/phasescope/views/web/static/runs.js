// @ts-check
// The table of runs: filtered, sorted, live; some of them chosen for comparison.

import {forkWords, inTree} from "./forks.js";
import {absent, choice, compact, duration, h, integer, percent} from "./html.js";
import {members, runs, subscribe} from "./live.js";
import {render} from "./preact.js";
import {address, remember} from "./route.js";
import {phasesTerm, term} from "./words.js";
import {kindsOf} from "./world.js";

const PAGE = 60;
// runs that are compared at once
export const MOST_COMPARED = 48;
const TITLES = {
  phase: "the last phase, of the samples and of the activations",
  success: "of the images generated for labels that were trained on",
  probe: "ridge R² where the phases are read; in brackets the untrained network’s",
  images: "images seen"
};
const SORTS = {
  updated: ["last changed", row => row.updated ?? "", -1],
  name: ["name", row => row.name, 1],
  success: ["share of success", row => row.success ?? -1, -1],
  probe: ["probe R²", row => row.probe_r2?.min ?? -1, -1],
  onset: ["onset of C", row => row.phases?.behaviour?.onsets.C ?? Infinity, 1],
  images: ["images seen", row => row.images_seen ?? -1, -1]
};
let studies = {};
const FILTERS = {
  "state:": (row, word) => row.state === word,
  "phase:": (row, word) => row.phases?.behaviour?.last?.toLowerCase() === word,
  "study:": (row, word) => studies[row.digest]?.study.toLowerCase() === word
};

export const format = value => (typeof value === "object" ? JSON.stringify(value) : String(value));

// every word must occur in the name, or in key=value of a setting, or be state:done, phase:C, study:x
function matches(row, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every(word => {
    const filter = Object.keys(FILTERS).find(name => word.startsWith(name));
    if (filter) return FILTERS[filter](row, word.slice(filter.length));
    const settings = Object.entries(row.settings ?? {}).map(([key, value]) => `${key}=${format(value)}`);
    const texts = [row.name, `seed=${row.seed}`, ...settings, ...(row.tags ?? [])];
    return texts.some(value => value.toLowerCase().includes(word));
  });
}

// the rows that match, in their order
function listed({text, sort}) {
  const [, key, direction] = SORTS[sort];
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const rows = [...runs.rows.values()].filter(row => matches(row, text));
  return rows.sort((a, b) => direction * compare(key(a), key(b)) || compare(a.name, b.name));
}

export function open(root, {query: asked}) {
  const state = {text: "", sort: "updated", chosen: new Set(), drawn: PAGE};

  function set(values) {
    Object.assign(state, values);
    update();
    const {text, sort, chosen} = state;
    remember("runs", "", {q: text, sort: sort === "updated" ? null : sort, runs: [...chosen].join()});
  }

  function restore(query) {
    const sort = SORTS[query.get("sort")] ? query.get("sort") : "updated";
    const chosen = new Set((query.get("runs") ?? "").split(",").filter(Boolean));
    set({text: query.get("q") ?? "", sort, chosen});
  }

  function update() {
    if (!root.isConnected) return;
    const rows = listed(state);
    const shown = inTree(rows).slice(0, state.drawn);
    const settings = differences(rows);
    const line = ([row, depth]) => tableRow(row, {depth, fields: settings, chosen: state.chosen, set});
    const body = h("tbody", shown.map(line));
    const table = h("table.runs", h("thead", titles(rows, state.chosen, set)), body);
    const grow = () => set({drawn: state.drawn + PAGE});
    const more = h("button", {onclick: grow}, `show more of ${integer(rows.length)}`);
    const rest = shown.length < rows.length ? more : !rows.length && nothing();
    render([heading(rows, state), controls(state, set), h("div.tablebox", table), h("div.more", rest)], root);
  }

  restore(asked);
  // a page that is scrolled to its end grows
  const near = new IntersectionObserver(
    ([{isIntersecting}]) =>
      isIntersecting && state.drawn < runs.rows.size && set({drawn: state.drawn + PAGE}),
    {rootMargin: "600px"}
  );
  near.observe(root.querySelector(".more"));
  members.then(known => {
    studies = known;
    update();
  });
  const leave = subscribe(update);
  const close = () => {
    leave();
    near.disconnect();
  };
  return {restore, close};
}

function heading(rows, {chosen}) {
  const total = runs.rows.size;
  const count = integer(rows.length);
  const counted = rows.length === total ? count : `${count} of ${integer(total)}`;
  const unread = runs.unread ? `, ${integer(runs.unread)} are still being read` : "";
  const present = [...chosen].filter(name => runs.rows.has(name));
  const few = present.slice(0, MOST_COMPARED);
  const href = address("compare", "", {runs: few.join()});
  const text = few.length < present.length ? `compare the first ${few.length}` : `compare ${few.length}`;
  return h(
    "div.heading",
    h("h1", "Runs"),
    h("span.note", runs.loaded && `${counted} in ${runs.folder}/${unread}`),
    phasesTerm(null, kindsOf(rows)),
    few.length > 1 && h("a.button", {href}, text)
  );
}

function controls({text, sort}, set) {
  const search = {
    type: "search",
    placeholder: "filter: fast  batch=64  state:running  phase:C",
    "aria-label": "filter runs",
    value: text,
    oninput: event => set({text: event.target.value, drawn: PAGE})
  };
  const sorts = Object.entries(SORTS).map(([key, [words]]) => [key, words]);
  return h(
    "div.controls",
    h("input", search),
    choice("sort", sorts, sort, value => set({sort: value}))
  );
}

function titles(rows, chosen, set) {
  const few = rows.filter(row => row.state !== "broken").slice(0, MOST_COMPARED);
  const columns = {
    run: "run",
    state: "state",
    phase: phasesTerm("samples, activations", kindsOf(rows)),
    success: term("success"),
    probe: [term("probe_r2"), " (", term("untrained"), ")"],
    images: "images seen"
  };
  const all = {
    type: "checkbox",
    "aria-label": "choose all listed runs",
    checked: few.length > 0 && few.every(row => chosen.has(row.name)),
    onchange: event => set({chosen: new Set(event.target.checked ? few.map(row => row.name) : [])})
  };
  const heads = Object.entries(columns).map(([name, text]) =>
    h(`th.${name}`, {scope: "col", title: TITLES[name]}, text)
  );
  return h("tr", h("td", h("input", all)), heads);
}

function nothing() {
  if (!runs.loaded) return absent("Reading the folder …");
  if (runs.rows.size) return absent("No run matches.");
  const {folder} = runs;
  const command = h("pre", `phasescope train preset=fast --runs ${folder}`);
  return h(
    "div.absent",
    h("p", `${folder} holds no runs yet. `),
    command,
    h("p", "A run appears here as it starts.")
  );
}

// "not read" where nothing reads a phase: of activations, if labels are classes or none were recorded;
// of samples, if the network gets no label
export function phaseBadge(phase) {
  const isOpen = phase === "undecided";
  return h(
    `span.badge.phase-${phase ?? "none"}`,
    {title: isOpen ? phase : null},
    isOpen ? "?" : (phase ?? "not read")
  );
}

// the probe's R² of each factor, their mean and minimum, beside the untrained network's
export const probeOf = row => row?.probe_r2?.text ?? "–";

export function stateOf({state, step, steps, eta_s: left, error}) {
  if (state !== "running") return h(`span.state.${state}`, {title: error}, state);
  const share = steps ? step / steps : 0;
  const rest = left !== null && left !== undefined && ` · ${duration(left)} left`;
  const bar = h("progress", {max: 1, value: share, "aria-label": "progress"});
  return h("span.state.running", bar, h("span", steps ? `${Math.floor(100 * share)} %` : "starting", rest));
}

// the settings in which these runs differ; where they do not, all that are not the default
function differences(rows) {
  const whole = rows.filter(row => row.state !== "broken");
  const values = new Map();
  for (const {settings = {}} of whole) {
    for (const [key, value] of Object.entries(settings)) {
      if (!values.has(key)) values.set(key, []);
      values.get(key).push(format(value));
    }
  }
  const fields = [...values.keys()].filter(key => !key.startsWith("probing."));
  const isDifferent = key => new Set(values.get(key)).size > 1 || values.get(key).length < whole.length;
  const differing = fields.filter(isDifferent);
  const ranks = ["world", "family", "network", "training"];
  const rank = key => ranks.indexOf(key.split(".")[0]);
  return (differing.length ? differing : fields).sort((a, b) => rank(a) - rank(b));
}

function tableRow(row, {depth, fields, chosen, set}) {
  const {name, settings = {}, state, error} = row;
  const member = studies[row.digest];
  const toggle = () => {
    const others = new Set(chosen);
    if (!others.delete(name)) others.add(name);
    set({chosen: others});
  };
  const box = {
    type: "checkbox",
    "aria-label": `compare ${name}`,
    disabled: state === "broken",
    title: state === "broken" ? "it cannot be read, so that there is nothing to compare" : null,
    checked: chosen.has(name),
    onchange: toggle
  };
  const own = fields
    .filter(key => key in settings)
    .map(key => `${key.replace(/^\w+\./, "")}=${format(settings[key])}`);
  const study = member && `as in ${member.study}: ${member.cell}`;
  const facts = [...(row.tags ?? []), `seed=${row.seed}`, forkWords(row), study, ...own];
  const words = facts.filter(Boolean).join("  ");
  const branch = depth > 0 && h("span.branch", {style: {"--depth": depth}, title: "a fork"});
  const link = [branch, h("a", {href: address("run", name)}, name)];
  const cells = [
    h("td", h("input", box)),
    h("td.run", link, h("span.settings", {title: words}, error ?? words)),
    h("td.state", stateOf(row))
  ];
  return h("tr", {key: name, "data-run": name}, cells, numbers(row, state === "broken"));
}

function numbers(row, isBroken) {
  if (isBroken) return ["phase", "success", "probe", "images"].map(key => h(`td.${key}`));
  const {behaviour, sheet} = row.phases ?? {};
  const passed = reading => (reading ? reading.sequence.join(", ") || "undecided" : "not read");
  const title = `samples ${passed(behaviour)}; activations ${passed(sheet)}`;
  return [
    h("td.phase", h("span.pair", {title}, phaseBadge(behaviour?.last), phaseBadge(sheet?.last))),
    h("td.success", percent(row.success)),
    h("td.probe", probeOf(row)),
    h("td.images", {title: `step ${integer(row.step)} of ${integer(row.steps)}`}, compact(row.images_seen))
  ];
}
