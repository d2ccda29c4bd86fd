// Generated images with what was read in them: a cross where the label is, a ring where it was read.

import {colour, h} from "./dom.js";
import {marks, outcomeColour, told} from "./world.js";

// image i of an array (n, H, W, c) of bytes, grey (c = 1) or in colour (c = 3)
export function imageOf({data, shape}, i = 0) {
  const [high, wide, channels] = shape.slice(-3), size = high * wide * channels;
  return {data: data.subarray(i * size, (i + 1) * size), high, wide, channels};
}

// a bitmap of the image's own size; dark or bright as it is, in both schemes
export function bitmap({data, high, wide, channels}) {
  const canvas = document.createElement("canvas");
  canvas.width = wide;
  canvas.height = high;
  const context = canvas.getContext("2d"), image = context.createImageData(wide, high), [g, b] = channels === 3 ? [1, 2] : [0, 0];
  for (let i = 0, at = 0; i < high * wide; i++, at += channels) {
    image.data[4 * i] = data[at];
    image.data[4 * i + 1] = data[at + g];
    image.data[4 * i + 2] = data[at + b];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// Draw an image on `canvas`, its longer side `size` CSS pixels; label and reading as `marks` has them.
export function draw(canvas, image, size, {label = null, reading = null, toward = null} = {}) {
  const ratio = Math.max(window.devicePixelRatio || 1, 1), unit = (size * ratio) / Math.max(image.high, image.wide);
  const wide = Math.round(image.wide * unit), high = Math.round(image.high * unit);
  if (canvas.width !== wide || canvas.height !== high) {
    Object.assign(canvas, {width: wide, height: high});
    Object.assign(canvas.style, {width: `${wide / ratio}px`, height: `${high / ratio}px`});
  }
  const context = canvas.getContext("2d"), at = (value) => (value - 0.5) * unit, side = Math.max(wide, high);
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap(image), 0, 0, wide, high);
  context.lineWidth = Math.max(1.2 * ratio, side / 110);
  if (label) cross(context, "target", label.map(at), Math.max(4 * ratio, 0.045 * side));
  if (toward) cross(context, "told", toward.map(at), Math.max(4 * ratio, 0.045 * side), true);
  if (reading && reading.every(Number.isFinite)) {
    context.strokeStyle = "#0072b2";
    context.lineWidth = Math.max(1.5 * ratio, side / 90);
    context.beginPath();
    context.arc(at(reading[0]), at(reading[1]), Math.max(0.07 * side, 5 * ratio), 0, 2 * Math.PI);
    context.stroke();
  }
}

// upright at the label, lying where something else was put in
export function cross(context, name, [x, y], arm, lying = false) {
  context.strokeStyle = colour(name);
  context.beginPath();
  for (const [dx, dy] of lying ? [[0.75, 0.75], [0.75, -0.75]] : [[1, 0], [0, 1]]) {
    context.moveTo(x - dx * arm, y - dy * arm);
    context.lineTo(x + dx * arm, y + dy * arm);
  }
  context.stroke();
}

// The samples of one snapshot: images (n, H, W, c); labels, what was read of each factor, and its error (n, K).
export class Samples {
  constructor(answer, details) {
    Object.assign(this, {details, outcome: answer.outcome, split: answer.split, count: answer.images.shape[0], of: answer.of, images: answer.images, cells: answer.cells});
    this.arrays = {labels: answer.labels, read: answer.read, errors: answer.errors};
  }

  row(what, i) { const {data, shape: [, K]} = this.arrays[what]; return Array.from(data.subarray(i * K, (i + 1) * K)); }
  image(i) { return imageOf(this.images, i); }
  label(i) { return this.row("labels", i); }
  errors(i) { return this.row("errors", i); }
  marks(i) { return marks(this.details, this.label(i), this.row("read", i)); }
  colour(i) { return outcomeColour(this.details, this.outcome[i]); }
  describe(i) { return told(this.details, this.label(i), {read: this.row("read", i), error: this.errors(i), outcome: this.outcome[i]}); }
}

// The wall of images; tiles are made once and drawn anew at each snapshot.
export class Wall {
  constructor({selected, changed}) {
    Object.assign(this, {selected, changed, tiles: [], shown: []});
    this.root = h("div.wall", {role: "group", "aria-label": "generated images"});
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
      draw(canvas, samples.image(index), size, samples.marks(index));
      button.style.setProperty("--outcome", samples.colour(index));
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
