// The pad: the training grid, the target that one drags, and where the bump was read.

import {colour, eachFrame, fixed, h} from "./dom.js";

export class Pad {
  // painting: see details.py; moved(x, y) with each new target
  constructor(painting, moved) {
    Object.assign(this, {painting, moved, target: [0, 0], reading: null});
    this.canvas = h("canvas.pad", {tabindex: 0, role: "application", "data-keys": true, "aria-label": "target of the painting; drag it, or use the arrow keys"});
    this.root = h("div.padbox", this.canvas);
    this.draw = eachFrame(() => this.paint());
    this.observer = new ResizeObserver(this.draw);
    this.observer.observe(this.root);
    const point = (event) => {
      const {width, height} = this.canvas.getBoundingClientRect(), [fx, fy] = painting.factors;
      this.go(fx.low + (event.offsetX / width) * (fx.high - fx.low), fy.low + (event.offsetY / height) * (fy.high - fy.low));
    };
    this.canvas.addEventListener("pointerdown", (event) => { this.canvas.setPointerCapture(event.pointerId); this.canvas.focus(); point(event); event.preventDefault(); });
    this.canvas.addEventListener("pointermove", (event) => { if (event.buttons) point(event); });
    this.canvas.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 1 : 0.25, moves = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}[event.key];
      if (!moves) return;
      event.preventDefault();
      this.go(this.target[0] + moves[0], this.target[1] + moves[1]);
    });
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", this.draw);
  }

  go(x, y, quiet = false) {
    const held = [x, y].map((value, k) => { const {low, high} = this.painting.factors[k]; return Math.round(Math.min(Math.max(value, low), high) * 100) / 100; });
    this.target = held;
    this.reading = null;
    this.draw();
    if (!quiet) this.moved(...held);
  }

  read(reading) { this.reading = reading; this.draw(); }

  // whether the target is one of the labels that were learnt
  onGrid() { return this.painting.grid_axes.every((values, k) => values.some((value) => Math.abs(value - this.target[k]) < 0.005)); }

  paint() {
    const ratio = window.devicePixelRatio || 1, size = this.root.clientWidth, side = Math.round(size * ratio);
    if (!size) return;
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
    const context = this.canvas.getContext("2d"), [fx, fy] = this.painting.factors;
    const toX = (x) => ((x - fx.low) / (fx.high - fx.low)) * side, toY = (y) => ((y - fy.low) / (fy.high - fy.low)) * side;
    context.clearRect(0, 0, side, side);
    context.fillStyle = colour("muted");
    const [xs, ys] = this.painting.grid_axes, apart = side / Math.max(xs.length, ys.length), radius = Math.max(Math.min(apart / 9, 2.2 * ratio), 0.5);
    if (this.painting.grid) {
      context.globalAlpha = 0.75;
      for (const [x, y] of this.painting.grid) { context.beginPath(); context.arc(toX(x), toY(y), radius, 0, 2 * Math.PI); context.fill(); }
    } else {
      // too dense for points: its axes along the rim
      context.globalAlpha = 0.6;
      for (const x of xs) context.fillRect(toX(x), 0, Math.max(ratio / 2, 0.5), 7 * ratio);
      for (const y of ys) context.fillRect(0, toY(y), 7 * ratio, Math.max(ratio / 2, 0.5));
    }
    context.globalAlpha = 1;
    if (this.reading) {
      context.strokeStyle = colour("accent");
      context.lineWidth = 2.5 * ratio;
      context.beginPath();
      context.arc(toX(this.reading[0]), toY(this.reading[1]), 10 * ratio, 0, 2 * Math.PI);
      context.stroke();
    }
    const [x, y] = [toX(this.target[0]), toY(this.target[1])];
    context.strokeStyle = colour("target");
    context.lineWidth = 2 * ratio;
    context.beginPath();
    context.moveTo(x - 15 * ratio, y); context.lineTo(x + 15 * ratio, y); context.moveTo(x, y - 15 * ratio); context.lineTo(x, y + 15 * ratio);
    context.stroke();
    this.canvas.setAttribute("aria-description", `target ${fixed(this.target[0])}, ${fixed(this.target[1])}`);
  }

  close() { this.observer.disconnect(); this.scheme.removeEventListener("change", this.draw); }
}
