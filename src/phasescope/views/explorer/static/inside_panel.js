// What the network holds inside for one label at one snapshot: the channels of a tap as small maps, and what its attention takes.

import {ofRun} from "./api.js";
import {ARROWS, choice, fill, fixed, h, integer, known} from "./dom.js";
import {draw as drawImage, imageOf} from "./images.js";
import {numbersOf} from "./route.js";
import {classChoice} from "./target.js";
import {words} from "./words.js";
import {labelText, marks, within} from "./world.js";

const REST_MS = 160, FEW = 64, GREYS = {each: "each map by itself", all: "all maps alike"}, HEADS = {mean: "mean over heads", each: "each head"};
const KEYS = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};

export class InsidePanel {
  // details() as the page has them now; changed() with each choice
  constructor({name, kept, details, changed}) {
    Object.assign(this, {name, kept, details, changed, snapshot: null, answer: null, all: false, grey: "each", heads: "mean", query: [0, 0]});
    this.choices = h("div.controls");
    this.labels = h("div.controls.labels");
    this.head = h("p.note", {"aria-live": "polite"});
    this.given = h("canvas.given");
    this.given.addEventListener("pointerdown", (event) => this.point(event));
    this.given.addEventListener("keydown", (event) => this.key(event));
    this.givenNote = h("p.note");
    this.attention = h("div.mapwall", {role: "group", "aria-label": "attention"});
    this.maps = h("div.mapwall", {role: "group", "aria-label": "maps of the channels"});
    this.more = h("button", {type: "button", hidden: true, onclick: () => { this.all = !this.all; this.draw(); }});
    this.fault = h("p.fault", {hidden: true});
    this.root = h("figure.panel.inside", h("figcaption", h("h2", "Inside the network"), h("span.note", "activations by channel, as small maps"), words(["tap"])),
      this.choices, this.labels, this.fault, this.head, h("div.insides", h("div", this.given, this.givenNote), this.attention), this.maps, this.more);
  }

  restore(query) {
    const {declared, latents, factors} = this.details(), wanted = query.get("inside");
    this.place = /^[^,]+$/.test(wanted ?? "") ? wanted : declared.representation ?? latents[0]?.place ?? null;
    this.label = within(factors, numbersOf(query.get("of"), factors.length) ?? factors.map(({low, high}) => low + 0.4 * (high - low)));
    this.grey = GREYS[query.get("grey")] ? query.get("grey") : "each";
    this.heads = HEADS[query.get("heads")] ? query.get("heads") : "mean";
    const cell = numbersOf(query.get("query"), 2);
    this.query = cell?.every((at) => Number.isInteger(at) && at >= 0) ? cell : null;
    this.fields();
    this.choose();
    this.ask();
  }

  queried() {
    const standing = this.details().declared.representation;
    return {inside: this.place === standing ? null : this.place, of: this.touched ? this.label.join() : null, grey: this.grey === "each" ? null : this.grey, heads: this.heads === "mean" ? null : this.heads, query: this.query?.join() ?? null};
  }

  get tap() { return this.condition === null ? this.place : this.place.slice(0, this.place.lastIndexOf(".")); }

  // t, where the place has one: the number after its last dot
  get condition() { const found = /\.(\d+)$/.exec(this.place ?? ""); return found ? Number(found[1]) : null; }

  fields() {
    const {factors} = this.details();
    const set = (k, value) => { this.label = within(factors, this.label.map((old, i) => (i === k ? value : old))); this.touched = true; this.now(); };
    this.labels.replaceChildren(...factors.map((factor, k) => {
      const {name, words: told, low, high, unit, categorical} = factor;
      if (categorical) return classChoice(factor, this.label[k], (value) => set(k, value));
      return h("label.field", h("span", told), h("input", {type: "number", min: low, max: high, step: (high - low) / 128, value: Number(this.label[k].toPrecision(6)), "aria-label": `${name} of the label${unit ? `, ${unit}` : ""}`,
        onchange: (event) => { set(k, Number(event.target.value)); event.target.value = Number(this.label[k].toPrecision(6)); }}));
    }));
  }

  // the taps are the network's, which is known once it was asked
  choose() {
    const {answer, place} = this, taps = answer?.taps ?? (place ? [this.tap] : []), t = this.condition, [least, most] = answer?.conditions ?? [0, 10_000];
    const offered = [taps, t !== null, answer?.heads, this.tap].join();
    if (offered === this.offered) return;
    this.offered = offered;
    const put = (tap, at) => { this.place = at === null ? tap : `${tap}.${at}`; this.query = null; this.now(); };
    fill(this.choices,
      taps.length ? choice("tap", taps.map((tap) => [tap, tap]), this.tap, (tap) => put(tap, this.condition)) : null,
      t === null ? null : h("label.field", h("span", "t"), h("input", {type: "number", min: least, max: most, step: 1, value: t, "aria-label": "noise level t", onchange: (event) => { const at = Math.min(Math.max(Math.round(Number(event.target.value)) || least, least), most); event.target.value = at; put(this.tap, at); }})),
      choice("grey", Object.entries(GREYS), this.grey, (value) => { this.grey = value; this.draw(); this.changed(); }),
      answer?.heads ? choice("attention", Object.entries(HEADS), this.heads, (value) => { this.heads = value; this.draw(); this.changed(); }) : null);
  }

  now() { this.ask(); this.changed(); }

  move(snapshot) {
    this.snapshot = snapshot;
    clearTimeout(this.resting);
    const url = this.url();
    if (url && this.kept.ready(url)) this.ask();
    else this.resting = setTimeout(() => this.ask(), REST_MS);
  }

  url() {
    const {place, snapshot, label, query} = this;
    return place && label && snapshot?.weights ? ofRun(this.name, "inside", {place, step: snapshot.step, label: label.join(), ...(query ? {query: query.join()} : {})}) : null;
  }

  async ask() {
    const url = (this.wanted = this.url());
    if (!url) { if (this.snapshot) this.say("No weights are stored at this snapshot."); return; }
    try {
      const answer = await this.kept.get(url);
      if (this.wanted !== url) return;
      this.answer = answer;
      this.say("");
      this.choose();
      this.draw();
    } catch (error) {
      if (this.wanted === url) this.say(error.message);
    }
  }

  say(fault) { this.fault.textContent = fault; this.fault.hidden = !fault; }

  draw() {
    const {answer, details} = this;
    if (!answer) return;
    const {maps, shape: [channels, rows, columns], output, given, heads} = answer, made = maps.shape[0], shown = this.all ? made : Math.min(made, FEW);
    const [low, high] = ends(maps.data), narrow = innerWidth < 640;
    this.head.textContent = `${this.tap}${this.condition === null ? "" : ` at t = ${this.condition}`}: ${output.join(" × ")}, ${shown === channels ? `all ${integer(channels)}` : `the first ${integer(shown)} of ${integer(channels)}`} channels, ${fixed(low)} (black) to ${fixed(high)} (white)${this.grey === "each" ? " over all; each map has its own greys" : ""}.`;
    const image = imageOf(given), label = marks(details(), this.label, null).label;
    drawImage(this.given, image, 132, label ? {label} : {});
    this.given.setAttribute("aria-label", `what the network is given: ${labelText(details(), this.label)}${this.condition === null ? "" : `, noised to t = ${this.condition}`}${heads ? `; attention is asked for row ${this.row[0] + 1}, column ${this.row[1] + 1} of ${rows} × ${columns}; arrow keys move it` : ""}`);
    for (const [name, value] of Object.entries(heads ? {role: "application", tabindex: 0, "data-keys": ARROWS} : {role: "img", tabindex: null, "data-keys": null})) if (value === null) this.given.removeAttribute(name); else this.given.setAttribute(name, value);
    this.given.classList.toggle("asks", Boolean(heads));
    this.givenNote.textContent = heads ? "x at t; the square asks attention" : "x at t, and the label";
    this.maps.replaceChildren(...Array.from({length: shown}, (_, i) => {
      const data = maps.data.subarray(i * rows * columns, (i + 1) * rows * columns), own = ends(data), [from, to] = this.grey === "each" ? own : [low, high];
      const canvas = h("canvas", {role: "img", "data-channel": i, title: `channel ${i}: ${fixed(own[0])} to ${fixed(own[1])}`, "aria-label": `channel ${i}, ${fixed(own[0])} to ${fixed(own[1])}`});
      drawImage(canvas, grey(data, rows, columns, from, to), columns > 4 * rows ? 132 : narrow ? 40 : 48);
      return canvas;
    }));
    this.more.hidden = made <= FEW;
    this.more.textContent = this.all ? `show ${FEW} channels` : `show all ${integer(made)} channels`;
    this.drawAttention(rows, columns);
  }

  // the position that is asked for, inside the block's sides
  get row() { const [, rows, columns] = this.answer.shape, [i, j] = this.query ?? [Math.floor(rows / 2), Math.floor(columns / 2)]; return [Math.min(i, rows - 1), Math.min(j, columns - 1)]; }

  drawAttention(rows, columns) {
    const {answer: {attention, heads}} = this;
    this.attention.hidden = !heads;
    if (!heads) { this.attention.replaceChildren(); return; }
    if (!this.query) { this.query = this.row; this.ask(); return; }
    const n = rows * columns, each = Array.from({length: heads}, (_, i) => attention.data.subarray(i * n, (i + 1) * n));
    const mean = Float32Array.from({length: n}, (_, i) => each.reduce((sum, one) => sum + one[i], 0) / heads), drawn = this.heads === "mean" ? [["mean over heads", mean]] : each.map((one, i) => [`head ${i + 1}`, one]);
    this.attention.replaceChildren(...drawn.map(([name, shares]) => {
      const most = ends(shares)[1], told = `${name}: at most ${fixed(100 * most, 1)} % at one position, evenly ${fixed(100 / n, 1)} %`, canvas = h("canvas", {role: "img", "aria-label": `attention, ${told}`, "data-attention": name});
      drawImage(canvas, grey(shares, rows, columns, 0, most), this.heads === "mean" ? 132 : 66);
      this.square(canvas, rows, columns);
      return h("figure", canvas, h("figcaption", told));
    }));
    this.square(this.given, rows, columns);
  }

  square(canvas, rows, columns) {
    const [i, j] = this.row, wide = canvas.width / columns, high = canvas.height / rows, context = canvas.getContext("2d");
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--target").trim();
    context.lineWidth = Math.max(1.5, canvas.width / 80);
    context.strokeRect(j * wide, i * high, wide, high);
  }

  point(event) {
    if (!this.answer?.heads) return;
    const {width, height} = this.given.getBoundingClientRect(), [, rows, columns] = this.answer.shape;
    this.go(Math.floor((event.offsetY / height) * rows), Math.floor((event.offsetX / width) * columns));
  }

  key(event) {
    const [down, right] = KEYS[event.key] ?? [];
    if (down === undefined || !this.answer?.heads) return;
    event.preventDefault();
    this.go(this.row[0] + down, this.row[1] + right);
  }

  go(i, j) {
    const [, rows, columns] = this.answer.shape;
    this.query = [Math.min(Math.max(i, 0), rows - 1), Math.min(Math.max(j, 0), columns - 1)];
    this.now();
  }

  close() { clearTimeout(this.resting); }
}

function ends(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) if (known(value)) { if (value < low) low = value; if (value > high) high = value; }
  return [low, high];
}

function grey(values, high, wide, from, to) {
  return {data: Uint8Array.from(values, (value) => 255 * Math.min(Math.max((value - from) / (to - from || 1), 0), 1)), high, wide, channels: 1};
}
