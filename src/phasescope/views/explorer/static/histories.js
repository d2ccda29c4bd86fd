// The run's history: outcome shares, order with its nulls, dimension; phases above each.

import {Chart} from "./charts.js";
import {UNITS} from "./compare.js";
import {choice, colour, fixed, h, percent} from "./dom.js";

const LABELS = {grid: "on the grid", off_grid: "off the grid"};
const NULL_DASHES = {untrained: "6 3", pixels: "2 2", permuted: "1 3", label_embedding: "9 3 2 3"};

export class Histories {
  constructor({pick, changed}) {
    Object.assign(this, {unit: "images_seen", labels: "grid", place: null, changed});
    const two = (value) => fixed(value), one = (value) => String(Number(value.toPrecision(2)));
    this.outcomes = new Chart({title: "What becomes of its images", height: 200, domain: [0, 1], format: percent, pick});
    this.order = new Chart({title: "Order, with its nulls", note: "ridge R², the least of the factors, 95 % interval", height: 220, domain: [-0.1, 1.02], format: two, pick});
    this.dimension = new Chart({title: "Dimension", note: "participation ratio", height: 190, log: true, format: one, pick});
    this.charts = [this.outcomes, this.order, this.dimension];
    this.controls = h("div.controls");
    this.root = h("div.histories", this.controls, this.charts.map((chart) => chart.root));
  }

  show(details) {
    this.details = details;
    const places = [];
    for (const line of details.lines) for (const [tap, byTime] of Object.entries(line.scores.order ?? {})) for (const t of Object.keys(byTime)) if (!places.includes(`${tap}:${t}`)) places.push(`${tap}:${t}`);
    const declared = details.declared.representation;
    if (!places.includes(this.place)) this.place = declared && places.includes(`${declared.tap}:${declared.t}`) ? `${declared.tap}:${declared.t}` : places[0] ?? null;
    const redraw = () => { this.draw(); this.changed(); };
    this.controls.replaceChildren(
      choice("against", Object.entries(UNITS), this.unit, (value) => { this.unit = value; redraw(); }),
      choice("images", Object.entries(LABELS), this.labels, (value) => { this.labels = value; redraw(); }),
      places.length ? choice("scores at", places.map((place) => [place, place.replace(":", ", t = ")]), this.place, (value) => { this.place = value; redraw(); }) : "");
    this.draw();
  }

  draw() {
    const {details, unit} = this, {lines, thresholds, names} = details;
    const x = lines.map((line) => line[unit]), [tap, t] = (this.place ?? ":").split(":");
    const series = (measure, ...path) => lines.map((line) => path.reduce((tree, key) => tree?.[key], line.scores[measure]?.[tap]?.[t]) ?? null);
    const phases = (reading) => lines.map((line) => line.phase?.[reading] ?? null);
    let below = lines.map(() => 0);
    const stack = names.outcomes.map((outcome) => {
      const y = lines.map((line) => line.outcomes?.[this.labels]?.[outcome] ?? null), from = below;
      below = below.map((value, i) => value + (y[i] ?? 0));
      return {name: outcome, y, colour: colour(`outcome-${outcome}`), area: [from, [...below]]};
    });
    this.outcomes.show({x, lines: stack, strips: [{name: "phase of behaviour", phases: phases("behaviour")}]});

    const nulls = (measure, except = []) => Object.keys(names.nulls).filter((null_) => !except.includes(null_) && series(measure, "nulls", null_).some((value) => value !== null))
      .map((null_) => ({name: names.nulls[null_], y: series(measure, "nulls", null_), colour: "var(--muted)", dash: NULL_DASHES[null_]}));
    const p1 = details.declared.representation_p1, hasP1 = p1 && `${p1.tap}:${p1.t}` === this.place && series("p1_order", "value").some((value) => value !== null);
    this.order.show({x, level: thresholds.order,
      lines: [{name: "order", y: series("order", "value"), low: series("order", "low"), high: series("order", "high"), colour: "var(--order)"},
        ...(hasP1 ? [{name: "P1’s order", title: "UMAP to 3D, then a linear regression", y: series("p1_order", "value"), low: series("p1_order", "low"), high: series("p1_order", "high"), colour: "var(--p1)", dash: "8 2"}] : []), ...nulls("order")],
      strips: [{name: "phase of the representation (ridge)", phases: phases("representation")}, ...(phases("representation_p1").some(Boolean) ? [{name: "phase of the representation (P1’s reading)", mark: "P1", phases: phases("representation_p1")}] : [])]});
    this.dimension.show({x, level: thresholds.label_dimension,
      lines: [{name: "latents", y: series("participation_ratio", "value"), colour: "var(--accent)"}, {name: "label means", y: series("label_dimension", "value"), low: series("label_dimension", "low"), high: series("label_dimension", "high"), colour: "var(--order)"},
        ...nulls("label_dimension", ["label_embedding"]).map((line) => ({...line, name: `${line.name} (label means)`}))]});
  }

  move(index) { for (const chart of this.charts) chart.move(index); }

  query() { return {unit: this.unit === "images_seen" ? null : this.unit, images: this.labels === "grid" ? null : this.labels, scores: this.place}; }

  restore(query, details) {
    this.unit = UNITS[query.get("unit")] ? query.get("unit") : "images_seen";
    this.labels = LABELS[query.get("images")] ? query.get("images") : "grid";
    this.place = query.get("scores");
    this.show(details);
  }

  close() { for (const chart of this.charts) chart.close(); }
}
