// Painted images with what was read in them: a cross where the label is, a ring where the bump was found.

import {colour, fixed, h} from "./dom.js";

// pixels (N, N) of a screen as a bitmap of their own size; dark or bright as they are, in both schemes
export function bitmap(pixels, n) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = n;
  const context = canvas.getContext("2d"), image = context.createImageData(n, n);
  for (let i = 0; i < n * n; i++) image.data.set([pixels[i], pixels[i], pixels[i], 255], 4 * i);
  context.putImageData(image, 0, 0);
  return canvas;
}

// Draw `pixels` on `canvas` at `size` CSS pixels; label and reading in px of the world, pixel centres at 1 ... N.
export function draw(canvas, pixels, n, size, {label = null, reading = null, sigma = 1} = {}) {
  const ratio = Math.max(window.devicePixelRatio || 1, 1), side = Math.round(size * ratio);
  if (canvas.width !== side) { canvas.width = canvas.height = side; canvas.style.width = canvas.style.height = `${size}px`; }
  const context = canvas.getContext("2d"), unit = side / n, at = (value) => (value - 0.5) * unit;
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap(pixels, n), 0, 0, side, side);
  if (label) {
    context.strokeStyle = colour("target");
    context.lineWidth = Math.max(1.2 * ratio, side / 110);
    const [x, y] = label.map(at), arm = Math.max(4 * ratio, 0.045 * side);
    context.beginPath();
    context.moveTo(x - arm, y); context.lineTo(x + arm, y); context.moveTo(x, y - arm); context.lineTo(x, y + arm);
    context.stroke();
  }
  if (reading && reading.every(Number.isFinite)) {
    context.strokeStyle = "#0072b2";
    context.lineWidth = Math.max(1.5 * ratio, side / 90);
    context.beginPath();
    context.arc(at(reading[0]), at(reading[1]), Math.max(2.2 * sigma * unit, 5 * ratio), 0, 2 * Math.PI);
    context.stroke();
  }
}

export function outcomeText(outcome) {
  return {none: "no bump", multiple: "several bumps", malformed: "malformed", misplaced: "misplaced", correct: "correct"}[outcome] ?? "not read";
}

// The samples of one snapshot: images (n, N, N), labels (n, K), readings (n, 4): x, y, width, bumps.
export class Samples {
  constructor(answer) {
    Object.assign(this, {outcome: answer.outcome, onGrid: answer.on_grid, count: answer.images.shape[0], n: answer.images.shape[1]});
    this.images = answer.images.data;
    this.labels = answer.labels.data;
    this.factors = answer.labels.shape[1];
    this.readings = answer.reading.data;
  }

  pixels(i) { return this.images.subarray(i * this.n * this.n, (i + 1) * this.n * this.n); }
  label(i) { return Array.from(this.labels.subarray(i * this.factors, i * this.factors + 2)); }
  reading(i) { return Array.from(this.readings.subarray(4 * i, 4 * i + 2)); }

  // distance of the bump from its label, px; NaN where there is not one bump
  error(i, period = null) {
    const wrap = (d) => (period ? ((d + period / 2) % period + period) % period - period / 2 : d);
    const [x, y] = this.label(i), [u, v] = this.reading(i);
    return Math.hypot(wrap(u - x), wrap(v - y));
  }

  describe(i) {
    const [x, y] = this.label(i), [u, v] = this.reading(i);
    const read = Number.isFinite(u) ? `, bump at ${fixed(u, 1)}, ${fixed(v, 1)}` : "";
    return `label ${fixed(x, 1)}, ${fixed(y, 1)}${read}: ${outcomeText(this.outcome[i])}`;
  }
}

// The wall of images; tiles are made once and drawn anew at each snapshot.
export class Wall {
  constructor({selected, changed, sigma}) {
    Object.assign(this, {selected, changed, sigma, tiles: [], shown: []});
    this.root = h("div.wall", {role: "group", "aria-label": "painted images"});
  }

  choose(indices) {
    if (indices.join() === this.shown.join()) return;
    this.shown = indices;
    this.tiles = indices.map((index) => {
      const canvas = h("canvas");
      const button = h("button.tile", {type: "button", "data-index": index, onclick: () => {
        this.selected[this.selected.has(index) ? "delete" : "add"](index);
        this.mark();
        this.changed();
      }}, canvas);
      return {index, canvas, button};
    });
    this.root.replaceChildren(...this.tiles.map((tile) => tile.button));
  }

  show(samples) {
    const size = innerWidth < 640 ? 52 : 58;
    for (const {index, canvas, button} of this.tiles) {
      draw(canvas, samples.pixels(index), samples.n, size, {label: samples.label(index), reading: samples.reading(index), sigma: this.sigma});
      button.style.setProperty("--outcome", `var(--outcome-${samples.outcome[index] || "none"})`);
      button.dataset.outcome = samples.outcome[index];
      button.title = samples.describe(index);
      button.setAttribute("aria-label", button.title);
    }
    this.mark();
  }

  mark() {
    for (const {index, button} of this.tiles) button.setAttribute("aria-pressed", this.selected.has(index));
  }
}
