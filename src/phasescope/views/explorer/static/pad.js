// The pad: two factors of the labels that are trained on or held out, the target that one drags, where it was read, and perhaps
// a second target.

import {ARROWS, colour, eachFrame, fixed, h} from "./dom.js";
import {cross} from "./images.js";

export class Pad {
  // factors of the run, its sets of labels, each with its colour and the training set first (see `painting` in details.py), the
  // two factors shown, moved(x, y, second) with each new target
  constructor({factors, sets, axes, moved}) {
    Object.assign(this, {factors, sets, axes, moved, target: [0, 0], reading: null, second: null, held: false});
    this.canvas = h("canvas.pad", {tabindex: 0, role: "application", "data-keys": ARROWS, "aria-label": "target label; drag it, or use the arrow keys"});
    this.root = h("div.padbox", this.canvas);
    this.draw = eachFrame(() => this.paint());
    this.observer = new ResizeObserver(this.draw);
    this.observer.observe(this.root);
    const at = (event) => {
      const {width, height} = this.canvas.getBoundingClientRect(), [fx, fy] = this.shown();
      return [fx.low + (event.offsetX / width) * (fx.high - fx.low), fy.low + (event.offsetY / height) * (fy.high - fy.low)];
    };
    const point = (event) => this.moved(...at(event), this.held);
    this.canvas.addEventListener("pointerdown", (event) => { this.hold(at(event)); this.canvas.setPointerCapture(event.pointerId); this.canvas.focus(); point(event); event.preventDefault(); });
    this.canvas.addEventListener("pointermove", (event) => { if (event.buttons) point(event); });
    this.canvas.addEventListener("keydown", (event) => {
      const steps = event.shiftKey ? 4 : 1, [right, down] = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key] ?? [];
      if (right === undefined) return;
      event.preventDefault();
      const [sx, sy] = this.shown().map((factor) => (steps * (factor.high - factor.low)) / 128);
      const [x, y] = this.held ? this.second : this.target;
      this.moved(x + right * sx, y + down * sy, this.held);
    });
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", this.draw);
  }

  shown() { return this.axes.map((k) => this.factors[k]); }

  // of two targets that which is nearer; the keys then move it too
  hold(at) {
    const far = (from) => Math.hypot(...this.shown().map(({low, high}, i) => (at[i] - from[i]) / (high - low)));
    this.held = this.second !== null && far(this.second) < far(this.target);
  }

  // the whole label of the second target, or null
  aim(label) {
    this.second = label && this.axes.map((k) => label[k]);
    if (!this.second) this.held = false;
    this.draw();
  }

  // the whole label, and what was read of it, or null
  show(label, reading) {
    const of = (values) => this.axes.map((k) => values[k]);
    this.target = of(label);
    this.reading = reading && of(reading).every(Number.isFinite) ? of(reading) : null;
    this.draw();
  }

  paint() {
    const ratio = window.devicePixelRatio || 1, size = this.root.clientWidth, side = Math.round(size * ratio);
    if (!size) return;
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
    const context = this.canvas.getContext("2d"), [fx, fy] = this.shown();
    const toX = (x) => ((x - fx.low) / (fx.high - fx.low)) * side, toY = (y) => ((y - fy.low) / (fy.high - fy.low)) * side;
    context.clearRect(0, 0, side, side);
    context.drawImage(this.ground(toX, toY, side, ratio), 0, 0);
    if (this.reading) {
      context.strokeStyle = colour("accent");
      context.lineWidth = 2.5 * ratio;
      context.beginPath();
      context.arc(toX(this.reading[0]), toY(this.reading[1]), 10 * ratio, 0, 2 * Math.PI);
      context.stroke();
    }
    context.lineWidth = 2 * ratio;
    cross(context, "target", [toX(this.target[0]), toY(this.target[1])], 15 * ratio);
    if (this.second) cross(context, "told", [toX(this.second[0]), toY(this.second[1])], 15 * ratio, true);
    const text = ([x, y]) => `${fx.name} ${fixed(x)}, ${fy.name} ${fixed(y)}`;
    this.canvas.setAttribute("aria-description", `target ${text(this.target)}${this.second ? `; second target ${text(this.second)}, held near it` : ""}`);
  }

  // the labels: drawn once for a size, a pair of factors and a scheme, so that a drag draws only what moves
  ground(toX, toY, side, ratio) {
    const [i, j] = this.axes, key = [side, i, j, this.scheme.matches].join();
    if (this.grounded?.key === key) return this.grounded.canvas;
    const canvas = Object.assign(document.createElement("canvas"), {width: side, height: side}), context = canvas.getContext("2d");
    const [{values}] = this.sets, apart = side / Math.min(Math.max(values[i].length, values[j].length), 64), radius = Math.max(Math.min(apart / 9, 2.2 * ratio), 0.5);
    this.sets.forEach((set, number) => {
      context.fillStyle = colour(set.colour);
      context.globalAlpha = number ? 1 : 0.75;
      for (const label of set.labels ?? []) { context.beginPath(); context.arc(toX(label[i]), toY(label[j]), number ? 1.4 * radius : radius, 0, 2 * Math.PI); context.fill(); }
      if (set.labels) return;
      // too many for points: their values along the rim, set beside set
      const length = 7 * ratio, from = number * length, wide = Math.max(ratio / 2, 0.5);
      for (const x of set.values[i]) context.fillRect(toX(x), from, wide, length);
      for (const y of set.values[j]) context.fillRect(from, toY(y), length, wide);
    });
    this.grounded = {key, canvas};
    return canvas;
  }

  close() { this.observer.disconnect(); this.scheme.removeEventListener("change", this.draw); }
}
