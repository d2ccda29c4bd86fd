// @ts-check
// Runs over each other: what differs in their settings, and their curves, one for each run or group of runs.

import {Chart, hasData} from "./charts.js";
import {absent, choice, fixed, h, integer, known, percent} from "./html.js";
import {runs, subscribe} from "./live.js";
import {render} from "./preact.js";
import {address, remember} from "./route.js";
import {format, MOST_COMPARED, probeOf, phaseBadge, stateOf} from "./runs.js";
import {phasesTerm, term} from "./words.js";
import {detailsOf, joined, success, timesOf, UNITS, unitsOf} from "./world.js";

// every run with another seed and else the same settings, as one line
const SEEDS = "seeds";

// Okabe and Ito's, as far as they are seen on light and on dark; dashes distinguish those that follow
const COLOURS = ["var(--accent)", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#9a6a5b", "#8b939d"];
const DASHES = [null, "7 3", "2 2.5", "9 3 2 3"];

const PANELS = [
  {key: "outcomes", title: "Share of correct images, training labels", domain: [0, 1], percent: true},
  {
    key: "probe_r2",
    title: "Probe R², minimum over factors (untrained)",
    terms: ["probe_r2", "untrained"],
    domain: [-0.1, 1]
  },
  {key: "label_participation_ratio", title: "Participation ratio of label means", log: true},
  {key: "loss", title: "Loss", log: true}
];
const FORMATS = {probe_r2: fixed, label_participation_ratio: value => String(Number(value.toPrecision(2)))};
const UNTRAINED = "untrained network";

// a run's panel: of the labels trained on, and at a site
const panelOf = ({panels, splits}, key, site) =>
  panels.find(
    panel =>
      panel.key === key && (!panel.split || panel.split === splits[0]) && (!panel.site || panel.site === site)
  );

const sitesOf = ({panels}) => panels.filter(({key}) => key === "probe_r2").map(({site}) => site);

// the site at which all runs are compared: where most of them read their phases, else the first that all have
function commonSite(several) {
  const measured = several.filter(details => sitesOf(details).length);
  const shared = sitesOf(measured[0] ?? {panels: []}).filter(site =>
    measured.every(details => sitesOf(details).includes(site))
  );
  const votes = site => measured.filter(details => details.read_at === site).length;
  return shared.reduce((best, site) => (best === null || votes(site) > votes(best) ? site : best), null);
}

// the value of a dotted field of a run's configuration
const valueOf = ({config}, field) => {
  const value = field.split(".").reduce((tree, key) => tree?.[key], config);
  return known(value) ? format(value) : "none";
};

// the fields in which runs differ, by any of which they can be grouped
function differing(several) {
  const fields = [...new Set(several.flatMap(details => ["seed", ...Object.keys(details.row.settings)]))];
  return fields.filter(field => new Set(several.map(details => valueOf(details, field))).size > 1);
}

// [value, runs] of each group, numbers in order: of a field, or of all in which runs differ but the seed
function groupsOf(several, group) {
  const fields = differing(several).filter(field => field !== "seed");
  const all = details =>
    fields.map(field => `${field} = ${valueOf(details, field)}`).join(", ") || "all runs";
  const groups = new Map();
  for (const details of several) {
    const value = group === SEEDS ? all(details) : valueOf(details, group);
    groups.set(value, [...(groups.get(value) ?? []), details]);
  }
  return [...groups].sort(([a], [b]) => a.localeCompare(b, "en", {numeric: true}));
}

// The mean of rows of numbers and the ends of its standard error, where all have a number: else a line would
// jump where a run ends.
function meanOf(rows) {
  const n = rows.length;
  const columns = rows[0].map((_, i) => rows.map(row => row[i]));
  const y = columns.map(values =>
    values.every(known) ? values.reduce((sum, value) => sum + value, 0) / n : null
  );
  if (n < 2) return {y};
  const error = columns.map((values, i) => {
    const squares = values.reduce((sum, value) => sum + (value - y[i]) ** 2, 0);
    return Math.sqrt(squares / (n - 1) / n);
  });
  const end = sign => y.map((mean, i) => (mean === null ? null : mean + sign * error[i]));
  return {y, low: end(-1), high: end(1)};
}

// the untrained network's value stands beside that of probe R²: of several runs the mean
function withUntrained(several, site) {
  const last = details =>
    panelOf(details, "probe_r2", site ?? details.read_at)
      ?.lines.find(({name}) => name === UNTRAINED)
      ?.y.findLast(known);
  const values = several.map(last).filter(known);
  const untrained = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.length ? {format: value => `${fixed(value)} (${fixed(untrained)})`} : {};
}

// a line for each run or group of runs, y over xs
function linesOf(key, xs, several, {names, unit, group}) {
  const site = commonSite(several);
  const curve = details => {
    const panel = panelOf(details, key, site ?? details.read_at);
    const line = panel?.lines.find(({name}) => key !== "outcomes" || name === success(details));
    const times = line ? timesOf(details, panel, unit) : [];
    return joined(xs, new Map(times.map((time, i) => [time, line.y[i]]).filter(([time]) => known(time))));
  };
  const look = index => ({
    colour: COLOURS[index % COLOURS.length],
    dash: DASHES[Math.floor(index / COLOURS.length) % DASHES.length]
  });
  const beside = some => (key === "probe_r2" ? withUntrained(some, site) : {});
  if (!group) {
    return several.map(details => {
      const {name} = details.row;
      const i = names.indexOf(name);
      return {name: `${i + 1}`, title: name, y: curve(details), ...beside([details]), ...look(i)};
    });
  }
  const measured = several.filter(details => curve(details).some(known));
  return groupsOf(measured, group).map(([value, some], i) => {
    const name = group === SEEDS ? value : `${group} = ${value}`;
    const title = `n = ${some.length}`;
    return {name, title, ...meanOf(some.map(curve)), ...beside(some), ...look(i)};
  });
}

export async function open(root, {query}) {
  const view = new CompareView(root, query);
  await view.read(view.names);
  view.update();
  return view;
}

class CompareView {
  constructor(root, query) {
    this.root = root;
    this.names = (query.get("runs") ?? "").split(",").filter(Boolean).slice(0, MOST_COMPARED);
    this.unit = UNITS[query.get("unit")] ? query.get("unit") : "images_seen";
    this.group = query.get("group") ?? "";
    this.cursor = null;
    /** @type {Map<string, any>} details, or {error}, of each run */
    this.known = new Map();
    this.close = subscribe(async changed => {
      const here = this.names.filter(name => changed.has(name) && runs.rows.has(name));
      if (!here.length) return;
      await this.read(here);
      this.update();
    });
  }

  async read(names) {
    const ask = name => detailsOf(name).catch(error => ({error: error.message}));
    await Promise.all(names.map(async name => this.known.set(name, await ask(name))));
  }

  set(values) {
    Object.assign(this, values);
    this.update();
  }

  charts(several) {
    const {unit, cursor} = this;
    const times = several.flatMap(({lines}) => lines.map(line => line[unit]).filter(known));
    const x = [...new Set(times)].sort((a, b) => a - b);
    const pick = at => this.set({cursor: at});
    const panels = PANELS.map(panel => ({
      ...panel,
      height: 230,
      lines: linesOf(panel.key, x, several, this)
    }));
    const chart = panel => h(Chart, {key: panel.key, panel, x, cursor, pick, format: FORMATS[panel.key]});
    return h("div.charts", panels.filter(hasData).map(chart));
  }

  update() {
    if (!this.root.isConnected) return;
    const {names, known, unit} = this;
    const several = names.map(name => known.get(name)).filter(({error}) => !error);
    const fields = differing(several);
    if (this.group !== SEEDS && !fields.includes(this.group)) this.group = "";
    const {group} = this;
    const page = [
      h("div.heading", h("h1", "Compare")),
      choices(several, fields, this, values => this.set(values)),
      names.length ? differences(this, several, fields) : absent("Choose runs in the table of runs."),
      h("p.note", {"aria-live": "polite"}, group && explanation(group)),
      h("p.fault", {role: "status"}, isApart(several) && APART),
      this.charts(several)
    ];
    render(page, this.root);
    remember("compare", "", {runs: names.join(), unit: unit === "images_seen" ? null : unit, group});
  }
}

const APART = "No layer was read in all of them: scores of different layers are not comparable.";

const isApart = several => several.some(details => sitesOf(details).length) && commonSite(several) === null;

function explanation(group) {
  const shared = group === SEEDS ? "configuration" : `value of ${group}`;
  return `A line is the mean of the runs of one ${shared}, where all have a value; band: its standard error.`;
}

function choices(several, fields, {unit, group}, set) {
  const seeds = fields.includes("seed") ? [[SEEDS, "configuration, over its seeds"]] : [];
  const groups = [["", "run"], ...seeds, ...fields.map(field => [field, `value of ${field}`])];
  return h(
    "div.controls",
    choice("against", unitsOf(several), unit, value => set({unit: value, cursor: null})),
    fields.length > 0 && choice("a line for each", groups, group, value => set({group: value}))
  );
}

function differences({names, known, group}, several, fields) {
  const groups = group ? groupsOf(several, group) : names.map(name => [name, [known.get(name)]]);
  const keyOf = name => {
    const index = groups.findIndex(([, some]) => some.includes(known.get(name)));
    return h(
      "span.key",
      {style: {"--key": COLOURS[Math.max(index, 0) % COLOURS.length]}},
      `${names.indexOf(name) + 1}`
    );
  };
  const head = name => h("th", {scope: "col"}, keyOf(name), h("a", {href: address("run", name)}, name));
  const cell = (name, text) => {
    const {error, row} = known.get(name);
    return h("td", error ? "–" : text(row, known.get(name)));
  };
  const line = (title, text) =>
    h(
      "tr",
      h("th", {scope: "row"}, title),
      names.map(name => cell(name, text))
    );
  const probe = h("span", term("probe_r2"), " (", term("untrained"), "), each at its own layer");
  const state = name => h("td", known.get(name).error ?? stateOf(known.get(name).row));
  const body = [
    h("tr", h("th", {scope: "row"}, "state"), names.map(state)),
    line(
      phasesTerm("phases of behaviour"),
      row => row.phases?.behaviour?.sequence.map(phaseBadge) ?? "not read"
    ),
    line("onset of C, images", row => integer(row.phases?.behaviour?.onsets.C)),
    line(term("sheet"), row => row.phases?.sheet?.sequence.map(phaseBadge) ?? "not read"),
    line("success", row => percent(row.success)),
    names.some(name => known.get(name).row?.probe_r2?.text) && line(probe, probeOf),
    fields.map(field => line(field, (_, details) => valueOf(details, field)))
  ];
  const table = h("table.compare", h("thead", h("tr", h("td"), names.map(head))), h("tbody", body));
  return h("div.tablebox", {tabindex: 0, role: "group", "aria-label": "settings that differ"}, table);
}
