// One slider over the snapshots of a run, with its phases under it, keys, and play.

import {eachFrame, h, s} from "./dom.js";
import {phaseStrip} from "./charts.js";

const PLAY_EVERY_MS = 420;

export class Scrubber {
  // moved(index) is called with each new place; describe(index) gives the text beside
  constructor({moved, describe, label = "snapshot", keys = true}) {
    Object.assign(this, {moved, describe, index: 0, count: 0, timer: null, phases: []});
    this.slider = h("input", {type: "range", min: 0, max: 0, step: 1, "aria-label": label, oninput: () => { this.stop(); this.go(Number(this.slider.value)); }});
    this.button = h("button.play", {type: "button", "aria-pressed": "false", onclick: () => this.toggle()}, "play");
    this.text = h("output.at");
    this.strip = s("svg.phases", {height: 9, "aria-hidden": true});
    this.root = h("div.scrubber", this.button, h("div.rail", this.slider, this.strip), this.text);
    this.observer = new ResizeObserver(eachFrame(() => this.drawStrip()));
    this.observer.observe(this.strip);
    if (keys) {
      this.key = (event) => this.pressed(event);
      addEventListener("keydown", this.key);
    }
  }

  // another number of snapshots; whoever stood at the end follows it
  set(count, phases, index) {
    const following = this.count > 0 && this.index === this.count - 1;
    this.phases = phases;
    const wanted = index ?? (following || !this.count ? count - 1 : this.index);
    this.count = count;
    this.slider.max = Math.max(count - 1, 0);
    this.drawStrip();
    this.go(wanted);
  }

  go(index) {
    this.index = Math.max(0, Math.min(index, this.count - 1));
    this.slider.value = this.index;
    const text = this.count ? this.describe(this.index) : "no snapshot yet";
    this.text.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    if (this.count) this.moved(this.index);
  }

  toggle() { return this.timer ? this.stop() : this.play(); }

  play() {
    if (this.count < 2) return;
    if (this.index === this.count - 1) this.go(0);
    this.button.textContent = "pause";
    this.button.setAttribute("aria-pressed", "true");
    this.timer = setInterval(() => {
      if (this.index === this.count - 1) return this.stop();
      this.go(this.index + 1);
    }, PLAY_EVERY_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.textContent = "play";
    this.button.setAttribute("aria-pressed", "false");
  }

  // arrows, Home, End, space; not while somebody types or chooses, nor those that what has the focus names in data-keys as its own
  pressed(event) {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("select, textarea, input:not([type=range]):not([type=checkbox])")) return;
    if (target.closest("[data-keys]")?.dataset.keys.split(" ").includes(event.key)) return;
    if (target.matches("input[type=range]") && target !== this.slider) return;
    const step = event.shiftKey ? 5 : 1;
    const moves = {ArrowLeft: this.index - step, ArrowRight: this.index + step, Home: 0, End: this.count - 1};
    if (event.key in moves) { this.stop(); this.go(moves[event.key]); } else if (event.key === " " && !target.closest("button, a, input[type=checkbox]")) this.toggle(); else return;
    event.preventDefault();
  }

  drawStrip() {
    const width = this.strip.clientWidth;
    if (!width || !this.count) return;
    const pad = 8, xs = this.phases.map((_, i) => pad + (i / Math.max(this.count - 1, 1)) * (width - 2 * pad));
    this.strip.setAttribute("viewBox", `0 0 ${width} 9`);
    this.strip.replaceChildren(...phaseStrip(xs, this.phases, 0, 9).filter((shape) => shape.tagName === "rect"));
  }

  close() {
    this.stop();
    this.observer.disconnect();
    if (this.key) removeEventListener("keydown", this.key);
  }
}
