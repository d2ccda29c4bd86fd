// @ts-check
// One run: a slider over its snapshots moves everything else.

import {accuracyPanel} from "./accuracy.js";
import {ALONE, Answers, ofRun} from "./api.js";
import {nearest} from "./axes.js";
import {curveChoices, curves, curvesFrom, curvesQuery} from "./curves.js";
import {forkLine} from "./forks.js";
import {choice, fault, h, memo} from "./html.js";
import {picture, Samples} from "./images.js";
import {members, runs, subscribe} from "./live.js";
import {ManifoldPanel} from "./manifold.js";
import {render} from "./preact.js";
import {address, remember} from "./route.js";
import {phaseBadge, stateOf} from "./runs.js";
import {following, followKeys, scrubber} from "./scrubber.js";
import {pageOf} from "./studies.js";
import {phaseKey, phasesTerm, term} from "./words.js";
import {detailsOf, kindsRead, lineAt, outcomeColour} from "./world.js";

const FEW = 36;
const FIRST = 3; // charts beside the manifold; the others stand below, two in a row

export async function open(root, {name, query}) {
  const view = new RunView(root, name, await detailsOf(name));
  view.restore(query);
  return view;
}

class RunView {
  constructor(root, name, details) {
    this.root = root;
    this.name = name;
    this.details = details;
    this.update = this.update.bind(this);
    this.studies = {};
    this.error = "";
    this.sets = {...details.names.splits, all: "all"};
    /** @type {any} what the address says: index of the snapshot, labels, many, selected, curves */
    this.state = {index: 0};
    /** @type {Samples | null} */
    this.samples = null;
    this.answers = new Answers(this.update);
    const save = () => this.save();
    this.manifold = new ManifoldPanel({name, answers: this.answers, update: this.update, save});
    this.wall = memo();
    const unfollow = followKeys(
      () => [this.state.index, this.details.snapshots.length],
      index => this.set({index})
    );
    const leave = subscribe(changed => changed.has(name) && this.follow());
    this.close = () => {
      leave();
      unfollow();
    };
    members.then(studies => {
      this.studies = studies;
      this.update();
    });
  }

  set(values) {
    Object.assign(this.state, values);
    this.update();
    this.save();
  }

  // to the snapshot that lies nearest on the x axis of the curves
  pick(time) {
    const {unit} = this.state.curves;
    const times = this.details.snapshots.map(snapshot => lineAt(this.details, snapshot)?.[unit] ?? Infinity);
    if (times.length) this.set({index: nearest(times, time)});
  }

  save() {
    const {details} = this;
    const {index, labels, many, selected, curves} = this.state;
    const {snapshots} = details;
    const step = index === snapshots.length - 1 ? null : snapshots[index]?.step;
    const [first] = Object.keys(this.sets);
    const images = {
      labels: labels === first ? null : labels,
      many: many ? 1 : null,
      sel: [...selected].join()
    };
    remember("run", this.name, {
      step,
      ...curvesQuery(curves, details),
      ...images,
      ...this.manifold.query(details)
    });
  }

  restore(query) {
    const {details, sets} = this;
    const step = Number(query.get("step") ?? NaN);
    const index = details.snapshots.findIndex(snapshot => snapshot.step === step);
    const selected = (query.get("sel") ?? "").split(",").filter(text => /^\d+$/.test(text));
    this.manifold.restore(query, details);
    this.set({
      index: index < 0 ? Math.max(details.snapshots.length - 1, 0) : index,
      labels: sets[query.get("labels")] ? query.get("labels") : Object.keys(sets)[0],
      many: query.get("many") === "1",
      selected: new Set(selected.map(Number)),
      curves: curvesFrom(query, details)
    });
  }

  // the run has changed on disk
  async follow() {
    const before = this.details;
    try {
      if (!runs.rows.has(this.name)) throw new Error("This run’s folder is gone.");
      this.details = await detailsOf(this.name);
      this.error = "";
    } catch (problem) {
      this.error = problem.message;
    }
    const {details, state} = this;
    if (details.row.started !== before.row.started) this.answers.clear();
    state.curves = {
      ...state.curves,
      site: state.curves.site ?? curvesFrom(new URLSearchParams(), details).site
    };
    state.index = following(state.index, before.snapshots.length, details.snapshots.length);
    this.update();
  }

  // the images of a snapshot, or why there are none; until they are here those of the snapshot before stay
  read(snapshot) {
    if (!snapshot?.samples) return {samples: null, problem: "No images are stored at this snapshot."};
    const {answer, error} = this.answers.get(ofRun(this.name, "samples", {step: snapshot.step}));
    if (error) return {samples: null, problem: error};
    if (answer && this.samples?.answer !== answer) this.samples = new Samples(answer, this.details);
    return {samples: this.samples, problem: null};
  }

  update() {
    if (!this.root.isConnected) return;
    const {name, details, studies, error, sets, state, wall} = this;
    const {snapshots} = details;
    const snapshot = snapshots[state.index];
    const {samples, problem} = this.read(snapshot);
    const next = snapshots[state.index + 1];
    if (samples && next?.samples) this.answers.get(ofRun(name, "samples", {step: next.step}));
    const set = values => this.set(values);
    const images = imagesPanel({details, samples, problem, sets, state, set, wall});
    const {selected} = state;
    const panels = [this.manifold.view({details, snapshot, samples, selected}), images];
    const [choices, charts] = this.histories(lineAt(details, snapshot));
    const page = [
      ALONE && phaseKey(details.outcomes, kindsRead(details)),
      head({name, details, studies, snapshot, error}),
      h("div.sticky", scrubber({details, snapshots, index: state.index, moved: index => set({index})})),
      h("div.columns", h("div.column.histories", choices, charts.slice(0, FIRST)), h("div.column", panels)),
      h("div.charts.histories", charts.slice(FIRST)),
      !ALONE && about(details)
    ];
    render(page, this.root);
  }

  histories(line) {
    const {details, state} = this;
    const set = (field, value) => this.set({curves: {...state.curves, [field]: value}});
    const charts = curves(details, state.curves, line, {pick: time => this.pick(time), update: this.update});
    const position = charts.findIndex(({props}) => props.panel.key === "outcomes") + 1;
    charts.splice(position, 0, accuracyPanel(details, state.curves.split, line ?? details.lines.at(-1)));
    return [curveChoices(details, state.curves, set), charts.filter(Boolean)];
  }
}

// the numbers and phases are those of the snapshot at which the slider stands
function head({name, details, studies, snapshot, error}) {
  const {row, headline, lines, outcomes} = details;
  const member = studies[row.digest];
  const at = lines.findIndex(line => line.step === snapshot?.step);
  const index = at < 0 ? lines.length - 1 : at;
  const {behaviour, sheet} = lines[index]?.phase ?? {};
  const badge = (kind, phase) => [h("span.note", kind), phaseBadge(phase)];
  const badges = h("span.pair", badge("samples", behaviour), badge("activations", sheet));
  const hasWeights = details.snapshots.some(({weights}) => weights);
  const isSampled = hasWeights && !details.sampling.error;
  const links = !ALONE && [
    isSampled && h("a.button", {href: address("sample", name)}, "sample images"),
    h("a.button", {href: address("runs", "", {runs: name})}, "compare")
  ];
  const tags = h("span.note", (row.tags ?? []).join("; "));
  const title = ALONE ? h("h2", "Through training") : [h("h1", name), tags];
  const link = study => h("a.study", {href: pageOf(study)}, study);
  const tile = ([fact, word], i) =>
    h("div", h("dt", term(word, fact)), h("dd", headline.values[index]?.[i] ?? "–"));
  return h(
    "header.runhead",
    h("div.heading", title, stateOf(row), badges, phasesTerm(null, kindsRead(details), outcomes), links),
    fault(row.error),
    fault(error),
    // Runs of equal configuration and seed are equal: whether this one was the study's own is not known.
    member &&
      h(
        "p.note",
        "Same configuration and seed as in study ",
        link(member.study),
        `, cell ${member.cell}, seed ${row.seed}`
      ),
    !ALONE && forkLine(row, runs.rows),
    !ALONE && details.sentence && h("p.note", details.sentence),
    !ALONE && hasWeights && !isSampled && h("p.note", `No samples from here: ${details.sampling.error}.`),
    h("dl.tiles", headline.facts.map(tile))
  );
}

function about({verdict, subject, configuration}) {
  const summary = h("summary", "In words, configuration");
  const sentences = verdict.map(sentence => h("p", sentence));
  const box = {tabindex: 0, role: "group", "aria-label": "configuration"};
  const text = h("pre", box, configuration);
  return h("details.about", summary, h("div.verdict", sentences), h("p.note", subject), text);
}

// which images are shown: a few evenly over the labels, in the order of the split, and those selected
function chosen(samples, {labels, many, selected}) {
  const all = samples.splits.map((split, i) => [split, i]);
  const members = all.filter(([split]) => labels === "all" || split === labels).map(([, i]) => i);
  const few = Array.from({length: FEW}, (_, k) => members[Math.floor((k * members.length) / FEW)]);
  const shown = [...(many || members.length <= FEW ? members : few), ...selected];
  return [...new Set(shown)].sort((a, b) => a - b).filter(i => i < samples.count);
}

function imagesPanel({details, samples, problem, sets, state, set, wall}) {
  const heading = h("figcaption", h("h2", "Generated images"));
  if (!details.snapshots.some(snapshot => snapshot.samples))
    return h("figure.panel", heading, h("p.note", "This run stores no images."));
  const shown = samples ? chosen(samples, state) : [];
  const {labels, many, selected} = state;
  const all = {type: "checkbox", checked: many, onchange: event => set({many: event.target.checked})};
  const controls = h(
    "div.controls",
    choice("labels", Object.entries(sets), labels, value => set({labels: value})),
    h("label.field", h("input", all), h("span", "all of them")),
    h(
      "button",
      {type: "button", disabled: !selected.size, onclick: () => set({selected: new Set()})},
      "select none"
    )
  );
  const count = outcome => shown.filter(i => samples.outcome(i) === outcome).length;
  const square = name => h("i.square", {style: {"--outcome": outcomeColour(details, name)}});
  const entry = ({name}) => h("span", square(name), name, h("output", String(count(name))));
  const outcomes = samples && [...details.outcomes].reverse().map(entry);
  const toggle = i => {
    const others = new Set(selected);
    if (!others.delete(i)) others.add(i);
    set({selected: others});
  };
  const tiles = wall([samples, shown.join(), selected], () =>
    shown.map(i => tile(samples, i, selected.has(i), toggle))
  );
  const marks = details.position
    ? ` Cross: the label${details.outcomes.length ? "; ring: where it was read" : ""}.`
    : "";
  const isFound = details.latents.length > 0 && details.snapshots.some(({weights}) => weights);
  const hint = isFound && !details.sampling.error ? " Select images to find their activations above." : "";
  const note =
    samples &&
    `${shown.length} of ${samples.total} fixed labels, the same noise at every snapshot.${marks}${hint}`;
  return h(
    "figure.panel",
    heading,
    controls,
    h("div.legend.outcomes", outcomes),
    h("div.wall", {role: "group", "aria-label": "generated images"}, tiles),
    h("p.note", problem ?? note)
  );
}

function tile(samples, i, isSelected, toggle) {
  const title = samples.describe(i);
  const size = innerWidth < 640 ? 52 : 58;
  const data = {"data-index": i, "data-outcome": samples.outcome(i), style: {"--outcome": samples.colour(i)}};
  const names = {type: "button", title, "aria-label": title, "aria-pressed": isSelected};
  const image = picture(samples.image(i), size, samples.marks(i));
  return h("button.tile", {key: i, ...names, ...data, onclick: () => toggle(i)}, image);
}
