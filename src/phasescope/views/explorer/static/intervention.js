// What is at a tap is changed while the network paints: the same label from the same noise, and where the image goes.

import {packet} from "./api.js";
import {choice, fill, fixed, h} from "./dom.js";
import {draw as drawImage, imageOf} from "./images.js";
import {numbersOf} from "./route.js";
import {labelText, marks, within} from "./world.js";

const WAYS = {"": "none", patch: "patch: all of another label’s", part: "part: what labels explain", steer: "steer: a step", ablate: "ablate: no label left"};
const SHOWN = "matched";

export class Intervention {
  // details: see details.py; target: the label that is told, on whose pad the other one is dragged; asked(label, more): the
  // address of a painting; size(): of an image; changed() with each choice
  constructor({details, target, asked, size, changed}) {
    const {factors} = details, along = target.measured[0] ?? 0;
    Object.assign(this, {details, target, asked, size, changed, how: "", tap: null, taps: []});
    this.put = null;
    this.by = factors.map(({low, high}, k) => (k === along ? (high - low) / 8 : 0));
    target.aimed = (label) => { this.aim(label); this.want(); };
    this.choices = h("div.controls");
    this.fields = h("div.controls.labels");
    this.canvas = h("canvas.changed", {role: "img", "aria-label": "the image generated with the intervention"});
    this.reading = h("p.reading", {"aria-live": "polite"});
    this.fault = h("p.fault", {hidden: true});
    this.root = h("figure.panel.intervention", h("figcaption", h("h2", "Intervention")), this.canvas, this.reading, this.fault, this.choices, this.fields);
  }

  // the label that is put in, or where the step leads
  toward() {
    if (this.how === "steer") return within(this.details.factors, this.target.label.map((value, k) => value + this.by[k]));
    if (this.how !== "patch" && this.how !== "part") return null;
    // where nobody chose one yet: the label on the other side of the world
    this.put ??= within(this.details.factors, this.details.factors.map(({low, high}, k) => low + high - this.target.label[k]));
    return this.put;
  }

  aim(label) {
    if (this.how === "steer") this.by = label.map((value, k) => value - this.target.label[k]);
    else this.put = label;
    this.arrange();
  }

  // the taps are the network's, which is known once it has painted
  known(taps) {
    if (taps.join() === this.taps.join()) return;
    this.taps = taps;
    if (!taps.includes(this.tap)) this.tap = taps[taps.length - 1] ?? null;
    this.arrange();
  }

  arrange() {
    const {factors} = this.details, steer = this.how === "steer", toward = this.toward(), values = steer ? this.by : this.put, on = Boolean(this.how);
    const set = (field) => (value) => { this[field] = value; this.arrange(); this.want(); };
    fill(this.choices, choice("how", Object.entries(WAYS), this.how, set("how")), on && this.taps.length ? choice("tap", this.taps.map((tap) => [tap, tap]), this.tap, set("tap")) : null);
    fill(this.fields, ...(toward ? factors.map(({name, unit, low, high, categorical}, k) => (steer && categorical ? null
      : h("label.field", h("span", `${steer ? "by" : "to"} ${name}`), h("input", {type: "number", step: categorical ? 1 : (high - low) / 128, "aria-label": `${steer ? "step in" : "other"} ${name}${unit ? `, ${unit}` : ""}`, value: Number(values[k].toPrecision(4)),
        onchange: (event) => { const wanted = [...values]; wanted[k] = Number(event.target.value) || 0; this.aim(steer ? this.target.label.map((value, i) => value + wanted[i]) : within(factors, wanted)); this.want(); }})))) : []));
    this.canvas.hidden = this.reading.hidden = !on;
    this.target.aim(toward);
  }

  // one question at a time, always the latest; the promise is kept when the last is answered
  want() {
    this.changed();
    this.wanted = Boolean(this.how && this.tap);
    this.asking ??= this.follow().finally(() => { this.asking = null; });
    return this.asking;
  }

  async follow() {
    while (this.wanted && !this.closed) {
      this.wanted = false;
      const {label} = this.target, toward = this.toward();
      this.target.aim(toward);
      const towards = this.how === "steer" ? toward.map((value, k) => Number((value - label[k]).toPrecision(8))) : toward;
      try {
        const began = performance.now(), answer = await packet(this.asked(label, {strip: 0, tap: this.tap, how: this.how, ...(towards ? {towards: towards.join()} : {})}));
        if (this.closed) return;
        this.show(answer, label, toward, Math.round(performance.now() - began));
      } catch (error) {
        this.fault.textContent = error.message;
        this.fault.hidden = false;
      }
    }
  }

  show(answer, label, toward, took) {
    const way = answer.went[SHOWN] ? SHOWN : Object.keys(answer.went)[0], found = answer.went[way];
    drawImage(this.canvas, imageOf(answer.image), this.size(), {...marks(this.details, label, found?.at), toward: toward ? marks(this.details, toward).label ?? null : null});
    const ways = this.details.names.ways, told = {followed: "follows what was put in", stayed: "stays at its own label", either: "is at its own label and at what was put in", elsewhere: "is elsewhere"};
    this.reading.textContent = `${this.tap}: ${found ? `the image ${told[found.went]}; ${ways[way] ?? way}: ${labelText(this.details, found.at, 2)}` : "nothing reads these images"} · ${took} ms`;
    Object.assign(this.reading.dataset, {went: found?.went ?? "", at: found?.at.map((value) => fixed(value)).join() ?? "", label: label.join(), toward: toward?.join() ?? ""});
    this.fault.hidden = true;
  }

  query() {
    if (!this.how) return {};
    const values = this.how === "steer" ? this.by : this.put;
    return {how: this.how, tap: this.tap, towards: this.toward() ? values.map((value) => Number(value.toPrecision(6))).join() : null};
  }

  restore(query) {
    const towards = numbersOf(query.get("towards"), this.details.factors.length);
    this.how = query.get("how") in WAYS ? query.get("how") : "";
    if (query.has("tap")) this.tap = query.get("tap");
    if (towards) this[this.how === "steer" ? "by" : "put"] = this.how === "steer" ? towards : within(this.details.factors, towards);
    this.arrange();
  }

  close() { this.closed = true; }
}
