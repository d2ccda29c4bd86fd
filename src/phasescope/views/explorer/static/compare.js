// Two or more runs over each other: what differs in their settings, and their curves.

import {Chart} from "./charts.js";
import {absent, choice, fixed, h, integer, known, percent} from "./dom.js";
import {json, ofRun} from "./api.js";
import {runs, subscribe} from "./live.js";
import {address, remember} from "./route.js";
import {orderOf, phaseBadge, stateOf} from "./runs.js";
import {phasesTerm, term} from "./words.js";
import {success} from "./world.js";

// Okabe and Ito's, as far as they are seen on light and on dark; told apart by dashes after these
export const COLOURS = ["var(--accent)", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#9a6a5b", "#8b939d"];
export const DASHES = [null, "7 3", "2 2.5", "9 3 2 3"];
export const UNITS = {images_seen: "images seen", step: "steps", epochs: "epochs"};

const READ = {
  success: ["Share of success, labels that were learnt", (line, details) => line.outcomes?.[details.splits[0]]?.[success(details)], {domain: [0, 1], format: (value) => percent(value)}],
  order: ["Order (untrained)", null, {terms: ["order", "untrained"], domain: [-0.1, 1], format: (value) => fixed(value)}],
  label_dimension: ["Participation ratio of label means", null, {log: true, format: (value) => String(Number(value.toPrecision(2)))}],
  loss: ["Loss", (line) => line.loss, {log: true, format: (value) => value.toExponential(0)}],
};

function scoreOf(details, measure) {
  const place = details.declared.representation;
  return (line) => line.scores[measure]?.[place]?.value;
}

export async function open(root, route) {
  let names = (route.query.get("runs") ?? "").split(",").filter(Boolean).slice(0, 12), unit = UNITS[route.query.get("unit")] ? route.query.get("unit") : "images_seen";
  const found = new Map();

  async function read(name) {
    try { found.set(name, await json(ofRun(name))); } catch (error) { found.set(name, {error: error.message}); }
  }

  const charts = Object.entries(READ).map(([key, [title, , options]]) => [key, new Chart({title, ...options, height: 230, pick: (index) => charts.forEach(([, other]) => other.move(index))})]);
  const units = choice("against", Object.entries(UNITS), unit, (value) => { unit = value; draw(); });
  const heads = h("div.tablebox", {tabindex: 0, role: "group", "aria-label": "in what the runs differ"});
  root.append(h("div.heading", h("h1", "Compare"), units), heads, h("div.charts", charts.map(([, chart]) => chart.root)));
  await Promise.all(names.map(read));

  function draw() {
    const whole = names.filter((name) => !found.get(name).error);
    const xs = [...new Set(whole.flatMap((name) => found.get(name).lines.map((line) => line[unit])))].sort((a, b) => a - b);
    for (const [key, chart] of charts) {
      const lines = whole.map((name) => {
        const index = names.indexOf(name), details = found.get(name), value = READ[key][1] ?? scoreOf(details, key);
        const by = new Map(details.lines.map((line) => [line[unit], value(line, details)]));
        return {name: `${index + 1}`, title: name, y: joined(xs, by), ...beside(details, key), colour: COLOURS[index % COLOURS.length], dash: DASHES[Math.floor(index / COLOURS.length) % DASHES.length]};
      });
      chart.show({x: xs, lines});
      chart.move(null);
    }
    heads.replaceChildren(names.length ? differences() : absent("Choose runs in the table of runs."));
    remember("compare", "", {runs: names.join(","), unit: unit === "images_seen" ? null : unit});
  }

  function differences() {
    const settings = names.map((name) => ({seed: found.get(name).row?.seed, ...found.get(name).row?.settings}));
    const keys = [...new Set(settings.flatMap(Object.keys))].filter((key) => new Set(settings.map((each) => JSON.stringify(each[key]))).size > 1);
    const row = (title, cell) => h("tr", h("th", {scope: "row"}, title), names.map((name, index) => h("td", cell(found.get(name).row, index, name))));
    return h("table.compare",
      h("thead", h("tr", h("td"), names.map((name, index) => h("th", {scope: "col"}, h("span.key", {style: {"--key": COLOURS[index % COLOURS.length]}}, `${index + 1}`), h("a", {href: address("run", name)}, name))))),
      h("tbody",
        row("state", (line, _, name) => (line ? stateOf(line) : found.get(name).error)),
        row(phasesTerm("phases of behaviour"), (line) => line?.phases?.behaviour?.sequence.map(phaseBadge) ?? "–"),
        row("onset of C, images", (line) => integer(line?.phases?.behaviour?.onsets.C)),
        row("success", (line) => percent(line?.success)),
        row(h("span", term("order"), " (", term("untrained"), ")"), (line) => orderOf(line)),
        keys.map((key) => row(key, (line) => told(key === "seed" ? {seed: line?.seed} : line?.settings ?? {}, key)))));
  }

  draw();
  const leave = subscribe(async (changed) => {
    const here = names.filter((name) => changed.has(name) && runs.rows.has(name));
    if (!here.length) return;
    await Promise.all(here.map(read));
    draw();
  });
  const close = () => { leave(); charts.forEach(([, chart]) => chart.close()); };
  return {close};
}

// order's untrained value stands beside it
function beside({lines, declared}, measure) {
  const untrained = measure === "order" && lines.findLast(({scores}) => scores.order?.[declared.representation])?.scores.order[declared.representation].nulls.untrained;
  return known(untrained) && untrained !== false ? {format: (value) => `${fixed(value)} (${fixed(untrained)})`} : {};
}

const told = (settings, key) => (key in settings ? String(settings[key] ?? "none") : "default");

// runs are read at steps of their own: between two of them a line goes straight on
function joined(xs, by) {
  const at = [...by.keys()].filter((x) => by.get(x) !== null && by.get(x) !== undefined).sort((a, b) => a - b);
  let i = 0;
  return xs.map((x) => {
    if (!at.length || x < at[0] || x > at[at.length - 1]) return null;
    while (at[i + 1] <= x) i++;
    const [from, to] = [at[i], at[Math.min(i + 1, at.length - 1)]];
    return to === from ? by.get(from) : by.get(from) + ((x - from) / (to - from)) * (by.get(to) - by.get(from));
  });
}
