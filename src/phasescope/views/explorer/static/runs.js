// The table of runs: filtered, sorted, live; some of them chosen for comparison.

import {absent, choice, compact, duration, eachFrame, h, integer, percent} from "./dom.js";
import {MOST_COMPARED} from "./grouping.js";
import {members, runs, subscribe} from "./live.js";
import {address, remember} from "./route.js";
import {phasesTerm, term} from "./words.js";

const PAGE = 60;
let studies = {};
const TITLES = {
  phase: "the last phase, of the images and of the latents",
  success: "of the images generated for labels that were trained on",
  order: "ridge R² where the phases are read; in brackets the untrained network’s",
  images: "images seen",
};
const SORTS = {
  updated: ["last changed", (row) => row.updated ?? "", -1],
  name: ["name", (row) => row.name, 1],
  success: ["share of success", (row) => row.success ?? -1, -1],
  order: ["probe R²", (row) => row.probe_r2?.min ?? -1, -1],
  onset: ["onset of C", (row) => row.phases?.behaviour?.onsets.C ?? Infinity, 1],
  images: ["images seen", (row) => row.images_seen ?? -1, -1],
};
const FILTERS = {
  "state:": (row, word) => row.state === word,
  "phase:": (row, word) => row.phases?.behaviour?.last?.toLowerCase() === word,
  "study:": (row, word) => studies[row.digest]?.study.toLowerCase() === word,
  "tag:": (row, word) => (row.tags ?? []).some((tag) => tag.toLowerCase().includes(word)),
};

const written = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

// every word must occur in the name, or in key=value of a setting, or be state:done, phase:C, tag:x, study:x
export function matches(row, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => {
    const filter = Object.keys(FILTERS).find((name) => word.startsWith(name));
    if (filter) return FILTERS[filter](row, word.slice(filter.length));
    const settings = Object.entries(row.settings ?? {}).map(([key, value]) => `${key}=${written(value)}`);
    return [row.name, `seed=${row.seed}`, ...settings].some((value) => value.toLowerCase().includes(word));
  });
}

class RunTable {
  constructor(root) {
    Object.assign(this, {q: "", sort: "updated", chosen: new Set(), listed: [], drawn: PAGE, fields: []});
    this.search = h("input", {
      type: "search",
      placeholder: "filter: fast  batch=64  state:running  phase:C",
      "aria-label": "filter runs",
      oninput: () => this.filter(this.search.value),
    });
    const sorts = Object.entries(SORTS).map(([key, [text]]) => [key, text]);
    this.sorts = choice("sort", sorts, this.sort, (value) => this.order(value));
    this.count = h("span.note");
    this.compare = h("a.button", {href: "#/compare"}, "compare");
    this.every = h("input", {type: "checkbox", "aria-label": "choose all listed runs", onchange: () => this.chooseAll()});
    this.body = h("tbody");
    this.more = h("div.more");
    const heading = h("div.heading", h("h1", "Runs"), this.count, phasesTerm(), this.compare);
    const table = h("table.runs", h("thead", this.titles()), this.body);
    root.append(heading, h("div.controls", this.search, this.sorts), h("div.tablebox", table), this.more);
  }

  titles() {
    const columns = {
      run: "run",
      state: "state",
      phase: phasesTerm("images, latents"),
      success: term("success"),
      order: [term("order"), " (", term("untrained"), ")"],
      images: "seen",
    };
    const heads = Object.entries(columns).map(([name, text]) => h(`th.${name}`, {scope: "col", title: TITLES[name]}, text));
    return h("tr", h("td", this.every), heads);
  }

  filter(text) {
    Object.assign(this, {q: text, drawn: PAGE});
    this.list();
  }

  order(key) {
    this.sort = key;
    this.list();
  }

  chooseAll() {
    this.chosen = new Set(this.every.checked ? this.few().map((row) => row.name) : []);
    this.list();
  }

  few() {
    return this.listed.slice(0, MOST_COMPARED);
  }

  // the rows that match, in their order
  rows() {
    const [, key, direction] = SORTS[this.sort];
    const before = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    const rows = [...runs.rows.values()].filter((row) => matches(row, this.q));
    return rows.sort((a, b) => direction * before(key(a), key(b)) || before(a.name, b.name));
  }

  list() {
    this.listed = this.rows();
    this.fields = differences(this.listed);
    const shown = this.listed.slice(0, this.drawn);
    this.body.replaceChildren(...shown.map((row) => this.line(row)));
    const total = runs.rows.size, all = this.listed.length === total;
    const found = all ? integer(total) : `${integer(this.listed.length)} of ${integer(total)}`;
    this.count.textContent = runs.loaded ? `${found} · ${runs.folder}` : "";
    this.more.replaceChildren(this.rest(shown.length));
    this.told();
  }

  rest(shown) {
    if (shown < this.listed.length) {
      return h("button", {onclick: () => this.grow()}, `show more of ${integer(this.listed.length)}`);
    }
    if (shown) return "";
    if (!runs.loaded) return absent("Reading the folder …");
    return runs.rows.size ? absent("No run matches.") : nothing();
  }

  grow() {
    if (this.drawn >= this.listed.length) return;
    this.drawn += PAGE;
    this.list();
  }

  line(row) {
    const choose = () => {
      this.chosen[box.checked ? "add" : "delete"](row.name);
      this.told();
    };
    const look = {type: "checkbox", "aria-label": `compare ${row.name}`, checked: this.chosen.has(row.name), onchange: choose};
    const box = h("input", look);
    return h("tr", {"data-run": row.name}, h("td", box), cells(row, this.fields));
  }

  // which runs are chosen, in the link to their comparison and in the address
  told() {
    const names = [...this.chosen].join(",");
    this.compare.toggleAttribute("hidden", this.chosen.size < 2);
    this.compare.textContent = `compare ${this.chosen.size}`;
    this.compare.href = address("compare", "", {runs: names});
    this.every.checked = this.listed.length > 0 && this.few().every((row) => this.chosen.has(row.name));
    remember("runs", "", {q: this.q, sort: this.sort === "updated" ? null : this.sort, runs: names});
  }

  // a row that keeps its place is replaced there: the page does not jump under a hand, nor loses the focus
  changed(names) {
    const before = this.listed.map((row) => row.name).join();
    const after = this.rows().map((row) => row.name).join();
    if (before !== after || [...names].some((name) => !runs.rows.has(name))) return this.list();
    for (const line of this.body.children) {
      if (names.has(line.dataset.run)) line.replaceWith(this.line(runs.rows.get(line.dataset.run)));
    }
  }

  restore(query) {
    this.q = this.search.value = query.get("q") ?? "";
    this.sort = SORTS[query.get("sort")] ? query.get("sort") : "updated";
    this.sorts.querySelector("select").value = this.sort;
    this.chosen = new Set((query.get("runs") ?? "").split(",").filter(Boolean));
    this.list();
  }
}

export async function open(root, route) {
  const table = new RunTable(root);
  const near = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && table.grow(), {rootMargin: "600px"});
  near.observe(table.more);
  table.restore(route.query);
  members.then((found) => {
    studies = found;
    table.list();
  });
  let names = new Set();
  const redraw = eachFrame(() => {
    table.changed(names);
    names = new Set();
  });
  const leave = subscribe((changed) => {
    names = new Set([...names, ...changed]);
    redraw();
  });
  const close = () => {
    leave();
    near.disconnect();
  };
  return {restore: (query) => table.restore(query), close};
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
  const member = studies[row.digest], settings = row.settings ?? {};
  const own = fields.filter((key) => key in settings).map((key) => `${key.split(".").slice(1).join(".")}=${settings[key]}`);
  const words = [...(member ? [`${member.study}: ${member.cell}`] : []), `seed=${row.seed}`, ...own].join("  ");
  const link = h("a", {href: address("run", row.name)}, row.name);
  const name = h("td.run", link, tagsOf(row.tags), h("span.settings", {title: words}, row.error ?? words));
  const state = h("td.state", stateOf(row));
  if (row.state === "broken") return [name, state, ...["phase", "success", "order", "images"].map((key) => h(`td.${key}`))];
  const images = row.phases?.behaviour, latents = row.phases?.sheet ?? row.phases?.representation;
  const passed = (reading) => reading?.sequence.join(", ") || "undecided";
  const title = `behaviour ${passed(images)}; latents ${passed(latents)}`;
  return [
    name,
    state,
    h("td.phase", h("span.pair", {title}, phaseBadge(images?.last), phaseBadge(latents?.last))),
    h("td.success", percent(row.success)),
    h("td.order", orderOf(row)),
    h("td.images", {title: `step ${integer(row.step)} of ${integer(row.steps)}`}, compact(row.images_seen)),
  ];
}
