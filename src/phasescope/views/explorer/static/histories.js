// The run's history: outcome shares, order with its nulls, dimension, measures of one's own; phases above each.

import {Accuracies} from "./accuracy.js";
import {Chart, nearest} from "./charts.js";
import {COLOURS} from "./compare.js";
import {choice, fixed, h, known, percent} from "./dom.js";
import {smoothing, softened} from "./smoothing.js";
import {Standing} from "./standing.js";
import {unitsOf} from "./world.js";

const NULL_DASHES = {untrained: "6 3", pixels: "2 2", permuted: "1 3", label_embedding: "9 3 2 3"}, OTHER_DASHES = "4 2 1 2 1 2";
// those that have a panel of their own
const KNOWN = ["order", "p1_order", "participation_ratio", "label_dimension", "label_share", "order_told", "order_seen", "share_told", "share_seen", "nats"];
const ROUTES = {told: "condition", seen: "input"};
const power = (value) => (value === 0 || value >= 0.01 && value < 1e5 ? String(Number(value.toPrecision(3))) : value.toExponential(1));
const TRAINING = {
  loss: ["Loss", {note: "each of one batch; in runs without scalars, mean since the snapshot before", height: 190, log: true, format: power}],
  learning_rate: ["Learning rate", {height: 150, format: power}],
  gradient_norm: ["Gradient norm", {note: "before clipping", height: 150, log: true, format: power}],
};

export class Histories {
  constructor({details, pick, changed}) {
    Object.assign(this, {unit: "images_seen", split: details.splits[0], place: null, changed, details});
    const chart = (title, options) => new Chart({title, pick, ...options});
    this.outcomes = details.outcomes.length ? chart("Outcomes of generated images", {terms: ["outcome", "phase"], height: 200, domain: [0, 1], format: percent}) : null;
    this.order = "order" in details.names.measures ? chart(`Probe ${details.probe} and its baselines`, {terms: ["order", "null", "untrained", ...("p1_order" in details.names.measures ? ["p1_order", "P1"] : [])], note: details.factors.length > 1 ? `${details.probe}, minimum over factors, 95 % interval; each factor above` : `${details.probe}, 95 % interval`, height: 220, domain: [-0.1, 1.02], format: (value) => fixed(value)}) : null;
    this.dimension = chart("Dimension", {terms: ["dimension", "null"], note: "participation ratio", height: 190, log: true, format: power});
    this.share = "label_share" in details.names.measures ? chart("Variance explained by the label", {terms: ["label_share", "null"], note: "95 % interval", height: 190, domain: [-0.1, 1.02], format: percent}) : null;
    this.denoising = details.lines.some((line) => line.denoising) ? chart("Denoising error", {note: "mean squared error of the noise per pixel, by band of t; dashed: the exact optimum without the label", height: 220, log: true, format: power}) : null;
    this.routes = "order_told" in details.names.measures ? chart("Condition and input", {terms: ["route", "order"], note: `labels crossed with images of others: ${details.probe}, 95 % interval; share of variance`, height: 220, domain: [-0.15, 1.02], format: (value) => fixed(value)}) : null;
    this.accuracies = details.outcomes.length ? new Accuracies() : null;
    this.own = Object.keys(details.names.measures).filter((name) => !KNOWN.includes(name)).map((name) => [name, chart(details.names.measures[name], {note: "95 % interval", height: 190, format: power})]);
    this.standing = details.ladder ? new Standing({ladder: details.ladder, pick}) : null;
    this.nats = details.lines.some((line) => line.nats) ? chart("Nats of the label that were learned", {terms: ["nats"], note: "95 % interval; dashed: all that there are", height: 190, format: (value) => fixed(value)}) : null;
    this.training = Object.entries(TRAINING).filter(([key]) => details.lines.some((line) => known(line[key]))).map(([key, [title, options]]) => [key, chart(title, options)]);
    this.smoothing = smoothing(() => { this.draw(); changed(); });
    this.charts = [this.outcomes, this.accuracies, this.order, this.routes, this.dimension, this.share, this.denoising, this.standing, this.nats, ...[...this.own, ...this.training].map(([, one]) => one)].filter(Boolean);
    this.controls = h("div.controls");
    this.root = h("div.histories", this.controls, this.charts.map((one) => one.root));
  }

  show(details) {
    this.details = details;
    const places = [...new Set(details.lines.flatMap((line) => Object.keys(line.scores.order ?? line.scores.label_share ?? {})))];
    const declared = details.declared.representation;
    if (!places.includes(this.place)) this.place = declared && places.includes(declared) ? declared : places[0] ?? null;
    const redraw = () => { this.draw(); this.changed(); };
    this.controls.replaceChildren(
      choice("against", unitsOf([details]), this.unit, (value) => { this.unit = value; redraw(); }),
      this.outcomes ? choice("images", Object.entries(details.names.splits), this.split, (value) => { this.split = value; redraw(); }) : "",
      places.length ? choice("scores at", places.map((place) => [place, details.names.places[place] ?? place]), this.place, (value) => { this.place = value; redraw(); }) : "",
      this.training.length ? this.smoothing.root : "");
    this.draw();
  }

  series(measure, ...path) { return this.details.lines.map((line) => path.reduce((tree, key) => tree?.[key], line.scores[measure]?.[this.place]) ?? null); }

  phases(reading) { return this.details.lines.map((line) => line.phase?.[reading] ?? null); }

  nulls(measure, except = []) {
    const {nulls} = this.details.names;
    return Object.keys(nulls).filter((name) => !except.includes(name) && this.series(measure, "nulls", name).some(known))
      .map((name) => ({name: nulls[name], y: this.series(measure, "nulls", name), colour: "var(--muted)", dash: NULL_DASHES[name] ?? OTHER_DASHES}));
  }

  scored(name, measure, colour, more = {}) {
    return {name, y: this.series(measure, "value"), low: this.series(measure, "low"), high: this.series(measure, "high"), colour, ...more};
  }

  draw() {
    const {details} = this, {lines} = details, needed = (measure) => this.series(measure, "needed").findLast(known), x = lines.map((line) => line[this.unit]);
    this.drawOutcomes(x);
    const hasP1 = details.declared.representation_p1 === this.place && this.series("p1_order", "value").some(known);
    this.order?.show({x, level: needed("order"),
      lines: [this.scored(details.factors.length > 1 ? "minimum over factors" : details.probe, "order", "var(--order)"),
        ...(hasP1 ? [this.scored("P1’s reading", "p1_order", "var(--p1)", {title: "UMAP to 3D, then a linear regression", dash: "8 2"}),
          {name: "P1’s threshold", y: this.series("p1_order", "needed"), colour: "var(--p1)", dash: "1 3", thin: true}] : []), ...this.nulls("order")],
      strips: [{name: "phase of the representation (ridge)", phases: this.phases("representation")}, ...(this.phases("representation_p1").some(Boolean) ? [{name: "phase of the representation (P1’s reading)", mark: "P1", phases: this.phases("representation_p1")}] : [])]});
    this.dimension.show({x, level: needed("label_dimension"),
      lines: [{name: "latents", y: this.series("participation_ratio", "value"), colour: "var(--accent)"}, this.scored("label means", "label_dimension", "var(--order)"),
        ...this.nulls("label_dimension", ["label_embedding"]).map((line) => ({...line, name: `${line.name} (label means)`}))]});
    this.share?.show({x, level: needed("label_share"), lines: [this.scored("of the variance", "label_share", "var(--order)"), ...this.nulls("label_share")]});
    this.denoising?.show({x, lines: this.bands()});
    this.accuracies?.show(details, this.split);
    this.routes?.show({x, lines: Object.entries(ROUTES).flatMap(([route, words]) => [
      this.scored(words, `order_${route}`, `var(--${route})`),
      {name: `share of variance, ${words}`, y: this.series(`share_${route}`, "value"), colour: `var(--${route})`, dash: "8 2"},
      ...this.nulls(`order_${route}`, ["permuted", "label_embedding"]).map((line) => ({...line, name: `${words}: ${line.name}`, colour: `var(--${route})`, thin: true}))])});
    this.standing?.show(lines, this.unit);
    this.nats?.show({x, lines: this.learnt()});
    for (const [key, chart] of this.training) {
      const {scalars} = details, dense = scalars.some((one) => known(one[key]) && known(one[this.unit])), rows = dense ? scalars : lines;
      const line = {name: TRAINING[key][0].toLowerCase(), y: rows.map((one) => one[key] ?? null), colour: "var(--accent)"};
      const of = dense ? lines.map(({step}) => nearest(rows.map((one) => one.step), step)) : null;
      if (key === "learning_rate") chart.domain = [0, 1.05 * Math.max(...line.y.filter(known))];
      chart.show({x: rows.map((one) => one[this.unit]), of, lines: [key === "learning_rate" ? line : softened(line, this.smoothing.weight)]});
    }
    for (const [name, chart] of this.own) chart.show({x, lines: [this.scored("this network", name, "var(--order)"), ...this.nulls(name)]});
  }

  bands() {
    const {lines} = this.details, bands = lines.findLast((line) => line.denoising).denoising;
    return bands.flatMap(({low, high}, i) => {
      const of = (what) => lines.map((line) => line.denoising?.[i]?.[what] ?? null), colour = COLOURS[i % COLOURS.length];
      return [{name: `t ${low} to ${high - 1}`, y: of("network"), colour}, {y: of("unconditional"), colour, dash: "5 3", thin: true}];
    });
  }

  learnt() {
    const {lines, ladder} = this.details, names = Object.keys(lines.find((line) => line.nats).nats), colours = ["var(--accent)", "var(--told)", "var(--seen)", "var(--order)"];
    return names.flatMap((name, i) => {
      const of = (end) => lines.map((line) => line.nats?.[name]?.[end] ?? null), colour = colours[i % colours.length];
      return [{name, y: of("value"), low: of("low"), high: of("high"), colour}, {y: lines.map(() => ladder.nats[name]), colour, dash: "4 3", thin: true}];
    });
  }

  drawOutcomes(x) {
    if (!this.outcomes) return;
    const {lines, outcomes} = this.details;
    let below = lines.map(() => 0);
    const stack = [...outcomes].reverse().map(({name, colour}) => {
      const y = lines.map((line) => line.outcomes?.[this.split]?.[name] ?? null), from = below;
      below = below.map((value, i) => value + (y[i] ?? 0));
      return {name, y, colour, area: [from, [...below]]};
    });
    this.outcomes.show({x, lines: stack, strips: [{name: "phase of behaviour", phases: this.phases("behaviour")}]});
  }

  move(index) { for (const chart of this.charts) chart.move(index); }

  query() { return {unit: this.unit === "images_seen" ? null : this.unit, images: this.split === this.details.splits[0] ? null : this.split, scores: this.place, smooth: this.smoothing.query()}; }

  restore(query, details) {
    this.unit = unitsOf([details]).some(([unit]) => unit === query.get("unit")) ? query.get("unit") : "images_seen";
    this.split = details.splits.includes(query.get("images")) ? query.get("images") : details.splits[0];
    this.place = query.get("scores");
    this.smoothing.set(Number(query.get("smooth")) || 0);
    this.show(details);
  }

  close() { for (const chart of this.charts) chart.close(); }
}
