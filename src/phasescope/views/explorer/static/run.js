// One run: a scrubber over its snapshots moves everything else.

import {ALONE, Kept, json, ofRun} from "./api.js";
import {choice, fill, h, integer} from "./dom.js";
import {Histories} from "./histories.js";
import {Samples, Wall} from "./images.js";
import {InsidePanel} from "./inside_panel.js";
import {LabelSpace} from "./label_space.js";
import {members, runs, subscribe} from "./live.js";
import {ManifoldPanel} from "./manifold_panel.js";
import {address, remember} from "./route.js";
import {phaseBadge, stateOf, tagsOf} from "./runs.js";
import {Scrubber} from "./scrubber.js";
import {pageOf} from "./studies.js";
import {phaseKey, phasesTerm, term} from "./words.js";
import {outcomeColour, phaseOf, timed} from "./world.js";

const FEW = 36;

export async function open(root, route) {
  const {name} = route;
  let details = timed(await json(ofRun(name)));
  let studies = {};
  const kept = new Kept(80), selected = new Set();
  const sets = {...details.names.splits, all: "all"}, [first] = Object.keys(sets);
  const state = {unit: "images_seen", labels: first, many: false};
  let samples = null, turn = 0;

  const head = h("header.runhead"), badges = h("span.pair"), tiles = h("dl.tiles");
  const scrubber = new Scrubber({moved: move, describe: (index) => {
    const line = lineAt(index);
    return `${integer(line?.images_seen)} images · step ${integer(line?.step)}`;
  }});
  const histories = new Histories({details, pick: (index) => { scrubber.stop(); goToLine(index); }, changed: save});
  const wall = new Wall({selected, changed: () => { panel.choose(); save(); }});
  const panel = new ManifoldPanel({name, kept, selected, changed: save, details: () => details, samples: () => samples});
  const space = details.label_space ? new LabelSpace(details) : null;
  const within = details.painting.error || !details.factors.length ? null : new InsidePanel({name, kept, changed: save, details: () => details});
  const counts = h("div.legend.outcomes"), imageNote = h("p.note");
  const chooseSet = choice("labels", Object.entries(sets), state.labels, (value) => { state.labels = value; chooseTiles(); show(); save(); });
  const many = h("input", {type: "checkbox", onchange: () => { state.many = many.checked; chooseTiles(); show(); save(); }});
  const none = h("button", {type: "button", onclick: () => { selected.clear(); wall.mark(); panel.choose(); save(); }}, "select none");
  root.append(...(ALONE ? [phaseKey(details.outcomes)] : []), head, h("div.sticky", scrubber.root), h("div.columns",
    h("div.column", histories.root),
    h("div.column", panel.root, space?.root, h("figure.panel", h("figcaption", h("h2", "Generated images")), h("div.controls", chooseSet, h("label.field", many, h("span", "all of them")), none), counts, wall.root, imageNote), within?.root)),
    ...(ALONE ? [] : [about()]));

  const lineAt = (index) => details.lines.find((line) => line.step === details.snapshots[index]?.step);

  function goToLine(index) {
    const {step} = details.lines[index];
    const distances = details.snapshots.map((snapshot) => Math.abs(snapshot.step - step));
    if (distances.length) scrubber.go(distances.indexOf(Math.min(...distances)));
  }

  function header() {
    const {row} = details, member = studies[row.digest];
    const paintable = details.snapshots.some((snapshot) => snapshot.weights) && !details.painting.error;
    fill(head,
      h("div.heading", ALONE ? h("h2", "Through training") : [h("h1", name), tagsOf(row.tags)], stateOf(row), badges, phasesTerm(undefined, details.outcomes),
        paintable ? h("a.button", {href: address("paint", name)}, "generate with it") : null, ALONE ? null : h("a.button", {href: address("runs", "", {runs: name})}, "compare")),
      row.error ? h("p.fault", row.error) : null,
      member ? h("p.note", "Study ", h("a", {href: pageOf(member.study), style: {"text-decoration": "underline"}}, member.study), `, cell ${member.cell}, seed ${row.seed}`) : null,
      details.sentence && !ALONE ? h("p.note", details.sentence) : null,
      tiles);
    tell();
  }

  // the header's numbers and phases are those of the snapshot at which the scrubber stands
  function tell() {
    const {headline: {facts, values}, lines, snapshots} = details, at = lines.findIndex((line) => line.step === snapshots[scrubber.index]?.step);
    const index = at < 0 ? lines.length - 1 : at, phase = lines[index]?.phase ?? {};
    badges.replaceChildren(...[["images", phase.behaviour], ["latents", phase.sheet ?? phase.representation]].flatMap(([of, letter]) => [h("span.note", of), phaseBadge(letter)]));
    if (tiles.children.length !== facts.length) tiles.replaceChildren(...facts.map(([name, word]) => h("div", h("dt", term(word, name)), h("dd"))));
    facts.forEach((_, i) => { tiles.children[i].lastChild.textContent = values[index]?.[i] ?? "–"; });
  }

  function about() {
    const configuration = h("pre", {tabindex: 0, role: "group", "aria-label": "configuration"});
    configuration.textContent = details.configuration;
    return h("details.about", h("summary", "In words, configuration"), h("div.verdict", details.verdict.map((sentence) => h("p", sentence))),
      h("p.note", details.subject), configuration);
  }

  function chooseTiles() {
    if (!samples) return;
    const of = samples.split.map((split, i) => [split, i]).filter(([split]) => state.labels === "all" || split === state.labels).map(([, i]) => i);
    // evenly over the labels, which come in the order of the split
    const few = state.many || of.length <= FEW ? of : Array.from({length: FEW}, (_, k) => of[Math.floor((k * of.length) / FEW)]);
    wall.choose([...new Set([...few, ...selected])].sort((a, b) => a - b).filter((i) => i < samples.count));
  }

  function show() {
    if (!samples) return;
    chooseTiles();
    wall.show(samples);
    const total = {};
    wall.shown.forEach((i) => { total[samples.outcome[i]] = (total[samples.outcome[i]] ?? 0) + 1; });
    counts.replaceChildren(...[...details.outcomes].reverse().map(({name: outcome}) => h("span", h("i.square", {style: {"--outcome": outcomeColour(details, outcome)}}), outcome, h("output", String(total[outcome] ?? 0)))));
    imageNote.textContent = `${wall.shown.length} of ${samples.of} fixed labels, the same noise at every snapshot.${details.position ? ` Cross: the label${details.outcomes.length ? "; ring: where it was read" : ""}.` : ""}${details.painting.error ? "" : " Select images to find their latents above."}`;
  }

  async function move(index) {
    const mine = ++turn, snapshot = details.snapshots[index];
    histories.move(details.lines.findIndex((line) => line.step === snapshot.step));
    panel.move(snapshot);
    within?.move(snapshot);
    tell();
    save();
    if (!snapshot.samples) {
      samples = null;
      space?.show(null);
      wall.choose([]);
      counts.replaceChildren();
      imageNote.textContent = "No images are stored at this snapshot.";
      return;
    }
    try {
      const answer = await kept.get(ofRun(name, "samples", {step: snapshot.step}));
      if (mine !== turn) return;
      samples = new Samples(answer, details);
      show();
      space?.show(samples.cells);
      panel.painted();
    } catch (error) {
      if (mine === turn) imageNote.textContent = error.message;
    }
    const next = details.snapshots[index + 1];
    if (next?.samples && mine === turn) kept.get(ofRun(name, "samples", {step: next.step})).catch(() => {});
  }

  function save() {
    const at = details.snapshots[scrubber.index], last = scrubber.index === details.snapshots.length - 1;
    remember("run", name, {step: last ? null : at?.step, ...histories.query(), labels: state.labels === first ? null : state.labels, many: state.many ? 1 : null, sel: [...selected].join(","), ...panel.query(), ...within?.queried()});
  }

  function restore(query) {
    state.labels = sets[query.get("labels")] ? query.get("labels") : first;
    state.many = query.get("many") === "1";
    chooseSet.querySelector("select").value = state.labels;
    many.checked = state.many;
    selected.clear();
    for (const text of (query.get("sel") ?? "").split(",")) if (/^\d+$/.test(text)) selected.add(Number(text));
    histories.restore(query, details);
    panel.restore(query);
    within?.restore(query);
    const step = Number(query.get("step") ?? NaN), index = details.snapshots.findIndex((snapshot) => snapshot.step === step);
    place(index >= 0 ? index : details.snapshots.length - 1);
  }

  function place(index) {
    scrubber.set(details.snapshots.length, details.snapshots.map((_, i) => phaseOf(lineAt(i))), index);
  }

  header();
  restore(route.query);
  members.then((found) => { studies = found; header(); });
  const leave = subscribe(async (changed) => {
    if (!changed.has(name)) return;
    if (!runs.rows.has(name)) { head.append(h("p.fault", "This run’s folder is gone.")); return; }
    const before = details.snapshots.length, {started} = details.row;
    try { details = timed(await json(ofRun(name))); } catch (error) { head.append(h("p.fault", error.message)); return; }
    if (details.row.started !== started) kept.clear();
    header();
    if (details.snapshots.length === before) return;
    histories.show(details);
    panel.grown();
    place();
  });
  return {restore, close: () => { leave(); scrubber.close(); histories.close(); space?.close(); panel.close(); within?.close(); }};
}
