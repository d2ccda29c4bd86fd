// @ts-check
// Runs over each other: what differs in their settings, and their curves, one for each run or group of runs.

import {nearest} from "./axes.js";
import {Chart, formatOf, hasData, sharedAxis} from "./charts.js";
import {forkWords, PairedTable} from "./forks.js";
import {absent, choice, h, integer, known, memo, percent} from "./html.js";
import {ImageRows} from "./imagerows.js";
import {runs, subscribe} from "./live.js";
import {render} from "./preact.js";
import {address, remember} from "./route.js";
import {followKeys} from "./scrubber.js";
import {format, MOST_COMPARED, probeOf, phaseBadge, stateOf} from "./runs.js";
import {phasesTerm, term} from "./words.js";
import {detailsOf, joined, kindsOf, timesOf, UNITS, unitsOf} from "./world.js";

// every run with another seed and else the same settings, as one line
const SEEDS = "seeds";

// Okabe and Ito's, as far as they are seen on light and on dark; dashes distinguish those that follow
const COLOURS = ["var(--accent)", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#9a6a5b", "#8b939d"];
const DASHES = [null, "7 3", "2 2.5", "9 3 2 3"];

// a run's panels of `key` of which a comparison draws a line: one for each site, or one alone
const panelsOf = ({panels}, key) => panels.filter(panel => panel.key === key && panel.compared);

// what the runs are compared in, in the server's order
const keysOf = several => [
  ...new Set(several.flatMap(({panels}) => panels.filter(({compared}) => compared).map(({key}) => key)))
];

// The site at which all runs that have `key` are compared: where most of them read their phases, else the
// first that all have; undefined if they share none, and null for what has no site.
function commonSite(several, key) {
  const measured = several.map(details => panelsOf(details, key)).filter(panels => panels.length);
  const has = (panels, site) => panels.some(panel => panel.site === site);
  const [first = []] = measured;
  const shared = first.map(({site}) => site).filter(site => measured.every(panels => has(panels, site)));
  const votes = site =>
    measured.filter(panels => panels.some(panel => panel.site === site && panel.compared.is_read_here))
      .length;
  return shared.reduce((best, site) => (votes(site) > votes(best) ? site : best), shared[0]);
}

// a run's panel of `key` at a site; where the runs share none, at its own
function panelOf(details, key, site) {
  const panels = panelsOf(details, key);
  if (site === undefined) return panels.find(({compared}) => compared.is_read_here) ?? panels[0];
  return panels.find(panel => panel.site === site);
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

// a panel's line by its name: a number at each of its times
const lineOf = (panel, name) => panel?.lines.find(line => line.name === name);

// what a score is best compared with stands beside it, in brackets: of several runs the mean
function besideIt(several, key, site, format) {
  const last = details => {
    const panel = panelOf(details, key, site);
    return panel?.compared.beside && lineOf(panel, panel.compared.beside)?.y.findLast(known);
  };
  const values = several.map(last).filter(Number.isFinite);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.length ? {format: value => `${format(value)} (${format(mean)})`} : {};
}

// a line for each run or group of runs, y over xs
function linesOf(key, site, xs, several, {names, unit, group, format}) {
  const curve = details => {
    const panel = panelOf(details, key, site);
    const line = lineOf(panel, panel?.compared.line);
    const times = line ? timesOf(details, panel, unit) : [];
    return joined(xs, new Map(times.map((time, i) => [time, line.y[i]]).filter(([time]) => known(time))));
  };
  const look = index => ({
    colour: COLOURS[index % COLOURS.length],
    dash: DASHES[Math.floor(index / COLOURS.length) % DASHES.length]
  });
  const beside = some => besideIt(some, key, site, format);
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
    this.cursor = query.has("at") ? Number(query.get("at")) : null;
    this.images = new ImageRows(() => this.update());
    this.paired = new PairedTable(() => this.update());
    /** @type {number[]} what the cursor steps through: where any run has a snapshot */
    this.times = [];
    this.drawn = memo();
    this.version = 0;
    /** @type {Map<string, any>} details, or {error}, of each run */
    this.known = new Map();
    const unfollow = followKeys(
      () => [this.index, this.times.length],
      index => this.set({cursor: this.times[index]})
    );
    const leave = subscribe(async changed => {
      const here = this.names.filter(name => changed.has(name) && runs.rows.has(name));
      if (!here.length) return;
      await this.read(here);
      this.update();
    });
    this.close = () => {
      leave();
      unfollow();
    };
  }

  async read(names) {
    const ask = name => detailsOf(name).catch(error => ({error: error.message}));
    const before = names.map(name => this.known.get(name)?.row?.started);
    await Promise.all(names.map(async name => this.known.set(name, await ask(name))));
    // A run that was started again has other images at the same steps.
    const isNew = (name, i) => before[i] && this.known.get(name).row?.started !== before[i];
    if (names.some(isNew)) this.images.forget();
    this.paired.forget();
    this.version += 1;
  }

  set(values) {
    Object.assign(this, values);
    this.update();
  }

  // where the slider stands among the times; at the last if nothing was chosen
  get index() {
    return this.cursor === null ? this.times.length - 1 : nearest(this.times, this.cursor);
  }

  charts(several) {
    const {names, unit, group, cursor, version} = this;
    const panels = this.drawn([version, unit, group], () =>
      keysOf(several).map(key => panelOfAll(key, several, this))
    );
    const pick = at => this.set({cursor: at});
    const axis = sharedAxis(`compare ${names.join()}`, UNITS[unit], () => this.update());
    const chart = panel => h(Chart, {key: panel.key, panel, x: panel.x, axis, name: "compare", cursor, pick});
    return h("div.charts", panels.filter(hasData).map(chart));
  }

  update() {
    if (!this.root.isConnected) return;
    const {names, known, unit} = this;
    const several = names.map(name => known.get(name)).filter(({error}) => !error);
    this.times = timesOfAll(several, unit);
    const fields = differing(several);
    if (this.group !== SEEDS && !fields.includes(this.group)) this.group = "";
    const {group} = this;
    const page = [
      h("div.heading", h("h1", "Compare")),
      several.length > 0 && choices(several, fields, this, values => this.set(values)),
      names.length ? differences(this, several, fields) : absent("Choose runs in the table of runs."),
      h("p.note", {"aria-live": "polite"}, group && explanation(group)),
      h("p.fault", {role: "status"}, isApart(several) && APART),
      this.times.length > 1 && slider(this, index => this.set({cursor: this.times[index]})),
      this.paired.view(
        several.map(({row}) => row),
        this.stepOf(several)
      ),
      this.imagesOf(several),
      this.charts(several)
    ];
    render(page, this.root);
    const at = this.cursor === null ? null : rounded(this.times[this.index]);
    remember("compare", "", {runs: names.join(), unit: unit === "images_seen" ? null : unit, group, at});
  }

  // the step of the snapshot of any of the runs at which the slider stands; null at the end
  stepOf(several) {
    const {index, times, unit} = this;
    if (index === times.length - 1) return null;
    const lines = several.flatMap(({lines}) => lines);
    return lines.find(line => line[unit] === times[index])?.step ?? null;
  }

  imagesOf(several) {
    const {unit} = this;
    const head = ({row}) => [
      keyOf(this, several, row.name),
      h("a", {href: address("run", row.name)}, row.name),
      row.fork && h("div.note", forkWords(row))
    ];
    return this.images.view(several, {unit, time: this.times[this.index], head});
  }
}

// a run's number, in the colour of its line
function keyOf({names, known, group}, several, name) {
  const isOf = ([, some]) => some.includes(known.get(name));
  const line = group ? groupsOf(several, group).findIndex(isOf) : names.indexOf(name);
  const colour = COLOURS[Math.max(line, 0) % COLOURS.length];
  return h("span.key", {style: {"--key": colour}}, `${names.indexOf(name) + 1}`);
}

// where on the x axis any of the runs has a snapshot
function timesOfAll(several, unit) {
  return inOrder(several.flatMap(({lines}) => lines.map(line => line[unit])));
}

const rounded = time => Number(time?.toPrecision(6));

function slider({times, index, unit}, moved) {
  const text = `${rounded(times[index]).toLocaleString("en")} ${UNITS[unit]}`;
  const range = {type: "range", min: 0, max: times.length - 1, step: 1, value: index};
  const names = {"aria-label": "moment of training", "aria-valuetext": text};
  const input = h("input", {...range, ...names, oninput: event => moved(Number(event.target.value))});
  return h("div.sticky", h("div.scrubber", h("div.rail", input), h("output.at", text)));
}

// one panel with the lines of all runs, as the first run that has it describes it
function panelOfAll(key, several, {names, unit, group}) {
  const site = commonSite(several, key);
  const x = timesOfPanels(key, site, several, unit);
  const panel = several.map(details => panelOf(details, key, site)).find(Boolean);
  const {title, note} = panel.compared;
  const where = site === undefined ? "each at its own layer" : site && panel.note;
  const lines = linesOf(key, site, x, several, {names, unit, group, format: formatOf(panel)});
  return {...panel, x, title, note: [where, note].filter(Boolean).join("; "), height: 230, lines};
}

// where on the x axis any of the runs has a number of a panel: at snapshots, or at what training logged
const timesOfPanels = (key, site, several, unit) => {
  const of = details => {
    const panel = panelOf(details, key, site);
    return panel ? timesOf(details, panel, unit) : [];
  };
  return inOrder(several.flatMap(of));
};

const inOrder = times => [...new Set(times.filter(known))].sort((a, b) => a - b);

const APART =
  "Scores of which no layer was read in all of them are each at its own layer: these are not comparable.";

const isApart = several => keysOf(several).some(key => commonSite(several, key) === undefined);

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

function differences(view, several, fields) {
  const {names, known} = view;
  const link = name => h("a", {href: address("run", name)}, name);
  const head = name => h("th", {scope: "col"}, keyOf(view, several, name), link(name));
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
  const kinds = kindsOf(names.map(name => known.get(name).row ?? {}));
  const probe = h("span", term("probe_r2"), " (", term("untrained"), "), each at its own layer");
  const state = name => h("td", known.get(name).error ?? stateOf(known.get(name).row));
  const body = [
    h("tr", h("th", {scope: "row"}, "state"), names.map(state)),
    line(phasesTerm("samples", kinds), row => row.phases?.behaviour?.sequence.map(phaseBadge) ?? "not read"),
    line("samples: C from image", (_, details) => details.onsets?.behaviour.C ?? "–"),
    line(phasesTerm("activations", kinds), row => row.phases?.sheet?.sequence.map(phaseBadge) ?? "not read"),
    line("activations: C from image", (_, details) => details.onsets?.sheet.C ?? "–"),
    line("success", row => percent(row.success)),
    names.some(name => known.get(name).row?.probe_r2?.text) && line(probe, probeOf),
    fields.map(field => line(field, (_, details) => valueOf(details, field)))
  ];
  const table = h("table.compare", h("thead", h("tr", h("td"), names.map(head))), h("tbody", body));
  return h("div.tablebox", {tabindex: 0, role: "group", "aria-label": "settings that differ"}, table);
}
