// The run's history: its panels of curves, of the split and at the site that are chosen, and a table of accuracies.

import {Accuracies} from "./accuracy.js";
import {Chart, nearest} from "./charts.js";
import {choice, h, percent} from "./dom.js";
import {smoothing, softened} from "./smoothing.js";
import {timesOf, unitsOf} from "./world.js";

const NOISY = ["loss", "gradient_norm"];

function power(value) {
  if (value === 0 || (Math.abs(value) >= 0.01 && Math.abs(value) < 1e5)) return String(Number(value.toPrecision(3)));
  return value.toExponential(1);
}

export class Histories {
  constructor({details, pick, changed}) {
    Object.assign(this, {unit: "images_seen", split: details.splits[0], place: null, pick, changed, details});
    this.charts = new Map();
    this.accuracies = details.outcomes.length ? new Accuracies() : null;
    this.smoothing = smoothing(() => this.redraw());
    this.controls = h("div.controls");
    this.root = h("div.histories", this.controls, this.accuracies?.root);
  }

  show(details) {
    this.details = details;
    const places = [...new Set(details.panels.map((panel) => panel.place).filter(Boolean))];
    const declared = details.declared.representation;
    if (!places.includes(this.place)) this.place = places.includes(declared) ? declared : places[0] ?? null;
    const words = new Map(details.panels.map((panel) => [panel.place, panel.note]));
    const choose = (field) => (value) => {
      this[field] = value;
      this.redraw();
    };
    this.controls.replaceChildren(
      choice("against", unitsOf([details]), this.unit, choose("unit")),
      this.accuracies ? choice("images", Object.entries(details.names.splits), this.split, choose("split")) : "",
      places.length ? choice("scores at", places.map((place) => [place, words.get(place)]), this.place, choose("place")) : "",
      this.smoothing.root,
    );
    this.draw();
  }

  redraw() {
    this.draw();
    this.changed();
  }

  // a chart for each kind of panel, made when the first of its kind is there
  chartOf(panel) {
    if (!this.charts.has(panel.key)) {
      const chart = new Chart({...panel, format: panel.percent ? percent : power, pick: this.pick});
      this.charts.set(panel.key, chart);
      this.root.append(chart.root);
      if (panel.key === "outcomes") this.root.append(this.accuracies.root);
    }
    return this.charts.get(panel.key);
  }

  draw() {
    const {details, split, place, unit} = this;
    const shown = (panel) => (!panel.split || panel.split === split) && (!panel.place || panel.place === place);
    for (const panel of details.panels) this.chartOf(panel).root.hidden = true;
    for (const panel of details.panels.filter(shown)) {
      const soft = NOISY.includes(panel.key) ? this.smoothing.weight : 0;
      const dense = panel.over === "scalars";
      this.chartOf(panel).show({
        ...panel,
        x: timesOf(details, panel, unit),
        of: dense ? details.lines.map(({step}) => nearest(details.scalars, step)) : null,
        lines: panel.lines.map((line) => softened(line, soft)),
      });
    }
    this.accuracies?.show(details, split);
  }

  move(index) {
    for (const chart of this.charts.values()) chart.move(index);
    this.accuracies?.move(index);
  }

  query() {
    const {unit, split, place, details} = this;
    return {
      unit: unit === "images_seen" ? null : unit,
      images: split === details.splits[0] ? null : split,
      scores: place,
      smooth: this.smoothing.query(),
    };
  }

  restore(query, details) {
    const units = unitsOf([details]).map(([unit]) => unit);
    this.unit = units.includes(query.get("unit")) ? query.get("unit") : "images_seen";
    this.split = details.splits.includes(query.get("images")) ? query.get("images") : details.splits[0];
    this.place = query.get("scores");
    this.smoothing.set(Number(query.get("smooth")) || 0);
    this.show(details);
  }

  close() {
    for (const chart of this.charts.values()) chart.close();
  }
}
