// Two or more runs over each other: what differs in their settings, and their curves, one a run or one a group of runs.

import {Chart} from "./charts.js";
import {absent, choice, fixed, h, integer, known, percent} from "./dom.js";
import {json, ofRun} from "./api.js";
import {BANDS, grouped, meanOf, MOST_COMPARED, valueOf} from "./grouping.js";
import {runs, subscribe} from "./live.js";
import {address, remember} from "./route.js";
import {orderOf, phaseBadge, stateOf} from "./runs.js";
import {smoothing, softened} from "./smoothing.js";
import {phasesTerm, term} from "./words.js";
import {joined, success, timed, timesOf, UNITS, unitsOf} from "./world.js";

const SEEDS = "seeds";

// Okabe and Ito's, as far as they are seen on light and on dark; told apart by dashes after these
export const COLOURS = ["var(--accent)", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#9a6a5b", "#8b939d"];
export const DASHES = [null, "7 3", "2 2.5", "9 3 2 3"];

const READ = {
  outcomes: ["Share of correct images, training labels", {domain: [0, 1], format: percent}],
  order: ["Probe R², minimum over factors (untrained)", {terms: ["order", "untrained"], domain: [-0.1, 1], format: fixed}],
  label_dimension: ["Participation ratio of label means", {log: true, format: (value) => String(Number(value.toPrecision(2)))}],
  loss: ["Loss", {log: true, format: (value) => value.toExponential(0)}],
};
const UNTRAINED = "untrained network";

// a run's panel: of the labels trained on, and at a site
const panelOf = ({panels, splits}, key, place) =>
  panels.find((panel) => panel.key === key && (!panel.split || panel.split === splits[0]) && (!panel.place || panel.place === place));

// the one layer at which all runs are compared: that at which most of them read their phases, else the first that all have
const placesOf = ({panels}) => panels.filter(({key}) => key === "order").map(({place}) => place);
function commonPlace(several) {
  const measured = several.filter((details) => placesOf(details).length);
  const shared = measured.length ? placesOf(measured[0]).filter((place) => measured.every((details) => placesOf(details).includes(place))) : [];
  const votes = (place) => measured.filter(({declared}) => declared.representation === place).length;
  return shared.reduce((best, place) => (best === null || votes(place) > votes(best) ? place : best), null);
}

export async function open(root, route) {
  let names = (route.query.get("runs") ?? "").split(",").filter(Boolean).slice(0, MOST_COMPARED), unit = UNITS[route.query.get("unit")] ? route.query.get("unit") : "images_seen";
  let group = route.query.get("group") ?? "", band = BANDS[route.query.get("band")] ? route.query.get("band") : "error";
  const found = new Map();

  async function read(name) {
    try { found.set(name, timed(await json(ofRun(name)))); } catch (error) { found.set(name, {error: error.message}); }
  }

  const charts = Object.entries(READ).map(([key, [title, options]]) => [key, new Chart({title, ...options, height: 230, pick: (index) => charts.forEach(([, other]) => other.move(index))})]);
  const soft = smoothing(() => draw()), controls = h("div.controls"), grouping = h("p.note", {"aria-live": "polite"}), layers = h("p.fault", {role: "status"});
  soft.set(Number(route.query.get("smooth")) || 0);
  const heads = h("div.tablebox", {tabindex: 0, role: "group", "aria-label": "in what the runs differ"});
  root.append(h("div.heading", h("h1", "Compare")), controls, heads, grouping, layers, h("div.charts", charts.map(([, chart]) => chart.root)));
  await Promise.all(names.map(read));

  const whole = () => names.filter((name) => !found.get(name).error);

  // the fields in which the runs differ, by any of which they can be grouped
  function differing() {
    const fields = [...new Set(whole().flatMap((name) => ["seed", ...Object.keys(found.get(name).row.settings)]))];
    return fields.filter((field) => new Set(whole().map((name) => valueOf(found.get(name), field))).size > 1);
  }

  // the value by which a run is grouped: of one field, or of all in which runs differ except the seed
  const groupOf = (name) => (group === SEEDS ? differing().filter((field) => field !== "seed").map((field) => `${field} = ${valueOf(found.get(name), field)}`).join(", ") || "all runs" : valueOf(found.get(name), group));

  let offered = null;
  function choices() {
    const fields = differing(), seeds = fields.includes("seed") ? [[SEEDS, "configuration, over its seeds"]] : [];
    const units = unitsOf(whole().map((name) => found.get(name)));
    if (!fields.includes(group) && !(group === SEEDS && seeds.length)) group = "";
    // a choice that is open is not taken from under a hand
    const now = [group, unit, ...fields, ...units].join();
    if (offered === now) return;
    offered = now;
    controls.replaceChildren(choice("against", units, unit, (value) => { unit = value; choices(); draw(); }),
      fields.length ? choice("a line for each", [["", "run"], ...seeds, ...fields.map((field) => [field, `value of ${field}`])], group, (value) => { group = value; choices(); draw(); }) : "",
      group ? choice("band", Object.entries(BANDS), band, (value) => { band = value; draw(); }) : "", soft.root);
  }

  // the lines of a chart, each y over xs
  function linesOf(key, xs) {
    const common = commonPlace(whole().map((name) => found.get(name)));
    const curve = (name) => {
      const details = found.get(name), panel = panelOf(details, key, common ?? details.declared.representation);
      const line = key === "outcomes" ? panel?.lines.find((one) => one.name === success(details)) : panel?.lines[0];
      const times = panel ? timesOf(details, panel, unit) : [];
      return joined(xs, new Map(times.map((time, i) => [time, line.y[i]]).filter(([time]) => known(time))));
    };
    const look = (index) => ({colour: COLOURS[index % COLOURS.length], dash: DASHES[Math.floor(index / COLOURS.length) % DASHES.length]});
    if (!group) return whole().map((name) => ({name: `${names.indexOf(name) + 1}`, title: name, y: curve(name), ...beside([found.get(name)], key, common), ...look(names.indexOf(name))}));
    return grouped(whole().filter((name) => curve(name).some(known)), groupOf).map(([value, members], index) => ({name: group === SEEDS ? value : `${group} = ${value}`, title: `${members.length} ${members.length === 1 ? "run" : "runs"}`, ...meanOf(members.map(curve), band), ...beside(members.map((name) => found.get(name)), key, common), ...look(index)}));
  }

  function draw() {
    const xs = [...new Set(whole().flatMap((name) => found.get(name).lines.map((line) => line[unit]).filter(known)))].sort((a, b) => a - b);
    for (const [key, chart] of charts) {
      const lines = linesOf(key, xs).map((line) => softened(line, soft.weight));
      chart.show({x: xs, lines});
      chart.move(null);
    }
    heads.replaceChildren(names.length ? differences() : absent("Choose runs in the table of runs."));
    const several = whole().map((name) => found.get(name)), apart = several.some((details) => placesOf(details).length) && commonPlace(several) === null;
    layers.textContent = apart ? "No layer was read in all of them: scores of different layers are not comparable." : "";
    grouping.textContent = group ? `A line is the mean of the runs of one ${group === SEEDS ? "configuration" : `value of ${group}`}, where all of them have a value; band: ${BANDS[band]}.` : "";
    remember("compare", "", {runs: names.join(","), unit: unit === "images_seen" ? null : unit, group, band: group && band !== "error" ? band : null, smooth: soft.query()});
  }

  function differences() {
    const groups = group ? grouped(whole(), groupOf) : null;
    const keyed = (name, index) => COLOURS[(groups ? Math.max(groups.findIndex(([, members]) => members.includes(name)), 0) : index) % COLOURS.length];
    const row = (title, cell) => h("tr", h("th", {scope: "row"}, title), names.map((name, index) => h("td", cell(found.get(name).row, index, name))));
    return h("table.compare",
      h("thead", h("tr", h("td"), names.map((name, index) => h("th", {scope: "col"}, h("span.key", {style: {"--key": keyed(name, index)}}, `${index + 1}`), h("a", {href: address("run", name)}, name))))),
      h("tbody",
        row("state", (line, _, name) => (line ? stateOf(line) : found.get(name).error)),
        row(phasesTerm("phases of behaviour"), (line) => line?.phases?.behaviour?.sequence.map(phaseBadge) ?? "–"),
        row("onset of C, images", (line) => integer(line?.phases?.behaviour?.onsets.C)),
        row("success", (line) => percent(line?.success)),
        row(h("span", term("order"), " (", term("untrained"), "), each at its own layer"), (line) => orderOf(line)),
        differing().map((field) => row(field, (_, __, name) => valueOf(found.get(name), field)))));
  }

  choices();
  draw();
  const leave = subscribe(async (changed) => {
    const here = names.filter((name) => changed.has(name) && runs.rows.has(name));
    if (!here.length) return;
    await Promise.all(here.map(read));
    choices();
    draw();
  });
  return {close: () => { leave(); charts.forEach(([, chart]) => chart.close()); }};
}

// order's untrained value stands beside it: of several runs the mean
function beside(several, measure, common) {
  if (measure !== "order") return {};
  const each = several.map((details) => panelOf(details, "order", common ?? details.declared.representation)?.lines.find(({name}) => name === UNTRAINED)?.y.findLast(known)).filter(known);
  const untrained = each.reduce((sum, value) => sum + value, 0) / each.length;
  return each.length ? {format: (value) => `${fixed(value)} (${fixed(untrained)})`} : {};
}
