// One study: phases over the cells of its design, onset curves, then its claims with their verdicts, folded.

import {json} from "./api.js";
import {Chart} from "./charts.js";
import {COLOURS, DASHES} from "./compare.js";
import {absent, choice, fixed, h, integer, known, percent, s} from "./dom.js";
import {findRun, subscribe} from "./live.js";
import {diagram, lineage} from "./phase_diagram.js";
import {address, remember} from "./route.js";
import {phaseBadge} from "./runs.js";
import {phasesTerm, words} from "./words.js";
import {UNITS} from "./world.js";

export async function open(root, route) {
  const study = await json(`/api/studies/${encodeURIComponent(route.name)}`);
  const state = {}, fields = study.axes.map((axis) => axis.field), units = Object.entries(UNITS).filter(([unit]) => study.runs.every((run) => run[unit]));
  root.append(h("div.heading", h("h1", study.name), h("span.note", `${integer(study.runs.length)} runs`), words(["claim", "verdict", "declaration", "P1", "P2"])), study.question ? h("p.question", study.question) : "", verdicts(study.claims));
  if (study.stale) root.append(h("p.fault", "The verdicts rest on other records than those that lie here now: recompute them."));
  const below = study.claims.length || study.amended.length ? h("section", h("h2", "Claims"), study.amended.map(({told, changed}) => h("div.note", h("strong", "Amended "), told, changed.length ? h("details", h("summary", "what changed"), h("ul", changed.map((one) => h("li", one)))) : null)), h("div.claims", study.claims.map(claim))) : "";
  if (!study.runs.length) { root.append(absent("No records of this study are here."), below); return {}; }

  const controls = h("div.controls"), slider = h("input", {type: "range", min: 0, max: 1000, "aria-label": "time of the phase diagram", oninput: () => { state.at = Number(slider.value) / 1000; draw(); }});
  const time = h("output.at"), tiles = h("div.tablebox", {tabindex: 0, role: "group", "aria-label": "phase diagram"}), paths = h("div"), cells = h("div.cell");
  const onset = new Chart({title: "Onsets", terms: ["onset"], note: "share of runs that are in the phase for good", height: 250, domain: [0, 1], format: (value) => percent(value)});
  root.append(controls,
    h("figure.panel", h("figcaption", h("h2", "Phase diagram"), h("span.note", "letter: the phase of most runs; bar: shares of runs; a cell opens its runs"), phasesTerm()), h("div.scrubber", h("div.rail", slider), time), tiles),
    cells,
    h("figure.panel", h("figcaption", h("h2", "Phases over training"), h("span.note", "shares of the runs of each cell")), paths), onset.root, below);

  const of = (run, field) => run.settings[field];
  const label = (field) => field.split(".").slice(1).join(".") || field;
  const last = () => Math.max(...study.runs.map((run) => run[state.unit][run[state.unit].length - 1]));

  function grouped(names) {
    const groups = new Map();
    for (const run of study.runs) {
      const values = names.map((field) => of(run, field)), text = JSON.stringify(values);
      if (!groups.has(text)) groups.set(text, {values, runs: []});
      groups.get(text).runs.push(run);
    }
    const rank = (group) => names.map((field, k) => study.axes.find((axis) => axis.field === field).values.indexOf(group.values[k]));
    return [...groups.values()].sort((a, b) => { const [p, q] = [rank(a), rank(b)]; return p[0] - q[0] || (p[1] ?? 0) - (q[1] ?? 0); });
  }

  function choices() {
    const set = (key) => (value) => { state[key] = value; state.cell = null; choices(); draw(); };
    const axes = fields.map((field) => [field, label(field)]);
    controls.replaceChildren(
      choice("phases of", Object.entries(study.readings), state.reading, set("reading")),
      fields.length ? choice("across", axes, state.x, set("x")) : "",
      fields.length > 1 ? choice("down", [["", "nothing"], ...axes.filter(([field]) => field !== state.x)], state.y, set("y")) : "",
      choice("counted in", units, state.unit, set("unit")),
      choice("onset of", [["B", "B"], ["C", "C"]], state.phase, set("phase")));
  }

  function draw() {
    const end = last(), at = state.at * end, names = [state.x, state.y].filter(Boolean);
    slider.value = Math.round(1000 * state.at);
    time.textContent = state.at === 1 ? "at the end of each run" : `${integer(Math.round(at * 10) / 10)} ${UNITS[state.unit]}`;
    const groups = grouped(names).map((group) => ({...group, title: names.map((field, k) => `${label(field)} = ${group.values[k]}`).join(", ") || "all runs"}));
    const axes = names.map((field) => ({name: label(field), values: study.axes.find((axis) => axis.field === field).values}));
    tiles.replaceChildren(diagram({groups, axes, state, at: state.at === 1 ? Infinity : at, open: (group) => { state.cell = group.title; draw(); }}));
    paths.replaceChildren(...groups.map((group) => lineage({group, state, end, at, open: () => { state.cell = group.title; draw(); }})));
    curves(groups, end);
    const opened = groups.find((group) => group.title === state.cell);
    cells.replaceChildren(...(opened ? [opening(opened)] : []));
    remember("study", study.name, {reading: state.reading, x: state.x, y: state.y || null, unit: state.unit === "images_seen" ? null : state.unit, phase: state.phase === "C" ? null : state.phase, at: state.at === 1 ? null : state.at.toFixed(3), cell: state.cell});
  }

  // the empirical distribution of onsets: runs that never got there stay out of it for good
  function curves(groups, end) {
    const at = (run) => { const seen = run.onsets[state.reading]?.[state.phase]; return known(seen) ? run[state.unit][run.images_seen.indexOf(seen)] : null; };
    const xs = [...new Set([0, end, ...study.runs.map(at).filter(known)].flatMap((x) => [x, Math.max(x - 1e-9 * end, 0)]))].sort((a, b) => a - b);
    onset.show({x: xs, lines: groups.slice(0, 24).map((group, index) => {
      const times = group.runs.map(at).filter(known);
      return {name: group.title, title: `${times.length} of ${group.runs.length} runs reached it`, y: xs.map((x) => times.filter((time) => time <= x).length / group.runs.length), colour: COLOURS[index % COLOURS.length], dash: DASHES[Math.floor(index / COLOURS.length) % DASHES.length], format: (value) => `${fixed(value, 2)} of ${group.runs.length}`};
    })});
    onset.move(null);
  }

  function opening(group) {
    const here = group.runs.filter((run) => findRun(run.digest));
    return h("figure.panel", h("figcaption", h("h2", group.title), h("span.note", `${group.runs.length} runs, ${here.length} of them in the folder of runs`),
      here.length ? h("a.button", {href: address("runs", "", {digests: here.map((run) => run.digest).join(",")})}, "in the table") : null, h("button", {type: "button", onclick: () => { state.cell = null; draw(); }}, "close")),
      h("ul.celled", group.runs.map((run) => {
        const row = findRun(run.digest), text = `${run.name ?? run.digest} · seed ${run.seed ?? "–"}`;
        return h("li", phaseBadge(run[state.reading]?.[run.step.length - 1]), row ? h("a", {href: address("run", row.name)}, text) : h("span.absent", {title: "its folder is not in the folder of runs"}, text), h("span.note", `onset of ${state.phase}: ${integer(run.onsets[state.reading]?.[state.phase])} images`));
      })));
  }

  function restore(query) {
    const pick = (key, among, otherwise) => (among.includes(query.get(key)) ? query.get(key) : otherwise);
    state.reading = pick("reading", Object.keys(study.readings), Object.keys(study.readings)[0]);
    state.x = pick("x", fields, fields[0] ?? null);
    state.y = pick("y", fields.filter((field) => field !== state.x), query.has("x") ? "" : fields.find((field) => field !== state.x) ?? "");
    state.unit = pick("unit", units.map(([unit]) => unit), "images_seen");
    state.phase = pick("phase", ["B", "C"], "C");
    const at = Number(query.get("at") ?? 1);
    state.at = at >= 0 && at <= 1 ? at : 1;
    state.cell = query.get("cell");
    choices();
    draw();
  }

  restore(route.query);
  const leave = subscribe(() => { if (state.cell) draw(); });
  return {restore, close: () => { leave(); onset.close(); }};
}

// how the claims stand, before any is read
function verdicts(claims) {
  const count = (word) => claims.filter(({verdict}) => verdict === word).length;
  const told = ["supported", "refuted", "undecided", "not reached"].filter(count).map((word) => h(`span.verdict-badge.${word.replace(" ", "-")}`, `${count(word)} ${word}`));
  return told.length ? h("p.verdicts", `${integer(claims.length)} ${claims.length === 1 ? "claim" : "claims"}: `, told) : "";
}

// a claim, which unfolds to its interval on a line and the threshold that was declared
function claim(told) {
  const numbers = Object.fromEntries(["value", "low", "high"].map((key) => [key, bound(told[key])]));
  return h("details.claim", {"data-claim": told.name},
    h("summary.sentence", h(`span.verdict-badge.${told.verdict.replace(" ", "-")}`, told.verdict), told.sentence),
    interval(numbers, told),
    h("p.note", [told.n ? `n = ${told.n} runs` : "", told.why].filter(Boolean).map(sentence).join(" ")),
    told.source ? h("p.note", `Source: ${told.source}`) : null, told.limits ? h("p.note", told.limits) : null);
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;

// a number as claims.json has it: what is not finite is its name
function bound(told) {
  return {inf: Infinity, "-inf": -Infinity, nan: null}[told] ?? (told === null || told === undefined || told === "nan" ? null : Number(told));
}

function interval({value, low, high}, {threshold, direction}) {
  if (!known(value) || !known(threshold)) return h("p.note", `declared: ${direction} ${threshold}`);
  const finite = [value, low, high, threshold].filter(Number.isFinite), span = Math.max(...finite) - Math.min(...finite) || 1;
  const from = Math.min(...finite) - 0.15 * span, to = Math.max(...finite) + 0.15 * span, width = 360;
  const x = (number) => 8 + ((Math.min(Math.max(number, from), to) - from) / (to - from)) * (width - 16);
  const short = (number) => (Number.isFinite(number) ? String(Number(number.toPrecision(3))) : "unbounded").replace("-", "−");
  return h("div.interval", s("svg", {viewBox: `0 0 ${width} 44`, role: "img", "aria-label": `${short(value)}, interval ${short(low)} to ${short(high)}, threshold ${short(threshold)}, declared ${direction}`},
    s("rect.beyond", direction === "above" ? {x: x(threshold), y: 8, width: width - 8 - x(threshold), height: 18} : {x: 8, y: 8, width: x(threshold) - 8, height: 18}),
    s("line.level", {x1: x(threshold), x2: x(threshold), y1: 4, y2: 30}), s("text.x", {x: x(threshold), y: 41}, `${direction} ${short(threshold)}`),
    known(low) && known(high) ? s("line.span", {x1: x(low), x2: x(high), y1: 17, y2: 17}) : "", s("circle.dot", {cx: x(value), cy: 17, r: 5})),
    h("span", `${short(value)} `, h("span.note", `[${short(low)}, ${short(high)}]`)));
}
