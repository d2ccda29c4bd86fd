// The manifold of a run at one snapshot, with what it is read by: place, projection, colour; hovering shows images.

import {ofRun, packet} from "./api.js";
import {choice, h, percent} from "./dom.js";
import {draw as drawImage, imageOf} from "./images.js";
import {axes, ERRORS, eyeOf, eyeText, Manifold, reachOf} from "./manifold.js";
import {words} from "./words.js";
import {inOrder, labelText, marks, told, usualWay} from "./world.js";

const REST_MS = 140;
const OUTCOME = "outcome", ERROR = "error:";
// of a factor's range: an error of so much, or more, has the last colour
const MOST_ERROR = 1 / 8;

export class ManifoldPanel {
  // details(), samples() give what the page has now; target: a label whose latent is shown too (the paint view)
  constructor({name, kept, selected = new Set(), changed, details, samples = () => null, height}) {
    Object.assign(this, {name, kept, selected, changed, details, samples, place: null, projection: "pca", colouring: null, snapshot: null, cloud: null, marks: {}});
    this.plot = new Manifold({height, moved: (eye) => { this.eye = eye; this.changed(); }, hovered: (...point) => this.hover(...point), left: () => this.unhover()});
    this.controls = h("div.controls");
    this.note = h("p.note");
    this.glass = h("div.glass", {hidden: true}, h("canvas", {role: "img", "aria-label": "the image of the point under the hand"}), h("span"));
    this.root = h("figure.panel.manifold", h("figcaption", h("h2", "The latent manifold"), words(["latents", "tap"])), this.controls, h("div.stage", this.plot.scene, this.glass), this.note);
  }

  restore(query) {
    const {latents} = this.details(), wanted = query.get("at");
    this.place = latents.some(({place}) => place === wanted) ? wanted : latents[0]?.place ?? null;
    this.projection = query.get("proj") ?? "pca";
    this.colouring = query.get("colour");
    this.eye = eyeOf(query.get("cam"));
    if (this.eye) this.plot.look(this.eye);
    this.choices();
    this.read();
  }

  query() {
    return {at: this.place, proj: this.projection === "pca" ? null : this.projection, colour: this.colouring === this.details().factors[0]?.name ? null : this.colouring, cam: this.eye ? eyeText(this.eye) : null};
  }

  choices() {
    const {latents, names, factors, outcomes} = this.details(), here = latents.find(({place}) => place === this.place);
    if (!here) {
      this.controls.replaceChildren();
      this.note.textContent = "No snapshot of this run holds latents.";
      this.plot.scene.hidden = true;
      return;
    }
    this.plot.scene.hidden = false;
    if (!here.projections.includes(this.projection)) this.projection = "pca";
    const colours = factors.map(({name}) => [name, name]);
    if (outcomes.length) colours.push([OUTCOME, "outcome"], ...factors.map(({name}) => [ERROR + name, `error of ${name}`]));
    if (!colours.some(([value]) => value === this.colouring)) this.colouring = factors[0]?.name ?? null;
    const set = (field, reading) => (value) => { this[field] = value; if (reading) this.read(); else this.draw(); this.choices(); this.changed(); };
    this.controls.replaceChildren(
      choice("latents at", latents.map(({place, words}) => [place, words]), this.place, set("place", true)),
      choice("projection", here.projections.map((name) => [name, names.projections[name]]), this.projection, set("projection", true)),
      choice("colour", colours, this.colouring, set("colouring", false)));
  }

  where() { return {place: this.place, projection: this.projection}; }

  // the clouds of all snapshots come at once: the scrubber then waits for nothing
  async read() {
    if (!this.place) return;
    const url = ofRun(this.name, "cloud", {...this.where(), of: this.details().snapshots.length});
    this.wanted = url;
    try {
      const cloud = await this.kept.get(url);
      if (this.wanted !== url) return;
      this.cloud = cloud;
      this.reach = reachOf(cloud.points.data);
      this.marks = {};
      this.draw();
      this.painted();
      this.onread?.();
    } catch (error) {
      this.note.textContent = error.message;
    }
  }

  grown() { this.choices(); this.read(); }

  move(snapshot) {
    this.snapshot = snapshot;
    this.unhover();
    this.draw();
  }

  index() { return this.cloud?.steps.indexOf(this.snapshot?.step) ?? -1; }

  // a UMAP has no map for further latents
  pointsUrl() {
    if (this.projection !== "pca") return null;
    return ofRun(this.name, "points", {place: this.place, step: this.snapshot.step, of: this.details().snapshots.length});
  }

  // where the painted labels' latents lie takes the network: it is asked when the scrubber rests
  painted() {
    clearTimeout(this.resting);
    if (this.index() < 0 || !this.snapshot.weights || !this.samples() || !this.pointsUrl() || this.details().painting.error) return;
    const url = this.pointsUrl();
    if (this.kept.ready(url)) { this.draw(); return; }
    this.resting = setTimeout(() => this.kept.get(url).then(() => this.draw(), (error) => { this.note.textContent = error.message; }), REST_MS);
  }

  choose() { this.draw(); }

  draw() {
    const index = this.index();
    if (index < 0) {
      if (this.cloud && this.snapshot) this.note.textContent = "This snapshot holds no latents here.";
      return undefined;
    }
    const {cloud} = this, count = cloud.points.shape[1], samples = this.samples(), answer = samples && this.kept.ready(this.pointsUrl());
    const what = {cloud: axes(cloud.points.data, count, index), reach: this.reach, colouring: this.colours(count), ...this.marks};
    if (answer && answer.points.shape[0] === samples.count) {
      const at = axes(answer.points.data, samples.count);
      what.painted = {...at, values: this.paintedColours(samples)};
      const chosen = [...this.selected].filter((i) => i < samples.count);
      what.chosen = {x: chosen.map((i) => at.x[i]), y: chosen.map((i) => at.y[i]), z: chosen.map((i) => at.z[i]), text: chosen.map((i) => labelText(this.details(), samples.label(i), 0))};
    }
    const share = cloud.shares?.[index];
    this.note.textContent = [`${count} labels`, what.painted ? `${samples.count} painted ones, ringed` : this.ofPainted() ? "the latents of the generated images’ labels are being computed" : "",
      share !== undefined ? `the three components hold ${percent(share)} of the variance` : "UMAP as the run took it"].filter(Boolean).join(" · ");
    this.plot.scene.setAttribute("aria-label", `latents at ${this.details().latents.find(({place}) => place === this.place)?.words ?? this.place} of ${count} labels at step ${this.snapshot.step}, in three dimensions, coloured by ${this.colouring?.replace(ERROR, "error of ")}; drag, or use the arrow keys, to turn`);
    return this.plot.draw(what);
  }

  // whether the colour is of what was painted, not of the label
  ofPainted() { return this.colouring === OUTCOME || this.colouring?.startsWith(ERROR); }

  colours(count) {
    const {factors} = this.details();
    if (this.colouring === OUTCOME) return {of: "painted"};
    if (this.ofPainted()) {
      const factor = factors[this.errorOf()];
      return {of: "painted", scale: ERRORS, low: 0, high: MOST_ERROR * (factor.high - factor.low), title: `error of ${factor.words}`};
    }
    const k = this.coloured(), {labels} = this.cloud, width = labels.shape[1], {scale, words} = factors[k];
    return {of: "cloud", values: Array.from({length: count}, (_, i) => labels.data[i * width + k]), scale: scale.stops, low: scale.low, high: scale.high, ticks: scale.ticks, title: words};
  }

  coloured() { return this.details().factors.findIndex(({name}) => name === this.colouring); }

  errorOf() { return this.details().factors.findIndex(({name}) => ERROR + name === this.colouring); }

  paintedColours(samples) {
    const all = Array.from({length: samples.count}, (_, i) => i);
    if (this.colouring === OUTCOME) return all.map((i) => samples.colour(i));
    if (!this.ofPainted()) return all.map((i) => samples.label(i)[this.coloured()]);
    // where nothing was read there is no error: as far as the scale goes
    const k = this.errorOf(), {low, high} = this.details().factors[k], most = MOST_ERROR * (high - low);
    return all.map((i) => { const error = Math.abs(samples.errors(i)[k]); return Number.isFinite(error) ? Math.min(error, most) : most; });
  }

  async hover(trace, number, event) {
    const samples = this.samples(), mine = (this.hovering = {}), details = this.details(), {painting} = details;
    if (trace === "painted" || trace === "chosen") {
      if (!samples) return;
      const i = trace === "chosen" ? [...this.selected][number] : number;
      this.look(event, samples.image(i), samples.marks(i), samples.describe(i));
      return;
    }
    if (trace !== "cloud" || painting.error || !this.snapshot.weights) return;
    const width = this.cloud.labels.shape[1], label = Array.from(this.cloud.labels.data.subarray(number * width, (number + 1) * width));
    await new Promise((resolve) => setTimeout(resolve, 60));
    if (this.hovering !== mine) return;
    try {
      const answer = await packet(ofRun(this.name, "paint", {label: label.join(), step: this.snapshot.step, ...usualWay(painting), strip: 0}));
      const read = inOrder(details, answer.read), error = inOrder(details, answer.error);
      if (this.hovering === mine) this.look(event, imageOf(answer.image), marks(details, label, read), `${told(details, label, {read, error, outcome: answer.outcome})}, generated now`);
    } catch { /* a label at the rim of the world: nothing to show */ }
  }

  look(event, image, where, text) {
    drawImage(this.glass.querySelector("canvas"), image, 96, where);
    this.glass.querySelector("span").textContent = text;
    this.glass.hidden = false;
    const box = this.plot.scene.getBoundingClientRect(), x = (event?.clientX ?? box.left) - box.left, y = (event?.clientY ?? box.top) - box.top;
    this.glass.style.left = `${Math.max(4, x > box.width / 2 ? x - 170 : x + 18)}px`;
    this.glass.style.top = `${Math.max(4, Math.min(y - 20, box.height - 170))}px`;
  }

  unhover() {
    this.hovering = null;
    this.glass.hidden = true;
  }

  close() { clearTimeout(this.resting); this.plot.close(); }
}
