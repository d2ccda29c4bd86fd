// Loss, learning rate and gradient norm over a run, and the smoothing of noisy curves.

import {Chart} from "./charts.js";
import {h, known} from "./dom.js";

export const MOST_SMOOTH = 0.98;

// the exponential mean of what is known, with its bias towards its start corrected:
//   m_n = (1 - w) sum_k w^(n-k) y_k / (1 - w^n)
export function smoothed(values, weight) {
  if (!weight) return values;
  let sum = 0, share = 1;
  return values.map((value) => {
    if (!known(value)) return null;
    sum = weight * sum + (1 - weight) * value;
    share *= weight;
    return sum / (1 - share);
  });
}

// a line that is smoothed, and what it is made of behind it
export function softened(line, weight) {
  if (!weight) return line;
  const of = (values) => values && smoothed(values, weight);
  return {...line, y: of(line.y), raw: line.y, low: of(line.low), high: of(line.high)};
}

// the slider; changed(weight) is called as it moves
export function smoothing(changed) {
  const told = h("output"), slider = h("input", {type: "range", min: 0, max: MOST_SMOOTH, step: 0.02, value: 0, "aria-label": "smoothing", oninput: () => set(Number(slider.value), true)});
  const root = h("label.field.smoothing", {title: "weight of what was before, in an exponential mean over snapshots with its bias corrected; the line as it was recorded is faint behind"}, h("span", "smoothing"), slider, told);
  let weight = 0;
  function set(wanted, tell = false) {
    weight = wanted > 0 ? Math.min(wanted, MOST_SMOOTH) : 0;
    slider.value = weight;
    told.textContent = weight ? weight.toFixed(2) : "none";
    if (tell) changed(weight);
  }
  set(0);
  return {root, set, get weight() { return weight; }, query: () => (weight ? weight.toFixed(2) : null)};
}

const power = (value) => (value === 0 || value >= 0.01 && value < 1000 ? String(Number(value.toPrecision(3))) : value.toExponential(1));
const OF = {
  loss: ["Loss", {note: "mean over the steps since the snapshot before", height: 190, log: true}],
  learning_rate: ["Learning rate", {note: "last step", height: 150}],
  gradient_norm: ["Gradient norm", {note: "last step, before clipping", height: 150, log: true}],
};

export class Training {
  constructor({pick, changed}) {
    this.charts = Object.fromEntries(Object.entries(OF).map(([key, [title, options]]) => [key, new Chart({title, pick, format: power, ...options})]));
    this.smoothing = smoothing(() => { this.draw(); changed(); });
    const {loss, ...others} = this.charts;
    loss.root.querySelector("figcaption").after(this.smoothing.root);
    this.root = h("div.trainingcharts", loss.root, h("div.pairofcharts", Object.values(others).map((one) => one.root)));
  }

  show(lines, unit, words) { Object.assign(this, {lines, unit, words}); this.draw(); }

  // an older run recorded the loss alone
  draw() {
    const {lines, unit, words} = this, x = lines.map((line) => line[unit]);
    for (const [key, chart] of Object.entries(this.charts)) {
      const line = {name: OF[key][0].toLowerCase(), y: lines.map((one) => one[key] ?? null), colour: "var(--accent)"};
      chart.root.hidden = !line.y.some(known);
      if (chart.root.hidden) continue;
      if (key === "learning_rate") chart.domain = [0, 1.05 * Math.max(...line.y.filter(known))];
      chart.show({x, unit: words, lines: [key === "learning_rate" ? line : softened(line, this.smoothing.weight)]});
    }
  }

  move(index) { for (const chart of Object.values(this.charts)) chart.move(index); }

  query() { return {smooth: this.smoothing.query()}; }

  restore(query) { this.smoothing.set(Number(query.get("smooth")) || 0); }

  close() { for (const chart of Object.values(this.charts)) chart.close(); }
}
