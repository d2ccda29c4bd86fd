// The smoothing of noisy curves.

import {h, known} from "./dom.js";

const MOST_SMOOTH = 0.98;

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
