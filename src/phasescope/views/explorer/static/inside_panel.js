// What the network holds inside for one label at one snapshot: the channels of a layer as small maps.

import {ofRun} from "./api.js";
import {choice, fill, fixed, h, integer, known} from "./dom.js";
import {draw as drawImage, imageOf} from "./images.js";
import {numbersOf} from "./route.js";
import {classChoice} from "./target.js";
import {words} from "./words.js";
import {labelText, marks, within} from "./world.js";

const REST_MS = 160, FEW = 64;

export class InsidePanel {
  // details() as the page has them now; changed() with each choice
  constructor({name, kept, details, changed}) {
    Object.assign(this, {name, kept, details, changed, snapshot: null, answer: null, all: false});
    this.choices = h("div.controls");
    this.labels = h("div.controls.labels");
    this.head = h("p.note", {"aria-live": "polite"});
    this.given = h("canvas.given", {role: "img"});
    this.maps = h("div.mapwall", {role: "group", "aria-label": "maps of the channels"});
    this.more = h("button", {type: "button", hidden: true, onclick: () => this.unfold()});
    this.fault = h("p.fault", {hidden: true});
    const note = h("span.note", "activations by channel, each map in a grey scale of its own");
    const caption = h("figcaption", h("h2", "Inside the network"), note, words(["tap"]));
    const given = h("div.insides", h("div", this.given, h("p.note", "x at t, and the label")));
    this.root = h("figure.panel.inside", caption, this.choices, this.labels, this.fault, this.head, given, this.maps, this.more);
  }

  unfold() {
    this.all = !this.all;
    this.draw();
  }

  restore(query) {
    const {declared, latents, factors} = this.details(), wanted = query.get("inside");
    this.place = /^[^,]+$/.test(wanted ?? "") ? wanted : declared.representation ?? latents[0]?.place ?? null;
    const middle = factors.map(({low, high}) => low + 0.4 * (high - low));
    this.label = within(factors, numbersOf(query.get("of"), factors.length) ?? middle);
    this.fields();
    this.choose();
    this.ask();
  }

  queried() {
    const standing = this.details().declared.representation;
    return {inside: this.place === standing ? null : this.place, of: this.touched ? this.label.join() : null};
  }

  get tap() {
    return this.condition === null ? this.place : this.place.slice(0, this.place.lastIndexOf("."));
  }

  // t, where the place has one: the number after its last dot
  get condition() {
    const found = /\.(\d+)$/.exec(this.place ?? "");
    return found ? Number(found[1]) : null;
  }

  set(k, value) {
    this.label = within(this.details().factors, this.label.map((old, i) => (i === k ? value : old)));
    this.touched = true;
    this.now();
  }

  fields() {
    const shown = (k) => Number(this.label[k].toPrecision(6));
    this.labels.replaceChildren(...this.details().factors.map((factor, k) => {
      const {name, low, high, unit, categorical} = factor;
      if (categorical) return classChoice(factor, this.label[k], (value) => this.set(k, value));
      const input = h("input", {
        type: "number",
        min: low,
        max: high,
        step: (high - low) / 128,
        value: shown(k),
        "aria-label": `${name} of the label${unit ? `, ${unit}` : ""}`,
        onchange: () => {
          this.set(k, Number(input.value));
          input.value = shown(k);
        },
      });
      return h("label.field", h("span", factor.words), input);
    }));
  }

  // the taps are the network's, which is known once it was asked
  choose() {
    const {answer, place} = this, t = this.condition;
    const taps = answer?.taps ?? (place ? [this.tap] : []), [least, most] = answer?.conditions ?? [0, 10_000];
    const offered = [taps, t !== null, this.tap].join();
    if (offered === this.offered) return;
    this.offered = offered;
    const put = (tap, at) => {
      this.place = at === null ? tap : `${tap}.${at}`;
      this.now();
    };
    const level = h("input", {
      type: "number",
      min: least,
      max: most,
      step: 1,
      value: t,
      "aria-label": "noise level t",
      onchange: () => {
        level.value = Math.min(Math.max(Math.round(Number(level.value)) || least, least), most);
        put(this.tap, Number(level.value));
      },
    });
    const named = taps.map((tap) => [tap, tap]);
    fill(
      this.choices,
      taps.length ? choice("tap", named, this.tap, (tap) => put(tap, this.condition)) : null,
      t === null ? null : h("label.field", h("span", "t"), level),
    );
  }

  now() {
    this.ask();
    this.changed();
  }

  move(snapshot) {
    this.snapshot = snapshot;
    clearTimeout(this.resting);
    const url = this.url();
    if (url && this.kept.ready(url)) this.ask();
    else this.resting = setTimeout(() => this.ask(), REST_MS);
  }

  url() {
    const {place, snapshot, label} = this;
    if (!place || !label || !snapshot?.weights) return null;
    return ofRun(this.name, "inside", {place, step: snapshot.step, label: label.join()});
  }

  async ask() {
    const url = (this.wanted = this.url());
    if (!url) {
      if (this.snapshot) this.say("No weights are stored at this snapshot.");
      return;
    }
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

  say(fault) {
    this.fault.textContent = fault;
    this.fault.hidden = !fault;
  }

  draw() {
    const {answer, details} = this;
    if (!answer) return;
    const {maps, shape: [channels, rows, columns], output, given} = answer, made = maps.shape[0];
    const shown = this.all ? made : Math.min(made, FEW), [low, high] = ends(maps.data), t = this.condition;
    const many = shown === channels ? `all ${integer(channels)}` : `the first ${integer(shown)} of ${integer(channels)}`;
    const at = t === null ? "" : ` at t = ${t}`;
    this.head.textContent = `${this.tap}${at}: ${output.join(" × ")}, ${many} channels, ${fixed(low)} (black) to ${fixed(high)} (white)`;
    const {label} = marks(details(), this.label, null);
    drawImage(this.given, imageOf(given), 132, label ? {label} : {});
    const noised = t === null ? "" : `, noised to t = ${t}`;
    this.given.setAttribute("aria-label", `what the network is given: ${labelText(details(), this.label)}${noised}`);
    const size = columns > 4 * rows ? 132 : innerWidth < 640 ? 40 : 48;
    const channel = (i) => {
      const data = maps.data.subarray(i * rows * columns, (i + 1) * rows * columns), [from, to] = ends(data);
      const text = `channel ${i}: ${fixed(from)} to ${fixed(to)}`;
      const canvas = h("canvas", {role: "img", "data-channel": i, title: text, "aria-label": text});
      drawImage(canvas, grey(data, rows, columns, from, to), size);
      return canvas;
    };
    this.maps.replaceChildren(...Array.from({length: shown}, (_, i) => channel(i)));
    this.more.hidden = made <= FEW;
    this.more.textContent = this.all ? `show ${FEW} channels` : `show all ${integer(made)} channels`;
  }

  close() {
    clearTimeout(this.resting);
  }
}

function ends(values) {
  const some = values.filter(known);
  return [some.reduce((a, b) => Math.min(a, b), Infinity), some.reduce((a, b) => Math.max(a, b), -Infinity)];
}

function grey(values, high, wide, from, to) {
  const level = (value) => 255 * Math.min(Math.max((value - from) / (to - from || 1), 0), 1);
  return {data: Uint8Array.from(values, level), high, wide, channels: 1};
}
