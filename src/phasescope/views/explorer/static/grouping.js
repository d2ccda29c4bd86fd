// Runs that share a value of a field, as one line: their mean, and a band around it.

import {known} from "./dom.js";

// runs that are compared at once
export const MOST_COMPARED = 48;
export const BANDS = {error: "standard error of the mean", range: "least to greatest"};

// the value of a dotted field of a run's configuration
export const valueOf = ({config}, field) => {
  const value = field.split(".").reduce((tree, key) => tree?.[key], config);
  return known(value) ? (typeof value === "object" ? JSON.stringify(value) : String(value)) : "none";
};

// names of runs by value, numbers in their order
export function grouped(names, value) {
  const groups = new Map();
  for (const name of names) {
    const key = value(name);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(name);
  }
  return [...groups].sort(([a], [b]) => (Number.isNaN(Number(a)) || Number.isNaN(Number(b)) ? a.localeCompare(b) : a - b));
}

// mean, and low and high of the band, of several rows of numbers, where all have one: else a line would jump where a run ends
export function meanOf(rows, band) {
  const columns = rows[0].map((_, i) => rows.map((row) => row[i])), n = rows.length;
  const y = columns.map((values) => (values.every(known) ? values.reduce((sum, value) => sum + value, 0) / n : null));
  if (n < 2) return {y};
  const ends = columns.map((values, i) => {
    if (y[i] === null) return [null, null];
    if (band === "range") return [Math.min(...values), Math.max(...values)];
    const error = Math.sqrt(values.reduce((sum, value) => sum + (value - y[i]) ** 2, 0) / (n - 1) / n);
    return [y[i] - error, y[i] + error];
  });
  return {y, low: ends.map(([low]) => low), high: ends.map(([, high]) => high)};
}
