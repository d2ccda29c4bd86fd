// @ts-check
// Images with what was read in them: a cross where the label is, a ring where it was read.

import {colour, h} from "./html.js";
import {describe, marks, outcomeColour} from "./world.js";

const RING = "#0072b2";

// image i of an array (n, H, W, c) of bytes, grey (c = 1) or in colour (c = 3)
export function imageOf({data, shape}, i = 0) {
  const [high, wide, channels] = shape.slice(-3);
  const size = high * wide * channels;
  return {data: data.subarray(i * size, (i + 1) * size), high, wide, channels};
}

// row i of an array (n, K) of numbers
export const rowOf = ({data, shape}, i) => Array.from(data.subarray(i * shape[1], (i + 1) * shape[1]));

// a bitmap of the image's own size; dark or bright as it is, in both schemes
function bitmap({data, high, wide, channels}) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, {width: wide, height: high});
  const context = canvas.getContext("2d");
  const image = context.createImageData(wide, high);
  const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
  for (let i = 0; i < high * wide; i++) {
    const at = i * channels;
    image.data.set([data[at], data[at + green], data[at + blue], 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// Draw an image on `canvas`, its longer side `size` CSS pixels; label, reading and toward: places on it, px.
function draw(canvas, image, size, {label, reading, toward}) {
  const ratio = Math.max(devicePixelRatio, 1);
  const unit = (size * ratio) / Math.max(image.high, image.wide);
  const wide = Math.round(image.wide * unit);
  const high = Math.round(image.high * unit);
  const side = Math.max(wide, high);
  if (canvas.width !== wide || canvas.height !== high) {
    Object.assign(canvas, {width: wide, height: high});
    Object.assign(canvas.style, {width: `${wide / ratio}px`, height: `${high / ratio}px`});
  }
  const context = canvas.getContext("2d");
  const at = value => (value - 0.5) * unit;
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap(image), 0, 0, wide, high);
  context.lineWidth = Math.max(1.3 * ratio, side / 100);
  const arm = Math.max(4 * ratio, 0.045 * side);
  const slant = 0.75 * arm;
  if (label)
    cross(context, "target", label.map(at), [
      [arm, 0],
      [0, arm]
    ]);
  if (toward)
    cross(context, "condition", toward.map(at), [
      [slant, slant],
      [slant, -slant]
    ]);
  if (!reading?.every(Number.isFinite)) return;
  context.strokeStyle = RING;
  context.beginPath();
  context.arc(at(reading[0]), at(reading[1]), Math.max(0.07 * side, 5 * ratio), 0, 2 * Math.PI);
  context.stroke();
}

function cross(context, name, [x, y], arms) {
  context.strokeStyle = colour(name);
  context.beginPath();
  for (const [dx, dy] of arms) {
    context.moveTo(x - dx, y - dy);
    context.lineTo(x + dx, y + dy);
  }
  context.stroke();
}

// a canvas with an image
/** @param {any} marked */
export function picture(image, size, marked = {}, properties = {}) {
  return h("canvas", {...properties, ref: canvas => canvas && draw(canvas, image, size, marked)});
}

// The samples of one snapshot: images (n, H, W, c); labels, what was read of each factor, its error (n, K).
export class Samples {
  constructor(answer, details) {
    this.answer = answer;
    this.details = details;
    this.count = answer.images.shape[0];
    this.total = answer.of;
    this.splits = answer.split;
  }

  row(name, i) {
    return rowOf(this.answer[name], i);
  }

  image(i) {
    return imageOf(this.answer.images, i);
  }

  label(i) {
    return this.row("labels", i);
  }

  errors(i) {
    return this.row("errors", i);
  }

  outcome(i) {
    return this.answer.outcome[i];
  }

  marks(i) {
    return marks(this.details, this.label(i), this.row("read", i));
  }

  colour(i) {
    return outcomeColour(this.details, this.outcome(i));
  }

  describe(i) {
    const reading = {label: this.label(i), read: this.row("read", i), error: this.errors(i)};
    return describe(this.details, {...reading, outcome: this.outcome(i)});
  }
}
